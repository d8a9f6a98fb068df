"""What an audit's picture shows, as plain arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Line:
    """Points (N,) joined by a line.

    Attributes:
        label: its name.
        own: whether it is of the kind that is audited, and not of one to compare it with.
        dashed: whether it was not measured: a bound, or a closed form.
        error: the standard errors of y, (N,), if it has any.
    """

    label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    own: bool = True
    dashed: bool = False
    error: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Chart:
    """Lines over two axes.

    Attributes:
        title: what it shows.
        x, y: the names of the axes, with their units.
        log_x, log_y: whether an axis is logarithmic; then its values are above 0.
    """

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    log_x: bool = False
    log_y: bool = False


def line(
    label: str,
    x: Sequence[float],
    y: Sequence[float],
    own: bool = True,
    dashed: bool = False,
    error: Sequence[float] | None = None,
) -> Line:
    """A line of any numbers."""
    spread = None if error is None else np.asarray(error, float)
    return Line(label, np.asarray(x, float), np.asarray(y, float), own, dashed, spread)
