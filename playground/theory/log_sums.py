"""Logarithms of sums of exponentials."""

import torch
from torch import Tensor

NEGLIGIBLE = 80.0  # nats below the largest term: e^-80 of it is lost in every sum


def log_sum_exp(terms: Tensor) -> Tensor:
    """Log of the sum of exp over the columns of (N, K), (N,).

    Terms that add nothing are raised: exp of less than -87 is no normal number of single precision, and takes ten times as long.
    """
    return torch.maximum(terms, terms.amax(1, keepdim=True) - NEGLIGIBLE).logsumexp(1)
