"""One loop trains the document's training and those of columns in turn, by equal steps or equal seconds."""

import itertools
from types import SimpleNamespace

import msgspec
import pytest
import torch

from playground.app.controllers.training_loop import Fair, TrainingLoop, column_key, done
from playground.app.model.assembling import assemble
from playground.app.model.live_training import LiveTraining
from playground.lab import experiment as description
from playground.lab.document import Document
from playground.lab.experiment import Experiment
from playground.lab.points import Points
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


def training(problem: Problem, fair: Fair = "steps", store: Store | None = None, **edits: object) -> LiveTraining:
    """The training of a column with these edits."""
    experiment = description.replace(MAIN, {key.replace("__", "."): value for key, value in edits.items()})
    key = column_key(experiment, (), OF_MAIN, fair)
    return assemble(experiment, "cpu", key, store, shared=problem).training


def as_far_as(target: float, *columns: LiveTraining, fair: Fair = "steps") -> TrainingLoop:
    """The loop of columns whose main training is at rest, so many steps or seconds from its start."""
    trainings = TrainingLoop()
    trainings.put(SimpleNamespace(now=SimpleNamespace(step=target, seconds=target)))
    trainings.put_columns(columns, fair)
    return trainings


def run(trainings: TrainingLoop, moments: int) -> None:
    for _ in itertools.islice(trainings.train(), moments):
        pass


def test_the_one_that_lies_behind_is_next(problem: Problem) -> None:
    one, other = training(problem), training(problem, network__width=200, network__depth=3)
    trainings = as_far_as(100_000.0, one, other)
    before = 0, 0
    for _ in itertools.islice(trainings.train(), 12):
        now = one.now.step, other.now.step
        moved = [after - since for after, since in zip(now, before, strict=True)]
        assert sorted(moved)[0] == 0
        assert moved.index(max(moved)) == before.index(min(before))
        before = now
    assert min(before) > 0


@pytest.mark.parametrize("fair", ["steps", "seconds"])
def test_all_come_as_far_as_the_target_and_no_further(problem: Problem, fair: Fair) -> None:
    one, other = training(problem), training(problem, objective__kind="exact")
    target = {"steps": 300.0, "seconds": 0.2}[fair]
    trainings = as_far_as(target, one, other, fair=fair)
    untrained, loop = one.now.newest, trainings.train()
    while any(trainings.is_behind(each) for each in (one, other)):
        next(loop)
    for each in (one, other):
        assert each.now.status == "paused"  # beyond the limit of 100 steps too, as the main experiment
        assert done(each, fair) >= target
        assert not trainings.is_behind(each)
        assert not each.now.newest.untrained
        newest, trained = each.now.newest.tensors, each.trainer.snapshot()
        assert all(torch.equal(newest[name], trained[name]) for name in newest)
    assert one.now.newest.version > untrained.version
    steps = one.now.step, other.now.step
    run(trainings, 2)
    assert (one.now.step, other.now.step) == steps


def test_a_training_that_is_left_on_the_way_keeps_what_it_has_learned(problem: Problem) -> None:
    one = training(problem)
    trainings = as_far_as(1e9, one)
    loop = trainings.train()
    next(loop)
    assert one.now.status == "training"
    loop.close()
    assert one.now.status == "paused"
    assert one.now.newest.made == one.now.step > 0


def test_weights_are_published_while_it_goes_on(problem: Problem) -> None:
    one = training(problem, training__steps=100_000)
    first, trainings = one.now.newest, as_far_as(1e9, one)
    loop = trainings.train()
    for _ in loop:
        if one.now.newest.version > first.version:
            break
    assert one.now.status == "training"
    assert one.now.newest.version > first.version


def test_a_training_that_fails_says_why_and_the_other_goes_on(problem: Problem, monkeypatch) -> None:
    refused, fine = training(problem), training(problem, network__width=8)
    trainings = as_far_as(50.0, refused, fine)

    def fail(*_):
        raise UserError("No.")

    monkeypatch.setattr(refused.trainer, "_chunk", fail)
    with pytest.raises(UserError):
        run(trainings, 10)
    run(trainings, 10)  # as the window begins the thread again
    assert str(trainings.failures[refused.key]) == "No."
    assert (refused.now.step, refused.now.status) == (0, "paused")
    assert not trainings.is_behind(refused)
    assert fine.now.step >= 50


def test_a_training_that_diverges_ends_and_says_so(problem: Problem) -> None:
    one = training(problem)
    wild = msgspec.structs.replace(MAIN.training, learning_rate=1e4)  # outside the bounds of files and panels
    one.trainer.set_hyperparameters(msgspec.structs.replace(MAIN, training=wild))
    trainings = as_far_as(1e9, one)
    for _ in trainings.train():
        if not trainings.is_behind(one):
            break
    assert one.now.status == "diverged"
    assert one.now.progress.diverged is not None
    assert one.now.newest.made == one.trainer.step


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
    store = Store()
    one = training(problem, store=store)
    run(as_far_as(50.0, one), 5)
    one.keep_in(store, Points.of(problem.dataset))
    again = training(problem, store=store)
    assert again is not one
    assert again.now.step == one.now.step >= 50
    assert all(
        torch.equal(again.now.newest.tensors[name], one.now.newest.tensors[name]) for name in one.now.newest.tensors
    )
    assert training(problem, "seconds", store).now.step == 0


def test_a_training_that_no_column_needs_any_more_rests_with_its_newest_weights(problem: Problem) -> None:
    one, other = training(problem), training(problem, network__width=8)
    trainings = as_far_as(100_000.0, one, other)
    loop = trainings.train()
    while not (one.now.step and other.now.step):
        next(loop)
    trainings.put_columns([other], "steps")
    next(loop)
    assert (one.now.status, other.now.status) == ("paused", "training")
    assert one.now.newest.made == one.trainer.step


def test_the_documents_training_goes_on_every_other_time_and_columns_follow_it(problem: Problem) -> None:
    main, near, far = (training(problem, network__width=width) for width in (16, 8, 24))
    trainings = TrainingLoop()
    trainings.put(main)
    trainings.put_columns([near, far], "steps")
    assert trainings.wanted == []  # nothing was trained, and the user asked for nothing
    trainings.start(more=True)
    loop = trainings.train()
    steps = [[one.now.step for one in (main, near, far)]]
    while trainings.goes_on:
        next(loop)
        steps.append([one.now.step for one in (main, near, far)])
    moved = [[after > before for before, after in zip(*pair, strict=True)] for pair in itertools.pairwise(steps)]
    assert all(sum(one) == 1 for one in moved)
    assert [one[0] for one in moved] == [place % 2 == 0 for place in range(len(moved))]
    assert (main.now.at_rest(is_main=True), main.now.step) == ("finished", 100)
    for _ in loop:
        pass
    assert min(near.now.step, far.now.step) >= 100
    trainings.start(more=False)  # its limit is reached
    run(trainings, 3)
    assert (main.now.at_rest(is_main=True), main.now.step, trainings.goes_on) == ("finished", 100, False)
    trainings.start(more=True)
    next(trainings.train())
    assert main.now.step > 100


@pytest.mark.parametrize("steps", [1, 100])
def test_a_block_of_the_training_before_ends_no_other(problem: Problem, monkeypatch, steps: int) -> None:
    before, after, trainings = training(problem, training__steps=steps), training(problem), TrainingLoop()
    advance, loop = before.advance, trainings.train()

    def left(more: bool, process: object) -> None:
        """Train a block, while which the window begins another training."""
        advance(more)
        before.publish(status="paused")
        trainings.put(after)
        trainings.start(more=True)

    monkeypatch.setattr(before, "advance", left)
    trainings.put(before)
    trainings.start(more=True)
    next(loop)
    next(loop)
    assert before.now.status == ("finished" if before.trainer.finished else "paused")
    assert before.now.newest.made == before.trainer.step
    assert trainings.goes_on or after.trainer.finished
    assert after.now.step > 0


def test_a_training_of_the_document_that_fails_is_asked_for_no_more(problem: Problem, monkeypatch) -> None:
    main, trainings = training(problem), TrainingLoop()

    def fail(*_):
        raise RuntimeError("Out of memory.")

    monkeypatch.setattr(main.trainer, "_chunk", fail)
    trainings.put(main)
    trainings.start(more=True)
    with pytest.raises(RuntimeError):
        run(trainings, 2)
    assert (main.now.at_rest(is_main=True), trainings.goes_on, trainings.running) == ("paused", False, [])
    run(trainings, 2)
    trainings.start(more=True)
    assert trainings.failures == {}
