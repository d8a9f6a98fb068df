"""One claim of the theory, and its measurement on this machine."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

STANDARD_ERRORS = 4.4
"""Bound for values with a sampling error: a right value lies outside once in 100,000 seeds."""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        area: what the claim is about, in a word or two.
        claim: a sentence without its full stop.
        measured: the measured value; nan if the computation failed.
        low, high: the bounds of the value.
        failure: the name of the exception if the computation failed, otherwise empty.
    """

    area: str
    claim: str
    measured: float
    low: float
    high: float
    failure: str = ""

    @property
    def passed(self) -> bool:
        return self.low <= self.measured <= self.high

    @property
    def is_bounded(self) -> bool:
        """Whether it is a claim, and not only a measurement."""
        return not math.isinf(self.low) or not math.isinf(self.high)

    @property
    def measured_text(self) -> str:
        """The measured value as a table shows it."""
        return self.failure or number(self.measured)

    @property
    def bound_text(self) -> str:
        """The bound as a table shows it; "none" for a value that is only measured."""
        if math.isinf(self.low) and math.isinf(self.high):
            return "none"
        if math.isinf(self.high):
            return f"at least {number(self.low)}"
        if self.low == self.high:
            return number(self.high)
        if math.isinf(self.low):
            return f"at most {number(self.high)}"
        return f"{number(self.low)} to {number(self.high)}"


@dataclass(frozen=True)
class Check:
    """A claim and how to measure it.

    Args:
        measure: computes the value, in float64 on the CPU, with its own seeds.
        low, high: the bounds of the value; by default there is no lower bound.
    """

    area: str
    claim: str
    measure: Callable[[], float]
    high: float
    low: float = -math.inf

    def row(self) -> Row:
        """Measure the claim. An exception fails this claim and no other."""
        try:
            measured, failure = float(self.measure()), ""
        except Exception as error:
            measured, failure = math.nan, type(error).__name__
        return Row(self.area, self.claim, measured, self.low, self.high, failure)


def number(value: float) -> str:
    """The value with three digits, or as a power of ten if that is shorter."""
    return f"{value:.3g}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.1e}"


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normals(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers in float64."""
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def gap(found: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to 1 + the absolute value of the expected one."""
    return float(((found - expected).abs() / (1 + expected.abs())).max())


def standard_errors(values: Tensor, expected: float) -> float:
    """Return how far the mean of independent values (N,) lies from its expected value, in its own standard errors."""
    return float((values.mean() - expected).abs() / (values.std() / math.sqrt(len(values))))


def variance_errors(values: Tensor, expected: float) -> float:
    """Return how far the variance of normal values (N,) lies from the expected one, in standard errors."""
    return float((values.var() / expected - 1).abs() / math.sqrt(2 / (len(values) - 1)))
