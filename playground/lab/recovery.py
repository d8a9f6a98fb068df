"""Unsaved work of a window on disk, which the next start of the program can restore. Each window has the folder of a store.

The store's note is the work: settings, history and everything small. Its values are the trainings that the history can reach, with
their points, runs and figures. A lock in the folder shows whether its window is open; the system releases the lock of a killed
process.
"""

import contextlib
import dataclasses
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec

from playground.lab.atomic import is_held
from playground.lab.experiment import Experiment
from playground.lab.keys import GIVEN, ModelKey, PointsKey, RunKey, TrainingKey, WeightsKey
from playground.lab.points import Points
from playground.lab.session import SUFFIX, Session, SessionError
from playground.lab.store import LOCK, NOTE, Store
from playground.lab.trained import Trained
from playground.user_errors import UserError

VERSION = 2
OLD = "work.json"
"""The file that had the work in version 1, beside one session for each training and each set of points."""
MEMORY = 2**28 + 2**26  # bytes of values in memory, most of them runs, beside the trainings that go on
YOUNG = 60  # seconds within which a window writes to its new folder
_NAME = re.compile(rf"[a-z]+-\d{{1,9}}{re.escape(SUFFIX)}", re.ASCII)


class OldTraining(msgspec.Struct, frozen=True):
    """The files of one training in version 1.

    Attributes:
        weights, data: names of sessions in the folder; the first has only one of the points.
    """

    weights: str
    data: str


class Work(msgspec.Struct, frozen=True):
    """Unsaved work, without what its trainings learned.

    Attributes:
        saved: the time of writing, in seconds since 1970.
        summary: the experiment in one line.
        history: see :mod:`playground.app.model.history`; JSON values.
        modified: whether the work has changes that are not in the session's file.
        file: the session that was open; "" if there was none.
        stamp: the time and size of that file.
        view, runs: as in a session.
        trainings: in version 1.
    """

    saved: float
    summary: str
    history: dict[str, Any]
    modified: bool = True
    file: str = ""
    stamp: tuple[int, int] | None = None
    view: dict[str, Any] = {}
    runs: list[Any] = []
    trainings: tuple[OldTraining, ...] = ()
    version: int = 1


def new_store(folder: Path | None = None) -> Store:
    """A store for a window; its folder can be opened later, see :meth:`Store.open`."""
    return Store(folder, memory=MEMORY)


def folder_in(parent: Path) -> Path:
    """The name of a new folder."""
    return parent / os.urandom(6).hex()


def left_behind(parent: Path) -> list[Store]:
    """Open the folders whose windows were killed, the newest first. Folders without work are removed."""
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(parent.iterdir(), key=_written, reverse=True):
            with contextlib.suppress(OSError, UserError):
                if is_held(path / LOCK) is not False:
                    continue
                if _written(path):
                    found.append(new_store(path))
                elif time.time() - path.stat().st_mtime > YOUNG:
                    shutil.rmtree(path)
    return found


def write(store: Store, work: Work) -> None:
    """Write the work of a store. If that fails, the work of before stays, and the store says so."""
    store.write_note(msgspec.json.encode(msgspec.structs.replace(work, version=VERSION)))


def read(store: Store) -> Work:
    """The work that :func:`write` wrote last, or that a program of version 1 wrote.

    Raises:
        SessionError: it cannot be read, is damaged or comes from a newer program.
    """
    assert store.folder is not None
    note = store.note()
    path = store.folder / (OLD if note is None else NOTE)
    if note is None and not path.exists():
        said = store.messages()
        raise SessionError(said[0] if said else f"{path.with_name(NOTE)} was written by another version.")
    try:
        work = msgspec.json.decode(path.read_bytes() if note is None else note, type=Work)
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SessionError(f"{path} is damaged ({error}): discard it.") from None
    if not 1 <= work.version <= VERSION:
        raise SessionError(f"{path} was written by another version: restore it with that one, or discard it.")
    for name in (name for old in work.trainings for name in (old.weights, old.data)):
        if not _NAME.fullmatch(name):
            raise SessionError(f"{path} is damaged (it names the file {name[:60]!r}): discard it.")
    return work


def keep_training(store: Store, key: TrainingKey, trained: Trained, points: Points) -> None:
    """Keep what came of a training, and its points; points that are there already are not written again."""
    digest = points.digest
    if _points_key(key, digest) not in store:
        store.put(_points_key(key, digest), points)
    store.put(key, dataclasses.replace(trained, points=digest))


def session_of(store: Store, key: TrainingKey, experiment: Experiment, **others: Any) -> Session | None:
    """What a store has of a training, as a session with these settings; None if that is nothing."""
    trained: Trained | None = store.get(key)
    points: Points | None = None if trained is None else store.get(_points_key(key, trained.points))
    if trained is None or points is None:
        return None
    return Session.of_points(experiment, points, trained, **others)


def run_key(training: TrainingKey, experiment: Experiment, step: int) -> RunKey:
    """The key of a run with the weights of a training after a step."""
    return RunKey.of(ModelKey(experiment, training.points, WeightsKey(training, step)))


def read_old(store: Store, work: Work) -> list[Session]:
    """Read the trainings of version 1, whose weights and points were in two files.

    Raises:
        SessionError: a file cannot be read.
    """
    assert store.folder is not None
    found = []
    for old in work.trainings:
        session, data = (Session.load(store.folder / name) for name in (old.weights, old.data))
        if session.points.shape[1:] != data.points.shape[1:]:
            raise SessionError(f"{old.weights} and {old.data} hold different data: discard them.")
        points = {name: getattr(data, name) for name in ("points", "held_out", "labels", "class_names", "axes")}
        found.append(dataclasses.replace(session, **points))
    return found


def drop_old(store: Store) -> None:
    """Delete the files of version 1, once the work is written anew."""
    assert store.folder is not None
    with contextlib.suppress(OSError):
        for path in (store.folder / OLD, *store.folder.glob(f"*{SUFFIX}")):
            path.unlink(missing_ok=True)


def _points_key(key: TrainingKey, digest: str) -> PointsKey:
    return PointsKey.of(key.experiment, ((GIVEN, digest),))


def _written(path: Path) -> float:
    """When the work of a folder was written; 0 if there is none."""
    for name in (NOTE, OLD):
        with contextlib.suppress(OSError):
            return (path / name).stat().st_mtime
    return 0.0
