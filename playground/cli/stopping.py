"""A command that the user stops says what is complete and how to go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERRUPTED = 130  # the usual exit code after Ctrl+C
ANYWHERE = "each file is complete, or as it was before. The same command begins anew."


class Stopped(BaseException):
    """The user has stopped a command. It is not a KeyboardInterrupt, because typer keeps only the exit code of that.

    Attributes:
        code: the exit code; 128 and the number of the signal.
        said: what is complete and how to go on, after "Interrupted: ".
    """

    def __init__(self, code: int, said: str = ANYWHERE) -> None:
        super().__init__(said)
        self.code, self.said = code, said


@contextmanager
def if_stopped(said: Callable[[], str]) -> Iterator[None]:
    """If the block is stopped, say what is complete and how to go on.

    Args:
        said: returns it, in place of :data:`ANYWHERE`, when the block has cleaned up.
    """
    try:
        yield
    except (KeyboardInterrupt, Stopped) as stop:
        raise Stopped(stop.code if isinstance(stop, Stopped) else INTERRUPTED, said()) from stop
