"""W as a heat map: which pixels tend to be equal."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QAccessible, QMouseEvent, QPainter, QPen

from playground.app.dialogs.boltzmann.cells import Cells
from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.drawing.boltzmann import paint_pixels

if TYPE_CHECKING:
    from playground.lab.boltzmann.training import Progress


class WeightMap(Cells):
    """One cell per pair of units; the pointer or the arrow keys read a cell."""

    accessible_role = QAccessible.Role.Chart

    def __init__(self) -> None:
        super().__init__(
            "Weights W",
            "Each cell is the weight between two pixels. Above 0 equal pixels are more probable; below 0, with a "
            "bar, unequal ones. Point at a cell, or use the arrow keys.",
        )
        self.setMouseTracking(True)
        self.setMinimumSize(150, 150)

    def show_weights(self, progress: "Progress | None", units: int, columns: int) -> None:
        """Show W (units, units) beside the correlations, or zeros before anything is learned.

        Args:
            columns: the pixels across in a pattern.
        """
        none = np.zeros((3, units, units))
        self._matrices = none if progress is None else np.stack([progress.weights, progress.data, progress.model])
        self._columns = columns
        if self.shape != (units, units):
            self.shape, self.chosen = (units, units), None
        self.show_change()

    def box(self) -> QRectF:
        side = min(self.width(), self.height()) - 4
        return QRectF((self.width() - side) / 2, 2, side, side)

    def words(self) -> str:
        units = self.shape[0]
        if self.chosen is None:
            return f"{units} × {units}, largest {format_number(float(np.abs(self._matrices[0]).max()))}"
        pair = divmod(self.chosen, units)
        pixels = "–".join("({},{})".format(*np.add(divmod(unit, self._columns), 1)) for unit in pair)
        if pair[0] == pair[1]:
            return f"{pixels}: a unit has no weight to itself"
        weight, data, model = (format_number(round(float(one[pair]), 6)) for one in self._matrices)
        return f"{pixels}: W {weight}, E_data {data}, E_p {model}"

    def paint(self, painter: QPainter) -> None:
        paint_pixels(painter, self.box(), self._matrices[0], theme.palette())
        if self.chosen is not None:
            painter.setPen(QPen(theme.color("text"), 1.5))
            painter.drawRect(self.cell(self.chosen).adjusted(0, 0, -1, -1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.choose(self.at(event.position()))

    def leaveEvent(self, event: object) -> None:
        self.choose(None)
