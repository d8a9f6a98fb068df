"""The grid on which a pattern is drawn, pixel by pixel."""

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent

from playground.app.dialogs.boltzmann.pixel_table import PixelTable
from playground.app.style.text_size import px

SIDE = 112  # px of the whole grid


class PatternPad(PixelTable):
    """Click or drag to switch pixels; with the keyboard, arrows move, Space switches and Enter finishes.

    Signals:
        drawn(): the user changed a pixel.
        finished(): Enter.
    """

    color = "data"
    drawn = Signal()
    finished = Signal()

    def __init__(self) -> None:
        super().__init__(
            "Pattern to draw",
            "Click or drag to switch pixels. Keys: arrows move, Space switches, Enter adds the pattern.",
        )
        self._brush = False  # whether a drag switches pixels on
        self.setFixedSize(px(SIDE), px(SIDE))
        self.set_pattern(np.full((3, 3), -1))
        self.cellPressed.connect(self._switch)
        self.cellEntered.connect(self._paint)  # while a button is pressed

    @property
    def pattern(self) -> np.ndarray:
        """(rows, columns) of -1 and +1."""
        return np.where(self.values, np.int8(1), np.int8(-1))

    def set_pattern(self, pattern: np.ndarray) -> None:
        """Show a pattern (rows, columns) without emitting a signal."""
        self.show_values(pattern > 0)
        if self.currentRow() < 0:
            self.setCurrentCell(0, 0)

    def words(self, row: int, column: int) -> str:
        on = "on" if self.values[row, column] else "off"
        return f"Row {row + 1}, column {column + 1} is {on}; {self.values.sum()} of {self.values.size} pixels are on."

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finished.emit()
        elif event.key() == Qt.Key.Key_Space:
            self._switch(self.currentRow(), self.currentColumn())
        else:
            super().keyPressEvent(event)

    @Slot(int, int)
    def _switch(self, row: int, column: int) -> None:
        self._brush = not self.values[row, column]
        self._paint(row, column)

    @Slot(int, int)
    def _paint(self, row: int, column: int) -> None:
        self.setCurrentCell(row, column)
        self.values[row, column] = self._brush
        self.show_values(self.values)
        self.drawn.emit()
