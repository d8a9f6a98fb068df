"""Many small patterns side by side: those to learn, the most probable ones, or samples."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QScrollArea

from playground.app.dialogs.boltzmann.cells import Cells
from playground.app.style import text_size, theme
from playground.app.style.text_size import px
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.charts.level_picture import paint_sentence
from playground.drawing.boltzmann import ShownPattern, paint_patterns

REMOVE = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)


class Patterns(Cells):
    """Patterns in rows that scroll. A click or the arrow keys choose one, Return or Space does so again; Delete removes it.

    Args:
        name: the name of the patterns.
        room: px for each, with the gap and a caption.
        empty: the text that is shown while there are none.

    Attributes:
        shown: the patterns.
        area: the part of the window in which they scroll.

    Signals:
        taken(array): the chosen pattern, (rows, columns).
        removed(array): Delete was pressed on the chosen pattern.
    """

    accessible_role = QAccessible.Role.Table

    taken = Signal(object)
    removed = Signal(object)

    def __init__(self, name: str, room: tuple[int, int], empty: str = "") -> None:
        super().__init__(name, f"{name}: click one, or move with the arrow keys, to see its probability.")
        self.shown: Sequence[ShownPattern] = ()
        self._room, self._empty = room, empty
        self.area = layouts.scrolled(self, QScrollArea())
        self.area.setMinimumHeight(px(64))

    def show_patterns(self, shown: Sequence[ShownPattern], empty: str = "") -> None:
        """Show these patterns; without any, a text."""
        self.shown, self._empty = shown, empty or self._empty
        self._arrange()

    def _arrange(self) -> None:
        across = max(self.width() // px(self._room[0]), 1)
        self.shape = math.ceil(len(self.shown) / across), across
        self.chosen = max(min(self.chosen or 0, len(self.shown) - 1), 0)
        self.setMinimumHeight(self.shape[0] * px(self._room[1]))
        self.show_change()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def apply_text_size(self) -> None:
        self._arrange()

    def count(self) -> int:
        return len(self.shown)

    def box(self) -> QRectF:
        return QRectF(0, 0, self.shape[1] * px(self._room[0]), self.shape[0] * px(self._room[1]))

    def words(self) -> str:
        count = len(self.shown)
        return f"{self._said(self.chosen or 0)}; {count} pictures" if count else self._empty

    def _said(self, number: int) -> str:
        """A pattern in words: which pixels of each row are on."""
        rows = ("".join("■" if pixel > 0 else "□" for pixel in row) for row in self.shown[number].pixels)
        return self.shown[number].words + " / ".join(rows)

    def tip(self, number: int) -> str:
        return wrapped(self._said(number)) if number < len(self.shown) else ""

    def paint(self, painter: QPainter) -> None:
        if self.shown:
            factor, box = text_size.factor(), self.box()
            painter.save()
            painter.scale(factor, factor)
            at_usual_size = QRectF(0, 0, box.width() / factor, box.height() / factor)
            paint_patterns(painter, at_usual_size, self.shown, self.shape, theme.palette())
            painter.restore()
        else:
            paint_sentence(painter, QRectF(self.rect()), self._empty)

    def choose(self, number: int | None) -> None:
        if number is not None and number < len(self.shown):
            super().choose(number)
            self.area.ensureVisible(*self.cell(number).center().toPoint().toTuple())
            self.taken.emit(self.shown[number].pixels)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in REMOVE and self.shown:
            self.removed.emit(self.shown[self.chosen or 0].pixels)
        else:
            super().keyPressEvent(event)
