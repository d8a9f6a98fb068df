"""View > History: every change since the file was opened, in a list; a click goes to that change."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QPalette, QUndoStack
from PySide6.QtWidgets import (
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QUndoView,
    QWidget,
)

from playground.app.style.theme import UNIT
from playground.app.widgets import layouts
from playground.app.widgets.captions import caption
from playground.app.widgets.dialog import Dialog

START = "As opened"
SAID = "Click a change to go there; what comes after it is muted, until another change takes its place."


class HistoryWindow(Dialog):
    """A small window above the main one. The main window's keys work in it."""

    def __init__(self, stack: QUndoStack, parent: QWidget | None = None) -> None:
        super().__init__("historyWindow", "History", parent, (320, 400), Qt.WindowType.Tool)
        self.view = QUndoView(stack, emptyLabel=START)
        self.view.setObjectName("history")
        self.view.setAccessibleName("History: changes since the file was opened")
        self.view.setItemDelegate(_Steps(self.view))
        self.view.setWordWrap(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        said = caption(SAID)
        layouts.down(self.view, said, within=self, spacing=UNIT, margins=UNIT)


class _Steps(QStyledItemDelegate):
    """Paints undone steps in muted text."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        view = self.parent()
        stack = view.stack() if isinstance(view, QUndoView) else None  # None if the stack was deleted before the view
        if stack is not None and index.row() > stack.index():
            # The program's palette, because the style sheet has made the view's own partly transparent.
            muted = QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText)
            option.palette.setColor(QPalette.ColorRole.Text, muted)
