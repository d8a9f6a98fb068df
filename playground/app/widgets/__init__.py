"""The controls that cards and dialogs are made of."""
