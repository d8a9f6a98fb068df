"""Curves over linear or logarithmic axes, for charts with few points."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QFontMetricsF, QPainter, QPen, QPolygonF

from playground.drawing.axes import figure_font
from playground.drawing.palette import Palette
from playground.lab.chart import Axis

SMALLEST_DECADES = 6  # most labels on the y axis
BAND = 0.25  # opacity of a band of standard errors
POINT = 2.6  # px, radius
LABEL_GAP = 4.0  # px between a label's ends and a curve


@dataclass(frozen=True, eq=False)
class Curve:
    """Points (N,) joined by a line.

    Args:
        color: a token of the palette, or ``#rrggbb``.
        label: written above the right end, or above the left end with `at_start`, as near as it crosses nothing.
        points: whether each point is marked.
        dashed: for a line that was not measured: a bound, a fit.
        error: (N,) what y may be off to either side, painted as a band.
    """

    x: np.ndarray
    y: np.ndarray
    color: str
    label: str = ""
    points: bool = False
    dashed: bool = False
    width: float = 2.0
    at_start: bool = False
    error: np.ndarray | None = None


def inner(box: QRectF, y: Axis, text: float = 11) -> QRectF:
    """The part of a chart inside the labels of its axes."""
    metrics = QFontMetricsF(figure_font(text))
    wide = max((metrics.horizontalAdvance(label) for _, label in y.marks(SMALLEST_DECADES)), default=0.0)
    return box.adjusted(wide + 8, metrics.height() + 4, -8, -metrics.height() - 4)


def paint_chart(
    painter: QPainter, box: QRectF, curves: Sequence[Curve], x: Axis, y: Axis, palette: Palette, text: float = 11
) -> QRectF:
    """Paint axes, grid and curves into a box.

    Args:
        text: size of the letters in pixels.

    Returns:
        The rectangle of the curves, for further painting there.
    """
    plot = inner(box, y, text)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(figure_font(text))
    metrics = painter.fontMetrics()
    line = metrics.height()
    name_width = metrics.horizontalAdvance(x.name)
    marks = [
        (plot.left() + float(x.place(np.array(value))) * plot.width(), label)
        for value, label in x.marks(max(2, int(plot.width() // 48)))
    ]
    free = plot.right() - name_width - 8  # the axis's name is at the end of the row of numbers, or below it
    below = line if any(at + metrics.horizontalAdvance(label) / 2 >= free for at, label in marks) else 0
    plot.setBottom(plot.bottom() - below)
    labels = _labels(metrics, plot, curves, x, y)
    for value, label in y.marks(SMALLEST_DECADES):
        at = plot.bottom() - float(y.place(np.array(value))) * plot.height()
        painter.setPen(QPen(palette.color("border"), 1))
        _paint_grid_line(painter, plot, round(at) + 0.5, [box for box in labels if box is not None])
        painter.setPen(palette.color("muted"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(box.left(), at - line / 2, plot.left() - box.left() - 5, line), right, label)
    for at, label in marks:
        painter.setPen(QPen(palette.color("border"), 1))
        painter.drawLine(QPointF(round(at) + 0.5, plot.bottom()), QPointF(round(at) + 0.5, plot.bottom() + 3))
        painter.setPen(palette.color("muted"))
        painter.drawText(QRectF(at - 40, plot.bottom() + 3, 80, line), Qt.AlignmentFlag.AlignHCenter, label)
    name = QRectF(free, plot.bottom() + 3 + below, name_width + 8, line)
    painter.drawText(name, Qt.AlignmentFlag.AlignRight, x.name)
    painter.drawText(QRectF(box.left(), box.top(), box.width(), line), Qt.AlignmentFlag.AlignLeft, y.name)
    painter.save()
    try:
        painter.setClipRect(plot.adjusted(-4, -4, 4, 4))
        for curve in curves:
            _paint_curve(painter, plot, curve, x, y, palette)
    finally:
        painter.restore()
    for curve, at_label in zip(curves, labels, strict=True):
        if at_label is not None:
            painter.setPen(palette.color(curve.color))
            painter.drawText(at_label.adjusted(0, 0, 2, 0), Qt.AlignmentFlag.AlignLeft, curve.label)
    return plot


def places(plot: QRectF, curve: Curve, x: Axis, y: Axis) -> np.ndarray:
    """The positions of a curve's points in painter units, (N, 2)."""
    across = plot.left() + x.place(curve.x) * plot.width()
    return np.stack([across, plot.bottom() - y.place(curve.y) * plot.height()], axis=1)


def _paint_curve(painter: QPainter, plot: QRectF, curve: Curve, x: Axis, y: Axis, palette: Palette) -> None:
    at = [QPointF(*point) for point in places(plot, curve, x, y).tolist()]
    if curve.error is not None:
        below, above = (
            places(plot, dataclasses.replace(curve, y=np.maximum(edge, y.low)), x, y)
            for edge in (curve.y - curve.error, curve.y + curve.error)
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(curve.color, BAND))
        painter.drawPolygon(QPolygonF([QPointF(*point) for point in (*below.tolist(), *above[::-1].tolist())]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(palette.color(curve.color), curve.width)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if curve.dashed:
        pen.setDashPattern([3, 3])
    painter.setPen(pen)
    painter.drawPolyline(QPolygonF(at))
    if curve.points:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(curve.color))
        for point in at:
            painter.drawEllipse(point, POINT, POINT)


def _paint_grid_line(painter: QPainter, plot: QRectF, at: float, labels: Sequence[QRectF]) -> None:
    """Paint a grid line across the plot, with gaps at the labels."""
    left = plot.left()
    for box in sorted(labels, key=QRectF.left):
        if box.top() <= at <= box.bottom():
            painter.drawLine(QPointF(left, at), QPointF(max(box.left() - 3, left), at))
            left = box.right() + 3
    if left < plot.right():
        painter.drawLine(QPointF(left, at), QPointF(plot.right(), at))


def along(corners: np.ndarray) -> np.ndarray:
    """Points (M, 2) at most 1 px apart on the line that joins the finite ones of some corners (N, 2)."""
    corners = corners[np.isfinite(corners).all(axis=1)]
    if not len(corners):
        return corners
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    steps = np.linspace(0.0, way[-1], math.ceil(way[-1]) + 1)
    return np.stack([np.interp(steps, way, corners[:, axis]) for axis in (0, 1)], axis=1)


def _labels(metrics: QFontMetrics, plot: QRectF, curves: Sequence[Curve], x: Axis, y: Axis) -> list[QRectF | None]:
    """Place the curves' labels, each above the end of its curve or else below it.

    A label is as near to its curve as possible without touching a curve or another label, and without a curve of another
    colour between them. If the plot is too small for that, the label is placed where it covers least.
    """
    lines = [along(places(plot, curve, x, y)) for curve in curves]
    height, taken = metrics.height(), list[QRectF | None]()
    for curve, own in zip(curves, lines, strict=True):
        if not curve.label or not len(own):
            taken.append(None)
            continue
        end = own[0 if curve.at_start else -1]
        width = metrics.horizontalAdvance(curve.label)
        left = min(max(end[0] if curve.at_start else end[0] - width, plot.left() + 2), plot.right() - width)
        above = np.arange(end[1] - height - 5, plot.top() - 2, -1.0)
        below = np.arange(end[1] + 4, plot.bottom() - height)
        tops = np.concatenate([above, below]) if len(above) + len(below) else np.array([plot.top()])
        low, high = tops[:, None], tops[:, None] + height
        covered = np.zeros(len(tops))
        for line, other in zip(lines, curves, strict=True):
            near = (left - LABEL_GAP <= line[:, 0]) & (line[:, 0] <= left + width + LABEL_GAP)
            y_near = line[near, 1]
            covered += ((low <= y_near) & (y_near <= high)).sum(axis=1)
            if other.color != curve.color:
                covered += ((np.minimum(low, end[1]) <= y_near) & (y_near <= np.maximum(high, end[1]))).sum(axis=1)
        for box in taken:
            if box is not None and left < box.right() and box.left() < left + width:
                covered += plot.width() * ((low < box.bottom()) & (box.top() < high))[:, 0]
        taken.append(QRectF(left, float(tops[covered.argmin()]), width, height))
    return taken
