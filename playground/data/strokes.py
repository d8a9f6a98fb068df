"""A drawing as a density: a mixture of Gaussians along each stroke of the brush.

Like a toy, a drawing is known exactly: points are samples of it, and its score is a closed form.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from playground.data import polylines
from playground.data.dataset import Array, DataError, Stroke

if TYPE_CHECKING:
    from playground.theory.densities import GaussianMixture

MOST_STROKES = 1_000
MOST_COMPONENTS = 4096  # if a drawing needs more, the spacing becomes wider
_SPACING = 1.0  # distance of neighbouring Gaussians in brush radii, which gives a ripple of 5e-9


def density_of_strokes(strokes: Sequence[Stroke]) -> "GaussianMixture":
    """The density of a drawing, in float64 and the user's units.

    The density along a stroke's middle does not depend on the brush's radius. So a stroke's weight is radius times length, and a
    dab has the weight that makes its middle as dense as a line's. Painting twice doubles the density.

    Raises:
        DataError: nothing is drawn, or a stroke has no finite points or no positive radius.
    """
    import torch

    from playground.theory.densities import GaussianMixture

    if not strokes:
        raise DataError("Nothing is drawn yet: paint on the canvas with the brush, then train.")
    lines = [np.asarray(stroke.points, dtype=np.float64).reshape(-1, 2) for stroke in strokes]
    for line, stroke in zip(lines, strokes, strict=True):
        if not len(line) or not np.isfinite(line).all() or not 0 < stroke.radius < math.inf:
            raise DataError(
                "A stroke of the brush needs finite points and a radius above 0: undo it and paint it again."
            )
    radii = [float(stroke.radius) for stroke in strokes]
    lengths = [float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in lines]
    wanted = sum(length / (_SPACING * radius) for length, radius in zip(lengths, radii, strict=True))
    wider = max(1.0, wanted / max(1, MOST_COMPONENTS - 2 * len(strokes)))

    means, stds, weights = [], [], []
    for line, radius, length in zip(lines, radii, lengths, strict=True):
        along = _along(line, length, math.ceil(length / (_SPACING * radius * wider)) + 1)
        means.append(along)
        stds.append(np.full(len(along), radius))
        # The density is weight/(2 pi r^2) at a dab's middle, and weight/length/(sqrt(2 pi) r) on a line. This least length makes
        # them equal.
        weight = radius * max(length, math.sqrt(2 * math.pi) * radius)
        weights.append(np.full(len(along), weight / len(along)))
    return GaussianMixture(*(torch.from_numpy(np.concatenate(parts)) for parts in (means, stds, weights)))


def _along(line: Array, length: float, count: int) -> Array:
    """`count` points at equal distances along a polyline, (count, 2), with both ends if there are at least two."""
    at = np.linspace(0.0, length, count) if count > 1 else np.array([length / 2])
    return polylines.places(line, polylines.lengths(line), at)
