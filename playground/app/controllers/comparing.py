"""Compares runs side by side: two to four columns, each the main experiment with a few changed settings."""

import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from playground.app.controllers.building import Building, key_of
from playground.app.controllers.column_runs import ColumnRun, ColumnsWorker, Equal, Prepared, Wanted, prepare
from playground.app.controllers.column_training import ColumnTraining, ColumnTrainings, Fair
from playground.app.controllers.following import Following
from playground.app.controllers.notification import Notification
from playground.app.controllers.overlay_timing import CurrentFrame, as_known
from playground.app.controllers.playback_clock import FRAMES_A_SECOND
from playground.app.controllers.playing import Playing
from playground.app.controllers.replaying import Replaying
from playground.app.controllers.sampling_worker import SHARE
from playground.app.model.columns import LETTERS, edits_between
from playground.app.model.pinned_runs import PinnedRun
from playground.app.model.state import State
from playground.app.model.views import WantedOverlays
from playground.app.model.weights import Weights
from playground.app.workers.tasks import Tasks
from playground.app.workers.worker import Worker
from playground.kinds.samplers import FromNoise, Sampler
from playground.lab.columns import FEWEST, MOST, SECTIONS, Column, Columns, DistanceCurve, with_edits
from playground.lab.conflicts import sampling_conflict
from playground.lab.experiment import ExperimentError
from playground.lab.trajectory import Trajectory
from playground.messages import Message
from playground.user_errors import message_of

PREPARING, MEASURING = "comparison", "distances of columns"  # names of tasks
SETTLE = 60  # ms without an edit before the columns are sampled again
TELL_SECONDS = 0.25  # between two reports of the trainings' progress
ARROWS = frozenset({"learned", "exact"})


class Comparing(QObject):
    """Samples the columns on one Brownian path and measures their distance to the data. The main experiment stays as
    it is.

    Attributes:
        columns: those of the document; empty if nothing is compared, and while there are no data.
        runs: the columns' runs from left to right; after a change the old ones stay until the new ones are ready.
        equal: what is the same in all columns.
        fair: what is the same in the trainings of columns and in that of the main experiment.

    Signals:
        active_changed(bool): the comparison began or ended.
        changed(): the columns changed, or their runs began again.
        measured(): the distances of one more column are known, or why they are not.
        progressed(): trainings of columns have made progress.
        notified(Notification)
        overlays_changed(int): the field, density or colours of this column's current frame changed.
    """

    active_changed = Signal(bool)
    changed = Signal()
    measured = Signal()
    overlays_changed = Signal(int)
    progressed = Signal()
    notified = Signal(object)

    def __init__(
        self,
        state: State,
        building: Building,
        replaying: Replaying,
        playing: Playing,
        following: Following,
        tasks: Tasks,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._building, self._playing = state, building, playing
        self._replaying, self._following, self._tasks = replaying, following, tasks
        self.columns: Columns = ()
        self.runs: tuple[ColumnRun, ...] = ()
        self._next: tuple[ColumnRun, ...] = ()  # sampled while the last ones play, and shown after them
        self.equal: Equal = "own"
        self._worker = ColumnsWorker()
        self._thread: Worker[None] | None = None
        self.fair: Fair = "steps"
        self._trainings = ColumnTrainings()
        self._told = 0.0  # time.monotonic at the last report of progress
        self._measured: ColumnRun | None = None  # the run whose distances are being measured
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE)
        self._settle.timeout.connect(self._begin_runs)
        state.document_changed.connect(self._follow_document)
        building.settings_changed.connect(self._take_settings)
        building.taken.connect(self._take)
        replaying.chosen.connect(self._again)

    # What the window may read

    @property
    def is_active(self) -> bool:
        return bool(self.columns)

    @property
    def can_add(self) -> bool:
        return FEWEST <= len(self.columns) < MOST

    @property
    def can_remove(self) -> bool:
        return len(self.columns) > FEWEST

    @property
    def steps(self) -> tuple[int, ...]:
        """The training steps whose weights a column can use."""
        return self._replaying.steps if self._replaying.can_choose else ()

    @property
    def total(self) -> int:
        """Frames of the common timeline, which are those of the longest run."""
        longest = self.longest
        return 0 if longest is None else longest.total

    @property
    def recorded(self) -> int:
        """The number of frames that all runs have."""
        total = self.total
        return min((run.recorded(total) for run in self._played), default=0)

    @property
    def longest(self) -> Trajectory | None:
        """The run with the most frames when complete."""
        found = (run.trajectory for run in self._played if run.trajectory is not None)
        return max(found, key=lambda trajectory: trajectory.total, default=None)

    @property
    def is_sampled(self) -> bool:
        """Whether every run that can be sampled has ended."""
        return bool(self._played) and all(run.finished for run in self._played)

    @property
    def awaited(self) -> Message | None:
        """A message on what a film of all columns waits for; None if all are sampled and measured."""
        if self._settle.isActive() or self._tasks.running(PREPARING) or not self.runs:
            return Message("columns-prepared", "The columns are being prepared.")
        for run in self._played:
            training = run.training
            if training is not None and (self._is_behind(training) or self._is_newer(run, training)):
                return Message("column-trained", "Column {} is being trained.", (LETTERS[run.place],))
        for run in self._played:
            if not run.finished:
                return Message("column-sampled", "Column {} is being sampled.", (LETTERS[run.place],))
        for run in self._played:
            if run.curve is None and run.curve_failure is None:
                text = "The distance of column {} to the data is being measured."
                return Message("column-measured", text, (LETTERS[run.place],))
        return None

    @property
    def _played(self) -> list[ColumnRun]:
        return [run for run in self.runs if run.failure is None]

    @property
    def workers(self) -> list[Worker[None]]:
        """The threads that sample and train; quitting waits for them."""
        return [thread for thread in (self._thread, self._trainings.thread) if thread is not None]

    @property
    def trains(self) -> bool:
        """Whether a column needs a training of its own."""
        return any(run.training is not None for run in self.runs)

    @property
    def target(self) -> float:
        """How far the trainings of columns go: as far as the main training has come, in steps or seconds."""
        workspace = self._building.workspace
        if workspace is None:
            return 0.0
        return float(workspace.trained_steps if self.fair == "steps" else workspace.trainer.seconds)

    @property
    def notices(self) -> list[Message]:
        """Warnings about the columns in view."""
        found = [notice for run in self.runs for notice in run.prepared.notices]
        for run in self.runs:
            if run.training is not None and run.training.diverged is not None:
                said = "The training of column {} diverged at step {:,}: its last good weights are shown."
                found.append(Message("column-diverged", said, (LETTERS[run.place], run.training.step)))
        if self.trains and self._replaying.step is not None:
            said = "Columns with a training of their own are as far as the newest step, not {:,}."
            found.append(Message("newest-weights", said, (self._replaying.step,)))
        return found

    # What the window may ask for

    @Slot()
    def toggle(self) -> None:
        """Start the comparison, or leave it."""
        if self.is_active:
            self.leave()
        else:
            self.begin()

    def begin(self, columns: Sequence[Column] = ()) -> None:
        """Compare these columns; by default the main experiment with another sampler."""
        if self._building.workspace is None:
            return
        chosen = tuple(columns)[:MOST]
        if len(chosen) < FEWEST:
            chosen = (Column(), self._another())
        self._state.put(columns=chosen)
        self._playing.set_playing(True)

    @Slot()
    def leave(self) -> None:
        """End the comparison and show the main run again."""
        self._state.put(columns=())

    def compare(self, runs: Sequence[PinnedRun]) -> None:
        """Compare pinned runs: their settings are sampled again with common noise."""
        main, workspace = self._state.experiment, self._building.workspace
        if workspace is None:
            return
        others = next((run for run in runs if run.experiment.data != main.data), None)
        if others is not None:
            said = "Run {} was sampled on other data: restore it first, or choose others."
            is_current = lambda: self._state.experiment == main  # noqa: E731
            self.notified.emit(Notification("error", Message("other-data", said, (others.name,)), "", is_current))
            return
        columns, lost = [], None
        for run in runs:
            step = None if run.trained_steps == workspace.trained_steps else run.trained_steps
            if step is not None and step not in workspace.kept_steps:
                step, lost = None, lost or run.trained_steps
            columns.append(Column.of(edits_between(main, run.experiment), step))
        self.begin(columns)
        if lost is not None:
            said = "The weights of {:,} training steps are not kept: the column follows the newest."
            is_current = lambda: self.is_active  # noqa: E731
            self.notified.emit(Notification("warning", Message("lost-weights", said, (lost,)), "", is_current))

    def add(self, column: Column | None = None) -> None:
        """Add a column at the right; by default the main experiment with a sampler that is not compared yet."""
        if self.can_add:
            self._state.put(columns=(*self.columns, column or self._another()))

    def remove(self, place: int) -> None:
        """Remove a column."""
        if self.can_remove:
            self._state.put(columns=(*self.columns[:place], *self.columns[place + 1 :]))

    def put(self, place: int, column: Column) -> None:
        """Change the edits of a column.

        Raises:
            ExperimentError: the edits do not fit the main experiment.
        """
        with_edits(self._state.experiment, column)
        self._state.put(
            columns=tuple(column if number == place else other for number, other in enumerate(self.columns))
        )

    def set_equal(self, equal: Equal) -> None:
        """Choose what is the same in all columns."""
        if equal != self.equal:
            self.equal = equal
            self._again()

    def set_fair(self, fair: Fair) -> None:
        """Choose what is the same in all trainings."""
        self.fair = fair

    def again(self) -> None:
        """Start the ended runs again, with newer weights if there are any.

        If runs cannot be sampled as fast as they play, those of newer weights are sampled while the last ones play.
        """
        if self._next and all(run.finished or run.failure is not None for run in self._next):
            self._show(self._next)
        elif not self._next and not self._tasks.running(PREPARING) and self._has_newer_weights:
            rate = FRAMES_A_SECOND * self._playing.speed * len(self._played)  # they share a thread
            self._begin_runs(beside=not all(run.worker.keeps_up(rate) for run in self._played))
        self._playing.seek(0)

    @property
    def _has_newer_weights(self) -> bool:
        """Whether a run with the newest weights would be another one."""
        workspace = self._building.workspace
        newer = [
            run.training.weights if run.training is not None else workspace.weights_at(run.column.step)
            for run in self._played
            if workspace is not None and run.experiment.sampling.follows == "learned"
        ]
        shown = {run.model.weights.version for run in self._played if run.model is not None}
        return any(weights is not None and weights.version not in shown for weights in newer)

    def wanted_by(self, run: ColumnRun) -> WantedOverlays:
        """What one column shows. If arrows show the score that particles follow, each column shows its own."""
        wanted = self._following.wanted
        main, own = self._state.experiment.sampling.follows, run.experiment.sampling.follows
        layers, exact = wanted.layers, "empirical" if own == "empirical" else "exact"
        if (main == "learned") != (own == "learned") and own is not None and layers & ARROWS:
            layers = (layers - ARROWS) | {"learned" if own == "learned" else "exact"}
        if (layers, exact) != (wanted.layers, wanted.exact_source):
            wanted = dataclasses.replace(wanted, layers=layers, exact_source=exact)
        wanted = as_known(wanted, run.model)
        if "density" in layers and wanted.density_source == "learned":  # its maps take seconds
            return dataclasses.replace(wanted, layers=layers - {"density"})
        return wanted

    # How it proceeds

    @Slot()
    def _follow_document(self) -> None:
        """Show the columns of the document, which also undo or a file may have changed."""
        before, columns = self.columns, () if self._building.workspace is None else self._state.document.columns
        if columns == before:
            return
        self.columns = columns
        if not columns:
            self._end()
            return
        if self._thread is None or self._thread.isFinished():
            self._thread = Worker(self._worker.loop, "comparing", watched=True)
            self._thread.start()
        if not before:
            self._playing.set_lockstep(self)
            self.active_changed.emit(True)
        self._begin_runs()

    def _end(self) -> None:
        """Show the main run again."""
        self._settle.stop()
        for task in (PREPARING, MEASURING):
            self._tasks.cancel(task)
        self._measured = None
        runs, self.runs, self._next = self.runs, (), ()
        self._worker.put(())
        if self._thread is not None:
            self._tasks.retire(self._thread)
            self._thread = None
            self._worker = ColumnsWorker()
        if runs:  # what the last columns learned is kept: they may be compared again on the same data
            self._trainings.keep([run.training for run in runs])
        thread = self._trainings.stop()
        if thread is not None:
            self._tasks.retire(thread)
        self._playing.set_lockstep(None)
        self.active_changed.emit(False)

    def _another(self) -> Column:
        """A column with a sampler that fits and that no column has."""
        experiment, conditions = self._state.experiment, self._building.conditions
        taken = {value for column in self.columns for key, value in column.edits if key == "sampling.kind"}
        taken |= {experiment.sampling.kind}
        # Those that follow the process come first, because they can share a Brownian path.
        for kind in sorted(Sampler.kinds().values(), key=lambda kind: not issubclass(kind, FromNoise)):
            if kind.name() in taken or not kind.is_generative:
                continue
            column = Column.of({"sampling.kind": kind.name()})
            try:
                other = with_edits(experiment, column)
            except ExperimentError:
                continue
            if sampling_conflict(other, conditions) is None:
                return column
        return Column.of({"sampling.steps": 50})

    @Slot(object)
    def _take_settings(self, keys: frozenset[str]) -> None:
        if any(key.partition(".")[0] in SECTIONS for key in keys):
            self._again()

    @Slot()
    def _take(self) -> None:
        workspace = self._building.workspace
        if workspace is not None:
            self._trainings.keep_those_of(workspace.problem.dataset)
        self._again()
        self._follow_document()

    @Slot()
    def _again(self) -> None:
        if self.is_active:
            self._settle.start()

    @Slot()
    def _begin_runs(self, beside: bool = False) -> None:
        """Prepare the columns in a thread, then sample them from the start, or beside the ones that play."""
        self._settle.stop()
        if self._next:
            self._next = ()
            self._worker.put(self.runs)
        workspace, key = self._building.workspace, self._building.workspace_key
        if workspace is None or not self.is_active:
            return
        if key is None or (key != key_of(self._state.document) and self._building.failure is None):
            self._tasks.cancel(PREPARING)
            return  # the workspace of the document is still to come
        main = workspace.model
        wanted = [
            Wanted(column, workspace.weights_at(column.step), self._own_weights(column)) for column in self.columns
        ]
        main = dataclasses.replace(main, problem=dataclasses.replace(main.problem, experiment=self._state.experiment))
        equal, seed, take = self.equal, self._playing.seed, self._run_beside if beside else self._run
        self._tasks.start(PREPARING, "Comparison", lambda: prepare(main, wanted, equal, seed), take, self._fail)

    def _own_weights(self, column: Column) -> Weights | None:
        """The weights of the column's own training so far."""
        workspace = self._building.workspace
        try:
            experiment = with_edits(self._state.experiment, column)
        except ExperimentError:
            return None
        return None if workspace is None else self._trainings.weights(experiment, workspace.problem)

    def _training_of(self, prepared: Prepared) -> ColumnTraining | None:
        """The column's own training, which may not have begun; None if it needs none."""
        if not prepared.trains or prepared.model is None:
            return None
        return self._trainings.of(prepared.experiment, prepared.model.problem)

    def _column_run(self, prepared: Prepared, place: int) -> ColumnRun:
        changed = lambda _: self.overlays_changed.emit(place)  # noqa: E731
        return ColumnRun(prepared, place, self._worker.wake, changed, self._training_of(prepared))

    def _run(self, prepared: tuple[Prepared, ...]) -> None:
        self._show(self._recording(prepared))

    def _run_beside(self, prepared: tuple[Prepared, ...]) -> None:
        self._next = self._recording(prepared)
        self._worker.put((*self.runs, *self._next))

    def _recording(self, prepared: tuple[Prepared, ...]) -> tuple[ColumnRun, ...]:
        """Runs that are sampled to their end once the thread has them."""
        runs = tuple(self._column_run(one, place) for place, one in enumerate(prepared))
        for run in runs:
            run.worker.record(sys.maxsize)
        return runs

    def _show(self, runs: tuple[ColumnRun, ...]) -> None:
        """Play these runs from the start."""
        self._tasks.cancel(MEASURING)
        self._measured = None
        self.runs, self._next = runs, ()
        trained = [run.training for run in self.runs if run.training is not None]
        self._trainings.aim(self.fair, self.target)
        self._trainings.put(trained)
        self._trainings.start()
        self._worker.put(self.runs)
        self._playing.seek(0)
        self.changed.emit()

    def _fail(self, error: BaseException) -> None:
        why, experiment = message_of(error), self._state.experiment
        self.runs = tuple(
            self._column_run(Prepared(column, experiment, why=why), place) for place, column in enumerate(self.columns)
        )
        self.changed.emit()

    # Called by the clock

    @property
    def waits(self) -> bool:
        """Whether the current frame, at rest, must wait for the field or density of a column."""
        if self._playing.seeks or self._playing.is_playing:
            return False
        waiting = [run.overlays.waits for run in self._played]  # all are asked: each notes since when it waits
        return any(waiting)

    def settle(self) -> None:
        """Let each column show what was computed for its current frame, and remove what belongs to another frame."""
        for run in self._played:
            run.overlays.settle(self._playing.plays_on)

    def look(self) -> None:
        """Take computed fields, request those of the current frame, and measure finished runs."""
        workspace = self._building.workspace
        if workspace is None:
            return
        self._look_after_trainings(time.monotonic())
        behind = any(run.training is not None and self._is_behind(run.training) for run in self.runs)
        share = SHARE if workspace.training == "training" or behind else 1.0
        frame, total = self._playing.frame, self.total
        for run in self._next:  # nobody waits for them
            run.worker.set_share(share / len(self._next))
        for run in self.runs:
            run.worker.set_share(share)
            own, moment = run.frame_at(frame, total), run.noise_at(frame, total)
            run.overlays.follow(CurrentFrame(run.model, run.trajectory, own, moment, self.wanted_by(run)))
            if not self._playing.seeks:
                run.overlays.look()
        self._measure_next()

    def _is_behind(self, training: ColumnTraining) -> bool:
        return training.is_behind(self.fair, self.target)

    @staticmethod
    def _is_newer(run: ColumnRun, training: ColumnTraining) -> bool:
        """Whether a column's own training has newer weights than those of its run."""
        return training.weights is not None and run.model is not None and run.model.weights is not training.weights

    def _look_after_trainings(self, now: float) -> None:
        """Keep trainings as far as the main one, report their progress, and sample again when all have reached it.

        A training that is beyond it begins again: the main one was reset or undone, or the unit changed.
        """
        trained = [(run, run.training) for run in self.runs if run.training is not None]
        if not trained:
            return
        self._trainings.aim(self.fair, self.target)
        if now - self._told > TELL_SECONDS:
            self._told = now
            self.progressed.emit()
        if self._settle.isActive() or self._tasks.running(PREPARING):
            return
        if self._trainings.forget_beyond():
            self._begin_runs()
            return
        for run, training in trained:
            if training.failure is not None and run.failure is None:
                run.fail(training.failure)
                self.changed.emit()
        newer = any(self._is_newer(run, training) for run, training in trained)
        if newer and not any(self._is_behind(training) for _, training in trained):
            self._again()

    def _measure_next(self) -> None:
        """Measure one finished run at a time."""
        if self._measured is not None:
            return
        run = next(
            (run for run in self._played if run.finished and run.curve is None and run.curve_failure is None), None
        )
        if run is None or run.model is None or run.trajectory is None:
            return
        self._measured = run
        problem, trajectory = run.model.problem, run.trajectory

        def work() -> Iterator[tuple[float, DistanceCurve | None]]:
            from playground.lab.comparison import distance_curve  # which loads torch

            return distance_curve(problem, trajectory)

        def take(found: DistanceCurve | Message) -> None:
            run.take_curve(found)
            self._measured = None
            self.measured.emit()

        self._tasks.start(MEASURING, "Distances", work, take, lambda error: take(message_of(error)))

    @property
    def why_not_measured(self) -> Message | None:
        """Why a column has no distance to the data, if that is known."""
        return next((run.curve_failure for run in self.runs if run.curve_failure is not None), None)
