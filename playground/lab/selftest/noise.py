"""Mean factor and standard deviation of the processes, from the formulas of their papers."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from playground.lab.audit.deviations import gap
from playground.lab.claims import Claim
from playground.theory.noise import (
    Cosine,
    FlowMatching,
    Process,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
)


def alpha(t: Tensor) -> Tensor:
    """The mean factor of VP and sub-VP."""
    return torch.exp(-0.25 * t.square() * (20.0 - 0.1) - 0.5 * t * 0.1)


def angle(t: Tensor) -> Tensor:
    """The steady angle of the cosine schedule."""
    start, end = math.atan(0.05), math.atan(12.0)
    return start + (end - start) * t


def mixed(t: Tensor) -> Tensor:
    """The share of noise in flow matching."""
    return (1 - t) * 0.05 / 1.05 + t * 12 / 13


FORMULAS: list[tuple[str, Process, Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = [
    ("VE", VarianceExploding(0.05, 12.0), torch.ones_like, lambda t: 0.05 * 240.0**t),
    ("VP", VariancePreserving(0.1, 20.0, 0.05), alpha, lambda t: torch.sqrt(1 - alpha(t).square())),
    ("sub-VP", SubVariancePreserving(0.1, 20.0, 0.05), alpha, lambda t: 1 - alpha(t).square()),
    ("cosine", Cosine(0.05, 12.0), lambda t: angle(t).cos(), lambda t: angle(t).sin()),
    ("flow matching", FlowMatching(0.05, 12.0), lambda t: 1 - mixed(t), mixed),
]


def marginal(process: Process, scale: Callable[[Tensor], Tensor], std: Callable[[Tensor], Tensor]) -> float:
    t = torch.linspace(process.t_min, 1.0, 50, dtype=torch.float64)
    return max(gap(process.scale(t), scale(t)), gap(process.std(t), std(t)))


CLAIMS = [
    Claim(
        "noise",
        f"{name}: mean factor and standard deviation are those of its paper",
        partial(marginal, process, scale, std),
        1e-12,
    )
    for name, process, scale, std in FORMULAS
]
