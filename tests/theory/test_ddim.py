"""DDIM against the paper's formulas, and where it is exact."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from playground.theory.noise import (
    CustomSchedule,
    Process,
    per_point,
)
from playground.theory.samplers import DDIMSampler, MultistepSampler, ProbabilityFlow, base, time_grid
from playground.theory.samplers.grid import Grid
from tests.generators import seeded
from tests.theory.gaussian_runs import COARSE, COARSE_VE, COARSE_VP, MEAN, STD, exact_moments, gaussian_score, last

PROCESSES = COARSE | {"drawn": CustomSchedule([(0.0, 0.5), (0.4, 2.0), (1.0, 8.0)])}
every_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
START = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]


def papers(process: Process, steps: int, start: Tensor, eta: float) -> Tensor:
    """Equations 12 and 16 of Song, Meng & Ermon 2021, in their form: of x/sqrt(abar) with sqrt(1/abar - 1) = sigma.

    Their abar belongs to the variance-preserving process with the same noise over signal.
    """
    times, sigmas = time_grid(process, steps, "karras")
    abars, draws = [1 / (1 + sigma**2) for sigma in sigmas], seeded()
    x = math.sqrt(abars[0]) * start / float(process.scale(times[0]))
    for before, after, sigma in zip(abars[:-1], abars[1:], sigmas[:-1], strict=True):
        y = x / math.sqrt(before)
        noise = -sigma * gaussian_score(y, torch.tensor(sigma, dtype=y.dtype))
        clean = (x - math.sqrt(1 - before) * noise) / math.sqrt(before)
        deviation = eta * math.sqrt((1 - after) / (1 - before)) * math.sqrt(1 - before / after)
        x = math.sqrt(after) * clean + math.sqrt(1 - after - deviation**2) * noise
        if eta:
            x = x + deviation * base.normal(x, draws)
    return x / math.sqrt(abars[-1])


@every_process
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_ddim_steps_are_those_of_the_paper(process: Process, eta: float) -> None:
    for steps in (1, 2, 9):
        found = last(DDIMSampler(process, steps, False, "karras", eta=eta), START).positions
        torch.testing.assert_close(found, papers(process, steps, START, eta), rtol=1e-11, atol=1e-11)


@every_process
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_one_ddim_step_is_exact_for_one_data_point(process: Process, eta: float) -> None:
    """The flow keeps the ratio of a deviation to sigma; the SDE keeps (sigma'/sigma)^2 of it and ends with the variance sigma'^2."""
    point, low, high, scale = 0.7, process.sigma_min, process.sigma_max, float(process.scale(1.0))

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        return (point - x) / per_point(sigma, x) ** 2

    deviation = high * torch.randn(20_000, 1, generator=seeded(3), dtype=torch.float64)
    end = last(DDIMSampler(process, 1, False, eta=eta), scale * (point + deviation), score=score).positions - point
    if not eta:
        torch.testing.assert_close(end, low / high * deviation, rtol=1e-9, atol=1e-9)
        return
    assert float(end.square().mean()) == pytest.approx(low**2, rel=4.4 * math.sqrt(2 / 20_000))
    kept = float((end * deviation).mean() / deviation.square().mean())
    assert kept == pytest.approx((low / high) ** 2, abs=4.4 * low / high / math.sqrt(20_000))


@every_process
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_on_a_gaussian_has_its_closed_form(process: Process, eta: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variance S^2 of the data, D - MEAN is S^2/(S^2 + sigma^2) of y - MEAN, and every step multiplies y - MEAN."""
    _, sigmas = time_grid(process, 12, "karras")
    scale, variance = float(process.scale(1.0)), 5.0
    found = exact_moments(
        DDIMSampler(process, 12, False, "karras", eta=eta), scale * (MEAN + 2), scale**2 * variance, monkeypatch
    )
    factor, spread = 1.0, variance
    for sigma, after in itertools.pairwise(sigmas):
        fresh = eta**2 * after**2 * (sigma**2 - after**2) / sigma**2
        step = (STD**2 + sigma * math.sqrt(after**2 - fresh)) / (STD**2 + sigma**2)
        factor, spread = factor * step, spread * step**2 + fresh
    assert found == pytest.approx((MEAN + 2 * factor, spread), rel=1e-9)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_ddim_is_dpm_solver_of_first_order(eta: float) -> None:
    """With no step before, DPM-Solver++ holds D too, in the flow as in the SDE."""
    first, second = (
        last(kind, START).positions
        for kind in (
            DDIMSampler(COARSE_VP, 1, False, eta=eta),
            MultistepSampler(COARSE_VP, 1, False, stochasticity=eta),
        )
    )
    torch.testing.assert_close(first, second, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("grid", ["karras", "time", "log-sigma"])
def test_for_flow_matching_ddim_is_euler_in_t(grid: Grid) -> None:
    ddim, euler = (
        last(sampler(PROCESSES["flow matching"]), START).positions
        for sampler in (
            lambda process: DDIMSampler(process, 6, False, grid),
            lambda process: ProbabilityFlow(process, 6, False, grid, solver="euler"),
        )
    )
    torch.testing.assert_close(ddim, euler, rtol=1e-11, atol=1e-11)


def test_euler_in_t_takes_longer_steps_than_ddim() -> None:
    """With geometric sigma(t) it moves by a ln(a/b)/(a - b) times as much, for a step from sigma = a to b."""
    a, b = COARSE_VE.sigma_max, COARSE_VE.sigma_min
    ddim, euler = (
        last(sampler, START).positions - START
        for sampler in (DDIMSampler(COARSE_VE, 1, False), ProbabilityFlow(COARSE_VE, 1, False, solver="euler"))
    )
    torch.testing.assert_close(euler, a * math.log(a / b) / (a - b) * ddim)
