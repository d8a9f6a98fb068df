"""A training set, an entropy and the objectives, against autograd and the closed forms of a Gaussian."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from playground.lab.audit.deviations import STANDARD_ERRORS, gap, gradient_of, normals, seeded, standard_errors
from playground.lab.claims import Claim
from playground.theory.densities import GaussianMixture
from playground.theory.empirical import Empirical
from playground.theory.noise import SingleSigma
from playground.theory.objectives import Denoising, Exact, ScoreMatching, Sliced


def mixture() -> GaussianMixture:
    """Three components with mean 0, of widths from 0.1 to 0.4."""
    means = torch.tensor([[1.0, 0.5], [-1.2, 0.3], [0.2, -0.8]], dtype=torch.float64)
    return GaussianMixture(means, torch.tensor([0.2, 0.1, 0.4], dtype=torch.float64))


def empirical_gap() -> float:
    density, worst = Empirical(normals(50, 1, 2, 3)), 0.0
    for sigma in (0.3, 5.0):
        x = normals(40, 1, 2, 3, seed=1).requires_grad_()
        worst = max(worst, gap(density.score(x.detach(), sigma), gradient_of(density.log_prob(x, sigma), x)))
    return worst


def entropy() -> float:
    """Compare the entropy of one Gaussian in the plane with ln(2 pi e s^2)."""
    one = GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), torch.tensor([0.3], dtype=torch.float64))
    return abs(one.entropy() - math.log(2 * math.pi * math.e * 0.09))


SIGMA = 0.6
SHAPE = (1, 2, 3)  # of a point: an image, which reveals a sum over the last axis only
FIELD = 0.4 * normals(6, 6, seed=5) - 0.3 * torch.eye(6, dtype=torch.float64)
"""A of the field A x: neither symmetric nor a multiple of the identity."""


def field(x: Tensor, sigma: Tensor) -> Tensor:
    return (x.flatten(1) @ FIELD.T).view(x.shape)


def loss_errors(make: Callable[..., ScoreMatching]) -> float:
    r"""The loss of the field A x on N(0, I) smoothed by sigma, with D axes.

    Exact and sliced: (1 + sigma^2) |A|^2 / 2 + tr A. Denoising: (1 + sigma^2) |A|^2 + 2 tr A + D/sigma^2, which is twice as
    much plus a constant that does not depend on the field.
    """
    x, objective = normals(20_000, *SHAPE), make(SingleSigma(SIGMA), weight="constant")
    losses = objective.loss(field, x, torch.full((len(x),), SIGMA, dtype=torch.float64), seeded(1))
    matching = 0.5 * (1 + SIGMA**2) * float(FIELD.square().sum()) + float(FIELD.trace())
    expected = 2 * matching + len(FIELD) / SIGMA**2 if isinstance(objective, Denoising) else matching
    return standard_errors(losses.detach(), expected)


OBJECTIVES: dict[str, Callable[..., ScoreMatching]] = {
    "exact": Exact,
    "denoising": Denoising,
    **{
        f"sliced, {probes}{', variance reduced' if reduced else ''}": partial(
            Sliced, probes=probes, variance_reduced=reduced
        )
        for probes in ("rademacher", "gaussian", "sphere")
        for reduced in (True, False)
    },
}

CLAIMS = [
    Claim("densities", "training set: the score is the gradient of log p", empirical_gap, 1e-10),
    Claim("densities", "entropy of a Gaussian by quadrature is the closed form, nat", entropy, 1e-8),
    *(
        Claim(
            "objectives",
            f"{name}: the loss of a linear field, in standard errors",
            partial(loss_errors, make),
            STANDARD_ERRORS,
        )
        for name, make in OBJECTIVES.items()
    ),
]
