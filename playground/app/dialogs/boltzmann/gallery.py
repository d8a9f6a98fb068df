"""Many small patterns side by side: those to learn, the most probable ones, or samples."""

import numpy as np
from PySide6.QtCore import QMarginsF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QKeyEvent, QMouseEvent, QPainter

from playground.app.dialogs.boltzmann.readings import pattern_words
from playground.app.style import theme
from playground.app.widgets.cells import Cells
from playground.drawing.boltzmann import GAP, PatternGrid, paint_patterns

MARGIN = 3.0  # px, room for the ring around the chosen one
CAPTION = 14.0  # px


class Gallery(Cells):
    """A list of patterns. A click or arrow keys choose one; Enter or a double click takes it, Delete removes it.

    Args:
        name: the name of the patterns.
        height: px.
        captions: whether each has a line of text below.
        largest: largest size of a pixel in px.

    Signals:
        taken(array): the pattern with the ring, (rows, columns).
        removed(int): Delete was pressed on it.
    """

    accessible_role = QAccessible.Role.List

    taken = Signal(object)
    removed = Signal(int)

    def __init__(self, name: str, height: int, captions: bool = False, largest: float = 10.0) -> None:
        super().__init__(name, f"{name}: click one, or move with the arrow keys, to see its probability.")
        self._room, self._largest, self._empty = CAPTION if captions else 0.0, largest, ""
        self.patterns = np.zeros((0, 3, 3), np.int8)
        self._colors: list[str] = []
        self.captions: list[str] | None = None
        self._words: list[str] = []
        self.reach = QMarginsF(GAP / 2, GAP / 2, GAP / 2, GAP / 2 + self._room)
        self.setMinimumHeight(height)

    def show_patterns(
        self,
        patterns: np.ndarray,
        colors: str | list[str] = "",
        words: list[str] | None = None,
        captions: list[str] | None = None,
    ) -> None:
        """Show patterns (N, rows, columns) of -1 and +1.

        Args:
            colors: the palette's colour of all, or of each.
            words: what is said of each before its pixels, in tooltips and to screen readers.
            captions: texts below them.
        """
        self.patterns, self.captions = patterns, captions
        self._colors = [colors] * len(patterns) if isinstance(colors, str) else colors
        said = words or [""] * len(patterns)
        self._words = [before + pattern_words(one) for before, one in zip(said, patterns, strict=True)]
        self.chosen = min(self.chosen or 0, max(len(patterns) - 1, 0))
        self.show_change()

    def set_empty(self, sentence: str) -> None:
        """Set the text that is shown while there are no patterns."""
        self._empty = sentence
        self.show_change()

    def sizeHint(self) -> QSize:
        return QSize(240, self.minimumHeight())

    def cells(self) -> PatternGrid:
        rows, columns = self.patterns.shape[1:]
        width, height = self.width() - 2 * MARGIN, self.height() - 2 * MARGIN
        return PatternGrid(len(self.patterns), width, height, rows, columns, self._room, self._largest)

    def grid(self) -> tuple[int, int]:
        _, across, shown = self.cells().layout()
        return shown, across

    def cell(self, number: int) -> QRectF:
        return self.cells().box(number).translated(MARGIN, MARGIN)

    def words(self) -> str:
        if not len(self.patterns):
            return self._empty
        return f"{len(self.patterns)} pictures; the chosen one: {self._words[self.chosen or 0]}"

    def paint(self, painter: QPainter) -> None:
        if len(self.patterns):
            origin = QPointF(MARGIN, MARGIN)
            paint_patterns(painter, origin, self.cells(), self.patterns, self.colors, self._colors, self.captions)
            return
        painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
        painter.setPen(self.colors.color("muted"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self.rect().adjusted(8, 0, -8, 0), flags, self._empty)

    def choose(self, number: int | None) -> None:
        super().choose(number)
        self.taken.emit(self.patterns[number])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self.at(event.position())
        if number is not None and event.button() == Qt.MouseButton.LeftButton:
            self.choose(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        acts = {Qt.Key.Key_Delete: self.removed.emit, Qt.Key.Key_Backspace: self.removed.emit}
        acts |= dict.fromkeys((Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter), self.choose)
        act = acts.get(Qt.Key(event.key()))
        if act is None or not len(self.patterns):
            super().keyPressEvent(event)
        else:
            act(self.chosen)

    def tip(self, number: int) -> str:
        return self._words[number]
