"""Mean factor and standard deviation of the processes, from the formulas of their papers.

An audit asks whether the parts of a process fit together, which a wrong schedule may do too.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from playground.lab.audit.deviations import gap
from playground.lab.audit.stated import claim
from playground.theory import noise

LOW, HIGH = 0.05, 12.0
ANGLES = math.atan(LOW), math.atan(HIGH)


def alpha(t: Tensor) -> Tensor:
    """The mean factor of VP and sub-VP."""
    return torch.exp(-0.25 * t.square() * (20.0 - 0.1) - 0.5 * t * 0.1)


def angle(t: Tensor) -> Tensor:
    """The steady angle of the cosine schedule."""
    return ANGLES[0] + (ANGLES[1] - ANGLES[0]) * t


def mixed(t: Tensor) -> Tensor:
    """The share of noise in flow matching."""
    return (1 - t) * LOW / (1 + LOW) + t * HIGH / (1 + HIGH)


Schedule = Callable[[Tensor], Tensor]
FORMULAS: dict[str, tuple[noise.Process, Schedule, Schedule]] = {
    "VE": (noise.VarianceExploding(LOW, HIGH), torch.ones_like, lambda t: LOW * (HIGH / LOW) ** t),
    "VP": (noise.VariancePreserving(0.1, 20.0, LOW), alpha, lambda t: torch.sqrt(1 - alpha(t).square())),
    "sub-VP": (noise.SubVariancePreserving(0.1, 20.0, LOW), alpha, lambda t: 1 - alpha(t).square()),
    "cosine": (noise.Cosine(LOW, HIGH), lambda t: angle(t).cos(), lambda t: angle(t).sin()),
    "flow matching": (noise.FlowMatching(LOW, HIGH), lambda t: 1 - mixed(t), mixed),
}


@claim("noise", "{}: mean factor and standard deviation are those of its paper", 1e-12, each=FORMULAS)
def marginal(name: str) -> float:
    process, scale, std = FORMULAS[name]
    t = torch.linspace(process.t_min, 1.0, 50, dtype=torch.float64)
    return max(gap(process.scale(t), scale(t)), gap(process.std(t), std(t)))
