"""What a chart shows: plain arrays, known without pyqtgraph."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Series:
    """Points (N,) of one meaning, x ascending.

    Args:
        name: in files, and under the pointer.
        color: a token of the palette.
        kind: "line", "dashed", which was not measured, "points", which are joined by a line, or "bars".
        legend: what stands above the chart; the name where it is None, nothing where it is "".
        error: (N,) standard errors of y, drawn as a band; NaN counts as none. Of a floor, those of a measurement there.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    color: str
    kind: str = "line"
    legend: str | None = None
    width: float = 2.0
    alpha: float = 1.0
    error: np.ndarray | None = None

    def looks_like(self, other: "Series | None") -> bool:
        """Whether it would be drawn as the other is."""
        return other is not None and all(
            np.array_equal(one, another) if isinstance(one, np.ndarray) else one == another
            for one, another in zip(vars(self).values(), vars(other).values(), strict=True)
        )
