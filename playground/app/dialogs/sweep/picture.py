"""The heat map of a sweep in its window."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QMouseEvent, QPainter

from playground.app.style import theme
from playground.app.style.theme import UNIT
from playground.app.style.wrapping import wrapped
from playground.app.widgets.cells import Cells
from playground.drawing.heat_map import HeatMap, inside, measured, paint_heat_map


class SweepMap(Cells):
    """Paints one heat map. A click on a cell opens its run, as Return does for the cell that arrow keys chose.

    Signals:
        opened(int): the number of the sweep's cell that it stands for; -1 if there is none.
    """

    opened = Signal(int)
    accessible_role = QAccessible.Role.Chart

    def __init__(self) -> None:
        super().__init__(
            "Heat map of the sweep", "Click a cell, or choose it by arrow keys and press Return, for its run."
        )
        self.picture: HeatMap | None = None
        self.setMinimumSize(360, 200)
        self.setMouseTracking(True)

    def sizeHint(self) -> QSize:
        return QSize(640, 330)

    def show_map(self, picture: HeatMap) -> None:
        """Paint a heat map from now on."""
        self.picture = picture
        self.shape = picture.values.shape
        self.chosen = min(self.chosen or 0, picture.values.size - 1)
        self.show_change()

    @property
    def _room(self) -> QRectF:
        """The rectangle in which the picture is painted."""
        return QRectF(self.rect()).adjusted(2 * UNIT, UNIT, -2 * UNIT, -UNIT)

    def box(self) -> QRectF:
        return QRectF() if self.picture is None else inside(self.picture, self._room)

    def words(self) -> str:
        picture = self.picture
        if picture is None:
            return ""
        return f"Heat map of {picture.color} over {picture.x} and {picture.y}. {self._said(self.chosen or 0)}"

    def _said(self, number: int) -> str:
        """What stands in a cell."""
        picture, place = self.picture, divmod(number, self.shape[1])
        assert picture is not None
        where = f"{picture.x} {picture.columns[place[1]]}, {picture.y} {picture.rows[place[0]]}"
        value, error = float(picture.values[place]), float(picture.errors[place])
        if value != value:
            return where
        return f"{where}: {measured(value, error)}."

    def tip(self, number: int) -> str:
        said = self._said(number)
        return wrapped(said, "Click to open its run." if said.endswith(".") else "")

    def paint(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), theme.color("background"))
        if self.picture is not None:
            paint_heat_map(painter, self._room, self.picture, theme.palette())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hand = self.at(event.position()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)

    def open(self, number: int) -> None:
        super().open(number)
        if self.picture is not None:
            self.opened.emit(int(self.picture.cells.flat[number]))
