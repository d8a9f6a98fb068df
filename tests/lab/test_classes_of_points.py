"""Classes of points in the plane: a perceptron learns the score of each and that of all, from toys and from files."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from playground.kinds.datasets import load_dataset
from playground.lab.conflicts import sampling_conflict, training_conflict
from playground.lab.experiment import Experiment, dump, parse, replace, value
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.session import Session
from playground.lab.training import Trainer
from playground.lab.without_effect import settings_without_effect
from tests.fitting import dotted
from tests.generators import seeded
from tests.present import present

SMALL = {"data.kind": "two-gaussians", "data.classes": "on", "data.points": 500, "likelihood.points": 50}


def problem_of(**changes: object) -> Problem:
    return Problem.build(replace(Experiment(), SMALL | dotted(changes)))


@pytest.mark.parametrize("label", [None, 0, 1])
@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_a_perceptron_learns_the_score_of_each_class_and_of_all(
    guided_gaussians: Trainer, label: int | None, sigma: float
) -> None:
    """Measured 0.06 to 0.17; the score of all data in place of a class's would be wrong by 0.5 or more."""
    problem, told = guided_gaussians.problem, None if label is None else torch.tensor(label)
    level, classes = torch.tensor(sigma), present(problem.class_densities)
    density = present(problem.density) if label is None else classes.densities[label]
    x = density.sample(1_000, seeded(0))
    x = x + sigma * torch.randn(x.shape, generator=seeded(1))
    with torch.no_grad():
        learned = guided_gaussians.ema(x, level, told)
    exact = density.score(x, level)
    assert float((learned - exact).norm() / exact.norm()) < 0.25


def test_its_targets_do_not_mix_classes() -> None:
    """A stable target is a mean over points of all classes: with it a class would be learned as all data."""
    problem = problem_of()
    assert build_objective(problem).target_batch == value(problem.resolve(), "objective.target_batch") == 1
    assert build_objective(problem_of(data__classes="off")).target_batch > 1
    asked = replace(problem.experiment, {"objective.target_batch": 64})
    assert "would mix classes" in str(training_conflict(asked, problem.conditions))
    saved = parse(dump(problem.resolve()), "the saved experiment")
    assert training_conflict(saved, problem.conditions) is None


@pytest.mark.usefixtures("whole_optimal_losses")
def test_the_optimal_loss_is_that_of_the_classes_and_of_all() -> None:
    """A network that is told no class cannot reach the loss of one that is told; hidden labels lie between."""
    found = {}
    for hidden in (0.0, 0.5, 1.0):
        trainer = Trainer(problem_of(training__label_dropout=hidden, training__steps=1))
        (progress,) = list(trainer)
        found[hidden] = present(progress.optimal_loss), present(progress.optimal_loss_error)
    untold = Trainer(problem_of(data__classes="off", objective__target_batch=1, training__steps=1))
    (progress,) = list(untold)
    assert found[1.0][0] == pytest.approx(progress.optimal_loss, abs=1e-6)
    gap = found[1.0][0] - found[0.0][0]
    assert gap > 5 * math.hypot(found[1.0][1], found[0.0][1])
    assert found[0.5][0] == pytest.approx((found[0.0][0] + found[1.0][0]) / 2, abs=0.2 * gap)


def test_an_energy_takes_no_classes() -> None:
    problem = problem_of(network__kind="energy")
    assert problem.classes == 0
    assert problem.conditions.known_classes == (0, 1)  # the exact score still has them
    guided = problem.with_experiment(replace(problem.experiment, {"sampling.labels": "one", "sampling.guidance": 1.0}))
    assert "has no classes" in str(sampling_conflict(guided.experiment, guided.conditions))
    exact = replace(guided.experiment, {"sampling.source": "exact"})
    assert sampling_conflict(exact, guided.conditions) is None


def test_a_class_that_is_not_there_is_refused_for_known_classes_too() -> None:
    problem = problem_of(sampling__source="exact", sampling__labels="one", sampling__label=2)
    refusal = sampling_conflict(problem.experiment, problem.conditions)
    assert str(refusal).startswith("sampling.label = 2 is not a class of these data: choose one from 0 to 1")
    without = problem_of(data__classes="off", sampling__source="exact", sampling__labels="one", sampling__label=2)
    assert sampling_conflict(without.experiment, without.conditions) is None
    assert "the exact score has no classes" in str(next(iter(settings_without_effect(without))))


def test_a_session_keeps_the_classes(tmp_path: Path) -> None:
    problem = problem_of()
    Session.of(problem.experiment, problem.dataset).save(tmp_path / "classes.spg")
    again = Session.load(tmp_path / "classes.spg").dataset()
    np.testing.assert_array_equal(again.labels, problem.dataset.labels)
    assert again.class_names == problem.dataset.class_names == ("upper right", "lower left")
    assert Problem.build(problem.experiment, again).conditions == problem.conditions


def test_labels_of_a_file_are_learned_and_kept(tmp_path: Path) -> None:
    toy = load_dataset("two-gaussians", classes="on", points=400)
    rows = [f"{x},{y},{toy.class_names[label]}" for (x, y), label in zip(toy.points, present(toy.labels), strict=True)]
    (tmp_path / "points.csv").write_text("x,y,class\n" + "\n".join(rows) + "\n")
    settings = {"data.kind": "file", "data.path": str(tmp_path / "points.csv"), "training.steps": 20}
    problem = Problem.build(replace(Experiment(), settings))
    assert problem.classes == 2
    assert problem.class_densities is None
    trainer = Trainer(problem)
    assert next(trainer).loss < 100
    assert trainer.network.classes == 2
    Session.of(problem.experiment, problem.dataset, weights=trainer.state()).save(tmp_path / "file.spg")
    again = Session.load(tmp_path / "file.spg").dataset()
    np.testing.assert_array_equal(again.labels, problem.dataset.labels)
    assert again.class_names == ("lower left", "upper right")
    assert "labels are sorted" in str(again.note)
