"""The plot in the middle of the window, and its mouse tools."""
