"""Pins finished runs, measures them, and restores one on request."""

import math
from collections.abc import Hashable

from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.measurements import ways
from playground.app.controllers.notification import Notification
from playground.app.controllers.runs import Run
from playground.app.controllers.sampling import Sampling
from playground.app.model.pinned_runs import PinnedRun, PinnedRuns
from playground.app.model.state import State
from playground.app.model.workspace import Workspace
from playground.app.style.number_formats import format_count
from playground.app.workers.jobs import BACKGROUND, Jobs, Wanted
from playground.lab import experiment as description
from playground.lab.bounded_memory import BoundedMemory
from playground.lab.compute import Way
from playground.lab.figures import sorts_of
from playground.lab.keys import FiguresKey, Key
from playground.lab.measured import Figures, missing
from playground.lab.session import Session
from playground.lab.trajectory import Trajectory
from playground.messages import Message
from playground.user_errors import message_of

KEPT = 2**28  # bytes of recorded particles that can be played at once
PINNED = "pinned run"
"""The job that measures the samples of a pinned run."""


class Pinning(QObject):
    """The pinned runs, see :class:`PinnedRuns`.

    Signals:
        finished_changed(): another run can be pinned, or none.
        step_wanted(int): the place of the training step whose weights a restored run has.
    """

    finished_changed = Signal()
    step_wanted = Signal(int)

    def __init__(
        self,
        state: State,
        building: Building,
        sampling: Sampling,
        jobs: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._building, self._sampling, self._jobs = state, building, sampling, jobs
        self.pinned = PinnedRuns(state, lambda: building.store, self)
        self.finished: Run | None = None  # the run in view, if it can be pinned
        self._trained: int | None = None  # the training step of its weights
        self._trained_from: int | None = None  # the training step at its start, if weights changed during sampling
        self._played: dict[int, int] = {}  # its number among the played runs, by that of the pinned run
        self._recorded: BoundedMemory[Hashable, Trajectory] = BoundedMemory(KEPT)
        self._unmeasured: dict[FiguresKey, dict[type[Key], Way]] = {}  # the figures that are wanted, in order
        self._awaited: int | None = None  # the run to play when its workspace is there
        self._wanted: tuple[object, ...] | None = (
            None  # what is to be pinned once it is sampled with the chosen weights
        )
        building.opened.connect(self._open)
        building.left.connect(self.pinned.look_up)
        building.taken.connect(self._take)
        jobs.arrived.connect(self._arrived)

    # What the window may read

    @property
    def has_runs(self) -> bool:
        """Whether any run is pinned."""
        return bool(self.pinned.runs)

    @property
    def is_pinned(self) -> bool:
        """Whether the run in view is pinned."""
        here = None if self.finished is None else self.finished.number
        return any(played == here for number, played in self._played.items() if self._is_there(number))

    def is_waiting(self, number: int) -> bool:
        """Whether a run is being measured, or waits for that."""
        run = self.pinned.get(number)
        return run is not None and run.keys[0] in self._unmeasured and not run.is_measured

    # What the window may ask for

    @Slot()
    def pin(self) -> None:
        """Keep the run in view, and measure its samples unless that was done.

        If another one with the chosen weights is being sampled in its place, that one is pinned when it is there.
        """
        if self._sampling.is_replacing and not self.pinned.is_full:
            wanted = self._wanted = self._in_view
            said = "The run is sampled again with the weights in view. It is pinned when it has ended."
            is_current = lambda: self._wanted is wanted  # noqa: E731
            self._state.notified.emit(Notification("info", said, "", is_current))
            return
        run = self.finished
        if run is None or not isinstance(run.model, Workspace) or run.trajectory is None:
            return
        if self.is_pinned or self.pinned.is_full:
            return
        problem = run.problem
        trajectory, number, experiment = run.trajectory, self.pinned.next_number, run.experiment
        found = problem.resolve()
        fields = description.fields(experiment).keys() & description.fields(found).keys()
        resolved = {
            key: description.value(found, key) for key in fields if description.value(experiment, key) == "auto"
        }
        # If particles take steps of their own, the setting counts frames.
        own_steps, steps = math.isnan(trajectory.step_size.sum()), found.sampling.steps
        taken = None if own_steps or steps == "auto" else steps
        learned, model = experiment.sampling.follows == "learned", None
        if self._trained is not None or not learned:
            model = run.model.key_after(self._trained or 0, experiment)
        nfe_mean, nfe_max = float(trajectory.nfe_mean[-1]), float(trajectory.nfe_max[-1])
        pinned = PinnedRun(
            number=number,
            name="",
            experiment=experiment,
            resolved={key: value for key, value in resolved.items() if value != "auto"},
            sampler_steps=taken,
            nfe_mean=None if math.isnan(nfe_mean) else nfe_mean,
            nfe_max=None if math.isnan(nfe_max) else nfe_max,
            seconds=None if math.isnan(trajectory.seconds) else trajectory.seconds,
            trained_steps=self._trained if learned else None,
            trained_from=self._trained_from if learned else None,
            model=model,
        )
        self._played[number] = run.number
        self._recorded.put(number, trajectory)
        self.pinned.pin(pinned)
        figures, weights = self.pinned.runs[-1].keys[0], run.model.weights
        self._unmeasured[figures] = ways(problem, weights, lambda: iter((trajectory,)))
        self._measure_next()
        is_current = lambda: self._is_there(number)  # noqa: E731
        said = "The run is pinned in the Runs card."
        if pinned.trained_from is not None:
            said += (
                f" Training changed its weights while it was sampled, from step {format_count(pinned.trained_from)} on."
            )
        self._state.notified.emit(Notification("info", said, "view.runs", is_current))
        self.finished_changed.emit()

    def delete(self, number: int) -> None:
        """Remove a run from the list, as a step that can be undone."""
        if not self._is_there(number):
            return
        self.pinned.delete(number)
        step = self._state.last_step
        said = "The run is deleted. Undo brings it back."
        is_current = lambda: self._state.last_step is step  # noqa: E731
        self._state.notified.emit(Notification("info", said, "edit.undo", is_current))

    def restore(self, number: int) -> None:
        """Make a run the main one: one step of the history takes its settings and kept weights.

        Its recorded particles play again if they are kept. Otherwise it is sampled again with the same seed.
        """
        run = self.pinned.get(number)
        if run is None:
            return
        experiment = run.experiment
        self._awaited = None
        if experiment == self._state.experiment:
            self._sampling.restart(False)
        elif not self._state.edit({key: description.value(experiment, key) for key in description.fields(experiment)}):
            return
        self._awaited = number
        if not self._building.busy:
            self._take()
        self._sampling.playing.set_playing(True)

    # How it proceeds

    @property
    def _in_view(self) -> tuple[object, ...]:
        """What a run that replaces the one in view must have in common with it."""
        experiment = self._state.experiment
        return self._building.workspace_key, experiment.sampling

    def look(self) -> None:
        """Check whether the run in view has finished, and pin it if that was to be waited for."""
        self._look()
        if self._wanted is not None and self._wanted != self._in_view:
            self._wanted = None  # another run was begun
        elif self._wanted is not None and self.finished is not None and self.finished.is_of_its_weights:
            self._wanted = None
            self.pin()
        self._measure_next()

    def _look(self) -> None:
        run = self._sampling.playing.run
        if run is None or run.model is None or not run.finished:
            run = None
        before, self.finished = self.finished, run
        if (run and run.number) == (before and before.number):
            return
        self._trained = self._trained_from = None
        weights = None if run is None else run.weights
        if run is not None and weights is not None and run.is_of_its_weights:
            self._trained = weights.made
        elif weights is not None:
            self._trained_from = weights.made
        self.finished_changed.emit()

    @Slot(object)
    def _open(self, session: Session | None) -> None:
        """Measure and play no longer what was pinned before other work came."""
        self._unmeasured.clear()
        self._played.clear()
        self._recorded = BoundedMemory(KEPT)
        self._awaited = None
        self._jobs.cancel(PINNED)

    @Slot()
    def _take(self) -> None:
        """Play the particles of the requested run, if they are kept and its workspace is there."""
        number, self._awaited = self._awaited, None
        run, workspace = None if number is None else self.pinned.get(number), self._building.workspace
        if number is None or run is None or workspace is None or run.experiment != self._state.experiment:
            return
        steps = workspace.shown_steps
        if run.trained_steps in steps:
            self.step_wanted.emit(steps.index(run.trained_steps))
        trajectory = self._recorded.get(number)
        if trajectory is not None and trajectory.shape == workspace.problem.shape:
            same = run.trained_steps is not None and run.model == workspace.model_key(run.experiment)
            weights = workspace.weights if same else None
            shown = self._sampling.show_recorded(trajectory, workspace, weights)
            self._played[number] = shown.number
        elif run.trained_from is not None:
            said = (
                "Training changed the weights of this run from step {:,} on. It is sampled again with the present ones."
            )
            self._warn(Message("weights-changed", said, (run.trained_from,)), run)
        if run.trained_steps is not None and run.trained_steps not in steps:
            said = "The run was sampled after {:,} training steps, whose weights are not kept."
            self._warn(Message("other-weights", said, (run.trained_steps,)), run)

    def _warn(self, message: Message, run: PinnedRun) -> None:
        is_current = lambda: self._state.experiment == run.experiment  # noqa: E731
        self._state.notified.emit(Notification("warning", message, "", is_current))

    # Figures

    def _measure_next(self) -> None:
        """Want the figures of the first pinned run that was not measured; those of deleted runs may come back by undo."""
        store = self._building.store
        for key in [key for key in self._unmeasured if key in store]:
            del self._unmeasured[key]
        if not self._unmeasured:
            return
        present = {run.keys[0] for run in self.pinned.runs}
        found = [key for key in self._unmeasured if key in present]
        if not found:
            self._jobs.cancel(PINNED)
            return
        key = found[0]

        def fail(error: BaseException) -> None:
            store.hold(key, Figures(missing(sorts_of("Distances"), message_of(error))))
            self._arrived(key)

        wanted = Wanted((key,), store, self._unmeasured[key], BACKGROUND)
        self._jobs.want(PINNED, "Pinned run", wanted, on_failure=fail)

    @Slot(object)
    def _arrived(self, key: Key) -> None:
        """Show what was measured of pinned runs, which is unsaved work."""
        if not isinstance(key, FiguresKey):
            return
        before = self.pinned.runs
        self.pinned.look_up()
        if self.pinned.runs != before:
            self._state.mark_modified(own=True)

    def _is_there(self, number: int) -> bool:
        return any(pin.number == number for pin in self._state.document.pins)
