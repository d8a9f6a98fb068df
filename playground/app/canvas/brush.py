"""The tool of the left button that paints data."""

from PySide6.QtCore import QObject, QPointF, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from playground.drawing.palette import Palette
from playground.drawing.plane import Plane

STEP = 1.15  # for one notch of the wheel
RANGE = (0.003, 0.3)  # radius as a fraction of the view's height
SPACING = (
    1 / 3
)  # of the radius between two points: closer ones add nothing to the density, but cost time in every later step


class Brush(QObject):
    """The brush's radius, in the user's units, and the stroke that is being painted.

    Args:
        surface: the widget on which it paints.

    Signals:
        stroked(list): the points (x, y) of the stroke so far; none if it was cancelled.
        ended(list, float): the points of a stroke, and its radius.
        radius_changed(float): the wheel or a key changed it.
    """

    stroked = Signal(object)
    ended = Signal(object, float)
    radius_changed = Signal(float)

    def __init__(self, surface: QWidget) -> None:
        super().__init__(surface)
        self._surface = surface
        self.radius = 0.05
        self.is_on = False  # whether it is the chosen tool
        self._stroke: list[tuple[float, float]] = []

    @property
    def paints(self) -> bool:
        """Whether a stroke is being painted."""
        return bool(self._stroke)

    def hold(self, on: bool) -> None:
        """Choose it as the tool, or put it down; a stroke that is being painted is given up."""
        self.is_on = on
        self.cancel()

    def set_radius(self, radius: float) -> None:
        """Set the radius, in the user's units, > 0."""
        self.radius = radius
        self._surface.update()

    def extend(self, plane: Plane, position: QPointF) -> None:
        """Begin a stroke, or lead it to a position of the widget."""
        if self._stroke:
            x, y = plane.to_painter(self._stroke[-1]).tolist()
            if (position - QPointF(x, y)).manhattanLength() < max(2.0, SPACING * self.radius * plane.scale[0]):
                return
        self._stroke.append(plane.to_user(position.x(), position.y()))
        self.stroked.emit(list(self._stroke))

    def end(self) -> None:
        """Finish the stroke."""
        stroke, self._stroke = self._stroke, []
        self.stroked.emit([])
        self.ended.emit(stroke, self.radius)

    def cancel(self) -> None:
        """Drop the stroke."""
        if self._stroke:
            self._stroke = []
            self.stroked.emit([])

    def turn(self, notches: float, height: float) -> None:
        """Enlarge the radius by notches of the wheel, within bounds in a view of this height."""
        low, high = (fraction * height for fraction in RANGE)
        self.set_radius(min(max(self.radius * STEP**notches, low), high))
        self.radius_changed.emit(self.radius)

    def paint(self, painter: QPainter, plane: Plane, pointer: QPointF, colors: Palette) -> None:
        """Draw the circle around the pointer."""
        radius = max(self.radius * plane.scale[0], 1.5)
        for width, name, alpha in ((3.0, "background", 0.6), (1.5, "data", 1.0)):
            painter.setPen(QPen(colors.color(name, alpha), width))
            painter.drawEllipse(pointer, radius, radius)
