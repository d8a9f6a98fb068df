r"""Geometric measures of a point cloud: diameter, local thickness, intrinsic dimension.

Smoothing changes a narrow density more than a wide one. For a Gaussian of standard deviation s, smoothing by sigma costs in each
direction

.. math:: KL(N(0, s^2) \| N(0, s^2 + \sigma^2)) = \tfrac12 \left[\ln(1 + r^2) - \frac{r^2}{1 + r^2}\right], \quad r = \sigma/s

nats. That is 0.097 at sigma = s, and nearly r^4/4 for smaller sigma. The local s is found by the principal axes of neighbourhoods
(local PCA, Fukunaga & Olsen 1971). A curve has no thickness: its intrinsic dimension is 1 (two nearest neighbours, Facco et al.
2017).
"""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

SIZES = (32, 64, 128, 256, 512)
"""Sizes of neighbourhoods. In a uniform density in the plane, one neighbourhood of 32 points in 10,000 looks `ELONGATED`."""
ELONGATED = 1 / 3
"""Largest ratio of a neighbourhood's two standard deviations at which the narrow one measures the data's thickness."""
ROWS, NEIGHBOURS = 200, 2**12
"""Number of points whose neighbourhoods are measured, and of points that may be neighbours: eight times the largest size."""
PAIRS, AMONG = 500, 2**14
"""Number of points whose nearest neighbours are found, and of points that may be neighbours. It takes a tenth of a second."""
FEW = 7
"""Number of neighbouring points to which a parabola is fitted, the second-order form of a curve."""
FLAT = 0.1
"""Largest deviation from the parabola, relative to the distance of neighbours, at which points count as a curve."""
CURVE = 1.5
"""Intrinsic dimension halfway between those of a curve and the plane."""
ZERO = 1e-6
"""Largest thickness, relative to the data's standard deviation, that rounding cannot distinguish from zero."""
PROJECTED, PART = 2**24, 2**20
"""Numbers that :func:`diameter` holds at once: projections, 128 MB, and coordinates of points, 8 MB."""


class Dimension(NamedTuple):
    """An intrinsic dimension, its standard error, and whether the points (in the plane) lie on a curve."""

    value: float
    standard_error: float
    is_curve: bool


def intrinsic_dimension(points: Tensor) -> Dimension:
    r"""The intrinsic dimension of points (N, D), at the scale of their nearest neighbours.

    .. math:: \hat d = (n - 1) / \sum_i \ln(r_{i2}/r_{i1})

    The ratio of a point's distances to its second nearest and its nearest neighbour has a Pareto distribution of exponent d for
    every density (Facco et al. 2017). The estimate is unbiased, and its standard error is d / sqrt(n - 2). Equal points count
    once. At this scale a thin density with few points also looks like a curve. So points in the plane count as a curve only if
    neighbours also lie on a parabola, to a tenth of their distance.
    """
    points = torch.unique(_some(points.flatten(1).cpu().double(), AMONG), dim=0)
    if len(points) < 2 * FEW:
        return Dimension(math.nan, math.nan, False)
    distances, near = nearest(_some(points, PAIRS), points, FEW)  # the point itself first, at 0
    ratios = (distances[:, 2] / distances[:, 1]).log()
    if not float(ratios.sum()) > 0:  # all points on a lattice
        return Dimension(math.inf, math.nan, False)
    count = len(ratios)
    value = (count - 1) / float(ratios.sum())
    error = value / math.sqrt(count - 2)
    if points.shape[1] != 2 or value > CURVE:
        return Dimension(value, error, False)
    return Dimension(value, error, float((_from_parabola(points[near]) / distances[:, 1]).median()) < FLAT)


def nearest(points: Tensor, train: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances from points (N, D) to the nearest of train (M, D) and their rows, (N, count) each, nearest first.

    Products find the nearest points; differences measure the distances. Distances by products have an error of
    thousandths for images, and a memorized sample is nearer than that.
    """
    count = min(count, len(train))
    some = max(1, 2**24 // max(len(train), count * train.shape[1]))  # numbers held at once: 64 MB
    found: list[tuple[Tensor, Tensor]] = []
    for part in torch.split(points, some):
        rows = torch.cdist(part, train).topk(count, largest=False).indices
        distances, order = (part[:, None] - train[rows]).norm(dim=2).sort(stable=True)
        found.append((distances, rows.gather(1, order)))
    distances, rows = (torch.cat(parts) for parts in zip(*found, strict=True))
    return distances, rows


def thickness(points: Tensor) -> Tensor:
    """The data's standard deviation in their narrow direction, (n,), at some of the points (N, 2); infinite if there is none.

    It is taken from the smallest neighbourhood that is elongated both at its own and at twice its size. If there is none, it is
    taken from all points, if they are elongated.
    """
    cloud = _some(points.cpu().double(), NEIGHBOURS)
    some = _some(cloud, ROWS)
    sizes = [size for size in SIZES if size < len(cloud)]
    found = torch.full((len(some),), math.inf, dtype=torch.float64)
    narrow, wide = _deviations(cloud[None])
    if float(narrow) < ELONGATED * float(wide):
        found.fill_(float(narrow))
    if not sizes:
        return found
    _, near = nearest(some, cloud, sizes[-1])
    across = [_deviations(cloud[near[:, :size]]) for size in sizes]
    for (narrow, wide), (next_narrow, next_wide) in reversed(list(itertools.pairwise(across))):
        elongated = (narrow < ELONGATED * wide) & (next_narrow < ELONGATED * next_wide)
        found = torch.where(elongated, narrow, found)
    return found


def diameter(points: Tensor) -> float:
    """The largest distance between two of `points` (N, \\*shape), which sigma_max should at least be (Song & Ermon 2020, technique
    1): smoothed by it, no set of points is far from a Gaussian.

    It is measured at the outermost points in 128 directions. In the plane it is less than the exact diameter by at most 0.01 %. In more dimensions it is a lower bound, and the points
    farthest from the centre are included to make it close.
    """
    flat = points.flatten(1).cpu()
    count, dim = flat.shape
    if dim == 2:
        angles = torch.arange(128, dtype=torch.float64) * (math.pi / 128)
        directions = torch.stack([angles.cos(), angles.sin()])
    else:
        directions = torch.randn(dim, 128, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def doubled() -> Iterator[Tensor]:
        """Yield some rows at a time: all in double precision would take twice the memory of the set."""
        return (part.double() for part in torch.split(flat, max(1, PART // dim)))

    centre = sum(part.sum(0) for part in doubled()) / count
    farthest = torch.cat([(part - centre).square().sum(1) for part in doubled()])
    ends = [farthest.topk(min(256, count)).indices]
    for some in torch.split(directions, max(16, PROJECTED // count), dim=1):
        # numpy's argmax along rows takes a tenth of the time of torch's along columns.
        projected = torch.cat([some.T @ part.T for part in doubled()], dim=1).numpy()
        ends += [torch.from_numpy(projected.argmax(1)), torch.from_numpy(projected.argmin(1))]
    outermost = flat[torch.unique(torch.cat(ends))].double()
    return float(torch.cdist(outermost, outermost).max())


def smoothing_kl(thickness: Tensor, sigma: float) -> Tensor:
    """The KL divergence, (n,) in nats, from data of a thickness (n,) to the same data smoothed by sigma, in that direction.

    It is 0 for an infinite thickness, and infinite for a thickness of 0.
    """
    square = (sigma / thickness).square()
    return 0.5 * (torch.log1p(square) - 1 + 1 / (1 + square))


def mean_smoothing_kl(thickness: Tensor, sigma: float) -> float:
    """The mean of :func:`smoothing_kl` in nats over the points whose thickness is above zero; infinite if most have none.

    Args:
        thickness: (n,), in units of the data's standard deviation.
        sigma: in the same units.
    """
    thick = thickness[thickness > ZERO]
    return float(smoothing_kl(thick, sigma).mean()) if 2 * len(thick) > len(thickness) else math.inf


def finest_noise(thickness: Tensor, least: float, most: float, nats: float) -> float:
    """The largest sigma from `least` to `most` whose :func:`mean_smoothing_kl` is at most `nats`, to 1 %; `least` if none is.

    It is `most` if most points have no thickness, as they then have no density that a finer level would show.
    """
    if mean_smoothing_kl(thickness, most) <= nats or math.isinf(mean_smoothing_kl(thickness, least)):
        return most
    low, high = least, most
    while high > 1.01 * low:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if mean_smoothing_kl(thickness, middle) <= nats else (low, middle)
    return low


def _deviations(groups: Tensor) -> tuple[Tensor, Tensor]:
    """The narrow and the wide standard deviation, (n,) each, of groups (n, k, 2) of points in the plane."""
    centred = groups - groups.mean(1, keepdim=True)
    covariance = centred.mT @ centred / (groups.shape[1] - 1)
    variances = torch.linalg.eigvalsh(covariance).clamp(min=0).sqrt()
    return variances[:, 0], variances[:, -1]


def _from_parabola(groups: Tensor) -> Tensor:
    """Standard deviation (n,) of groups (n, k, 2) from the parabola over their principal axis that fits best."""
    centred = groups - groups.mean(1, keepdim=True)
    _, axes = torch.linalg.eigh(centred.mT @ centred)
    across, along = (centred @ axes).unbind(2)
    along = along / along.abs().amax(1, keepdim=True)
    basis, _ = torch.linalg.qr(torch.stack([torch.ones_like(along), along, along.square()], 2))
    rest = across - (basis @ (basis.mT @ across[:, :, None]))[:, :, 0]
    deviation: Tensor = (rest.square().sum(1) / (groups.shape[1] - 3)).sqrt()
    return deviation


def _some(points: Tensor, most: int) -> Tensor:
    """Return at most `most` of the points, drawn at random, the same each time."""
    if len(points) <= most:
        return points
    return points[torch.randperm(len(points), generator=torch.Generator().manual_seed(0))[:most]]
