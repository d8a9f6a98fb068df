"""Writes unsaved work to disk, so that the next start can offer it if the program is killed."""

import time
import weakref
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from playground.app.controllers.building import FIRST, Building
from playground.app.controllers.documents import Documents
from playground.app.controllers.notification import Notification
from playground.app.controllers.pinning import Pinning
from playground.app.controllers.playing import Playing
from playground.app.model import kept_figures
from playground.app.model.history import History
from playground.app.model.pinned_runs import to_json
from playground.app.model.preferences import Preferences
from playground.app.model.state import State
from playground.app.model.workspace import Workspace
from playground.app.workers.background_task import BackgroundTask
from playground.data import Dataset
from playground.lab.experiment import Experiment
from playground.lab.keys import TrainingKey
from playground.lab.recovery import KeptWeights, RecoveryFolder, Work
from playground.lab.session import SUFFIX, Session
from playground.lab.trajectory import Trajectory
from playground.user_errors import message_of

SECONDS = 5.0  # between two writes, if something has changed
LOOK = 500  # ms between two checks for changes
RUN_BYTES = 2**24  # of a finished run; a larger one is sampled again from the same noise


@dataclass(eq=False)
class Stored:
    """The files of one training, and the state of the training that they hold."""

    weights: str
    data: str
    moment: Hashable = None


class Autosaving(QObject):
    """Writes changed work every few seconds in a thread; the window's thread only notes what there is.

    Args:
        describe_view: returns the part of the view that a session keeps, as JSON values.
        summary: describes an experiment in one line.

    Signals:
        changed(): the work was written, or could not be.
        notified(Notification)
    """

    changed = Signal()
    notified = Signal(object)

    def __init__(
        self,
        state: State,
        building: Building,
        playing: Playing,
        pinning: Pinning,
        documents: Documents,
        preferences: Preferences,
        describe_view: Callable[[], dict[str, Any]],
        summary: Callable[[Experiment], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._building, self._playing = state, building, playing
        self._pinning, self._documents = pinning, documents
        self._parent_folder = preferences.recovery
        self._describe_view, self._summary = describe_view, summary
        self.seconds = SECONDS
        self.folder: RecoveryFolder | None = None
        self.saved_at: float | None = None  # time.monotonic at the state that was written last
        self._stored: dict[TrainingKey, Stored] = {}
        self._points: list[tuple[weakref.ref[np.ndarray], str]] = []  # the written data, each with its file's name
        self._count = 0  # number of files so far
        self._written: Hashable = None  # the state that was written last
        self._begun = 0.0  # time.monotonic at the last write
        self._changes = 0  # number of changes of the history and of the pinned runs
        self._failed = False
        self._adopting: tuple[RecoveryFolder, Mapping[TrainingKey, KeptWeights]] | None = None
        self.background = BackgroundTask(self)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK)
        self._timer.timeout.connect(self.look)
        state.history_changed.connect(self._note)
        pinning.pinned.changed.connect(self._note)
        documents.saved.connect(self._note_save)

    # --- what the window may read and ask for

    def start(self) -> None:
        """Start to check for changes. Call it after the first paint."""
        self._timer.start()

    @property
    def text(self) -> str:
        """How long ago unsaved work was written, in words; "" if all is saved."""
        if self.saved_at is None or not self._state.modified:
            return ""
        if self._failed:
            return "autosave failed"
        seconds = time.monotonic() - self.saved_at
        return f"autosaved {seconds:.0f} s ago" if seconds < 60 else f"autosaved {seconds / 60:.0f} min ago"

    @Slot()
    def look(self) -> None:
        """Write what has changed, unless the last write was a moment ago."""
        if time.monotonic() - self._begun >= self.seconds:
            self.write()

    @Slot()
    def write(self) -> None:
        """Write what has changed, unless a write is in progress."""
        if self.background.busy or self._building.is_replacing or not (self._unsaved or self.folder):
            return
        moment = self._moment()
        if moment == self._written:
            return
        begun = self._begun = time.monotonic()
        save = self._pack()

        def done(_: object) -> None:
            self._written, self.saved_at, self._failed = moment, begun, False
            self._adopt_now()
            self.changed.emit()

        self.background.run("autosave", save, done, self._not_written)

    def adopt(self, folder: RecoveryFolder, stored: Mapping[TrainingKey, KeptWeights]) -> None:
        """Continue in the folder of restored work. Its files stay, because undo may lead to them.

        A write in progress ends first, because a folder is removed only when nothing is written to it.
        """
        if self.background.busy:
            if self._adopting is not None:
                self._adopting[0].remove()
            self._adopting = folder, stored
            return
        if self.folder is not None:
            self.folder.remove()
        self.folder = folder
        self._stored = {key: Stored(kept.weights, kept.data) for key, kept in stored.items()}
        self._points.clear()
        numbers = [int(name.removesuffix(SUFFIX).rpartition("-")[2]) for name in folder.names()]
        self._count, self._written = max(numbers, default=0), None

    def end(self, keep: bool, seconds: float) -> bool:
        """Stop, when quitting.

        Args:
            keep: whether the next start offers the work. If not, it is saved elsewhere or unwanted, and is deleted.

        Returns:
            Whether all was written in time.
        """
        self._timer.stop()
        ended = self.background.wait(seconds)
        if keep and ended:
            self.write()
            ended = self.background.wait(seconds)
        if self.folder is not None and ended:
            if keep:
                self.folder.release()
            else:
                self.folder.remove()
            self.folder = None
        return ended

    # --- the state to be written

    @property
    def history(self) -> History:
        """The documents; while a scene or lesson is shown, at the place of the user's own work."""
        documents, place = self._state.documents, self._state.own_place
        documents[place] = self._state.own
        return History(documents[0], documents[1:], place)

    @property
    def _unsaved(self) -> bool:
        """Whether the work differs from every file; a file that is being written may still fail."""
        return self._state.modified or self._documents.saving

    @Slot()
    def _note(self) -> None:
        self._changes += 1

    @Slot()
    def _note_save(self) -> None:
        """Write soon after a save, because work that a file holds need not be offered."""
        self._begun = 0.0
        self.look()

    def _moment(self) -> Hashable:
        """A key that changes whenever there is something to write."""
        return (
            self._changes,
            self._unsaved,
            tuple((key, self._moment_of(key, workspace)) for key, workspace in self._building.workspaces().items()),
            self._documents.path,
            self._state.own_place,
            tuple(sorted(self._describe_view()["layers"].items())),
        )

    def _moment_of(self, key: TrainingKey, workspace: Workspace) -> Hashable:
        """A key that changes whenever the files of a training must be written again."""
        run = self._run_of(key, workspace)
        return (
            weakref.ref(workspace.trainer),
            workspace.trained_steps,
            workspace.training,
            len(workspace.figures),
            workspace.problem.experiment,
            None if run is None else weakref.ref(run),
        )

    def _run_of(self, key: TrainingKey, workspace: Workspace) -> Trajectory | None:
        """The finished run that is kept with a training; None while it changes or if there is none."""
        if key != self._building.workspace_key or workspace.training == "training":
            return None
        run = self._playing.newest_finished
        return None if run is None or run.npz_size() > RUN_BYTES else run

    # --- packing: the window's thread notes what there is, the worker copies and writes

    def _pack(self) -> Callable[[], None]:
        history = self.history
        pins = {pin.number: pin for document in (history.first, *history.steps) for pin in document.pins}
        runs = self._pinning.pinned.of(pins.values())
        jobs: list[Callable[[RecoveryFolder], object]] = []
        workspaces, present = self._building.workspaces(), self._building.key_at(history.place)
        if present not in workspaces and self._state.document.lesson is None:
            present = self._building.workspace_key or present
        stored, points = dict[TrainingKey, Stored](), list(self._points)
        for key in (*workspaces, *(key for key in self._building.stored if key not in workspaces)):
            before, workspace = self._stored.get(key), workspaces.get(key)
            if workspace is None:
                if before is not None:
                    stored[key] = before
                continue
            if key != present and not workspace.trained_steps:
                continue  # it will be built again in a moment
            moment = self._moment_of(key, workspace)
            if before is not None and before.moment == moment:
                stored[key] = before
                continue
            weights = before.weights if before is not None else self._name("weights")
            data = self._data(workspace.problem.dataset, workspace, points, jobs)
            stored[key] = Stored(weights, data, moment)
            jobs.append(self._job(weights, workspace, self._run_of(key, workspace)))
        path, stamp = self._documents.path, self._documents.stamp
        view = self._describe_view()
        trainings = tuple(
            KeptWeights(one.weights, one.data, name="" if key.name == FIRST else key.name, present=key == present)
            for key, one in stored.items()
        )
        summary, modified, now = self._summary(history.document.experiment), self._unsaved, time.time()

        def save() -> None:
            folder = self.folder
            if folder is None:
                folder = self.folder = RecoveryFolder.create(self._parent_folder)
            for job in jobs:
                job(folder)
            folder.write(
                Work(
                    saved=now,
                    summary=summary,
                    history=history.to_json(),
                    trainings=trainings,
                    modified=modified,
                    file="" if path is None else str(path),
                    stamp=stamp,
                    view=view,
                    runs=[{"number": run.number} | told for run, told in zip(runs, to_json(runs), strict=True)],
                )
            )
            self._stored, self._points = stored, points

        return save

    def _job(self, name: str, workspace: Workspace, run: Trajectory | None) -> Callable[[RecoveryFolder], object]:
        """Makes the work that writes the weights of a workspace, with one point of its data."""
        problem = workspace.problem
        found = kept_figures.present(workspace, workspace.newest, problem.experiment)
        measured, arrays = kept_figures.to_json(found), None
        if run is not None:
            arrays = {name: array for name, array in run.arrays().items() if name != "axes"}
        return lambda folder: folder.save(
            name,
            Session(
                problem.experiment,
                problem.dataset.points[:1],
                problem.dataset.held_out[:1],
                axes=problem.dataset.axes,
                start=None if problem.dataset.start is None else problem.dataset.start.points,
                weights=workspace.state(),
                trajectory=arrays,
                training=workspace.summary(),
                measurements=measured,
                device=str(problem.device),
            ),
        )

    def _data(
        self,
        dataset: Dataset,
        workspace: Workspace,
        points: list[tuple["weakref.ref[np.ndarray]", str]],
        jobs: list[Callable[[RecoveryFolder], object]],
    ) -> str:
        """The name of the file with these data, which is written once."""
        for array, name in points:
            if array() is dataset.points:
                return name
        name, experiment = self._name("data"), workspace.problem.experiment
        points.append((weakref.ref(dataset.points), name))
        jobs.append(lambda folder: folder.save(name, Session.of(experiment, dataset)))
        return name

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count}{SUFFIX}"

    def _adopt_now(self) -> None:
        """Take the folder that came during a write."""
        if self._adopting is not None:
            (folder, stored), self._adopting = self._adopting, None
            self.adopt(folder, stored)

    def _not_written(self, error: BaseException) -> None:
        self._adopt_now()
        if not self._failed:
            self._failed = True
            self.notified.emit(Notification("error", message_of(error), is_current=lambda: self._failed))
        self.changed.emit()
