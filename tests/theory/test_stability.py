"""The largest curvature of a score, and the largest stable step."""

import math

import pytest
import torch
from torch import Tensor

from playground.theory.densities import GaussianMixture
from playground.theory.empirical import Empirical
from playground.theory.noise import per_point
from playground.theory.samplers import Langevin
from playground.theory.stability import largest_curvature, largest_step
from tests.generators import seeded


@pytest.mark.parametrize("shape", [(3,), (1, 3, 1), (3, 1, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_curvature_of_a_gaussian_is_one_over_its_narrowest_variance(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    stds = torch.tensor([1.0, 0.1, 0.5], dtype=dtype).reshape(shape)

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        return -x / (stds**2 + per_point(sigma, x) ** 2)

    x = stds * torch.randn(20, *shape, generator=seeded(), dtype=dtype)
    for sigma in (0.0, 0.05, 2.0):
        assert largest_curvature(score, x, sigma, seeded(1)) == pytest.approx(1 / (0.1**2 + sigma**2), rel=0.01)


@pytest.mark.parametrize("sigma", [0.0, 0.05])
def test_curvature_of_a_mixture_is_that_of_its_narrowest_part(sigma: float) -> None:
    parts = GaussianMixture(torch.tensor([[2.0, 0.0], [-2.0, 0.0]]), torch.tensor([0.3, 0.1]))
    x = parts.sample(300, seeded())
    assert largest_curvature(parts.score, x, sigma, seeded(1)) == pytest.approx(1 / (0.01 + sigma**2), rel=0.02)


def test_curvature_of_a_training_set_is_that_of_the_noise() -> None:
    points = torch.randn(50, 2, generator=seeded())
    assert largest_curvature(Empirical(points).score, points, 1e-3, seeded(1)) == pytest.approx(1e6, rel=0.02)


def test_a_flat_score_allows_any_step() -> None:
    assert largest_curvature(lambda x, sigma: 0 * x, torch.ones(3, 2), 0.0, seeded()) == 0.0
    assert largest_curvature(lambda x, sigma: x, torch.ones(3, 2), 0.0, seeded()) == 0.0  # the score points outwards
    assert largest_step(0.0) == math.inf


@pytest.mark.parametrize(("share", "settles"), [(0.98, True), (1.02, False)])
def test_the_chain_is_stable_below_that_step_and_diverges_above(share: float, settles: bool) -> None:
    variance, steps = 0.04, 400

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        return -x / variance

    step = share * largest_step(largest_curvature(score, torch.ones(3, 2, dtype=torch.float64), 0.0, seeded()))
    start = torch.randn(500, 2, generator=seeded(2), dtype=torch.float64)
    *_, end = Langevin(0.0, step, steps).run(score, start, seeded(3))
    stationary = variance / (1 - share)  # at eps = 2 share s^2
    assert (float(end.positions.var()) < 1.5 * abs(stationary)) == settles
