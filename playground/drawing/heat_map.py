"""Heat maps with their numbers: pictures, not charts, because their axes have names in place of numbers."""

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from playground.drawing.axes import figure_font
from playground.drawing.color_scale import number
from playground.drawing.palette import Palette, value_colors

TEXT = 12.0  # px, of the letters


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Cells of two axes, coloured by a number that stands in them.

    Attributes:
        x, y, color: the names of the axes and of the number.
        columns, rows: the values of the two axes.
        values, errors: (rows, columns), nan where nothing is known.
        log: whether colours go by the logarithm.
        cells: (rows, columns) the numbers of the sweep's cells that they stand for, -1 where there is none.
    """

    x: str
    y: str
    color: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    values: np.ndarray
    errors: np.ndarray
    log: bool
    cells: np.ndarray


def cell_box(picture: HeatMap, box: QRectF, row: int, column: int) -> QRectF:
    """The rectangle of a heat map's cell; the first row is the lowest."""
    metrics = QFontMetricsF(figure_font(TEXT))
    left = max(metrics.horizontalAdvance(name) for name in picture.rows) + 10
    line, (rows, columns) = metrics.height(), picture.values.shape
    area = box.adjusted(left, 2 * line + 8, -2, -2 * line - 8)
    wide, tall = area.width() / columns, area.height() / rows
    return QRectF(area.left() + column * wide, area.bottom() - (row + 1) * tall, wide, tall)


def paint_heat_map(painter: QPainter, box: QRectF, picture: HeatMap, palette: Palette) -> None:
    """Paint a heat map into a box."""
    first, font = cell_box(picture, box, 0, 0), figure_font(TEXT)
    metrics = QFontMetricsF(font)
    line = metrics.height()
    painter.setFont(font)
    known = picture.values[np.isfinite(picture.values)]
    bent = np.log(known) if picture.log else known
    low, high = float(bent.min()), float(bent.max())
    colors = value_colors(palette)
    _, columns = picture.values.shape
    wide, tall = first.width(), first.height()
    center = Qt.AlignmentFlag.AlignCenter
    painter.setPen(palette.color("text"))
    painter.drawText(QRectF(box.left(), box.top(), box.width(), line), Qt.AlignmentFlag.AlignLeft, picture.color)
    painter.setPen(palette.color("muted"))
    painter.drawText(QRectF(box.left(), box.top() + line + 2, box.width(), line), Qt.AlignmentFlag.AlignLeft, picture.y)
    last = QRectF(box.left(), box.bottom() - line, box.width() - 2, line)
    painter.drawText(last, Qt.AlignmentFlag.AlignRight, picture.x)
    for column, name in enumerate(picture.columns):
        painter.drawText(QRectF(first.left() + column * wide, first.bottom() + 4, wide, line), center, name)
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for row, name in enumerate(picture.rows):
        top = first.top() - row * tall
        painter.setPen(palette.color("muted"))
        painter.drawText(QRectF(box.left(), top, first.left() - box.left() - 8, tall), right, name)
        for column in range(columns):
            place = QRectF(first.left() + column * wide, top, wide, tall).adjusted(1, 1, -1, -1)
            value, error = float(picture.values[row, column]), float(picture.errors[row, column])
            if not np.isfinite(value):
                painter.fillRect(place, palette.color("border"))
                continue
            share = ((np.log(value) if picture.log else value) - low) / ((high - low) or 1.0)
            ground = QColor(int(colors[round(255 * share)]))
            painter.fillRect(place, ground)
            said = _measured(value, error)
            if metrics.horizontalAdvance(said) > wide - 6:
                said = number(value)
            if metrics.horizontalAdvance(said) <= wide - 4 and line <= tall:
                painter.setPen(_readable(ground))
                painter.drawText(place, center, said)


def _measured(value: float, error: float) -> str:
    """A value, rounded to one digit of its error if that is known.

    >>> _measured(1.9234, 0.071), _measured(33.2, 4.3), _measured(0.86, 0.0)
    ('1.92 ± 0.07', '33 ± 4', '0.86')
    """
    if not 1e-4 <= error < 1e4:
        return number(value)
    places = max(-math.floor(math.log10(error)), 0)
    return f"{value:.{places}f} ± {error:.{places}f}".replace("-", "−")


def _readable(ground: QColor) -> QColor:
    """Black or white, whichever has the higher contrast with a colour (WCAG 2.1, relative luminance)."""
    parts = ground.redF(), ground.greenF(), ground.blueF()
    channels = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    return QColor("#000000" if luminance > 0.179 else "#ffffff")
