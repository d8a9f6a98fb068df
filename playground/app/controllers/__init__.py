"""The window's work. Controllers own it, write the model and emit signals; they know no widget."""
