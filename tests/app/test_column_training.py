"""Columns that need trainings of their own are trained in turn, by equal steps or equal seconds."""

import itertools
import time

import msgspec
import pytest

from playground.app.controllers.column_training import ColumnTraining, ColumnTrainings, Fair
from playground.lab import experiment as description
from playground.lab.experiment import Experiment
from playground.lab.problem import Problem

MAIN = description.replace(
    Experiment(),
    {
        "data.points": 500,
        "network.width": 16,
        "network.depth": 1,
        "training.batch": 32,
        "training.steps": 100,
        "training.early_stopping": "off",
    },
)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.build(MAIN)


def training(problem: Problem, **edits: object) -> ColumnTraining:
    changes = {key.replace("__", "."): value for key, value in edits.items()}
    return ColumnTraining(problem.with_experiment(description.replace(MAIN, changes)))


def run(trainer: ColumnTrainings, trainings: list[ColumnTraining], moments: int) -> None:
    trainer.put(trainings)
    for _ in itertools.islice(trainer.loop(), moments):
        pass


def test_the_one_that_lies_behind_is_next(problem: Problem) -> None:
    one, other = training(problem), training(problem, network__width=200, network__depth=3)
    trainer = ColumnTrainings()
    trainer.aim("steps", 100_000.0)
    before = 0, 0
    trainer.put([one, other])
    for _ in itertools.islice(trainer.loop(), 12):
        now = one.step, other.step
        moved = [after - since for after, since in zip(now, before, strict=True)]
        assert sorted(moved)[0] == 0
        assert moved.index(max(moved)) == before.index(min(before))
        before = now
    assert min(before) > 0


@pytest.mark.parametrize("fair", ["steps", "seconds"])
def test_all_come_as_far_as_the_target_and_no_further(problem: Problem, fair: Fair) -> None:
    one, other = training(problem), training(problem, objective__kind="exact")
    trainer, target = ColumnTrainings(), {"steps": 300.0, "seconds": 0.2}[fair]
    trainer.aim(fair, target)
    end = time.monotonic() + 20
    while any(each.is_behind(fair, target) for each in (one, other)) and time.monotonic() < end:
        run(trainer, [one, other], 1)
    for each in (one, other):
        assert each.failure is None
        assert each.done(fair) >= target
        assert not each.is_behind(fair, target)
        assert each.weights is not None
        assert not each.weights.untrained
    steps = one.step, other.step
    run(trainer, [one, other], 2)  # each waits a moment
    assert (one.step, other.step) == steps


@pytest.mark.parametrize("fair", ["steps", "seconds"])
def test_it_lies_beyond_a_target_that_fell_below_it(problem: Problem, fair: Fair) -> None:
    one = training(problem)
    assert not one.is_beyond(fair, 0.0)
    target = {"steps": 300.0, "seconds": 0.2}[fair]
    while one.is_behind(fair, target):
        one.advance(fair, target)
    assert one.done(fair) >= target
    assert not one.is_beyond(fair, target)
    assert one.is_beyond(fair, 0.1 * target)
    assert one.is_beyond(fair, 0.0)


def test_a_training_that_cannot_be_says_why_and_the_other_goes_on(problem: Problem) -> None:
    refused = ColumnTraining(
        problem.with_experiment(description.replace(MAIN, {"noise.kind": "none", "sampling.kind": "langevin"}))
    )
    fine, trainer = training(problem), ColumnTrainings()
    trainer.aim("steps", 50.0)
    run(trainer, [refused, fine], 10)
    assert refused.failure is not None
    assert refused.step == 0
    assert fine.step >= 50


def test_a_training_that_diverges_ends_and_says_so(problem: Problem) -> None:
    wild = msgspec.structs.replace(MAIN.training, learning_rate=1e4)  # outside the bounds of files and panels
    one = ColumnTraining(problem.with_experiment(msgspec.structs.replace(MAIN, training=wild)))
    end = time.monotonic() + 20
    while one.is_behind("steps", 1e9) and time.monotonic() < end:
        one.advance("steps", 1e9)
    assert one.ended
    assert one.diverged is not None
    assert one.weights is not None
    assert one.is_beyond("steps", 0.0)


def test_weights_are_left_while_it_goes_on(problem: Problem) -> None:
    one = training(problem)
    one.advance("steps", 1e9)
    first = one.weights
    assert first is not None
    end = time.monotonic() + 20
    while one.weights is first and time.monotonic() < end:
        one.advance("steps", 1e9)
    assert one.weights is not None
    assert one.weights.version > first.version


def test_trainings_are_kept_by_their_settings_and_their_data(problem: Problem) -> None:
    trainings, narrow = ColumnTrainings(), description.replace(MAIN, {"network.width": 8})
    again = Problem.build(MAIN)  # equal points, read anew
    first, second = trainings.of(MAIN, problem), trainings.of(narrow, problem)
    assert first is not second
    assert trainings.of(MAIN, problem) is first
    assert trainings.of(MAIN, again) is not first
    for seed, same in (("training.seed", False), ("sampling.seed", True)):
        assert (trainings.of(description.replace(MAIN, {seed: 1}), problem) is first) == same
    trainings.keep([second, None])
    assert trainings.of(narrow, problem) is second
    assert trainings.of(MAIN, problem) is not first
    trainings.keep_those_of(again.dataset)
    assert trainings.of(narrow, problem) is not second


def test_trainings_beyond_their_target_are_forgotten(problem: Problem) -> None:
    trainings = ColumnTrainings()
    training = trainings.of(MAIN, problem)
    assert not trainings.forget_beyond()  # it has not begun
    trainings.aim("steps", 1.0)
    for _ in range(2):
        training.advance("steps", 1.0)
    assert trainings.weights(MAIN, problem) is training.weights is not None
    assert trainings.forget_beyond()
    assert trainings.weights(MAIN, problem) is None
