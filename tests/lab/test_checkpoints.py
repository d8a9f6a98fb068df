"""The weights of a training at log-spaced steps: their number, their steps, and their place in a session."""

import functools
import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from playground.lab.checkpoints import FACTOR, PREFIX, Checkpoints, Weights
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.session import Session
from playground.lab.training import Trainer
from playground.resources import resource

SMALL = {"data.points": 500, "network.width": 16, "training.batch": 64, "training.steps": 300}


def weights(step: int, count: int = 10) -> dict[str, torch.Tensor]:
    return {"w": torch.full((count,), float(step)), "b": torch.zeros(2)}


def offered(steps: range) -> Mapping[int, Weights]:
    """The checkpoints that are kept of weights that are offered after these steps."""
    checkpoints = Checkpoints()
    for step in steps:
        checkpoints.offer(step, functools.partial(weights, step))
    return checkpoints.weights


def test_steps_are_log_spaced_and_at_most_forty() -> None:
    steps = list(offered(range(100_001)))
    assert steps[:4] == [0, 1, 2, 3]
    assert 20 < len(steps) <= 40
    assert all(b / a == pytest.approx(FACTOR, rel=1 / a + 0.01) for a, b in itertools.pairwise(steps[10:]))
    assert float(offered(range(101))[2]["w"][0]) == 2


def test_too_many_checkpoints_drop_every_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.lab.checkpoints.MOST", 8)
    few = list(offered(range(10_001)))
    assert len(few) <= 8
    assert few[0] == 0
    ratios = [b / a for a, b in itertools.pairwise(few[2:])]
    assert max(ratios) < 1.5 * min(ratios)  # log-spaced still


def test_they_take_no_more_bytes_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    size = sum(tensor.nbytes for tensor in weights(0).values())
    monkeypatch.setattr("playground.lab.checkpoints.BYTES", 5 * size)
    assert 2 < len(offered(range(1_000))) <= 5
    monkeypatch.setattr("playground.lab.checkpoints.BYTES", 0)
    assert len(offered(range(1_000))) == 2


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    trainer = Trainer(Problem.build(replace(Experiment(), SMALL)))
    for _ in trainer:
        pass
    return trainer


def test_keeping_averaged_weights_does_not_change_training(trainer: Trainer) -> None:
    steps = list(trainer.checkpoints.weights)
    assert steps[0] == 0
    assert steps == sorted(steps)
    assert 3 < len(steps) <= 40
    fresh = Trainer(trainer.problem).snapshot()
    assert all(torch.equal(trainer.checkpoints.weights[0][name], tensor) for name, tensor in fresh.items())
    again = Trainer(trainer.problem)
    while again.step < steps[-1]:
        next(again)
    assert again.step == steps[-1]
    assert all(
        torch.equal(trainer.checkpoints.weights[steps[-1]][name], tensor) for name, tensor in again.snapshot().items()
    )


def test_a_state_restores_only_checkpoints_of_the_same_network(trainer: Trainer) -> None:
    state, other = dict(trainer.state()), Trainer(trainer.problem)
    first, second, third = list(trainer.checkpoints.weights)[:3]
    name = next(iter(trainer.checkpoints.weights[0]))
    state[f"checkpoints.{first}.{name}"] = np.zeros(3, np.float32)  # of another shape
    state[f"checkpoints.{second}.{name}"] = np.full_like(state[f"checkpoints.{second}.{name}"], np.nan)
    state["checkpoints.x.y"] = np.zeros(1)
    other.restore(state)
    assert list(other.checkpoints.weights) == list(trainer.checkpoints.weights)[2:]
    assert torch.equal(other.checkpoints.weights[third][name], trainer.checkpoints.weights[third][name])
    before = list(other.checkpoints.weights)
    other.extend()
    next(other)
    assert list(other.checkpoints.weights)[: len(before)] == before
    assert list(other.checkpoints.weights)[-1] >= before[-1] * FACTOR or list(other.checkpoints.weights) == before


def test_a_diverged_training_drops_checkpoints_of_later_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training goes on from the last good weights, so checkpoints of the diverged network are dropped."""
    trainer = Trainer(Problem.build(replace(Experiment(), SMALL)))
    next(trainer)
    good = trainer.step
    with monkeypatch.context() as patch:
        patch.setattr(trainer._weights, "keep", lambda: None)
        while trainer.step < 200:
            next(trainer)
    assert max(trainer.checkpoints.weights) > good
    trainer._check(float("nan"))
    assert trainer.step == good
    assert max(trainer.checkpoints.weights) <= good


@pytest.mark.parametrize("path", sorted(resource("checkpoints").glob("*.spg")), ids=lambda path: path.stem)
def test_the_bundled_models_have_checkpoints_of_their_own_network(path: Path) -> None:
    session = Session.load(path)
    state = dict(session.weights or {})
    network = {name.removeprefix("ema."): array for name, array in state.items() if name.startswith("ema.")}
    checkpoints = Checkpoints()
    checkpoints.restore(state, {name: torch.from_numpy(np.array(array)) for name, array in network.items()})
    steps = list(checkpoints.weights)
    assert steps[0] == 0
    assert len(steps) >= 5
    assert steps[-1] < int(state["step"]) <= 2.9 * steps[-1]  # the same spacing as between other checkpoints
    assert sum(name.startswith(f"{PREFIX}.") for name in state) == len(steps) * len(network)


def test_the_steps_that_are_kept_do_not_depend_on_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without fused steps a report comes after so many milliseconds, and yet the weights of the same steps are kept."""
    monkeypatch.setattr(Trainer, "_fused", False)
    kept = []
    for seconds in (1e-6, 1e6):
        monkeypatch.setattr("playground.lab.training.CHUNK_SECONDS", seconds)
        trainer = Trainer(Problem.build(replace(Experiment(), SMALL | {"training.early_stopping": "off"})))
        for _ in trainer:
            pass
        kept.append(list(trainer.checkpoints.weights))
    assert kept[0] == kept[1]
    assert len(kept[0]) > 10
