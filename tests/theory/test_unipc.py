"""UniPC-2 against the paper's algorithm, and where it is exact."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from playground.theory.noise import Process
from playground.theory.samplers import MultistepSampler, UniPCSampler, time_grid
from playground.theory.samplers.unipc import exponential_step
from tests.generators import seeded
from tests.theory.gaussian_runs import COARSE, COARSE_VE, gaussian_score, last


def papers(process: Process, steps: int, start: Tensor) -> Tensor:
    """Algorithms 1 to 3 of Zhao et al. 2023 for data prediction, in x, alpha and std.

    Their corrector solves R a = b; their predictor is integrated here exactly, where the authors' code sets its coefficient to 1/2.
    """
    times = torch.tensor(time_grid(process, steps, "karras")[0], dtype=torch.float64)
    alphas, stds = process.scale(times), process.std(times)
    lambdas = (alphas / stds).log()

    def clean(x: Tensor, i: int) -> Tensor:
        return (x + stds[i] ** 2 * gaussian_score(x / alphas[i], stds[i] / alphas[i]) / alphas[i]) / alphas[i]

    def coefficients(ratios: list[float], h: float) -> list[float]:
        """a of the unified formula, with B(h) = e^(-h) - 1: sum_m a_m r_m^(k-1) = k! (-h) phi_(k+1)(-h)/B for k = 1, 2, ..."""
        if not ratios:
            return []
        term, right = math.expm1(-h) / -h - 1, []
        for k in range(1, len(ratios) + 1):
            right.append(term * math.factorial(k) / math.expm1(-h))
            term = term / -h - 1 / math.factorial(k + 1)
        matrix = [[ratio ** (k - 1) for ratio in ratios] for k in range(1, len(ratios) + 1)]
        solved = torch.linalg.solve(torch.tensor(matrix, dtype=torch.float64), torch.tensor(right, dtype=torch.float64))
        found: list[float] = solved.tolist()
        return found

    def unified(x: Tensor, i: int, models: list[Tensor], ratios: list[float]) -> Tensor:
        h = float(lambdas[i] - lambdas[i - 1])
        moved = stds[i] / stds[i - 1] * x - alphas[i] * math.expm1(-h) * models[0]
        for ratio, model, a in zip(ratios, models[1:], coefficients(ratios, h), strict=True):
            moved = moved - alphas[i] * math.expm1(-h) * a * (model - models[0]) / ratio
        return moved

    x, known = start, [clean(start, 0)]
    for i in range(1, steps + 1):
        h = float(lambdas[i] - lambdas[i - 1])
        older = [] if i == 1 else [float(lambdas[i - 2] - lambdas[i - 1]) / h]
        lower = i == steps and steps < 15
        predicted = unified(x, i, known[:1] if lower else known[:2], [] if lower else older)
        if i == steps:
            return predicted / alphas[-1]
        new = clean(predicted, i)
        x = unified(x, i, [*known[:2], new], [*older, 1.0])
        known = [new, known[0]]
    raise AssertionError


@pytest.mark.parametrize("process", COARSE.values(), ids=COARSE)
@pytest.mark.parametrize("steps", [1, 2, 10, 15, 30])
def test_steps_of_unipc_are_those_of_the_paper(process: Process, steps: int) -> None:
    start = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]
    sampler = UniPCSampler(process, steps, False, "karras")
    for _ in range(2):  # a second run does not depend on the first
        torch.testing.assert_close(last(sampler, start).positions, papers(process, steps, start), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_a_step_is_exact_for_polynomials(degree: int) -> None:
    """Of y' = u^n - y the solution is known; here from u = 0.3 to 0.7."""
    polynomials: dict[int, Callable[[float], float]] = {
        0: lambda u: 1.0,
        1: lambda u: u - 1,
        2: lambda u: u**2 - 2 * u + 2,
    }
    polynomial = polynomials[degree]
    points = [(u, torch.tensor([u**degree], dtype=torch.float64)) for u in (0.1, 0.3, 0.7)[: degree + 1]]
    expected = polynomial(0.7) + math.exp(-0.4) * (2.0 - polynomial(0.3))
    found = exponential_step(torch.tensor([2.0], dtype=torch.float64), points, 0.3, 0.7)
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_a_correction_is_nearer_to_the_flow_than_dpm_solver() -> None:
    """At 20 steps on a Gaussian, whose flow is known."""
    start = COARSE_VE.sigma_max * torch.randn(100, 1, generator=seeded(1), dtype=torch.float64) + 0.7
    low, high = (0.6**2 + sigma**2 for sigma in (COARSE_VE.sigma_min, COARSE_VE.sigma_max))
    exact = 0.7 + math.sqrt(low / high) * (start - 0.7)
    errors = [
        float((last(kind(COARSE_VE, 20, False), start).positions - exact).abs().max())
        for kind in (UniPCSampler, MultistepSampler)
    ]
    assert errors[0] < errors[1] / 3
