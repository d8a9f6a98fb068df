"""Distances of a model or its samples from the truth, each with its sampling error where it has one."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.noise import ScoreFunction


def mean_with_error(values: Tensor) -> tuple[float, float]:
    """Mean of (N,) values and its standard error, std / sqrt(N); the error of one value is not known (nan)."""
    values = values.double()
    error = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else math.nan
    return float(values.mean()), error


def median_with_error(values: Tensor) -> tuple[float, float]:
    """Median of (N,) values and its standard error, whatever their distribution; the error of one value is not known (nan).

    About sqrt(N)/2 is the deviation of the number of values below the distribution's own median, so the quantiles 1/2 -+ 1/sqrt(N) of the
    values lie two standard errors below and above it. Source: Woodruff 1952.
    """
    values = values.double()
    if len(values) < 2:
        return float(values.median()), math.nan
    reach = min(1 / math.sqrt(len(values)), 0.5)
    low, middle, high = torch.quantile(values, values.new_tensor([0.5 - reach, 0.5, 0.5 + reach])).tolist()
    return middle, (high - low) / (4 * reach * math.sqrt(len(values)))


def share_error(share: Tensor, count: int) -> Tensor:
    """Standard error of shares (K,) of `count` draws: never 0, for a few draws that all agree do not know the distribution's share to be 0 or 1.

    .. math:: \\sqrt{\\tilde w (1 - \\tilde w) / N}, \\quad \\tilde w = (N w + 2)/(N + 4)

    The binomial error at the share that two successes and two failures more would give. Twice it to either side of the share
    holds the distribution's own in 9 of 10 cases at least from 20 draws on, where sqrt(w (1 - w) / N) holds a distribution's share of 1 % in 1 of 6 then.
    Source: Agresti & Coull 1998.
    """
    share = (count * share.double() + 2) / (count + 4)
    return (share * (1 - share) / count).sqrt()


def memorized(distances: Tensor) -> Tensor:
    """(N,) which points are copies of a training point: nearer to it than a third of their distance to the second nearest.

    In the plane a fresh point of an even density is so one in nine times, in D dimensions 3^-D times. Source: Yoon et al. 2023, Gu
    et al. 2023.

    Args:
        distances: (N, 2), to the nearest and to the second nearest of the training points that differ.
    """
    return distances[:, 0] < distances[:, 1] / 3


def kl_to_known(log_p_true: Tensor, log_p_model: Tensor) -> tuple[float, float]:
    """KL(true || model) in nats and its standard error.

    Args:
        log_p_true, log_p_model: (N,) log-densities at the same draws of the truth. The pairing matters: the error is that
            of the differences, far smaller than that of the two means.
    """
    return mean_with_error(log_p_true.double() - log_p_model.double())


def sliced_wasserstein2(a: Tensor, b: Tensor, projections: int, generator: torch.Generator) -> float:
    """Sliced Wasserstein-2 distance between two clouds, in their own units.

    .. math:: \\left(E_\\theta\\, W_2^2(\\theta^\\top a, \\theta^\\top b)\\right)^{1/2}, \\quad |\\theta| = 1

    In one dimension W_2 compares quantiles; those of clouds of any two sizes are compared at every level, exactly. Two finite
    clouds of one distribution are never at distance 0: see :func:`splits`. Source: Bonneel et al. 2015.

    Args:
        a, b: (N, *shape), (M, *shape).
        projections: how many directions theta.
    """
    a, b = a.flatten(1).double(), b.flatten(1).double()
    directions = torch.randn(
        (a.shape[1], projections), generator=generator, device=generator.device, dtype=torch.float64
    ).to(a.device)
    directions = directions / directions.norm(dim=0)
    total = 0.0
    for some in torch.split(directions, 64, dim=1):  # bounds the memory: 64 columns of a million points are 0.5 GB
        first, second = (a @ some).sort(dim=0).values, (b @ some).sort(dim=0).values
        total += float(_squared_wasserstein2(first, second).sum())
    return math.sqrt(total / projections)


def splits(
    data: Tensor, first: int, second: int, count: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """`count` random pairs of disjoint parts of the data (N, *shape), of `first` and `second` points, at most N in all.

    Their distances are what a perfect sampler scores. One pair says little: of the two Gaussians at +-(5, 5) the distance is
    mostly that of the shares in each mode, and goes from 0.1 to 1.2 between clouds of 2,000.
    """
    for _ in range(count):
        order = torch.randperm(len(data), generator=generator, device=generator.device).to(data.device)
        yield data[order[:first]], data[order[first : first + second]]


def _squared_wasserstein2(first: Tensor, second: Tensor) -> Tensor:
    """Squared W_2 of the empirical distributions of sorted columns (N, K) and (M, K): (K,).

    .. math:: W_2^2 = \\int_0^1 \\left(F^{-1}(u) - G^{-1}(u)\\right)^2 du

    Both quantile functions are steps, constant between two neighbours of their N and M levels. To interpolate between points
    would be to invent some: 2,000 points and 20 of one normal distribution in the plane would be 4 % nearer than they are.
    """
    n, m = len(first), len(second)
    if n == m:
        return (first - second).square().mean(0)
    levels = [other * torch.arange(1, own + 1, device=first.device) for own, other in ((n, m), (m, n))]
    ends = torch.cat(levels).sort().values  # in 1/(N M), whole numbers: between two that are one lies no share
    shares = ends.diff(prepend=ends.new_zeros(1)).to(first) / (n * m)
    return shares @ first[(ends - 1) // m].sub_(second[(ends - 1) // n]).square_()


def mode_weights(samples: Tensor, modes: Tensor) -> tuple[Tensor, Tensor]:
    """Share of the samples nearest to each mode, and its standard error by :func:`share_error`.

    Args:
        samples: (N, D).
        modes: (K, D).

    Returns:
        Two tensors (K,) in float64; the shares sum to 1.
    """
    counts = torch.zeros(len(modes), dtype=torch.float64, device=modes.device)
    for some in torch.split(samples, 65_536):
        nearest = torch.cdist(some.to(modes), modes).argmin(1)
        counts += torch.bincount(nearest, minlength=len(modes))
    weights = counts / len(samples)
    return weights, share_error(weights, len(samples))


@dataclass(frozen=True)
class FisherDivergence:
    """The distance of a score from another one at a noise level.

    Attributes:
        value: E ||s - exact||^2 in 1/units^2, with its standard error.
        relative: its ratio to E ||exact||^2, with its standard error; 1 is as bad as no score at all, nan where that is 0.
    """

    value: float
    standard_error: float
    relative: float
    relative_standard_error: float


@torch.no_grad()
def fisher_divergence(
    score: ScoreFunction, exact: ScoreFunction, x0: Tensor, sigma: float, generator: torch.Generator
) -> FisherDivergence:
    """Mean squared error of a score at noise level sigma, absolute and relative to the score's own mean square.

    .. math:: E \\|s(x, \\sigma) - \\nabla \\log p_\\sigma(x)\\|^2, \\quad x = x_0 + \\sigma z

    The error of the ratio R of two means over the same points is by the delta method that of the mean of (a - R b)/E b: where
    the two go together, as of a score that is wrong by the same share everywhere, most of it cancels.

    Args:
        x0: (N, *shape) clean data.
    """
    level = torch.as_tensor(sigma, dtype=x0.dtype, device=x0.device)
    z = torch.randn(x0.shape, generator=generator, device=generator.device, dtype=x0.dtype).to(x0.device)
    x = x0 + level * z
    truth = exact(x, level)
    errors = (score(x, level) - truth).square().flatten(1).sum(1).cpu().double()
    sizes = truth.square().flatten(1).sum(1).cpu().double()
    value, standard_error = mean_with_error(errors)
    size = float(sizes.mean())
    if not size > 0:
        return FisherDivergence(value, standard_error, math.nan, math.nan)
    ratio = value / size
    return FisherDivergence(value, standard_error, ratio, mean_with_error((errors - ratio * sizes) / size)[1])
