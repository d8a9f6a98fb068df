"""Builds what the experiment describes, data, problem and network, and keeps what was built, so that undo brings it back."""

import dataclasses
import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QUndoCommand

from playground.app.controllers.notification import Notification, about
from playground.app.model.state import State
from playground.app.model.views import ProblemView, conditions_of
from playground.app.model.workspace import Workspace, assemble, file_key, other_data, points_key, reset_key
from playground.app.model.workspace_cache import WorkspaceCache
from playground.app.style.number_formats import format_count
from playground.app.workers.tasks import Tasks
from playground.app.workers.worker import interrupted
from playground.kinds.datasets import DataSource
from playground.lab import experiment as description
from playground.lab.conflicts import Conditions, training_conflict
from playground.lab.experiment import Experiment
from playground.lab.session import Session
from playground.messages import Message
from playground.user_errors import message_of

if TYPE_CHECKING:
    from playground.data import Dataset
    from playground.lab.problem import Problem

SETTLE = 150  # ms without an edit before data and network are built anew, so that a slider can be dragged
TASKS = ("problem", "reading")  # that end with something else on the workspace
DROPPED = "Undo keeps 1 GiB in memory, which the {} steps trained here exceeded. Train makes them anew."


class Reset(QUndoCommand):
    """A reset of training: it puts fresh weights in the place of those trained by the same settings.

    It holds no weights, for the memory that they take is bounded elsewhere: Building looks where the stack stands.

    Args:
        settings: of which training was reset, see :func:`reset_key`.
        number: of the training that it begins.
    """

    def __init__(self, settings: Hashable, number: int) -> None:
        super().__init__("Reset training\nreset of training")
        self.settings, self.number = settings, number


@dataclass(frozen=True)
class TrainingKey:
    """By what a workspace is kept: the settings that training depends on, and the number of the reset that began it."""

    settings: Hashable
    reset: int = 0


@dataclass(frozen=True, eq=False)
class ReadPoints:
    """What was read of a file by these settings."""

    data: DataSource
    dataset: "Dataset"


class Building(QObject):
    """Follows the experiment, and owns the workspace that its settings describe.

    Args:
        state: the experiment to follow.
        tasks: where data and networks are made.
        device: "auto", "cpu", "cuda" or "mps".

    Signals, in the order in which another workspace takes the place of the present one:
        leaving(Workspace | None, Session | None): it will; None where there will be none. The present one is still there.
        problem_changed(ProblemView): it has; whoever shows it, shows it now.
        taken(Session | None): all is shown: what works on it begins.
        ready(): there is a problem, where there was none.

    Further signals:
        problem_failed(Message): why the settings give no problem; after an edit the old one stays.
        settings_changed(frozenset[str]): keys that changed and left the workspace in place.
        resetting(): what is trained gives way to fresh weights.
        withdrawn(): what was being built, and may have been waited for, does not come.
        opened(Session | None): the settings of a file, or of a new experiment, come: nothing that was here stays.
        points_opened(str): the path of the file or folder that the data are now.
        notified(Notification)
    """

    leaving = Signal(object, object)
    problem_changed = Signal(object)
    taken = Signal(object)
    ready = Signal()
    problem_failed = Signal(object)
    settings_changed = Signal(object)
    resetting = Signal()
    withdrawn = Signal()
    opened = Signal(object)
    points_opened = Signal(str)
    notified = Signal(object)

    def __init__(self, state: State, tasks: Tasks, device: str = "auto", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._tasks, self._device = state, tasks, device
        self._workspace: Workspace | None = None
        self.failure: Message | None = None  # why the settings give no problem; None where they do, or may
        self.device_text = "starting"  # the device and its threads, as the status bar says it
        self._kept: WorkspaceCache[Workspace | ReadPoints] = WorkspaceCache()
        self._workspace_key: TrainingKey | None = None  # by which the present one is kept
        self._trainings: dict[Hashable, int] = {}  # by settings: the number of the training that undo has led to
        self._numbers = itertools.count(1)  # of trainings begun by a reset
        self._dropped: dict[Hashable, int] = {}  # steps of what was evicted, to be told once it is missed
        self._stored: dict[TrainingKey, Callable[[], Session]] = {}  # trainings on disk, which undo may lead to
        self._opening: Session | None = None
        self._outdated = False  # whether the workspace is that of settings which a file has replaced
        self._bundled = False  # whether the next problem may begin from weights that ship with the program
        self.adopting = False  # whether the data become those of a file that was read, and what waits for them stays
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE)
        self._settle.timeout.connect(self.build)
        state.changed.connect(self._edited)
        state.history_changed.connect(self._follow_history)  # the stack itself still speaks as it is destroyed

    # What the window may read

    @property
    def workspace(self) -> Workspace | None:
        return self._workspace

    @property
    def problem(self) -> ProblemView | None:
        return None if self._workspace is None else self._workspace.view

    @property
    def conditions(self) -> Conditions | None:
        """What the data settle; None while there are none."""
        return conditions_of(self.problem)

    @property
    def busy(self) -> bool:
        """Whether other data or another network are on their way to the workspace."""
        return self._settle.isActive() or any(self._tasks.running(task) for task in TASKS)

    @property
    def opening(self) -> Session | None:
        """The session whose data and network are being built."""
        return self._opening

    @property
    def default_step(self) -> float | None:
        """What `sampling.step = "auto"` stands for with the present sampler, in squared user units."""
        if self._workspace is None:
            return None
        from playground.lab.sampling import step_in_user_units

        return step_in_user_units(self._workspace.problem)

    def restarts(self, keys: frozenset[str]) -> bool:
        """Whether a change of these settings starts training anew."""
        known = description.every_field()
        return any(known[key].resets for key in keys)

    def is_behind(self, workspace: Workspace) -> bool:
        """Whether a workspace is of other settings than the present ones, which are still to be built."""
        return _built_for(workspace.problem.experiment) != _built_for(self._state.experiment)

    # Starting afresh

    def reset_training(self) -> QUndoCommand | None:
        """Forget the weights and start from fresh ones.

        Returns:
            The step of the history that this is; None where nothing of these settings was trained.
        """
        settings = reset_key(self._state.experiment)
        trained = self._kept_workspace(self._state.experiment)  # which may still be on its way to the workspace
        if trained is not None and trained.trained_steps:
            self._state.push(Reset(settings, next(self._numbers)))
            return self._state.last_step
        if self._workspace is not None:
            self.resetting.emit()
            self._kept.discard(self._key(self._state.experiment))
            self.build()
        return None

    def begin_anew(self, since: int) -> None:
        """Put fresh weights on the workspace by a step of the history, unless one has done so since a place of it."""
        settings = reset_key(self._state.experiment)
        steps = self._state.steps_since(since)
        if not any(isinstance(step, Reset) and step.settings == settings for step in steps):
            self._state.push(Reset(settings, next(self._numbers)))

    @Slot()
    def _follow_history(self) -> None:
        """Take the trainings that undo or redo has led to."""
        steps = self._state.steps_since(0)
        trainings = {step.settings: step.number for step in steps if isinstance(step, Reset)}
        if trainings != self._trainings:
            self._trainings = trainings
            self._state.mark_modified()
            self.resetting.emit()
            self.build()

    def _key(self, experiment: Experiment) -> TrainingKey:
        """What a workspace is kept by."""
        settings = reset_key(experiment)
        return TrainingKey(settings, self._trainings.get(settings, 0))

    def key_at(self, place: int) -> TrainingKey:
        """The training that a place of the history has."""
        settings = reset_key(self._state.experiment_at(place))
        steps = (self._state.stack.command(number) for number in range(place))
        resets = [step.number for step in steps if isinstance(step, Reset) and step.settings == settings]
        return TrainingKey(settings, resets[-1] if resets else 0)

    @property
    def workspace_key(self) -> TrainingKey | None:
        """That of the present workspace; None where a file has replaced its settings."""
        return None if self._workspace is None or self._outdated else self._workspace_key

    @property
    def is_replacing(self) -> bool:
        """Whether what a file brought is still being built."""
        return self._outdated and self.failure is None

    def workspaces(self) -> dict[TrainingKey, Workspace]:
        """All that undo and redo may lead to and that are in memory, the present one among them."""
        kept = {key: kept for key, kept in self._kept.items() if isinstance(kept, Workspace)}
        found = {key: workspace for key, workspace in kept.items() if isinstance(key, TrainingKey)}
        if self._workspace is not None and self.workspace_key is not None:
            found[self.workspace_key] = self._workspace
        return found

    @property
    def stored(self) -> frozenset[TrainingKey]:
        """The trainings on disk that undo and redo may lead to."""
        return frozenset(self._stored)

    def new_reset(self, experiment: Experiment) -> Reset:
        """A reset of these settings, as a step of a history that comes back."""
        return Reset(reset_key(experiment), next(self._numbers))

    def _kept_workspace(self, experiment: Experiment) -> Workspace | None:
        kept = self._kept.get(self._key(experiment))
        return kept if isinstance(kept, Workspace) else None

    def _keep(self, key: Hashable, value: Workspace | ReadPoints) -> None:
        for old, gone in self._kept.put(key, value):
            if isinstance(gone, Workspace) and gone.trained_steps:
                self._dropped[old] = gone.trained_steps

    # Files

    def prefer_bundled(self) -> None:
        """Begin the data set chosen next from the weights that ship with the program, if there are any for its settings."""
        self._bundled = True

    def restore(
        self,
        first: Experiment,
        steps: Sequence[QUndoCommand],
        place: int,
        session: Session | None,
        stored: Mapping[TrainingKey, Callable[[], Session]],
    ) -> None:
        """Bring back work with its history.

        Args:
            first, steps, place: as in :meth:`State.restore`.
            session: the workspace where the history stands, or the latest that there was.
            stored: reads the other trainings, once undo or redo leads to them.
        """
        self._open(session)
        self._stored = dict(stored)
        self._state.restore(first, steps, place)
        self._settle.start()

    def open_experiment(self, experiment: Experiment, session: Session | None = None) -> None:
        """Put other settings on the workspace, with fresh weights or a session's; nothing that was trained before comes back."""
        self._open(session)
        self._state.load(experiment)
        self._settle.start()

    def _open(self, session: Session | None) -> None:
        """Forget what was here before a file comes, or other work."""
        self.opened.emit(session)
        self.resetting.emit()
        for task in TASKS:
            self._tasks.cancel(task)
        for key, kept in self._kept.items():
            if isinstance(kept, Workspace):
                self._kept.discard(key)
        self._trainings.clear()
        self._dropped.clear()
        self._stored.clear()
        self._outdated = True
        self._opening = session

    def open_points(self, path: str, kind: str = "file") -> None:
        """Read a file of points, or of kind = images; only when it is sound does the experiment change to it."""
        experiment = self._state.experiment
        wanted = self._state.replaced_by({"data.kind": kind, "data.path": path})

        def read() -> "Iterator[tuple[float, Dataset]]":
            yield 1.0, wanted.data.load(experiment.likelihood.points, experiment.seed, interrupted)

        def use(dataset: "Dataset") -> None:
            for key, kept in self._kept.items():  # the file may hold other points by now
                data = kept.problem.experiment.data if isinstance(kept, Workspace) else kept.data
                if data.file == path:
                    self._kept.discard(key)
            self._keep_points(wanted, dataset)
            self.adopting = True  # training may have been asked for while these very points were read
            try:
                self._state.edit({**other_data(self._state.experiment, kind), "data.path": path})
            finally:
                self.adopting = False
            self._settle.start()
            self.points_opened.emit(path)

        def refuse(error: BaseException) -> None:
            self.withdrawn.emit()
            self._tell_error(error)

        self.withdrawn.emit()  # what was waited for gives way to the points
        # A task of its own: a session that is still being built comes first, and the points follow it.
        self._tasks.start("reading", "Reading", read, use, refuse)

    # Following the experiment

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if keys & {"data.kind", "data.path"}:
            self._tasks.cancel("reading")  # other data were chosen while it went on
        if self._opening is not None:
            return  # the session is built first; what was changed meanwhile follows it
        if self.restarts(keys) or "likelihood.points" in keys:
            self._settle.start()
            return
        workspace = self._workspace
        if workspace is None or reset_key(workspace.problem.experiment) != reset_key(self._state.experiment):
            return  # another is being built, and takes what was changed meanwhile
        workspace.follow(self._state.experiment)
        self.settings_changed.emit(keys)

    def stop(self) -> None:
        """Build nothing any more, when quitting."""
        self._settle.stop()

    @Slot()
    def build(self) -> None:
        """Build what the experiment describes, or take it from what was kept."""
        self._settle.stop()  # what it would build is built now
        self.failure = None
        session = self._opening
        bundled, self._bundled = self._bundled and session is None, False
        experiment = self._state.experiment if session is None else session.experiment
        kept = self._kept_workspace(experiment)
        if kept is not None and kept.problem.experiment.likelihood.points == experiment.likelihood.points:
            self._tasks.cancel("problem")
            self._take(kept)
            return
        conflict = training_conflict(experiment)
        if conflict is not None and conflict.key.startswith(("data.", "network.")) and session is None:
            self._fail(conflict, clear=conflict.key == "data.strokes")
            return
        dataset, previous = self._read_already(experiment), kept
        if kept is not None and kept.training == "untrained" and kept.problem.density is None:
            previous = None  # nothing was learned of these data, which can be split as is asked
        shared, bundled = self._of_the_same_points(experiment, dataset), bundled and kept is None
        stored = self._stored.get(self._key(experiment)) if kept is None and session is None else None
        self._tasks.start(
            "problem",
            "Loading",
            lambda: assemble(
                experiment,
                self._device,
                dataset=dataset,
                session=session,
                previous=previous,
                shared=shared,
                bundled=bundled,
                stored=stored,
            ),
            self._take,
            self._not_assembled,
        )

    def _read_already(self, experiment: Experiment) -> "Dataset | None":
        """The data of a file, split as is asked or, where it cannot be read again, as they are."""
        read = self._kept.get(("points", *file_key(experiment)))
        if isinstance(read, ReadPoints):
            return read.dataset
        if Path(experiment.data.file).exists():
            return None
        points = (kept for _, kept in reversed(self._kept.items()) if isinstance(kept, ReadPoints))
        return next((kept.dataset for kept in points if kept.data == experiment.data), None)

    def _of_the_same_points(self, experiment: Experiment, dataset: "Dataset | None") -> "Problem | None":
        """The problem of a kept workspace whose points another one can share; None where there is none."""
        problems = [kept.trainer.problem for _, kept in reversed(self._kept.items()) if isinstance(kept, Workspace)]
        wanted = points_key(experiment)
        return next(
            (
                problem
                for problem in problems
                if points_key(problem.experiment) == wanted and (dataset is None or problem.dataset is dataset)
            ),
            None,
        )

    def _clear(self) -> None:
        """Take everything off the workspace: without data, as in a drawing without strokes, nothing trains, plays or is measured."""
        self._tasks.cancel("problem")
        self.leaving.emit(None, None)
        self._workspace = None
        self.taken.emit(None)

    def _not_assembled(self, error: BaseException) -> None:
        """Say why there is no problem; a session whose weights do not fit is opened without them."""
        session = self._opening
        if session is not None and session.weights is not None:
            self._tell_error(error)  # the problem that is built without them would take it back
            self._opening = dataclasses.replace(session, weights=None, training={})
            self._settle.start()
        else:
            self._opening = None
            self._fail(message_of(error))

    def _tell_error(self, error: BaseException) -> None:
        self.notified.emit(about(self._state, "error", message_of(error)))

    def _fail(self, why: Message, clear: bool = False) -> None:
        """Say why there is no problem; what belongs to a file opened before this one leaves the workspace with it."""
        self.failure = why
        if clear or self._outdated:
            self._clear()
        self.problem_failed.emit(why)
        self.withdrawn.emit()

    def _take(self, workspace: Workspace) -> None:
        """Put a workspace in place of the present one, which is kept."""
        self.failure, self._outdated = None, False
        before, opened = self._workspace, self._opening
        self._opening = None
        self.leaving.emit(workspace, opened)
        built, dataset = workspace.problem.experiment, workspace.problem.dataset
        known = (kept.dataset for _, kept in self._kept.items() if isinstance(kept, ReadPoints))
        if built.data.is_file and all(dataset is not other for other in known):
            self._keep_points(built, dataset)
        if workspace.could_hold_out_more:
            self._tell_held_out(workspace)
        if self.is_behind(workspace):
            self._settle.start()
        else:
            workspace.follow(self._state.experiment)
        workspace.learned_of_labels()
        self.device_text = workspace.device_text
        self._workspace = workspace
        if before is not None and self._workspace_key in self._kept:
            self._keep(self._workspace_key, before)  # whose weights and figures have grown
        self._workspace_key = self._key(workspace.problem.experiment)
        self._keep(self._workspace_key, workspace)
        self._stored.pop(self._workspace_key, None)  # from here on it is in memory
        self.problem_changed.emit(workspace.view)
        self.taken.emit(opened)
        self._tell_dropped(workspace)
        if before is None:
            self.ready.emit()

    def _keep_points(self, experiment: Experiment, dataset: "Dataset") -> None:
        """Keep what was read of a file, which it may not be possible to read again."""
        self._keep(("points", *file_key(experiment)), ReadPoints(experiment.data, dataset))

    def _tell_held_out(self, workspace: Workspace) -> None:
        held_out = len(workspace.problem.dataset.held_out)
        said = f"{held_out:,} of these data were held out when training started. Reset holds out more."
        is_current = lambda: self._workspace is workspace and workspace.could_hold_out_more  # noqa: E731
        self.notified.emit(Notification("info", said, is_current=is_current))

    def _tell_dropped(self, workspace: Workspace) -> None:
        """Tell what undo cannot bring back, once it is missed."""
        steps = self._dropped.pop(self._workspace_key, 0)
        if steps and not workspace.trained_steps:
            self._state.mark_modified()  # a file may hold them still
            is_current = lambda: self._workspace is workspace and not workspace.trained_steps  # noqa: E731
            said = DROPPED.format(format_count(steps))
            self.notified.emit(Notification("warning", said, "train.toggle", is_current))


def _built_for(experiment: Experiment) -> tuple[object, ...]:
    """The settings that a workspace is built for."""
    return reset_key(experiment), experiment.likelihood.points
