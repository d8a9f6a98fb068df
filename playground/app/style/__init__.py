"""The window's look and wording: theme, number formats, line breaks, labels."""
