"""Many small patterns side by side: those to learn, the most probable ones, or samples."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from playground.app.style import text_size, theme
from playground.app.style.painting import paint_box
from playground.app.style.text_size import px
from playground.app.style.wrapping import wrapped
from playground.app.widgets.captions import named
from playground.app.widgets.charts.level_picture import paint_sentence
from playground.drawing.boltzmann import ShownPattern, paint_patterns

SHOWN = Qt.ItemDataRole.UserRole


class Patterns(QListWidget):
    """Patterns in rows that scroll. A click or the arrow keys choose one, Return or Space does so again; Delete removes it.

    Args:
        name: the name of the patterns.
        room: px for each, with the gap and a caption.
        empty: the text that is shown while there are none.

    Signals:
        taken(array): the chosen pattern, (rows, columns).
        removed(array): Delete was pressed on the chosen pattern.
    """

    taken = Signal(object)
    removed = Signal(object)

    def __init__(self, name: str, room: tuple[int, int], empty: str = "") -> None:
        super().__init__()
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(px(64))
        self.viewport().setAutoFillBackground(False)  # the card's colour is behind them
        self.setItemDelegate(_Pattern(room, self))
        named(self, name, f"{name}: click one, or move with the arrow keys, to see its probability.")
        self._empty = empty
        self.currentItemChanged.connect(self._take)
        self.itemClicked.connect(self._take)

    def show_patterns(self, patterns: Sequence[ShownPattern], empty: str = "") -> None:
        """Show these patterns; without any, a text."""
        self._empty = empty or self._empty
        self.setAccessibleDescription(f"{len(patterns)} pictures" if patterns else self._empty)
        with QSignalBlocker(self):  # the user chose none of them
            while self.count() > len(patterns):
                self.takeItem(self.count() - 1)
            for place, pattern in enumerate(patterns):
                item, said = self.item(place) or QListWidgetItem(self), pattern.said
                if said != item.data(Qt.ItemDataRole.AccessibleTextRole):
                    item.setData(SHOWN, pattern)
                    item.setData(Qt.ItemDataRole.AccessibleTextRole, said)
                    item.setToolTip(wrapped(said))
            self.setCurrentRow(max(self.currentRow(), 0))

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.taken.emit(item.data(SHOWN).pixels)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        item = self.currentItem()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._take(item)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and item is not None:
            self.removed.emit(item.data(SHOWN).pixels)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.count():
            paint_sentence(QPainter(self.viewport()), QRectF(self.viewport().rect()), self._empty)


class _Pattern(QStyledItemDelegate):
    """Paints a pattern with its caption, and a ring around the chosen one while the list has the focus."""

    def __init__(self, room: tuple[int, int], parent: QListWidget) -> None:
        super().__init__(parent)
        self._room = room

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(*map(px, self._room))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        factor, box = text_size.factor(), QRectF(option.rect)
        painter.save()
        painter.translate(box.topLeft())
        painter.scale(factor, factor)
        paint_patterns(painter, QRectF(0, 0, *self._room), [index.data(SHOWN)], (1, 1), theme.palette())
        painter.restore()
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_box(painter, box.adjusted(1, 1, -1, -1), 2, line=theme.color("accent"), width=2)
