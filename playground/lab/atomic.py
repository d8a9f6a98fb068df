"""Files that are either written whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what is written there takes its place once the block ends without error.

    Until then, and for good if the block raises or is interrupted, the old file stays as it was and nothing new is
    left behind. The temporary name keeps the suffix, because numpy and the video writer choose the format by it.

    Raises:
        OSError: the folder cannot be written, or the disk is full; its `filename` is `path`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "numbers.txt") as temporary:
    ...     _ = temporary.write_text("1 2 3")
    >>> [file.name for file in folder.iterdir()]
    ['numbers.txt']
    """
    given, path = os.fspath(path), Path(os.path.realpath(path))  # a link stays a link: what it points to is replaced
    # Not mkstemp, whose files only their owner may read: these follow the user's umask as any other file does.
    temporary = path.with_name(f".{path.stem}-{os.urandom(6).hex()}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # else a power cut may leave the new name on an empty file
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # a name too long to be written is too long to be looked for
            temporary.unlink()
        # A write to a full disk names no file, and nobody knows the temporary one. FFmpeg's errors name none that can be set.
        if type(error) is OSError and error.filename in (None, str(temporary)):
            error.filename = given
        raise
