"""Points and lines turned into coverage images with numpy.

QPainter needs 10 ms for 10,000 antialiased line segments and a Python object per sprite for as many dots; writing the
pixels with numpy takes 1 to 2 ms. Coordinates here are device pixels, x to the right and y down, pixel i covering
[i, i + 1).
"""

import functools
import math

import numpy as np
from PySide6.QtGui import QColor, QImage

MARGIN = 16  # pixels around the image where shapes that overlap its edge are written without a bounds check
FEW = 3000  # up to so many discs are placed to a quarter of a pixel, more to a half


def disc_coverage(centres: np.ndarray, radius: float, width: int, height: int) -> np.ndarray:
    """Coverage of equal discs; where they overlap, the largest.

    Args:
        centres: (N, 2) pixels; non-finite ones and those that miss the image are left out.
        radius: pixels, 0.5 to MARGIN - 2.

    Returns:
        (height, width) uint8, 255 inside a disc.
    """
    radius = min(max(radius, 0.5), MARGIN - 2.0)
    stride = width + 2 * MARGIN
    padded = np.zeros(stride * (height + 2 * MARGIN), np.uint8)
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
    return _cropped(padded, width, height)


def line_coverage(
    segments: np.ndarray, weights: np.ndarray, thickness: float, width: int, height: int, *, ink: bool
) -> np.ndarray:
    """Antialiased coverage of line segments, in the manner of Wu (1991).

    Args:
        segments: (M, 4) pixels, x0 y0 x1 y1; non-finite ones are left out.
        weights: (M,) strength of a line in [0, 1].
        thickness: pixels, 1 to 8.
        ink: crossing lines add up, strength 1 being painted as 128; otherwise the stronger one stays, 1 as 255.

    Returns:
        (height, width) uint8.
    """
    stride = width + 2 * MARGIN
    size = stride * (height + 2 * MARGIN)
    (x0, y0, x1, y1), weights = _clipped(segments, weights, width, height)
    if not len(weights):
        return np.zeros((height, width), np.uint8)
    # From here on along the longer axis ("major"), from low to high; pixel centres become whole numbers.
    steep = np.abs(y1 - y0) > np.abs(x1 - x0)
    back = np.where(steep, y0 > y1, x0 > x1)
    a, b = np.where(steep, y0, x0), np.where(steep, y1, x1)
    c, d = np.where(steep, x0, y0), np.where(steep, x1, y1)
    a, b, c, d = np.where(back, b, a), np.where(back, a, b), np.where(back, d, c), np.where(back, c, d)
    slope = np.clip((d - c) / np.maximum(b - a, np.float32(1e-6)), -1, 1)
    first, last = np.floor(a + 0.5).astype(np.int64), np.floor(b + 0.5).astype(np.int64)
    count = last - first + 1
    final = np.cumsum(count) - 1  # where a line's last pixel stands in the list of all pixels
    begin = final - count + 1

    def each(values: np.ndarray) -> np.ndarray:
        """One value a line, repeated for each of its pixels along the major axis."""
        return np.repeat(values, count)

    step = np.arange(final[-1] + 1) + each(first - begin)
    strength = each(weights * np.float32(128 if ink else 255))
    strength[begin] *= np.minimum(first + 0.5, b) - a  # the part of the first pixel that the line covers
    strength[final] *= np.where(last > first, b - last + 0.5, 1)
    centre = each(c - slope * a) + each(slope) * step.astype(np.float32)
    # Half the line's extent along the minor axis; thin lines keep Wu's two pixels, whatever their slope.
    half = (0.5 + thickness / 2 * (np.hypot(1, slope) if thickness > 1 else np.ones_like(slope))).astype(np.float32)
    reach = each(half)
    lowest = np.floor(centre - reach) + 1
    distance = lowest - centre
    hop = each(np.where(steep, 1, stride))
    pixel = lowest.astype(np.int64) * hop + step * each(np.where(steep, stride, 1))
    image = np.zeros(size, np.uint16 if ink else np.uint8)
    deposit = np.add.at if ink else np.maximum.at
    for number in range(math.ceil(2 * float(half.max()))):
        value = np.clip(reach - np.abs(distance + np.float32(number)), 0, 1) * strength
        deposit(image, pixel, value.astype(image.dtype))
        pixel += hop
    return _cropped(np.minimum(image, 255).astype(np.uint8) if ink else image, width, height)


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
    return _cropped(found, width, height)


def tints(color: QColor, opacity: float = 1.0, glow: QColor | None = None) -> np.ndarray:
    """(256,) uint32 premultiplied ARGB for coverage 0 to 255, turning from `color` to `glow` on the way if given."""
    fraction = np.linspace(0, 1, 256)
    base = np.array([color.red(), color.green(), color.blue()], float)
    top = base if glow is None else np.array([glow.red(), glow.green(), glow.blue()], float)
    alpha = fraction * opacity
    rgb = np.round((base + (top - base) * fraction[:, None]) * alpha[:, None]).astype(np.uint32)
    return np.round(255 * alpha).astype(np.uint32) << 24 | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]


def tinted(coverage: np.ndarray, colors: np.ndarray, ratio: float) -> QImage:
    """A coverage (height, width) uint8 as an image to paint; `ratio` device pixels make one unit of the painter."""
    height, width = coverage.shape
    image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    pixels = np.frombuffer(image.bits(), np.uint32)
    coverage = np.ascontiguousarray(coverage).ravel()
    if width % 2 == 0:  # two pixels a look-up take half the time of one
        np.take(_pairs(colors.tobytes()), coverage.view(np.uint16), mode="clip", out=pixels.view(np.uint64))
    else:
        np.take(colors, coverage, mode="clip", out=pixels)
    image.setDevicePixelRatio(ratio)
    return image


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


def _clipped(
    segments: np.ndarray, weights: np.ndarray, width: int, height: int
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """x0, y0, x1, y1 with the margin added, and weights, float32, of what lies in the image and half the margin
    (Liang and Barsky, 1984)."""
    rim = MARGIN / 2
    right, bottom = width + rim, height + rim
    x0, y0, x1, y1 = columns = np.array(segments.T, order="C")
    left_end, right_end = np.minimum(x0, x1), np.maximum(x0, x1)
    top_end, bottom_end = np.minimum(y0, y1), np.maximum(y0, y1)
    seen = (right_end > -rim) & (left_end < right) & (bottom_end > -rim) & (top_end < bottom)
    cut = seen & ((left_end < -rim) | (right_end > right) | (top_end < -rim) | (bottom_end > bottom))
    if cut.any():
        x0, y0, x1, y1 = columns[:, cut]
        with np.errstate(divide="ignore", invalid="ignore"):
            across = np.stack([-rim - x0, right - x0]) / (x1 - x0)
            down = np.stack([-rim - y0, bottom - y0]) / (y1 - y0)
        # 0/0, a line along the very border, bounds nothing: fmax and fmin pass over NaN.
        enter = np.fmax(np.fmax(across.min(axis=0), down.min(axis=0)), 0.0)
        leave = np.fmin(np.fmin(across.max(axis=0), down.max(axis=0)), 1.0)
        columns[:, cut] = (
            x0 + enter * (x1 - x0),
            y0 + enter * (y1 - y0),
            x0 + leave * (x1 - x0),
            y0 + leave * (y1 - y0),
        )
        seen[cut] = enter < leave
    if not seen.all():
        columns, weights = columns[:, seen], weights[seen]
    x0, y0, x1, y1 = columns.astype(np.float32) + np.float32(MARGIN - 0.5)
    return (x0, y0, x1, y1), weights.astype(np.float32)


def _cropped(flat: np.ndarray, width: int, height: int) -> np.ndarray:
    return flat.reshape(height + 2 * MARGIN, width + 2 * MARGIN)[MARGIN:-MARGIN, MARGIN:-MARGIN]
