"""Everything that is computed, looked up by a key that names what it depends on: memory over a folder.

The store knows nothing of what keys mean. Memory and folder are bounded, and what was used least recently goes first. The
folder belongs to one store at a time; its files are written whole or not at all, and reading one runs no code. This module
imports no torch.
"""

import json
import os
import re
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from playground.lab import checked_file
from playground.lab.atomic import hold
from playground.lab.bounded_memory import BoundedMemory, freeze, parts_of
from playground.messages import Message
from playground.user_errors import UserError, cannot_write
from playground.version import __version__

MEMORY, DISK = 2**30, 2**32
"""Most bytes of all values in memory, and of all files in the folder."""
LARGEST = 2**24
"""Most bytes of a value in the folder, if it can be computed again."""
FORMAT = "score-playground value 1"
LOCK = "lock"
SUFFIX, UNIQUE = ".safetensors", ".unique.safetensors"
"""Ends of the names of files, the second where the value cannot be computed again."""
_OURS = re.compile(r"\.?[a-z]+-[0-9a-f]+(\.unique)?(-[0-9a-f]{12})?\.safetensors", re.ASCII)


class Kept(Protocol):
    """A value that can be written: its texts and numeric arrays, and how they become the value again.

    ``unpacked`` raises ValueError if they are not of such a value.
    """

    def packed(self) -> tuple[dict[str, str], dict[str, np.ndarray]]: ...

    @classmethod
    def unpacked(cls, texts: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> Self: ...


class Key(Protocol):
    """Names a value by what it depends on; hashable, and equal to other keys by content.

    Attributes:
        file: a name of the form ``[a-z]+-[0-9a-f]+``, equal for equal keys in every process.
        kept: the type of its value; None if that is never written.
        again: whether its value can be computed again.
    """

    @property
    def file(self) -> str: ...
    @property
    def kept(self) -> type[Kept] | None: ...
    @property
    def again(self) -> bool: ...


@dataclass(frozen=True)
class _Note:
    contents: bytes

    def packed(self) -> tuple[dict[str, str], dict[str, np.ndarray]]:
        return {}, {"contents": np.frombuffer(self.contents, np.uint8)}

    @classmethod
    def unpacked(cls, texts: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> Self:
        (contents,) = arrays.values()
        return cls(contents.tobytes())


@dataclass(frozen=True)
class _NoteKey:
    file: str = "note-0"
    kept: type[Kept] | None = _Note
    again: bool = False


_NOTE = _NoteKey()


class Store:
    """Values by key. Threads may share it: a look-up in memory never waits for a file.

    Args:
        folder: where values are kept, created if it is missing; None to keep them in memory only.
        memory, disk: most bytes in memory and in the folder. What was put last may exceed them alone.

    Attributes:
        folder: where values are kept; None if in memory only.
        is_failing: whether the folder could not be written when that was last tried.

    Raises:
        UserError: another store has the folder open.
    """

    def __init__(self, folder: Path | None = None, memory: int = MEMORY, disk: int = DISK) -> None:
        self._disk_bound = disk
        self._files = threading.RLock()  # held while a file is read or written, and while a value comes or goes
        self._lock = threading.RLock()  # held for moments, while what follows is read or changed
        self._memory = BoundedMemory[Key, Any](memory)
        self._unwritten: dict[Key, Any] = {}  # what should be in a folder and is not, in order
        self._sizes: OrderedDict[str, int] = OrderedDict()  # of the files, the least recently used first
        self._used: set[str] = set()  # the files used since this store was opened
        self._messages: list[Message] = []
        self.is_failing = False
        self._held = ExitStack()
        self.folder: Path | None = None
        if folder is not None:
            self.open(folder)

    @property
    def has_unwritten(self) -> bool:
        """Whether values are in memory that should be in a folder and are not."""
        return bool(self._unwritten)

    def __contains__(self, key: Key) -> bool:
        """Whether there is a value, unless its file turns out to be damaged."""
        with self._lock:
            return key in self._memory or _name(key) in self._sizes

    def get(self, key: Key) -> Any | None:
        """The value last put under a key; None if there is none."""
        with self._lock:
            self._use_file(_name(key))
            found = self._memory.get(key)
            if found is not None or _name(key) not in self._sizes:
                return found
        with self._files:
            found = self.in_memory(key)  # if another thread has read it meanwhile
            read = self._read(key) if found is None else None
            if read is None:
                return found
            freeze(read)
            with self._lock:
                if key not in self._memory:  # otherwise it was held meanwhile
                    self._memory.put(key, read, parts_of(read))
                found = self._memory.get(key)
            self._shrink_memory(key)
            return found

    def in_memory(self, key: Key) -> Any | None:
        """The value last put under a key, if it can be had without waiting for a file."""
        with self._lock:
            return self._memory.get(key)

    def put(self, key: Key, value: Any) -> None:
        """Keep a value in place of the one that the key had. If it cannot be written, a message says so."""
        with self._files:
            self.hold(key, value)
            if key.kept is not None and self.folder is not None:
                self._write(self.folder)
                self._shrink_folder(_name(key))
            self._shrink_memory(key)

    def hold(self, key: Key, value: Any) -> None:
        """Keep a value in memory, its arrays read-only, and write it with the next one that is put. It waits for no file."""
        freeze(value)
        parts = parts_of(value)
        with self._lock:
            self._unwritten.pop(key, None)
            self._memory.put(key, value, parts)
            if key.kept is not None:
                self._unwritten[key] = value
        self._shrink_memory(key)

    def release(self) -> None:
        """Let go of everything in memory that is also in the folder."""
        with self._files, self._lock:
            for key in [key for key, _ in self._memory.items() if self._is_written(key)]:
                self._memory.discard(key)

    def note(self) -> bytes | None:
        """What :meth:`write_note` wrote last."""
        found = self.get(_NOTE)
        return None if found is None else found.contents

    def write_note(self, contents: bytes) -> None:
        """Keep the one note of this folder, which says what its values are for. It is never dropped for space."""
        self.put(_NOTE, _Note(contents))

    def messages(self) -> list[Message]:
        """What the user should know of the folder, each message once."""
        with self._lock:
            said, self._messages = self._messages, []
        return said

    def close(self) -> None:
        """Leave the folder to others; what is in memory stays there."""
        with self._files, self._held:
            if self.folder is not None:
                self._write(self.folder)
                now = time.time_ns()
                for rank, name in enumerate(self._sizes):
                    if name in self._used:
                        _set_time(self.folder / name, now + 1000 * rank)  # file systems have microseconds
            with self._lock:
                self.folder = None
                self._sizes.clear()
                self._unwritten.clear()

    def delete(self) -> None:
        """Delete the folder, its note first: values without it are never taken for work."""
        with self._files:
            folder = self.folder
            if folder is None:
                return
            self._remove(NOTE)
            with self._lock:
                self._unwritten.clear()
                self._used.clear()
            self.close()  # on Windows a file that is open cannot be deleted
            shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, folder: Path) -> None:
        """Keep values in a folder, those in memory too.

        Raises:
            UserError: another store has the folder open.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held.enter_context(hold(folder / LOCK))
            files = [path for path in folder.iterdir() if _OURS.fullmatch(path.name)]
            found = sorted((path.stat().st_mtime_ns, path.name, path.stat().st_size) for path in files)
            for _, name, _ in found:
                if name.startswith("."):  # of a process that was killed while it wrote
                    (folder / name).unlink()
            self._sizes.update((name, size) for _, name, size in found if not name.startswith("."))
            self.folder = folder
            self._write(folder)
        except BlockingIOError:
            text = "{} is in use by another Score Playground: close that one, or choose another folder."
            raise UserError(Message("folder-in-use", text, (folder,))) from None
        except OSError as error:
            self._held.close()
            self._say_unwritten(folder, error)

    def _is_written(self, key: Key) -> bool:
        """Whether the folder has what memory has."""
        return _name(key) in self._sizes and key not in self._unwritten

    def _shrink_memory(self, newest: Key) -> None:
        """Let go of values until the rest is within the bound; what would be lost for good stays."""
        with self._lock:
            for key, _ in self._memory.shrink(lambda key: key != newest and (key.again or self._is_written(key))):
                self._unwritten.pop(key, None)

    def _shrink_folder(self, newest: str) -> None:
        """Delete files until the rest is within the bound, last those of what cannot be computed again."""
        excess = sum(self._sizes.values()) - self._disk_bound
        for name, size in sorted(self._sizes.items(), key=lambda one: one[0].endswith(UNIQUE)):
            if excess <= 0:
                break
            if name in (newest, NOTE):
                continue
            self._remove(name)
            excess -= size
            if name.endswith(UNIQUE):
                text = "Saved work reached its limit of {:,} MiB, so {} is deleted, which cannot be computed again. "
                text += "Save as sessions what you want to keep."
                self._say("value-dropped", text, self._disk_bound // 2**20, name)

    def _write(self, folder: Path) -> None:
        """Write what is not yet in the folder, the newest first, until that fails."""
        written = []
        with self._lock:
            values = list(self._unwritten.items())
        for key, value in reversed(values):
            name, (texts, arrays) = _name(key), value.packed()
            if key.again and sum(array.nbytes for array in arrays.values()) > LARGEST:
                self._remove(name)
                self._is_done(key, value)
                continue
            try:
                own = {"format": FORMAT, "program": __version__, "key": key.file, "texts": json.dumps(texts)}
                checked_file.write(folder / name, own, arrays)
                size = (folder / name).stat().st_size
            except OSError as error:
                if key.again:
                    self._remove(name)  # what is there is older; of others that is better than nothing
                self._say_unwritten(folder, error)
                break
            with self._lock:
                self._sizes[name] = size
            self._is_done(key, value)
            written.append(name)
        else:
            self.is_failing = False
        with self._lock:
            for name in reversed(written):
                self._use_file(name)

    def _is_done(self, key: Key, value: Any) -> None:
        """Note that a value needs no more writing; one that was held meanwhile does."""
        with self._lock:
            if self._unwritten.get(key) is value:
                del self._unwritten[key]

    def _read(self, key: Key) -> Any | None:
        """Read a value from the folder; None if its file is missing, damaged or of another version."""
        name = _name(key)
        if self.folder is None or key.kept is None or name not in self._sizes:
            return None
        path = self.folder / name
        try:
            own, arrays = checked_file.read(path)
            if not checked_file.is_intact(path, own) or own.get("key") != key.file:
                raise ValueError(name)
            if own.get("format") == FORMAT:
                value = key.kept.unpacked(json.loads(own.get("texts", "")), arrays)
                _set_time(path, time.time_ns())
                return value
        except OSError as error:
            self._say("value-not-read", "{} cannot be read: {}.", path, error.strerror or error)
        except (ValueError, RecursionError):
            if name == NOTE:  # which only its reader may give up
                self._say("note-damaged", "{} is damaged: discard it.", path)
            else:
                self._remove(name)
                rest = "It is computed again." if key.again else "It cannot be computed again."
                self._say("value-damaged", "{} was damaged and is deleted. {}", path, rest)
        with self._lock:
            self._sizes.pop(name, None)
        return None

    def _remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        with self._lock:
            self._sizes.pop(name, None)
        if self.folder is not None:
            with suppress(OSError):
                (self.folder / name).unlink()

    def _use_file(self, name: str) -> None:
        """Note that a file, if it is there, is the most recently used."""
        if name in self._sizes:
            self._sizes.move_to_end(name)
            self._used.add(name)

    def _say_unwritten(self, folder: Path, error: OSError) -> None:
        """Say that the folder cannot be written, unless that is known."""
        if not self.is_failing:
            text = "{} What is computed until then is only in memory, and lost when the program ends."
            self._say("store-not-written", text, cannot_write(folder, error))
        self.is_failing = True

    def _say(self, code: str, text: str, *values: object) -> None:
        with self._lock:
            self._messages.append(Message(code, text, values))


def _name(key: Key) -> str:
    """The name of its file."""
    return key.file + (SUFFIX if key.again else UNIQUE)


NOTE = _name(_NOTE)
"""The name of the file with the note."""


def _set_time(path: Path, nanoseconds: int) -> None:
    """Set the time of a file's last use."""
    with suppress(OSError):
        os.utime(path, ns=(nanoseconds, nanoseconds))
