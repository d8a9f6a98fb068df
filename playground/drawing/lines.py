"""Antialiased lines, written into a coverage image with numpy by the method of Wu (1991).

Coordinates are device pixels, x to the right and y down, pixel i covering [i, i + 1).
"""

import math
from collections.abc import Callable

import numpy as np

from playground.drawing.pixel_buffers import empty_buffer
from playground.drawing.raster import MARGIN, cropped


def line_coverage(
    segments: np.ndarray, weights: np.ndarray, thickness: float, width: int, height: int, *, ink: bool
) -> np.ndarray:
    """Coverage of line segments.

    Args:
        segments: (M, 4) pixels, x0 y0 x1 y1; non-finite ones are left out.
        weights: (M,) strength of a line in [0, 1].
        thickness: pixels, 1 to 8.
        ink: if True, crossing lines add up and strength 1 is painted as 128; otherwise the stronger line stays and
            strength 1 is painted as 255.

    Returns:
        (height, width) uint8, valid until the next call in this thread.
    """
    stride = width + 2 * MARGIN
    image = empty_buffer("lines", stride * (height + 2 * MARGIN), np.uint16 if ink else np.uint8)
    (x0, y0, x1, y1), weights = _clipped(segments, weights, width, height)
    if len(weights):
        strengths = weights * np.float32(128 if ink else 255)
        _write(image, x0, y0, x1, y1, strengths, thickness, stride, np.add.at if ink else np.maximum.at)
    if not ink:
        return cropped(image, width, height)
    bytes_ = empty_buffer("ink", len(image), np.uint8)
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
    """Deposit the pixels of all lines."""
    # Lines run along their longer axis ("major"), from low to high; pixel centres are whole numbers.
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
    along, across = np.where(steep, stride, 1), np.where(steep, 1, stride)
    count = (last - first + 1).astype(np.int64)
    final = np.cumsum(count) - 1  # the index of a line's last pixel in the list of all
    begin = final - count + 1

    # One long list instead of chunks: every call of numpy may give the interpreter to a training thread.
    step = np.repeat(first.astype(np.int64) - begin, count)
    step += np.arange(len(step))
    ink = np.repeat(strengths, count)
    ink[begin] *= np.minimum(first + np.float32(0.5), b) - a  # the part of the first pixel that the line covers
    ink[final] *= np.where(last > first, b - last + np.float32(0.5), np.float32(1))
    centre = np.repeat(slope, count)
    centre *= step
    centre += np.repeat(c - slope * a, count)
    step *= np.repeat(along, count)
    hop = np.repeat(across, count)
    if thickness <= 1:  # Wu's two pixels, which share the line's strength
        nearest = centre.astype(np.int64)
        centre -= nearest
        centre *= ink
        nearest *= hop
        nearest += step
        deposit(image, nearest, (ink - centre).astype(image.dtype))
        nearest += hop
        deposit(image, nearest, centre.astype(image.dtype))
        return
    reach = np.repeat(half, count)
    lowest = (centre - reach).astype(np.int64) + 1
    distance = lowest - centre
    lowest *= hop
    lowest += step
    for _ in range(hops):
        value = np.clip(reach - np.abs(distance), 0, 1)
        value *= ink
        deposit(image, lowest, value.astype(image.dtype))
        lowest += hop
        distance += 1


def _clipped(
    segments: np.ndarray, weights: np.ndarray, width: int, height: int
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Clip segments to the image and half of its margin (Liang and Barsky, 1984).

    Returns:
        x0, y0, x1, y1 with the margin added, and the weights of the remaining segments, all float32.
    """
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
        # 0/0 means a line along the border, which is no bound: fmax and fmin ignore NaN.
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
