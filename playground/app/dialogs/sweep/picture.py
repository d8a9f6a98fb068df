"""The heat map of a sweep in its window."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from playground.app.style.number_formats import format_measured, format_number
from playground.app.style.theme import UNIT
from playground.drawing.heat_map import HeatMap, cell_at, paint_heat_map
from playground.drawing.palette import Palette


class SweepMap(QWidget):
    """Paints one heat map. A click on a cell chooses it.

    Signals:
        chosen(HeatMap, tuple): the row and column of a cell that was clicked.
    """

    chosen = Signal(object, object)
    accessible_role = QAccessible.Role.Chart

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = palette
        self.picture: HeatMap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(360, 200)
        self.setMouseTracking(True)
        self.setAccessibleName("Heat map of the sweep")

    def sizeHint(self) -> QSize:
        return QSize(640, 330)

    def show_map(self, picture: HeatMap) -> None:
        """Paint a heat map from now on."""
        self.picture = picture
        self.setAccessibleDescription(f"Heat map of {picture.color} over {picture.x} and {picture.y}")
        self.update()

    def apply_palette(self, palette: Palette) -> None:
        self._palette = palette
        self.update()

    @property
    def box(self) -> QRectF:
        """The rectangle in which the picture is painted."""
        return QRectF(self.rect()).adjusted(2 * UNIT, UNIT, -2 * UNIT, -UNIT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._palette.color("background"))
        if self.picture is not None:
            paint_heat_map(painter, self.box, self.picture, self._palette)

    def _cell(self, at: QPointF) -> tuple[int, int] | None:
        return None if self.picture is None else cell_at(self.picture, self.box, at.x(), at.y())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hand = self._cell(event.position()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        cell = self._cell(event.position())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self.picture, cell)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell, picture = self._cell(QPointF(event.pos())), self.picture
            if cell is not None and picture is not None:
                value, error = float(picture.values[cell]), float(picture.errors[cell])
                said = format_measured(value, error) if error > 0 else format_number(value)
                where = f"{picture.x} {picture.columns[cell[1]]}, {picture.y} {picture.rows[cell[0]]}"
                text = f"<p>{where}: {said}. Click to open its run.</p>" if value == value else f"<p>{where}</p>"
                QToolTip.showText(event.globalPos(), text, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)
