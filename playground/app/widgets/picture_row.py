"""Small images side by side, each with a line below it."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from playground.app.style import theme
from playground.app.widgets.captions import text_line
from playground.drawing.images import Hue, ImageGrid

SIDE = 72  # px of an image's side


class PictureRow(QWidget):
    """Images of one point each, painted without smoothing.

    Args:
        names: the line below each image.
        hues: the colour of each image without colours of its own.
    """

    def __init__(self, names: Sequence[str], hues: Sequence[Hue]) -> None:
        super().__init__()
        self._names, self._hues = tuple(names), tuple(hues)
        self._images: tuple[tuple[np.ndarray, tuple[float, float]] | None, ...] = (None,) * len(names)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.UNIT // 2)
        self.pictures = [QLabel(self) for _ in names]
        self.captions = [text_line(name) for name in names]
        for column, (picture, caption) in enumerate(zip(self.pictures, self.captions, strict=True)):
            picture.setFixedSize(SIDE, SIDE)
            picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
            caption.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            grid.addWidget(picture, 0, column, Qt.AlignmentFlag.AlignHCenter)
            grid.addWidget(caption, 1, column)

    def show_images(self, images: Sequence[tuple[np.ndarray, tuple[float, float]] | None]) -> None:
        """Show images (C, H, W), each scaled to its own range, in the order of the names; None shows no image."""
        self._images = tuple(images)
        self.apply_palette()

    def apply_palette(self) -> None:
        ratio = self.devicePixelRatioF()
        for picture, name, shown, hue in zip(self.pictures, self._names, self._images, self._hues, strict=True):
            picture.setAccessibleName(name if shown is not None else f"{name}: none")
            if shown is None:
                picture.clear()
                continue
            image, limits = shown
            strip = ImageGrid(image[None], limits, role=hue).strip(theme.palette(), 1)
            side = round(SIDE * ratio)
            keep, fast = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.FastTransformation
            pixels = QPixmap.fromImage(strip.scaled(side, side, keep, fast))
            pixels.setDevicePixelRatio(ratio)
            picture.setPixmap(pixels)
