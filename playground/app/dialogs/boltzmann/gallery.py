"""Many small patterns side by side: those to learn, the most probable ones, or samples."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from playground.app.style import theme
from playground.app.widgets.captions import named
from playground.drawing.boltzmann import PatternGrid, paint_patterns
from playground.drawing.palette import DARK, Palette

MARGIN = 3.0  # px, room for the ring around the chosen one
CAPTION = 14.0  # px


class Gallery(QWidget):
    """A list of patterns. A click or arrow keys choose one; Enter or a double click takes it, Delete removes it.

    Args:
        name: the name of the patterns.
        height: px.
        captions: whether each has a line of text below.
        largest: largest size of a pixel in px.

    Signals:
        chosen(int): the index of the pattern with the ring.
        removed(int): Delete was pressed on it.
    """

    accessible_role = QAccessible.Role.List

    chosen = Signal(int)
    removed = Signal(int)

    def __init__(
        self, name: str, height: int, captions: bool = False, largest: float = 10.0, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._palette = DARK
        self._room, self._largest, self._empty = CAPTION if captions else 0.0, largest, ""
        self._patterns = np.zeros((0, 3, 3), np.int8)
        self._colors: list[str] = []
        self._captions: list[str] | None = None
        self._words: list[str] = []
        self._cursor = 0
        self.setMinimumHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        named(self, name, f"{name}: click one, or move with the arrow keys, to see its probability.")
        self._describe()

    def show_patterns(
        self, patterns: np.ndarray, colors: list[str], words: list[str], captions: list[str] | None = None
    ) -> None:
        """Show patterns (N, rows, columns) of -1 and +1.

        Args:
            colors: the palette's colour of each.
            words: the description of each, for tooltips and screen readers.
            captions: texts below them.
        """
        self._patterns, self._colors, self._words, self._captions = patterns, colors, words, captions
        self._cursor = min(self._cursor, max(len(patterns) - 1, 0))
        self._describe()
        self.update()

    def set_empty(self, sentence: str) -> None:
        """Set the text that is shown while there are no patterns."""
        self._empty = sentence
        self._describe()
        self.update()

    @property
    def patterns(self) -> np.ndarray:
        return self._patterns

    def apply_palette(self, palette: Palette) -> None:
        self._palette = palette
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, self.minimumHeight())

    def cells(self) -> PatternGrid:
        rows, columns = self._patterns.shape[1:]
        width, height = self.width() - 2 * MARGIN, self.height() - 2 * MARGIN
        return PatternGrid(len(self._patterns), width, height, rows, columns, self._room, self._largest)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not len(self._patterns):
            painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
            painter.setPen(self._palette.color("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(8, 0, -8, 0), flags, self._empty)
            return
        cells, origin = self.cells(), QPointF(MARGIN, MARGIN)
        paint_patterns(painter, origin, cells, self._patterns, self._palette, self._colors, self._captions)
        if self.hasFocus() and self._cursor < cells.layout()[2]:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._palette.color("accent"), 2))
            ring = cells.box(self._cursor).translated(origin).adjusted(-2, -2, 2, 2)
            painter.drawRoundedRect(ring, 2, 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self._at(event.position())
        if number is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not len(self._patterns):
            super().keyPressEvent(event)
            return
        _, across, shown = self.cells().layout()
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -across, Qt.Key.Key_Down: across}
        key = Qt.Key(event.key())
        if key in steps and 0 <= self._cursor + steps[key] < shown:
            self._choose(self._cursor + steps[key])
        elif key in steps:
            return
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit(self._cursor)
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self._cursor)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = self._at(QPointF(event.pos()))
            if number is not None:
                QToolTip.showText(event.globalPos(), self._words[number], self)
                return True
        return super().event(event)

    def _at(self, place: QPointF) -> int | None:
        return self.cells().at(place.x() - MARGIN, place.y() - MARGIN) if len(self._patterns) else None

    def _choose(self, number: int) -> None:
        self._cursor = number
        self._describe()
        self.update()
        self.chosen.emit(number)

    def _describe(self) -> None:
        if not len(self._patterns):
            self.setAccessibleDescription(self._empty)
            return
        self.setAccessibleDescription(f"{len(self._patterns)} pictures; the chosen one: {self._words[self._cursor]}")
