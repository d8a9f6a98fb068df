"""Fixtures of the lab's tests: the optimal loss of a training is estimated from few points."""

import pytest
from torch import Generator

from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.training import Trainer
from playground.theory.densities import Density
from playground.theory.objectives import Objective

WHOLE = Objective.optimal_loss_with_error


@pytest.fixture(autouse=True)
def optimal_losses_of_few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use few points by default, since 80,000 points take longer than most trainings here."""

    def of_few(
        objective: Objective, density: Density, generator: Generator, *counts: int, **named: int
    ) -> tuple[float, float] | None:
        few = {} if counts or named else {"parts": 4, "count": 512}
        return WHOLE(objective, density, generator, *counts, **named, **few)

    monkeypatch.setattr(Objective, "optimal_loss_with_error", of_few)


@pytest.fixture
def whole_optimal_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use all points, for tests of the optimal loss and of a training's distance to it."""
    monkeypatch.setattr(Objective, "optimal_loss_with_error", WHOLE)


@pytest.fixture(scope="session")
def guided_gaussians() -> Trainer:
    """A small network that has learned two Gaussians with and without their class; it must not be changed."""
    settings = {
        "data.kind": "two-gaussians",
        "data.classes": "on",
        "data.points": 4_000,
        "network.width": 64,
        "network.depth": 2,
        "training.steps": 400,
        "training.early_stopping": "off",
        "sampling.kind": "probability-flow",
        "sampling.particles": 1_000,
    }
    trainer = Trainer(Problem.build(replace(Experiment(), settings)))
    for _ in trainer:
        pass
    return trainer
