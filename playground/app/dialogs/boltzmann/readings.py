"""Names of the window's numbers, and their meaning in words."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from playground.app.style.number_formats import THIN_SPACE, format_number
from playground.drawing.boltzmann import probability
from playground.lab.chart import SUPERSCRIPTS

if TYPE_CHECKING:
    from playground.lab.boltzmann.cost import Cost
    from playground.lab.boltzmann.training import Progress

# A gradient below this fraction of the excess NLL means no progress; near the floor both decrease as 1/step.
STUCK = 0.02
CLOSE = 0.05  # nats above the floor

Reading = Callable[["Progress"], str]


def exponential(log: float) -> str:
    """exp(log) in few characters, however large: ``16.0``, ``1.13e+340``.

    >>> exponential(math.log(16)), exponential(783.0)
    ('16.0', '1.13e+340')
    """
    return f"{Decimal(log).exp():.3g}"


def _states(progress: "Progress") -> str:
    units = len(progress.weights)
    return f"2{str(units).translate(SUPERSCRIPTS)} = {2**units:,}".replace(",", THIN_SPACE)


NUMBERS: tuple[tuple[str, str, Reading], ...] = (
    ("states summed", "Number of terms in Z: two to the number of units. Every step sums over all of them.", _states),
    ("Z", "The sum of exp(y'Wy/2) over all states", lambda progress: exponential(progress.log_partition)),
    ("log Z", "Its logarithm, part of the log-likelihood", lambda progress: f"{progress.log_partition:.4f}"),
    (
        "|∇ log Z|",
        "Norm of the gradient of log Z in the weights: the machine's correlations, the expensive part of learning",
        lambda progress: f"{progress.partition_gradient:.4f}",
    ),
    (
        "|∇ NLL|",
        "Norm of the data's correlations minus the machine's: learning ends where they agree",
        lambda progress: format_number(progress.gradient),
    ),
    ("NLL", "Negative log-likelihood of a pattern, in nats", lambda progress: f"{progress.nll:.4f}"),
    (
        "optimal NLL",
        "The entropy of the patterns together with their negatives: without biases y and −y are equally probable",
        lambda progress: f"{progress.least:.4f}",
    ),
    ("above the optimum", "NLL minus optimal NLL, in nats", lambda progress: format_number(max(progress.excess, 0.0))),
)


def verdict(progress: "Progress") -> str:
    """The meaning of the numbers together, in one or two sentences."""
    if progress.step == 0:
        return "W = 0: all states are equally probable, and Z is their number."
    excess, gradient = max(progress.excess, 0.0), progress.gradient
    lost = progress.least - progress.entropy
    above = f"{format_number(excess)} nat above the optimum"
    if excess > 1e-6 and gradient < STUCK * excess:
        said = (
            f"The correlations of all pairs agree. The remaining {format_number(excess)} nat cannot be reached with "
            "weights between pairs."
        )
    elif excess < CLOSE:
        said = f"{above}, which is reached only as W grows without bound."
    else:
        said = f"{above}; the correlations still differ by {format_number(gradient)}."
    if lost > 1e-9:
        said += f" The optimal NLL is {lost:.2f} nat above the entropy of the patterns: y and −y are always equally probable."
    return said


def pattern_words(pattern: np.ndarray) -> str:
    """A picture in words: which pixels of each row are on."""
    rows = ("".join("■" if pixel > 0 else "□" for pixel in row) for row in pattern)
    return " / ".join(rows)


def pattern_sentence(pattern: np.ndarray, progress: "Progress | None") -> str:
    """The weight of the drawn pattern divided by Z, and its probability."""
    y = pattern.reshape(-1).astype(float)
    if progress is None or len(progress.weights) != len(y):
        return "Click pixels to draw."
    log_weight = 0.5 * float(y @ progress.weights @ y)
    chance = math.exp(min(log_weight - progress.log_partition, 0.0))
    return f"exp(y'Wy/2)  {exponential(log_weight)}\nover Z  {exponential(progress.log_partition)}\np(y)  {probability(chance)}"


def cost_sentence(cost: "Cost") -> str:
    """The growth of Z's time, and its consequence for an image, in words."""
    years = cost.years()
    if years is None:
        return f"Z of {cost.units[-1]} units: {format_number(1e3 * float(cost.partition[-1]))} ms"
    said = "Doubling with each unit as the states do, Z of an 8×8 digit would take {} years, at every step."
    return said.format(format_number(float(f"{years:.1e}")))


def cost_description(cost: "Cost") -> str:
    """The measured times of the largest machine, and their growth, in words."""
    partition, weight = (format_number(float(times[-1])) for times in (cost.partition, cost.weight))
    said = (
        f"{partition} seconds for Z and its gradient of {cost.units[-1]} units, {weight} for the weight of one state."
    )
    growth = cost.growth()
    if growth is not None:
        said += f" Each further unit took {growth[0]:.2f} times as long; the dashed line doubles."
    return said
