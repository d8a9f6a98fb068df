"""The legends of a picture: what each colour stands for, in numbers of the user's units or in words."""

import math
from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from playground.drawing.axes import figure_font, text_background
from playground.drawing.palette import Palette
from playground.drawing.pixel_buffers import image_of
from playground.drawing.plane import Plane
from playground.records import record

LENGTH, THICKNESS = 132.0, 8.0  # painter units
SMALLEST = 320.0, 240.0  # smallest size of a picture with a legend
ROW, WHEEL = 16.0, 26.0  # painter units of a row of a key, and the radius of its circle
HEIGHT, GAP = 52.0, 6.0  # painter units of a scale with the gap below it, and of the gap


@record
class Legend:
    """What says which colour is what, in the top right corner.

    Args:
        title: the quantity that the colours show, with its unit.
    """

    title: str

    @property
    def height(self) -> float:
        """Painter units that it takes, with the gap below it."""
        raise NotImplementedError

    def paint(self, painter: QPainter, plane: Plane, palette: Palette, above: float) -> None:
        """Paint it below what takes `above` painter units."""
        left, top = plane.width - LENGTH - 26, 12.0 + above
        text_background(painter, palette, QRectF(left - 14, top - 4, LENGTH + 30, self.height - GAP), 6)
        painter.setFont(figure_font(11))
        painter.setPen(palette.color("muted"))
        metrics = QFontMetricsF(painter.font())
        title = metrics.elidedText(self.title, Qt.TextElideMode.ElideRight, LENGTH + 20)
        painter.drawText(QRectF(left - 10, top, LENGTH + 20, metrics.height()), Qt.AlignmentFlag.AlignCenter, title)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self._paint_colors(painter, palette, metrics, left, top + metrics.height() + 4)

    def _paint_colors(
        self, painter: QPainter, palette: Palette, metrics: QFontMetricsF, left: float, top: float
    ) -> None:
        raise NotImplementedError


@record
class ColorScale(Legend):
    """A bar of colours with numbers below it.

    Args:
        colors: (256,) uint32 of 0xffRRGGBB from left to right.
        numbers: the position of each number along the bar, from 0 to 1, and its text; overlapping ones are left out.
    """

    colors: np.ndarray
    numbers: tuple[tuple[float, str], ...]

    @property
    def height(self) -> float:
        return HEIGHT

    def _paint_colors(
        self, painter: QPainter, palette: Palette, metrics: QFontMetricsF, left: float, top: float
    ) -> None:
        bar = QRectF(left, top - 1, LENGTH, THICKNESS)
        painter.drawImage(bar, image_of(self.colors[None]))
        for share, _ in self.numbers:
            x = bar.left() + share * LENGTH
            painter.drawLine(QPointF(x, bar.bottom()), QPointF(x, bar.bottom() + 2))
        for x, text in _placed(self, metrics, left):
            painter.drawText(QPointF(x, bar.bottom() + 3 + metrics.ascent()), text)


@record
class ColorKey(Legend):
    """Colours with their meanings in words.

    Args:
        colors: (K,) of 0xffRRGGBB.
        names: one for each colour; none if the colours are the sectors of a circle, anticlockwise from the right.
    """

    colors: tuple[int, ...]
    names: tuple[str, ...] = ()

    @property
    def height(self) -> float:
        return 24.0 + GAP + (ROW * len(self.names) + 6 if self.names else 2 * WHEEL + 10)

    def _paint_colors(
        self, painter: QPainter, palette: Palette, metrics: QFontMetricsF, left: float, top: float
    ) -> None:
        if not self.names:
            wheel = QRectF(left + LENGTH / 2 - WHEEL, top, 2 * WHEEL, 2 * WHEEL)
            painter.setPen(Qt.PenStyle.NoPen)
            span = 16 * 360 / len(self.colors)
            for number, color in enumerate(self.colors):
                painter.setBrush(QColor(color))
                painter.drawPie(wheel, round(number * span), round(span))
            return
        names = [metrics.elidedText(name, Qt.TextElideMode.ElideRight, LENGTH - 4) for name in self.names]
        paint_key(painter, palette, zip(map(QColor, self.colors), names, strict=True), QPointF(left + 2, top), ROW)


def paint_key(
    painter: QPainter, palette: Palette, meanings: Iterable[tuple[QColor, str]], corner: QPointF, row: float
) -> None:
    """Paint colours as discs, each with its meaning beside it, in rows below a corner."""
    for number, (color, meaning) in enumerate(meanings):
        middle = corner + QPointF(0, (number + 0.5) * row)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(middle, 4.0, 4.0)
        painter.setPen(palette.color("text"))
        painter.drawText(middle + QPointF(12, QFontMetricsF(painter.font()).ascent() / 2 - 1), meaning)


def fits(plane: Plane) -> bool:
    """Whether the picture is large enough for a legend."""
    return plane.width >= SMALLEST[0] and plane.height >= SMALLEST[1]


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
