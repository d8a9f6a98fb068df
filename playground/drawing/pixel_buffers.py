"""The memory of pictures, which is reused for the next picture.

A picture fills megabytes sixty times a second. New memory would take longer than filling it, because the system provides
each page by a page fault: 4 of 6 ms for 10,000 trails (measured with glibc's malloc).
"""

import threading

import numpy as np
from PySide6.QtGui import QImage

# glibc maps blocks above a threshold anew each time, and raises the threshold to the largest block that was freed. After
# this block, which costs nothing because it is never written, arrays of a few hundred kilobytes come from memory in use.
np.empty(24_000_000, np.uint8)

_threads = threading.local()


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
