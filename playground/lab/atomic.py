"""Files that are either written whole or not at all."""

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be renamed
    fcntl = None  # type: ignore[assignment]


TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
"""The errno values that mean that another process holds the lock. Any other value means that the file system has no
locks, as on some network drives."""
ACCESS_DENIED, SHARING_VIOLATION = 5, 32
"""Windows' codes where another program has the file open: of replacing it, and of renaming it."""
PAUSES = tuple(
    0.01 * 2**n for n in range(7)
)  # seconds between tries, together 1.3: virus scanners and readers let go by then


@contextlib.contextmanager
def hold(path: str | os.PathLike[str]) -> Iterator[None]:
    """Create a file if it is missing, and hold a lock on it while the block runs.

    The system releases the lock of a process that is killed.

    Raises:
        BlockingIOError: another process holds the lock.
        OSError: the file cannot be created.
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
        if fcntl is None or _is_at(file.fileno(), path):
            yield
            return
    with hold(path):  # its last holder has removed it meanwhile
        yield


def _is_at(file: int, path: str | os.PathLike[str]) -> bool:
    """Whether the path is that of the open file."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), os.stat(path))
    return False


def is_held(path: str | os.PathLike[str]) -> bool | None:
    """Whether a running process has a file locked by :func:`hold`; None if that cannot be found out."""
    if fcntl is None:
        try:
            os.rename(path, path)
        except FileNotFoundError:
            return False
        except OSError as error:  # a file that may not be renamed is not for that reason open
            return True if _windows_code(error) == SHARING_VIOLATION else None
        return False
    try:
        with open(path, "rb") as file:
            try:
                # A shared lock, so that two processes can ask at the same time.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError as error:
                return True if error.errno in TAKEN else None
    except OSError as error:
        return False if isinstance(error, FileNotFoundError) else None
    return False


def _windows_code(error: OSError) -> int | None:
    """Windows' own code of an error; None on other systems."""
    return getattr(error, "winerror", None)


def replace(source: Path, target: Path) -> None:
    """Rename a file in place of another. Windows refuses while another program has either of them open: try again."""
    for pause in (*PAUSES, None):
        try:
            os.replace(source, target)
            return
        except PermissionError as error:
            if pause is None or _windows_code(error) not in (ACCESS_DENIED, SHARING_VIOLATION):
                raise
            time.sleep(pause)


def _temporaries(path: Path) -> list[Path]:
    """The temporary files of the same name."""
    ours = re.compile(rf"\.{re.escape(path.stem)}-[0-9a-f]{{12}}{re.escape(path.suffix)}")
    with contextlib.suppress(OSError):
        return [other for other in path.parent.iterdir() if ours.fullmatch(other.name)]
    return []


def _remove_leftovers(path: Path) -> None:
    """Remove the temporary files of the same name whose writers were killed."""
    for other in _temporaries(path):
        if is_held(other) is False:
            with contextlib.suppress(OSError):
                other.unlink()


def size_so_far(path: Path) -> int:
    """Bytes of a file that :func:`atomic_write` is writing."""
    sizes = [0]
    for other in _temporaries(Path(os.path.realpath(path))):
        with contextlib.suppress(OSError):
            sizes.append(other.stat().st_size)
    return max(sizes)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; the file there replaces `path` when the block ends without an error.

    If the block raises or is interrupted, the old file stays as it was and the temporary file is removed. Temporary
    files that a killed process left for the same `path` are removed first. The temporary name keeps the suffix,
    because numpy and the video writer choose the format by it.

    Raises:
        OSError: the folder cannot be written, the disk is full, or nothing was written; its `filename` is `path`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_write(folder / "numbers.txt") as temporary:
    ...     _ = temporary.write_text("1 2 3")
    >>> [file.name for file in folder.iterdir()]
    ['numbers.txt']
    """
    given, path = os.fspath(path), Path(os.path.realpath(path))  # a link stays a link: its target is replaced
    # mkstemp's files can be read by their owner only. These follow the user's umask, as other files do.
    temporary = path.with_name(f".{path.stem}-{os.urandom(6).hex()}{path.suffix}")
    _remove_leftovers(path)
    try:
        with hold(temporary):
            yield temporary
            with temporary.open("rb+") as file:
                if not os.fstat(file.fileno()).st_size:
                    raise OSError(errno.EIO, "nothing was written", str(temporary))
                os.fsync(file.fileno())  # without it, a power cut may leave an empty file under the new name
        replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # raised too if the name is too long
            temporary.unlink()
        # An error of a full disk names no file, and users do not know the temporary one, which a read-only folder names.
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            with contextlib.suppress(AttributeError):  # the file name of FFmpeg's errors cannot be set
                error.filename = given
        raise


def write_whole(path: str | os.PathLike[str], contents: str | bytes) -> None:
    """Write bytes, or a text as UTF-8, by :func:`atomic_write`."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
