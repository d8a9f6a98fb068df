r"""Measures of smoothing: how far smoothed points are from a Gaussian, and how far two noise levels overlap.

In the plane the divergence from the Gaussian of the same moments is computed on a grid. In more dimensions it follows from the
cumulants. Smoothing adds sigma^2 to the variance and does not change the cumulants from the third on. Standardised by that
variance, the third and fourth shrink like sigma^-3 and sigma^-4, and

.. math:: KL \approx \tfrac1{12} \|\kappa_3\|^2 + \tfrac1{48} \|\kappa_4\|^2

(Edgeworth; Comon 1994, theorem 14). The norms of these tensors over D axes are computed as means over pairs of points, for any D.
"""

import itertools
import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from playground.theory.draws import normal
from playground.theory.empirical import Empirical
from playground.theory.noise import PrincipalAxes

PAIRED = 1000  # points whose pairs give the cumulants; a million pairs take about 20 ms
TINY = 1e-300  # least standard deviation of an axis, against division by zero
SUMMED = 5000  # points in the plane that are summed on the grid, in about 10 ms
REACH = 8.0  # half the grid's side, in standard deviations
CELLS = 128  # cells along the grid's side
DRAWS = 256  # samples of each of two levels for their overlap, whose error is then about 0.02


def gaussianity(points: Tensor, sigma: float) -> float:
    """KL divergence in nats of the points (N, *shape) smoothed by sigma from the Gaussian of the same mean and covariance.

    In the plane its relative error is about a tenth. In more dimensions it is a truncated series, whose value is some tenths too
    low at 0.01 nat, and half too low at 0.05. The series also serves in the plane if points lie beyond the grid, or if sigma is
    less than an eighth of a smoothed standard deviation.
    """
    flat = points.flatten(1)
    some = flat[:: math.ceil(len(flat) / (SUMMED if flat.shape[1] <= 2 else PAIRED))].cpu().double()
    some = some - some.mean(0)
    axes, variances = PrincipalAxes.of_centred(some)  # of non-zero variance
    some = some @ axes
    summed = _on_a_grid(some, variances, sigma) if len(variances) <= 2 else None
    return _by_cumulants(some, variances, sigma) if summed is None else summed


def _on_a_grid(some: Tensor, variances: Tensor, sigma: float) -> float | None:
    """Compute the divergence by the midpoint rule, for at most two axes.

    A finite sample adds a bias of order 1/n. It is removed by extrapolation from the divergences of the points' two halves.

    Returns:
        None if points lie beyond the grid, or its cells are too coarse for sigma.
    """
    missing = (0, 2 - len(variances))  # along missing axes all points are equal, so the smoothed density is Gaussian
    widths = (variances + sigma**2).sqrt().clamp(min=TINY)
    u, levels = pad(some / widths, missing), pad(sigma / widths, missing, value=1.0)
    side = 2 * REACH / CELLS
    if float(levels.min()) < side or float((u.abs() + 5 * levels).max()) > REACH:
        return None
    middles = (torch.arange(CELLS, dtype=u.dtype) + 0.5) * side - REACH
    kernels = torch.exp(-0.5 * ((middles[:, None, None] - u) / levels).square()) / (levels * math.sqrt(2 * math.pi))

    def below(points: Tensor, across: Tensor, up: Tensor) -> float:
        """Return the entropy of the Gaussian of the same moments, minus that of the smoothed points."""
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
    # The fourth cumulant is the fourth moment minus the three pairings of the covariance.
    fourth = (
        products.pow(4).sum() / pairs
        - 6 * (u.square() @ shares).square().mean()
        + 3 * shares.square().sum().square()
        + 6 * shares.pow(4).sum()
    )
    return float(third.clamp(min=0) / 12 + fourth.clamp(min=0) / 48)


def overlap(points: Tensor, coarse: float, fine: float, generator: torch.Generator) -> float:
    """The common mass int min(p, q), from 0 to 1, of the points (N, *shape) smoothed by two sigmas."""
    density = Empirical(points)
    total = 0.0
    for own, other in ((coarse, fine), (fine, coarse)):
        rows = torch.randint(len(points), (DRAWS,), generator=generator, device=points.device)
        x = points[rows]
        x = x + own * normal(x, generator)
        total += float((density.log_prob(x, other) - density.log_prob(x, own)).clamp(max=0).exp().mean())
    return total / 2


def least_overlap(ratio: float, dim: int) -> float:
    """The overlap of one point smoothed by two sigmas of this ratio. No set of points in R^dim has a smaller one.

    In units of the finer sigma the two Gaussians cross at r^2 = D ln(ratio^2)/(1 - ratio^-2). int min is the coarse one's mass
    inside plus the fine one's mass outside, each given by a chi-squared distribution. The minimum of two mixtures is at least
    the mixture of the minima.
    """
    square = torch.tensor(ratio**2, dtype=torch.float64)
    half = torch.tensor(0.5 * dim, dtype=torch.float64)
    crossing = half * square.log() / (1 - 1 / square)
    return float(torch.special.gammainc(half, crossing / square) + torch.special.gammaincc(half, crossing))


def overlapping_levels(sigma_max: float, sigma_min: float, dim: int, least: float) -> int:
    """Return the smallest number of geometric noise levels whose neighbours overlap by `least` for any data."""
    gaps = next(
        gaps for gaps in itertools.count(1) if least_overlap((sigma_max / sigma_min) ** (1 / gaps), dim) >= least
    )
    return gaps + 1
