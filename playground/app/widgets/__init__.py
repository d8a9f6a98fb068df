"""The controls in cards and dialogs."""
