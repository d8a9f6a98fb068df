"""A run as a film: the recorded frame that each picture shows, and the picture of a frame."""

import dataclasses
import typing
from collections.abc import Callable, Generator, Iterable, Iterator

import numpy as np
from PySide6.QtGui import QColor, QImage, QPainter

from playground.drawing import vectors
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Particles, Trails
from playground.drawing.render import painted
from playground.drawing.scene import Scene, paint

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

TRAIL = 16  # frames that a trail reaches back
HOLD_SECONDS = 1.0  # seconds for which the last frame stays, so that the result can be seen
TITLE = "Score Playground"  # of a drawing
UNIT_HEIGHT = 720  # height of the layout, which is then scaled: a 4K film has the same lines, only finer

Painted = Callable[[int], QImage | bytes]
"""Paints a frame: an image, or the bytes of a drawing file."""
FrameOverlay = Callable[[Scene, int], Scene]  # adds the contents of a frame to a scene
OverlayMaker = Callable[["Trajectory | None", np.ndarray], Generator[float, None, FrameOverlay]]
"""For a run and the frames to paint: prepares score field, density and caption, yields the fraction done, and returns what adds them
to each frame."""


def schedule(recorded: int, seconds: float, fps: int) -> np.ndarray:
    """The recorded frame of each picture, (pictures,): evenly from the first to the last, which is then held.

    Args:
        recorded: frames of the trajectory, at least 1.
        seconds: length of the film, including the hold at its end.
        fps: pictures per second.

    >>> schedule(11, 2.0, 10).tolist()
    [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]
    """
    pictures = max(1, round(seconds * fps))
    held = min(round(HOLD_SECONDS * fps), pictures // 2)
    moving = np.round(np.linspace(0, recorded - 1, pictures - held)).astype(int)
    return np.concatenate([moving, np.full(held, recorded - 1)])


def trail(positions: np.ndarray, frame: int) -> np.ndarray:
    """The frames of a trail up to and including this one: (K, N, 2) of (frames, N, 2)."""
    return positions[max(0, frame - TRAIL) : frame + 1]


def at_frame(scene: Scene, positions: np.ndarray, frame: int) -> Scene:
    """The scene with its particles and trails, or its images, of a frame; layers that are off stay off."""
    if (positions.ndim == 3) == (scene.images is not None):
        return scene  # a run in the plane, while the scene shows images, or the other way round
    if scene.images is not None:
        images: ImageGrid = dataclasses.replace(scene.images, images=positions[frame])
        return dataclasses.replace(scene, images=images)
    particles = scene.particles and Particles(positions[frame], size=scene.particles.size)
    trails = scene.trails and Trails(trail(positions, frame), scene.trails.length)
    return dataclasses.replace(scene, particles=particles, trails=trails)


def encoded(
    paint_over: Callable[[QPainter, float, float], None],
    size: tuple[int, int],
    suffix: str,
    ground: QColor,
    provenance: str,
) -> QImage | bytes:
    """A picture in exactly these pixels, width and height, with lines and text in proportion.

    Args:
        paint_over: paints over a width and a height in painter units.
        suffix: that of :mod:`playground.drawing.vectors` for the bytes of a drawing, whose pixels are of 1/96 inch; any
            other for an image.
        ground: the colour below.
        provenance: what made it, one line of ASCII.
    """
    ratio, units = laid_out(size)

    def paint_all(painter: QPainter) -> None:
        paint_over(painter, *units)

    if suffix in vectors.SUFFIXES:
        return vectors.drawing(suffix, paint_all, units, size, TITLE, provenance)
    image = painted(paint_all, units, ratio, provenance, ground)
    image.setDevicePixelRatio(1.0)
    return image


def laid_out(size: tuple[int, int]) -> tuple[float, tuple[float, float]]:
    """Pixels per painter unit, and the painter units of a picture. Rounded ones could miss the size by a pixel."""
    ratio = min(size) / UNIT_HEIGHT
    return ratio, (size[0] / ratio, size[1] / ratio)


def picture(scene: Scene, width: int, height: int, suffix: str = ".png") -> QImage | bytes:
    """The picture of a scene; see :func:`encoded`."""

    def paint_over(painter: QPainter, across: float, down: float) -> None:
        paint(painter, scene, across, down)

    return encoded(paint_over, (width, height), suffix, scene.palette.color("background"), scene.provenance)


def images(painted: Painted, frames: Iterable[int]) -> Iterator[QImage]:
    """The pictures of a film; a frame that repeats is painted once."""
    last: tuple[int, QImage] | None = None
    for frame in frames:
        if last is None or last[0] != frame:
            image = painted(frame)
            assert isinstance(image, QImage)
            last = frame, image
        yield last[1]
