"""The content of a chart: plain arrays, independent of pyqtgraph."""

from dataclasses import dataclass

import numpy as np

from playground.drawing.charts import Curve


@dataclass(frozen=True, eq=False)
class Series:
    """Points (N,) with one meaning, x ascending.

    Args:
        name: the name in files and under the pointer.
        color: a token of the palette.
        kind: "line", "dashed" (not measured), "points" (joined by a line) or "bars".
        legend: the text above the chart; None takes the name, "" shows none.
        error: (N,) standard errors of y, drawn as a band; NaN is none. A floor has those of a measurement.
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

    @classmethod
    def of_curve(cls, curve: Curve, name: str, legend: str | None = None) -> "Series":
        """What a painted curve shows."""
        kind = "dashed" if curve.dashed else "points" if curve.points else "line"
        return cls(name, curve.x, curve.y, curve.color, kind, legend, curve.width, error=curve.error)

    def looks_like(self, other: "Series | None") -> bool:
        """Whether it is drawn like the other series."""
        return other is not None and all(
            np.array_equal(one, another) if isinstance(one, np.ndarray) else one == another
            for one, another in zip(vars(self).values(), vars(other).values(), strict=True)
        )
