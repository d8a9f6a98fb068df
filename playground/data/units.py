"""The map between the user's units and the standardized internal units.

It does not import torch, so the window can show a saved trajectory before torch is loaded.
"""

import math
import typing
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from playground.records import record

if typing.TYPE_CHECKING:
    from playground.data import Dataset

Array = NDArray[np.floating]

PART = 2**20  # numbers processed at once: 8 MB in double precision
AXES_DIFFER = 3.0  # if the axes' standard deviations differ by more than this factor, each axis has its own scale
EQUALIZED = (
    "If the standard deviations of a file's columns differ more than threefold, each column is stretched "
    "to their geometric mean. Noise levels, distances and score errors are in that unit."
)


@record
class Units:
    """The map between user units and internal units: internal = (user - offset) / scale, for each axis.

    Attributes:
        offset: the mean of the data in user units, in the shape of one point.
        scale: user units per internal unit, in the shape of one point. It is equal on all axes, except for files whose axes differ
            widely. There a sigma in user units refers to the axes' geometric mean.
    """

    offset: Array
    scale: Array

    @classmethod
    def of(cls, dataset: "Dataset") -> "Units":
        """Units in which the data have mean 0 and mean variance 1 per axis."""
        if dataset.density is not None:
            offset = dataset.density.mean.cpu().numpy().astype(np.float64)
            return cls(offset, np.full(dataset.shape, math.sqrt(dataset.density.variance)))
        offset, variances = _moments(dataset.points)
        spread = math.sqrt(variances.mean())
        scale = np.full(dataset.shape, spread)
        # Images have one scale for all pixels: a pixel that is always dark has no variance.
        if len(dataset.shape) == 1 and variances.max() > AXES_DIFFER**2 * variances.min() > 0:
            scale = np.sqrt(variances)
        return cls(offset, scale)

    @property
    def length(self) -> float:
        """User units per internal unit for lengths without a direction: the geometric mean of the axes' scales."""
        return float(np.exp(np.log(self.scale).mean()))

    @property
    def isotropic(self) -> bool:
        """Whether all axes have the same scale, so that a distance means the same in every direction."""
        return bool(self.scale.min() == self.scale.max())

    def to_internal(self, points: Array) -> Array:
        """Points (..., \\*shape) in internal units."""
        return (points - self.offset) / self.scale

    def standardized(self, points: Array) -> NDArray[np.float32]:
        """Points (N, \\*shape) in internal units and single precision. Only the result takes memory."""
        out = np.empty(points.shape, dtype=np.float32)
        for some in _parts(points):
            out[some] = self.to_internal(points[some])
        return out

    def to_user(self, points: Array) -> Array:
        """Points (..., \\*shape) in user units, float64."""
        return np.asarray(points, dtype=np.float64) * self.scale + self.offset

    def equalized(self, points: Array) -> Array:
        """Points (..., \\*shape) for distances: axes that differ widely are scaled to their geometric mean.

        In the axes' own units a distance would be that along the widest axis alone.
        """
        return np.asarray(points) if self.isotropic else self.to_internal(points) * self.length

    def sigma_to_internal(self, sigma: float) -> float:
        """A noise level in internal units."""
        return sigma / self.length

    def sigma_to_user(self, sigma: float) -> float:
        """A noise level in user units."""
        return sigma * self.length

    def score_to_user(self, score: Array) -> Array:
        """A score (..., \\*shape), per user unit."""
        return np.asarray(score, dtype=np.float64) / self.scale

    def log_prob_to_user(self, log_prob: Array) -> Array:
        """Log-densities in nats over user units: the logarithm of the map's Jacobian is subtracted."""
        return np.asarray(log_prob, dtype=np.float64) - float(np.log(self.scale).sum())


def _moments(points: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean and variance of points (N, \\*shape) along each axis, in double precision."""
    mean = points.mean(axis=0, dtype=np.float64)
    squares = sum(np.square(points[some] - mean).sum(axis=0) for some in _parts(points))
    return mean, squares / len(points)


def _parts(points: Array) -> Iterator[slice]:
    """Slices of points (N, \\*shape) to process at once, as the whole set in double precision may not fit into memory."""
    rows = max(1, PART // math.prod(points.shape[1:]))
    return (slice(start, start + rows) for start in range(0, len(points), rows))
