"""The mapping between the user's coordinates and a picture."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

Viewport = tuple[float, float, float, float]  # x0, x1, y0, y1 in the user's units, x0 < x1 and y0 < y1


@dataclass(frozen=True)
class Plane:
    """A viewport spread over `width` x `height` painter units of `ratio` device pixels each; the y axis points up."""

    viewport: Viewport
    width: float
    height: float
    ratio: float = 1.0

    @property
    def columns(self) -> int:
        """Device pixels across. The last one may be covered in part, as with 601 units of 1.25 pixels."""
        return _pixels(self.width * self.ratio)

    @property
    def rows(self) -> int:
        """Device pixels down."""
        return _pixels(self.height * self.ratio)

    @property
    def scale(self) -> tuple[float, float]:
        """Painter units per user unit along x and (downwards, so negative) along y."""
        x0, x1, y0, y1 = self.viewport
        return self.width / (x1 - x0), -self.height / (y1 - y0)

    def to_painter(self, points: ArrayLike) -> np.ndarray:
        """(..., 2) user coordinates in painter units, float64."""
        return self._mapped(np.asarray(points), 1.0)

    def to_pixels(self, points: ArrayLike) -> np.ndarray:
        """(..., 2) user coordinates in device pixels, float64."""
        return self._mapped(np.asarray(points), self.ratio)

    def _mapped(self, points: np.ndarray, ratio: float) -> np.ndarray:
        x0, _, _, y1 = self.viewport
        sx, sy = self.scale
        # The columns are stored one after the other, because numpy is several times slower on an innermost axis of length
        # two. The offset is subtracted before scaling, in double precision, so that an offset of 1e6 leaves a plot of
        # width 1 exact.
        columns = np.empty((2, *points.shape[:-1]))
        columns[0] = (points[..., 0].astype(np.float64) - x0) * (sx * ratio)
        columns[1] = (points[..., 1].astype(np.float64) - y1) * (sy * ratio)
        return np.moveaxis(columns, 0, -1)

    def to_user(self, x: float, y: float) -> tuple[float, float]:
        """The user coordinates of a position in painter units."""
        sx, sy = self.scale
        return self.viewport[0] + x / sx, self.viewport[3] + y / sy


def shaped(viewport: Viewport, width: float, height: float) -> Viewport:
    """The smallest viewport around this one in which both axes have the same scale on `width` x `height`.

    >>> shaped((0, 1, 0, 1), 200, 100)
    (-0.5, 1.5, 0.0, 1.0)
    """
    x0, x1, y0, y1 = viewport
    unit = max((x1 - x0) / width, (y1 - y0) / height)
    cx, cy, half_width, half_height = (x0 + x1) / 2, (y0 + y1) / 2, unit * width / 2, unit * height / 2
    return cx - half_width, cx + half_width, cy - half_height, cy + half_height


def bounds_of(points: np.ndarray, margin: float = 0.1) -> Viewport | None:
    """The viewport that shows all finite points with a margin (a fraction of the extent); None if there are none."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    extent = high - low
    # A single point, or points on a line parallel to an axis, still need a viewport with some height and width.
    extent = np.where(extent > 1e-9 * np.abs(high), extent, max(extent.max(), 1e-6 * np.abs(high).max(), 1e-12))
    low, high = (low + high - extent * (1 + 2 * margin)) / 2, (low + high + extent * (1 + 2 * margin)) / 2
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def _pixels(length: float) -> int:
    return max(1, math.ceil(length - 1e-6))
