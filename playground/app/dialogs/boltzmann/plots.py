"""The two curves of the window: learning, and the cost of Z."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy

from playground.app.style.number_formats import format_number
from playground.app.style.text_size import px
from playground.app.widgets.charts.chart import Chart
from playground.app.widgets.charts.series import Series
from playground.drawing.boltzmann import cost_chart, curve_chart
from playground.drawing.charts import Curve

WIDE = 380  # px of the usual text, width in which all entries fit in one line
ABOUT_LEARNING = "<p>Mean negative log-likelihood of a pattern during training. Dashed: the optimal one of a machine without biases.</p>"
ABOUT_COST = "<p>Time of Z and its gradient on this machine, and of the weight of one state. Dashed: a doubling with each unit.</p>"


class TallChart(Chart):
    """A chart that uses all of its height."""

    def __init__(self, name: str, about: str, height: int) -> None:
        super().__init__(name, about, height, lines=2)
        self.setMaximumHeight(16777215)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._set_lines()
        super().resizeEvent(event)

    def apply_text_size(self) -> None:
        self._set_lines()
        super().apply_text_size()

    def _set_lines(self) -> None:
        self._lines = 1 if self.width() >= px(WIDE) else 2


class LearningCurve(TallChart):
    """NLL of a pattern against steps, with the optimal one of a machine without biases."""

    def __init__(self) -> None:
        super().__init__("Learning curve", ABOUT_LEARNING, 140)

    def show_curve(self, steps: np.ndarray, nlls: np.ndarray, least: float, most_steps: int) -> None:
        """Show (C,) steps and their NLLs, of `most_steps` requested steps."""
        curves, x, y = curve_chart(steps, nlls, least, max(most_steps, int(steps[-1]) + 1))
        said = f"{nlls[-1]:.4g} nat after {int(steps[-1])} steps, optimal {least:.4g}."
        self.show_series(_series(curves, ("optimal", "NLL")), x, y, said)

    def say_x(self, value: float) -> str:
        return f"step {round(value) - 1}"

    def say_y(self, value: float, error: float = 0.0) -> str:
        return f"{format_number(value, 4)} nat"


class CostPlot(TallChart):
    """Seconds for Z, on a logarithmic axis, against the number of units."""

    def __init__(self) -> None:
        super().__init__("Cost of Z", ABOUT_COST, 124)

    def show_cost(
        self, units: np.ndarray, partition: np.ndarray, weight: np.ndarray, growth: tuple[float, float] | None
    ) -> None:
        """See :func:`playground.drawing.boltzmann.cost_chart`."""
        curves, x, y = cost_chart(units, partition, weight, growth)
        more = (
            "" if growth is None else f" Each further unit took {growth[0]:.2f} times as long; the dashed line doubles."
        )
        said = (
            f"{format_number(float(partition[-1]))} seconds for Z and its gradient of {int(units[-1])} units, "
            f"{format_number(float(weight[-1]))} for the weight of one state.{more}"
        )
        self.show_series(_series(curves, ("one state", "Z", "doubling")), x, y, said)

    def say_x(self, value: float) -> str:
        return f"{round(value)} units"

    def say_y(self, value: float, error: float = 0.0) -> str:
        unit, name = (1e3, "ms") if value >= 1e-3 else (1e6, "µs")
        return f"{format_number(unit * value)} {name}"


def _series(curves: Sequence[Curve], names: Sequence[str]) -> list[Series]:
    return [
        Series.of_curve(curve, name, curve.label if curve.dashed or curve.label else None)
        for curve, name in zip(curves, names, strict=False)
    ]
