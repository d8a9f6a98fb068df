"""A button that opens a menu, and shows as much of its text as fits."""

from PySide6.QtCore import QPointF, QRect, QSize
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QStyle, QStyleOptionButton

from playground.app.style.painting import paint_text
from playground.app.style.text_size import px
from playground.app.widgets.controls import paint_chevron

PAD = 8  # px left of the text
ARROW = 20  # px for the arrow at the right


class MenuButton(QPushButton):
    """A text that says what is chosen, and an arrow; a click, Space or Down opens the menu."""

    def __init__(self, menu: QMenu) -> None:
        super().__init__()
        self._words = self._short = ""
        self.setMenu(menu)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_words(self, words: str, short: str = "") -> None:
        """Set the text, and a shorter one that takes its place where that does not fit."""
        self._words, self._short = words, short or words
        self.updateGeometry()
        self.update()

    def words(self) -> str:
        """The complete text."""
        return self._words

    def sizeHint(self) -> QSize:
        return QSize(PAD + QFontMetrics(self.font()).horizontalAdvance(self._words) + px(ARROW) + 2, px(28))

    def minimumSizeHint(self) -> QSize:
        return QSize(PAD + px(ARROW) + 24, px(28))

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""
        option.features &= ~QStyleOptionButton.ButtonFeature.HasMenu
        painter = QPainter(self)
        self.style().drawControl(QStyle.ControlElement.CE_PushButton, option, painter, self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        token = "text" if self.isEnabled() else "disabled"
        room = QRect(PAD, 0, self.width() - PAD - px(ARROW), self.height())
        metrics = QFontMetrics(self.font())
        words = self._words if metrics.horizontalAdvance(self._words) <= room.width() else self._short
        paint_text(painter, room, words, token)
        paint_chevron(painter, QPointF(self.width() - px(13), self.height() / 2), token)
