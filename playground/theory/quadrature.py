"""Integrals along the solution of an ODE, on which it does not depend, step by step with their errors.

Lobatto's rule of order 6 has the two ends of a step, which steps share, and two points between for nodes: three values of what
is integrated a step, where as further numbers of the solution they would take five.
"""

import math

import torch
from torch import Tensor

INNER = (0.5 - math.sqrt(0.05), 0.5 + math.sqrt(0.05))
"""The nodes between the ends, in parts of a step."""

# By the rule's factors, measured on log-densities of networks, x and the rule have equal parts in the worst errors; a row's first
# step, whose length is a guess, is judged ten times as hard.
_RULE, _FIRST_RULE = 0.012, 0.12


def lobatto(
    step: Tensor,
    values: tuple[Tensor, Tensor, Tensor, Tensor],
    before: Tensor,
    allowance: Tensor,
    tolerance: float,
    first: Tensor,
) -> tuple[Tensor, Tensor]:
    """Integrals at the end of a step, (N, K), and the largest error among each row's in shares of what is allowed, (N,).

    Legendre's coefficients of degree 2 and 3 of the cubic through the four values fall with h^3 and h^4 and the rule's own
    error with h^7, so with their powers 7/3 and 7/4; to the power 5/7 it stands beside that of an x of order 5. Both, because
    one is zero where the integrand is even or odd about the middle of a step.

    Args:
        step: (N, 1), with its sign.
        values: of what is integrated at the start of the step, at both of `INNER` and at its end, (N, K) each.
        before: (N, K) the integrals at its start.
        allowance: (N, K) an error that does not matter.
        tolerance: the error that x may make in a step, over 1 + |x|.
        first: (N,) whether it is the row's first step.
    """
    a, b, c, d = values
    after = before + step * (a + 5 * (b + c) + d) / 12
    size = 1 + torch.maximum(before.abs(), after.abs()) + allowance / tolerance
    even, odd = step * (a - b - c + d) * 5 / 12, step * (d - a - math.sqrt(5) * (c - b)) / 4
    error = torch.maximum((even / size).abs().pow(5 / 3), (odd / size).abs().pow(5 / 4))
    allowed = tolerance / torch.where(first, _FIRST_RULE, _RULE).to(step)
    return after, error.amax(dim=1) * allowed.pow(-5 / 7)
