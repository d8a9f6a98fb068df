r"""The width of a kernel density estimate by its leave-one-out likelihood.

The Gaussian kernel density estimate of N points is :class:`playground.theory.empirical.Empirical`. A network that fits the training
set perfectly learns it, with the finest noise as its width. The width that predicts other points best is found from the points
themselves (Habbema, Hermans & van den Broek 1974; Duin 1976):

.. math:: \hat h = \arg\max_h \sum_i \log \frac{1}{N - 1} \sum_{j \ne i} N(x_i; x_j, h^2 I)
"""

import math

import torch
from torch import Tensor

ISOLATED = 3.0
"""Distance from its nearest neighbour beyond which a point is ignored, in standard deviations of the data.

One such point in a hundred would otherwise decide alone, as only a width close to that distance gives it any density."""
REPEATED = 0.5
"""Least share of different points. With fewer the values are discrete and have no density."""
WIDTHS, PRECISION = 16, 0.01
"""Number of widths among which the greatest of several maxima is found, and the relative precision to which it is refined."""
GOLDEN = (math.sqrt(5) - 1) / 2


def kernel_width(points: Tensor, least: float, most: float) -> float | None:
    """The width between `least` and `most` whose mean leave-one-out log p is greatest, to 1 %.

    Equal points are left out together, because they alone would want a width of 0. All N² distances are held at once: 1,000 points
    take a fifth of a second.

    Args:
        points: (N, D), in units of the data's standard deviation.
        least, most: > 0, in the same units.

    Returns:
        The width; None if most points repeat others or none has a neighbour.
    """
    points = points.cpu().double()
    if len(torch.unique(points, dim=0)) < max(2, REPEATED * len(points)):
        return None
    others = _LeftOut(points)
    others.ignore_beyond(ISOLATED)
    if not len(others.nearest):
        return None

    def likelihood(log_width: float) -> float:
        return float(others.log_prob(math.exp(log_width)).mean())

    widths = torch.linspace(math.log(least), math.log(most), WIDTHS, dtype=torch.float64).tolist()
    best = max(range(WIDTHS), key=lambda index: likelihood(widths[index]))
    low, high = widths[max(best - 1, 0)], widths[min(best + 1, WIDTHS - 1)]
    inner = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    found = [likelihood(log_width) for log_width in inner]
    while high - low > PRECISION:  # golden-section search: one of the two inner widths is one of the next
        if found[0] < found[1]:
            low, inner = inner[0], [inner[1], inner[0] + GOLDEN * (high - inner[0])]
            found = [found[1], likelihood(inner[1])]
        else:
            high, inner = inner[1], [inner[1] - GOLDEN * (inner[1] - low), inner[0]]
            found = [likelihood(inner[0]), found[0]]
    return math.exp((low + high) / 2)


def width_for_gaussian(points: Tensor) -> float:
    """The width for a Gaussian with the variance of the narrowest principal axis of the points (N, 2).

    For a round Gaussian in the plane :func:`kernel_width` is about 1.2 N^(-1/6) standard deviations.
    """
    variances = torch.linalg.eigvalsh(torch.cov(points.cpu().double().T, correction=0))
    return 1.2 * math.sqrt(max(float(variances[0]), 0.0)) / math.pow(len(points), 1 / 6)


class _LeftOut:
    """The squared distance of each point to the nearest of another value, (N,), and how much farther all others are, (N, N)."""

    def __init__(self, points: Tensor) -> None:
        squares = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").square()
        squares.masked_fill_(squares == 0, math.inf)
        self.nearest = squares.amin(1)
        self._farther = squares - self.nearest[:, None]
        self._count = squares.isfinite().sum(1)
        self._dim = points.shape[1]

    def ignore_beyond(self, distance: float) -> None:
        """Ignore the points whose nearest neighbour is farther than that."""
        near = self.nearest <= distance**2
        # In single precision an exponential takes half the time, and the differences are exact enough.
        self.nearest, self._farther, self._count = self.nearest[near], self._farther[near].float(), self._count[near]

    def log_prob(self, width: float) -> Tensor:
        scale = -0.5 / width**2
        sums = (self._farther * scale).exp_().sum(1, dtype=torch.float64)
        normalizer = self._dim * (math.log(width) + 0.5 * math.log(2 * math.pi))
        return scale * self.nearest + (sums / self._count).log() - normalizer
