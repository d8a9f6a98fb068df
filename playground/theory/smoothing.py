r"""Measures of how much smoothing a set of points needs: until it is a Gaussian, and from one level to the next.

In the plane the distance to the Gaussian of the same moments is summed up on a grid. Of more axes it follows from the cumulants: smoothing
leaves all from the third on as they are, while the variance grows by sigma^2. Standardised by that variance they shrink like
sigma^-3 and sigma^-4, and with them

.. math:: KL \approx \tfrac1{12} \|\kappa_3\|^2 + \tfrac1{48} \|\kappa_4\|^2

(Edgeworth; Comon 1994, theorem 14). Norms of tensors over D axes are means over pairs of points, whatever D is.
"""

import itertools
import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from playground.theory.empirical import Empirical
from playground.theory.noise import PrincipalAxes

PAIRED = 1000  # points whose pairs give the cumulants: a million pairs, about 20 ms
TINY = 1e-300  # an axis without spread or noise
SUMMED = 5000  # points of the plane that are summed up on a grid, in about 10 ms
REACH = 8.0  # standard deviations that the grid in the plane reaches from its middle
CELLS = 128  # along a side of it
DRAWS = 256  # from each of two levels, for the overlap: known to about 0.02


def gaussianity(points: Tensor, sigma: float) -> float:
    """KL divergence in nats of the points (N, *shape) smoothed by sigma from the Gaussian of the same mean and covariance.

    In the plane it is known to about a tenth. Of more axes it is a series, which is some tenths too low at 0.01 nat and half
    at 0.05; and so it is in the plane where points lie far out, or sigma is less than an eighth of a smoothed deviation.
    """
    return _divergence(*_along_axes(points), sigma)


def sigma_until_gaussian(points: Tensor, tolerance: float, sigma: float) -> float:
    """The least noise from `sigma` on at which :func:`gaussianity` is within the tolerance, to 2 %."""
    found = _along_axes(points)
    low = high = sigma
    while _divergence(*found, high) > tolerance:
        low, high = high, 2 * high
    while high > 1.02 * low:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _divergence(*found, middle) > tolerance else (low, middle)
    return high


def _along_axes(points: Tensor) -> tuple[Tensor, Tensor]:
    """Some of the points along the K of their principal axes that have a variance, (n, K), and these variances, (K,); float64."""
    flat = points.flatten(1)
    some = flat[:: math.ceil(len(flat) / (SUMMED if flat.shape[1] <= 2 else PAIRED))].cpu().double()
    some = some - some.mean(0)
    axes, variances = PrincipalAxes.of_centred(some)
    return some @ axes, variances


def _divergence(some: Tensor, variances: Tensor, sigma: float) -> float:
    """The :func:`gaussianity` of points whose principal axes are known: of large images they take most of the time."""
    summed = _on_a_grid(some, variances, sigma) if len(variances) <= 2 else None
    return _by_cumulants(some, variances, sigma) if summed is None else summed


def _on_a_grid(some: Tensor, variances: Tensor, sigma: float) -> float | None:
    """Compute the divergence by the midpoint rule, for at most two axes; None where points lie beyond the grid, or its
    cells are too coarse for sigma.

    What the sample's own chance adds shrinks like 1/n: the same of each half of the points tells how much it is.
    """
    missing = (0, 2 - len(variances))  # axes along which all points are one, and so a Gaussian
    widths = (variances + sigma**2).sqrt().clamp(min=TINY)
    u, levels = pad(some / widths, missing), pad(sigma / widths, missing, value=1.0)
    side = 2 * REACH / CELLS
    if float(levels.min()) < side or float((u.abs() + 5 * levels).max()) > REACH:
        return None
    middles = (torch.arange(CELLS, dtype=u.dtype) + 0.5) * side - REACH
    kernels = torch.exp(-0.5 * ((middles[:, None, None] - u) / levels).square()) / (levels * math.sqrt(2 * math.pi))

    def below(points: Tensor, across: Tensor, up: Tensor) -> float:
        """Return how far the entropy lies below that of the Gaussian of the same moments."""
        density = across @ up.T / len(points)
        covariance = torch.cov(points.T, correction=0) + levels.square().diag()
        return float(
            0.5 * covariance.logdet() + math.log(2 * math.pi * math.e) + side**2 * density.xlogy(density).sum()
        )

    across, up = kernels.unbind(2)
    halves = [below(u[part], across[:, part], up[:, part]) for part in (slice(0, None, 2), slice(1, None, 2))]
    return max(0.0, 2 * below(u, across, up) - sum(halves) / 2)


def _by_cumulants(some: Tensor, variances: Tensor, sigma: float) -> float:
    """Compute the divergence by the series in the module's docstring."""
    some = some[:: math.ceil(len(some) / PAIRED)]
    smoothed = (variances + sigma**2).clamp(min=TINY)
    shares = variances / smoothed  # the data's part of each axis' variance
    u = some / smoothed.sqrt()
    products = u @ u.T
    products.fill_diagonal_(0.0)
    pairs = len(u) * (len(u) - 1)
    third = products.pow(3).sum() / pairs
    # Of the fourth moment the cumulant lacks the three pairings of the covariance.
    fourth = (
        products.pow(4).sum() / pairs
        - 6 * (u.square() @ shares).square().mean()
        + 3 * shares.square().sum().square()
        + 6 * shares.pow(4).sum()
    )
    return float(third.clamp(min=0) / 12 + fourth.clamp(min=0) / 48)


def overlap(points: Tensor, coarse: float, fine: float, generator: torch.Generator) -> float:
    """The mass that the points (N, *shape) smoothed by two sigmas have in common, int min(p, q), from 0 to 1."""
    density = Empirical(points)
    total = 0.0
    for own, other in ((coarse, fine), (fine, coarse)):
        rows = torch.randint(len(points), (DRAWS,), generator=generator, device=points.device)
        x = points[rows]
        x = x + own * torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        total += float((density.log_prob(x, other) - density.log_prob(x, own)).clamp(max=0).exp().mean())
    return total / 2


def least_overlap(ratio: float, dim: int) -> float:
    """The overlap of one point smoothed by two sigmas of this ratio: no set of points in R^dim has less.

    The two Gaussians cross at r^2 = D ln(ratio^2)/(1 - ratio^-2), in units of the finer: int min is the coarse one's mass
    inside and the fine one's outside, of a chi-squared distribution each. A mixture's minimum is at least the mixture of the minima.
    """
    square = torch.tensor(ratio**2, dtype=torch.float64)
    half = torch.tensor(0.5 * dim, dtype=torch.float64)
    crossing = half * square.log() / (1 - 1 / square)
    return float(torch.special.gammainc(half, crossing / square) + torch.special.gammaincc(half, crossing))


def overlapping_levels(sigma_max: float, sigma_min: float, dim: int, least: float) -> int:
    """Return the fewest geometric noise levels that overlap by `least` whatever the data are."""
    gaps = next(
        gaps for gaps in itertools.count(1) if least_overlap((sigma_max / sigma_min) ** (1 / gaps), dim) >= least
    )
    return gaps + 1
