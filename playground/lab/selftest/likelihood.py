"""The likelihoods of a network and of Gaussians, and the distances of samples."""

import math

import torch
from torch import Tensor
from torch.distributions import Normal

from playground.lab.audit.deviations import STANDARD_ERRORS, doubles, gap, normals, seeded, spaced, standard_errors
from playground.lab.audit.gaussian import mixture
from playground.lab.audit.stated import claim
from playground.lab.compute import result
from playground.lab.selftest.training import network
from playground.theory.likelihood import (
    bits_per_dim,
    decode,
    hutchinson_probes,
    log_likelihood,
)
from playground.theory.metrics import kl_to_known, mode_weights, sliced_wasserstein2, splits
from playground.theory.networks import MLP
from playground.theory.noise import (
    VarianceExploding,
    VariancePreserving,
    per_point,
)

VE, VP = VarianceExploding(0.05, 12.0), VariancePreserving(0.1, 20.0, 0.05)
SIGMA = 0.05  # finest level of all processes here; the likelihoods are those of the data smoothed by it


@claim("likelihood", "a network of random weights: its density integrates to 1, distance", 1e-2)
def mass() -> float:
    """The flow of any smooth field has a density of integral 1, such as that of a network of random weights."""
    process, score = VP, network(MLP, dim=2, std=0.15).requires_grad_(False)
    side, spacing = spaced(-5, 5, 51), 0.2
    grid = torch.cartesian_prod(side, side)
    prior = process.prior(torch.zeros(2, dtype=torch.float64), 1.0)

    found = result(log_likelihood(score, process, prior, grid, 1e-4, sigma=0.3))
    return abs(float(found.log_prob.exp().sum()) * spacing**2 - 1)


@claim("likelihood", "encoding and decoding give back point and log p", 1e-5)
def there_and_back() -> float:
    """Return the round-trip error from data to the prior and back down the flow, of place and log p alike."""
    process, density = VP, mixture()
    x, prior = density.sample(8, seeded()), process.prior(density.mean, 1.0)
    there = result(log_likelihood(density.score, process, prior, x, 1e-7))
    back = result(decode(density.score, process, prior, there.latent, 1e-7))
    return max(gap(back.x, x), gap(back.log_prob, there.log_prob))


@claim("likelihood", "images, Hutchinson's trace: the same, nat", 1e-5, each=("rademacher",))
@claim("likelihood", "images, exact trace: log p of a Gaussian, nat", 1e-5, each=(None,))
def images(distribution: str | None) -> float:
    """A Gaussian of 1 x 2 x 3 pixels. The Jacobian is a multiple of the identity, so Rademacher probes are exact too."""
    process, std = VP, 0.7
    mean = spaced(-0.5, 0.5, 6).reshape(1, 2, 3)
    x = mean + normals(10, 1, 2, 3)
    prior = process.prior(mean, std**2)
    probes = None if distribution is None else hutchinson_probes(x, 1, distribution, seeded(3))

    def score(y: Tensor, sigma: Tensor) -> Tensor:
        return (mean - y) / (std**2 + per_point(sigma, y) ** 2)

    found = result(log_likelihood(score, process, prior, x, 1e-7, probes))
    exact = Normal(mean, math.hypot(std, SIGMA)).log_prob(x).flatten(1).sum(1)
    return float((found.log_prob - exact).abs().max())


@claim(
    "likelihood",
    "Hutchinson, {}: mean, variance and reported error, in standard errors",
    STANDARD_ERRORS,
    each=("rademacher", "gaussian"),
)
def hutchinson(distribution: str) -> float:
    r"""Hutchinson's estimate with two probes: its mean tr S, its known variance, and the mean square of its reported error.

    S is the flow's integrated Jacobian. Returns the largest distance in standard errors. No probe is needed for the
    multiple of the identity by which standard normal data spread.
    """
    covariance = doubles([[1.0, 0.5, -0.2], [0.5, 0.6, 0.1], [-0.2, 0.1, 0.3]])
    values, axes = torch.linalg.eigh(covariance)
    process = VE

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        found: Tensor = -((x @ axes) / (values + sigma.reshape(-1, 1) ** 2)) @ axes.T
        return found

    growth = 0.5 * ((values + process.sigma_max**2) / (values + SIGMA**2)).log()
    spread = 0.5 * math.log((1 + process.sigma_max**2) / (1 + SIGMA**2))
    s = axes @ torch.diag(growth - spread) @ axes.T
    prior = process.prior(torch.zeros(3, dtype=torch.float64), 1.0)
    x = torch.zeros(1500, 3, dtype=torch.float64)
    found = result(log_likelihood(score, process, prior, x, 1e-5, hutchinson_probes(x, 2, distribution, seeded(3))))
    assert found.standard_error is not None
    square, diagonal = float(s.square().sum()), float(s.diagonal().square().sum())
    variance = {"rademacher": 2 * (square - diagonal), "gaussian": 2 * square}[distribution] / 2
    return max(
        standard_errors(found.trace_term - 3 * spread, float(s.trace())),
        standard_errors((found.trace_term - 3 * spread - s.trace()).square(), variance),
        standard_errors(found.standard_error.square(), variance),
    )


@claim("likelihood", "bits/dim of the uniform distribution are the bits of its levels", 1e-9)
def bits() -> float:
    """For the uniform distribution on [-1, 1]^D, each of K levels costs log2 K bits."""
    return max(abs(float(bits_per_dim(doubles([-64 * math.log(2)]), (1, 8, 8), k)) - math.log2(k)) for k in (17, 256))


@claim("measures", "sliced Wasserstein-2 of a shift is its length over sqrt(D), distance", 0.02)
def shift() -> float:
    """A cloud shifted by d lies E[(theta'd)^2]^(1/2) = |d|/sqrt(D) away: 0.5 in the plane for |d| = 0.707."""
    cloud = normals(100, 2)
    moved = cloud + doubles([0.5, 0.5])
    return abs(sliced_wasserstein2(cloud, moved, 5_000, seeded(1)) - 0.5)


@claim("measures", "perfect samples lie at their floor, in its standard deviations", STANDARD_ERRORS)
def floor() -> float:
    """Fresh draws of the density are as far from the data as the floor, in standard deviations of the floor."""
    density = mixture()
    data = density.sample(4000, seeded())
    between = [sliced_wasserstein2(a, b, 50, seeded(5)) for a, b in splits(data, 1000, 1000, 30, seeded(1))]
    distances = doubles(between)
    found = sliced_wasserstein2(density.sample(1000, seeded(2)), data[:1000], 50, seeded(5))
    return float((found - distances.mean()).abs() / distances.std())


@claim("measures", "KL between two normal distributions, in standard errors", STANDARD_ERRORS)
def normal_kl() -> float:
    """KL(N(0, 1) || N(0.3, 1)) = 0.3^2/2, in standard errors."""
    x = normals(10_000)
    value, error = kl_to_known(-0.5 * x**2, -0.5 * (x - 0.3) ** 2)
    return abs(value - 0.045) / error


@claim("measures", "mode weights of perfect samples, in standard errors", STANDARD_ERRORS)
def shares() -> float:
    """Return the errors of shares of draws of three well separated Gaussians, in standard errors."""
    weights = doubles([0.5, 0.3, 0.2])
    modes = doubles([[-9.0, 0.0], [0.0, 9.0], [9.0, 0.0]])
    chosen = torch.multinomial(weights, 5000, replacement=True, generator=seeded())
    found, error = mode_weights(modes[chosen] + normals(5000, 2), modes)
    return float(((found - weights).abs() / error).max())
