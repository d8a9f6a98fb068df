"""Text and numbers that can be selected and copied, in the form that programs read."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QClipboard, QContextMenuEvent, QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QLabel, QMenu

from playground.app.style.number_formats import without_typography
from playground.app.style.wrapping import BREAK


class SelectableLabel(QLabel):
    """A label with selectable text. Qt's own would copy the typographic minus, and rich text too.

    Its text is plain, because it may have names of strangers' files.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.addAction("Copy", lambda: self._copy()).setEnabled(self.hasSelectedText())
        menu.addAction("Select all", lambda: self.setSelection(0, len(self.text())))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if QGuiApplication.clipboard().supportsSelection():  # X11: selected text is copied
            self._copy(QClipboard.Mode.Selection)

    def _copy(self, mode: QClipboard.Mode = QClipboard.Mode.Clipboard) -> None:
        if self.hasSelectedText():
            QGuiApplication.clipboard().setText(without_typography(self.selectedText()).replace(BREAK, ""), mode)
