"""The scales of a picture: the number that each colour stands for, in the user's units."""

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from playground.drawing.axes import figure_font, text_background
from playground.drawing.palette import Palette
from playground.drawing.plane import Plane

LENGTH, THICKNESS = 132.0, 8.0  # painter units
SMALLEST = 320.0, 240.0  # smallest size of a picture with a scale
ROW, WHEEL = 16.0, 26.0  # painter units of a row of a key, and the radius of its circle
HEIGHT = 52.0
"""Height of one scale in the top right corner, in painter units; the next is below it."""


@dataclass(frozen=True, eq=False)
class ColorScale:
    """A bar of colours with numbers below it.

    Args:
        title: the quantity and its unit.
        colors: (256,) uint32 of 0xffRRGGBB from left to right.
        numbers: the position of each number along the bar, from 0 to 1, and its text; overlapping ones are left out.
        marks: positions with a mark and no number.
    """

    title: str
    colors: np.ndarray
    numbers: tuple[tuple[float, str], ...]
    marks: tuple[float, ...] = ()


def fits(plane: Plane) -> bool:
    """Whether the picture is large enough for a scale."""
    return plane.width >= SMALLEST[0] and plane.height >= SMALLEST[1]


@dataclass(frozen=True)
class ColorKey:
    """Colours with their meanings in words.

    Args:
        title: the quantity that the colours show.
        colors: (K,) of 0xffRRGGBB.
        names: one for each colour; none if the colours are the sectors of a circle, anticlockwise from the right.
    """

    title: str
    colors: tuple[int, ...]
    names: tuple[str, ...] = ()

    @property
    def height(self) -> float:
        """Painter units that it takes."""
        return 24.0 + (2 * WHEEL + 10 if not self.names else ROW * len(self.names) + 6)


def paint_key(painter: QPainter, plane: Plane, palette: Palette, key: ColorKey, above: float = 0.0) -> None:
    """Paint a key at the right edge.

    Args:
        above: painter units of the scales above it.
    """
    left, top = plane.width - LENGTH - 26, 12.0 + above
    text_background(painter, palette, QRectF(left - 14, top - 4, LENGTH + 30, key.height), 6)
    font = figure_font(11)
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    painter.setPen(palette.color("muted"))
    line = metrics.height()
    title = metrics.elidedText(key.title, Qt.TextElideMode.ElideRight, LENGTH + 20)
    painter.drawText(QRectF(left - 10, top, LENGTH + 20, line), Qt.AlignmentFlag.AlignCenter, title)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    top += line + 4
    if not key.names:
        wheel = QRectF(left + LENGTH / 2 - WHEEL, top, 2 * WHEEL, 2 * WHEEL)
        painter.setPen(Qt.PenStyle.NoPen)
        span = 16 * 360 / len(key.colors)
        for number, color in enumerate(key.colors):
            painter.setBrush(QColor(color))
            painter.drawPie(wheel, round(number * span), round(span))
        return
    for number, (color, name) in enumerate(zip(key.colors, key.names, strict=True)):
        middle = top + (number + 0.5) * ROW
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        painter.drawEllipse(QPointF(left + 2, middle), 4.0, 4.0)
        painter.setPen(palette.color("text"))
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, LENGTH - 4)
        painter.drawText(QPointF(left + 14, middle + metrics.ascent() / 2 - 1), text)


def paint_scale(painter: QPainter, plane: Plane, palette: Palette, scale: ColorScale, place: int = 0) -> None:
    """Paint a scale into the top right corner.

    Args:
        place: the number of scales above it.
    """
    left, top = plane.width - LENGTH - 26, 12.0 + place * HEIGHT
    text_background(painter, palette, QRectF(left - 14, top - 4, LENGTH + 30, HEIGHT - 6), 6)
    font = figure_font(11)
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    painter.setPen(palette.color("muted"))
    title = metrics.elidedText(scale.title, Qt.TextElideMode.ElideRight, LENGTH + 20)
    line = metrics.height()
    painter.drawText(QRectF(left - 10, top, LENGTH + 20, line), Qt.AlignmentFlag.AlignCenter, title)
    bar = QRectF(left, top + line + 3, LENGTH, THICKNESS)
    row = np.ascontiguousarray(scale.colors, np.uint32)
    painter.drawImage(bar, QImage(row.data, len(row), 1, 4 * len(row), QImage.Format.Format_RGB32))
    for share in (*scale.marks, *(share for share, _ in scale.numbers)):
        x = bar.left() + share * LENGTH
        painter.drawLine(QPointF(x, bar.bottom()), QPointF(x, bar.bottom() + 2))
    for x, text in _placed(scale, metrics, left):
        painter.drawText(QPointF(x, bar.bottom() + 3 + metrics.ascent()), text)


def _placed(scale: ColorScale, metrics: QFontMetricsF, left: float) -> list[tuple[float, str]]:
    """Return the start and the text of each number: the two outer ones first, then those that have room."""
    last = len(scale.numbers) - 1
    order = sorted(range(last + 1), key=lambda number: (number not in (0, last), number))
    taken: list[tuple[float, float]] = []
    found = []
    for number in order:
        share, text = scale.numbers[number]
        width = metrics.horizontalAdvance(text)
        x = min(max(left + share * LENGTH - width / 2, left - 10), left + LENGTH + 10 - width)
        if all(x > end + 5 or x + width < start - 5 for start, end in taken):
            taken.append((x, x + width))
            found.append((x, text))
    return found


def number(value: float) -> str:
    """A density with two digits, in as few characters as possible.

    >>> number(0.0), number(0.316), number(12.4), number(3.2e-5), number(123456.0)
    ('0', '0.32', '12', '3.2e−5', '1.2e5')
    """
    if value == 0:
        return "0"
    if 1e-2 <= abs(value) < 1e4:
        rounded = float(f"{value:.1e}")
        return f"{rounded:.{max(0, 1 - math.floor(math.log10(abs(rounded))))}f}".replace("-", "−")
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")
