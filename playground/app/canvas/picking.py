"""What a click picks, or Enter in its place: a point of the plane, or an image of the grid."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

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
        picked(Place, str): a point or the number of an image, with the modifier: "", "shift" or "alt".
        missed(): a click hit no image.
    """

    picked = Signal(object, str)
    missed = Signal()

    def __init__(self, surface: PlotSurface, images: Callable[[], ImageGrid | None]) -> None:
        super().__init__(surface)
        self._surface, self._images = surface, images
        self.keys = ImageKeys(surface, images)
        surface.clicked.connect(self._click)
        self.keys.picked.connect(self.picked)

    @Slot(float, float, str)
    def _click(self, x: float, y: float, modifier: str) -> None:
        images = self._images()
        if images is None:
            self.picked.emit((x, y), modifier)
            return
        place = self._surface.plane().to_painter(np.array([x, y]))
        number = self._surface.tiles(images).at(*place.tolist())
        if number is None:
            self.missed.emit()
        else:
            self.picked.emit(number, modifier)


def nearest(positions: np.ndarray, plane: Plane, x: float, y: float) -> int | None:
    """The number of the particle nearest to a point; None if none is near."""
    away = plane.to_painter(positions) - plane.to_painter(np.array([x, y]))
    distance = np.nan_to_num(np.hypot(away[:, 0], away[:, 1]), nan=np.inf)
    return int(distance.argmin()) if len(distance) and distance.min() <= REACH else None
