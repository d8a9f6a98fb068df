"""The smoothed training set as a source of scores: its density over the plane, and likelihoods by it."""

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from playground.data import Dataset
from playground.lab import compute
from playground.lab.conflicts import likelihood_conflict, path_conflict
from playground.lab.density_map import density_map, empirical_density_map
from playground.lab.experiment import Experiment, replace
from playground.lab.fields import empirical_density_over, grid_points, grid_shape
from playground.lab.likelihood import log_likelihood
from playground.lab.problem import Problem
from playground.theory.empirical import Empirical
from tests.fitting import dotted
from tests.generators import seeded
from tests.present import present


def experiment(**settings: object) -> Experiment:
    return replace(Experiment(), dotted(settings))


def three_points(noise: str = "ve") -> Problem:
    """Three points with units of 40 and 0.001, so that each axis has its own scale."""
    points = np.array([[300.0, 0.001], [340.0, 0.0], [260.0, 0.002]])
    settings = {"data__kind": "file", "data__path": "three.csv", "noise__kind": noise}
    return Problem.build(experiment(**settings), Dataset("three", points, None, (2,), ("x", "y"), points))


@pytest.mark.parametrize("sigma", [0.02, 0.3, 2.0])
def test_cell_means_are_the_densitys_own(sigma: float) -> None:
    """They are compared with a hundred values per cell for a wide sigma, and with the whole mass for a narrow one."""
    empirical = Empirical(torch.randn(200, 2, dtype=torch.float64, generator=seeded(0)))
    x, y = (torch.linspace(-end, end, cells + 1, dtype=torch.float64) for end, cells in ((9, 30), (8, 24)))
    means = empirical.cell_means(x, y, sigma)
    assert means.shape == (24, 30)
    assert float(means.sum()) * 0.6 * (16 / 24) == pytest.approx(1.0, abs=2e-3 if sigma == 2.0 else 1e-9)
    if sigma >= 0.3:
        inner = (torch.arange(10).double() + 0.5) / 10
        xs = (x[:-1, None] + 0.6 * inner).flatten()
        ys = (y[:-1, None] + (16 / 24) * inner).flatten()
        grid = torch.stack(torch.meshgrid(xs, ys, indexing="xy"), dim=-1).reshape(-1, 2)
        values = empirical.log_prob(grid, sigma).exp().reshape(24, 10, 30, 10).mean((1, 3))
        torch.testing.assert_close(means, values, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("moving", [False, True])
def test_the_training_sets_density_is_in_user_units_and_the_particles_coordinates(moving: bool) -> None:
    problem = three_points("vp")
    sigma, time, scale = 0.3 * problem.units.length, None, 1.0
    if moving:
        time = float(problem.process().time(0.3))
        scale = float(problem.process().scale(time))
    bounds = (100.0, 500.0, -0.004, 0.006)
    found = empirical_density_over(problem, bounds, sigma, time)
    rows, columns = grid_shape(problem, bounds)
    assert found.shape == (rows, columns)
    offset, widths = problem.units.offset, 0.3 * problem.units.scale * scale
    places = grid_points(bounds, columns, rows)
    centres = offset + scale * (problem.dataset.points - offset)
    expected = sum(
        np.exp(-0.5 * (((places - centre) / widths) ** 2).sum(-1)) / (2 * math.pi * widths.prod()) / 3
        for centre in centres
    )
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.01 * expected.max())


def test_likelihoods_by_the_training_set_are_its_closed_form() -> None:
    """At training points and elsewhere. The prior has the training set's moments, so the remaining error is small."""
    problem = Problem.build(
        experiment(data__points=300, likelihood__points=50, likelihood__source="empirical", noise__sigma_min=0.1)
    )
    points = np.concatenate([problem.dataset.points[:20], problem.dataset.held_out[:20]])
    score = present(problem.known_score("empirical"))
    found = compute.result(log_likelihood(problem, score, points))
    x = torch.from_numpy(problem.units.to_internal(points)).double()
    closed = Empirical(problem.train.double()).log_prob(x, problem.noise.sigma_min)
    np.testing.assert_allclose(found.log_prob, problem.units.log_prob_to_user(closed.numpy()), atol=1e-2)
    bounds = (-2.0, 3.0, -1.5, 2.0)
    field = [*density_map(problem, score, bounds, 24)][-1].log_density
    grid = torch.from_numpy(problem.units.to_internal(grid_points(bounds, 24, 24).reshape(-1, 2))).double()
    closed = Empirical(problem.train.double()).log_prob(grid, problem.noise.sigma_min).exp()
    closed = closed.numpy().reshape(24, 24) / problem.units.scale.prod()
    np.testing.assert_allclose(np.exp(present(field)), closed, rtol=0.03, atol=1e-4)


def test_the_training_sets_map_is_its_density_by_a_plain_sum_over_all_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """In unusual units, with the same result for any number of points that are summed at once."""
    points = np.random.default_rng(0).normal(size=(101, 2)) * [40, 0.001] + [300, 0.5]
    settings = {"data__kind": "file", "data__path": "odd.csv", "noise__sigma_min": 0.05}
    dataset = Dataset("odd", points, None, (2,), ("x", "y"), points[:9])
    problem = Problem.build(experiment(**settings), dataset)
    bounds, widths = (100.0, 500.0, 0.494, 0.506), problem.noise.sigma_min * problem.units.scale
    monkeypatch.setattr("playground.lab.density_map.CELL_POINTS", 40)
    maps = list(empirical_density_map(problem, bounds, 40))
    assert [field.log_density is None for field in maps] == [True, True, False]
    places = grid_points(bounds, 240, 240).reshape(-1, 2)
    squares = sum((places[:, axis, None] - points[None, :, axis]) ** 2 / (2 * widths[axis] ** 2) for axis in (0, 1))
    plain = logsumexp(-squares, axis=1) - math.log(101 * 2 * math.pi * widths.prod())
    means = logsumexp(plain.reshape(40, 6, 40, 6), axis=(1, 3)) - math.log(36)
    likely = means > means.max() - 12  # farther out the plain sum needs finer points
    assert likely.mean() > 0.2
    np.testing.assert_allclose(present(maps[-1].log_density)[likely], means[likely], atol=0.05)


def test_training_images_are_likelier_than_held_out_images_by_the_training_sets_score() -> None:
    """In 64 dimensions, the training set's density at this sigma is e^20 times higher near its own points."""
    settings = {"likelihood__tolerance": 1e-2, "likelihood__source": "empirical", "noise__kind": "vp"}
    problem = Problem.build(experiment(data__kind="digits", noise__sigma_min=0.15, **settings))
    images = np.concatenate([problem.dataset.points[:3], problem.dataset.held_out[:3]])
    found = compute.result(log_likelihood(problem, present(problem.known_score("empirical")), images)).log_prob
    assert found[:3].min() > found[3:].max() + 20


def test_an_exact_source_of_unknown_data_is_refused_and_leaves_the_path() -> None:
    unknown = experiment(data__kind="digits", likelihood__source="exact")
    refusal = likelihood_conflict(unknown)
    assert refusal is not None
    assert refusal.key == "likelihood.source"
    assert "data.kind = digits is not known" in str(refusal)
    assert path_conflict(unknown) is None
    assert likelihood_conflict(experiment(likelihood__source="exact")) is None
