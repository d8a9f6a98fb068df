"""What widgets that paint themselves have in common."""

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from playground.app.style import theme

CENTRE = Qt.AlignmentFlag.AlignCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
"""Where a text stands in its box."""

Ink = QColor | str
"""A colour, or its name in the palette that is shown."""


def smooth(widget: QWidget) -> QPainter:
    """A painter of a widget, with smooth edges."""
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return painter


def inside(widget: QWidget, by: float = 1.0) -> QRectF:
    """A widget's own box, narrower by so many px at each side."""
    return QRectF(widget.rect()).adjusted(by, by, -by, -by)


def paint_text(
    painter: QPainter, box: QRect | QRectF, text: str, ink: Ink = "text", place: Qt.AlignmentFlag = LEFT
) -> None:
    """Paint one line in a box, cut at its end if it does not fit."""
    room = int(box.width()) + 1  # a text that is exactly as wide would be cut
    painter.setPen(_color(ink))
    painter.drawText(box, place, painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room))


def paint_box(
    painter: QPainter,
    box: QRectF,
    radius: float,
    fill: Ink | None = None,
    line: Ink | None = None,
    width: float = 1.0,
) -> None:
    """Paint a box with round corners: filled, with a line around it, or both. Leaves its pen and brush.

    Args:
        radius: px of the corners.
        width: px of the line.
    """
    painter.setPen(Qt.PenStyle.NoPen if line is None else QPen(_color(line), width))
    painter.setBrush(Qt.BrushStyle.NoBrush if fill is None else _color(fill))
    painter.drawRoundedRect(box, radius, radius)


def paint_disc(
    painter: QPainter,
    centre: QPointF,
    radius: float,
    fill: Ink | None = None,
    line: Ink | None = None,
    width: float = 1.0,
) -> None:
    """Paint a disc like :func:`paint_box`."""
    side = QPointF(radius, radius)
    paint_box(painter, QRectF(centre - side, centre + side), radius, fill, line, width)


def _color(ink: Ink) -> QColor:
    return theme.color(ink) if isinstance(ink, str) else ink
