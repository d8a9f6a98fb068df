"""One picture: everything that the window, a PNG and a video show, painted by the same code."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter

from playground.drawing.axes import figure_font, paint_grid, paint_numbers, text_background
from playground.drawing.color_scale import Legend, fits, paint_key
from playground.drawing.images import ImageGrid, Strip
from playground.drawing.layers import (
    Data,
    Density,
    Field,
    Flow,
    FollowedParticle,
    InterpolatedPoints,
    Layer,
    Particles,
    Path,
    ScoreError,
    Strokes,
    Trails,
)
from playground.drawing.marks import Marks
from playground.drawing.palette import DARK, Palette
from playground.drawing.plane import Plane, Viewport

NAMES = {
    "data": ("data", "data"),
    "density": ("density", "density"),
    "learned": ("learned", "learned score"),
    "exact": ("exact", "exact score"),
    "error": ("error", "score error"),
    "particles": ("particles", "particles"),
    "trails": ("trails", "trails"),
    "path": ("likelihood", "likelihood path"),
}
"""The colour and the name of each layer of a scene."""

CAPTION = 240, 80
"""Width and height that are reserved for a caption in a corner, in painter units. A smaller size would make it change
corners as its numbers change length."""


@dataclass(frozen=True)
class Scene:
    """The layers of one picture in the user's units; a layer that is None is not shown.

    Args:
        viewport: x0, x1, y0, y1 of the whole picture.
        axes: names of the two coordinates.
        interpolation: points of an interpolation; for images, a strip of images.
        marks: the marks of a prediction.
        images: if given, a grid of images is shown instead of the plane.
        caption: lines at the bottom right, or at the top right if they would cover a clicked point: sigma, level, alpha,
            step.
        beside: what is said outside of the picture in place of the caption, which is painted if this is None.
        hint: a sentence in the middle of a picture that has nothing to show yet.
        has_scales: whether the colours of maps and particles are explained.
        layer_names: the key of the layers at the top left, each a colour and a name.
        provenance: what made the run, for the file of a picture; one line of ASCII.
    """

    viewport: Viewport = (-1.0, 1.0, -1.0, 1.0)
    palette: Palette = DARK
    axes: tuple[str, str] = ("x", "y")
    density: Density | None = None
    error: ScoreError | None = None
    strokes: Strokes | None = None
    data: Data | None = None
    exact: Field | None = None
    learned: Field | None = None
    trails: Trails | None = None
    particles: Particles | None = None
    path: Path | None = None
    flow: Flow | None = None
    followed: FollowedParticle | None = None
    interpolation: InterpolatedPoints | Strip | None = None
    marks: Marks | None = None
    images: ImageGrid | None = None
    caption: tuple[str, ...] = ()
    beside: tuple[str, ...] | None = None
    hint: str = ""
    has_scales: bool = True
    layer_names: tuple[tuple[str, str], ...] = ()
    provenance: str = ""

    def still(self) -> list[Layer]:
        """The layers below the moving ones, from bottom to top, without the maps, which are below the grid lines."""
        error = None if self.error is None else self.error.arrows
        return [layer for layer in (self.strokes, self.data, self.exact, self.learned, error) if layer is not None]

    def maps(self) -> list[Density | ScoreError]:
        """The layers below the grid lines, from bottom to top."""
        return [layer for layer in (self.density, self.error) if layer is not None]

    def legends(self) -> list[Legend]:
        """What explains the colours of maps, particles and data, from the top right corner downwards."""
        if not self.has_scales:
            return []
        scales = [layer.scale(self.palette, self.axes) for layer in self.maps()]
        colorings = [layer.coloring for layer in (self.particles, self.data) if layer is not None]
        keys = [coloring.legend(self.palette) for coloring in colorings if coloring is not None]
        return [*(scale for scale in scales if scale is not None), *keys]

    def moving(self) -> list[Layer]:
        """The layers that change in every frame, from bottom to top."""
        layers = (self.trails, self.particles, self.path, self.interpolation, self.flow, self.followed, self.marks)
        return [layer for layer in layers if layer is not None]

    def named_layers(self) -> tuple[tuple[str, str], ...]:
        """The layers that are shown, each by its colour and its name."""
        return tuple(self._named(name) for name in NAMES if self.images is None and getattr(self, name) is not None)

    def _named(self, name: str) -> tuple[str, str]:
        """The colour and the name of a layer: between two sets a field is no score."""
        layer, (role, title) = getattr(self, name), NAMES[name]
        return role, f"{name} {layer.what}" if isinstance(layer, Field) else title

    def clicked(self) -> np.ndarray:
        """The clicked points, (C, 2): the start of the flow's path, and the end of the interpolation."""
        path = None if self.path is None else self.path.points[:1]
        between = self.interpolation.points[-1:] if isinstance(self.interpolation, InterpolatedPoints) else None
        return np.concatenate([points for points in (np.zeros((0, 2)), path, between) if points is not None])


class Still:
    """The layers below the moving ones, as one image for the next frames: painting it takes no longer than a copy.

    Attributes:
        stale: whether the layers have changed since the image that was last returned.
    """

    def __init__(self) -> None:
        self._place: tuple[object, ...] = ()
        self._layers: tuple[object, ...] = ()
        self._image = QImage()
        self.stale = False

    def image(self, scene: Scene, plane: Plane, later: bool = False) -> QImage:
        """The picture of a scene's still layers.

        Args:
            later: whether an older picture of the same plane may be returned, because a new one would delay the frame.
        """
        place, layers = (plane, scene.palette, scene.axes), (*scene.maps(), *scene.still())
        self.stale = later and place == self._place and layers != self._layers  # layers are compared by identity
        if not self.stale and (place, layers) != (self._place, self._layers):
            self._place, self._layers = place, layers
            self._image = QImage(plane.columns, plane.rows, QImage.Format.Format_RGB32)
            self._image.setDevicePixelRatio(plane.ratio)
            with QPainter(self._image) as painter:
                _paint_still(painter, scene, plane)
        return self._image


def paint(painter: QPainter, scene: Scene, width: float, height: float, still: QImage | None = None) -> None:
    """Paint a scene over [0, width] x [0, height] of the painter, at the resolution of the painter's device.

    Args:
        still: the scene's still layers from :class:`Still`, for a caller that paints many frames.
    """
    palette = scene.palette
    plane = Plane(scene.viewport, width, height, painter.device().devicePixelRatio())
    above = 0.0
    painter.save()
    try:  # restored after Ctrl+C too, because Qt warns of a saved state that is left
        painter.setClipRect(QRectF(0, 0, width, height))
        if scene.images is not None:
            painter.fillRect(QRectF(0, 0, width, height), palette.color("background"))
            scene.images.paint(painter, plane, palette)
            if scene.interpolation is not None:
                scene.interpolation.paint(painter, plane, palette)
        else:
            if still is None:
                _paint_still(painter, scene, plane)
            else:
                painter.drawImage(0, 0, still)
            for layer in scene.moving():
                layer.paint(painter, plane, palette)
            for legend in scene.legends() if fits(plane) else []:  # over the particles, which would hide the numbers
                legend.paint(painter, plane, palette, above)
                above += legend.height
        if scene.layer_names and scene.images is None:
            _paint_layer_names(painter, scene, plane)
        if scene.hint:
            _paint_hint(painter, scene.hint, palette, width, height)
        if scene.caption and scene.beside is None:
            clicked = plane.to_painter(scene.clicked()) if scene.images is None else np.zeros((0, 2))
            _paint_caption(painter, scene.caption, palette, width, height, clicked, 16 + above)
    finally:
        painter.restore()


def _paint_still(painter: QPainter, scene: Scene, plane: Plane) -> None:
    painter.fillRect(QRectF(0, 0, plane.width, plane.height), scene.palette.color("background"))
    for map_ in scene.maps():
        map_.paint(painter, plane, scene.palette)
    paint_grid(painter, plane, scene.palette)
    for layer in scene.still():
        layer.paint(painter, plane, scene.palette)
    paint_numbers(painter, plane, scene.axes, scene.palette)  # over the arrows, which would cross them out


def _paint_layer_names(painter: QPainter, scene: Scene, plane: Plane) -> None:
    """Paint the names of the layers, below the name of the y axis."""
    font, palette = figure_font(12), scene.palette
    metrics = QFontMetricsF(font)
    row = metrics.height() + 4
    wide = max(metrics.horizontalAdvance(name) for _, name in scene.layer_names)
    box = QRectF(48, 12, wide + 34, row * len(scene.layer_names) + 8)  # beside the numbers of the axis
    text_background(painter, palette, box, 6)
    painter.setFont(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    meanings = [(palette.color(role), name) for role, name in scene.layer_names]
    paint_key(painter, palette, meanings, box.topLeft() + QPointF(13, 4), row)


def _paint_caption(
    painter: QPainter,
    lines: tuple[str, ...],
    palette: Palette,
    width: float,
    height: float,
    clicked: np.ndarray,
    top: float,
) -> None:
    painter.setFont(figure_font(12))
    text, flags = "\n".join(lines), int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
    room = QRectF(0, 0, width - 24, height - 30)
    box = QFontMetricsF(painter.font()).boundingRect(room, flags, text)
    below = QRectF(width - CAPTION[0], height - CAPTION[1], *CAPTION).united(box.adjusted(-16, -12, 16, 12))
    if _holds(below, clicked) and not _holds(below.translated(0, -below.top()), clicked):
        box.moveTop(top)
    text_background(painter, palette, box.adjusted(-10, -6, 10, 6), 6)
    painter.setPen(palette.color("text", 0.85))
    painter.drawText(box.adjusted(-1, 0, 0, 0), flags, text)


def _holds(box: QRectF, points: np.ndarray) -> bool:
    """Whether one of the points (C, 2) lies in a box."""
    return any(box.contains(QPointF(*point)) for point in points.tolist())


def _paint_hint(painter: QPainter, text: str, palette: Palette, width: float, height: float) -> None:
    font = figure_font(15)
    room = QRectF(0.15 * width, 0.15 * height, 0.7 * width, 0.7 * height)
    flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
    box = QFontMetricsF(font).boundingRect(room, flags, text)
    text_background(painter, palette, box.adjusted(-16, -10, 16, 10), 8)
    painter.setFont(font)
    painter.setPen(palette.color("muted"))
    painter.drawText(room, flags, text)
