"""A faint grid, and axis numbers at the edges of a picture."""

import functools
import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPen

from playground.drawing.fonts import number_font
from playground.drawing.palette import Palette
from playground.drawing.plane import Plane
from playground.drawing.vectors import is_vector
from playground.lab.chart import nice_step, ticks

SPACING = 92  # approximate painter units between ticks


def rounded_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten at or above a value; 1 for 0.

    >>> rounded_up(1.2), rounded_up(0.5), rounded_up(60.0), rounded_up(0.0)
    (2.0, 0.5, 100.0, 1.0)
    """
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= value * (1 - 1e-12))


def figure_font(pixels: float, bold: bool = False) -> QFont:
    """The program's typeface with digits of equal width, so that changing numbers do not jitter."""
    return number_font(pixels, QFont.Weight.DemiBold if bold else QFont.Weight.Normal)


def caption_height(lines: int) -> float:
    """Height of a caption of so many lines with its distance to the lower edge, in painter units."""
    return 30 + lines * (QFontMetricsF(figure_font(12)).height() + 2) + 6


def paint_grid(painter: QPainter, plane: Plane, palette: Palette) -> None:
    """Paint the grid lines of a plane."""
    for places, vertical in zip(ticks_of(plane), (True, False), strict=True):
        for value, _, place in places:
            painter.setPen(QPen(palette.color("text", 0.10 if value == 0 else 0.045), 1))
            edge = math.floor(place) + 0.5
            ends = (edge, 0, edge, plane.height) if vertical else (0, edge, plane.width, edge)
            painter.drawLine(QPointF(ends[0], ends[1]), QPointF(ends[2], ends[3]))


def ticks_of(plane: Plane) -> tuple[list[tuple[float, str, float]], list[tuple[float, str, float]]]:
    """The ticks of the x axis and of the y axis: value, label and position in painter units."""
    x0, x1, y0, y1 = plane.viewport
    step_x, step_y = (nice_step(SPACING / abs(scale)) for scale in plane.scale)
    across = [(value, label, plane.to_painter((value, y0))[0]) for value, label in ticks(x0, x1, step_x)]
    upward = [(value, label, plane.to_painter((x0, value))[1]) for value, label in ticks(y0, y1, step_y)]
    return across, upward


def paint_numbers(painter: QPainter, plane: Plane, names: tuple[str, str], palette: Palette) -> None:
    """Paint the numbers and names of both axes; thumbnails have none."""
    width, height = plane.width, plane.height
    if width < 160 or height < 120:
        return
    across, upward = ticks_of(plane)
    font = figure_font(11)
    metrics = QFontMetricsF(font)
    line = metrics.height()
    painter.setFont(font)
    name_x = metrics.horizontalAdvance(names[0]) + 24
    for _, label, place in across:
        half = metrics.horizontalAdvance(label) / 2
        if half + 36 < place < width - half - name_x:
            paint_label(painter, palette, QRectF(place - half, height - line - 3, 2 * half, line), label)
    for _, label, place in upward:
        if line + 8 + line / 2 < place < height - line - 10:
            box = QRectF(6, place - line / 2, metrics.horizontalAdvance(label), line)
            paint_label(painter, palette, box, label)
    painter.setFont(figure_font(11, bold=True))
    metrics = QFontMetricsF(painter.font())
    name_width = metrics.horizontalAdvance(names[0])
    paint_label(painter, palette, QRectF(width - name_width - 8, height - line - 3, name_width, line), names[0])
    paint_label(painter, palette, QRectF(6, 6, metrics.horizontalAdvance(names[1]), line), names[1])


def paint_label(
    painter: QPainter, palette: Palette, box: QRectF, text: str, color: str = "muted", down: float = 0.0
) -> None:
    """Paint one line over a patch of background, which is taller than its box by `down` on both sides."""
    text_background(painter, palette, box.adjusted(-4, -down, 4, down), 3)
    painter.setPen(palette.color(color))
    painter.drawText(box.adjusted(-2, 0, 2, 0), Qt.AlignmentFlag.AlignCenter, text)


OPAQUE = 0.88  # of a patch below text: muted text on it reaches 4.5:1 over every colour of the canvas


def text_background(painter: QPainter, palette: Palette, box: QRectF, radius: float) -> None:
    """Paint a translucent patch of background, on whole pixels, so that text is readable over arrows and density."""
    if is_vector(painter):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color("background", OPAQUE))
        painter.drawRoundedRect(box, radius, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        return
    target = box.toAlignedRect()
    ratio = painter.device().devicePixelRatio()
    painter.drawImage(target.topLeft(), _patch(palette, target.width(), target.height(), radius, ratio))


@functools.lru_cache(maxsize=64)
def _patch(palette: Palette, width: int, height: int, radius: float, ratio: float) -> QImage:
    """An image of a rounded rectangle. Painting it as a path would take 0.4 ms in every frame."""
    image = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(0)
    with QPainter(image) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color("background", OPAQUE))
        painter.drawRoundedRect(0, 0, width, height, radius, radius)
    return image
