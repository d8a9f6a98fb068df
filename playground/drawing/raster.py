"""Points turned into coverage images with numpy, and coverage into colour.

QPainter needs 10 ms for 10,000 antialiased line segments, and a Python object for each of as many dots. Writing the
pixels with numpy takes 1 to 2 ms. Coordinates are device pixels, x to the right and y down; pixel i covers [i, i + 1).
"""

import functools

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter

from playground.drawing.pixel_buffers import empty_buffer

LARGEST = 14.0  # largest radius of a disc, in pixels
MARGIN = 32  # pixels around the image where shapes are written without a bounds check: twice LARGEST, and 3
STRIP = 64_000  # pixels painted at a time
FEW = 3000  # up to so many discs are placed to a quarter of a pixel, more discs to a whole pixel


def discs(centres: np.ndarray, radius: float, width: int, height: int, labels: np.ndarray | None = None) -> np.ndarray:
    """Coverage of equal discs, which may have a label each. In an overlap the larger coverage wins, then the larger label.

    Args:
        centres: (N, 2) pixels; non-finite ones and those outside the image are left out.
        radius: pixels, 0.5 to LARGEST.
        labels: (N,) uint8.

    Returns:
        (height, width) uint8, 255 inside a disc; with labels uint16 of coverage x 256 + label.
    """
    radius = min(max(radius, 0.5), LARGEST)
    stride = width + 2 * MARGIN
    name, kind = ("discs", np.uint8) if labels is None else ("labelled discs", np.uint16)
    padded = empty_buffer(name, stride * (height + 2 * MARGIN), kind)
    seen = inside(centres, -radius - 1, width, height)
    x, y = centres[seen, 0], centres[seen, 1]
    parts = 4 if len(x) <= FEW else 1  # positions within a pixel, per axis
    column, part_x = np.divmod(((x + MARGIN) * parts).astype(np.int64), parts)
    row, part_y = np.divmod(((y + MARGIN) * parts).astype(np.int64), parts)
    anchor = row * stride + column
    kernel, offsets = _disc(radius, parts)
    shifts = offsets[:, 1] * stride + offsets[:, 0]
    marks: np.ndarray | int = 0
    if labels is not None:
        kernel, marks = kernel.astype(np.uint16) << 8, labels[seen].astype(np.uint16)
    if parts == 1:
        # From faint to full, so that the last value written to a pixel is its largest, without a comparison.
        for shift, value in zip(shifts.tolist(), kernel[0].tolist(), strict=True):
            padded[anchor + shift] = value | marks
    else:
        pixel = anchor[:, None] + shifts
        values = kernel[part_y * parts + part_x]
        np.maximum.at(padded, pixel.ravel(), (values.T | marks).T.ravel())
    return cropped(padded, width, height).copy()


@functools.lru_cache(maxsize=64)
def _disc(radius: float, parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Coverage (parts * parts, K) uint8 of the K pixels around a disc's pixel, and their offsets (K, 2), x and y.

    The first index is the disc's position within its pixel. The pixels are in the order of their coverage.
    """
    reach = int(np.ceil(radius + 0.5))
    steps = np.arange(-reach, reach + 1)
    across = (steps + 0.5 - ((np.arange(parts) + 0.5) / parts)[:, None]) ** 2  # (place, step)
    distance = np.sqrt(across[:, None, :, None] + across[None, :, None, :])  # (place y, place x, step y, step x)
    kernel = np.round(255 * np.clip(radius + 0.5 - distance, 0, 1)).astype(np.uint8).reshape(parts**2, -1)
    offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    order = np.argsort(kernel.max(axis=0), kind="stable")
    order = order[kernel.max(axis=0)[order] > 0]
    return kernel[:, order], offsets[order]


def counts(points: np.ndarray, width: int, height: int, square: int = 1) -> np.ndarray:
    """Count the points on each pixel, or on the square of pixels around it.

    Args:
        points: (N, 2) pixels; those outside and non-finite ones are left out.
        square: side of the square that a point covers, pixels, 1 to MARGIN.

    Returns:
        (height, width) int64.
    """
    stride = width + 2 * MARGIN
    x, y = points[inside(points, -MARGIN / 2, width, height)].T
    shift = MARGIN - (square - 1) / 2
    pixel = (y + shift).astype(np.int64) * stride + (x + shift).astype(np.int64)
    covered = [pixel + (down * stride + across) for down in range(square) for across in range(square)]
    found = np.bincount(np.concatenate(covered), minlength=stride * (height + 2 * MARGIN))
    return cropped(found, width, height)


def tints(color: QColor, opacity: float = 1.0) -> np.ndarray:
    """One colour for coverage 0 to 255, (256,) uint32 premultiplied ARGB."""
    return _tints((color.red(), color.green(), color.blue()), opacity)


@functools.lru_cache(maxsize=64)
def _tints(rgb: tuple[int, int, int], opacity: float) -> np.ndarray:
    return premultiplied(np.tile(rgb, (256, 1)), np.linspace(0, opacity, 256))


def premultiplied(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Convert colours (N, 3) in [0, 255] and alpha (N,) in [0, 1] to premultiplied ARGB, (N,) uint32."""
    red, green, blue = np.round(rgb * alpha[:, None]).astype(np.uint32).T
    pixels: np.ndarray = np.round(255 * alpha).astype(np.uint32) << 24 | red << 16 | green << 8 | blue
    return pixels


def paint_tinted(painter: QPainter, coverage: np.ndarray, colors: np.ndarray, ratio: float) -> None:
    """Paint a coverage (height, width) once, of uint8 or of labelled discs.

    It is painted strip by strip, so that each strip is blended from the cache.
    """
    height, width = coverage.shape
    rows = max(1, STRIP // width)
    sheet = QImage(width, rows, QImage.Format.Format_ARGB32_Premultiplied)
    sheet.setDevicePixelRatio(ratio)
    pixels = np.frombuffer(sheet.bits(), np.uint32)
    for top in range(0, height, rows):
        strip = coverage[top : top + rows]
        if strip.any():
            _look_up(strip, colors, pixels[: strip.size])
            pixels[strip.size :] = 0  # the last strip is shorter
            painter.drawImage(QPointF(0, top / ratio), sheet)


def _look_up(coverage: np.ndarray, colors: np.ndarray, pixels: np.ndarray) -> None:
    flat = np.ascontiguousarray(coverage).ravel()
    if coverage.dtype == np.uint16:  # of labelled discs
        covered = np.flatnonzero(flat != 0)  # a few pixels of many; of numbers it would take three times as long
        pixels.fill(0)
        pixels[covered] = colors[flat[covered]]
    elif len(flat) % 2 == 0:  # two pixels a look-up take half the time of one
        np.take(_pairs(colors.tobytes()), flat.view(np.uint16), mode="clip", out=pixels.view(np.uint64))
    else:
        np.take(colors, flat, mode="clip", out=pixels)


@functools.lru_cache(maxsize=16)
def _pairs(colors: bytes) -> np.ndarray:
    """The two colours of two neighbouring bytes of coverage that are read as one uint16, (65536,) uint64."""
    single = np.frombuffer(colors, np.uint32)
    table = np.empty((256, 256, 2), np.uint32)
    table[..., 0], table[..., 1] = single[None, :], single[:, None]  # little-endian: the first byte is the low one
    return table.view(np.uint64).ravel()


def inside(points: np.ndarray, inset: float, width: int, height: int) -> np.ndarray:
    """Whether points (N, 2) are finite and in the image, (N,); a negative inset includes a rim around it."""
    x, y = points[:, 0], points[:, 1]
    seen: np.ndarray = (x > inset) & (x < width - inset) & (y > inset) & (y < height - inset)
    return seen


def cropped(flat: np.ndarray, width: int, height: int) -> np.ndarray:
    """The image without its margin."""
    return flat.reshape(height + 2 * MARGIN, width + 2 * MARGIN)[MARGIN:-MARGIN, MARGIN:-MARGIN]
