"""Threads that drive iterators, and the mailboxes for their results."""
