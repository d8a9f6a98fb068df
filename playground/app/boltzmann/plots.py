"""The two curves of the window: learning, and what Z costs."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.app.charts.painted import TICK_PIXELS, PaintedChart
from playground.app.numbers import shown
from playground.drawing.boltzmann import cost_chart, curve_chart
from playground.drawing.charts import Axis, Curve, inner, paint_chart, places


class Plot(PaintedChart):
    """Curves over two axes; the point nearest to the pointer is read out."""

    def __init__(self, height: int, name: str, parent: QWidget | None = None) -> None:
        super().__init__(height, parent)
        self.setMaximumHeight(16777215)
        self.setMinimumHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._chart: tuple[list[Curve], Axis, Axis] | None = None
        self._empty = ""
        self.setAccessibleName(name)

    def set_empty(self, sentence: str) -> None:
        """What stands here while there are no curves."""
        self._chart, self._empty = None, sentence
        self.setAccessibleDescription(sentence)
        self.update()

    def plot(self) -> QRectF:
        box = QRectF(self.rect()).adjusted(0, 2, 0, -2)
        return box if self._chart is None else inner(box, self._chart[2], TICK_PIXELS)

    def draw(self, painter: QPainter, plot: QRectF) -> None:
        if self._chart is None:
            self.sentence(painter, self._empty)
            return
        curves, x, y = self._chart
        paint_chart(painter, QRectF(self.rect()).adjusted(0, 2, 0, -2), curves, x, y, self.tokens, TICK_PIXELS)
        if self.pointer is None or not plot.contains(self.pointer):
            return
        curve, at, number = self._nearest(curves, plot, x, y)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.tokens.color(curve.color))
        painter.drawEllipse(at, 4, 4)
        text = self.reading(float(curve.x[number]), float(curve.y[number]))
        self.words(painter, text, QPointF(at.x(), max(at.y() - 14, plot.top() + 6)), "text", plate=True)

    def reading(self, x: float, y: float) -> str:
        """What is said about a point."""
        raise NotImplementedError

    def _nearest(self, curves: list[Curve], plot: QRectF, x: Axis, y: Axis) -> tuple[Curve, QPointF, int]:
        assert self.pointer is not None
        pointer = np.array(self.pointer.toTuple())
        found = []
        for curve in curves:
            if not curve.dashed:
                there = places(plot, curve, x, y)
                distance = np.linalg.norm((there - pointer) * (1.0, 0.3), axis=1)
                found.append((float(distance.min()), curve, there, int(distance.argmin())))
        _, curve, there, number = min(found, key=lambda one: one[0])
        return curve, QPointF(*there[number].tolist()), number


class LearningCurve(Plot):
    """NLL of a pattern against steps, with the floor that no machine without biases can fall below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(140, "Learning curve", parent)

    def show_curve(self, steps: np.ndarray, nlls: np.ndarray, least: float, most_steps: int) -> None:
        """Show (C,) steps and their NLLs, of `most_steps` wanted."""
        self._chart = curve_chart(steps, nlls, least, max(most_steps, int(steps[-1]) + 1))
        self.setAccessibleDescription(f"{nlls[-1]:.4g} nat after {int(steps[-1])} steps, floor {least:.4g}.")
        self.update()

    def reading(self, x: float, y: float) -> str:
        return f"{shown(y, 4)} nat at step {int(x) - 1}"


class CostPlot(Plot):
    """Seconds for Z, on a logarithmic axis, against the number of units."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(110, "Cost of Z", parent)

    def show_cost(
        self, units: np.ndarray, partition: np.ndarray, weight: np.ndarray, growth: tuple[float, float] | None
    ) -> None:
        """See :func:`playground.drawing.boltzmann.cost_chart`."""
        self._chart = cost_chart(units, partition, weight, growth)
        more = "" if growth is None else f" Each unit more took {growth[0]:.2f} times as long; the dashed line doubles."
        self.setAccessibleDescription(
            f"{shown(float(partition[-1]))} seconds for Z and its gradient of {int(units[-1])} units, "
            f"{shown(float(weight[-1]))} for the weight of one state.{more}"
        )
        self.update()

    def reading(self, x: float, y: float) -> str:
        unit, name = (1e3, "ms") if y >= 1e-3 else (1e6, "µs")
        return f"{round(x)} units: {shown(unit * y)} {name}"
