"""Samples above the training images nearest to them: whether they were learned by heart, to the eye."""

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.drawing.images import ImageGrid, outline
from playground.drawing.palette import DARK, Palette

GAP = 4  # px between two images, with a hairline around each


class NearestPairs(QWidget):
    """Two rows of small images, samples and their neighbours."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = DARK
        self._rows: tuple[ImageGrid, ImageGrid] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Samples, and below each the training image nearest to it")

    def show_pairs(self, samples: np.ndarray, neighbours: np.ndarray) -> None:
        """Images (N, C, H, W) each; none to show nothing."""
        self._rows = None
        if len(samples):
            limits = float(np.min(neighbours)), float(np.max(neighbours))
            self._rows = ImageGrid(samples, limits), ImageGrid(neighbours, limits, role="data")
        self.setVisible(self._rows is not None)
        self.updateGeometry()
        self.update()

    def apply_palette(self, palette: Palette) -> None:
        self._palette = palette
        self.update()

    def _side(self, width: int) -> float:
        count = 1 if self._rows is None else len(self._rows[0].images)
        return (width - 2 + GAP) / count - GAP  # the outer hairlines have their pixel too

    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(self.width()))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return 0 if self._rows is None else round(2 * self._side(width) + GAP + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._rows is None:
            return
        painter = QPainter(self)
        side = self._side(self.width())
        for row, grid in enumerate(self._rows):
            count = len(grid.images)
            strip = grid.strip(self._palette, count)
            tall = strip.height() // count
            places = [QRectF(number * (side + GAP) + 1, row * (side + GAP) + 1, side, side) for number in range(count)]
            for number, place in enumerate(places):
                painter.drawImage(place, strip, QRectF(0, number * tall, strip.width(), tall))
            outline(painter, self._palette, places)
        painter.end()
