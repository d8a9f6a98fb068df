"""Slopes for monotone cubic interpolation. It uses plain numbers, as the window needs it without torch."""

from collections.abc import Sequence
from itertools import pairwise


def rising_slopes(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """The slope at each of the points (x, y), both rising, of a cubic interpolant that rises everywhere.

    At inner points it is the weighted harmonic mean of the two secants (Fritsch and Butland 1984). That is never above three
    times the smaller secant, as monotonicity requires. At the ends it is the secant, so no slope is 0.
    """
    widths = [after - before for before, after in pairwise(x)]
    secants = [(after - before) / width for (before, after), width in zip(pairwise(y), widths, strict=True)]
    inner = [
        3 * (left + right) / ((2 * right + left) / below + (right + 2 * left) / above)
        for (left, right), (below, above) in zip(pairwise(widths), pairwise(secants), strict=True)
    ]
    return [secants[0], *inner, secants[-1]]
