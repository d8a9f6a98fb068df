"""The axes of a chart: as they were given, or linear or logarithmic as the user chose."""

from collections.abc import Sequence

import numpy as np

from playground.app.widgets.charts.series import Series
from playground.drawing.charts import Axis, axis_around


class Scales:
    """The x axis (0) and the y axis (1).

    Attributes:
        given: both, as they were given; None before anything was shown.
    """

    def __init__(self) -> None:
        self.given: tuple[Axis, Axis] | None = None
        self._log: dict[int, bool] = {}  # as the user chose

    def give(self, x: Axis, y: Axis) -> None:
        self.given = x, y

    def choose(self, side: int, log: bool) -> None:
        """Make an axis logarithmic or linear, whatever is given."""
        self._log[side] = log

    def axis(self, side: int, series: Sequence[Series]) -> Axis:
        """An axis as it was given or, if the user chose the other scale, around the shown values."""
        assert self.given is not None
        given, log = self.given[side], self._log.get(side)
        if log is None or log == given.log or not self.can_be_log(side, series):
            return given
        return axis_around([(one.x, one.y)[side] for one in series], given.name, log)

    @staticmethod
    def can_be_log(side: int, series: Sequence[Series]) -> bool:
        """Whether an axis can be logarithmic with the shown values."""
        values = np.concatenate([(one.x, one.y)[side] for one in series])
        return bool(len(values) and np.nanmin(values) >= 0 and np.nanmax(values) > 0)
