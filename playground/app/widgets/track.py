"""What the timelines of the sampler and of the training have in common."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFont, QHelpEvent
from PySide6.QtWidgets import QToolTip

from playground.app.style import theme
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.controls import DraggedSlider

EDGE = 7  # px on either side, so that the handle fits at both ends
TEXT = 11  # px


class Track(DraggedSlider):
    """A slider as wide as the room, with texts along it; what lies under the pointer is said in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.setRange(0, 0)
        layouts.grow_across(self)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.actionTriggered.connect(self.take_key)

    def take_key(self, action: int) -> None:
        """Go where a key asked to; the mouse is handled otherwise."""
        raise NotImplementedError

    def high(self) -> int:
        """px of its height."""
        raise NotImplementedError

    def words_at(self, place: int) -> str:
        """What the tooltip says of a place; "" for the tooltip of all."""
        raise NotImplementedError

    def share_at(self, x: float) -> float:
        """The share of the track left of a position in px; it may lie beyond the ends."""
        return (x - EDGE) / max(self.width() - 2 * EDGE, 1)

    def x_of(self, share: float) -> float:
        """The position of a share of the track, in px."""
        return EDGE + (self.width() - 2 * EDGE) * share

    def sizeHint(self) -> QSize:
        return QSize(480, self.high())

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.high())

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            words = self.words_at(self.place_at(event.pos().x()))
            if words:
                QToolTip.showText(event.globalPos(), wrapped(words) + self.toolTip(), self)
                return True
        return bool(super().event(event))


def fonts() -> tuple[QFont, QFont]:
    """The fonts of the texts: the usual one, and the bold one of what is shown now."""
    bold = theme.number_font(TEXT)
    bold.setWeight(QFont.Weight.DemiBold)
    return theme.number_font(TEXT), bold
