r"""The largest curvature of a score, and the steps of Langevin dynamics that are stable with it.

Along a Gaussian direction of curvature L, the chain x <- x + eps s(x) + sqrt(2 eps) z multiplies the distance from the mean by
1 - eps L in every step. It is stable for eps < 2/L, and diverges for larger steps. It mixes fastest at half that step, 1/L.
Source: Roberts & Tweedie 1996, section 1.4; for Euler's method Hairer & Wanner 1996, section IV.2.
"""

import math

import torch
from torch import Tensor

from playground.theory.draws import normal
from playground.theory.noise import ScoreFunction

ITERATIONS = 12
"""Iterations of the power method. If the largest curvature is twice the next, its relative error is then 1e-7. If many are
similar, the estimate is near them after a few iterations."""

MARGIN = 1.02
"""The factor by which a step may exceed 2/L before it is called unstable, as the estimated curvature is a lower bound."""


def largest_curvature(score: ScoreFunction, x: Tensor, sigma: float, generator: torch.Generator) -> float:
    r"""The largest eigenvalue L of minus the score's Jacobian at any of the points; 0 if none is positive.

    It is found by the power method with finite differences, so it works for any score: a network, a mixture, a guided one. The
    Jacobian of a true score is symmetric. For a learned score that is not symmetric, the Rayleigh quotient still measures how
    fast a step grows.

    Args:
        x: the points, (N, \*shape).
        sigma: the noise level.
        generator: draws the first directions.
    """
    level = x.new_tensor(sigma)
    direction = normal(x, generator)
    length = math.sqrt(torch.finfo(x.dtype).eps) * (1 + float(x.abs().amax()))
    length = min(length, sigma / 10) if sigma > 0 else length  # the density is smooth on the scale of sigma
    curvature = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    with torch.no_grad():
        for _ in range(ITERATIONS):
            direction = direction / _norms(direction)
            step = length * direction
            change = (score(x + step, level) - score(x - step, level)) / (2 * length)
            curvature = -(direction * change).flatten(1).sum(1)
            direction = torch.where(_norms(change) > 0, -change, direction)
    return max(0.0, float(curvature.amax()))


def _norms(x: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(x.flatten(1), dim=1)
    return lengths.clamp(min=torch.finfo(x.dtype).tiny).reshape(-1, *[1] * (x.ndim - 1))


def largest_step(curvature: float) -> float:
    """2/L, the largest stable step of Langevin dynamics; infinite without curvature."""
    return 2 / curvature if curvature > 0 else math.inf
