r"""How much smoothing a set of points needs: until it is a Gaussian, and from one level to the next.

Smoothing leaves all cumulants from the third on as they are, while the variance grows by sigma^2. Standardised by that
variance they shrink like sigma^-3 and sigma^-4, and with them the distance to the Gaussian of the same moments,

.. math:: KL \approx \tfrac1{12} \|\kappa_3\|^2 + \tfrac1{48} \|\kappa_4\|^2

(Edgeworth; Comon 1994, theorem 14). Norms of tensors over D axes are means over pairs of points, whatever D is.
"""

import itertools
import math

import torch
from torch import Tensor

from playground.theory.empirical import Empirical
from playground.theory.noise import PrincipalAxes

PAIRED = 1000  # points whose pairs give the cumulants: a million pairs, about 20 ms
TINY = 1e-300  # an axis without spread or noise
DRAWS = 256  # from each of two levels, for the overlap: known to about 0.02


def gaussianity(points: Tensor, sigma: float) -> float:
    """KL divergence in nats of the points (N, *shape) smoothed by sigma from the Gaussian of the same mean and covariance.

    Good to some per cent below 0.01 nat, where it is asked; far above, only its being large is to be trusted.
    """
    return _divergence(*_along_axes(points), sigma)


def gaussian_from(points: Tensor, tolerance: float, sigma: float) -> float:
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
    some = points[:: math.ceil(len(points) / PAIRED)].flatten(1).cpu().double()
    some = some - some.mean(0)
    axes, variances = PrincipalAxes.of_centred(some)
    return some @ axes, variances


def _divergence(some: Tensor, variances: Tensor, sigma: float) -> float:
    """The :func:`gaussianity` of points whose principal axes are known: of large images they take most of the time."""
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
    inside and the fine one's outside, of a chi-squared law each. A mixture's minimum is at least the mixture of the minima.
    """
    square = torch.tensor(ratio**2, dtype=torch.float64)
    half = torch.tensor(0.5 * dim, dtype=torch.float64)
    crossing = half * square.log() / (1 - 1 / square)
    return float(torch.special.gammainc(half, crossing / square) + torch.special.gammaincc(half, crossing))


def levels_that_overlap(sigma_max: float, sigma_min: float, dim: int, least: float) -> int:
    """The fewest levels of a geometric ladder that overlap by `least` whatever the data are."""
    gaps = next(
        gaps for gaps in itertools.count(1) if least_overlap((sigma_max / sigma_min) ** (1 / gaps), dim) >= least
    )
    return gaps + 1
