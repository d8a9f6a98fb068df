"""Many small patterns side by side: those to learn, the most probable ones, or samples."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QIcon, QKeySequence, QPainter, QPaintEvent, QPixmap, QShortcut
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QSizePolicy

from playground.app.dialogs.boltzmann.readings import pattern_words
from playground.app.style import theme
from playground.app.style.text_size import px
from playground.app.style.wrapping import wrapped
from playground.app.widgets.captions import named
from playground.app.widgets.charts.level_picture import paint_sentence
from playground.drawing.boltzmann import CAPTION, paint_pattern


class Entry(NamedTuple):
    """A pattern of -1 and +1, (rows, columns), in a colour of the palette.

    Attributes:
        words: what is said of it before its pixels, in its tooltip and to screen readers.
        caption: the text below it.
    """

    pattern: np.ndarray
    color: str
    words: str = ""
    caption: str = ""

    def looks_like(self, other: "Entry") -> bool:
        """Whether both have the same picture."""
        return self.color == other.color and np.array_equal(self.pattern, other.pattern)


class Gallery(QListWidget):
    """A list of patterns. A click or the arrow keys choose one, Return or Space does so again; Delete removes it.

    Args:
        name: the name of the patterns.
        side: px of a picture.
        room: px for each, with the gap and a caption.

    Signals:
        taken(array): the chosen pattern, (rows, columns).
        removed(array): Delete was pressed on the chosen pattern.
    """

    taken = Signal(object)
    removed = Signal(object)

    def __init__(self, name: str, side: int, room: tuple[int, int]) -> None:
        super().__init__()
        self.setViewMode(QListWidget.ViewMode.IconMode)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setMovement(QListWidget.Movement.Static)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setIconSize(QSize(side, side))
        self.setGridSize(QSize(*map(px, room)))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(px(64))
        self.viewport().setAutoFillBackground(False)
        named(self, name, f"{name}: click one, or move with the arrow keys, to see its probability.")
        self.setFont(theme.text_font(CAPTION))
        self._empty = ""
        self.entries: Sequence[Entry] = ()
        self.currentRowChanged.connect(lambda _: self._tell(self.taken))
        self.itemClicked.connect(lambda _: self._tell(self.taken))
        self._bind(self.taken, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        self._bind(self.removed, Qt.Key.Key_Delete, Qt.Key.Key_Backspace)

    def show_patterns(self, entries: Sequence[Entry]) -> None:
        """Show these patterns."""
        before, self.entries = self.entries, entries
        self.blockSignals(True)
        while self.count() > len(entries):
            self.takeItem(self.count() - 1)
        while self.count() < len(entries):
            self.addItem(QListWidgetItem())
        for number, entry in enumerate(entries):
            item, said = self.item(number), entry.words + pattern_words(entry.pattern)
            if number >= len(before) or not entry.looks_like(before[number]):
                item.setIcon(self._icon(entry))
            item.setText(entry.caption)
            item.setToolTip(wrapped(said))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, said)
        self.blockSignals(False)
        self.setAccessibleDescription(f"{len(entries)} pictures" if entries else self._empty)

    def set_empty(self, sentence: str) -> None:
        """Set the text that is shown while there are no patterns."""
        self._empty = sentence

    def apply_palette(self) -> None:
        entries, self.entries = self.entries, ()
        self.show_patterns(entries)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.entries:
            with QPainter(self.viewport()) as painter:
                paint_sentence(painter, QRectF(self.viewport().rect()), self._empty)

    def _icon(self, entry: Entry) -> QIcon:
        fineness = self.devicePixelRatio()
        picture = QPixmap(self.iconSize() * fineness)
        picture.fill(Qt.GlobalColor.transparent)
        with QPainter(picture) as painter:
            paint_pattern(painter, QRectF(picture.rect()), entry.pattern, theme.palette(), entry.color)
        picture.setDevicePixelRatio(fineness)
        icon = QIcon(picture)
        icon.addPixmap(picture, QIcon.Mode.Selected)  # which Qt would tint
        return icon

    def _bind(self, signal: SignalInstance, *keys: Qt.Key) -> None:
        """Emit a signal of the chosen pattern by these keys."""
        shortcut = QShortcut(self)
        shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
        shortcut.setKeys([QKeySequence(key) for key in keys])
        shortcut.activated.connect(lambda: self._tell(signal))

    def _tell(self, signal: SignalInstance) -> None:
        if self.currentRow() >= 0:
            signal.emit(self.entries[self.currentRow()].pattern)
