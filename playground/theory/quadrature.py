"""Integrals along the solution of an ODE, computed step by step with error estimates. The solution does not depend on them.

The Lobatto rule of order 6 has four nodes: the two ends of a step, which steps share, and two points between. So it needs three
evaluations of the integrand per step. As further components of the ODE the integrals would take five.
"""

import math

import torch
from torch import Tensor

INNER = (0.5 - math.sqrt(0.05), 0.5 + math.sqrt(0.05))
"""The inner nodes, as fractions of a step."""

# These factors were measured on log-densities of networks: x and the rule then contribute equally to the worst errors. A row's
# first step, whose length is a guess, has a ten times stricter factor.
_RULE, _FIRST_RULE = 0.012, 0.12


def lobatto(
    step: Tensor,
    values: tuple[Tensor, Tensor, Tensor, Tensor],
    before: Tensor,
    allowance: Tensor,
    tolerance: float,
    first: Tensor,
) -> tuple[Tensor, Tensor]:
    """Integrals at the end of a step, (N, K), and each row's largest error relative to the allowed error, (N,).

    The Legendre coefficients of degree 2 and 3 of the cubic through the four values fall like h^3 and h^4, and the rule's error
    falls like h^7. So the error is estimated by the coefficients' powers 7/3 and 7/4. Its power 5/7 falls like h^5, as the error
    of x does. Both coefficients are used, as one of them is zero if the integrand is even or odd about the middle of the step.

    Args:
        step: the signed step, (N, 1).
        values: the integrand at the start of the step, at both of `INNER` and at its end, (N, K) each.
        before: the integrals at the start of the step, (N, K).
        allowance: an error that does not matter, (N, K).
        tolerance: the allowed error of x in a step, relative to 1 + |x|.
        first: whether it is the row's first step, (N,).
    """
    a, b, c, d = values
    after = before + step * (a + 5 * (b + c) + d) / 12
    size = 1 + torch.maximum(before.abs(), after.abs()) + allowance / tolerance
    even, odd = step * (a - b - c + d) * 5 / 12, step * (d - a - math.sqrt(5) * (c - b)) / 4
    error = torch.maximum((even / size).abs().pow(5 / 3), (odd / size).abs().pow(5 / 4))
    allowed = tolerance / torch.where(first, _FIRST_RULE, _RULE).to(step)
    return after, error.amax(dim=1) * allowed.pow(-5 / 7)
