"""Paints the canvas into an image when something has changed; otherwise the image is copied."""

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage, QPainter

from playground.app.style import text_size
from playground.drawing.layers import Layer
from playground.drawing.plane import Plane
from playground.drawing.scene import Scene, Still, paint

PATIENCE = 40  # ms without a frame after which late arrows are shown


class BackgroundPainter(QObject):
    """Paints scenes into an image.

    Args:
        scene: returns the scene to paint.
        painted: called with the milliseconds that a new image took.
        wanted: called when there is a new image that nobody has requested.
    """

    def __init__(
        self, scene: Callable[[], Scene], painted: Callable[[float], None], wanted: Callable[[], None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._scene, self._painted, self._wanted = scene, painted, wanted
        self._image, self._still = QImage(), Still()
        self._size = 0.0, 0.0, 1.0  # width, height, device pixels per unit, at 100 % text size
        self._moving: list[Layer] = []  # of the last image
        self._changed, self._whole = True, False
        self._spare, self._settle = QTimer(self), QTimer(self)
        for timer, slot in ((self._spare, self._catch_up), (self._settle, self.change)):
            timer.setSingleShot(True)
            timer.timeout.connect(slot)

    def change(self) -> None:
        """The scene has changed: paint the next image again."""
        self._changed = True
        self._wanted()

    def paint_whole(self) -> None:
        """Paint the next image with its own arrows and density, however long it takes."""
        self._whole = True

    def image(self, width: int, height: int, ratio: float) -> QImage:
        """The image of `width` x `height` units with `ratio` device pixels each; valid until the next call.

        Everything in it scales with the text, as in a smaller widget with more pixels per unit.
        """
        unit = text_size.factor()
        size = width / unit, height / unit, ratio * unit
        if size != self._size:
            self._size = size
            plane = Plane((0, 1, 0, 1), *size)
            self._image = QImage(plane.columns, plane.rows, QImage.Format.Format_RGB32)
            self._changed = True
        if self._changed:
            self._changed = False
            self._image.setDevicePixelRatio(size[2])
            self._paint(self._scene())
        self._image.setDevicePixelRatio(ratio)
        return self._image

    def _paint(self, scene: Scene) -> None:
        started = time.perf_counter()
        moving = scene.moving()
        # While frames follow each other, arrows and density may be one frame late: they are computed between two frames
        # and delay none. Layers are equal only to themselves.
        follows, self._moving = bool(moving) and moving != self._moving and not self._whole, moving
        self._whole = False
        still = None
        if scene.images is None:
            still = self._still.image(scene, Plane(scene.viewport, *self._size), later=follows)
        painter = QPainter(self._image)
        try:
            paint(painter, scene, *self._size[:2], still)
        finally:
            painter.end()
        self._settle.stop()
        if still is not None and self._still.stale:
            self._spare.start(0)
        self._painted(1e3 * (time.perf_counter() - started))

    def _catch_up(self) -> None:
        """Between two frames draw the still layers that the last frame skipped, and show them if no frame follows."""
        scene = self._scene()
        self._still.image(scene, Plane(scene.viewport, *self._size))
        self._settle.start(PATIENCE)
