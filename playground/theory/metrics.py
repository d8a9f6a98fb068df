"""Distances of a model or its samples from the truth, with their standard errors."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.draws import normal
from playground.theory.noise import ScoreFunction

NEIGHBOURS, NEIGHBOUR_ROWS = 5, 500
"""The nearest sample whose distance tells a density, and the points whose distances to all samples are held at once."""


def mean_with_error(values: Tensor) -> tuple[float, float]:
    """The mean of values (N,) and its standard error, std / sqrt(N), which is nan for one value."""
    values = values.double()
    error = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else math.nan
    return float(values.mean()), error


def median_with_error(values: Tensor) -> tuple[float, float]:
    """The median of values (N,) and its standard error for any distribution; the error is nan for one value.

    The number of values below the distribution's median has standard deviation sqrt(N)/2. So the quantiles 1/2 -+ 1/sqrt(N) of
    the values lie about two standard errors below and above the median. Source: Woodruff 1952.
    """
    values = values.double()
    if len(values) < 2:
        return float(values.median()), math.nan
    reach = min(1 / math.sqrt(len(values)), 0.5)
    low, middle, high = torch.quantile(values, values.new_tensor([0.5 - reach, 0.5, 0.5 + reach])).tolist()
    return middle, (high - low) / (4 * reach * math.sqrt(len(values)))


def share_error(share: Tensor, count: int) -> Tensor:
    """The standard error of shares (K,) of `count` draws. It is never 0, as a share of 0 or 1 in few draws is uncertain too.

    .. math:: \\sqrt{\\tilde w (1 - \\tilde w) / N}, \\quad \\tilde w = (N w + 2)/(N + 4)

    This is the binomial standard error with two more successes and two more failures. From 20 draws on, two standard errors
    around the share contain the true share in at least 9 of 10 cases. With sqrt(w (1 - w) / N) they contain a true share of 1 %
    in 1 of 6 cases at 20 draws. Source: Agresti & Coull 1998.
    """
    share = (count * share.double() + 2) / (count + 4)
    return (share * (1 - share) / count).sqrt()


def memorized(distances: Tensor) -> Tensor:
    """Whether each point lies near one training point, (N,): its nearest is three times nearer than its second nearest.

    By chance this holds for a new point of a uniform density with probability 3^-D in D dimensions: 1/9 in the plane. So only
    a larger share than that of new points shows copies. Source: Yoon et al. 2023, Gu et al. 2023.

    Args:
        distances: distances to the nearest and the second nearest distinct training point, (N, 2).
    """
    return distances[:, 0] < distances[:, 1] / 3


def kl_to_known(log_p_true: Tensor, log_p_model: Tensor) -> tuple[float, float]:
    """KL(true || model) in nats and its standard error.

    Args:
        log_p_true, log_p_model: log-densities at the same samples of the truth, (N,). The standard error is that of their
            differences, which is far smaller than those of the two means.
    """
    return mean_with_error(log_p_true.double() - log_p_model.double())


def neighbour_log_density(points: Tensor, samples: Tensor) -> Tensor:
    r"""The log-density of a distribution at `points` (N, D), estimated from samples of it (M, D); in nats, (N,).

    With r the distance to the k-th nearest sample and V_D the volume of the unit ball,

    .. math:: \log q(x) \approx \psi(k) - \log M - \log V_D - D \log r(x)

    Its mean error vanishes where the density hardly changes within r. Sources: Kozachenko & Leonenko 1987; Wang, Kulkarni &
    Verdu 2009. k is NEIGHBOURS.

    Args:
        samples: M >= NEIGHBOURS.
    """
    dim = samples.shape[1]
    radius = torch.cat(
        [
            torch.cdist(some, samples).kthvalue(NEIGHBOURS, 1).values
            for some in torch.split(points.double(), NEIGHBOUR_ROWS)
        ]
    )
    volume = 0.5 * dim * math.log(math.pi) - math.lgamma(0.5 * dim + 1)
    at_k = float(torch.digamma(torch.tensor(float(NEIGHBOURS), dtype=torch.float64)))
    return at_k - math.log(len(samples)) - volume - dim * radius.clamp_min(torch.finfo(radius.dtype).tiny).log()


def sliced_wasserstein2(a: Tensor, b: Tensor, projections: int, generator: torch.Generator) -> float:
    """Sliced Wasserstein-2 distance between two point clouds, in their own units.

    .. math:: \\left(E_\\theta\\, W_2^2(\\theta^\\top a, \\theta^\\top b)\\right)^{1/2}, \\quad |\\theta| = 1

    In one dimension W_2 compares quantiles. They are compared exactly at every level, for clouds of any two sizes. Two finite
    samples of one distribution never have distance 0: see :func:`splits`. Source: Bonneel et al. 2015.

    Args:
        a, b: (N, *shape), (M, *shape).
        projections: the number of directions theta.
    """
    a, b = a.flatten(1).double(), b.flatten(1).double()
    directions = torch.randn(
        (a.shape[1], projections), generator=generator, device=generator.device, dtype=torch.float64
    ).to(a.device)
    directions = directions / directions.norm(dim=0)
    total = 0.0
    for some in torch.split(directions, 64, dim=1):  # 64 columns of a million points take 0.5 GB
        first, second = (a @ some).sort(dim=0).values, (b @ some).sort(dim=0).values
        total += float(_squared_wasserstein2(first, second).sum())
    return math.sqrt(total / projections)


def splits(
    data: Tensor, first: int, second: int, count: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield `count` random pairs of disjoint parts of the data (N, *shape), of `first` and `second` points, at most N together.

    Their distances are those of a perfect sampler. One pair is not enough: for the two Gaussians at +-(5, 5) the distance mostly
    reflects the shares in each mode, and varies from 0.1 to 1.2 between clouds of 2,000 points.
    """
    for _ in range(count):
        order = torch.randperm(len(data), generator=generator, device=generator.device).to(data.device)
        yield data[order[:first]], data[order[first : first + second]]


def _squared_wasserstein2(first: Tensor, second: Tensor) -> Tensor:
    """The squared W_2, (K,), of the empirical distributions of sorted columns (N, K) and (M, K).

    .. math:: W_2^2 = \\int_0^1 \\left(F^{-1}(u) - G^{-1}(u)\\right)^2 du

    Both quantile functions are step functions, with N and M steps. Interpolation between points would bias the distance: by
    -4 % between 2,000 points and 20 of one normal distribution in the plane.
    """
    n, m = len(first), len(second)
    if n == m:
        return (first - second).square().mean(0)
    levels = [other * torch.arange(1, own + 1, device=first.device) for own, other in ((n, m), (m, n))]
    ends = torch.cat(levels).sort().values  # integers, in units of 1/(N M); equal ones have no share between them
    shares = ends.diff(prepend=ends.new_zeros(1)).to(first) / (n * m)
    return shares @ first[(ends - 1) // m].sub_(second[(ends - 1) // n]).square_()


def mode_weights(samples: Tensor, modes: Tensor) -> tuple[Tensor, Tensor]:
    """The share of the samples nearest to each mode, and its standard error by :func:`share_error`.

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
    """The Fisher divergence between a score and the exact one at a noise level.

    Attributes:
        value, standard_error: E ||s - exact||^2 in 1/units^2, and its standard error.
        relative, relative_standard_error: its ratio to E ||exact||^2, and the ratio's standard error. A score of zero has 1. It
            is nan if E ||exact||^2 is 0.
    """

    value: float
    standard_error: float
    relative: float
    relative_standard_error: float


@torch.no_grad()
def fisher_divergence(
    score: ScoreFunction, exact: ScoreFunction, x0: Tensor, sigma: float, generator: torch.Generator
) -> FisherDivergence:
    """Mean squared error of a score at noise level sigma, absolute and relative to the exact score's mean square.

    .. math:: E \\|s(x, \\sigma) - \\nabla \\log p_\\sigma(x)\\|^2, \\quad x = x_0 + \\sigma z

    The ratio R of two means E a/E b over the same points has, by the delta method, the standard error of the mean of
    (a - R b)/E b. If a and b are correlated, as for a score with the same relative error everywhere, most of it cancels.

    Args:
        x0: clean data, (N, *shape).
    """
    level = x0.new_tensor(sigma)
    x = x0 + level * normal(x0, generator)
    truth = exact(x, level)
    errors = (score(x, level) - truth).square().flatten(1).sum(1).cpu().double()
    sizes = truth.square().flatten(1).sum(1).cpu().double()
    value, standard_error = mean_with_error(errors)
    size = float(sizes.mean())
    if not size > 0:
        return FisherDivergence(value, standard_error, math.nan, math.nan)
    ratio = value / size
    return FisherDivergence(value, standard_error, ratio, mean_with_error((errors - ratio * sizes) / size)[1])
