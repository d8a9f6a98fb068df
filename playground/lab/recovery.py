"""Unsaved work of a window on disk, which the next start of the program can restore. Each window has one folder.

``work.json`` has the settings, the history and everything small. It is written last and names the other files, which are
sessions. Data and weights are in separate files: the data are written once, and a file of weights has only one point of
the data. A lock in the folder shows whether its window is open; the system releases the lock of a killed process.
"""

import contextlib
import dataclasses
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from playground.lab.atomic import atomic_write, hold, is_held
from playground.lab.session import SUFFIX, Session, SessionError
from playground.lab.settings import Experiment
from playground.user_errors import cannot_write

WORK, LOCK = "work.json", "lock"
VERSION = 1
YOUNG = 60  # seconds within which a window writes to its new folder
_NAME = re.compile(rf"[a-z]+-\d{{1,9}}{re.escape(SUFFIX)}", re.ASCII)


class KeptWeights(msgspec.Struct, frozen=True):
    """The files of one training.

    Attributes:
        weights, data: names of files in the folder.
        name: the name of the training, as in the history; "" of one that no reset began.
        reset: its number in versions in which it had no name; 0 of one that no reset began.
        present: whether the work continues from this training.
    """

    weights: str
    data: str
    reset: int = 0
    name: str = ""
    present: bool = False


class Work(msgspec.Struct, frozen=True):
    """The contents of :data:`WORK`.

    Attributes:
        saved: the time of writing, in seconds since 1970.
        summary: the experiment in one line.
        history: see :mod:`playground.app.model.history`; JSON values.
        trainings: the trainings that the history can reach.
        modified: whether the work has changes that are not in the session's file.
        file: the session that was open; "" if there was none.
        stamp: the time and size of that file.
        view, runs: as in a session.
        clicked: as in a session, in versions in which they were no part of the history.
    """

    saved: float
    summary: str
    history: dict[str, Any]
    trainings: tuple[KeptWeights, ...] = ()
    modified: bool = True
    file: str = ""
    stamp: tuple[int, int] | None = None
    view: dict[str, Any] = {}
    clicked: tuple[tuple[float, float] | int, ...] = ()
    runs: list[Any] = []
    version: int = VERSION


class RecoveryFolder:
    """The folder of one window, locked while this object exists; made by :meth:`create` or :meth:`left_behind`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = contextlib.ExitStack()
        self._held.enter_context(hold(path / LOCK))

    @classmethod
    def create(cls, parent: Path) -> "RecoveryFolder":
        """Create a new folder.

        Raises:
            SessionError: the folder cannot be created.
        """
        path = parent / os.urandom(6).hex()
        try:
            path.mkdir(parents=True, mode=0o700)
            return cls(path)
        except OSError as error:
            raise SessionError(cannot_write(path, error)) from None

    @classmethod
    def left_behind(cls, parent: Path) -> "list[RecoveryFolder]":
        """Lock the folders whose windows were killed, the newest first. Folders without work are removed."""
        found = []
        with contextlib.suppress(OSError):
            for path in sorted(parent.iterdir(), key=_written, reverse=True):
                with contextlib.suppress(OSError):
                    if is_held(path / LOCK) is not False:
                        continue
                    if (path / WORK).is_file():
                        found.append(cls(path))
                    elif time.time() - path.stat().st_mtime > YOUNG:
                        shutil.rmtree(path)
        return found

    def names(self) -> list[str]:
        """The sessions in it."""
        return sorted(entry.name for entry in self.path.iterdir() if _NAME.fullmatch(entry.name))

    def save(self, name: str, session: Session) -> None:
        """Write a session.

        Raises:
            SessionError: the file cannot be written.
        """
        session.save(self.path / name)

    def write(self, work: Work) -> None:
        """Write the list of the sessions, and remove sessions that are no longer in it.

        Raises:
            SessionError: the file cannot be written.
        """
        try:
            with atomic_write(self.path / WORK) as temporary:
                temporary.write_bytes(msgspec.json.encode(work))
            needed = {name for kept in work.trainings for name in (kept.weights, kept.data)}
            for name in self.names():
                if name not in needed:
                    (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise SessionError(cannot_write(self.path / WORK, error)) from None

    def read(self) -> Work:
        """Read what :meth:`write` wrote last.

        Raises:
            SessionError: the file cannot be read, is damaged or comes from a newer program.
        """
        path = self.path / WORK
        try:
            work = msgspec.json.decode(path.read_bytes(), type=Work)
        except OSError as error:
            raise SessionError(f"{path} cannot be read: {error.strerror or error}.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SessionError(f"{path} is damaged ({error}): discard it.") from None
        if work.version != VERSION:
            raise SessionError(f"{path} was written by another version: restore it with that one, or discard it.")
        for name in (name for kept in work.trainings for name in (kept.weights, kept.data)):
            if not _NAME.fullmatch(name):
                raise SessionError(f"{path} is damaged (it names the file {name[:60]!r}): discard it.")
        return work

    def load(self, kept: KeptWeights, owner: Experiment | None = None) -> Session:
        """The session of one training, with all of its data.

        Args:
            owner: the history's first experiment, see :meth:`Session.load`.

        Raises:
            SessionError: a file of the training cannot be read.
        """
        session, data = Session.load(self.path / kept.weights, owner), Session.load(self.path / kept.data)
        if session.points.shape[1:] != data.points.shape[1:]:
            raise SessionError(f"{kept.weights} and {kept.data} hold different data: discard them.")
        return dataclasses.replace(
            session,
            points=data.points,
            held_out=data.held_out,
            labels=data.labels,
            class_names=data.class_names,
            axes=data.axes,
        )

    def check(self) -> Iterator[str]:
        """Read every file that the next start would need; yield the name of each.

        Raises:
            SessionError: a file is damaged or missing.
        """
        work = self.read()
        yield WORK
        for kept in work.trainings:
            self.load(kept)
            yield kept.weights

    def release(self) -> None:
        """Leave it for the next start."""
        self._held.close()

    def remove(self) -> None:
        """Delete the folder. The list of its files is deleted first, so that incomplete work is never offered."""
        with contextlib.suppress(OSError):
            (self.path / WORK).unlink(missing_ok=True)
        self._held.close()  # on Windows an open file cannot be deleted
        shutil.rmtree(self.path, ignore_errors=True)


def _written(path: Path) -> float:
    try:
        return (path / WORK).stat().st_mtime
    except OSError:
        return 0.0
