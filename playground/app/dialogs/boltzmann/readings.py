"""Names of the window's numbers, and their meaning in words."""

import math
from collections.abc import Callable
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
DIGITS = 64  # pixels of the program's smallest digits
TIMES = ((365.25 * 86_400, "years"), (86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))

Reading = Callable[["Progress"], str]


def exponential(log: float) -> str:
    """exp(log) in few characters, however large: ``16``, ``7.03e9``, ``1.2e340``.

    >>> exponential(math.log(16)), exponential(783.0)
    ('16', '1.1e340')
    """
    if abs(log) < 600:
        return format_number(float(f"{math.exp(log):.3g}"))
    power = math.floor(log / math.log(10))
    return f"{math.exp(log - power * math.log(10)):.2g}e{power}"


def small(value: float) -> str:
    """Three digits, with a power of ten only if the number is too small to be seen on a curve.

    >>> small(0.00583), small(1.2e-7)
    ('0.00583', '1.2e-7')
    """
    return f"{value:.3g}".replace("e-0", "e-")


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
        lambda progress: small(progress.gradient),
    ),
    ("NLL", "Negative log-likelihood of a pattern, in nats", lambda progress: f"{progress.nll:.4f}"),
    (
        "optimal NLL",
        "The entropy of the patterns together with their negatives: without biases y and −y are equally probable",
        lambda progress: f"{progress.least:.4f}",
    ),
    ("above the optimum", "NLL minus optimal NLL, in nats", lambda progress: small(max(progress.excess, 0.0))),
)


def verdict(progress: "Progress") -> str:
    """The meaning of the numbers together, in one or two sentences."""
    if progress.step == 0:
        return "W = 0: all states are equally probable, and Z is their number."
    excess = max(progress.excess, 0.0)
    lost = progress.least - progress.entropy
    negatives = (
        f" The optimal NLL is {lost:.2f} nat above the entropy of the patterns: y and −y are always equally probable."
        if lost > 1e-9
        else ""
    )
    if excess > 1e-6 and progress.gradient < STUCK * excess:
        return (
            f"The correlations of all pairs agree. The remaining {small(excess)} nat cannot be reached with "
            f"weights between pairs.{negatives}"
        )
    if excess < CLOSE:
        return f"{small(excess)} nat above the optimum, which is reached only as W grows without bound.{negatives}"
    return (
        f"{small(excess)} nat above the optimum; the correlations still differ by "
        f"{small(progress.gradient)}.{negatives}"
    )


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


def duration(seconds: float) -> str:
    """A time of any length in words: ``3 700 years``, ``12 minutes``.

    >>> duration(720.0)
    '12 minutes'
    """
    size, name = next(((size, name) for size, name in TIMES if seconds >= 2 * size), TIMES[-1])
    return f"{format_number(float(f'{seconds / size:.2g}'))} {name}"


def cost_sentence(cost: "Cost") -> str:
    """The growth of Z's time, and its consequence for an image, in words."""
    seconds = cost.extrapolated(DIGITS)
    if seconds is None:
        return f"Z of {cost.units[-1]} units: {format_number(1e3 * float(cost.partition[-1]))} ms"
    return f"Doubling with each unit as the states do, Z of an 8×8 digit would take {duration(seconds)}, at every step."
