"""W as a heat map: which pixels tend to be equal."""

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QMouseEvent, QPainter, QPen

from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.widgets.cells import Cells
from playground.drawing.boltzmann import paint_weights

FOOT = 18  # px, for the words about one weight


class WeightMap(Cells):
    """One cell per pair of units; the pointer or the arrow keys read a cell."""

    accessible_role = QAccessible.Role.Chart

    def __init__(self) -> None:
        super().__init__(
            "Weights W",
            "Each cell is the weight between two pixels. Above 0 equal pixels are more probable; below 0, with a "
            "bar, unequal ones. Point at a cell, or use the arrow keys.",
        )
        self._weights = np.zeros((0, 0))
        self.setMouseTracking(True)
        self.setMinimumSize(150, 150 + FOOT)

    def show_weights(self, weights: np.ndarray, data: np.ndarray, model: np.ndarray, columns: int) -> None:
        """Show W (d, d), beside the correlations of data and model (d, d); a picture has `columns` pixels across."""
        if len(weights) != len(self._weights):
            self.chosen = None
        self._weights, self._data, self._model, self._columns = weights, data, model, columns
        self.shape = weights.shape
        self.show_change()

    def sizeHint(self) -> QSize:
        return QSize(190, 190 + FOOT)

    def box(self) -> QRectF:
        side = min(self.width() - 4, self.height() - FOOT - 4)
        return QRectF((self.width() - side) / 2, 2, side, side)

    def words(self) -> str:
        units = len(self._weights)
        if self.chosen is None:
            return f"{units} × {units}, largest {format_number(float(np.abs(self._weights).max()))}"
        i, j = divmod(self.chosen, units)
        pixels = "–".join("({},{})".format(*np.add(divmod(unit, self._columns), 1)) for unit in (i, j))
        if i == j:
            return f"{pixels}: a unit has no weight to itself"
        weight, data, model = (
            format_number(round(float(of[i, j]), 6)) for of in (self._weights, self._data, self._model)
        )
        return f"{pixels}: W {weight}, E_data {data}, E_p {model}"

    def paint(self, painter: QPainter) -> None:
        box = self.box()
        paint_weights(painter, box, self._weights, theme.palette())
        if self.chosen is not None:
            painter.setPen(QPen(theme.color("text"), 1.5))
            painter.drawRect(self.cell(self.chosen).adjusted(0, 0, -1, -1))
        painter.setFont(theme.number_font(11))
        painter.setPen(theme.color("muted"))
        foot = QRectF(0, box.bottom() + 2, self.width(), FOOT)
        painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, self.words())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.choose(self.at(event.position()))

    def leaveEvent(self, event: object) -> None:
        self.choose(None)
