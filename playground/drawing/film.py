"""A run as a film: the recorded frame that each picture shows, and the picture of a frame."""

import dataclasses
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
from PySide6.QtGui import QImage

from playground.drawing import vectors
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Particles, Trails
from playground.drawing.render import render
from playground.drawing.scene import Scene, paint

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

TRAIL = 16  # frames that a trail reaches back
HOLD_SECONDS = 1.0  # seconds for which the last frame stays, so that the result can be seen
TITLE = "Score Playground"  # of a drawing
UNIT_HEIGHT = 720  # height of the layout, which is then scaled: a 4K film has the same lines, only finer

Picture = TypeVar("Picture")
FrameOverlay = Callable[[Scene, int], Scene]  # adds the contents of a frame to a scene
OverlayMaker = Callable[["Trajectory | None", np.ndarray], tuple[FrameOverlay, Iterator[float]]]
"""For a run and the frames to paint: prepares score field, density and caption, and then adds them to each frame."""


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
    particles = scene.particles and Particles(positions[frame], scene.particles.size)
    trails = scene.trails and Trails(trail(positions, frame), scene.trails.length)
    return dataclasses.replace(scene, particles=particles, trails=trails)


def picture(scene: Scene, width: int, height: int) -> QImage:
    """The scene in exactly `width` x `height` pixels, with lines and text in proportion."""
    ratio = min(width, height) / UNIT_HEIGHT
    # Fractional units on purpose: rounded ones could miss the size by a pixel.
    image = render(scene, width / ratio, height / ratio, ratio)
    image.setDevicePixelRatio(1.0)
    return image


def drawing(scene: Scene, width: int, height: int, suffix: str) -> bytes:
    """The scene as SVG or PDF of this size in pixels of 1/96 inch, laid out as :func:`picture`."""
    ratio = min(width, height) / UNIT_HEIGHT
    units = width / ratio, height / ratio
    size, told = (width, height), scene.provenance
    return vectors.drawing(suffix, lambda painter: paint(painter, scene, *units), units, size, TITLE, told)


def pictures(scene: Scene, overlay: FrameOverlay, frames: Iterable[int], width: int, height: int) -> Iterator[QImage]:
    """The film's pictures, one for each of `frames`; a frame that repeats is painted once."""
    return each_once(lambda frame: picture(overlay(scene, frame), width, height), frames)


def each_once(painted: Callable[[int], Picture], frames: Iterable[int]) -> Iterator[Picture]:
    """The painted picture of each of `frames`; a frame that repeats is painted once."""
    last: tuple[int, Picture] | None = None
    for frame in frames:
        if last is None or last[0] != frame:
            last = frame, painted(frame)
        yield last[1]
