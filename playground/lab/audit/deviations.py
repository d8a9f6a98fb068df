"""What claims are made of: random numbers with seeds, errors relative to a size or in standard errors, and times."""

import math
import statistics
import time
import timeit
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

STANDARD_ERRORS = 4.4
"""Bound for values with a sampling error: a right value lies outside once in 100,000 seeds."""
KOLMOGOROV = 2.3
"""Bound of :func:`kolmogorov`: a right law exceeds it once in 20,000 seeds."""


def seeded(seed: int = 0) -> torch.Generator:
    """A generator of this seed."""
    return torch.Generator().manual_seed(seed)


def normals(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers in float64."""
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def doubles(values: Any) -> Tensor:
    """Numbers in float64."""
    return torch.tensor(values, dtype=torch.float64)


def spaced(low: float, high: float, count: int) -> Tensor:
    """So many evenly spaced numbers in float64, both ends among them."""
    return torch.linspace(low, high, count, dtype=torch.float64)


def gradient_of(values: Tensor, x: Tensor) -> Tensor:
    """The gradient of each of the values (N,) at its own x, by autograd."""
    (gradient,) = torch.autograd.grad(values.sum(), x)
    return gradient


def gap(found: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to 1 + the absolute value of the expected one."""
    return float(((found - expected).abs() / (1 + expected.abs())).max())


def standard_errors(values: Tensor, expected: float) -> float:
    """Return how far the mean of independent values (N,) lies from its expected value, in its own standard errors."""
    return float((values.mean() - expected).abs() / (values.std() / math.sqrt(len(values))))


def variance_errors(values: Tensor, expected: float) -> float:
    """Return how far the variance of normal values (N,) lies from the expected one, in standard errors."""
    return float((values.var() / expected - 1).abs() / math.sqrt(2 / (len(values) - 1)))


def share_gap(shares: Tensor, weights: Tensor, count: int) -> float:
    """The largest difference of shares (K,) of so many draws from weights (K,), in standard errors of at least one draw."""
    errors = (weights * (1 - weights) / count).sqrt().clamp(min=1 / count)
    return float(((shares - weights).abs() / errors).max())


def kolmogorov(cdf: Tensor) -> float:
    """The Kolmogorov-Smirnov distance times the root of the number of draws, by the stated cdf at the sorted draws (N,)."""
    own = torch.arange(len(cdf), dtype=torch.float64) / len(cdf)
    return float(torch.maximum((own - cdf).abs(), (own + 1 / len(cdf) - cdf).abs()).max()) * math.sqrt(len(cdf))


def pearson(counts: Tensor, expected: Tensor) -> float:
    """Pearson's statistic of counts (N,), in standard deviations of its law."""
    freedom = max(len(counts) - 1, 1)
    return float(((counts - expected).square() / expected).sum() - freedom) / math.sqrt(2 * freedom)


def seconds(work: Callable[[], object]) -> float:
    """Processor time of some work: the median of seven, after one to warm up."""
    return statistics.median(timeit.repeat(work, timer=time.thread_time, number=1, repeat=8)[1:])
