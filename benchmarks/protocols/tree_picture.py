"""A picture of samples of the upper tree by each kind of guidance."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from torch import Tensor

from playground.drawing.axes import figure_font
from playground.drawing.layers import Data, Particles
from playground.drawing.palette import DARK
from playground.drawing.plane import bounds_of, shaped
from playground.drawing.render import headless, save_painting
from playground.drawing.scene import Scene, paint

CELL, HEAD, GAP, ACROSS = 300, 28, 4, 3
DOT = 0.4  # relative to the size of particles in the window


def paint_trees(path: Path, clouds: Mapping[str, Tensor]) -> None:
    """Write a picture with a canvas for each cloud (N, 2), in the data's unit; the first has the data."""
    application = headless()
    first = next(iter(clouds))
    bounds = bounds_of(clouds[first].numpy(), margin=0.12)
    assert bounds is not None  # they are finite
    place = Scene(viewport=shaped(bounds, CELL, CELL), palette=DARK)
    cells = [
        (name[0].upper() + name[1:], scene_of(place, points.numpy(), name == first)) for name, points in clouds.items()
    ]
    down = -(-len(cells) // ACROSS)
    size = ACROSS * (CELL + GAP) - GAP, down * (HEAD + CELL)

    def painted(painter: QPainter) -> None:
        painter.fillRect(QRectF(0, 0, *size), DARK.color("panel"))
        for number, (title, scene) in enumerate(cells):
            row, column = divmod(number, ACROSS)
            left, top = column * (CELL + GAP), row * (HEAD + CELL)
            painter.setFont(figure_font(13, bold=True))
            painter.setPen(DARK.color("text"))
            middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            painter.drawText(QRectF(left + 8, top, CELL - 8, HEAD), middle, title)
            painter.save()
            painter.translate(left, top + HEAD)
            painter.setClipRect(QRectF(0, 0, CELL, CELL))
            painter.fillRect(QRectF(0, 0, CELL, CELL), DARK.color("background"))
            paint(painter, scene, CELL, CELL)
            painter.restore()

    save_painting(painted, size, path, "Guidance on two trees", ratio=1)
    del application


def scene_of(place: Scene, points: np.ndarray, is_data: bool) -> Scene:
    """The scene with points (N, 2)."""
    return replace(place, data=Data(points)) if is_data else replace(place, particles=Particles(points, size=DOT))
