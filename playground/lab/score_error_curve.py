"""Errors of a score at several noise levels, as plain arrays.

This module imports no torch, so that the window can name the errors before torch is loaded.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from playground.messages import Message, setting

Array = NDArray[np.floating]


def at_sigma(sigma: float, sigmas: Array, values: Array) -> float:
    """Interpolate values (S,) at rising noise levels (S,) along log sigma; beyond the ends they are constant."""
    return float(np.interp(math.log(sigma), np.log(sigmas), values))


@dataclass(frozen=True, eq=False)
class ScoreErrorCurve:
    """The errors of a score along sigma, each with its standard error over the evaluated points.

    Attributes:
        fraction: fraction of the noise levels that is done.
        sigmas: (S,) noise levels from fine to coarse, in user units.
        divergence, divergence_error: (S,) E ||s - exact||^2, per user unit squared.
        relative, relative_error: (S,) its root over that of E ||exact||^2: 1 is as bad as s = 0.
        source: the reference score: "exact", or "empirical" for that of the smoothed training set.
    """

    fraction: float
    sigmas: Array
    divergence: Array
    divergence_error: Array
    relative: Array
    relative_error: Array
    source: str

    @property
    def unscaled(self) -> Message | None:
        """Why some relative errors do not exist, or None if all do: a sharp density's score may be 0 in single precision."""
        flat = int((np.isnan(self.relative) & np.isfinite(self.divergence)).sum())
        if not flat:
            return None
        return Message(
            "unscaled",
            "At {} of {} noise levels the {} score is 0 at all held-out points, so no relative error exists: raise {}.",
            (flat, len(self.sigmas), self.source, setting("likelihood.points")),
            "likelihood.points",
        )
