"""The names of a field in the user's units, compared with regressions of a Gaussian mixture in double precision."""

import math

import numpy as np
import pytest
import torch

from playground.lab.experiment import Experiment, replace
from playground.lab.field_names import added_noise, field_names
from playground.lab.problem import Problem
from playground.theory.densities import GaussianMixture

SETTINGS = {"data.kind": "two-gaussians", "data.points": 500, "data.scale": 10.0, "noise.kind": "vp"}


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.build(replace(Experiment(), SETTINGS))


def clean_mean(density: GaussianMixture, y: torch.Tensor, sigma: float) -> torch.Tensor:
    """E[x_0 | x_0 + sigma z = y], by the responsibility and the regression of each Gaussian."""
    variance = density.stds**2
    away = y[:, None] - density.means
    log = density.weights.log() - away.square().sum(2) / (2 * (variance + sigma**2)) - (variance + sigma**2).log()
    pulled = density.means + (variance / (variance + sigma**2))[:, None] * away
    return (log.softmax(1)[..., None] * pulled).sum(1)


@pytest.mark.parametrize("time", [None, 0.25, 0.6])
def test_names_are_the_regressions_of_the_known_density_in_user_units(problem: Problem, time: float | None) -> None:
    density, exact = problem.dataset.density, problem.known_score("exact")
    assert isinstance(density, GaussianMixture)
    assert exact is not None
    unit = problem.units.sigma_to_user(1.0)
    alpha, level = 1.0, 0.8
    if time is not None:
        alpha, level = float(problem.process().scale(time)), float(problem.process().sigma(time))
    sigma = level * unit
    middle = problem.units.offset
    y = np.array([[3.0, -8.0], [40.0, 35.0], [-60.0, -50.0], [0.0, 0.0]])
    x = middle + alpha * (y - middle)
    names = field_names(problem, exact, x, sigma, time)
    assert names is not None
    mean = clean_mean(density, torch.from_numpy(y), sigma).numpy()
    np.testing.assert_allclose(names.denoised, mean, atol=2e-3 * unit)
    np.testing.assert_allclose(names.noise, (y - mean) / sigma, atol=3e-3)
    np.testing.assert_allclose(names.score, (mean - y) / sigma**2 / alpha, atol=4e-3 / sigma / alpha)
    standardized = (mean - middle) / unit
    np.testing.assert_allclose(names.v, ((y - mean) / sigma - level * standardized) / math.hypot(1, level), atol=6e-3)
    np.testing.assert_allclose(names.velocity, (y - mean) / level - (mean - middle), atol=6e-3 * unit / min(level, 1))
    assert (names.sigma, names.std, names.alpha) == pytest.approx((sigma, alpha * sigma, alpha))
    assert (names.snr, names.log_snr, names.flow_time) == pytest.approx(
        (level**-2, -2 * math.log(level), level / (1 + level))
    )


def test_without_noise_there_is_only_the_score() -> None:
    problem = Problem.build(replace(Experiment(), {"noise.kind": "none", "data.points": 200}))
    exact = problem.known_score("exact")
    assert exact is not None
    assert field_names(problem, exact, np.zeros((1, 2)), 0.0, None) is None


def test_noise_of_steps_adds_in_squares_to_all_of_it() -> None:
    sigmas = np.linspace(0.5, 4.0, 21)
    steps = [added_noise(sigmas, frame) or math.nan for frame in range(1, 21)]
    assert math.hypot(sigmas[0], *steps) == pytest.approx(sigmas[-1])
    assert steps == pytest.approx([added_noise(sigmas[::-1], 21 - frame) for frame in range(1, 21)])
    assert added_noise(sigmas, 0) is None
    assert added_noise(np.ones(5), 3) is None  # Langevin dynamics at one noise level
