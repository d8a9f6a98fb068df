"""Interpolation of two points in latent space: the probability flow decodes codes between those of the points."""

from collections.abc import Generator

import torch
from torch import Tensor

from playground.lab.compute import passed_on
from playground.lab.likelihood import Array, DecodedPoints, decode, log_likelihood, trace_probes
from playground.lab.problem import Problem
from playground.records import record
from playground.theory.latent import LATENT_INTERPOLATIONS
from playground.theory.noise import ScoreFunction


@record
class Interpolation(DecodedPoints):
    """The interpolation of two points, from one to the other: the decoded points, the first (P, *shape) of which and the last are the
    given ones up to the solver's error. With an estimated trace these use the probes of their encoding, so their log p agrees with
    :func:`playground.lab.likelihood.log_likelihood` up to the solver's error.

    Attributes:
        shares: (P,) position along the interpolation, from 0 to 1.
        latent: (P, *shape) latent codes, standard normal numbers.
    """

    shares: Array
    latent: Array


def interpolate(
    problem: Problem, score: ScoreFunction, ends: Array, count: int
) -> Generator[float, None, Interpolation]:
    """Encode two points, interpolate their codes by `likelihood.interpolation`, and decode the codes; yields the fraction done.

    Args:
        score: learned or exact, in internal units; must not change while this runs.
        ends: (2, *shape) in user units.
        count: number of points, evenly spaced, the ends included.

    Raises:
        ExperimentError: the noise has no process.
        TooManySteps: the score is not smooth or not finite somewhere.
    """
    encoded = yield from passed_on(log_likelihood(problem, score, ends), lambda done: 0.4 * done)
    z0, z1 = torch.from_numpy(encoded.latent)
    shares = torch.linspace(0, 1, count, dtype=torch.float64)
    latent = LATENT_INTERPOLATIONS[problem.experiment.likelihood.interpolation](z0, z1, shares).numpy()
    decoding = decode(problem, score, latent, probes=_probes(problem, latent))
    found = yield from passed_on(decoding, lambda done: 0.4 + 0.6 * done)
    return Interpolation(found.points, found.log_prob, found.standard_error, shares.numpy(), latent)


def _probes(problem: Problem, latent: Array) -> Tensor | None:
    """Hutchinson's probes for codes (P, *shape); the ends keep the probes of their encoding."""
    z = torch.from_numpy(latent).to(problem.device, torch.float32)
    probes, ends = trace_probes(problem, z, "interpolation"), trace_probes(problem, torch.stack([z[0], z[-1]]))
    if probes is not None and ends is not None:
        probes[0], probes[-1] = ends
    return probes
