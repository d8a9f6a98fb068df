"""The common part of what is painted in cells: the pointer or the arrow keys choose one."""

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QHelpEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from playground.app.style import theme
from playground.app.style.painting import paint_box
from playground.app.widgets.captions import named


class Cells(QWidget):
    """Cells in rows, with a ring around the chosen one while it has the focus.

    Args:
        name, tip: its name for screen readers and its tooltip.

    Attributes:
        chosen: the number of the chosen cell, row by row from 0; None if none is.
    """

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.chosen: int | None = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        named(self, name, tip)

    def grid(self) -> tuple[int, int]:
        """The number of cells, and how many stand side by side."""
        raise NotImplementedError

    def cell(self, number: int) -> QRectF:
        """The rectangle of a cell."""
        raise NotImplementedError

    def words(self) -> str:
        """The description of the chosen cell."""
        raise NotImplementedError

    def tip(self, number: int) -> str:
        """What the tooltip says of a cell; "" for the tooltip of all."""
        return ""

    def paint(self, painter: QPainter) -> None:
        """Paint all cells."""
        raise NotImplementedError

    def choose(self, number: int | None) -> None:
        """Choose a cell, as the user asked."""
        self.chosen = number
        self.show_change()

    def show_change(self) -> None:
        """Paint and describe what was changed."""
        self.setAccessibleDescription(self.words())
        self.update()

    def at(self, place: QPointF) -> int | None:
        """The cell at a position."""
        count, _ = self.grid()
        return next((n for n in range(count) if self.cell(n).contains(place)), None)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = self.at(QPointF(event.pos()))
            said = "" if number is None else self.tip(number)
            if said:
                QToolTip.showText(event.globalPos(), said, self)
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        count, across = self.grid()
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -across, Qt.Key.Key_Down: across}
        step = steps.get(Qt.Key(event.key()))
        if step is None or not count:
            super().keyPressEvent(event)
        elif 0 <= (self.chosen or 0) + step < count:
            self.choose((self.chosen or 0) + step)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.paint(painter)
        count, _ = self.grid()
        if self.hasFocus() and count:
            ring = QRectF(self.rect()) if self.chosen is None else self.cell(self.chosen)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_box(painter, ring.adjusted(-1, -1, 1, 1), 2, line=theme.color("accent"), width=2)
