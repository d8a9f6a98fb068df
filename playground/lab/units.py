"""The map between the units of the user and the standardized ones of the mathematics.

Imports no torch, so the window can show a saved trajectory before torch is loaded.
"""

import math
import typing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

if typing.TYPE_CHECKING:
    from playground.data import Dataset

Array = NDArray[np.floating]

AXES_DIFFER = 3.0  # a file whose axes' spreads differ by more than this factor is scaled axis by axis


@dataclass(frozen=True)
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
        variances = dataset.points.var(axis=0)
        spread = math.sqrt(variances.mean())
        scale = np.full(dataset.shape, spread)
        # Images keep one scale: a pixel that is always dark has no spread of its own.
        if len(dataset.shape) == 1 and variances.max() > AXES_DIFFER**2 * variances.min() > 0:
            scale = np.sqrt(variances)
        return cls(dataset.points.mean(axis=0), scale)

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

    def to_user(self, points: Array) -> Array:
        """Points (..., \\*shape) in user units, float64."""
        return np.asarray(points, dtype=np.float64) * self.scale + self.offset

    def evened(self, points: Array) -> Array:
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
