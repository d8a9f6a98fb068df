"""Threads that drive iterators, and the mailbox that they leave results in."""
