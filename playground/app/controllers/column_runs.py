"""The runs of a comparison: their preparation, and the thread that samples all of them in turn."""

import contextlib
import dataclasses
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from playground.app.controllers.overlay_timing import CurrentFrame, FrameOverlays, noise_at
from playground.app.controllers.sampling_worker import IDLE, LatestScore, LoadedScores, SamplingRun, SamplingWorker
from playground.app.model.columns import LETTERS
from playground.app.model.views import WantedOverlays
from playground.app.model.weights import Weights
from playground.app.model.workspace import Model, Workspace, problem_view
from playground.lab import experiment as description
from playground.lab.columns import Column, needs_training, with_edits
from playground.lab.conflicts import sampling_conflict, training_conflict
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.trajectory import Trajectory
from playground.messages import Message
from playground.user_errors import UserError, message_of

if TYPE_CHECKING:
    from playground.lab.columns import DistanceCurve

Equal = Literal["own", "steps", "evaluations"]
"""What is equal in all columns: only what the settings say, the steps, or the score evaluations."""
OWN_STEPS = Message("steps-of-its-own", "each of its particles takes steps of its own")
NO_SCORE = Message("evaluates-no-score", "its sampler evaluates no score")
ARROW_SECONDS = 0.1  # between two requests for a column's arrows: up to four columns share a thread


class ColumnRun:
    """One column: its run, what the current frame shows besides particles, and its distance to the data.

    Args:
        weights: those of the main experiment, which it follows if it needs no training of its own.
        wake: wakes the thread that samples it.
        changed: called when something else is shown in its current frame.

    Attributes:
        place: its position, from 0 at the left.
        experiment: the settings, with the column's number of steps.
        model: problem and weights; None if the column cannot be sampled.
        training: its own training; None if it follows the main experiment's weights or a known score.
        notices: warnings: the column cannot be made equal to the others, or equals one of them.
        run: what is sampled; None if there is no run.
        failure: why there is no run, or why it ended early.
        curve: the measured distances; None before. `curve_failure` says why they cannot be measured.
        overlays: field, density and particle values of the current frame.
    """

    def __init__(
        self,
        column: Column,
        place: int,
        weights: Weights,
        wake: threading.Event,
        changed: Callable[[object], None],
    ) -> None:
        self.column, self.place, self.weights = column, place, weights
        self.experiment = Experiment()  # before it is prepared
        self.model: Model | None = None
        self.training: Workspace | None = None
        self.notices: list[Message] = []
        self.run: SamplingRun | None = None
        self.failure: Message | None = None
        self.curve: DistanceCurve | None = None
        self.curve_failure: Message | None = None
        self.worker = SamplingWorker(wake)
        self.overlays = FrameOverlays(self.worker, changed, ARROW_SECONDS)

    @property
    def trajectory(self) -> Trajectory | None:
        """Its frames so far; None before the first."""
        trajectory = self.worker.recorded[1]
        return None if trajectory is None or not len(trajectory) else trajectory

    @property
    def finished(self) -> bool:
        trajectory = self.trajectory
        return trajectory is not None and trajectory.finished

    @property
    def warnings(self) -> list[Message]:
        """Its notices, and whether its training diverged."""
        training = self.training
        if training is None or training.training != "diverged":
            return self.notices
        said = "The training of column {} diverged at step {:,}: its last good weights are shown."
        return [*self.notices, Message("column-diverged", said, (LETTERS[self.place], training.trained_steps))]

    @property
    def unmeasured(self) -> bool:
        """Whether its distance to the data is still to be measured."""
        return self.curve is None and self.curve_failure is None

    def frame_at(self, frame: int, total: int) -> int:
        """Its own frame at frame `frame` of a common timeline with `total` frames."""
        trajectory = self.trajectory
        if trajectory is None:
            return 0
        return min(round(frame / max(total - 1, 1) * (trajectory.total - 1)), len(trajectory) - 1)

    def recorded(self, total: int) -> int:
        """The number of frames of the common timeline that it can show."""
        trajectory = self.trajectory
        if trajectory is None or trajectory.finished:
            return 0 if trajectory is None else total
        return int((len(trajectory) - 1) / max(trajectory.total - 1, 1) * (total - 1)) + 1

    def current(self, frame: int, total: int, wanted: WantedOverlays) -> CurrentFrame:
        """Its own frame at a frame of the common timeline."""
        trajectory, own = self.trajectory, self.frame_at(frame, total)
        return CurrentFrame(self.model, self.run, trajectory, own, noise_at(trajectory, own), wanted)

    def take(self, experiment: Experiment, model: Model | None = None, training: Workspace | None = None) -> None:
        """Take the settings of the column, and what is sampled with them.

        Args:
            training: that of its own score; None if it follows another.
        """
        self.experiment, self.model, self.training = experiment, model, training

    def sample(self, run: SamplingRun) -> None:
        """Set the run that is sampled."""
        self.run = run

    def fail(self, why: Message) -> None:
        """Say why there is no run, or why it ended early."""
        self.failure, self.model = why, None

    def measure(self) -> "Iterator[tuple[float, DistanceCurve | None]]":
        """Measure the distances of the finished run, in a thread."""
        from playground.lab.comparison import distance_curve  # which loads torch

        assert self.model is not None
        assert self.trajectory is not None
        return distance_curve(self.model.problem, self.trajectory)

    def take_curve(self, curve: "DistanceCurve | Message") -> None:
        """Keep the measured distances, or why they cannot be measured."""
        if isinstance(curve, Message):
            self.curve_failure = curve
        else:
            self.curve = curve

    def begin(self) -> None:
        """Sample the run to its end."""
        if self.run is not None:
            self.worker.begin(self.run)
            self.worker.record(sys.maxsize)


def awaited(runs: Sequence[ColumnRun], is_trained: Callable[[ColumnRun], bool]) -> Message | None:
    """A message on what columns wait for until all are sampled and measured; None if they are."""
    for code, text, waits in (
        ("column-trained", "Column {} is being trained.", is_trained),
        ("column-sampled", "Column {} is being sampled.", lambda run: not run.finished),
        ("column-measured", "The distance of column {} to the data is being measured.", lambda run: run.unmeasured),
    ):
        for run in runs:
            if waits(run):
                return Message(code, text, (LETTERS[run.place],))
    return None


class ColumnsWorker:
    """The loop of the thread that samples the columns in turn. If one fails, the others continue."""

    def __init__(self) -> None:
        self.wake = threading.Event()
        self._columns: tuple[ColumnRun, ...] = ()

    def put(self, columns: Sequence[ColumnRun]) -> None:
        """Sample these columns from now on."""
        self._columns = tuple(columns)
        self.wake.set()

    def loop(self) -> Iterator[None]:
        """Run forever; the thread ends it between two steps."""
        while True:
            worked = False
            for column in self._columns:
                try:
                    worked |= column.worker.turn()
                except UserError as error:
                    column.fail(message_of(error))
                yield None
            if not worked:
                self.wake.wait(IDLE)
                self.wake.clear()
                yield None


def prepare(
    main: Model, runs: Sequence[ColumnRun], equal: Equal, seed: int, training: Callable[[Experiment], Workspace]
) -> Iterator[tuple[float, Sequence[ColumnRun] | None]]:
    """Build the problem and the sampler of each column, and their common Brownian path; yields the fraction done.

    Args:
        main: the main experiment's problem.
        seed: the seed of all noise.
        training: returns the training of a column with these settings that needs one of its own.
    """
    for run in runs:
        with _failing(run):
            _prepare(main, run, training)
        yield run.place / len(runs), None
    _make_equal(runs, equal)
    _tell_apart(runs)
    for run in runs:
        with _failing(run):
            _put_on_path(main, run, seed)
    yield 1.0, runs


@contextlib.contextmanager
def _failing(run: ColumnRun) -> Iterator[None]:
    """Let a column say what is wrong with its settings."""
    try:
        yield
    except UserError as error:
        run.fail(message_of(error))


def _prepare(main: Model, run: ColumnRun, training: Callable[[Experiment], Workspace]) -> None:
    """Raises: UserError: the settings do not fit each other."""
    mine = main.problem.experiment
    experiment = with_edits(mine, run.column)
    run.take(experiment)
    trains, same = needs_training(mine, experiment), experiment.noise == mine.noise
    problem = (
        dataclasses.replace(main.problem, experiment=experiment) if same else main.problem.with_experiment(experiment)
    )
    conflict = sampling_conflict(experiment, problem.conditions)
    if conflict is None and trains:
        conflict = training_conflict(experiment, problem.conditions)
    if conflict is not None:
        raise ExperimentError(conflict)
    if trains:
        own = training(experiment)
        problem = dataclasses.replace(
            own.problem, experiment=experiment
        )  # it may have been assembled for another sampler
        view = problem_view(problem, own.view.parameters_count)
        run.take(experiment, Model(problem, own.newest, view), own)
    else:
        view = main.view if same else problem_view(problem, main.view.parameters_count)
        run.take(experiment, Model(problem, run.weights, view))


def _make_equal(runs: Sequence[ColumnRun], equal: Equal) -> None:
    """Give all columns the steps, or the score evaluations, of the first one that can be sampled."""
    from playground.lab import comparison

    costs: dict[int, int | None] = {}
    for run in runs if equal != "own" else ():
        with contextlib.suppress(ExperimentError):  # reported where its sampler is made
            if run.model is not None:
                costs[run.place] = _evaluations(run.model)
    if not costs:
        return
    reasons = {place: _why_unequal(cost, equal) for place, cost in costs.items()}
    leading = min(costs)
    steps, budget = resolve(runs[leading].experiment).sampling.steps, costs[leading]
    for place, why in reasons.items():
        run = runs[place]
        assert run.model is not None
        if why is not None:
            text = "Nothing is made equal to column {}: {}." if place == leading else "Column {} is not made equal: {}."
            run.notices.append(Message("unequal", text, (LETTERS[place], why)))
        elif place != leading and reasons[leading] is None:
            with _failing(run):
                if equal == "evaluations" and budget:
                    problem = comparison.at_equal_evaluations(run.model.problem, _score(run.model), budget)
                    least = _evaluations(dataclasses.replace(run.model, problem=problem)) or 0
                    if least > budget:
                        text = "Column {} needs at least {:,} score evaluations, more than the {:,} of column {}."
                        values = LETTERS[place], least, budget, LETTERS[leading]
                        run.notices.append(Message("beyond-budget", text, values))
                else:
                    experiment = description.replace(run.experiment, {"sampling.steps": steps})
                    problem = dataclasses.replace(run.model.problem, experiment=experiment)
                run.take(problem.experiment, dataclasses.replace(run.model, problem=problem), run.training)


def _evaluations(model: Model) -> int | None:
    """Score evaluations of one particle; None if each particle has its own steps."""
    from playground.lab import comparison
    from playground.lab.sampling import make_sampler

    return comparison.evaluations(model.problem, make_sampler(model.problem, _score(model)))


def _why_unequal(evaluations: int | None, equal: Equal) -> Message | None:
    """Why a column and others cannot be made equal; None if they can."""
    if evaluations is None:
        return OWN_STEPS
    return NO_SCORE if equal == "evaluations" and not evaluations else None


def _tell_apart(runs: Sequence[ColumnRun]) -> None:
    """Put a notice on each column that does the same as an earlier one."""
    first: dict[tuple[object, ...], str] = {}
    for run in runs:
        if run.model is not None:
            letter = LETTERS[run.place]
            same = first.setdefault(_way(run, run.model), letter)
            if same != letter:
                text = "Columns {} and {} do the same: choose in a head what it changes."
                run.notices.append(Message("same-columns", text, (same, letter)))


def _way(run: ColumnRun, model: Model) -> tuple[object, ...]:
    """What a column's run depends on, besides what all columns share."""
    chosen = model.problem.resolve()
    way = (chosen.noise, chosen.sampling)
    if chosen.sampling.follows != "learned":
        return way
    version = None if run.training is not None else model.weights.version
    return (*way, chosen.objective, chosen.network, chosen.training, version)


def _put_on_path(main: Model, run: ColumnRun, seed: int) -> None:
    """Let a column draw its noise from the Brownian path of all.

    Raises:
        UserError: its sampler does not fit.
    """
    from playground.lab import sampling

    model = run.model
    if model is not None:
        sampling.make_sampler(model.problem, _score(model))
        path = sampling.shared_path(main.problem, seed)
        seeded = description.replace(model.problem.experiment, {"sampling.seed": seed})
        problem = dataclasses.replace(model.problem, experiment=seeded)
        run.sample(SamplingRun(model, problem, seed, 0, model.weights, path))


def _score(model: Model) -> LatestScore:
    """The learned score of a model; a sampler may ask it for its energy."""
    return LatestScore(LoadedScores(), SamplingRun(model, model.problem, 0, 0, model.weights))
