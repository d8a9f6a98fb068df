"""Builds data, problem and network of the experiment, and keeps them so that undo can bring them back."""

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import structs
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QUndoCommand

from playground.app.controllers.notification import about, held_out
from playground.app.controllers.training_loop import TrainingLoop
from playground.app.model.state import State
from playground.app.model.views import ProblemView, conditions_of
from playground.app.model.workspace import Workspace, assemble, bundled_session
from playground.app.model.workspaces import Workspaces
from playground.app.workers.jobs import Jobs
from playground.lab import experiment as description
from playground.lab.conflicts import Conditions, training_conflict
from playground.lab.document import Document
from playground.lab.experiment import Experiment, reset_key
from playground.lab.keys import TrainingKey
from playground.lab.recovery import new_store
from playground.lab.session import Session
from playground.lab.settings import Likelihood
from playground.lab.store import Store
from playground.lab.trained import Trained
from playground.messages import Message
from playground.user_errors import message_of

if TYPE_CHECKING:
    from playground.data import Dataset

SETTLE = 150  # ms without an edit before data and network are built, so that a slider can be dragged
SPLIT = {"likelihood.points": Likelihood().points}  # another number of held-out points needs no other training
READING = "reading"
JOBS = ("problem", READING)  # the jobs that end with another workspace
FIRST = "first"
"""The name of the training of settings with which none was begun by a reset, a scene or a lesson."""


def key_of(document: Document) -> TrainingKey:
    """The training of a document."""
    begun = document.training
    if begun is not None:
        return begun
    return TrainingKey.of(description.replace(document.experiment, SPLIT), document.digests, FIRST)


class Building(QObject):
    """Follows the experiment, and owns the workspace that its settings describe.

    Args:
        state: the experiment to follow.
        jobs: runs the building of data and networks.
        device: "auto", "cpu", "cuda" or "mps".

    Attributes:
        workspace: the present one; None while there is none.
        store: what has been computed, by key; other work brings another one.
        trainings: trains the present workspace, and those of columns.

    Signals, in the order in which another workspace replaces the current one:
        leaving(Workspace | None): emitted before the workspace is replaced (None: no workspace follows).
        problem_changed(ProblemView): it has come; views show it now.
        taken(): the new workspace is installed; views should refresh.

    Further signals:
        problem_failed(Message): why the settings give no problem. After an edit the old problem stays.
        settings_changed(frozenset[str]): keys that changed and need no other workspace.
        resetting(): new weights are about to replace the trained ones.
        withdrawn(): the workspace that was being built will not come.
        opened(Session | None): the settings of a file or of a new experiment replace everything.
        left(Store): that of the work before, which nothing leads back to.
    """

    leaving = Signal(object)
    problem_changed = Signal(object)
    taken = Signal()
    problem_failed = Signal(object)
    settings_changed = Signal(object)
    resetting = Signal()
    withdrawn = Signal()
    opened = Signal(object)
    left = Signal(object)

    def __init__(self, state: State, jobs: Jobs, device: str = "auto", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._jobs, self._device = state, jobs, device
        self.workspace: Workspace | None = None
        self.failure: Message | None = None  # why the settings give no problem, as far as known
        self.device_text = "starting"  # the device and its threads, for the status bar
        self.kept, self.trainings = Workspaces(), TrainingLoop()
        self.store = new_store()
        # The trainings that undo has reached; None while other work is put into the state.
        self._begun: tuple[TrainingKey, ...] | None = ()
        # Each reads what takes the place of a training.
        self.given: dict[TrainingKey, Callable[[], Session | None]] = {}
        self._outdated = False  # whether a file has replaced the settings of the workspace
        self._bundled = False  # whether the next data start from bundled weights, if there are any for their settings
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(self.build)
        state.changed.connect(self._edited)
        state.history_changed.connect(self._follow_history)  # the stack itself still emits while it is destroyed

    # What the window may read

    @property
    def problem(self) -> ProblemView | None:
        return None if self.workspace is None else self.workspace.view

    @property
    def dataset(self) -> "Dataset | None":
        """The present data; None while there are none."""
        return None if self.workspace is None else self.workspace.problem.dataset

    @property
    def conditions(self) -> Conditions | None:
        """Properties of the data that kinds need; None while there are no data."""
        return conditions_of(self.problem)

    @property
    def busy(self) -> bool:
        """Whether other data or another network are being built."""
        return self._settle.isActive() or any(self._jobs.running(job) for job in JOBS)

    @property
    def default_step(self) -> float | None:
        """The value of `sampling.step = "auto"` for the current sampler, in squared user units; None while there is no workspace."""
        if self.workspace is None:
            return None
        from playground.lab.sampling import step_in_user_units

        return step_in_user_units(self.workspace.problem)

    def is_behind(self, workspace: Workspace) -> bool:
        """Whether a workspace is not yet the one that the current settings describe."""
        return _built_for(workspace.problem.experiment) != _built_for(self._state.experiment)

    # Resets

    def reset_training(self) -> QUndoCommand | None:
        """Replace the weights by new ones.

        Returns:
            The step of the history; None if nothing was trained with these settings.
        """
        key = self._key(self._state.experiment)
        here = self.kept.get(key)  # which may still be under construction
        if key in self.store if here is None else here.trained_steps:
            self._state.push(self._state.document.begun(new_name("reset")))
            return self._state.last_step
        if self.workspace is not None:
            self.resetting.emit()
            self.kept.discard(key)
            if key in self.store:  # it has what was learned before, for instance before it diverged
                self.store.hold(key, Trained({}))
            self.build()
        return None

    @Slot()
    def _follow_history(self) -> None:
        """Take the trainings, or the contents of the file of data, that undo or redo has reached."""
        if self._begun is None:
            return
        if self._state.document.trainings != self._begun:
            self._begun = self._state.document.trainings
            self.resetting.emit()
            self.build()
        elif self.workspace_key is not None and self.workspace_key.digests != self._state.document.digests:
            self._settle.start()

    def _key(self, experiment: Experiment) -> TrainingKey:
        """The key of a workspace."""
        return key_of(structs.replace(self._state.document, experiment=experiment))

    @property
    def workspace_key(self) -> TrainingKey | None:
        """The key of the current workspace; None if a file has replaced its settings."""
        return None if self.workspace is None or self._outdated else self.workspace.key

    @property
    def is_replacing(self) -> bool:
        """Whether the workspace of an opened file is still being built."""
        return self._outdated and self.failure is None

    def workspaces(self) -> dict[TrainingKey, Workspace]:
        """All workspaces in memory that undo and redo can reach, including the current one."""
        key, workspace = self.workspace_key, self.workspace
        return dict(self.kept.items()) | ({} if key is None or workspace is None else {key: workspace})

    # Files

    def prefer_bundled(self) -> None:
        """Start the data set that is chosen next from bundled weights, if there are any for its settings."""
        self._bundled = True

    def open(self, put: Callable[[], object], session: Session | None = None, store: Store | None = None) -> None:
        """Take other work. Earlier trainings are lost.

        Args:
            put: puts its documents into the state.
            session: the document in view, with what came of its training; None if that is to begin anew.
            store: has what was computed of it; None if that is nothing.
        """
        self.opened.emit(session)
        self.resetting.emit()
        for job in JOBS:
            self._jobs.cancel(job)
        self.kept = Workspaces()
        self._begun = None
        self.given.clear()
        self._outdated = True
        before, self.store = self.store, store or new_store()
        self.left.emit(before)
        put()
        self._begun = self._state.document.trainings
        if session is not None:
            self.given[self._key(session.experiment)] = lambda: session
        self._settle.start()

    # Following the experiment

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if keys & {"data.kind", "data.path"}:
            self._jobs.cancel(READING)  # other data were chosen meanwhile
        if restarts(keys) or "likelihood.points" in keys:
            self._settle.start()
            conflict = training_conflict(self._state.experiment)
            if conflict is not None and conflict.key == "data.strokes":
                self.build()  # at once: a first stroke must not be painted in the view of the old data
            return
        workspace = self.workspace
        if (
            workspace is None
            or self._outdated
            or reset_key(workspace.problem.experiment) != reset_key(self._state.experiment)
        ):
            return  # another workspace is being built; later changes follow it
        workspace.follow(self._state.experiment)
        self.settings_changed.emit(keys)

    def stop(self) -> None:
        """Build nothing more, when quitting."""
        self._settle.stop()

    @Slot()
    def build(self, dataset: "Dataset | None" = None) -> None:
        """Build what the experiment describes, or take it from the kept workspaces.

        Args:
            dataset: its points, if they were just read.
        """
        self._settle.stop()  # it would build the same
        self.failure = None
        bundled, self._bundled = self._bundled, False
        experiment = self._state.experiment
        key = self._key(experiment)
        kept = self.kept.get(key)
        if kept is not None and kept.problem.experiment.likelihood.points == experiment.likelihood.points:
            self._jobs.cancel("problem")
            self._take(kept)
            return
        conflict = training_conflict(experiment)
        has_points = key in self.store or key in self.given
        if conflict is not None and conflict.key.startswith(("data.", "network.")) and not has_points:
            self._fail(conflict, clear=conflict.key == "data.strokes")
            return
        if bundled:
            self.given[key] = lambda: bundled_session(experiment)
        previous = kept
        if kept is not None and kept.training == "untrained" and kept.problem.density is None:
            previous = None  # nothing was learned from these data, so they can be split as the settings say
        shared = None if dataset is not None else self.kept.problem(experiment, key)
        given = self.given.get(key, lambda: None)
        self._jobs.start(
            "problem",
            "Loading",
            lambda: assemble(
                experiment,
                self._device,
                key,
                self.store,
                dataset=dataset,
                previous=previous,
                shared=shared,
                given=given,
            ),
            self._take,
            functools.partial(self._not_assembled, key),
        )

    def _clear(self) -> None:
        """Clear the workspace. Without data, for example in an empty drawing, nothing trains, plays or is measured."""
        self._jobs.cancel("problem")
        self.leaving.emit(None)
        self.workspace = None
        self.taken.emit()

    def _not_assembled(self, key: TrainingKey, error: BaseException) -> None:
        """Report why there is no problem. A session whose weights do not fit is opened without them."""
        trained = self.store.get(key) if self._outdated else None
        if trained is not None and trained.state:
            # No failure: the problem that is built without them would withdraw it.
            self._state.notified.emit(about(self._state, "error", message_of(error)))
            self.store.hold(key, Trained({}, points=trained.points))
            self._settle.start()
        else:
            self._fail(message_of(error))

    def _fail(self, why: Message, clear: bool = False) -> None:
        """Report why there is no problem. The workspace of a file that was open before is cleared."""
        self.failure = why
        if clear or self._outdated:
            self._clear()
        self.problem_failed.emit(why)
        self.withdrawn.emit()

    def _take(self, workspace: Workspace) -> None:
        """Replace the current workspace, which is kept."""
        self.failure, self._outdated = None, False
        before, key = self.workspace, workspace.key
        assert key is not None
        self.given.pop(key, None)  # the store has it
        kept = self.kept.get(key)
        if kept is not None and kept is not workspace and kept.trainer is workspace.trainer:
            kept.measure_on(workspace)  # so that training goes on
            workspace = kept
        self.leaving.emit(workspace)
        if workspace.could_hold_out_more:
            self._state.notified.emit(held_out(workspace, lambda: self.workspace is workspace))
        if self.is_behind(workspace) or key != self._key(self._state.experiment):
            self._settle.start()
        else:
            workspace.follow(self._state.experiment)
        workspace.learned_of_labels()
        self.device_text = workspace.device_text
        self.workspace = workspace
        if before is not None and before.key is not None and before.key in self.kept:
            self.kept.keep(before.key, before)  # its weights have grown
        self.kept.keep(key, workspace)
        self.problem_changed.emit(workspace.view)
        self.taken.emit()


def restarts(keys: frozenset[str]) -> bool:
    """Whether a change of these settings restarts training."""
    known = description.every_field()
    return any(known[key].resets for key in keys)


def _built_for(experiment: Experiment) -> tuple[object, ...]:
    """The settings for which a workspace is built."""
    return reset_key(experiment), experiment.likelihood.points


def new_name(owner: str) -> str:
    """A name for a training that begins, which no other has."""
    return f"{owner} {os.urandom(6).hex()}"
