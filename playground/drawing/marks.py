"""The marks of a prediction on the plane: the point or the modes in question, the predicted place, and the measured one."""

import math

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from playground.drawing.axes import figure_font, paint_label
from playground.drawing.layers import Layer, outlined
from playground.drawing.palette import Palette
from playground.drawing.plane import Plane
from playground.records import record

Place = tuple[float, float]

RADIUS = 8.0  # px
AROUND = 20.0  # px, radius of the circle around a mode
POINT, YOU, MEASURED = "point", "you", "measured"


@record
class Marks(Layer):
    """The places of a prediction, each with its own shape and word, and the distance from the predicted to the measured one.

    Args:
        point: the point that the question is about, a square.
        you: the predicted place, a cross.
        measured: the measured place, a ring.
        modes: (K, 2) the modes that the question is about, each in a broken circle.
    """

    point: Place | None = None
    you: Place | None = None
    measured: Place | None = None
    modes: np.ndarray | None = None

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        point, you, measured = (_on(plane, place) for place in (self.point, self.you, self.measured))
        for mode in () if self.modes is None else plane.to_painter(self.modes).tolist():
            painter.setPen(QPen(palette.color("text", 0.8), 1.5, Qt.PenStyle.DashLine))
            painter.drawEllipse(QPointF(*mode), AROUND, AROUND)
        if you is not None and measured is not None:
            painter.setPen(QPen(palette.color("text", 0.7), 1.5, Qt.PenStyle.DashLine))
            between = QLineF(you, measured)
            between.setLength(max(between.length() - RADIUS, 0.0))  # to the ring's rim
            painter.drawLine(between)
        if point is not None:
            box = QRectF(point.x() - RADIUS + 2, point.y() - RADIUS + 2, 2 * RADIUS - 4, 2 * RADIUS - 4)
            for _ in outlined(painter, palette, "text", 2.0):
                painter.drawRect(box)
        if measured is not None:
            for _ in outlined(painter, palette, "particles", 3.0):
                painter.drawEllipse(measured, RADIUS, RADIUS)
        if you is not None:
            for _ in outlined(painter, palette, "accent", 3.0):
                for slope in (1, -1):
                    reach = QPointF(RADIUS - 1, slope * (RADIUS - 1))
                    painter.drawLine(you - reach, you + reach)
        said = YOU
        if self.you is not None and self.measured is not None:
            said = f"{YOU}, {math.dist(self.you, self.measured):.2g} away"
        # The words of places that are close to each other are on different sides.
        below = you is not None and measured is not None and measured.y() <= you.y()
        _word(painter, plane, palette, point, POINT, "text", True)
        _word(painter, plane, palette, measured, MEASURED, "particles", not below)
        _word(painter, plane, palette, you, said, "accent", below)


def _on(plane: Plane, place: Place | None) -> QPointF | None:
    if place is None or not all(map(math.isfinite, place)):
        return None
    ((x, y),) = plane.to_painter([place]).tolist()
    return QPointF(min(max(x, -1e5), 1e5), min(max(y, -1e5), 1e5))


def _word(
    painter: QPainter, plane: Plane, palette: Palette, place: QPointF | None, word: str, color: str, below: bool
) -> None:
    if place is None:
        return
    font = figure_font(12)
    metrics = QFontMetricsF(font)
    width, height = metrics.horizontalAdvance(word), metrics.height()
    y = place.y() + (RADIUS + 5 if below else -RADIUS - 5 - height)
    left = min(max(place.x() - width / 2, 8), plane.width - width - 8)
    box = QRectF(left, y, width + 1, height)
    painter.setFont(font)
    paint_label(painter, palette, box, word, color, 1)
