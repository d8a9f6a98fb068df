"""Estimates the size of an export before it is written."""

import math
import typing
from collections.abc import Callable, Iterator

import numpy as np
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage

from playground.drawing.film import FrameOverlay

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


def picture_bytes(picture: QImage | bytes) -> int:
    """Bytes of the file of a picture: of an image as PNG, or of a drawing."""
    if isinstance(picture, bytes):
        return len(picture)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload]
    return int(buffer.size())


def sampled_pieces(schedule: np.ndarray) -> tuple[int, list[list[int]]]:
    """How many pictures of a film show motion, and the frames of some pieces from which its size is estimated."""
    moving = int((np.cumsum(schedule[::-1] < schedule[-1]) > 0).sum()) + 1
    starts = [int((place + 0.5) / PLACES * max(moving - SUCCESSIVE, 0)) for place in range(PLACES)]
    return moving, [schedule[start : start + SUCCESSIVE].tolist() for start in dict.fromkeys(starts)]
