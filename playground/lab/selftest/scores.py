"""Mixtures of several widths, which no toy is, and the objectives, against autograd and the closed forms of a Gaussian."""

import math
from functools import partial

import torch
from torch import Tensor

from playground.lab.audit.deviations import STANDARD_ERRORS, gap, normals, seeded, standard_errors
from playground.lab.claims import Claim
from playground.theory.densities import GaussianMixture
from playground.theory.empirical import Empirical
from playground.theory.noise import ContinuousNoise, SingleSigma, VariancePreserving
from playground.theory.objectives import Denoising, Exact, ScoreMatching, Sliced


def mixture() -> GaussianMixture:
    """Three components with mean 0, of widths from 0.1 to 0.4."""
    means = torch.tensor([[1.0, 0.5], [-1.2, 0.3], [0.2, -0.8]], dtype=torch.float64)
    return GaussianMixture(means, torch.tensor([0.2, 0.1, 0.4], dtype=torch.float64))


def gradient_of(log_prob: Tensor, x: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(log_prob.sum(), x)
    return gradient


def score_gap() -> float:
    density, worst = mixture(), 0.0
    for sigma in (0.0, 0.3, 5.0):
        x = (1.5 * normals(200, 2)).requires_grad_()
        worst = max(worst, gap(density.score(x.detach(), sigma), gradient_of(density.log_prob(x, sigma), x)))
    return worst


def empirical_gap() -> float:
    density, worst = Empirical(normals(50, 1, 2, 3)), 0.0
    for sigma in (0.3, 5.0):
        x = normals(40, 1, 2, 3, seed=1).requires_grad_()
        worst = max(worst, gap(density.score(x.detach(), sigma), gradient_of(density.log_prob(x, sigma), x)))
    return worst


def mass() -> float:
    """Integrate by the trapezium rule, whose error vanishes faster than any power of the spacing for these smooth
    densities."""
    side, spacing = torch.linspace(-4, 4, 401, dtype=torch.float64), 0.02
    grid = torch.cartesian_prod(side, side)
    density = mixture()
    return max(abs(float(density.log_prob(grid, sigma).exp().sum()) * spacing**2 - 1) for sigma in (0.0, 0.3))


def smoothing() -> float:
    """p_sigma(x) = E p(x + sigma z), with the mean over z by Gauss-Legendre quadrature up to 9 standard deviations."""
    density, sigma = mixture(), 0.3
    side = torch.linspace(-2.7, 2.7, 181, dtype=torch.float64)
    offsets = torch.cartesian_prod(side, side)
    weights = torch.exp(-offsets.square().sum(1) / (2 * sigma**2)) * (0.03**2 / (2 * math.pi * sigma**2))
    x = normals(20, 2)
    around = density.log_prob((x[:, None] + offsets).flatten(0, 1)).exp().view(20, -1)
    return gap(density.log_prob(x, sigma).exp(), around @ weights)


def entropy() -> float:
    """Compare the entropy of one Gaussian in the plane with ln(2 pi e s^2)."""
    one = GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), torch.tensor([0.3], dtype=torch.float64))
    return abs(one.entropy() - math.log(2 * math.pi * math.e * 0.09))


SLOPE, SIGMA = -0.4, 0.6  # of a linear field a x, and the noise level at which it is evaluated
SHAPE = (1, 2, 3)  # of a point: an image, which reveals a sum over the last axis only


def loss_errors(kind: type[ScoreMatching]) -> float:
    r"""The losses of the field a x on N(0, I) smoothed by sigma, with D axes.

    Exact and sliced: D [a^2 (1 + sigma^2)/2 + a]. Denoising: D [a^2 (1 + sigma^2) + 2 a + 1/sigma^2], which is twice as
    much plus a constant that does not depend on the field.
    """
    x = normals(20_000, *SHAPE)
    objective = kind(SingleSigma(SIGMA), weight="constant")
    losses = objective.loss(lambda y, _: SLOPE * y, x, torch.full((len(x),), SIGMA, dtype=torch.float64), seeded(1))
    matching = math.prod(SHAPE) * (0.5 * SLOPE**2 * (1 + SIGMA**2) + SLOPE)
    expected = 2 * matching + math.prod(SHAPE) / SIGMA**2 if kind is Denoising else matching
    return standard_errors(losses.detach(), expected)


ROTATION = torch.tensor([[0.3, 2.0, 0.1], [-1.0, -0.8, 0.5], [0.7, 0.4, -0.2]], dtype=torch.float64)


def bent(x: Tensor, sigma: Tensor) -> Tensor:
    """A field whose Jacobian is neither symmetric nor the same everywhere."""
    return torch.sin(x @ ROTATION)


def exact_trace() -> float:
    """Compare each point's loss at sigma = 0, where nothing is random, with |s|^2/2 plus the trace of the Jacobian."""
    x, sigma = normals(30, 3), torch.zeros(30, dtype=torch.float64)
    objective = Exact(SingleSigma(1.0), weight="constant")
    trace = torch.cos(x @ ROTATION) @ ROTATION.diagonal()
    expected = 0.5 * bent(x, sigma).square().sum(1) + trace
    return gap(objective.loss(bent, x, sigma, seeded()).detach(), expected)


def sliced_trace(probes: str, reduced: bool) -> float:
    """Over 10,000 directions at one point the sliced loss has the mean of the exact one."""
    x, sigma = normals(1, 3).expand(10_000, 3), torch.zeros(10_000, dtype=torch.float64)
    objective = Sliced(SingleSigma(1.0), weight="constant", probes=probes, variance_reduced=reduced)
    exact = Exact(SingleSigma(1.0), weight="constant").loss(bent, x[:1], sigma[:1], seeded())
    return standard_errors(objective.loss(bent, x, sigma, seeded(1)).detach(), float(exact.detach()))


def optimal_loss_gap() -> float:
    """With the weight sigma^2 (sigma^2 + 1), the score of N(0, I) has a denoising loss of D at every level."""
    noise = ContinuousNoise(VariancePreserving(0.1, 20.0, 0.05))
    unit = GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
    found = Denoising(noise, weight="edm").optimal_loss(unit, seeded(), count=100)
    return math.nan if found is None else abs(found - 2.0)


CLAIMS = [
    Claim("densities", "mixture: the score is the gradient of log p, smoothed or not", score_gap, 1e-10),
    Claim("densities", "training set: the score is the gradient of log p", empirical_gap, 1e-10),
    Claim("densities", "mixture: integrates to 1, distance", mass, 1e-6),
    Claim("densities", "mixture: smoothing is convolution with a Gaussian", smoothing, 1e-7),
    Claim("densities", "entropy of a Gaussian by quadrature is the closed form, nat", entropy, 1e-8),
    Claim("objectives", "exact: the trace is that of the Jacobian", exact_trace, 1e-10),
    *(
        Claim(
            "objectives",
            f"sliced, {name}{', variance reduced' if reduced else ''}: mean is the exact loss, in standard errors",
            partial(sliced_trace, name, reduced),
            STANDARD_ERRORS,
        )
        for name in ("rademacher", "gaussian", "sphere")
        for reduced in (True, False)
    ),
    *(
        Claim(
            "objectives",
            f"{kind.__name__.lower()}: loss of a linear field is the closed form, in standard errors",
            partial(loss_errors, kind),
            STANDARD_ERRORS,
        )
        for kind in (Exact, Sliced, Denoising)
    ),
    Claim("objectives", "denoising: the least possible loss on a Gaussian is D, distance", optimal_loss_gap, 1e-6),
]
