"""The samples' marginal density along one axis, over that of the data and, where it is known, the exact one."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from playground.app import theme
from playground.app.charts.painted import PaintedChart
from playground.app.numbers import coordinate

BINS = 28


class MarginalHistogram(PaintedChart):
    """Data as bars, samples as a line over the same bins, a known density as a thin curve."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(112, parent)
        self._edges = np.zeros(0)
        self._data: np.ndarray | None = None
        self._samples: np.ndarray | None = None
        self._below: np.ndarray | None = None
        self._axis = ""
        self.setAccessibleName("Samples against data")
        self.setAccessibleDescription("No data yet.")

    def show_data(self, values: np.ndarray, axis: str, below: np.ndarray | None = None) -> None:
        """Show (N,) coordinates of the data along an axis; the samples go until new ones come.

        Args:
            below: (2, P) evenly rising places and the mass of a known density below each; None where none is known.
        """
        values = np.asarray(values, float)
        self._axis, self._samples, self._below = axis, None, below
        if len(values):
            low, high = np.quantile(values, (0.001, 0.999))
            margin = 0.08 * (high - low) or 0.5
            self._edges = np.linspace(low - margin, high + margin, BINS + 1)
            self._data = self._share(values)
        else:
            self._edges, self._data = np.zeros(0), None
        self._describe()
        self.update()

    def show_samples(self, values: np.ndarray | None) -> None:
        """Show (N,) coordinates of the particles."""
        if self._data is None:
            return
        shares = None if values is None or not len(values) else self._share(np.asarray(values, float))
        if shares is None and self._samples is None:
            return
        if shares is not None and self._samples is not None and np.array_equal(shares, self._samples):
            return
        self._samples = shares
        self._describe()
        self.update()

    def overlap(self) -> float | None:
        """The area that samples and data share, 1 where they agree in every bin."""
        if self._data is None or self._samples is None:
            return None
        return float(np.minimum(self._data, self._samples).sum())

    def exact(self) -> np.ndarray | None:
        """(BINS,) the share of a known density in each bin; None where none is known."""
        if self._below is None or self._data is None:
            return None
        return np.diff(np.interp(self._edges, *self._below))

    def plot(self) -> QRectF:
        return QRectF(1, 6, self.width() - 2, self.height() - 6 - 18)

    def draw(self, painter: QPainter, plot: QRectF) -> None:
        if self._data is None:
            self.sentence(painter, "The data appear here, and the particles over them.")
            return
        # Scaled to the data: particles that all sit in one bin would squash them.
        top = 1.25 * self._data.max()
        width = plot.width() / BINS
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.tokens.color("data", 0.55))
        painter.drawRects(
            [
                QRectF(plot.left() + index * width + 0.5, plot.bottom() - height, max(width - 1, 1), height)
                for index, height in enumerate((self._data / top * plot.height()).tolist())
            ]
        )
        painter.setPen(QPen(self.tokens.color("border"), 1))
        painter.drawLine(QPointF(plot.left(), plot.bottom() + 0.5), QPointF(plot.right(), plot.bottom() + 0.5))
        if self._below is not None:
            # A share is that of a bin: the curve is as high as the bar of a bin throughout which it were constant. It is the mean
            # density between two places, for the height at them alone would miss a peak that is thinner, or make far too much of it.
            places, mass = self._below
            bin_width = self._edges[1] - self._edges[0]
            density = np.diff(mass) / np.diff(places)
            middles = plot.left() + ((places[1:] + places[:-1]) / 2 - self._edges[0]) / bin_width * width
            tops = plot.bottom() - density * bin_width / top * plot.height()
            painter.save()
            painter.setClipRect(plot)
            painter.setPen(theme.round_pen(self.tokens.color("exact"), 1.5))
            painter.drawPolyline(
                QPolygonF([QPointF(x, y) for x, y in zip(middles.tolist(), tops.tolist(), strict=True)])
            )
            painter.restore()
        if self._samples is not None:
            heights = np.minimum(self._samples / top, 1.0) * plot.height()
            line = [
                QPointF(plot.left() + (index + 0.5) * width, plot.bottom() - height)
                for index, height in enumerate(heights.tolist())
            ]
            painter.setPen(theme.round_pen(self.tokens.color("particles"), 2))
            painter.drawPolyline(QPolygonF(line))
        y = plot.bottom() + 10
        low, axis, high = self.captions(painter.fontMetrics())
        self.words(painter, low, QPointF(plot.left(), y), align="left")
        self.words(painter, high, QPointF(plot.right(), y), align="right")
        self.words(painter, axis, QPointF(plot.center().x(), y))
        if self.pointer is not None and plot.contains(self.pointer):
            index = min(int((self.pointer.x() - plot.left()) / width), BINS - 1)
            shares = {"exact": self.exact(), "data": self._data, "samples": self._samples}
            parts = [f"{name} {share[index]:.1%}" for name, share in shares.items() if share is not None]
            parts[0] = f"{self._number(self._edges[index : index + 2].mean())}: {parts[0]}"
            self.read_out(painter, parts, QPointF(self.pointer.x(), plot.top() + 6))

    def captions(self, metrics: QFontMetrics) -> tuple[str, str, str]:
        """What stands below the bars: both ends, and between them as much of the axis's name as there is room for."""
        low, high = self._number(self._edges[0]), self._number(self._edges[-1])
        room = self.plot().width() - 2 * max(metrics.horizontalAdvance(end) for end in (low, high)) - 12
        return low, metrics.elidedText(self._axis, Qt.TextElideMode.ElideRight, max(int(room), 0)), high

    def _number(self, value: float) -> str:
        """Digits by the width in view: to so many of their own, far from 0 both ends would be the same number."""
        return coordinate(float(value), (float(self._edges[0]), float(self._edges[-1])), 2)

    def _share(self, values: np.ndarray) -> np.ndarray:
        """(BINS,) share of the values in each bin; what lies outside counts in the total."""
        return np.histogram(values, self._edges)[0] / len(values)

    def _describe(self) -> None:
        overlap = self.overlap()
        if self._data is None:
            self.setAccessibleDescription("No data yet.")
        elif overlap is None:
            self.setAccessibleDescription(f"Data along {self._axis}; no samples yet.")
        else:
            self.setAccessibleDescription(f"Along {self._axis}, samples and data share {overlap:.0%} of their area.")
