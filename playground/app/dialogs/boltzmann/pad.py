"""The grid on which a pattern is drawn, pixel by pixel."""

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QKeyEvent, QMouseEvent, QPainter

from playground.app.dialogs.boltzmann.cells import Cells
from playground.app.style import theme
from playground.app.style.text_size import px
from playground.drawing.boltzmann import paint_pixels

SIDE = 112  # px of the whole grid


class PatternPad(Cells):
    """Click or drag to switch pixels; with the keyboard, arrows move, Space switches and Enter finishes.

    Attributes:
        pattern: (rows, columns) of -1 and +1.

    Signals:
        drawn(): the user changed a pixel.
        finished(): Enter.
    """

    accessible_role = QAccessible.Role.Table

    drawn = Signal()
    finished = Signal()

    def __init__(self) -> None:
        super().__init__(
            "Pattern to draw",
            "Click or drag to switch pixels. Keys: arrows move, Space switches, Enter adds the pattern.",
        )
        self._brush = 0  # the value that a drag paints
        self.setFixedSize(px(SIDE), px(SIDE))
        self.set_pattern(np.full((3, 3), -1))

    def set_pattern(self, pattern: np.ndarray) -> None:
        """Show a pattern (rows, columns) without emitting a signal."""
        self.pattern = np.array(pattern, np.int8)
        self.shape = self.pattern.shape
        self.chosen = min(self.chosen or 0, self.pattern.size - 1)
        self.show_change()

    def box(self) -> QRectF:
        return QRectF(self.rect()).adjusted(3, 3, -3, -3)

    def words(self) -> str:
        row, column = divmod(self.chosen or 0, self.shape[1])
        on = "on" if self.pattern[row, column] > 0 else "off"
        count = int((self.pattern > 0).sum())
        return f"Row {row + 1}, column {column + 1} is {on}; {count} of {self.pattern.size} pixels are on."

    def paint(self, painter: QPainter) -> None:
        paint_pixels(painter, self.box(), self.pattern > 0, theme.palette(), "data")

    def open(self, number: int) -> None:
        self._brush = -int(self.pattern.flat[number])
        self._paint(number)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._brush = 0
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        number = self.at(event.position())
        if self._brush and number is not None:
            self._paint(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finished.emit()
        else:
            super().keyPressEvent(event)

    def _paint(self, number: int) -> None:
        self.pattern.flat[number] = self._brush
        self.choose(number)
        self.drawn.emit()
