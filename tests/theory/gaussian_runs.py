"""Samplers on Gaussian data. The particles stay Gaussian, so the moments of every recursion are known exactly."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from playground.theory.noise import (
    Cosine,
    FlowMatching,
    Process,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
    geometric,
    per_point,
)
from playground.theory.noise.process import ScoreFunction
from playground.theory.samplers import (
    AnnealedLangevin,
    DDIMSampler,
    EdmSampler,
    Langevin,
    ProbabilityFlow,
    ReverseSDE,
    Sampler,
    Step,
    base,
    time_grid,
)
from playground.theory.samplers.path import PathSampler
from tests.generators import seeded

MEAN, STD = 0.7, 0.6


def processes(sigma_min: float, sigma_max: float) -> dict[str, Process]:
    """Each process between two noise levels; VP and sub-VP have their own largest one."""
    return {
        "VE": VarianceExploding(sigma_min, sigma_max),
        "VP": VariancePreserving(0.1, 20.0, sigma_min),
        "sub-VP": SubVariancePreserving(0.1, 20.0, sigma_min),
        "cosine": Cosine(sigma_min, sigma_max),
        "flow matching": FlowMatching(sigma_min, sigma_max),
    }


FINE, COARSE = processes(0.05, 8.0), processes(0.5, 8.0)
VE, VP = FINE["VE"], FINE["VP"]
# If the finest noise is far below the data's standard deviation, the errors of first order nearly cancel by the end.
COARSE_VE, COARSE_VP = COARSE["VE"], COARSE["VP"]
LEVELS = geometric(8.0, 0.05, 5)


def gaussian_score(x: Tensor, sigma: Tensor) -> Tensor:
    return -(x - MEAN) / (STD**2 + per_point(sigma, x) ** 2)


def gaussian_log_density(x: Tensor, sigma: Tensor) -> Tensor:
    """The log-density of :func:`gaussian_score`, up to a constant."""
    return -0.5 * (x - MEAN).square().flatten(1).sum(1) / (STD**2 + sigma**2)


def last(sampler: Sampler, start: Tensor, seed: int = 0, score: ScoreFunction = gaussian_score) -> Step:
    *_, step = sampler.run(score, start, seeded(seed))
    return step


def exact_moments(
    sampler: Sampler, mean: float, variance: float, monkeypatch: pytest.MonkeyPatch
) -> tuple[float, float]:
    """Mean and variance of the sampler's last frame, without sampling error.

    With a linear score the last frame is linear in the start and in each step's noise. Row 0 gives the mean, row 1 has a start
    moved by its standard deviation, and row 2 + k has a unit impulse in the k-th noise. The variance is the sum of squares.
    """
    draws = itertools.count()
    with monkeypatch.context() as counting:
        counting.setattr(base, "normal", lambda like, _: 0 * like + 0 * next(draws))
        last(sampler, torch.full((1, 1), mean, dtype=torch.float64))
    count = next(draws)
    impulses = itertools.count(2)

    def impulse(like: Tensor, _: torch.Generator) -> Tensor:
        noise = torch.zeros_like(like)
        noise[next(impulses)] = 1.0
        return noise

    monkeypatch.setattr(base, "normal", impulse)
    start = torch.full((count + 2, 1), mean, dtype=torch.float64)
    start[1] += math.sqrt(variance)
    end = last(sampler, start).positions[:, 0]
    return float(end[0]), float((end - end[0]).square().sum())


def additive_step(process: Process, solver: str, t: float, then: float) -> tuple[float, float, float]:
    """(a, b, c) of a step in y = x/alpha and v = sigma^2, in which e = y - MEAN has the drift -e/(STD^2 + v)."""
    v, v2 = float(process.sigma(t)) ** 2, float(process.sigma(then)) ** 2
    h, pull, pull2 = v - v2, 1 / (STD**2 + v), 1 / (STD**2 + v2)
    if solver == "heun":
        a = 1 - h / 2 * (pull + pull2 * (1 - h * pull))
        c = math.sqrt(h) * (1 - h / 2 * pull2)
    else:
        late = 1 / (STD**2 + v - 5 / 6 * h)
        area = -h * (2 / 5 * pull + 3 / 5 * late * (1 - 5 / 6 * h * pull))
        a = 1 + area
        c = math.hypot(math.sqrt(h) * (1 - h / 2 * late), math.sqrt(h / 12) * area)
    alpha, alpha2 = float(process.scale(t)), float(process.scale(then))
    return alpha2 * a / alpha, alpha2 * (1 - a) * MEAN, alpha2 * c


def edm_step(sampler: EdmSampler, t: float, then: float) -> tuple[float, float, float]:
    """(a, b, c) of a step with churn, in which e = y - MEAN has the flow de/dsigma = sigma e/(STD^2 + sigma^2)."""
    process = sampler.process
    sigma, sigma2 = float(process.sigma(t)), float(process.sigma(then))
    inside = sampler.churn_min <= sigma <= sampler.churn_max
    churned = min(sigma * (1 + min(sampler.churn / sampler.steps, 2**0.5 - 1) * inside), process.sigma_max)
    churned = max(churned, sigma)
    h, push, push2 = sigma2 - churned, churned / (STD**2 + churned**2), sigma2 / (STD**2 + sigma2**2)
    a = 1 + h / 2 * (push + push2 * (1 + h * push))
    alpha, alpha2 = float(process.scale(t)), float(process.scale(then))
    return (
        alpha2 * a / alpha,
        alpha2 * (1 - a) * MEAN,
        alpha2 * a * sampler.churn_noise * math.sqrt(churned**2 - sigma**2),
    )


def ddim_step(sampler: DDIMSampler, t: float, then: float) -> tuple[float, float, float]:
    """(a, b, c) of a step in which D - MEAN = (y - MEAN) STD^2/(STD^2 + sigma^2) stays and y - D shrinks."""
    process = sampler.process
    sigma, sigma2 = float(process.sigma(t)), float(process.sigma(then))
    fresh = sampler.eta * sigma2 / sigma * math.sqrt(sigma**2 - sigma2**2)
    a = (STD**2 + sigma * math.sqrt(sigma2**2 - fresh**2)) / (STD**2 + sigma**2)
    alpha, alpha2 = float(process.scale(t)), float(process.scale(then))
    return alpha2 * a / alpha, alpha2 * (1 - a) * MEAN, alpha2 * fresh


def linear_recursion(sampler: Sampler, mean: float, variance: float) -> tuple[float, float]:
    """The same moments from the formulas of docs/theory.md: x <- a x + b + c z, step by step."""
    steps: list[tuple[float, float, float]] = []  # (a, b, c)
    if isinstance(sampler, Langevin):
        pull = sampler.step / (STD**2 + sampler.sigma**2)
        steps = [(1 - pull, pull * MEAN, math.sqrt(2 * sampler.step))] * sampler.steps
    elif isinstance(sampler, AnnealedLangevin):
        for sigma in sampler.levels.tolist():
            alpha = sampler.step * sigma**2 / float(sampler.levels[-1]) ** 2
            pull = alpha / 2 / (STD**2 + sigma**2)
            steps += [(1 - pull, pull * MEAN, math.sqrt(alpha))] * sampler.steps_per_level
        pull = sigma**2 / (STD**2 + sigma**2)
        steps += [(1 - pull, pull * MEAN, 0.0)] * sampler.final_denoising
    else:
        assert isinstance(sampler, PathSampler)
        process = sampler.process
        times, sigmas = time_grid(process, sampler.steps, sampler.grid)

        def slope(t: float, part: float) -> tuple[float, float]:
            """Coefficients (a, b) of f - part g^2 s = a x + b, where s is the score of the Gaussian x(t)."""
            alpha, g2 = float(process.scale(t)), float(process.diffusion(t)) ** 2
            spread = alpha**2 * (STD**2 + float(process.sigma(t)) ** 2)
            shrink = float(process.drift(torch.ones(1, 1, dtype=torch.float64), t))
            return shrink + part * g2 / spread, -part * g2 * alpha * MEAN / spread

        for t, then in itertools.pairwise(times):
            h = then - t
            if isinstance(sampler, EdmSampler):
                steps.append(edm_step(sampler, t, then))
            elif isinstance(sampler, DDIMSampler):
                steps.append(ddim_step(sampler, t, then))
            elif isinstance(sampler, ReverseSDE) and sampler.solver != "euler":
                steps.append(additive_step(process, sampler.solver, t, then))
            elif isinstance(sampler, ReverseSDE):
                a, b = slope(t, 1.0)
                steps.append((1 + h * a, h * b, float(process.diffusion(t)) * math.sqrt(-h)))
            elif isinstance(sampler, ProbabilityFlow) and sampler.solver == "euler":
                a, b = slope(t, 0.5)
                steps.append((1 + h * a, h * b, 0.0))
            else:
                (a, b), (a2, b2) = slope(t, 0.5), slope(then, 0.5)
                steps.append((1 + h / 2 * (a + a2 + h * a * a2), h / 2 * (b + b2 + h * a2 * b), 0.0))
        pull = sampler.final_denoising * sigmas[-1] ** 2 / (STD**2 + sigmas[-1] ** 2)
        steps.append(((1 - pull) / float(process.scale(times[-1])), pull * MEAN, 0.0))
    for a, b, c in steps:
        mean, variance = a * mean + b, a**2 * variance + c**2
    return mean, variance
