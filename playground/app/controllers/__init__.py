"""What the window does: they own the work, write the model and emit signals; they know no widget."""
