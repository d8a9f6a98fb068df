"""What a user can get wrong: every room raises it, and whoever shows an error tells it from the program's own faults."""


class Mistake(Exception):
    """Something asked for that cannot be done: the message is one sentence for the user.

    Every room's errors that are written for the user inherit it.
    """
