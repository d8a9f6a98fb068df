"""Antialiased lines written into a coverage image with numpy, in the manner of Wu (1991).

Coordinates are device pixels, x to the right and y down, pixel i covering [i, i + 1).
"""

import math
from collections.abc import Callable

import numpy as np

from playground.drawing.raster import MARGIN, cropped
from playground.drawing.sheets import blank

CHUNK = 16_000  # pixels written at a time: their numbers stay in the processor's cache
LENGTHS = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)  # of lines done together


def line_coverage(
    segments: np.ndarray, weights: np.ndarray, thickness: float, width: int, height: int, *, ink: bool
) -> np.ndarray:
    """Coverage of line segments.

    Args:
        segments: (M, 4) pixels, x0 y0 x1 y1; non-finite ones are left out.
        weights: (M,) strength of a line in [0, 1].
        thickness: pixels, 1 to 8.
        ink: crossing lines add up, strength 1 being painted as 128; otherwise the stronger one stays, 1 as 255.

    Returns:
        (height, width) uint8, valid until the next call in this thread.
    """
    stride = width + 2 * MARGIN
    image = blank("lines", stride * (height + 2 * MARGIN), np.uint16 if ink else np.uint8)
    (x0, y0, x1, y1), weights = _clipped(segments, weights, width, height)
    if len(weights):
        strengths = weights * np.float32(128 if ink else 255)
        _write(image, x0, y0, x1, y1, strengths, thickness, stride, np.add.at if ink else np.maximum.at)
    if not ink:
        return cropped(image, width, height)
    bytes_ = blank("ink", len(image), np.uint8)
    np.copyto(bytes_, image, casting="unsafe")
    bytes_[image > 255] = 255  # four times as fast as a minimum
    return cropped(bytes_, width, height)


def _write(
    image: np.ndarray,
    x0: np.ndarray,
    y0: np.ndarray,
    x1: np.ndarray,
    y1: np.ndarray,
    strengths: np.ndarray,
    thickness: float,
    stride: int,
    deposit: Callable[[np.ndarray, np.ndarray, np.ndarray], None],
) -> None:
    """Deposit the lines' pixels, lines of about one length at a time, each as a column of a rectangle."""
    # Along the longer axis ("major"), from low to high; pixel centres are whole numbers.
    steep = np.abs(y1 - y0) > np.abs(x1 - x0)
    back = np.where(steep, y0 > y1, x0 > x1)
    a, b = np.where(steep, y0, x0), np.where(steep, y1, x1)
    c, d = np.where(steep, x0, y0), np.where(steep, x1, y1)
    a, b, c, d = np.where(back, b, a), np.where(back, a, b), np.where(back, d, c), np.where(back, c, d)
    slope = np.clip((d - c) / np.maximum(b - a, np.float32(1e-6)), -1, 1)
    first, last = np.floor(a + np.float32(0.5)), np.floor(b + np.float32(0.5))
    # Half the line's extent along the minor axis.
    half = np.float32(0.5) + np.float32(thickness / 2) * np.hypot(np.float32(1), slope)
    hops = math.ceil(2 * float(half.max()))
    numbers = np.stack([a, b, c - slope * a, slope, first, last, strengths, half])
    strides = np.where(steep, stride, 1), np.where(steep, 1, stride)

    count = (last - first + 1).astype(np.uint16)
    order = np.argsort(count, kind="stable")  # a radix sort, because the keys are short
    starts = np.searchsorted(count[order], [0, *LENGTHS[:-1]], side="right").tolist()
    for length, low, high in zip(LENGTHS, starts, [*starts[1:], len(order)], strict=True):
        columns = max(1, CHUNK // length)
        for begin in range(low, high, columns):
            part = order[begin : min(begin + columns, high)]
            a, b, base, slope, first, last, strength, half = np.take(numbers, part, axis=1)
            along, across = (steps[part] for steps in strides)
            step = first + np.arange(length, dtype=np.float32)[:, None]
            # Less than 1 in the first and the last pixel of a line, below 0 after its end.
            covered = np.minimum(step + np.float32(0.5), b) - np.maximum(step - np.float32(0.5), a)
            ink = np.maximum(covered, 0) * strength
            step = np.minimum(step, last)
            centre = base + slope * step
            offset = step.astype(np.int64) * along
            if thickness <= 1:  # Wu's own two pixels, that share the line's strength
                nearest = centre.astype(np.int64)
                second = (centre - nearest.astype(np.float32)) * ink
                offset += nearest * across
                deposit(image, offset.ravel(), (ink - second).astype(image.dtype).ravel())
                deposit(image, (offset + across).ravel(), second.astype(image.dtype).ravel())
                continue
            lowest = np.floor(centre - half) + 1
            distance = lowest - centre
            offset += lowest.astype(np.int64) * across
            for number in range(hops):
                value = np.clip(half - np.abs(distance + np.float32(number)), 0, 1) * ink
                deposit(image, (offset + number * across).ravel(), value.astype(image.dtype).ravel())


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
