"""W as a heat map: which pixels tend to be equal."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.app.dialogs.boltzmann.pad import ARROWS
from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.widgets.captions import named
from playground.drawing.boltzmann import paint_weights
from playground.drawing.palette import DARK, Palette

FOOT = 18  # px, for the words about one weight


class WeightMap(QWidget):
    """One cell per pair of units; the pointer or the arrow keys read a cell."""

    accessible_role = QAccessible.Role.Chart

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = DARK
        self._weights = np.zeros((9, 9))
        self._data, self._model = self._weights, self._weights
        self._columns = 3
        self._cursor: tuple[int, int] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(150, 150 + FOOT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        named(
            self,
            "Weights W",
            "Each cell is the weight between two pixels. Above 0 equal pixels are more probable; below 0, with a "
            "bar, unequal ones. Point at a cell, or use the arrow keys.",
        )
        self._describe()

    def show_weights(self, weights: np.ndarray, data: np.ndarray, model: np.ndarray, columns: int) -> None:
        """Show W (d, d), beside the correlations of data and model (d, d); a picture has `columns` pixels across."""
        if len(weights) != len(self._weights):
            self._cursor = None
        self._weights, self._data, self._model, self._columns = weights, data, model, columns
        self._describe()
        self.update()

    def apply_palette(self, palette: Palette) -> None:
        self._palette = palette
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(190, 190 + FOOT)

    def _box(self) -> QRectF:
        side = min(self.width() - 4, self.height() - FOOT - 4)
        return QRectF((self.width() - side) / 2, 2, side, side)

    def cell(self, row: int, column: int) -> QRectF:
        """The rectangle of a weight's cell."""
        box = self._box()
        side = box.width() / len(self._weights)
        return QRectF(box.left() + column * side, box.top() + row * side, side, side)

    def words(self) -> str:
        """The words about the chosen cell."""
        if self._cursor is None:
            return f"{len(self._weights)} × {len(self._weights)}, largest {format_number(float(np.abs(self._weights).max()))}"
        i, j = self._cursor
        pixels = f"{self._pixel(i)}–{self._pixel(j)}"
        if i == j:
            return f"{pixels}: a unit has no weight to itself"
        numbers = (self._weights[i, j], self._data[i, j], self._model[i, j])
        weight, data, model = (
            format_number(0.0 if abs(number) < 5e-4 else float(f"{number:.3g}")) for number in numbers
        )
        return f"{pixels}: W {weight}, E_data {data}, E_p {model}"

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_weights(painter, self._box(), self._weights, self._palette)
        if self._cursor is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._palette.color("text"), 1.5))
            painter.drawRect(self.cell(*self._cursor).adjusted(0, 0, -1, -1))
        elif self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._palette.color("accent"), 1.5))
            painter.drawRect(self._box().adjusted(-1, -1, 1, 1))
        painter.setFont(theme.number_font(11))
        painter.setPen(self._palette.color("muted"))
        foot = QRectF(0, self._box().bottom() + 2, self.width(), FOOT)
        painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, self.words())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._at(event.position()))

    def leaveEvent(self, event: object) -> None:
        self._point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key not in ARROWS:
            super().keyPressEvent(event)
            return
        down, across = ARROWS[key]
        row, column = self._cursor or (0, 0)
        last = len(self._weights) - 1
        self._point((min(max(row + down, 0), last), min(max(column + across, 0), last)))

    def _at(self, place: QPointF) -> tuple[int, int] | None:
        box, units = self._box(), len(self._weights)
        if not box.contains(place):
            return None
        side = box.width() / units
        row, column = int((place.y() - box.top()) / side), int((place.x() - box.left()) / side)
        return min(row, units - 1), min(column, units - 1)

    def _point(self, place: tuple[int, int] | None) -> None:
        if place != self._cursor:
            self._cursor = place
            self._describe()
            self.update()

    def _pixel(self, unit: int) -> str:
        row, column = divmod(unit, self._columns)
        return f"({row + 1},{column + 1})"

    def _describe(self) -> None:
        self.setAccessibleDescription(self.words())
