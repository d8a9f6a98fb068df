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
        columns, rows: the values of the two axes; the last row is the lowest.
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


def cell_box(box: QRectF, shape: tuple[int, ...], place: tuple[int, ...]) -> QRectF:
    """The cell in a row and column (both from 0) of a box that is divided into cells (rows, columns)."""
    (rows, columns), (row, column) = shape, place
    wide, tall = box.width() / columns, box.height() / rows
    return QRectF(box.left() + column * wide, box.top() + row * tall, wide, tall)


def inside(picture: HeatMap, box: QRectF) -> QRectF:
    """The rectangle of all cells of a heat map in a box; its names are around it."""
    metrics = QFontMetricsF(figure_font(TEXT))
    left = max(metrics.horizontalAdvance(name) for name in picture.rows) + 10
    line = metrics.height()
    return box.adjusted(left, 2 * line + 8, -2, -2 * line - 8)


def paint_heat_map(painter: QPainter, box: QRectF, picture: HeatMap, palette: Palette) -> None:
    """Paint a heat map into a box."""
    area, font = inside(picture, box), figure_font(TEXT)
    metrics = QFontMetricsF(font)
    line, shape = metrics.height(), picture.values.shape
    painter.setFont(font)
    known = picture.values[np.isfinite(picture.values)]
    bent = np.log(known) if picture.log else known
    low, high = float(bent.min()), float(bent.max())
    colors = value_colors(palette)
    center = Qt.AlignmentFlag.AlignCenter
    painter.setPen(palette.color("text"))
    painter.drawText(box, Qt.AlignmentFlag.AlignLeft, picture.color)
    painter.setPen(palette.color("muted"))
    painter.drawText(box.adjusted(0, line + 2, 0, 0), Qt.AlignmentFlag.AlignLeft, picture.y)
    painter.drawText(box.adjusted(0, 0, -2, 0), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, picture.x)
    for column, name in enumerate(picture.columns):
        place = cell_box(area, shape, (shape[0] - 1, column))
        painter.drawText(QRectF(place.left(), area.bottom() + 4, place.width(), line), center, name)
    for row, name in enumerate(picture.rows):
        place = cell_box(area, shape, (row, 0))
        names = QRectF(box.left(), place.top(), area.left() - box.left() - 8, place.height())
        painter.drawText(names, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)
    for row, column in np.ndindex(shape):
        place = cell_box(area, shape, (row, column)).adjusted(1, 1, -1, -1)
        value, error = float(picture.values[row, column]), float(picture.errors[row, column])
        if not np.isfinite(value):
            painter.fillRect(place, palette.color("border"))
            continue
        share = ((np.log(value) if picture.log else value) - low) / ((high - low) or 1.0)
        ground = QColor(int(colors[round(255 * share)]))
        painter.fillRect(place, ground)
        said = measured(value, error)
        if metrics.horizontalAdvance(said) > place.width() - 4:
            said = number(value)
        if metrics.horizontalAdvance(said) <= place.width() - 2 and line <= place.height() + 2:
            painter.setPen(_readable(ground))
            painter.drawText(place, center, said)


def measured(value: float, error: float) -> str:
    """A value, rounded to one digit of its error if that is known.

    >>> measured(1.9234, 0.071), measured(33.2, 4.3), measured(0.86, 0.0)
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
