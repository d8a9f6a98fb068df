"""Makes the experiment happen: data, training, sampling and measurements, without ever holding up the window.

The engine lives in the GUI thread and computes nothing itself. Threads drive iterators and leave their newest result in a
slot; a 60 Hz timer takes it from there and tells the window by signals.
"""

import dataclasses
import itertools
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QUndoCommand

from playground.app.controllers.playback_clock import TICK
from playground.app.controllers.training import Training
from playground.app.model import kept_figures
from playground.app.model.state import State
from playground.app.model.workspace import Workspace, assemble, file_key, other_data, points_key, reset_key
from playground.app.model.workspace_cache import WorkspaceCache
from playground.app.style.number_formats import format_count
from playground.app.workers.worker import interrupted
from playground.kinds.inpainting import known_pixels
from playground.lab import experiment as description
from playground.lab.conflicts import training_conflict
from playground.lab.experiment import Experiment
from playground.lab.session import Session, SessionError
from playground.lab.trajectory import Trajectory

if TYPE_CHECKING:
    from playground.data import Dataset
    from playground.lab.problem import Problem

SETTLE = 150  # ms without an edit before data and network are built anew, so that a slider can be dragged
BUILDING = ("problem", "reading")  # tasks that end with something else on the workspace
DROPPED = "Undo keeps 1 GiB in memory, which the {} steps trained here exceeded. Train makes them anew."


class Reset(QUndoCommand):
    """A reset of training: it puts fresh weights in the place of those trained by the same settings.

    It holds no weights, for the memory that they take is bounded elsewhere: the engine looks where the stack stands.

    Args:
        settings: of which training was reset, see :func:`reset_key`.
        number: of the training that it begins.
    """

    def __init__(self, settings: Hashable, number: int) -> None:
        super().__init__("Reset training\nreset of training")
        self.settings, self.number = settings, number


class Engine(Training):
    """Follows the experiment: builds its data and network, keeps the clock.

    Args:
        state: the experiment to follow.
        device: "auto", "cpu", "cuda" or "mps".
    """

    ready = Signal()  # torch is loaded and there is a problem, where there was none
    problem_changed = Signal(object)  # ProblemView
    points_opened = Signal(str)  # the path of the file or folder that the data are now
    problem_failed = Signal(str)  # why the settings give no problem; after an edit the old one stays

    def __init__(self, state: State, device: str = "auto", parent: QObject | None = None) -> None:
        super().__init__(state, parent)
        self._device = device
        self.device_text = "starting"  # the device and its threads, as the status bar says it
        self._kept = WorkspaceCache()  # workspaces and what was read of files
        self._workspace_key: Hashable = None  # by which the present one is kept
        self._trainings: dict[Hashable, int] = {}  # by settings: the number of the training that undo has led to
        self._numbers = itertools.count(1)  # of trainings begun by a reset
        self._dropped: dict[Hashable, int] = {}  # steps of what was evicted, to be told once it is missed
        self._opening: Session | None = None
        self._outdated = False  # whether the workspace is that of settings which a file has replaced
        self._bundled = False  # whether the next problem may begin from weights that ship with the program
        self._last_tick = time.monotonic()
        self._clock = QTimer(self)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.setInterval(TICK)
        self._clock.timeout.connect(self._tick)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE)
        self._settle.timeout.connect(self._assemble)
        state.changed.connect(self._edited)
        state.history_changed.connect(self._follow_history)  # the stack itself still speaks as it is destroyed
        self.problem_failed.connect(lambda _: self._wait(False))

    # What the window may read

    @property
    def building(self) -> bool:
        """Whether other data or another network are on their way to the workspace."""
        return self._settle.isActive() or any(self._tasks.running(task) for task in BUILDING)

    @property
    def default_step(self) -> float | None:
        """What `sampling.step = "auto"` stands for with the present sampler, in squared user units."""
        if self._workspace is None:
            return None
        from playground.lab.sampling import step_in_user_units

        return step_in_user_units(self._workspace.problem)

    def start(self) -> None:
        """Load torch, build the first problem and begin to sample. Call after the first paint."""
        self._start_sampling()
        self._clock.start()
        self._assemble()

    def shutdown(self, seconds: float = 2.0) -> bool:
        """Stop every thread; True where all ended in time."""
        self._clock.stop()
        self._settle.stop()
        workers = [worker for worker in (self._training, self._sampling_thread) if worker is not None]
        for worker in workers:
            worker.requestInterruption()
        deadline = time.monotonic() + seconds
        ended = self._tasks.shutdown(seconds)
        for worker in workers:
            ended &= worker.wait(max(int((deadline - time.monotonic()) * 1000), 1))
        return ended

    # Starting afresh

    def reset_training(self) -> QUndoCommand | None:
        """Forget the weights and start from fresh ones.

        Returns:
            The step of the history that this is; None where nothing of these settings was trained.
        """
        settings = reset_key(self._state.experiment)
        trained = self._kept.get(self._key(self._state.experiment))  # which may still be on its way to the workspace
        if trained is not None and trained.trained_steps:
            self._state.push(Reset(settings, next(self._numbers)))
            return self._state.last_step
        if self._workspace is not None:
            self._stop_training()
            self._kept.discard(self._key(self._state.experiment))
            self._assemble()
        return None

    @Slot()
    def _follow_history(self) -> None:
        """Take the trainings that undo or redo has led to."""
        stack = self._state.stack
        steps = (stack.command(place) for place in range(stack.index()))
        trainings = {step.settings: step.number for step in steps if isinstance(step, Reset)}
        if trainings != self._trainings:
            self._trainings = trainings
            self._state.mark_modified()
            self._stop_training()
            self._assemble()

    def _key(self, experiment: Experiment) -> Hashable:
        """What a workspace is kept by."""
        settings = reset_key(experiment)
        return "workspace", settings, self._trainings.get(settings, 0)

    def _keep(self, key: Hashable, value: "Workspace | Dataset") -> None:
        for old, gone in self._kept.put(key, value):
            if isinstance(gone, Workspace) and gone.trained_steps:
                self._dropped[old] = gone.trained_steps

    # Files

    def session(self, view: Mapping[str, Any]) -> Callable[[], Session]:
        """Makes what a file should keep, for another thread: the weights are there between two blocks of training only.

        Args:
            view: what the canvas shows, JSON values.

        Raises:
            SessionError: there are no data, or not those of the settings.
        """
        workspace, opening, experiment = self._workspace, self._opening, self._state.experiment
        if workspace is None and opening is None:
            raise SessionError("Nothing is saved: there are no data yet.")
        built = workspace.problem.experiment if workspace is not None else opening.experiment
        if not self.failure and reset_key(built) != reset_key(experiment):
            raise SessionError(
                "Nothing is saved yet: the new settings are still being applied. Save again in a moment."
            )
        if workspace is None:
            return lambda: dataclasses.replace(opening, experiment=experiment, view=view)
        if self.failure:
            raise SessionError(f"Nothing is saved: the settings describe other data. {self.failure}")
        dataset, trajectory = workspace.problem.dataset, self._trajectory
        measured = kept_figures.to_json(kept_figures.present(workspace, experiment, self._run_seed), self._run_seed)
        arrays, clicked = None, self.clicked if dataset.shape == (2,) else ()
        played = self._played_as
        of_now = self._played is workspace and (played.sampling, played.seed) == (experiment.sampling, experiment.seed)
        if of_now and trajectory is not None and trajectory.finished:
            arrays = {name: array for name, array in trajectory.arrays().items() if name != "axes"}
            clicked = self.clicked
        return lambda: Session.of(
            experiment,
            dataset,
            weights=workspace.state(),
            trajectory=arrays,
            training=workspace.summary(),
            view=view,
            clicked=clicked,
            measurements=measured,
        )

    def session_size(self) -> int | None:
        """Bytes that the file of :meth:`session` about has; None while there are no data."""
        return None if self._workspace is None else self._workspace.file_size(self._trajectory)

    @property
    def known(self) -> np.ndarray | None:
        """Of the images in view (H, W), True at the pixels that the run was given."""
        trajectory, mask = self._trajectory, self._played_as.sampling.mask
        return None if trajectory is None else known_pixels(mask, *trajectory.shape[-2:])

    def prefer_bundled(self) -> None:
        """Begin the data set chosen next from the weights that ship with the program, if there are any for its settings."""
        self._bundled = True

    def open_session(self, session: Session) -> None:
        """Put a saved session on the workspace; its trajectory plays at once, the rest follows when it is built."""
        self.open_experiment(session.experiment, session)
        if session.trajectory:
            self._show_recorded(Trajectory.from_arrays(dict(session.trajectory)))

    def open_experiment(self, experiment: Experiment, session: Session | None = None) -> None:
        """Put other settings on the workspace, with fresh weights or a session's; nothing that was trained before comes back."""
        self._stop_training()
        for task in BUILDING:
            self._tasks.cancel(task)
        for key, kept in self._kept.items():
            if isinstance(kept, Workspace):
                self._kept.discard(key)
        self._trainings.clear()
        self._dropped.clear()
        self._outdated = True
        self._opening = session
        self._state.load(experiment)
        self._settle.start()

    def open_points(self, path: str, kind: str = "file") -> None:
        """Read a file of points, or of kind = images; only when it is sound does the experiment change to it."""
        experiment = self._state.experiment
        wanted = self._state.replaced_by({"data.kind": kind, "data.path": path})

        def read() -> "Iterator[tuple[float, Dataset]]":
            yield 1.0, wanted.data.load(experiment.likelihood.points, experiment.seed, interrupted)

        def use(dataset: "Dataset") -> None:
            for key, kept in self._kept.items():  # the file may hold other points by now
                data = kept.problem.experiment.data if isinstance(kept, Workspace) else key[1]
                if data.file == path:
                    self._kept.discard(key)
            self._keep(("points", *file_key(wanted)), dataset)
            waiting = self._waiting  # for these very points, as training was asked for while they were read
            self._state.edit({**other_data(self._state.experiment, kind), "data.path": path})
            self._settle.start()
            self._wait(waiting)
            self.points_opened.emit(path)

        def refuse(error: BaseException) -> None:
            self._wait(False)
            self.message.emit("error", str(error), "")

        self._wait(False)  # what was waited for gives way to the points
        # A task of its own: a session that is still being built comes first, and the points follow it.
        self._tasks.start("reading", "Reading", read, use, refuse)

    # Following the experiment

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        workspace = self._workspace
        known = description.every_field()
        if keys & {"data.kind", "data.path"}:
            self._tasks.cancel("reading")  # other data were chosen while it went on
        resets = any(known[key].resets for key in keys)
        if resets:
            self._wait(False)  # training that runs ends too, and begins again only when it is asked for
        if self._opening is not None:
            return  # the session is built first; what was changed meanwhile follows it
        if resets or "likelihood.points" in keys:
            self._settle.start()
            return
        if workspace is None or reset_key(workspace.problem.experiment) != reset_key(self._state.experiment):
            return  # another is being built, and takes what was changed meanwhile
        workspace.problem = dataclasses.replace(workspace.problem, experiment=self._state.experiment)
        if self._training is not None and any(key.startswith(("training.", "objective.")) for key in keys):
            conflict = training_conflict(self._state.experiment, workspace.view.conditions)
            if conflict is None:
                workspace.pending_hyperparameters.put(self._state.experiment)
            else:
                self.pause_training()
                self.message.emit("warning", str(conflict), "")
        if any(key.startswith("sampling.") or key == "seed" for key in keys):
            self._forget("quality")
            self._recall()
            self._begin()
        if "likelihood.source" in keys:
            self._forget_weights()

    @Slot()
    def _assemble(self) -> None:
        """Build what the experiment describes, or take it from what was kept."""
        self._settle.stop()  # what it would build is built now
        self.failure = ""
        session = self._opening
        bundled, self._bundled = self._bundled and session is None, False
        experiment = self._state.experiment if session is None else session.experiment
        kept = self._kept.get(self._key(experiment))
        if kept is not None and kept.problem.experiment.likelihood.points == experiment.likelihood.points:
            self._tasks.cancel("problem")
            self._take(kept)
            return
        conflict = training_conflict(experiment)
        if conflict is not None and conflict.key.startswith(("data.", "network.")) and session is None:
            self._fail(str(conflict), clear=conflict.key == "data.strokes")
            return
        dataset, previous = self._read_already(experiment), kept
        if kept is not None and kept.training == "untrained" and kept.problem.density is None:
            previous = None  # nothing was learned of these data, which can be split as is asked
        shared, bundled = self._of_the_same_points(experiment, dataset), bundled and kept is None
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
            ),
            self._take,
            self._not_assembled,
        )

    def _read_already(self, experiment: Experiment) -> "Dataset | None":
        """The data of a file, split as is asked or, where it cannot be read again, as they are."""
        dataset = self._kept.get(("points", *file_key(experiment)))
        if dataset is not None or Path(experiment.data.file).exists():
            return dataset
        kept = reversed(self._kept.items())
        return next((found for key, found in kept if key[:2] == ("points", experiment.data)), None)

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
        self._stop_training()
        self._workspace = None
        self._drop_run()
        self._forget_measurements()
        self.training_changed.emit("untrained")

    def _not_assembled(self, error: BaseException) -> None:
        """Say why there is no problem; a session whose weights do not fit is opened without them."""
        session = self._opening
        if session is not None and session.weights is not None:
            self.message.emit("error", str(error), "")  # the problem that is built without them would take it back
            self._opening = dataclasses.replace(session, weights=None, training={})
            self._settle.start()
        else:
            self._opening = None
            self._fail(str(error))

    def _fail(self, sentence: str, clear: bool = False) -> None:
        """Say why there is no problem; what belongs to a file opened before this one leaves the workspace with it."""
        self.failure = sentence
        if clear or self._outdated:
            self._clear()
        self.problem_failed.emit(sentence)

    def _take(self, workspace: Workspace) -> None:
        """Put a workspace in place of the present one, which is kept."""
        self.failure, self._outdated = "", False
        first, opened = self._workspace is None, self._opening
        clicked = self._clicked_of_the_same(workspace) if opened is None else opened.clicked
        self._opening = None
        self._run_seed = self._run_seed if opened is None else kept_figures.noise_of(opened.measurements)
        before, trained = self._workspace, self._training is not None
        if before is not None and workspace is not before:
            before.clicked = () if before.view.is_image else self.clicked
        built, wanted = workspace.problem.experiment, self._state.experiment
        behind = (reset_key(built), built.likelihood.points) != (reset_key(wanted), wanted.likelihood.points)
        if workspace is not before:
            self._end_training()
            if (
                before is not None and workspace.trainer is before.trainer
            ):  # only what is measured is new: training goes on
                workspace.training, workspace.progress, workspace.weights = (
                    before.training,
                    before.progress,
                    before.weights,
                )
                self._waiting |= trained and not behind
        dataset = workspace.problem.dataset
        if built.data.is_file and all(dataset is not known for _, known in self._kept.items()):
            self._keep(("points", *file_key(built)), dataset)
        if workspace.could_hold_out_more:
            said = f"{len(dataset.held_out):,} of these data were held out when training started. Reset holds out more."
            self.note.emit("info", said, "", lambda: self._workspace is workspace and workspace.could_hold_out_more)
        if behind:
            self._settle.start()
        else:
            workspace.problem = dataclasses.replace(workspace.problem, experiment=self._state.experiment)
        workspace.learned_of_labels()
        self.device_text = workspace.device_text
        run = self._trajectory
        recorded = (
            opened is not None and self._played is None and run is not None and run.shape == workspace.problem.shape
        )
        if recorded:
            self._played = workspace
        self._workspace = workspace
        if before is not None and self._workspace_key in self._kept:
            self._keep(self._workspace_key, before)  # whose weights and figures have grown
        self._workspace_key = self._key(workspace.problem.experiment)
        self._keep(self._workspace_key, workspace)
        self._learned_densities.forget()
        self._unpin()
        self._overlays.expire()
        self.problem_changed.emit(workspace.view)
        self.training_changed.emit(self.training)
        if workspace.progress is not None:
            self.progress.emit(workspace.progress)
        self._forget_measurements()
        if not recorded:
            self._begin()
        self.click_again(clicked or self._awaiting or workspace.clicked)
        self._awaiting = ()
        steps = self._dropped.pop(self._workspace_key, 0)
        if steps and not workspace.trained_steps:
            self._state.mark_modified()  # a file may hold them still
            said = DROPPED.format(format_count(steps))
            self.note.emit(
                "warning", said, "train.toggle", lambda: self._workspace is workspace and not workspace.trained_steps
            )
        if first:
            self.ready.emit()

    @Slot()
    def _tick(self) -> None:
        now = time.monotonic()
        # In whole ticks: at speed 1 each then shows the next frame, where 60 frames in 62.5 ticks would stumble twice a second.
        ticks = max(1, round(1000 * (now - self._last_tick) / TICK))
        self._last_tick = now
        self._tasks.poll()
        self._poll_training(now)
        self._advance(ticks * TICK / 1000)
