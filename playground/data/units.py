"""The map between the units of the user and the standardized ones of the mathematics.

Imports no torch, so the window can show a saved trajectory before torch is loaded.
"""

import math
import typing
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

if typing.TYPE_CHECKING:
    from playground.data import Dataset

Array = NDArray[np.floating]

PART = 2**20  # numbers worked on at once: 8 MB in double precision
AXES_DIFFER = 3.0  # a file whose axes' spreads differ by more than this factor is scaled axis by axis
EQUALIZED = (
    "If the standard deviations of a file's columns differ more than threefold, each column is stretched "
    "to their geometric mean. Noise levels, distances and score errors are in that unit."
)


@dataclass(frozen=True, eq=False)
class Units:
    """The map between user units and internal units: internal = (user - offset) / scale, axis by axis.

    Attributes:
        offset: mean of the data in user units, the shape of one point.
        scale: user units per internal unit, the shape of one point; equal on all axes except for files whose axes differ
            widely, where a sigma in user units is read on the axes' geometric mean.
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
        # Images keep one scale: a pixel that is always dark has no spread of its own.
        if len(dataset.shape) == 1 and variances.max() > AXES_DIFFER**2 * variances.min() > 0:
            scale = np.sqrt(variances)
        return cls(offset, scale)

    @property
    def length(self) -> float:
        """User units per internal unit for lengths that belong to no axis."""
        return float(np.exp(np.log(self.scale).mean()))

    @property
    def isotropic(self) -> bool:
        """Whether all axes share one scale, so that a distance means the same in every direction."""
        return bool(self.scale.min() == self.scale.max())

    def to_internal(self, points: Array) -> Array:
        """Points (..., \\*shape) in internal units."""
        return (points - self.offset) / self.scale

    def standardized(self, points: Array) -> NDArray[np.float32]:
        """Convert points (N, \\*shape), rounded to single precision: many take no memory but the result's."""
        out = np.empty(points.shape, dtype=np.float32)
        for some in _parts(points):
            out[some] = self.to_internal(points[some])
        return out

    def to_user(self, points: Array) -> Array:
        """Points (..., \\*shape) in user units, float64."""
        return np.asarray(points, dtype=np.float64) * self.scale + self.offset

    def equalized(self, points: Array) -> Array:
        """Points (..., \\*shape) whose distances count every axis: those that differ widely are brought to their geometric mean.

        A distance in the units of each would be that along the widest axis alone.
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
        """Log-densities in nats per user units: the map's Jacobian is subtracted."""
        return np.asarray(log_prob, dtype=np.float64) - float(np.log(self.scale).sum())


def _moments(points: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of points (N, \\*shape) along each axis, in double precision whatever the points are in."""
    mean = points.mean(axis=0, dtype=np.float64)
    squares = sum(np.square(points[some] - mean).sum(axis=0) for some in _parts(points))
    return mean, squares / len(points)


def _parts(points: Array) -> Iterator[slice]:
    """Rows of points (N, \\*shape) that can be worked on at once: in double precision the whole set may not fit into memory."""
    rows = max(1, PART // math.prod(points.shape[1:]))
    return (slice(start, start + rows) for start in range(0, len(points), rows))
