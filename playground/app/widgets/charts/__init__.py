"""Small charts, one per file."""
