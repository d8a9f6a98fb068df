"""DPM-Solver++(2M) against the paper's formulas, and where it is exact."""

import math

import pytest
import torch
from torch import Tensor

from playground.theory.noise import Process, per_point
from playground.theory.samplers import MultistepSampler, base, time_grid
from playground.theory.samplers.grid import Grid
from tests.generators import seeded
from tests.theory.gaussian_runs import COARSE, COARSE_VE, gaussian_score, last


def papers(process: Process, steps: int, start: Tensor, stochastic: bool) -> Tensor:
    """Algorithm 2 and equation 22 of Lu et al. 2022 in the paper's form: in x, alpha, std and lambda = ln(alpha/std)."""
    times = torch.tensor(time_grid(process, steps, "karras")[0], dtype=torch.float64)
    alphas, stds = process.scale(times), process.std(times)
    lambdas, draws = (alphas / stds).log(), seeded()
    x, before = start, None
    for i in range(1, steps + 1):
        alpha, std = alphas[i - 1], stds[i - 1]
        clean = (x + std**2 * gaussian_score(x / alpha, std / alpha) / alpha) / alpha
        h, ahead = lambdas[i] - lambdas[i - 1], clean
        if before is not None and not (i == steps and steps < 15):
            r = (lambdas[i - 1] - lambdas[i - 2]) / h
            ahead = (1 + 1 / (2 * r)) * clean - 1 / (2 * r) * before
        ratio = stds[i] / std
        if stochastic:
            noise = stds[i] * torch.sqrt(1 - torch.exp(-2 * h)) * base.normal(x, draws)
            x = ratio * torch.exp(-h) * x + alphas[i] * (1 - torch.exp(-2 * h)) * ahead + noise
        else:
            x = ratio * x - alphas[i] * torch.expm1(-h) * ahead
        before = clean
    return x / alphas[-1]


@pytest.mark.parametrize("process", COARSE.values(), ids=COARSE)
@pytest.mark.parametrize("stochastic", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 10, 14, 15, 30])
def test_steps_are_those_of_the_paper(process: Process, stochastic: bool, steps: int) -> None:
    start = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]
    sampler = MultistepSampler(process, steps, False, "karras", stochasticity=float(stochastic))  # the steps differ
    expected = papers(process, steps, start, stochastic)
    for _ in range(2):  # a second run does not depend on the first
        torch.testing.assert_close(last(sampler, start).positions, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("stochastic", [False, True])
@pytest.mark.parametrize("grid", ["log-sigma", "karras"])
def test_every_step_is_exact_for_one_data_point(stochastic: bool, grid: Grid) -> None:
    """The expected clean point is that point at all times.

    The flow keeps the ratio of a deviation to sigma. The SDE keeps (sigma_min/sigma_max)^2 of the deviation, and ends with the
    variance sigma_min^2.
    """
    point = 0.7

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        return (point - x) / per_point(sigma, x) ** 2

    low, high = COARSE_VE.sigma_min, COARSE_VE.sigma_max
    start = point + high * torch.randn(20_000, 1, generator=seeded(3), dtype=torch.float64)
    end = last(
        MultistepSampler(COARSE_VE, 3, False, grid, stochasticity=float(stochastic)), start, score=score
    ).positions
    if stochastic:
        assert float((end - point).square().mean()) == pytest.approx(low**2, rel=4 * math.sqrt(2 / 20_000))
    else:
        torch.testing.assert_close(end, point + low / high * (start - point))
