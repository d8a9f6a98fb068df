"""Distances in a file whose columns have different units: every axis counts."""

from collections.abc import Generator
from types import SimpleNamespace

import numpy as np
import pytest

from playground.data import Dataset
from playground.lab import likelihood
from playground.lab.compute import Value, result
from playground.lab.evaluation import sample_distances
from playground.lab.experiment import Experiment, replace
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from tests.figures import flat


@pytest.fixture
def problem() -> Problem:
    """One axis in thousands, the other in thousandths; the geometric mean of their standard deviations is 4."""
    points = np.random.default_rng(0).normal(size=(1200, 2)) * (4e3, 4e-3) + [1e6, -5]
    data = Dataset("odd", points[:1000], None, (2,), ("x", "y"), points[1000:])
    return Problem.build(replace(Experiment(), {"data.kind": "file", "data.path": "odd.csv"}), data)


@pytest.mark.parametrize("wrong", [0, 1])
def test_distances_of_samples_count_every_axis_in_any_unit(problem: Problem, wrong: int) -> None:
    """Samples with half of the spread along either axis have the same distance from the data."""
    samples = np.random.default_rng(1).permutation(problem.dataset.points)[:500]
    good = result(sample_distances(problem, samples))
    samples[:, wrong] -= 0.5 * (samples[:, wrong] - problem.units.offset[wrong])
    bad = result(sample_distances(problem, samples))
    floor, spread = (flat(bad)[f"sliced_wasserstein2_floor{end}"] for end in ("", "_std"))
    assert flat(good)["sliced_wasserstein2"] < floor + 3 * spread
    # Half of the geometric mean of the standard deviations, along one of two axes: cos^2 of a direction is 1/2 on average.
    assert flat(bad)["sliced_wasserstein2"] == pytest.approx(0.5 * 4 / 2**0.5, rel=0.35)
    assert flat(bad)["energy_distance"] > 2 * flat(bad)["energy_distance_standard_error"]


def test_a_round_trip_counts_every_axis_in_any_unit(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    points = problem.dataset.held_out[:2]
    back = points + np.array([[4.0, 0.0], [0.0, 4e-6]])  # a thousandth of a standard deviation along each axis
    there = SimpleNamespace(latent=points, log_prob=np.zeros(2))
    returned = likelihood.DecodedPoints(back, np.zeros(2), np.zeros(2))

    def at_once(value: Value) -> Generator[float, None, Value]:
        yield 1.0
        return value

    monkeypatch.setattr(likelihood, "log_likelihood", lambda *_, **__: at_once(there))
    monkeypatch.setattr(likelihood, "decode", lambda *_, **__: at_once(returned))
    last = result(likelihood.round_trip(problem, problem.network(), points))
    np.testing.assert_allclose(last.distance, 4e-3, rtol=0.05)


@pytest.mark.parametrize("sigma", [1e-15, 1e15])
def test_noise_far_from_the_data_s_size_has_no_optimal_loss(sigma: float) -> None:
    """The weighted squares of the loss leave the range of single precision."""
    problem = Problem.build(replace(Experiment(), {"noise.kind": "single", "noise.sigma": sigma}))
    assert problem.density is not None
    assert build_objective(problem).optimal_loss_with_error(problem.density, problem.generator("floor"), 2, 64) is None
