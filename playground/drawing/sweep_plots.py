"""Pictures of a sweep: lines with bands of standard errors, and heat maps with their numbers."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from playground.drawing.axes import figure_font
from playground.drawing.charts import Curve, axis_around, paint_chart, places
from playground.drawing.color_scale import number
from playground.drawing.palette import LIGHT, Palette, value_colors
from playground.drawing.render import PictureError, headless, save_painting
from playground.drawing.vectors import SUFFIXES
from playground.lab.sweep.plots import HeatMap, Line, Lines, Picture
from playground.user_errors import cannot_write

SIZE = (760, 440)  # painter units of a file
TEXT = 12.0  # px, of the letters
MARKER = 3.6  # px, half the size of a mark
ROW = 19.0  # px, of a line of the legend
NARROW = 420.0  # px, below which a picture has no room for a legend beside it
MARKS = (
    (),  # a disc
    ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    ((0, -1.25), (1.15, 0.9), (-1.15, 0.9)),
    ((0, -1.35), (1.35, 0), (0, 1.35), (-1.35, 0)),
    ((-1.15, -0.9), (1.15, -0.9), (0, 1.25)),
    ((-1.3, -0.5), (1.3, -0.5), (1.3, 0.5), (-1.3, 0.5)),
    ((-0.5, -1.3), (0.5, -1.3), (0.5, 1.3), (-0.5, 1.3)),
    ((-1.2, 0), (-0.6, -1), (0.6, -1), (1.2, 0), (0.6, 1), (-0.6, 1)),
)
"""A shape for each colour, so that no line is told by its colour alone."""


def paint_picture(painter: QPainter, box: QRectF, picture: Picture, palette: Palette) -> None:
    """Paint a picture of a sweep into a box."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if isinstance(picture, Lines):
        _paint_lines(painter, box, picture, palette)
    else:
        _paint_heat_map(painter, box, picture, palette)


def cell_at(picture: Picture, box: QRectF, x: float, y: float) -> tuple[int, int] | None:
    """The row and column of a heat map at a position in its box; None beside its cells, and for lines."""
    if not isinstance(picture, HeatMap):
        return None
    area = _cells(picture, box)
    if not area.contains(x, y):
        return None
    rows, columns = picture.values.shape
    row = rows - 1 - int((y - area.top()) / area.height() * rows)
    return min(max(row, 0), rows - 1), min(int((x - area.left()) / area.width() * columns), columns - 1)


def save_pictures(
    pictures: Sequence[Picture], folder: Path, palette: Palette = LIGHT, provenance: str = ""
) -> list[Path]:
    """Write each picture as PNG, SVG and PDF into a folder, and return the PNG files.

    Args:
        provenance: what made the sweep, one line of ASCII.

    Raises:
        PictureError: the folder cannot be written or the disk is full.
    """
    application = headless()
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for picture in pictures:

            def paint(painter: QPainter, shown: Picture = picture) -> None:
                painter.fillRect(QRectF(0, 0, *SIZE), palette.color("background"))
                paint_picture(painter, QRectF(16, 14, SIZE[0] - 32, SIZE[1] - 28), shown, palette)

            for suffix in (".png", *SUFFIXES):
                path = folder / f"{picture.name}{suffix}"
                save_painting(paint, SIZE, path, picture.name, provenance=provenance)
            paths.append(folder / f"{picture.name}.png")
    except OSError as error:
        raise PictureError(cannot_write(folder, error)) from None
    del application
    return paths


def _paint_lines(painter: QPainter, box: QRectF, picture: Lines, palette: Palette) -> None:
    metrics = QFontMetricsF(figure_font(TEXT))
    names = [line.name for line in picture.lines]
    wide = max((metrics.horizontalAdvance(name) for name in names), default=0.0) + 44
    legend = any(names) and box.width() - wide > NARROW / 2
    chart = box.adjusted(0, 0, -wide if legend else 0, 0)
    x = axis_around([line.x for line in picture.lines], picture.x, picture.log_x, 0.04)
    around = [part for line in picture.lines for part in (line.y - line.error, line.y + line.error)]
    top = math.inf if picture.top is None else picture.top
    y = axis_around([np.minimum(part, top) for part in around], picture.y, picture.log_y)
    curves = [
        Curve(
            line.x,
            line.y,
            _color(line, palette),
            dashed=line.dashed,
            error=line.error if line.error.any() else None,
        )
        for line in picture.lines
    ]
    plot = paint_chart(painter, chart, curves, x, y, palette, TEXT)
    painter.setClipRect(plot.adjusted(-5, -5, 5, 5))
    for line, curve in zip(picture.lines, curves, strict=True):
        if line.color >= 0:
            for left, top in places(plot, curve, x, y).tolist():
                _paint_mark(painter, QPointF(left, top), line, palette)
    painter.setClipping(False)
    for line, curve in zip(picture.lines, curves, strict=True):
        for (left, _), value in zip(places(plot, curve, x, y).tolist(), line.y.tolist(), strict=True):
            if value > y.high:
                _paint_beyond(painter, QPointF(left, plot.top() + 2), value, curve.color)
    if not legend:
        return
    painter.setFont(figure_font(TEXT))
    left, top = chart.right() + 14, plot.top() + 4
    for line in picture.lines:
        middle = top + ROW / 2
        pen = QPen(QColor(_color(line, palette)), 2)
        if line.dashed:
            pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.drawLine(QPointF(left, middle), QPointF(left + 22, middle))
        if line.color >= 0:
            _paint_mark(painter, QPointF(left + 11, middle), line, palette)
        painter.setPen(palette.color("text"))
        painter.drawText(QPointF(left + 28, middle + metrics.ascent() / 2 - 1), line.name)
        top += ROW
    if picture.left_out:
        painter.setPen(palette.color("muted"))
        painter.drawText(QPointF(left, top + ROW * 0.7), f"and {picture.left_out} more")


def _paint_beyond(painter: QPainter, at: QPointF, value: float, color: str) -> None:
    """An arrow to a value above the axis, with the value beside it."""
    font = figure_font(TEXT)
    painter.setPen(QPen(QColor(color), 2))
    painter.setFont(font)
    painter.drawLine(at, at + QPointF(0, 14))
    painter.drawPolyline(QPolygonF([at + QPointF(-4, 5), at, at + QPointF(4, 5)]))
    painter.drawText(at + QPointF(8, QFontMetricsF(font).ascent() - 2), number(value))


def _color(line: Line, palette: Palette) -> str:
    return palette.exact if line.color < 0 else palette.categories[line.color % len(palette.categories)]


def _paint_mark(painter: QPainter, at: QPointF, line: Line, palette: Palette) -> None:
    painter.setPen(QPen(palette.color("background"), 0.8))
    painter.setBrush(QColor(_color(line, palette)))
    corners = MARKS[line.color % len(MARKS)]
    if corners:
        painter.drawPolygon(QPolygonF([at + QPointF(*corner) * MARKER for corner in corners]))
    else:
        painter.drawEllipse(at, MARKER, MARKER)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _cells(picture: HeatMap, box: QRectF) -> QRectF:
    """The rectangle of a heat map's cells."""
    metrics = QFontMetricsF(figure_font(TEXT))
    wide = max(metrics.horizontalAdvance(name) for name in picture.rows) + 10
    line = metrics.height()
    return box.adjusted(wide, 2 * line + 8, -2, -2 * line - 8)


def _paint_heat_map(painter: QPainter, box: QRectF, picture: HeatMap, palette: Palette) -> None:
    area, font = _cells(picture, box), figure_font(TEXT)
    metrics = QFontMetricsF(font)
    line = metrics.height()
    painter.setFont(font)
    known = picture.values[np.isfinite(picture.values)]
    bent = np.log(known) if picture.log else known
    low, high = float(bent.min()), float(bent.max())
    colors = value_colors(palette)
    rows, columns = picture.values.shape
    wide, tall = area.width() / columns, area.height() / rows
    center = Qt.AlignmentFlag.AlignCenter
    painter.setPen(palette.color("text"))
    painter.drawText(QRectF(box.left(), box.top(), box.width(), line), Qt.AlignmentFlag.AlignLeft, picture.color)
    painter.setPen(palette.color("muted"))
    painter.drawText(QRectF(box.left(), box.top() + line + 2, box.width(), line), Qt.AlignmentFlag.AlignLeft, picture.y)
    last = QRectF(box.left(), box.bottom() - line, box.width() - 2, line)
    painter.drawText(last, Qt.AlignmentFlag.AlignRight, picture.x)
    for column, name in enumerate(picture.columns):
        painter.drawText(QRectF(area.left() + column * wide, area.bottom() + 4, wide, line), center, name)
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for row, name in enumerate(picture.rows):
        top = area.bottom() - (row + 1) * tall
        painter.setPen(palette.color("muted"))
        painter.drawText(QRectF(box.left(), top, area.left() - box.left() - 8, tall), right, name)
        for column in range(columns):
            cell = QRectF(area.left() + column * wide, top, wide, tall).adjusted(1, 1, -1, -1)
            value, error = float(picture.values[row, column]), float(picture.errors[row, column])
            if not np.isfinite(value):
                painter.fillRect(cell, palette.color("border"))
                continue
            share = ((np.log(value) if picture.log else value) - low) / ((high - low) or 1.0)
            ground = QColor(int(colors[round(255 * share)]))
            painter.fillRect(cell, ground)
            said = _measured(value, error)
            if metrics.horizontalAdvance(said) > wide - 6:
                said = number(value)
            if metrics.horizontalAdvance(said) <= wide - 4 and line <= tall:
                painter.setPen(_readable(ground))
                painter.drawText(cell, center, said)


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
