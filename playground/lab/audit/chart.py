"""The charts of an audit: lines of the kind that is audited and of others, in colours that tell them apart."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from playground.lab.chart import Chart, Series

Values = Sequence[float] | Tensor
COLORS = {"own": ("learned", "particles", "likelihood", "data"), "other": ("muted", "data", "error")}
FEW = 20  # points of which each is marked


def line(
    name: str,
    x: Values,
    y: Values,
    own: bool = True,
    dashed: bool = False,
    error: Values | None = None,
) -> Series:
    """A line of any numbers, which :func:`chart` colours.

    Args:
        own: whether it is of the kind that is audited, and not of one to compare it with.
        dashed: whether it was not measured: a bound, or a closed form.
        error: the standard errors of y, if it has any.
    """
    kind = "dashed" if dashed else "points" if len(x) < FEW else "line"
    spread = None if error is None else np.asarray(error, float)
    return Series(name, np.asarray(x, float), np.asarray(y, float), "own" if own else "other", kind, error=spread)


def chart(title: str, x: str, y: str, lines: Sequence[Series], log_x: bool = False, log_y: bool = False) -> Chart:
    """The chart of lines over two axes of these names. The kind's own are painted last."""
    left = {whose: iter(2 * colors) for whose, colors in COLORS.items()}
    made = [
        dataclasses.replace(one, color="exact" if one.kind == "dashed" else next(left[one.color]))
        for one in sorted(lines, key=lambda one: one.color == "own")
    ]
    return Chart.around(title, (x, y), made, (log_x, log_y))
