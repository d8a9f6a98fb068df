"""The picture of an audit: its charts below each other, with their titles."""

import os
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from playground.drawing.axes import figure_font
from playground.drawing.chart_pictures import paint_chart
from playground.drawing.palette import LIGHT
from playground.drawing.render import save_painting
from playground.lab.chart import Chart

WIDTH, HEIGHT, MARGIN, TITLE = 760, 320, 28, 30  # px, of one chart


def paint_audit(painter: QPainter, title: str, charts: Sequence[Chart]) -> None:
    """Paint the title and all charts below each other."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRectF(0, 0, WIDTH, audit_height(charts)), LIGHT.color("background"))
    painter.setFont(figure_font(16, bold=True))
    painter.setPen(LIGHT.color("text"))
    painter.drawText(QRectF(MARGIN, MARGIN, WIDTH - 2 * MARGIN, TITLE), Qt.AlignmentFlag.AlignLeft, title)
    painter.setFont(figure_font(13))
    for number, chart in enumerate(charts):
        box = QRectF(MARGIN, MARGIN + TITLE + number * (HEIGHT + TITLE), WIDTH - 2 * MARGIN, HEIGHT + 8)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft, chart.title)
        paint_chart(painter, box.adjusted(0, TITLE - 6, 0, 0), chart, LIGHT)


def audit_height(charts: Sequence[Chart]) -> int:
    """The height of the picture in px."""
    return 2 * MARGIN + TITLE + len(charts) * (HEIGHT + TITLE)


def save_audit_picture(title: str, charts: Sequence[Chart], path: str | os.PathLike[str]) -> None:
    """Write the picture as PNG, SVG or PDF, by the suffix of its name.

    Raises:
        PictureError: the folder cannot be written, or the disk is full.
    """
    size = WIDTH, audit_height(charts)
    save_painting(lambda painter: paint_audit(painter, title, charts), size, path, title)
