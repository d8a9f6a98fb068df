r"""Whether two clouds of points come from one distribution: figures with their sampling error whose value is known if they do.

The squared maximum mean discrepancy and the energy distance are one statistic with two kernels, without bias:

.. math:: U = \frac1{n (n-1)} \sum_{i \ne j} h_{ij}, \quad
          h_{ij} = k(a_i, a_j) + k(b_i, b_j) - k(a_i, b_j) - k(a_j, b_i)

Its mean is 0 for clouds of one distribution and positive otherwise; a single value may be below 0. Clouds of unequal size are
compared at the smaller one's. Points have any shape.
"""

import math

import torch
from torch import Tensor

from playground.theory.metrics import share_error

LEAST = 4  # points of each cloud, below which no error can be told
EQUAL = 1e-7  # of the largest distance: products of double precision leave as much of 0
FREQUENCIES = 64
RIDGE = 1.0  # of the weights, for features of variance one: a coefficient needs some points to speak for it
NEWTON_STEPS = 8


def median_distance(points: Tensor) -> float:
    """Median distance between two different points of a cloud, from 2,000 of them; 1 where all points are one.

    Where most points are one, the median of all distances is their rounding. Gretton et al. 2012, section 8, take both clouds together;
    here the data alone say what is near, for samples that have run away would make everything near, and no test would see them.
    """
    points = points[:2000].flatten(1).double()
    points = points - points.mean(0)
    first, second = torch.triu_indices(len(points), len(points), offset=1, device=points.device)
    distances = torch.cdist(points, points)[first, second]
    apart = distances[distances > EQUAL * distances.max()]
    return float(apart.median()) if len(apart) else 1.0


def mmd_squared(a: Tensor, b: Tensor, bandwidth: float | None = None) -> tuple[float, float]:
    """Squared maximum mean discrepancy for k(x, y) = exp(-|x - y|^2 / (2 l^2)), and its standard error; no unit.

    Args:
        a, b: (N, *shape), (M, *shape), four points each at least.
        bandwidth: l; None for the median distance within b, the data.

    Source: Gretton et al. 2012, lemma 6.
    """
    scale = median_distance(b) if bandwidth is None else bandwidth
    within_a, within_b, across = _distances(a, b)
    return _paired(*(torch.exp(-0.5 * (d / scale).square()) for d in (within_a, within_b, across)))


def energy_distance(a: Tensor, b: Tensor) -> tuple[float, float]:
    """2 E|a - b| - E|a - a'| - E|b - b'| and its standard error, in the points' own unit; k(x, y) = -|x - y|.

    Args:
        a, b: as for :func:`mmd_squared`.

    Source: Szekely & Rizzo 2013.
    """
    within_a, within_b, across = _distances(a, b)
    return _paired(-within_a, -within_b, -across)


def classifier_accuracy(a: Tensor, b: Tensor, generator: torch.Generator) -> tuple[float, float]:
    """Train a classifier to tell the clouds apart; return its accuracy on points it has not seen, and its standard
    error by :func:`share_error`.

    It learns from half of the points and is judged on the other half, as many of each cloud: clouds of one distribution give 1/2.
    The error is that of the judging: where the distributions differ, another half to learn from gives another classifier, and the share
    goes up to a third farther.
    Logistic regression on the coordinates (random combinations of them where there are many) and on random Fourier
    features, whose lengths go from the median distance within b, the data, down to an eighth of it. Source: Lopez-Paz & Oquab 2017.

    Args:
        a, b: as for :func:`mmd_squared`.
        generator: draws the features.
    """
    count = _common(a, b)
    scale = median_distance(b)
    a, b = a[:count].flatten(1).double() / scale, b[:count].flatten(1).double() / scale
    drawn = torch.empty(1 + a.shape[1], FREQUENCIES, dtype=torch.float64, device=generator.device)
    lengths = 8.0 ** -drawn[0].uniform_(generator=generator)
    frequencies = (drawn[1:].normal_(generator=generator) / lengths).to(a)
    linear = torch.eye(a.shape[1]).to(a)
    if a.shape[1] > FREQUENCIES:  # 3,072 coordinates would take ten seconds
        linear = torch.empty(a.shape[1], FREQUENCIES, dtype=torch.float64, device=generator.device)
        linear = linear.normal_(generator=generator).to(a)
    half = count // 2
    train, test = torch.cat([a[:half], b[:half]]), torch.cat([a[half:], b[half:]])
    features, test_features = (_features(points, linear, frequencies) for points in (train, test))
    mean, spread = features.mean(0), features.std(0).clamp(min=1e-9)
    weights, offset = _logistic((features - mean) / spread, _labels(half, a))
    says = ((test_features - mean) / spread) @ weights + offset > 0
    share = (says == (_labels(count - half, a) > 0.5)).double().mean()
    return float(share), float(share_error(share, len(says)))


def _common(a: Tensor, b: Tensor) -> int:
    count = min(len(a), len(b))
    if count < LEAST:
        raise ValueError(f"Two clouds need at least {LEAST} points each, not {count}.")
    return count


def _distances(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    count = _common(a, b)
    a, b = a[:count].flatten(1).double(), b[:count].flatten(1).double()
    # The data's centre, wherever the samples are: cdist takes products, whose rounding grows with the distance from the origin.
    centre = b.mean(0)
    a, b = a - centre, b - centre
    return torch.cdist(a, a), torch.cdist(b, b), torch.cdist(a, b)


def _paired(within_a: Tensor, within_b: Tensor, across: Tensor) -> tuple[float, float]:
    r"""U and its standard error, from the three kernel matrices (n, n).

    With h_ij = U + g_i + g_j + e_ij, of variances v and w, that of U is 4 v/n + 2 w/(n (n-1)): the first term rules where the
    distributions differ, and vanishes where they do not. Row means of h have the variance v + w/(n-1), single ones 2 v + w.

    v comes out small where U does, and is never below 0. So of normal clouds in the plane, two errors to either side of U hold its
    mean in 999 of 1,000 pairs where the distributions are one (the error is 1.3 times the deviation there), in 5 of 6 where the mean is as
    large as the deviation, in 19 of 20 where four times as large. The jackknife, 4/n times the variance of row means, holds 9 of
    10 of the second kind, but of the first 1 value in 17 is more than two of its errors below 0.
    """
    n = len(across)
    h = within_a + within_b - across - across.T
    h.fill_diagonal_(0.0)
    value = float(h.sum() / (n * (n - 1)))
    rows = float((h.sum(1) / (n - 1)).var())
    single = float((h.square().sum() / (n * (n - 1)) - value**2).clamp(min=0))
    v = max(0.0, (rows - single / (n - 1)) / (1 - 2 / (n - 1)))
    w = max(0.0, single - 2 * v)
    return value, math.sqrt(4 * v / n + 2 * w / (n * (n - 1)))


def _features(x: Tensor, linear: Tensor, frequencies: Tensor) -> Tensor:
    angles = x @ frequencies
    return torch.cat([x @ linear, angles.cos(), angles.sin()], 1)


def _labels(count: int, like: Tensor) -> Tensor:
    """0 for the first cloud's points and 1 for the second's, `count` of each."""
    return torch.arange(2, device=like.device, dtype=like.dtype).repeat_interleave(count)


def _logistic(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and offset of a logistic regression with a ridge, by Newton's method."""
    design = torch.cat([features, torch.ones_like(features[:, :1])], 1)
    ridge = torch.full_like(design[0], RIDGE)
    ridge[-1] = 1e-6
    weights = torch.zeros_like(ridge)
    for _ in range(NEWTON_STEPS):
        chance = torch.sigmoid(design @ weights)
        slope = design.T @ (chance - labels) + ridge * weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + torch.diag(ridge)
        weights = weights - torch.linalg.solve(curvature, slope)
    return weights[:-1], weights[-1]
