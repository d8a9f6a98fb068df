"""Energies: their scores, Z by quadrature, and maximum likelihood with it, against autograd and closed forms."""

import math

import torch

from playground.lab.audit.deviations import STANDARD_ERRORS, gap, normals, seeded, standard_errors
from playground.lab.audit.stated import claim
from playground.lab.selftest.training import network
from playground.theory.networks import Energy
from playground.theory.noise import SingleSigma
from playground.theory.objectives import MaximumLikelihood
from playground.theory.partition import QuadratureGrid, StandardNormal, log_density_at, log_partition

SIGMA = 0.6


@claim("energies", "Z of a Gaussian by quadrature is the closed form, nat", 1e-6)
def z_of_a_gaussian() -> float:
    """ln Z of exp(-|x|^2/(2 (1 + sigma^2))) is ln(2 pi (1 + sigma^2))."""
    closed = (math.log(2 * math.pi * (1 + sigma**2)) for sigma in (0.0, SIGMA, 20.0))
    found = (log_partition(StandardNormal(), sigma, 4.0, normals(1), 1e-6).value for sigma in (0.0, SIGMA, 20.0))
    return max(abs(a - b) for a, b in zip(found, closed, strict=True))


@claim("energies", "the gradient of ln Z is minus the mean gradient of f", 1e-6)
def gradient_of_z() -> float:
    """grad ln Z by autograd through one sum, against -E_p[grad f] by another on a finer square."""
    made, level = network(Energy, dim=2, std=0.3), normals(1)[0] * 0 + SIGMA
    weights = list(made.parameters())
    square, finer = QuadratureGrid(12.0, 120), QuadratureGrid(13.0, 170)
    found = torch.autograd.grad(square.log_sum(made.log_density(square.nodes(level), level)), weights)
    nodes = finer.nodes(level)
    share = torch.softmax(log_density_at(made, nodes, SIGMA), 0)
    mean = torch.autograd.grad((share * -made.log_density(nodes, level)).sum(), weights)
    return max(gap(a, -b) for a, b in zip(found, mean, strict=True))


@claim("energies", "maximum likelihood of a Gaussian is its entropy, in standard errors", STANDARD_ERRORS)
def likelihood() -> float:
    """Compare the NLL of N(0, I) under an untrained network's density with the entropy, D/2 ln(2 pi e (1 + sigma^2))."""
    x = normals(20_000, 2)
    losses = MaximumLikelihood(SingleSigma(SIGMA)).loss(
        StandardNormal(), x, torch.full((len(x),), SIGMA, dtype=torch.float64), seeded(1)
    )
    return standard_errors(losses, math.log(2 * math.pi * math.e * (1 + SIGMA**2)))
