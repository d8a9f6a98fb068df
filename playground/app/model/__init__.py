"""What the window shows: the experiment with its history, and what was built and trained for it."""
