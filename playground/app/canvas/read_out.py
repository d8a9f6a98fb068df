"""The text beside the pointer."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from playground.app.style import theme

GAP = 16  # px from the pointer


class ReadOut(QLabel):
    """Lines beside a place of its parent, which the mouse does not notice; hidden without lines."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._room = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.hide()
        self.apply_palette()

    def apply_palette(self) -> None:
        palette = theme.palette()
        self.setStyleSheet(
            f"background: {palette.raised}; color: {palette.text}; border: 1px solid {palette.border};"
            "border-radius: 6px; padding: 6px 8px;"
        )
        self.setFont(theme.number_font())

    def show_lines(self, lines: Sequence[str], x: float, y: float) -> None:
        """Show lines beside a place."""
        self.setText("\n".join(lines))
        self.adjustSize()
        self.place(x, y)
        self.show()
        self.raise_()

    def place(self, x: float, y: float) -> None:
        """Move beside a place, within the parent."""
        size, within = self.size(), self._room.size()
        left = x + GAP if x + GAP + size.width() < within.width() else x - GAP - size.width()
        top = y + GAP if y + GAP + size.height() < within.height() else y - GAP - size.height()
        self.move(max(round(left), 0), max(round(top), 0))
