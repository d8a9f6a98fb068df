"""The runs of a comparison: their preparation, and the thread that samples all of them in turn."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from playground.app.controllers.column_training import ColumnTraining
from playground.app.controllers.overlay_timing import FrameNoise, FrameOverlays
from playground.app.controllers.sampling_worker import IDLE, LatestScore, SamplingRun, SamplingWorker
from playground.app.model.columns import LETTERS
from playground.app.model.weights import Weights
from playground.app.model.workspace import Model, new_weights, problem_view
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


@dataclass(frozen=True, eq=False)
class Prepared:
    """A column that is ready to be sampled, or the reason why it is not.

    Attributes:
        experiment: the settings, with the column's number of steps.
        model: problem and weights; None if the column cannot be sampled.
        why: why it cannot be sampled; None if it can.
        trains: whether its score needs a training of its own.
        notices: warnings: the column cannot be made equal to the others, or equals one of them.
        run: its run, without a number yet.
    """

    column: Column
    experiment: Experiment
    model: Model | None = None
    why: Message | None = None
    trains: bool = False
    notices: tuple[Message, ...] = ()
    run: SamplingRun | None = None


@dataclass(frozen=True, eq=False)
class Wanted:
    """A request to prepare a column.

    Attributes:
        weights: those of the main experiment that it follows.
        own: those of its own training so far; None before that has begun.
    """

    column: Column
    weights: Weights
    own: Weights | None = None


def prepare(
    main: Model, wanted: Sequence[Wanted], equal: Equal, seed: int
) -> Iterator[tuple[float, tuple[Prepared, ...] | None]]:
    """Build the problem and the sampler of each column, and their common Brownian path; yields the fraction done.

    Args:
        main: the main experiment's problem.
        seed: the seed of all noise.
    """
    found = []
    for place, one in enumerate(wanted):
        try:
            found.append(_prepared(main, one))
        except UserError as error:
            found.append(Prepared(one.column, main.problem.experiment, why=message_of(error)))
        yield place / len(wanted), None
    yield 1.0, _on_one_path(main, _told_apart(_made_equal(found, equal)), seed)


def _prepared(main: Model, wanted: Wanted) -> Prepared:
    """Raises: UserError: the settings do not fit each other."""
    experiment = with_edits(main.problem.experiment, wanted.column)
    trains, weights = needs_training(main.problem.experiment, experiment), wanted.weights
    count = main.view.parameters_count
    if not trains and experiment.noise == main.problem.experiment.noise:
        problem, view = dataclasses.replace(main.problem, experiment=experiment), main.view
    else:
        problem = main.problem.with_experiment(experiment)
        if trains:
            network = problem.network()
            count = sum(weight.numel() for weight in network.parameters())
            weights = wanted.own or new_weights(network.state_dict(), untrained=True)
        view = problem_view(problem, count)
    conflict = sampling_conflict(experiment, problem.conditions)
    if conflict is None and trains:
        conflict = training_conflict(experiment, problem.conditions)
    if conflict is not None:
        return Prepared(wanted.column, experiment, why=conflict)
    return Prepared(wanted.column, experiment, Model(problem, weights, view), trains=trains)


def _made_equal(found: Sequence[Prepared], equal: Equal) -> list[Prepared]:
    """The columns with the steps, or the score evaluations, of the first one that can be sampled."""
    from playground.lab import comparison

    if equal == "own":
        return list(found)
    costs = {}
    for place, one in enumerate(found):
        if one.model is not None:
            with contextlib.suppress(ExperimentError):  # reported where its sampler is made
                costs[place] = _evaluations(one.model)
    if not costs:
        return list(found)
    reasons = {place: _why_unequal(cost, equal) for place, cost in costs.items()}
    leading = min(costs)
    steps, budget = resolve(found[leading].experiment).sampling.steps, costs[leading]
    changed = []
    for place, one in enumerate(found):
        why = reasons.get(place)
        if why is not None:
            text = "Nothing is made equal to column {}: {}." if place == leading else "Column {} is not made equal: {}."
            one = dataclasses.replace(one, notices=(Message("unequal", text, (LETTERS[place], why)),))
        elif one.model is not None and place != leading and reasons[leading] is None:
            notices = one.notices
            try:
                if equal == "evaluations" and budget:
                    problem = comparison.at_equal_evaluations(one.model.problem, _score(one.model), budget)
                    least = _evaluations(dataclasses.replace(one.model, problem=problem)) or 0
                    if least > budget:
                        text = "Column {} needs at least {:,} score evaluations, more than the {:,} of column {}."
                        values = LETTERS[place], least, budget, LETTERS[leading]
                        notices = (*notices, Message("beyond-budget", text, values))
                else:
                    experiment = description.replace(one.experiment, {"sampling.steps": steps})
                    problem = dataclasses.replace(one.model.problem, experiment=experiment)
                one = dataclasses.replace(
                    one,
                    experiment=problem.experiment,
                    model=dataclasses.replace(one.model, problem=problem),
                    notices=notices,
                )
            except ExperimentError as error:
                one = dataclasses.replace(one, model=None, why=error.message)
        changed.append(one)
    return changed


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


def _told_apart(found: Sequence[Prepared]) -> list[Prepared]:
    """The columns, with a notice on each that does the same as an earlier one."""
    ways: dict[str, tuple[object, ...]] = {}
    changed = []
    for letter, one in zip(LETTERS, found, strict=False):
        if one.model is not None:
            way = _way(one, one.model)
            same = next((other for other, known in ways.items() if known == way), None)
            ways[letter] = way
            if same is not None:
                text = "Columns {} and {} do the same: choose in a head what it changes."
                one = dataclasses.replace(one, notices=(*one.notices, Message("same-columns", text, (same, letter))))
        changed.append(one)
    return changed


def _way(one: Prepared, model: Model) -> tuple[object, ...]:
    """What a column's run depends on, besides what all columns share."""
    chosen = model.problem.resolve()
    way = (chosen.noise, chosen.sampling)
    if chosen.sampling.follows != "learned":
        return way
    return (*way, chosen.objective, chosen.network, chosen.training, None if one.trains else model.weights.version)


def _on_one_path(main: Model, found: Sequence[Prepared], seed: int) -> tuple[Prepared, ...]:
    """The columns with their runs, which draw their noise from one Brownian path."""
    from playground.lab import sampling
    from playground.lab.sampling import make_sampler

    ready = []
    for one in found:
        model = one.model
        if model is not None:
            try:
                make_sampler(model.problem, _score(model))
            except UserError as error:
                one = dataclasses.replace(one, model=None, why=message_of(error))
            else:
                path = sampling.shared_path(main.problem, seed)
                seeded = description.replace(model.problem.experiment, {"sampling.seed": seed})
                problem = dataclasses.replace(model.problem, experiment=seeded)
                one = dataclasses.replace(one, run=SamplingRun(model, problem, seed, 0, model.weights, path))
        ready.append(one)
    return tuple(ready)


def _score(model: Model) -> LatestScore:
    """The learned score of a model; a sampler may ask it for its energy."""
    worker = SamplingWorker()
    return LatestScore(worker, SamplingRun(model, model.problem, 0, 0, model.weights))


class ColumnRun:
    """One column: its run, what the current frame shows besides particles, and its distance to the data.

    Args:
        changed: called when something else is shown in that frame.

    Attributes:
        place: its position, from 0 at the left.
        curve: the measured distances; None before. `curve_failure` says why they cannot be measured.
        failure: why there is no run, or why it ended early.
        overlays: field, density and particle values of the current frame.
        training: its own training; None if it follows the main experiment's weights or a known score.
    """

    def __init__(
        self,
        prepared: Prepared,
        place: int,
        wake: threading.Event,
        changed: Callable[[object], None],
        training: ColumnTraining | None = None,
    ) -> None:
        self.prepared, self.place, self.training = prepared, place, training
        self.worker = SamplingWorker(wake)
        self.failure: Message | None = prepared.why
        self.curve: DistanceCurve | None = None
        self.curve_failure: Message | None = None
        self.overlays = FrameOverlays(self.worker, changed, ARROW_SECONDS)
        if prepared.run is not None:
            self.worker.begin(prepared.run)

    @property
    def column(self) -> Column:
        return self.prepared.column

    @property
    def experiment(self) -> Experiment:
        return self.prepared.experiment

    @property
    def model(self) -> Model | None:
        return self.prepared.model

    @property
    def trajectory(self) -> Trajectory | None:
        """Its frames so far; None before the first."""
        return self.worker.recorded[1]

    @property
    def finished(self) -> bool:
        trajectory = self.trajectory
        return trajectory is not None and trajectory.finished

    def frame_at(self, frame: int, total: int) -> int:
        """Its own frame at frame `frame` of a common timeline with `total` frames."""
        trajectory = self.trajectory
        if trajectory is None or not len(trajectory):
            return 0
        return min(round(frame / max(total - 1, 1) * (trajectory.total - 1)), len(trajectory) - 1)

    def recorded(self, total: int) -> int:
        """The number of frames of the common timeline that it can show."""
        trajectory = self.trajectory
        if trajectory is None or not len(trajectory):
            return 0
        if trajectory.finished:
            return total
        return int((len(trajectory) - 1) / max(trajectory.total - 1, 1) * (total - 1)) + 1

    def noise_at(self, frame: int, total: int) -> FrameNoise | None:
        """Sigma and the process's time of that frame; None before the first."""
        trajectory = self.trajectory
        if trajectory is None or not len(trajectory):
            return None
        own = self.frame_at(frame, total)
        time = float(trajectory.time[own])
        return float(trajectory.sigma[own]), time if time == time else None

    def fail(self, why: Message) -> None:
        """Say why there is no run, or why it ended early."""
        self.failure = why

    def take_curve(self, curve: "DistanceCurve | Message") -> None:
        """Keep the measured distances, or why they cannot be measured."""
        if isinstance(curve, Message):
            self.curve_failure = curve
        else:
            self.curve = curve


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
