"""Drawings as SVG and PDF: lines, discs and text stay sharp at any size; maps and many points are embedded as images."""

import dataclasses
import re
from collections.abc import Callable

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSize, QSizeF
from PySide6.QtGui import QImage, QPageSize, QPaintEngine, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from playground.drawing.fonts import FAMILY
from playground.drawing.plane import Plane

SUFFIXES = (".svg", ".pdf")
RATIO = 2.0  # pixels of an embedded image for each painter unit
DOTS = 96.0  # painter units per inch, as in a web page
FINE = 1200  # dots per inch of a PDF; Qt rounds the positions of letters to them
FAMILIES = "Inter, 'Segoe UI', Helvetica, Arial, sans-serif"  # for programs without our typeface

Paint = Callable[[QPainter], None]


def is_vector(painter: QPainter) -> bool:
    """Whether the painter makes lines and text instead of pixels."""
    return painter.paintEngine().type() in (QPaintEngine.Type.SVG, QPaintEngine.Type.Pdf)


def fine(plane: Plane) -> Plane:
    """The plane with the resolution of an embedded image."""
    return dataclasses.replace(plane, ratio=RATIO)


def embed(painter: QPainter, plane: Plane, image: QImage) -> None:
    """Paint an image over the whole plane."""
    pixels = QImage(image)
    pixels.setDevicePixelRatio(1.0)
    painter.drawImage(QRectF(0, 0, plane.width, plane.height), pixels, QRectF(pixels.rect()))


def drawing(
    suffix: str,
    paint: Paint,
    units: tuple[float, float],
    size: tuple[int, int],
    title: str,
    provenance: str = "",
) -> bytes:
    """The file of a drawing.

    Args:
        suffix: ".svg" or ".pdf".
        paint: paints over [0, width] x [0, height] of `units`.
        units: width and height in painter units.
        size: width and height in pixels of 1/96 inch, at which other programs first show it.
        provenance: what made it, one line of ASCII; the end of an SVG's description, and of a PDF's creator.

    Raises:
        ValueError: another suffix.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if suffix == ".svg":
        svg = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)  # which can clip
        svg.setOutputDevice(buffer)
        svg.setResolution(round(DOTS))
        svg.setSize(QSize(*size))
        svg.setViewBox(QRectF(0, 0, *units))
        svg.setTitle(title)
        svg.setDescription(f"Painted by Score Playground {provenance}".rstrip())
        with QPainter(svg) as painter:
            paint(painter)
        text = bytes(buffer.data().data()).decode()
        return re.sub(rf'font-family="{FAMILY}"', f'font-family="{FAMILIES}"', text).encode()
    if suffix != ".pdf":
        raise ValueError(f"A drawing is .svg or .pdf, not {suffix!r}.")
    pdf = QPdfWriter(buffer)
    pdf.setResolution(FINE)
    pdf.setTitle(title)
    pdf.setCreator(f"Score Playground {provenance}".rstrip())
    points = QSizeF(*(side * 72 / DOTS for side in size))
    pdf.setPageSize(QPageSize(points, QPageSize.Unit.Point, "", QPageSize.SizeMatchPolicy.ExactMatch))
    pdf.setPageMargins(QMarginsF(0, 0, 0, 0))
    with QPainter(pdf) as painter:
        painter.scale(size[0] / units[0] * FINE / DOTS, size[1] / units[1] * FINE / DOTS)
        paint(painter)
    return bytes(buffer.data().data())
