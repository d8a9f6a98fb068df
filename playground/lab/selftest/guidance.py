"""Conditioning on known coordinates, for a Gaussian with a known conditional distribution."""

import math

import torch
from torch import Tensor

from playground.lab.audit.deviations import doubles, normals
from playground.lab.audit.gaussian import coefficients
from playground.lab.audit.stated import claim
from playground.theory.guidance import InpaintingScore
from playground.theory.noise import ScoreFunction, VarianceExploding
from playground.theory.samplers import ReverseSDE

STEEP = 0.9
COVARIANCE = doubles([[1.0, STEEP], [STEEP, 1.0]])
KNOWN = doubles([1.5, 7.0])  # the 7 is not used
MASK = torch.tensor([True, False])
MEAN, VARIANCE = STEEP * 1.5, 1 - STEEP**2  # of the unknown coordinate, given the known one


def normal_score(x: Tensor, sigma: Tensor) -> Tensor:
    """The score of N(0, COVARIANCE) smoothed by one sigma, at images (N, 1, 1, 2)."""
    smoothed = COVARIANCE + torch.as_tensor(sigma).reshape(-1)[0] ** 2 * torch.eye(2, dtype=x.dtype)
    result: Tensor = -torch.linalg.solve(smoothed, x.reshape(-1, 2).T)
    return result.T.reshape(x.shape)


def known_score() -> ScoreFunction:
    return InpaintingScore(normal_score, KNOWN.reshape(1, 1, 2), MASK.reshape(1, 1, 2))


@claim("guidance", "known coordinates: power of sigma in the error of the others' score", 3.3, 2.7)
def power() -> float:
    """Return the power of sigma with which the error of the unknown coordinate's score falls, from sigma = 0.02 to 0.01.

    The known coordinate has noise of that sigma.
    """
    z, errors = normals(100, 2), []
    for sigma in (0.02, 0.01):
        x = KNOWN + sigma * z
        x[:, 1] = MEAN + math.sqrt(VARIANCE + sigma**2) * z[:, 1]
        found = known_score()(x.reshape(-1, 1, 1, 2), doubles(sigma)).reshape(-1, 2)[:, 1]
        errors.append(float((found + (x[:, 1] - MEAN) / (VARIANCE + sigma**2)).abs().mean()))
    return math.log2(errors[0] / errors[1])


def inpainted() -> tuple[Tensor, Tensor]:
    """Mean (2,) and covariance (2, 2) of the end of the conditional reverse SDE, without sampling error."""
    coarsest = 20.0
    sampler = ReverseSDE(VarianceExploding(0.01, coarsest), 60, final_denoising=True)
    found = coefficients(sampler, lambda z: coarsest * z, 1, 1, 2, axes=2, follows=known_score())
    return found[0], found[1:].T @ found[1:]


@claim("guidance", "known coordinates: reverse SDE ends at them, distance", 1e-9)
def reached() -> float:
    mean, covariance = inpainted()
    return max(float((mean[0] - KNOWN[0]).abs()), float(covariance[0].abs().max()))


@claim("guidance", "known coordinates: mean and deviation of the rest, relative distance", 0.07)
def distribution_of_the_rest() -> float:
    """The larger of the relative distances from the exact conditional mean and standard deviation.

    The score is that of the conditional distribution at fine levels only, which leaves 0.05. Without the score's
    correction the mean is off by 0.3.
    """
    mean, covariance = inpainted()
    return max(abs(float(mean[1]) / MEAN - 1), abs(math.sqrt(float(covariance[1, 1]) / VARIANCE) - 1))
