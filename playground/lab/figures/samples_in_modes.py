"""The effective number of modes: how many modes of equal weight would have the entropy of the samples' weights."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from playground.lab.figures.spec import MEASURED, FigureSpec, Measured

if TYPE_CHECKING:
    import numpy as np


def _number(weights: Sequence[float], count: int) -> tuple[float, float, float]:
    """exp H of the weights of `count` draws, and the two parts of the variance of H (Harris 1975)."""
    logs = [math.log(weight) if weight else 0.0 for weight in weights]
    entropy = -sum(weight * log for weight, log in zip(weights, logs, strict=True))
    spread = sum(weight * log**2 for weight, log in zip(weights, logs, strict=True)) - entropy**2
    return math.exp(entropy), max(spread, 0.0) / count, (len(weights) - 1) / (2 * count**2)


def _measure(samples: "np.ndarray | None", found: Mapping[str, Measured]) -> Measured:
    weights = found["mode_weights"]
    if weights.value is None or samples is None:
        return Measured(None, reason=weights.reason)
    number, first, second = _number(weights.value, len(samples))
    error = number * math.sqrt(max(first - second, second))  # the first part of weights that are counted is too large
    if weights.floor is None:
        return Measured(number, error)
    true, first, second = _number(weights.floor, len(samples))
    floor = true * math.exp(-second * len(samples))  # so few draws have a bias (Miller 1955)
    return Measured(number, error, floor, true * math.sqrt(first + second))


PART = "Distances"
FIGURES = {
    "effective_modes": FigureSpec(
        "effective number of modes",
        "How many modes of equal weight would have the entropy of the samples' mode weights. A sampler that misses modes has "
        "fewer. The floor is that of a perfect sampler with as many points.",
        r"e^{-\sum_k w_k \ln w_k}",
        short="modes",
        unit="count",
        floor=MEASURED,
        decimals=2,
        card="samples",
        needs=("modes",),
        of_runs=True,
        measure=_measure,
        page={
            "Formula": "exp(-Σ w_k ln w_k), w_k the fraction of the samples nearest to mode k of the known density.",
            "Error": "exp(H) √max(a - b, b), a = (Σ w_k ln² w_k - H²)/N, b = (K - 1)/(2N²), for N samples and K modes.",
            "Floor": "the same of the true weights, times exp(-(K - 1)/(2N)), the bias of so few draws; `floor_std` "
            "is its standard deviation, √(a + b) of it.",
            "Source": "Hill 1973, number of order 1; Miller 1955; Harris 1975.",
        },
    )
}
