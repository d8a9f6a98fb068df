"""The memory of pictures, which is reused for the next picture.

A picture fills megabytes sixty times a second. New memory would take longer than filling it, because the system provides
each page by a page fault: 4 of 6 ms for 10,000 trails (measured with glibc's malloc).
"""

import threading
from collections import defaultdict

import numpy as np
from PySide6.QtGui import QImage

KEPT = 8  # images of one size that are kept for reuse

# glibc maps blocks above a threshold anew each time, and raises the threshold to the largest block that was freed. After
# this block, which costs nothing because it is never written, arrays of a few hundred kilobytes come from memory in use.
np.empty(24_000_000, np.uint8)

_threads = threading.local()
_waiting: dict[tuple[int, int], list[QImage]] = defaultdict(list)  # appending and popping are atomic


def empty_buffer(name: str, size: int, dtype: type) -> np.ndarray:
    """An array (size,) of zeros, valid until the same thread asks for the same name again."""
    arrays: dict[str, np.ndarray] = _threads.__dict__
    array = arrays.get(name)
    if array is None or len(array) != size or array.dtype != dtype:
        arrays[name] = array = np.zeros(size, dtype)
    else:
        array.fill(0)
    return array


def image_of(colors: np.ndarray, kind: QImage.Format = QImage.Format.Format_RGB32) -> QImage:
    """The image of colours (H, W) uint32, with memory of its own."""
    height, width = colors.shape
    return QImage(np.ascontiguousarray(colors).data, width, height, 4 * width, kind).copy()


class PixelBuffer:
    """A premultiplied ARGB image of `width` x `height` pixels that only this object uses while it lives.

    At first it contains whatever was painted on it before.
    """

    def __init__(self, width: int, height: int) -> None:
        waiting = _waiting[width, height]
        self.image = waiting.pop() if waiting else QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)

    def pixels(self) -> np.ndarray:
        """(height * width,) uint32, to be written."""
        return np.frombuffer(self.image.bits(), np.uint32)

    def __del__(self) -> None:
        if not hasattr(self, "image"):  # Ctrl+C came first
            return
        size = self.image.width(), self.image.height()
        if len(_waiting[size]) < KEPT:
            _waiting[size].append(self.image)
        # After the window is resized, the old size will hardly come back.
        for other in [key for key in _waiting if key != size][4:]:
            _waiting.pop(other, None)
