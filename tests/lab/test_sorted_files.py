"""A sorted file gives the same results as the shuffled file: its first rows are never used for the whole."""

from collections.abc import Generator
from dataclasses import replace as with_field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from playground.lab import evaluation, image_metrics
from playground.lab.compute import result
from playground.lab.diagnostics import noise_diagnostics
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.training import Trainer
from tests.figures import flat
from tests.fitting import dotted

COUNT = 12_000


def build(folder: Path, points: np.ndarray, **settings: object) -> Problem:
    """A problem of the points in a file, in their order."""
    np.save(folder / "points.npy", points)
    changes = {"data.kind": "file", "data.path": str(folder / "points.npy")}
    return Problem.build(replace(Experiment(), changes | dotted(settings)))


@pytest.fixture(scope="module")
def skewed() -> np.ndarray:
    """Points that are log-normal along x and sorted by x."""
    points = np.random.default_rng(0).normal(size=(COUNT, 2))
    points[:, 0] = np.exp(points[:, 0])
    return points[points[:, 0].argsort()]


def test_training_and_test_points_are_drawn_from_the_whole_file(tmp_path: Path, skewed: np.ndarray) -> None:
    dataset = build(tmp_path, skewed).dataset
    quantiles = np.quantile(skewed[:, 0], np.arange(0.1, 1, 0.1))
    for part in (dataset.points, dataset.held_out):
        below = (part[:, 0, None] < quantiles).mean(axis=0)
        np.testing.assert_allclose(below, np.arange(0.1, 1, 0.1), atol=5 * 0.5 / np.sqrt(len(part)))


def test_fewer_held_out_points_are_drawn_from_them_all(tmp_path: Path, skewed: np.ndarray) -> None:
    problem = build(tmp_path, skewed, training__early_stopping="off")  # it would set some of them aside
    fewer = Problem.build(replace(problem.experiment, {"likelihood.points": 500}), problem.dataset)
    medians = [float(np.median(points[:, 0])) for points in (problem.dataset.held_out, fewer.evaluation_points)]
    assert len(fewer.evaluation_points) == 500
    assert medians[0] == pytest.approx(medians[1], rel=0.2)
    np.testing.assert_array_equal(problem.evaluation_points, problem.dataset.held_out)
    again = Problem.build(fewer.experiment, problem.dataset)
    np.testing.assert_array_equal(again.evaluation_points, fewer.evaluation_points)


def test_divergence_is_detected_by_losses_of_the_whole_file(tmp_path: Path, skewed: np.ndarray) -> None:
    """At a fine sigma the loss of the Gaussian score, at least |x|^2, is largest at the end of the file."""
    references = []
    for points in (skewed, np.random.default_rng(1).permutation(skewed)):
        trainer = Trainer(build(tmp_path, points, noise__kind="none", objective__kind="exact"))
        trainer.objective.weight = lambda sigma: 1 + 0 * sigma  # type: ignore[method-assign]
        trainer._find_baselines()
        references.append(trainer._reference)
    assert references[0] == pytest.approx(references[1], rel=0.2)


def test_overlap_is_of_the_whole_file(tmp_path: Path) -> None:
    """The first points are all in one place, where levels overlap least; the other points lie apart."""
    generator = np.random.default_rng(0)
    near, far = generator.normal(size=(COUNT // 4, 2)) * 1e-3, generator.normal(size=(3 * COUNT // 4, 2))
    shares = []
    for points in (np.concatenate([near, far]), generator.permutation(np.concatenate([near, far]))):
        (diagnostic,) = noise_diagnostics(build(tmp_path, points, noise__kind="discrete", noise__sigmas=(5.0, 0.1)))
        shares.append(int(str(diagnostic).split("overlap by only ")[1].split("%")[0]))
    assert shares[0] == pytest.approx(shares[1], abs=3)


def test_a_classifier_learns_from_the_whole_test_set(tmp_path: Path, skewed: np.ndarray) -> None:
    """Half of the held-out points train the classifier, the others test it."""
    problem = build(tmp_path, skewed, likelihood__points=400)
    samples = np.random.default_rng(2).permutation(problem.dataset.points)[:400]
    last = result(evaluation.sample_distances(problem, samples))
    accuracy, error = (flat(last)[f"classifier_accuracy{end}"] for end in ("", "_standard_error"))
    assert abs(accuracy - 0.5) < 4 * error


def test_the_round_trip_is_of_the_whole_test_set(
    tmp_path: Path, skewed: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = build(tmp_path, skewed, likelihood__points=1_000)
    gone: dict[str, list[np.ndarray]] = {"log_likelihood": [], "round_trip": []}
    for name, taken in gone.items():

        def nowhere(
            problem: Problem, score: object, points: np.ndarray, taken: list[Any] = taken
        ) -> Generator[float, None, SimpleNamespace]:
            taken.append(points)
            nothing = np.zeros(len(points))
            flow = SimpleNamespace(log_prob=nothing, standard_error=None, evaluations=nothing, sigma=0.1)
            yield 0.5
            return SimpleNamespace(distance=nothing, log_prob_error=nothing, **vars(flow))

        monkeypatch.setattr(evaluation, name, nowhere)
    list(evaluation.evaluate(problem, problem.network()))
    (tested, _trained), (returned,) = gone.values()
    assert len(returned) == evaluation.ROUND_TRIP_POINTS
    assert np.median(returned[:, 0]) == pytest.approx(np.median(tested[:, 0]), rel=0.2)


def test_held_out_images_are_taken_from_the_whole_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first 100 of them are also in the training set."""
    digits = Problem.build(replace(Experiment(), {"data.kind": "digits"}))
    data = digits.dataset
    twice = np.concatenate([data.points[:100], data.held_out])
    monkeypatch.setattr(image_metrics, "EVALUATED", 100)
    problem = Problem.build(digits.experiment, with_field(data, held_out=twice))
    assert flat(image_metrics.image_figures(problem, data.points[:4]))["nearest_neighbour_distance_held_out"] > 1
