"""A frame around the control that a lesson's step is about."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtWidgets import QFrame, QWidget

from playground.app.style.text_size import px


class Highlight(QFrame):
    """Lies behind a part of a card, a little larger than it, follows it, and is hidden while the part is.

    Args:
        around: the part.
        card: the card that contains it.
    """

    def __init__(self, around: QWidget, card: QWidget) -> None:
        super().__init__(card)
        self.around, self._card = around, card
        self.setObjectName("highlight")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        part: QWidget | None = around
        while part is not None and part is not card:
            part.installEventFilter(self)
            part = part.parentWidget()
        around.destroyed.connect(self.deleteLater)
        self.lower()
        self._follow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide):
            self._follow()
        return False

    def _follow(self) -> None:
        place = QRect(self.around.mapTo(self._card, QPoint()), self.around.size())
        self.setGeometry(place.adjusted(-px(7), -px(3), px(7), px(3)))
        self.setVisible(self.around.isVisibleTo(self._card))
