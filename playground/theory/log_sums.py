"""Logarithms of sums of exponentials."""

import torch
from torch import Tensor

NEGLIGIBLE = 80.0  # nats below the largest term; e^-80 is below the rounding error of every sum


def log_sum_exp(terms: Tensor) -> Tensor:
    """The logarithm of the sum of exp(terms) over the columns of (N, K), (N,).

    Negligible terms are raised to a bound. In single precision exp of less than -87 is subnormal, and takes ten times as long.
    """
    return torch.maximum(terms, terms.amax(1, keepdim=True) - NEGLIGIBLE).logsumexp(1)
