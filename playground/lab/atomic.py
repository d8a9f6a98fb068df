"""Files that are either written whole or not at all."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be renamed
    fcntl = None  # type: ignore[assignment]


TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
"""The errno values of a lock that another process holds; any other is of a file system without locks, as some networks
have."""


@contextlib.contextmanager
def hold(path: str | os.PathLike[str]) -> Iterator[None]:
    """Make a file, unless it is there, and hold it while the block runs; a process that is killed holds nothing any more.

    Raises:
        BlockingIOError: another holds it.
        OSError: the file cannot be made.
    """
    if fcntl is None and is_held(path):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), os.fspath(path))
    with open(path, "ab") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in TAKEN:
                    raise BlockingIOError(error.errno, error.strerror, os.fspath(path)) from None
        yield


def is_held(path: str | os.PathLike[str]) -> bool | None:
    """Whether a living process is :func:`hold` a file; None where that cannot be told."""
    if fcntl is None:
        try:
            os.rename(path, path)
        except OSError as error:
            return not isinstance(error, FileNotFoundError)
        return False
    try:
        with open(path, "rb") as file:
            try:
                # Shared: two that ask at once do not hinder each other.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError as error:
                return True if error.errno in TAKEN else None
    except OSError as error:
        return False if isinstance(error, FileNotFoundError) else None
    return False


def _remove_leftovers(path: Path) -> None:
    """Take away the temporary files of the same name whose writers were killed."""
    ours = re.compile(rf"\.{re.escape(path.stem)}-[0-9a-f]{{12}}{re.escape(path.suffix)}")
    with contextlib.suppress(OSError), os.scandir(path.parent) as found:
        for entry in found:
            if ours.fullmatch(entry.name) and is_held(entry.path) is False:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what is written there takes its place once the block ends without error.

    Until then, and for good if the block raises or is interrupted, the old file stays as it was and nothing new is
    left behind; what a killed process left of the same file goes before. The temporary name keeps the suffix, because numpy and the video writer choose the format by it.

    Raises:
        OSError: the folder cannot be written, the disk is full, or nothing was written; its `filename` is `path`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_write(folder / "numbers.txt") as temporary:
    ...     _ = temporary.write_text("1 2 3")
    >>> [file.name for file in folder.iterdir()]
    ['numbers.txt']
    """
    given, path = os.fspath(path), Path(os.path.realpath(path))  # a link stays a link: what it points to is replaced
    # Not mkstemp, whose files only their owner may read: these follow the user's umask as any other file does.
    temporary = path.with_name(f".{path.stem}-{os.urandom(6).hex()}{path.suffix}")
    _remove_leftovers(path)
    try:
        with hold(temporary):
            yield temporary
            with temporary.open("rb+") as file:
                if not os.fstat(file.fileno()).st_size:
                    raise OSError(errno.EIO, "nothing was written", str(temporary))
                os.fsync(file.fileno())  # else a power cut may leave the new name on an empty file
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # a name too long to be written is too long to be looked for
            temporary.unlink()
        # A write to a full disk names no file, and nobody knows the temporary one. FFmpeg's errors name none that can be set.
        if type(error) is OSError and error.filename in (None, str(temporary)):
            error.filename = given
        raise
