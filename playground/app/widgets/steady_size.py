"""Keeps a label whose text changes with every frame from having everything around it laid out again."""

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QWidget


class SteadySize(QWidget):
    """Holds a label and has its size, but becomes no narrower until the label is empty, its text has another size, or the room
    is given back.

    A label asks for a new layout whenever its text changes, even if its size stays the same. Then all cards of its column
    are laid out again.
    """

    def __init__(self, label: QLabel) -> None:
        super().__init__()
        self._label, self._told = label, QSize(0, 0)  # the size that the layout was told
        label.setParent(self)
        self.setSizePolicy(label.sizePolicy())

    def sizeHint(self) -> QSize:
        hint = self._label.sizeHint()
        self._told = QSize(max(hint.width(), self._told.width()), hint.height())
        return self._told

    def minimumSizeHint(self) -> QSize:
        least = self._label.minimumSizeHint()
        return QSize(max(least.width(), self._told.width()), least.height())

    def apply_text_size(self) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Become as narrow as the label is now."""
        self._told = QSize(0, 0)
        self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._label.resize(event.size())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._follow()
        return bool(super().event(event))

    def _follow(self) -> None:
        """Ask for a new layout if the label needs more room, has another height or is empty."""
        hint, told = self._label.sizeHint(), self._told
        if not self._label.text():
            self._told = QSize(0, 0)
        if hint.width() > told.width() or hint.height() != told.height() or not self._label.text():
            self.updateGeometry()
