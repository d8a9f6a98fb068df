"""The scale of the density layer: which colour stands for which density, in numbers and their unit."""

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter

from playground.drawing.axes import figure_font, text_background
from playground.drawing.palette import Palette, density_colors
from playground.drawing.plane import Plane

LENGTH, THICKNESS = 132.0, 8.0  # painter units
SMALLEST = 320.0, 240.0  # of a picture that carries one
HEIGHT = 52.0
"""Painter units that it takes of the top right corner."""
SHOWN = 0.75
"""Power of p over its peak that the colour grows with: tails show a little more than they would in proportion."""


def fits(plane: Plane) -> bool:
    """Whether the picture is large enough to carry a scale."""
    return plane.width >= SMALLEST[0] and plane.height >= SMALLEST[1]


def paint_scale(painter: QPainter, plane: Plane, palette: Palette, peak: float, axes: tuple[str, str]) -> None:
    """Paint the scale into the top right corner, from 0 to the peak, with the numbers even in p.

    Args:
        peak: the largest density in the picture, per unit of both axes.
        axes: names of the two coordinates, whose units are the data's own.
    """
    left, top = plane.width - LENGTH - 26, 12.0
    text_background(painter, palette, QRectF(left - 14, top - 4, LENGTH + 30, HEIGHT - 6), 6)
    font = figure_font(11)
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    painter.setPen(palette.color("muted"))
    unit = "unit²" if axes == ("x", "y") else " × ".join(axes)
    title = metrics.elidedText(f"density p per {unit}", Qt.TextElideMode.ElideRight, LENGTH + 12)
    line = metrics.height()
    painter.drawText(QRectF(left - 6, top, LENGTH + 12, line), Qt.AlignmentFlag.AlignCenter, title)
    bar = QRectF(left, top + line + 3, LENGTH, THICKNESS)
    painter.drawImage(bar, _bar(palette))
    for share, flag in ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0)):
        text = number(share * peak)
        width = metrics.horizontalAdvance(text)
        place = bar.left() + share * LENGTH
        painter.drawLine(QPointF(place, bar.bottom()), QPointF(place, bar.bottom() + 2))
        x = min(max(place - flag * width, left - 10), left + LENGTH + 10 - width)
        painter.drawText(QPointF(x, bar.bottom() + 3 + metrics.ascent()), text)


def number(value: float) -> str:
    """Two digits of a density, in as few characters as they take.

    >>> number(0.0), number(0.316), number(12.4), number(3.2e-5), number(123456.0)
    ('0', '0.32', '12', '3.2e−5', '1.2e5')
    """
    if value == 0:
        return "0"
    if 1e-2 <= abs(value) < 1e4:
        rounded = float(f"{value:.1e}")
        return f"{rounded:.{max(0, 1 - math.floor(math.log10(abs(rounded))))}f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def _bar(palette: Palette) -> QImage:
    """A row of pixels, one for each of 256 equal steps of p."""
    levels = np.round(255 * np.linspace(0, 1, 256) ** SHOWN).astype(int)
    row = np.ascontiguousarray(density_colors(palette)[levels])
    return QImage(row.data, 256, 1, 4 * 256, QImage.Format.Format_RGB32).copy()
