r"""Two-sample statistics, with standard errors: do two clouds of points come from one distribution?

The squared maximum mean discrepancy and the energy distance are the same unbiased statistic with two kernels:

.. math:: U = \frac1{n (n-1)} \sum_{i \ne j} h_{ij}, \quad
          h_{ij} = k(a_i, a_j) + k(b_i, b_j) - k(a_i, b_j) - k(a_j, b_i)

Its mean is 0 for clouds of one distribution and positive otherwise; a single value may be below 0. The larger cloud is cut to the
size of the smaller one. Points have any shape.
"""

import math

import torch
from torch import Tensor

from playground.theory.metrics import share_error

LEAST = 4  # fewest points of a cloud for a standard error
EQUAL = 1e-7  # relative to the largest distance: rounding error of a zero distance by products in double precision
FREQUENCIES = 64
RIDGE = 1.0  # penalty on the weights, for features of variance one
NEWTON_STEPS = 8


def median_distance(points: Tensor) -> float:
    """The median distance between distinct points of a cloud, from 2,000 of them; 1 if all points are equal.

    Equal points are left out: if most are equal, the median of all distances would be a rounding error. Gretton et al. (2012,
    section 8) use both clouds together. Here the data alone set the scale. Diverged samples would make the scale so large that all
    points seem close, and no test would detect them.
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
        a, b: the clouds, (N, *shape) and (M, *shape), of at least four points each.
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
    """Train a classifier to distinguish the clouds. Return its accuracy on unseen points, and the standard error by
    :func:`share_error`.

    It is trained on half of the points and tested on the other half, with as many of each cloud. Clouds of one distribution give
    1/2. The standard error covers the test points only. If the distributions differ, another training half gives another
    classifier, and the accuracy varies by up to a third more.

    The classifier is a logistic regression on the coordinates (or on random combinations of them if there are many) and on
    random Fourier features. The features' length scales go from the median distance within b, the data, down to an eighth of
    it. Source: Lopez-Paz & Oquab 2017.

    Args:
        a, b: as for :func:`mmd_squared`.
        generator: draws the features.
    """
    clouds, scale = _of_one_size(a, b), median_distance(b)
    a, b = (cloud / scale for cloud in clouds)
    count = len(a)
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


def _of_one_size(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both clouds in double precision, (n, D), with n points of the smaller one."""
    count = min(len(a), len(b))
    if count < LEAST:
        raise ValueError(f"Two clouds need at least {LEAST} points each, not {count}.")
    return a[:count].flatten(1).double(), b[:count].flatten(1).double()


def _distances(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    a, b = _of_one_size(a, b)
    # Centred on the data: cdist uses products, whose rounding error grows with the distance from the origin.
    centre = b.mean(0)
    a, b = a - centre, b - centre
    return torch.cdist(a, a), torch.cdist(b, b), torch.cdist(a, b)


def _paired(within_a: Tensor, within_b: Tensor, across: Tensor) -> tuple[float, float]:
    r"""U and its standard error, from the three kernel matrices (n, n).

    Let h_ij = U + g_i + g_j + e_ij, with variances v of g and w of e. Then the variance of U is 4 v/n + 2 w/(n (n-1)). The first
    term dominates if the distributions differ, and vanishes if they are equal. Row means of h have the variance v + w/(n-1),
    single entries 2 v + w.

    The estimate of v is small when U is small, and is never below 0. For normal clouds in the plane, two standard errors around U
    contain its mean in 999 of 1,000 pairs if the distributions are equal; the standard error is then 1.3 times the standard
    deviation. They contain it in 5 of 6 pairs if the mean is as large as the standard deviation, and in 19 of 20 if it is four
    times as large. The jackknife, 4/n times the variance of row means, contains it in 9 of 10 pairs of the second kind. But in the
    first kind, 1 value in 17 is more than two of the jackknife's errors below 0.
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
    """Weights and offset of a ridge logistic regression, by Newton's method."""
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
