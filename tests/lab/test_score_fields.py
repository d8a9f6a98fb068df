"""The arrows and densities behind particles, in the user's units."""

import numpy as np
import pytest
import torch

from playground.data import Dataset
from playground.lab.experiment import Experiment, replace
from playground.lab.fields import arrows_at, density_over, grid_points, score_error_over, typical_score
from playground.lab.problem import Problem
from playground.theory.densities import GaussianMixture
from tests.densities import density_of


@pytest.mark.parametrize("spread", [(40.0, 40.0), (40.0, 0.001)])
def test_arrows_of_a_gaussian_point_to_its_mean_in_any_units(spread: tuple[float, float]) -> None:
    points = np.random.default_rng(0).normal(size=(1000, 2)) * spread + [300, -5000]
    settings = replace(Experiment(), {"data.kind": "file", "data.path": "odd.csv"})
    problem = Problem.build(settings, Dataset("odd", points, None, (2,), ("x", "y"), points[:100]))

    def score(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return -x / (1 + sigma**2)

    sigma = problem.units.sigma_to_user(0.5)
    arrows = arrows_at(problem, score, points[:50], sigma, None)
    np.testing.assert_allclose(arrows, (problem.units.offset - points[:50]) / 1.25, rtol=1e-3, atol=1e-3 * spread[1])


def test_the_density_over_a_rectangle_is_the_known_one_on_nearly_square_cells() -> None:
    problem = Problem.build(
        replace(Experiment(), {"data.points": 500, "data.scale": 10.0, "data.kind": "two-gaussians"})
    )
    bounds, sigma = (-120.0, 130.0, -110.0, 90.0), 7.0
    values = density_over(problem, bounds, sigma, None)
    rows, columns = values.shape
    assert columns / rows == pytest.approx(250 / 200, rel=0.02)
    assert values.sum() * (250 / columns) * (200 / rows) == pytest.approx(1.0, abs=0.01)
    places = torch.from_numpy(grid_points(bounds, columns, rows).reshape(-1, 2))
    assert problem.dataset.density is not None
    exact = density_of(problem.dataset).log_prob(places, sigma).exp().numpy()
    np.testing.assert_allclose(values.ravel(), exact, rtol=1e-3, atol=1e-9)


MOMENTS = pytest.mark.parametrize("moment", [(0.7, None), (5.0, 0.4)], ids=["data coordinates", "of a process"])


@MOMENTS
def test_a_constant_error_of_the_score_is_found_everywhere_in_user_units(moment: tuple[float, float | None]) -> None:
    settings = {"data.points": 500, "data.scale": 10.0, "data.kind": "two-gaussians", "noise.kind": "vp"}
    problem = Problem.build(replace(Experiment(), settings))
    exact, shift = problem.known_score("exact"), torch.tensor([3.0, -4.0])
    assert exact is not None
    errors = score_error_over(problem, lambda x, sigma: exact(x, sigma) + shift, (-30.0, 30.0, -20.0, 20.0), *moment)
    scale = 1.0 if moment[1] is None else float(problem.process().scale(moment[1]))
    np.testing.assert_allclose(errors, 5.0 / scale / problem.units.sigma_to_user(1.0), rtol=2e-2)


@MOMENTS
def test_the_usual_length_of_the_score_of_far_gaussians_is_that_of_one(moment: tuple[float, float | None]) -> None:
    """E |s|^2 = D / (s^2 + sigma^2) for N(m, s^2 I) with noise; the modes hardly overlap here."""
    settings = {"data.points": 500, "data.scale": 10.0, "data.kind": "two-gaussians", "noise.kind": "vp"}
    problem = Problem.build(replace(Experiment(), settings))
    assert isinstance(problem.density, GaussianMixture)
    sigma, time = moment
    level = problem.units.sigma_to_internal(sigma) if time is None else 0.15
    if time is not None:
        time = float(problem.process().time(level))
    scale = 1.0 if time is None else float(problem.process().scale(time))
    variance = float(problem.density.stds[0]) ** 2 + level**2
    unit = problem.units.sigma_to_user(1.0)
    found = typical_score(problem, sigma if time is None else level * unit, time)
    assert found == pytest.approx(np.sqrt(2 / variance) / scale / unit, rel=0.1)
