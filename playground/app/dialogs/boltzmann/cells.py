"""The common part of what is painted in cells: the pointer or keys choose and open one."""

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from playground.app.style import theme
from playground.app.style.painting import paint_box
from playground.app.widgets.captions import named
from playground.drawing.boltzmann import cell_box

OPENING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class Cells(QWidget):
    """Cells of one size in rows, with a ring around the chosen one while it has the focus.

    Args:
        name, tip: its name for screen readers and its tooltip.

    Attributes:
        shape: rows and columns; (0, 0) if there are no cells.
        chosen: the number of the chosen cell, row by row from 0; None if none is.

    Signals:
        described(str): the description of the chosen cell.
    """

    described = Signal(str)

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.shape = (0, 0)
        self.chosen: int | None = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        named(self, name, tip)

    def box(self) -> QRectF:
        """The rectangle that all cells fill."""
        raise NotImplementedError

    def cell(self, number: int) -> QRectF:
        """The rectangle of a cell."""
        return cell_box(self.box(), self.shape, divmod(number, self.shape[1]))

    def count(self) -> int:
        """The number of cells; the last row may have fewer than the others."""
        return self.shape[0] * self.shape[1]

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

    def open(self, number: int) -> None:
        """Choose a cell that was clicked, or for which Return, Enter or Space was pressed."""
        self.choose(number)

    def show_change(self) -> None:
        """Paint and describe what was changed."""
        self.setAccessibleDescription(self.words())
        self.described.emit(self.words())
        self.update()

    def at(self, place: QPointF) -> int | None:
        """The cell at a position."""
        box, (rows, columns) = self.box(), self.shape
        if not rows or not box.contains(place):
            return None
        row = int(rows * (place.y() - box.top()) / box.height())
        return min(row, rows - 1) * columns + min(int(columns * (place.x() - box.left()) / box.width()), columns - 1)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = self.at(QPointF(event.pos()))
            said = "" if number is None else self.tip(number)
            if said:
                QToolTip.showText(event.globalPos(), said, self)
                return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self.at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and number is not None:
            self.open(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        (rows, columns), chosen, last = self.shape, self.chosen or 0, self.count() - 1
        seen = self.visibleRegion().boundingRect().height() / max(self.box().height(), 1.0)
        page = columns * max(int(rows * seen), 1)
        places = {
            Qt.Key.Key_Left: chosen - 1,
            Qt.Key.Key_Right: chosen + 1,
            Qt.Key.Key_Up: chosen - columns,
            Qt.Key.Key_Down: chosen + columns,
            Qt.Key.Key_PageUp: max(chosen - page, 0),
            Qt.Key.Key_PageDown: min(chosen + page, last),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        place = places.get(Qt.Key(event.key()))
        if event.key() in OPENING and last >= 0:
            self.open(chosen)
        elif place is None:
            super().keyPressEvent(event)
        elif 0 <= place < rows * columns and min(place, last) != self.chosen:
            self.choose(min(place, last))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.paint(painter)
        if self.hasFocus() and all(self.shape):
            ring = QRectF(self.rect()) if self.chosen is None else self.cell(self.chosen)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_box(painter, ring.adjusted(-1, -1, 1, 1), 2, line=theme.color("accent"), width=2)
