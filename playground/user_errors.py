"""What a user can get wrong, as a message: whoever shows an error asks here whether it is one of the user's or the program's."""

import difflib
import errno
from collections.abc import Collection

from playground.messages import Message, plain, setting

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""Errors that only writing meets: the disk is full, or the user's share of it."""


class UserError(Exception):
    """Something asked for that cannot be done: the message is one sentence for the user.

    Every room's errors that are written for the user inherit it.

    Attributes:
        message: the same as a value.
    """

    def __init__(self, message: Message | str) -> None:
        super().__init__(str(message))
        self.message = message if isinstance(message, Message) else plain(message)


def cannot_write(path: object, error: Exception) -> str:
    """That a file cannot be written, why, and what helps against that, in one sentence."""
    reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
    code = getattr(error, "errno", None)
    if code == errno.ENAMETOOLONG:
        helps = "give it a shorter name"
    elif code == errno.EISDIR:
        helps = "choose another name"
    elif code in (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS):
        helps = "choose another folder"
    else:
        helps = "free some space or choose another folder"
    return f"{path} cannot be written ({reason}): {helps}."


def did_you_mean(name: str, choices: Collection[str], what: str, shape: str = "{}") -> str:
    """The end of a sentence that refuses a name: the choice that is like it, in this shape, or else all of them."""
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    return f"did you mean {shape.format(near[0])}?" if near else f"the {what} are {', '.join(choices)}."


def user_error(error: BaseException) -> Message | None:
    """The message of a user's mistake, or None where the program is to blame."""
    if isinstance(error, UserError):
        return error.message
    if isinstance(error, MemoryError):
        return Message(
            "out-of-memory",
            "There is not enough memory: take fewer {}, {} or {}.",
            (setting("sampling.particles"), setting("sampling.steps"), setting("data.points")),
        )
    if isinstance(error, OSError) and (error.filename or error.errno in NO_ROOM):
        # Of two names the second is the user's: the first is the temporary file that was to take its place.
        name = error.filename2 or error.filename or "A file"
        if error.errno in NO_ROOM:
            return plain(cannot_write(name, error))
        return plain(f"{name} cannot be read or written: {error.strerror}.")
    return None


def message_of(error: BaseException) -> Message:
    """What an error says, whoever is to blame."""
    return user_error(error) or plain(str(error))
