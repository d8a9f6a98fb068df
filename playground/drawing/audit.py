"""The picture of an audit: its charts below each other, with their titles."""

import os
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from playground.drawing.axes import figure_font
from playground.drawing.charts import Axis, Curve, axis_around, paint_chart
from playground.drawing.palette import LIGHT, Palette
from playground.drawing.render import save_painting
from playground.lab.audit import Chart

WIDTH, HEIGHT, MARGIN, TITLE = 760, 320, 28, 30  # px, of one chart
OWN = ("learned", "particles", "likelihood", "data")
OTHERS = ("muted", "data", "error")


def curves_of(chart: Chart) -> tuple[list[Curve], Axis, Axis]:
    """A chart's lines as curves, and both axes."""
    own, others = iter(OWN * 2), iter(OTHERS * 2)
    made = [
        Curve(
            line.x,
            line.y,
            "exact" if line.dashed else next(own) if line.own else next(others),
            line.label,
            points=len(line.x) < 20 and not line.dashed,
            dashed=line.dashed,
            error=line.error,
        )
        for line in chart.lines
    ]
    spread = [line.y + side * line.error for line in chart.lines if line.error is not None for side in (-1, 1)]
    made.sort(key=lambda curve: curve.color in OTHERS[:2] or curve.dashed, reverse=True)  # its own are painted last
    x = axis_around([line.x for line in chart.lines], chart.x, chart.log_x, 0.02)
    y = axis_around([*(line.y for line in chart.lines), *spread], chart.y, chart.log_y, 0.12)
    return made, x, y


def paint_audit(painter: QPainter, title: str, charts: Sequence[Chart], palette: Palette = LIGHT) -> None:
    """Paint the title and all charts below each other."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRectF(0, 0, WIDTH, audit_height(charts)), palette.color("background"))
    painter.setFont(figure_font(16, bold=True))
    painter.setPen(palette.color("text"))
    painter.drawText(QRectF(MARGIN, MARGIN, WIDTH - 2 * MARGIN, TITLE), Qt.AlignmentFlag.AlignLeft, title)
    for number, chart in enumerate(charts):
        top = MARGIN + TITLE + number * (HEIGHT + TITLE)
        painter.setFont(figure_font(13))
        painter.setPen(palette.color("text"))
        painter.drawText(QRectF(MARGIN, top, WIDTH - 2 * MARGIN, TITLE), Qt.AlignmentFlag.AlignLeft, chart.title)
        made, x, y = curves_of(chart)
        paint_chart(painter, QRectF(MARGIN, top + TITLE - 6, WIDTH - 2 * MARGIN, HEIGHT - 16), made, x, y, palette)


def audit_height(charts: Sequence[Chart]) -> int:
    """The height of the picture in px."""
    return 2 * MARGIN + TITLE + len(charts) * (HEIGHT + TITLE)


def save_audit_picture(
    title: str, charts: Sequence[Chart], path: str | os.PathLike[str], palette: Palette = LIGHT
) -> None:
    """Write the picture as PNG or SVG, by the suffix of its name.

    Raises:
        PictureError: the folder cannot be written, or the disk is full.
    """
    size = WIDTH, audit_height(charts)
    save_painting(lambda painter: paint_audit(painter, title, charts, palette), size, path, title)
