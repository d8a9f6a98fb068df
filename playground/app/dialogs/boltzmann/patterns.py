"""Many small patterns side by side: those to learn, the most probable ones, or samples."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QListWidget

from playground.app.style import text_size, theme
from playground.app.style.painting import paint_box
from playground.app.style.text_size import px
from playground.app.style.wrapping import wrapped
from playground.app.widgets.captions import named
from playground.app.widgets.charts.level_picture import paint_sentence
from playground.drawing.boltzmann import ShownPattern, paint_patterns

REMOVE = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
TAKE = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class Patterns(QListWidget):
    """Patterns in rows that scroll. A click or the arrow keys choose one, Return or Space does so again; Delete removes it.

    Args:
        name: the name of the patterns.
        room: px for each, with the gap and a caption.

    Attributes:
        shown: the patterns.

    Signals:
        taken(array): the chosen pattern, (rows, columns).
        removed(array): Delete was pressed on the chosen pattern.
    """

    taken = Signal(object)
    removed = Signal(object)

    def __init__(self, name: str, room: tuple[int, int]) -> None:
        super().__init__()
        self.shown: Sequence[ShownPattern] = ()
        self._empty, self._room = "", room
        self.setFlow(QListWidget.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setMinimumHeight(px(64))
        self.itemPressed.connect(self._take)
        self.currentRowChanged.connect(self._take)
        named(self, name, f"{name}: click one, or move with the arrow keys, to see its probability.")

    def show_patterns(self, shown: Sequence[ShownPattern], empty: str) -> None:
        """Show these patterns; without any, a text."""
        self.shown, self._empty = shown, empty
        with QSignalBlocker(self):
            while self.count() > len(shown):
                self.takeItem(self.count() - 1)
            self.addItems([""] * (len(shown) - self.count()))
            for place, pattern in enumerate(shown):
                item, said = self.item(place), _said(pattern)
                item.setText(said)
                item.setToolTip(wrapped(said))
                item.setSizeHint(QSize(*map(px, self._room)))
            self.setCurrentRow(max(self.currentRow(), 0))
        self.setAccessibleDescription(f"{len(shown)} pictures" if shown else empty)
        self.viewport().update()

    @Slot()
    def _take(self) -> None:
        self.taken.emit(self.shown[self.currentRow()].pixels)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def apply_text_size(self) -> None:
        self.show_patterns(self.shown, self._empty)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.shown or event.key() not in REMOVE + TAKE:
            super().keyPressEvent(event)
        elif event.key() in TAKE:
            self._take()
        else:
            self.removed.emit(self.shown[self.currentRow()].pixels)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, factor, box = QPainter(self.viewport()), text_size.factor(), QRectF(0, 0, *self._room)
        if not self.shown:
            paint_sentence(painter, QRectF(self.viewport().rect()), self._empty)
        for place, pattern in enumerate(self.shown):
            painter.resetTransform()
            painter.translate(self.visualItemRect(self.item(place)).topLeft())
            painter.scale(factor, factor)
            paint_patterns(painter, box, [pattern], (1, 1), theme.palette())
            if place == self.currentRow() and self.hasFocus():
                paint_box(painter, box.adjusted(1, 1, -1, -1), 0, line="accent", width=2)


def _said(pattern: ShownPattern) -> str:
    """A pattern in words: which pixels of each row are on."""
    rows = ("".join("■" if pixel > 0 else "□" for pixel in row) for row in pattern.pixels)
    return pattern.words + " / ".join(rows)
