"""The entries above the curves of a chart: which curve is which, or their values under the pointer."""

from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from playground.drawing.palette import Palette
from playground.lab.chart import Chart, Series

GAP = 10  # px between two entries
SWATCH, LONG = 12.0, 22.0  # px of the line segment beside a name, without and with a category's mark on it
POINT, MARK = 2.5, 3.6  # px, half the size of a point and of a category's mark
SHAPES = (
    (),  # a disc
    ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    ((0, -1.25), (1.15, 0.9), (-1.15, 0.9)),
    ((0, -1.35), (1.35, 0), (0, 1.35), (-1.35, 0)),
    ((-1.15, -0.9), (1.15, -0.9), (0, 1.25)),
    ((-1.3, -0.5), (1.3, -0.5), (1.3, 0.5), (-1.3, 0.5)),
    ((-0.5, -1.3), (0.5, -1.3), (0.5, 1.3), (-0.5, 1.3)),
    ((-1.2, 0), (-0.6, -1), (0.6, -1), (1.2, 0), (0.6, 1), (-0.6, 1)),
)
"""A mark for each category, so that no line is told by its colour alone."""


class Entry(NamedTuple):
    """Words above the curves, and beside them a swatch of a series; without one, a vertical line if `width` is above 0."""

    text: str
    color: str = "muted"
    of: Series | None = None
    width: float = 0.0

    @property
    def swatch(self) -> float:
        """Its width in pixels."""
        if self.of is None:
            return SWATCH if self.width else 0.0
        return SWATCH if self.of.category is None else LONG


def color_of(one: Series, palette: Palette, alpha: float = 1.0) -> QColor:
    """The colour of a series."""
    if one.category is None:
        return palette.color(one.color, alpha)
    return palette.color(palette.categories[one.category % len(palette.categories)], alpha)


def mark_of(one: Series) -> tuple[QPainterPath | None, float]:
    """The mark of a series' points in a square of side 1, None if they have none; and half its size in pixels."""
    if one.category is None and one.kind not in ("points", "dots"):
        return None, 0.0
    path, corners = QPainterPath(), SHAPES[(one.category or 0) % len(SHAPES)]
    if corners:
        path.addPolygon(QPolygonF([QPointF(*corner) / 2 for corner in (*corners, corners[0])]))
    else:
        path.addEllipse(QPointF(0, 0), 0.5, 0.5)
    return path, one.width if one.kind == "dots" else POINT if one.category is None else MARK


def entries_of(chart: Chart) -> list[Entry]:
    """The name of the y axis, and each series."""
    names = [Entry(one.legend or one.name, of=one) for one in chart.listed]
    return [*([Entry(chart.y.name)] if chart.y.name else []), *names, *([Entry(chart.note)] if chart.note else [])]


def laid_out(entries: Iterable[Entry], metrics: QFontMetricsF, width: float) -> list[tuple[QRectF, Entry]]:
    """The entries with their positions, in as many lines as they need."""
    left, top, found = 0.0, 0.0, []
    for entry in entries:
        across = metrics.horizontalAdvance(entry.text) + (entry.swatch + 4 if entry.swatch else 0) + 1
        if left and left + across > width:
            left, top = 0.0, top + metrics.height()
        found.append((QRectF(left, top, across, metrics.height()), entry))
        left += across + GAP
    return found


def paint_legend(
    painter: QPainter, placed: Iterable[tuple[QRectF, Entry]], palette: Palette, color: str = "muted"
) -> None:
    """Paint entries with a piece of their line or bar, so that series differ without colour."""
    for box, entry in placed:
        painter.setPen(palette.color(color))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight, entry.text)
        one, half = entry.of, QPointF(entry.swatch / 2, 0)
        middle = QPointF(box.left(), round(box.center().y()) + 0.5) + half
        if one is None:
            if entry.width:
                painter.setPen(QPen(palette.color(entry.color), entry.width))
                painter.drawLine(middle - QPointF(0, 5), middle + QPointF(0, 5))
            continue
        pen = QPen(color_of(one, palette), one.width)
        if one.kind == "bars":
            painter.fillRect(QRectF(middle.x() - 4, middle.y() - 4, 8, 8), pen.color())
            continue
        if one.kind == "dashed":
            pen.setDashPattern([2, 2])
        painter.setPen(pen)
        if one.kind != "dots":
            painter.drawLine(middle - half, middle + half)
        mark, size = mark_of(one)
        if mark is not None:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.translate(middle)
            painter.scale(2 * size, 2 * size)
            painter.fillPath(mark, pen.color())
            painter.restore()
