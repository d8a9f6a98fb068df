"""The runs of a comparison: what each column samples, and what is said about it."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from playground.app.controllers.runs import Run
from playground.app.controllers.sampling_worker import LatestScore, LoadedScores
from playground.app.model.columns import LETTERS
from playground.app.model.model import LiveModel, Model
from playground.app.model.problem_views import problem_view
from playground.lab import experiment as description
from playground.lab.columns import needs_training, with_edits
from playground.lab.conflicts import refuse, sampling_conflict, training_conflict
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment, ExperimentError
from playground.messages import Message
from playground.user_errors import UserError, message_of

if TYPE_CHECKING:
    from playground.lab.columns import DistanceCurve
    from playground.lab.problem import Problem

Equal = Literal["own", "steps", "evaluations"]
"""What is equal in all columns: only what the settings say, the steps, or the score evaluations."""
OWN_STEPS = Message("steps-of-its-own", "each of its particles takes steps of its own")
NO_SCORE = Message("evaluates-no-score", "its sampler evaluates no score")


def measured(run: Run) -> "Iterator[tuple[float, DistanceCurve | None]]":
    """Measure the distances of a finished run, in a thread."""
    from playground.lab.comparison import distance_curve  # which loads torch

    assert run.trajectory is not None
    return distance_curve(run.problem, run.trajectory)


def warnings(run: Run) -> list[Message]:
    """A run's notices, and whether its training diverged."""
    training = run.training
    if training is None or training.now.status != "diverged":
        return run.notices
    said = "The training of column {} diverged at step {:,}: its last good weights are shown."
    return [*run.notices, Message("column-diverged", said, (LETTERS[run.place], training.now.step))]


def awaited(runs: Sequence[Run], is_trained: Callable[[Run], bool]) -> Message | None:
    """A message on what columns wait for until all are sampled and measured; None if they are."""
    for code, text, waits in (
        ("column-trained", "Column {} is being trained.", is_trained),
        ("column-sampled", "Column {} is being sampled.", lambda run: not run.finished),
        ("column-measured", "The distance of column {} to the data is being measured.", lambda run: run.curve is None),
    ):
        for run in runs:
            if waits(run):
                return Message(code, text, (LETTERS[run.place],))
    return None


def prepare(
    main: Model, runs: Sequence[Run], equal: Equal, training: Callable[[Experiment], LiveModel]
) -> Sequence[Run]:
    """Build the problem and the sampler of each column, and their common Brownian path; the runs are then ready.

    Args:
        main: the main experiment's problem.
        training: returns the training of a column with these settings that needs one of its own.
    """
    from playground.lab.sampling import make_sampler, shared_path

    for run in runs:
        with _failing(run):
            _prepare(main, run, training)
    _make_equal(runs, equal)
    _tell_apart(runs)
    for run in runs:
        if run.can_be_sampled:
            with _failing(run):
                make_sampler(run.problem, _score(run))
                run.draw_from(shared_path(main.problem, run.seed))
    return runs


@contextlib.contextmanager
def _failing(run: Run) -> Iterator[None]:
    """Let a column say what is wrong with its settings."""
    try:
        yield
    except UserError as error:
        run.fail(message_of(error))


def _prepare(main: Model, run: Run, training: Callable[[Experiment], LiveModel]) -> None:
    """Raises: UserError: the settings do not fit each other."""
    mine = main.problem.experiment
    edited = with_edits(mine, run.column)
    experiment = description.replace(edited, {"sampling.seed": mine.sampling.seed})
    weights, view, own = run.weights or main.weights, main.view, None
    run.take(experiment, weights=weights)
    trains, same = needs_training(mine, experiment), experiment.noise == mine.noise
    problem = main.problem if same else main.problem.with_experiment(experiment)
    refuse(sampling_conflict(experiment, problem.conditions))
    if trains:
        refuse(training_conflict(experiment, problem.conditions))
        own = training(experiment)  # it may have been assembled for another sampler
        problem, weights, view = own.problem, own.newest, own.view
    problem = dataclasses.replace(problem, experiment=experiment)
    if trains or not same:
        view = problem_view(problem, view.parameters_count)
    run.take(experiment, Model(problem, weights, view), weights, None if own is None else own.training)


def _make_equal(runs: Sequence[Run], equal: Equal) -> None:
    """Give all columns the steps, or the score evaluations, of the first one that can be sampled."""
    from playground.lab import comparison

    costs: dict[int, int | None] = {}
    for run in runs if equal != "own" else ():
        with contextlib.suppress(ExperimentError):  # reported where its sampler is made
            if run.can_be_sampled:
                costs[run.place] = _evaluations(run, run.problem)
    if not costs:
        return
    reasons = {place: _why_unequal(cost, equal) for place, cost in costs.items()}
    leading = min(costs)
    steps, budget = resolve(runs[leading].experiment).sampling.steps, costs[leading]
    for place, why in reasons.items():
        run = runs[place]
        if why is not None:
            text = "Nothing is made equal to column {}: {}." if place == leading else "Column {} is not made equal: {}."
            run.notices.append(Message("unequal", text, (LETTERS[place], why)))
        elif place != leading and reasons[leading] is None:
            with _failing(run):
                if equal == "evaluations" and budget:
                    problem = comparison.at_equal_evaluations(run.problem, _score(run), budget)
                    least = _evaluations(run, problem) or 0
                    if least > budget:
                        text = "Column {} needs at least {:,} score evaluations, more than the {:,} of column {}."
                        values = LETTERS[place], least, budget, LETTERS[leading]
                        run.notices.append(Message("beyond-budget", text, values))
                    _change(run, problem.experiment)
                else:
                    _change(run, description.replace(run.experiment, {"sampling.steps": steps}))


def _change(run: Run, experiment: Experiment) -> None:
    """Sample a column by other settings."""
    assert run.model is not None
    run.take(experiment, run.model.under(experiment), run.weights, run.training)


def _evaluations(run: Run, problem: "Problem") -> int | None:
    """Score evaluations of one particle; None if each particle has its own steps."""
    from playground.lab import comparison
    from playground.lab.sampling import make_sampler

    return comparison.evaluations(problem, make_sampler(problem, _score(run)))


def _why_unequal(evaluations: int | None, equal: Equal) -> Message | None:
    """Why a column and others cannot be made equal; None if they can."""
    if evaluations is None:
        return OWN_STEPS
    return NO_SCORE if equal == "evaluations" and not evaluations else None


def _tell_apart(runs: Sequence[Run]) -> None:
    """Put a notice on each column that does the same as an earlier one."""
    first: dict[tuple[object, ...], str] = {}
    for run in runs:
        if run.can_be_sampled:
            letter = LETTERS[run.place]
            same = first.setdefault(_way(run), letter)
            if same != letter:
                text = "Columns {} and {} do the same: choose in a head what it changes."
                run.notices.append(Message("same-columns", text, (same, letter)))


def _way(run: Run) -> tuple[object, ...]:
    """What a column's run depends on, besides what all columns share."""
    chosen = run.problem.resolve()
    way = (chosen.noise, chosen.sampling)
    if chosen.sampling.follows != "learned":
        return way
    version = None if run.training is not None else run.version
    return (*way, chosen.objective, chosen.network, chosen.training, version)


def _score(run: Run) -> LatestScore:
    """The learned score of a column; a sampler may ask it for its energy."""
    return LatestScore(LoadedScores(), run)
