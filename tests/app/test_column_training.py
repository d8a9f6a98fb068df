"""Columns that need trainings of their own are trained in turn, by equal steps or equal seconds."""

import itertools

import msgspec
import pytest
import torch

from playground.app.controllers.column_training import ColumnTrainings, Fair, column_key, done
from playground.app.model.workspace import Workspace, assemble
from playground.lab import experiment as description
from playground.lab.document import Document
from playground.lab.experiment import Experiment
from playground.lab.problem import Problem
from playground.lab.store import Store
from playground.user_errors import UserError

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
OF_MAIN = Document(MAIN).begun("first").training


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.build(MAIN)


def training(problem: Problem, fair: Fair = "steps", store: Store | None = None, **edits: object) -> Workspace:
    """The training of a column with these edits."""
    experiment = description.replace(MAIN, {key.replace("__", "."): value for key, value in edits.items()})
    key = column_key(experiment, (), OF_MAIN, fair)
    return next(assemble(experiment, "cpu", key, store, shared=problem))[1]


def run(trainings: ColumnTrainings, moments: int) -> None:
    for _ in itertools.islice(trainings.train(), moments):
        pass


def test_the_one_that_lies_behind_is_next(problem: Problem) -> None:
    one, other = training(problem), training(problem, network__width=200, network__depth=3)
    trainings = ColumnTrainings()
    before = 0, 0
    trainings.put([one, other], "steps", 100_000.0)
    for _ in itertools.islice(trainings.train(), 12):
        now = one.trained_steps, other.trained_steps
        moved = [after - since for after, since in zip(now, before, strict=True)]
        assert sorted(moved)[0] == 0
        assert moved.index(max(moved)) == before.index(min(before))
        before = now
    assert min(before) > 0


@pytest.mark.parametrize("fair", ["steps", "seconds"])
def test_all_come_as_far_as_the_target_and_no_further(problem: Problem, fair: Fair) -> None:
    one, other = training(problem), training(problem, objective__kind="exact")
    trainings, target = ColumnTrainings(), {"steps": 300.0, "seconds": 0.2}[fair]
    trainings.put([one, other], fair, target)
    untrained, loop = one.newest, trainings.train()
    while any(trainings.is_behind(each) for each in (one, other)):
        next(loop)
    for each in (one, other):
        assert each.training == "paused"  # beyond the limit of 100 steps too, as the main experiment
        assert done(each, fair) >= target
        assert not trainings.is_behind(each)
        assert not each.newest.untrained
        newest, trained = each.newest.tensors, each.trainer.snapshot()
        assert all(torch.equal(newest[name], trained[name]) for name in newest)
    assert one.newest.version > untrained.version
    steps = one.trained_steps, other.trained_steps
    run(trainings, 2)  # each waits a moment
    assert (one.trained_steps, other.trained_steps) == steps


def test_a_training_that_is_left_on_the_way_keeps_what_it_has_learned(problem: Problem) -> None:
    one, trainings = training(problem), ColumnTrainings()
    trainings.put([one], "steps", 1e9)
    loop = trainings.train()
    next(loop)
    assert one.training == "training"
    loop.close()
    assert one.training == "paused"
    assert one.newest.made == one.trained_steps > 0


def test_weights_are_published_while_it_goes_on(problem: Problem) -> None:
    one, trainings = training(problem, training__steps=100_000), ColumnTrainings()
    first = one.newest
    trainings.put([one], "steps", 1e9)
    loop = trainings.train()
    for _ in loop:
        if one.newest.version > first.version:
            break
    assert one.training == "training"
    assert one.newest.version > first.version


def test_a_training_that_fails_says_why_and_the_other_goes_on(problem: Problem, monkeypatch) -> None:
    refused, fine, trainings = training(problem), training(problem, network__width=8), ColumnTrainings()

    def fail(*_):
        raise UserError("No.")

    monkeypatch.setattr(refused.trainer, "_chunk", fail)
    trainings.put([refused, fine], "steps", 50.0)
    run(trainings, 10)
    assert str(trainings.failures[refused.key]) == "No."
    assert refused.trained_steps == 0
    assert not trainings.is_behind(refused)
    assert fine.trained_steps >= 50


def test_a_training_that_diverges_ends_and_says_so(problem: Problem) -> None:
    one, trainings = training(problem), ColumnTrainings()
    wild = msgspec.structs.replace(MAIN.training, learning_rate=1e4)  # outside the bounds of files and panels
    one.trainer.set_hyperparameters(msgspec.structs.replace(MAIN, training=wild))
    trainings.put([one], "steps", 1e9)
    for _ in trainings.train():
        if not trainings.is_behind(one):
            break
    assert one.training == "diverged"
    assert one.progress.diverged is not None
    assert one.newest.made == one.trainer.step


def test_a_training_is_looked_up_by_its_settings_its_data_and_the_main_training() -> None:
    document, main = Document(MAIN), OF_MAIN

    def key(fair: Fair = "steps", main=main, digests=(), **edits: object):
        changes = {name.replace("__", "."): value for name, value in edits.items()}
        return column_key(description.replace(MAIN, changes), digests, main, fair)

    assert key() == key() == key(sampling__seed=1)
    others = [
        key(network__width=8),
        key(objective__kind="exact"),
        key(noise__kind="vp"),
        key(training__learning_rate=1e-4),
        key(training__seed=1),
        key("seconds"),
        key(main=document.begun("reset").training),  # a reset of the main training takes the columns back too
        key(digests=(("data.path", "other points"),)),
    ]
    assert len({key(), *others}) == 1 + len(others)


def test_what_it_has_learned_is_found_in_the_store(problem: Problem) -> None:
    store, trainings = Store(), ColumnTrainings()
    one = training(problem, store=store)
    trainings.put([one], "steps", 50.0)
    run(trainings, 5)
    one.keep_in(store)
    again = training(problem, store=store)
    assert again is not one
    assert again.trained_steps == one.trained_steps >= 50
    assert all(torch.equal(again.newest.tensors[name], one.newest.tensors[name]) for name in one.newest.tensors)
    assert training(problem, "seconds", store).trained_steps == 0


def test_a_training_that_no_column_needs_any_more_rests_with_its_newest_weights(problem: Problem) -> None:
    one, other = training(problem), training(problem, network__width=8)
    trainings = ColumnTrainings()
    trainings.put([one, other], "steps", 100_000.0)
    loop = trainings.train()
    while not (one.trained_steps and other.trained_steps):
        next(loop)
    trainings.put([other], "steps", 100_000.0)
    next(loop)
    assert (one.training, other.training) == ("paused", "training")
    assert one.newest.made == one.trainer.step
