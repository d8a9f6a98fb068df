"""The entries above the curves of a chart: which curve is which, or their values under the pointer."""

from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetrics, QPainter, QPen

from playground.drawing.palette import Palette

GAP = 10  # px between two entries
SWATCH = 12.0  # px of the line segment beside its name


class Entry(NamedTuple):
    """Words above the curves, and the swatch beside them: the kind of a series, "upright", or "" for none."""

    color: str
    text: str
    kind: str = ""
    width: float = 2.0


def laid_out(entries: Iterable[Entry], metrics: QFontMetrics, width: float) -> list[tuple[QRectF, Entry]]:
    """The entries with their positions, in as many lines as they need."""
    left, top, found = 0.0, 0.0, []
    for entry in entries:
        across = metrics.horizontalAdvance(entry.text) + (SWATCH + 4 if entry.kind else 0) + 1
        if left and left + across > width:
            left, top = 0.0, top + metrics.height()
        found.append((QRectF(left, top, across, metrics.height()), entry))
        left += across + GAP
    return found


def paint_swatch(painter: QPainter, box: QRectF, entry: Entry, palette: Palette) -> None:
    """The piece of a line or bar beside an entry, so that series differ without colour."""
    middle = round(box.center().y()) + 0.5
    pen = QPen(palette.color(entry.color), entry.width)
    if entry.kind == "bars":
        painter.fillRect(QRectF(box.left() + 2, middle - 4, 8, 8), pen.color())
    elif entry.kind == "upright":
        painter.setPen(pen)
        painter.drawLine(QPointF(box.center().x(), middle - 5), QPointF(box.center().x(), middle + 5))
    elif entry.kind:
        if entry.kind == "dashed":
            pen.setDashPattern([2, 2])
        painter.setPen(pen)
        painter.drawLine(QPointF(box.left(), middle), QPointF(box.right(), middle))
        if entry.kind == "points":
            painter.setBrush(pen.color())
            painter.drawEllipse(box.center(), 2, 2)
