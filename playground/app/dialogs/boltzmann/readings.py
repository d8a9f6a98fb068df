"""A machine's numbers as text, and their meaning in words."""

import math
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from playground.app.style.figure_words import number_in_words
from playground.app.style.number_formats import format_count, format_number
from playground.drawing.boltzmann import probability
from playground.lab.boltzmann.figures import FIGURES
from playground.lab.chart import SUPERSCRIPTS

if TYPE_CHECKING:
    from playground.lab.boltzmann.training import Progress

# A gradient below this fraction of the excess NLL means no progress; near the floor both decrease as 1/step.
STUCK = 0.02
CLOSE = 0.05  # nats above the floor


def figure_text(key: str, progress: "Progress") -> str:
    """A figure of :data:`FIGURES`; Z in few characters, however large: ``1.13e+340``."""
    value = getattr(progress, key)
    if key == "states":
        return f"2{str(progress.units).translate(SUPERSCRIPTS)} = {format_count(value)}"
    if isinstance(value, Decimal):
        return f"{value:.3g}"
    return number_in_words(FIGURES[key], max(value, 0.0))  # none is below 0, but by rounding


def verdict(progress: "Progress") -> str:
    """The meaning of the numbers together, in one or two sentences."""
    if progress.step == 0:
        return "W = 0: all states are equally probable, and Z is their number."
    excess, gradient = max(progress.nll_excess, 0.0), progress.nll_gradient
    lost = progress.optimal_nll - progress.entropy
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


def pattern_sentence(pattern: np.ndarray, progress: "Progress | None") -> str:
    """The weight of the drawn pattern divided by Z, and its probability."""
    y = pattern.reshape(-1).astype(float)
    if progress is None or progress.units != len(y):
        return "Click pixels to draw."
    log_weight = 0.5 * float(y @ progress.weights @ y)
    chance = math.exp(min(log_weight - progress.log_partition, 0.0))
    return (
        f"exp(y'Wy/2)  {Decimal(log_weight).exp():.3g}\nover Z  {progress.partition:.3g}\np(y)  {probability(chance)}"
    )
