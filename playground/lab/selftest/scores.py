"""A training set and an entropy, against autograd and the closed form of a Gaussian."""

import math

import torch

from playground.lab.audit.deviations import doubles, gap, gradient_of, normals
from playground.lab.audit.stated import claim
from playground.theory.densities import GaussianMixture
from playground.theory.empirical import Empirical


@claim("densities", "training set: the score is the gradient of log p", 1e-10)
def empirical_gap() -> float:
    density, worst = Empirical(normals(50, 1, 2, 3)), 0.0
    for sigma in (0.3, 5.0):
        x = normals(40, 1, 2, 3, seed=1).requires_grad_()
        worst = max(worst, gap(density.score(x.detach(), sigma), gradient_of(density.log_prob(x, sigma), x)))
    return worst


@claim("densities", "entropy of a Gaussian by quadrature is the closed form, nat", 1e-8)
def entropy() -> float:
    """Compare the entropy of one Gaussian in the plane with ln(2 pi e s^2)."""
    one = GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), doubles([0.3]))
    return abs(one.entropy() - math.log(2 * math.pi * math.e * 0.09))
