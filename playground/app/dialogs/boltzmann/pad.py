"""The grid on which a pattern is drawn, pixel by pixel."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.app.widgets.captions import named
from playground.drawing.boltzmann import paint_pattern
from playground.drawing.palette import DARK, Palette

SIDE = 112  # px of the whole grid
ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class PatternPad(QWidget):
    """Click or drag to switch pixels; with the keyboard, arrows move, Space switches and Enter finishes.

    Signals:
        drawn(): the user changed a pixel.
        finished(): Enter.
    """

    accessible_role = QAccessible.Role.Table

    drawn = Signal()
    finished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = DARK
        self._pattern = np.full((3, 3), -1, np.int8)
        self._cursor = (0, 0)
        self._brush: int | None = None  # the value that a drag paints
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        named(
            self,
            "Pattern to draw",
            "Click or drag to switch pixels. Keys: arrows move, Space switches, Enter adds the pattern.",
        )
        self._describe()

    @property
    def pattern(self) -> np.ndarray:
        """(rows, columns) of -1 and +1."""
        return self._pattern.copy()

    def set_pattern(self, pattern: np.ndarray) -> None:
        """Show a pattern (rows, columns) without emitting a signal."""
        self._pattern = np.asarray(pattern, np.int8).copy()
        rows, columns = self._pattern.shape
        self._cursor = (min(self._cursor[0], rows - 1), min(self._cursor[1], columns - 1))
        self._describe()
        self.update()

    def apply_palette(self, palette: Palette) -> None:
        self._palette = palette
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def _box(self) -> QRectF:
        rows, columns = self._pattern.shape
        side = (SIDE - 6) / max(rows, columns)
        return QRectF((SIDE - columns * side) / 2, (SIDE - rows * side) / 2, columns * side, rows * side)

    def cell(self, row: int, column: int) -> QRectF:
        """The rectangle of a pixel."""
        box = self._box()
        rows, columns = self._pattern.shape
        wide, tall = box.width() / columns, box.height() / rows
        return QRectF(box.left() + column * wide, box.top() + row * tall, wide, tall)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_pattern(painter, self._box(), self._pattern, self._palette)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._palette.color("accent"), 2))
            painter.drawRoundedRect(self.cell(*self._cursor).adjusted(-1, -1, 1, 1), 2, 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and place is not None:
            self._brush = -int(self._pattern[place])
            self._paint(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position())
        if self._brush is not None and place is not None:
            self._paint(place)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._brush = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in ARROWS:
            rows, columns = self._pattern.shape
            down, across = ARROWS[key]
            row, column = self._cursor
            self._cursor = (min(max(row + down, 0), rows - 1), min(max(column + across, 0), columns - 1))
            self._describe()
            self.update()
        elif key == Qt.Key.Key_Space:
            self._brush = -int(self._pattern[self._cursor])
            self._paint(self._cursor)
            self._brush = None
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finished.emit()
        else:
            super().keyPressEvent(event)

    def _at(self, place: QPointF) -> tuple[int, int] | None:
        rows, columns = self._pattern.shape
        return next(
            (
                (row, column)
                for row in range(rows)
                for column in range(columns)
                if self.cell(row, column).contains(place)
            ),
            None,
        )

    def _paint(self, place: tuple[int, int]) -> None:
        self._cursor = place
        if self._brush is not None and self._pattern[place] != self._brush:
            self._pattern[place] = self._brush
            self.drawn.emit()
        self._describe()
        self.update()

    def _describe(self) -> None:
        row, column = self._cursor
        on = "on" if self._pattern[row, column] > 0 else "off"
        count = int((self._pattern > 0).sum())
        self.setAccessibleDescription(
            f"Row {row + 1}, column {column + 1} is {on}; {count} of {self._pattern.size} pixels are on."
        )
