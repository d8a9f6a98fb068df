"""Estimates the size of an export before it is written."""

import dataclasses
import math
import typing
from collections.abc import Callable, Iterator

import numpy as np
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage

from playground.app.model.preferences import PictureChoice, VideoChoice
from playground.drawing import film
from playground.drawing.film import FrameOverlay
from playground.drawing.scene import Scene

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

OverlayMaker = Callable[["Trajectory | None", np.ndarray], tuple[FrameOverlay, Iterator[float]]]
"""For a run and the frames to paint: prepares score field, density and caption, and then adds them to each frame."""

MAILABLE = 10_000_000
"""Bytes that every mail server accepts."""
SLOWEST = 8  # frames a second; a slower film does not look like motion
SMALLEST = 64  # px of a side

PLACES, SUCCESSIVE = 3, 12
"""Pieces of a film that are encoded to estimate its size, and pictures in each; VP9 needs a dozen."""


def megabytes(size: int) -> str:
    """A number of bytes as text, in kB or MB."""
    if size < 1_000_000:
        return f"{max(size // 1000, 1)} kB"
    return f"{size / 1e6:.1f} MB"


def mailable(size: int, width: int, height: int, fps: int) -> tuple[int, int, int]:
    """Width, height and frame rate of a GIF that can be mailed: the frame rate is reduced first, then the size.

    Args:
        size: bytes of the GIF with the given values.

    >>> mailable(9_000_000, 480, 270, 10)
    (480, 270, 10)
    >>> mailable(40_000_000, 480, 270, 10)
    (254, 142, 8)
    """
    if size <= MAILABLE:
        return width, height, fps
    share = 0.9 * MAILABLE / size  # pictures differ, so aim a little lower
    slower = max(round(share * fps), min(fps, SLOWEST))
    smaller = math.sqrt(min(share * fps / slower, 1.0))
    sides = (max(int(smaller * side) // 2 * 2, SMALLEST) for side in (width, height))
    return *sides, slower  # type: ignore[return-value]


def estimate_picture_size(
    scene: Scene, shape: tuple[int, int], choice: PictureChoice
) -> Iterator[tuple[float, int | None]]:
    """Paint and encode the current view with the picture's number of pixels. No layer is computed, as a density map
    may take a minute.

    Args:
        scene: what the canvas shows.
        shape: of the canvas, width and height.
    """
    if choice.suffix != ".png":
        yield 1.0, len(film.drawing(scene, choice.width, choice.height, choice.suffix))
        return
    ratio = math.sqrt(choice.width * choice.height / math.prod(shape))
    yield 1.0, png_size(film.picture(scene, *(round(ratio * side) for side in shape)))


def png_size(image: QImage) -> int:
    """Bytes of an image as PNG."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return int(buffer.size())


def sampled_pieces(schedule: np.ndarray) -> tuple[int, list[list[int]]]:
    """How many pictures of a film show motion, and the frames of some pieces from which its size is estimated."""
    moving = int((np.cumsum(schedule[::-1] < schedule[-1]) > 0).sum()) + 1
    starts = [int((place + 0.5) / PLACES * max(moving - SUCCESSIVE, 0)) for place in range(PLACES)]
    return moving, [schedule[start : start + SUCCESSIVE].tolist() for start in dict.fromkeys(starts)]


def estimate_film_size(
    scene: Scene, trajectory: "Trajectory", overlay_maker: OverlayMaker, choice: VideoChoice
) -> Iterator[tuple[float, int | None]]:
    """Paint and encode pieces of the film of :func:`paint_film`; yields the share done and finally the estimated
    bytes."""
    from playground.drawing.video import (
        estimated_size,
        packet_sizes,
    )  # loads FFmpeg's libraries, which opening the window does not need

    schedule = film.schedule(len(trajectory), choice.seconds, choice.fps)
    moving, pieces = sampled_pieces(schedule)
    overlay, preparing = overlay_maker(trajectory, np.concatenate(pieces))
    for done in preparing:
        yield 0.5 * done, None
    size, found = (choice.width, choice.height), []
    for frames in pieces:
        painted = film.pictures(scene, overlay, frames, *size)
        found.append(packet_sizes(choice.suffix, painted, size, choice.fps))
        yield 0.5 + 0.5 * len(found) / len(pieces), None
    yield 1.0, estimated_size(choice.suffix, found, moving)


def estimate_training_film_size(scene: Scene, steps: int, choice: VideoChoice) -> Iterator[tuple[float, int | None]]:
    """Paint and encode the current view, without particles and again with them; yields the share done and finally the
    bytes.

    Two training steps differ by about as much as pictures with and without particles. Held pictures cost almost nothing.

    Args:
        scene: what the canvas shows, at the film's size.
        steps: of the training that the film shows.
    """
    from playground.drawing.video import packet_sizes  # loads FFmpeg's libraries, which the window does not need

    schedule = film.schedule(steps, choice.seconds, choice.fps)
    pictures = int((np.diff(schedule) > 0).sum()) + 1
    size = choice.width, choice.height
    bare = dataclasses.replace(scene, particles=None, trails=None)
    if scene.images is not None:
        bare = dataclasses.replace(bare, images=dataclasses.replace(scene.images, images=scene.images.images[::-1]))
    held = max(1, len(schedule) // pictures)
    before, now = ([film.picture(one, *size)] * held for one in (bare, scene))
    alone = sum(packet_sizes(choice.suffix, now, size, choice.fps))
    yield 0.5, None
    both = sum(packet_sizes(choice.suffix, [*before, *now], size, choice.fps))
    yield 1.0, alone + (pictures - 1) * (both - sum(packet_sizes(choice.suffix, before, size, choice.fps)))
