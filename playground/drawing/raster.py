"""Points turned into coverage images with numpy, and coverage into colour.

QPainter needs 10 ms for 10,000 antialiased line segments and a Python object per sprite for as many dots; writing the
pixels with numpy takes 1 to 2 ms. Coordinates here are device pixels, x to the right and y down, pixel i covering
[i, i + 1).
"""

import functools

import numpy as np
from PySide6.QtGui import QColor

from playground.drawing.sheets import Sheet, blank

MARGIN = 16  # pixels around the image where shapes that overlap its edge are written without a bounds check
FEW = 3000  # up to so many discs are placed to a quarter of a pixel, more to a half


def disc_coverage(centres: np.ndarray, radius: float, width: int, height: int) -> np.ndarray:
    """Coverage of equal discs; where they overlap, the largest.

    Args:
        centres: (N, 2) pixels; non-finite ones and those that miss the image are left out.
        radius: pixels, 0.5 to MARGIN - 2.

    Returns:
        (height, width) uint8, 255 inside a disc; valid until the next call in this thread.
    """
    radius = min(max(radius, 0.5), MARGIN - 2.0)
    stride = width + 2 * MARGIN
    padded = blank("discs", stride * (height + 2 * MARGIN), np.uint8)
    x, y = _within(centres, -radius - 1, width, height)
    parts = 4 if len(x) <= FEW else 2  # positions within a pixel, per axis
    column, part_x = np.divmod(((x + MARGIN) * parts).astype(np.int64), parts)
    row, part_y = np.divmod(((y + MARGIN) * parts).astype(np.int64), parts)
    anchor = row * stride + column
    phase = part_y * parts + part_x
    anchors = [anchor[phase == number] for number in range(parts**2)]

    reach = int(np.ceil(radius + 0.5))
    offsets = np.arange(-reach, reach + 1)
    across = (offsets + 0.5 - ((np.arange(parts) + 0.5) / parts)[:, None]) ** 2  # (phase, offset)
    distance = np.sqrt(across[:, None, :, None] + across[None, :, None, :])  # (phase y, phase x, offset y, offset x)
    kernel = np.round(255 * np.clip(radius + 0.5 - distance, 0, 1)).astype(np.uint8).reshape(parts**2, -1)
    shifts = (offsets[:, None] * stride + offsets[None, :]).ravel()
    # Written from faint to full, so that the last value in a pixel is also its largest: no read, no comparison.
    for entry in np.argsort(kernel, axis=None, kind="stable").tolist():
        number, shift = divmod(entry, len(shifts))
        if kernel[number, shift]:
            padded[anchors[number] + shifts[shift]] = kernel[number, shift]
    return cropped(padded, width, height)


def counts(points: np.ndarray, width: int, height: int, square: int = 1) -> np.ndarray:
    """How many points fall on each pixel, or on the square of pixels around it.

    Args:
        points: (N, 2) pixels; those outside and non-finite ones are left out.
        square: side of the square that a point covers, pixels, 1 to MARGIN.

    Returns:
        (height, width) int64.
    """
    stride = width + 2 * MARGIN
    x, y = _within(points, -MARGIN / 2, width, height)
    shift = MARGIN - (square - 1) / 2
    pixel = (y + shift).astype(np.int64) * stride + (x + shift).astype(np.int64)
    covered = [pixel + (down * stride + across) for down in range(square) for across in range(square)]
    found = np.bincount(np.concatenate(covered), minlength=stride * (height + 2 * MARGIN))
    return cropped(found, width, height)


def tints(color: QColor, opacity: float = 1.0, glow: QColor | None = None) -> np.ndarray:
    """(256,) uint32 premultiplied ARGB for coverage 0 to 255, turning from `color` to `glow` on the way if given."""
    fraction = np.linspace(0, 1, 256)
    base = np.array([color.red(), color.green(), color.blue()], float)
    top = base if glow is None else np.array([glow.red(), glow.green(), glow.blue()], float)
    alpha = fraction * opacity
    rgb = np.round((base + (top - base) * fraction[:, None]) * alpha[:, None]).astype(np.uint32)
    return np.round(255 * alpha).astype(np.uint32) << 24 | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]


def tinted(coverage: np.ndarray, colors: np.ndarray, ratio: float) -> Sheet:
    """A coverage (height, width) uint8 as an image to paint; `ratio` device pixels make one unit of the painter."""
    height, width = coverage.shape
    sheet = Sheet(width, height)
    flat = blank("coverage", width * height, np.uint8)
    np.copyto(flat.reshape(height, width), coverage)
    if width % 2 == 0:  # two pixels a look-up take half the time of one
        pairs = _pairs(colors.tobytes())
        np.take(pairs, flat.view(np.uint16), mode="clip", out=sheet.pixels().view(np.uint64))
    else:
        np.take(colors, flat, mode="clip", out=sheet.pixels())
    sheet.image.setDevicePixelRatio(ratio)
    return sheet


@functools.lru_cache(maxsize=16)
def _pairs(colors: bytes) -> np.ndarray:
    """(65536,) uint64: the two colours of two neighbouring bytes of coverage, read as one uint16."""
    single = np.frombuffer(colors, np.uint32)
    table = np.empty((256, 256, 2), np.uint32)
    table[..., 0], table[..., 1] = single[None, :], single[:, None]  # little-endian: the first byte is the low one
    return table.view(np.uint64).ravel()


def _within(points: np.ndarray, inset: float, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the points in the image, a negative inset counting a rim around it in."""
    x, y = points[:, 0], points[:, 1]
    inside = (x > inset) & (x < width - inset) & (y > inset) & (y < height - inset)
    return x[inside], y[inside]


def cropped(flat: np.ndarray, width: int, height: int) -> np.ndarray:
    """The image without its margin."""
    return flat.reshape(height + 2 * MARGIN, width + 2 * MARGIN)[MARGIN:-MARGIN, MARGIN:-MARGIN]
