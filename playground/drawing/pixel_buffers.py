"""Memory that pictures are made in, used again for the next one.

A picture fills megabytes sixty times a second. Asking the system for them anew each time costs more than filling them:
it hands out every page by a fault, 4 of 6 ms for 10,000 trails (measured with glibc's malloc).
"""

import threading
from collections import defaultdict

import numpy as np
from PySide6.QtGui import QImage

KEPT = 8  # images of one size that wait for use

# glibc maps blocks above a threshold anew each time, and raises the threshold to the largest it has seen freed: after
# this one, which costs nothing as it is never written, arrays of a few hundred kilobytes come from memory that is there.
np.empty(24_000_000, np.uint8)

_threads = threading.local()
_waiting: dict[tuple[int, int], list[QImage]] = defaultdict(list)  # appending and popping are atomic


def empty_buffer(name: str, size: int, dtype: type) -> np.ndarray:
    """(size,) zeros that are valid until the same thread asks for the same name again."""
    arrays: dict[str, np.ndarray] = _threads.__dict__
    array = arrays.get(name)
    if array is None or len(array) != size or array.dtype != dtype:
        arrays[name] = array = np.zeros(size, dtype)
    else:
        array.fill(0)
    return array


class PixelBuffer:
    """A premultiplied ARGB image of `width` x `height` pixels that nobody else uses while this object lives.

    Its content is at first whatever was painted on it before.
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
        # After the window was resized the old size will not come back.
        for other in [key for key in _waiting if key != size][4:]:
            _waiting.pop(other, None)
