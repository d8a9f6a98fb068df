r"""Measures of a cloud of points from its neighbourhoods: widest gap, local thickness, intrinsic dimension.

A density that is narrow in some direction loses more to a blur than one that is wide. Of a Gaussian of deviation s the blur by
sigma costs, in each direction,

.. math:: KL(N(0, s^2) \| N(0, s^2 + \sigma^2)) = \tfrac12 \left[\ln(1 + r^2) - \frac{r^2}{1 + r^2}\right], \quad r = \sigma/s

nats: 0.097 where sigma = s, and nearly r^4/4 where it is smaller. The local s is found by principal axes of neighbourhoods (local PCA,
Fukunaga & Olsen 1971). A curve has none: its intrinsic dimension is 1 (two nearest neighbours, Facco et al. 2017).
"""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

SIZES = (32, 64, 128, 256, 512)
"""Neighbourhoods, from small to large: of 32 points of an even density in the plane one in 10,000 looks `ELONGATED`."""
ELONGATED = 1 / 3
"""Ratio of a neighbourhood's two deviations, below which its narrow one is the thickness of the data and not its own size."""
ROWS, NEIGHBOURS = 200, 2**12
"""Points whose neighbourhoods are looked at, and among which their neighbours are: of these the largest neighbourhoods are an eighth."""
PAIRS, AMONG = 500, 2**14
"""Points whose nearest neighbours are looked at, and among which these are: a tenth of a second."""
FEW = 7
"""Points that tell whether a piece of a curve, to second order a parabola, goes through them."""
FLAT = 0.1
"""Deviation from a curve over the distance of neighbours, below which points count as a curve."""
CURVE = 1.5
"""Intrinsic dimension, half-way between a curve's and the plane's."""
ZERO = 1e-6
"""Thickness over the data's deviation, up to which rounding tells it from none no more."""
PROJECTED, PART = 2**24, 2**20
"""Projections that the widest gap holds at once, 128 MB, and numbers of the points, 8 MB."""


class Dimension(NamedTuple):
    """An intrinsic dimension, its standard error, and whether the points (in the plane) lie on a curve."""

    value: float
    standard_error: float
    is_curve: bool


def intrinsic_dimension(points: Tensor) -> Dimension:
    r"""The dimension of what the points (N, D) fill, at the scale of their nearest neighbours.

    .. math:: \hat d = (n - 1) / \sum_i \ln(r_{i2}/r_{i1})

    The ratio of a point's distances to its second nearest and its nearest neighbour follows a Pareto distribution of exponent d whatever
    the density is (Facco et al. 2017); this is its unbiased estimate, whose standard error is d / sqrt(n - 2). Equal points count
    once. A thin density with few points looks like a curve at that scale too; of a curve in the plane neighbours must also lie on a
    parabola, to a tenth of their distance.
    """
    points = torch.unique(_some(points.flatten(1).cpu().double(), AMONG), dim=0)
    if len(points) < 2 * FEW:
        return Dimension(math.nan, math.nan, False)
    some = _some(points, PAIRS)
    near = torch.cdist(some, points).topk(FEW, largest=False).indices
    distances = (some[:, None] - points[near]).norm(dim=2).sort(dim=1).values  # the point itself first, at 0
    ratios = (distances[:, 2] / distances[:, 1]).log()
    if not float(ratios.sum()) > 0:  # all on a lattice
        return Dimension(math.inf, math.nan, False)
    count = len(ratios)
    value = (count - 1) / float(ratios.sum())
    error = value / math.sqrt(count - 2)
    if points.shape[1] != 2 or value > CURVE:
        return Dimension(value, error, False)
    return Dimension(value, error, float((_from_parabola(points[near]) / distances[:, 1]).median()) < FLAT)


def thickness(points: Tensor) -> Tensor:
    """Standard deviation (n,) of the data across their narrow direction, at some of the points (N, 2); infinite where they have none.

    It is that of the smallest neighbourhood which is elongated, and is so at twice its size too, or of all points.
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
    near = torch.cdist(some, cloud).topk(sizes[-1], largest=False).indices
    order = (some[:, None] - cloud[near]).norm(dim=2).argsort(dim=1)
    near = near.gather(1, order)
    across = [_deviations(cloud[near[:, :size]]) for size in sizes]
    for (narrow, wide), (next_narrow, next_wide) in reversed(list(itertools.pairwise(across))):
        elongated = (narrow < ELONGATED * wide) & (next_narrow < ELONGATED * next_wide)
        found = torch.where(elongated, narrow, found)
    return found


def widest_gap(points: Tensor) -> float:
    """The largest distance between two of `points` (N, \\*shape), from the outermost points in 128 directions.

    In the plane it is short of the exact diameter by less than 0.01 %; in more dimensions it is a lower bound, which the
    points farthest from the centre make a close one.
    """
    flat = points.flatten(1).cpu()
    count, dim = flat.shape
    if dim == 2:
        angles = torch.arange(128, dtype=torch.float64) * (math.pi / 128)
        directions = torch.stack([angles.cos(), angles.sin()])
    else:
        directions = torch.randn(dim, 128, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def doubled() -> Iterator[Tensor]:
        """Some rows at a time, for all in double precision would take twice the memory of the set."""
        return (part.double() for part in torch.split(flat, max(1, PART // dim)))

    centre = sum(part.sum(0) for part in doubled()) / count
    farthest = torch.cat([(part - centre).square().sum(1) for part in doubled()])
    ends = [farthest.topk(min(256, count)).indices]
    for some in torch.split(directions, max(16, PROJECTED // count), dim=1):
        # argmax along numpy's rows takes a tenth of torch's down columns.
        projected = torch.cat([some.T @ part.T for part in doubled()], dim=1).numpy()
        ends += [torch.from_numpy(projected.argmax(1)), torch.from_numpy(projected.argmin(1))]
    outermost = flat[torch.unique(torch.cat(ends))].double()
    return float(torch.cdist(outermost, outermost).max())


def smoothing_kl(thickness: Tensor, sigma: float) -> Tensor:
    """KL in nats (n,) of data of such a thickness (n,) to the same blurred by sigma, in that direction; 0 where it is infinite, infinite where it is 0."""
    square = (sigma / thickness).square()
    return 0.5 * (torch.log1p(square) - 1 + 1 / (1 + square))


def mean_smoothing_kl(thickness: Tensor, sigma: float) -> float:
    """Mean :func:`smoothing_kl` in nats over the points (n,) that have any thickness; infinite where most have none, as on a line.

    The thickness is in units of the data's deviation.
    """
    thick = thickness[thickness > ZERO]
    return float(smoothing_kl(thick, sigma).mean()) if 2 * len(thick) > len(thickness) else math.inf


def finest_noise(thickness: Tensor, least: float, most: float, nats: float) -> float:
    """The largest sigma from `least` to `most` whose :func:`mean_smoothing_kl` is at most `nats`, to a hundredth, or `least` if none is.

    It is `most` where most points have no thickness: they have no density that a finer level would reveal.
    """
    if mean_smoothing_kl(thickness, most) <= nats or math.isinf(mean_smoothing_kl(thickness, least)):
        return most
    low, high = least, most
    while high > 1.01 * low:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if mean_smoothing_kl(thickness, middle) <= nats else (low, middle)
    return low


def _deviations(groups: Tensor) -> tuple[Tensor, Tensor]:
    """The narrow and the wide standard deviation, (n,) each, of groups (n, k, 2) of points of the plane."""
    centred = groups - groups.mean(1, keepdim=True)
    covariance = centred.mT @ centred / (groups.shape[1] - 1)
    variances = torch.linalg.eigvalsh(covariance).clamp(min=0).sqrt()
    return variances[:, 0], variances[:, -1]


def _from_parabola(groups: Tensor) -> Tensor:
    """Standard deviation (n,) of groups (n, k, 2) from the parabola over their principal axis that fits them best."""
    centred = groups - groups.mean(1, keepdim=True)
    _, axes = torch.linalg.eigh(centred.mT @ centred)
    across, along = (centred @ axes).unbind(2)
    along = along / along.abs().amax(1, keepdim=True)
    basis, _ = torch.linalg.qr(torch.stack([torch.ones_like(along), along, along.square()], 2))
    rest = across - (basis @ (basis.mT @ across[:, :, None]))[:, :, 0]
    deviation: Tensor = (rest.square().sum(1) / (groups.shape[1] - 3)).sqrt()
    return deviation


def _some(points: Tensor, most: int) -> Tensor:
    """Return at most so many of the points, drawn at random, the same each time."""
    if len(points) <= most:
        return points
    return points[torch.randperm(len(points), generator=torch.Generator().manual_seed(0))[:most]]
