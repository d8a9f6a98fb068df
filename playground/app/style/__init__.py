"""How the window looks and words what it says: theme, number formats, line breaks, labels."""
