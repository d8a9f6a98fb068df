"""A drawing as a density: paint laid down along each stroke of the brush.

A drawing is known exactly, like a toy: its points are drawn from it, and its score and entropy are closed forms.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from playground.data.dataset import Array, DataError, Stroke

if TYPE_CHECKING:
    from playground.theory.densities import GaussianMixture

MOST_COMPONENTS = 4096  # where a drawing would need more, they move apart
_SPACING = 1.0  # between neighbouring Gaussians, in brush radii: a ripple of 5e-9


def density_of_strokes(strokes: Sequence[Stroke]) -> "GaussianMixture":
    """The density that a brush leaves behind, float64, in the user's units.

    A brush lays paint equally thick along its way whatever its radius: a stroke weighs radius times length, and a dab
    weighs the paint that makes its middle as thick as a line's. Painting twice doubles the density there.

    Raises:
        DataError: nothing is drawn, or a stroke has no place or no width.
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
        # A dab's middle has weight/(2 pi r^2), a line's weight/length/(sqrt(2 pi) r): equal for this least length.
        weight = radius * max(length, math.sqrt(2 * math.pi) * radius)
        weights.append(np.full(len(along), weight / len(along)))
    return GaussianMixture(*(torch.from_numpy(np.concatenate(parts)) for parts in (means, stds, weights)))


def _along(line: Array, length: float, count: int) -> Array:
    """`count` places at equal distances along a polyline, (count, 2); both ends are among them where there are two."""
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0.0, length, count) if count > 1 else np.array([length / 2])
    return np.stack([np.interp(at, arc, line[:, 0]), np.interp(at, arc, line[:, 1])], axis=1)
