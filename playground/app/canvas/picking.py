"""What a click picks, or Enter in its place: a point of the plane, or an image of the grid."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal, SignalInstance

from playground.app.canvas.image_keys import ImageKeys
from playground.app.canvas.plot_surface import PlotSurface
from playground.drawing.images import ImageGrid
from playground.drawing.plane import Plane

REACH = 18.0  # px, largest distance of a click from the particle that it picks


class Picking(QObject):
    """Tells points and images apart.

    Args:
        surface: the widget that is clicked.
        images: returns the images in view, or None.

    Signals:
        clicked(float, float), shift_clicked(float, float), alt_clicked(float, float): a point, with the modifier.
        image_selected(int), image_shift_selected(int), image_alt_selected(int): the same for an image of the grid.
        image_missed(): a click hit no image.
    """

    clicked = Signal(float, float)
    shift_clicked = Signal(float, float)
    alt_clicked = Signal(float, float)
    image_selected = Signal(int)
    image_shift_selected = Signal(int)
    image_alt_selected = Signal(int)
    image_missed = Signal()

    def __init__(self, surface: PlotSurface, images: Callable[[], ImageGrid | None]) -> None:
        super().__init__(surface)
        self._surface, self._images = surface, images
        self.keys = ImageKeys(surface, images)
        surface.clicked.connect(lambda x, y: self._click(x, y, self.clicked, self.image_selected))
        surface.shift_clicked.connect(lambda x, y: self._click(x, y, self.shift_clicked, self.image_shift_selected))
        surface.alt_clicked.connect(lambda x, y: self._click(x, y, self.alt_clicked, self.image_alt_selected))
        self.keys.picked.connect(self.image_selected)
        self.keys.shift_picked.connect(self.image_shift_selected)

    def _click(self, x: float, y: float, point_picked: SignalInstance, image_picked: SignalInstance) -> None:
        images = self._images()
        if images is None:
            point_picked.emit(x, y)
            return
        place = self._surface.plane().to_painter(np.array([x, y]))
        number = self._surface.tiles(images).at(*place.tolist())
        if number is None:
            self.image_missed.emit()
        else:
            image_picked.emit(number)


def nearest(positions: np.ndarray, plane: Plane, x: float, y: float) -> int | None:
    """The number of the particle nearest to a point; None if none is near."""
    away = plane.to_painter(positions) - plane.to_painter(np.array([x, y]))
    distance = np.nan_to_num(np.hypot(away[:, 0], away[:, 1]), nan=np.inf)
    return int(distance.argmin()) if len(distance) and distance.min() <= REACH else None
