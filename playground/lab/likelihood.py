"""Log-likelihoods and latent codes of points in the user's units, by the probability flow of a score.

The score function works in internal units. Points, densities and distances are in the user's units. Latent codes have
no unit: they are the standard normal numbers that the prior maps to x(1).
"""

import math
from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.lab import defaults
from playground.lab.compute import passed_on
from playground.lab.conflicts import path_conflict, refuse
from playground.lab.experiment import ExperimentError
from playground.lab.measured import Measured
from playground.lab.problem import Problem
from playground.records import record
from playground.theory import likelihood, metrics
from playground.theory.networks import MLP
from playground.theory.noise import ScoreFunction

Array = NDArray[np.floating]

FARTHEST = 1e15
"""Most standard deviations of a point. Its square stays finite if a process scales it by a thousand either way."""

EXACT_TRACE_DIMS = 10
"""Dimensions up to which the exact trace is cheap. It costs a backward pass for each dimension; for an MLP, a part of
the one forward pass."""


@record
class PointLikelihoods:
    """Log-densities of points, in nats per user units, and their parts; NaN for points that were given up.

    Attributes:
        log_prob: (N,) log p_sigma = prior_term + trace_term.
        prior_term: (N,) log-density of the prior at the point's end, with the Jacobian of the units.
        trace_term: (N,) integral of the divergence along the flow.
        standard_error: (N,) of the trace term, 0 if the trace is exact. Otherwise
            :func:`playground.theory.likelihood.moderated_error` finds it from the probes of all these points. None for
            a single probe, and for a few points whose probes all agree.
        latent: (N, *shape) latent codes of the points, standard normal numbers.
        exact: (N,) log p_sigma of the known density, or None.
        evaluations: (N,) score evaluations for each point.
        sigma: the smoothing of this density, in user units; one for each point if so asked in Python.
        path: (P, N, *shape) x(t) from the points to the prior, or None.
        path_sigma: (P,) its noise levels, or None.
    """

    log_prob: Array
    prior_term: Array
    trace_term: Array
    standard_error: Array | None
    latent: Array
    exact: Array | None
    evaluations: NDArray[np.int64]
    sigma: float | Array
    path: Array | None
    path_sigma: Array | None


def log_likelihood(
    problem: Problem,
    score: ScoreFunction,
    points: Array,
    *,
    sigma: float | None = None,
    tolerance: float | None = None,
    record_path: bool = False,
    give_up: bool = False,
) -> Generator[float, None, PointLikelihoods]:
    """log p_sigma of each point by the probability-flow ODE, in nats per user units, and its latent code; yields the fraction done.

    Args:
        score: learned or exact, in internal units; must not change while this runs.
        points: (N, *shape) in user units.
        sigma: smoothing in user units; None for the finest noise level.
        tolerance: None for the experiment's.
        give_up: go on without points on whose path the score is not smooth or not finite.

    Raises:
        ExperimentError: the noise has no process, sigma lies outside it, or an error of :func:`checked_points`.
        TooManySteps: the score is not smooth or not finite somewhere, and `give_up` is False.
    """
    level = _level(problem, sigma)
    units, prior = problem.units, problem.prior()
    x = checked_points(problem, points)
    probes = trace_probes(problem, x)
    end = yield from likelihood.log_likelihood(
        score,
        problem.process(),
        prior,
        x,
        problem.experiment.likelihood.tolerance if tolerance is None else tolerance,
        probes=probes,
        record_path=record_path,
        batch=_batch(problem, score),
        sigma=level,
        give_up=give_up,
    )
    exact = None
    if problem.density is not None:
        exact = units.log_prob_to_user(problem.density.log_prob(x, level).cpu().numpy())
    trace_term = _numbers(end.trace_term)
    prior_term = units.log_prob_to_user(_numbers(end.prior_term))
    path = None if end.path is None else units.to_user(end.path.cpu().numpy())
    path_sigma = None
    if end.path_sigma is not None:
        path_sigma = np.array([units.sigma_to_user(float(value)) for value in end.path_sigma])
    return PointLikelihoods(
        log_prob=prior_term + trace_term,
        prior_term=prior_term,
        trace_term=trace_term,
        standard_error=_errors(end.standard_error, probes),
        latent=_numbers(prior.to_normal(end.latent)),
        exact=exact,
        evaluations=end.evaluations.cpu().numpy(),
        sigma=units.sigma_to_user(level),
        path=path,
        path_sigma=path_sigma,
    )


@record
class DecodedPoints:
    """The points that latent codes decode to.

    Attributes:
        points: (N, *shape) in user units.
        log_prob: (N,) log p_sigma, nats per user units, found while decoding.
        standard_error: (N,) of `log_prob`, as in :class:`PointLikelihoods`.
    """

    points: Array
    log_prob: Array
    standard_error: Array | None


def decode(
    problem: Problem,
    score: ScoreFunction,
    latent: Array,
    *,
    probes: Tensor | None = None,
) -> Generator[float, None, DecodedPoints]:
    """Decode latent codes by the probability flow down to the finest level: the inverse of :func:`log_likelihood`; yields the fraction done.

    Args:
        latent: (N, *shape), standard normal numbers.
        probes: Hutchinson's probes if the trace is estimated; None for those that encode as many points.
        score: as for :func:`log_likelihood`; the errors are the same too.
    """
    require_process(problem)
    units, prior = problem.units, problem.prior()
    z = _within_reach(problem, latent)
    probes = trace_probes(problem, z) if probes is None else probes
    end = yield from likelihood.decode(
        score,
        problem.process(),
        prior,
        prior.from_normal(z),
        problem.experiment.likelihood.tolerance,
        probes=probes,
        batch=_batch(problem, score),
        sigma=problem.noise.sigma_min,
    )
    return DecodedPoints(
        units.to_user(end.x.cpu().numpy()),
        units.log_prob_to_user(_numbers(end.log_prob)),
        _errors(end.standard_error, probes),
    )


@record
class RoundTrip:
    """The errors of points that the flow encodes and decodes again: the solver's errors, as the flow magnifies them.

    If neighbouring paths diverge on the way back, as with a badly trained score, the distance says nothing about the
    error of log p, which may be a thousandth of it. To see the error of log p, lower the tolerance: log p then changes
    by about that error.

    Attributes:
        there: the points' likelihoods and latent codes.
        back: the decoded points with their likelihoods.
        distance: (N,) between each point and the decoded one, in user units, see `Units.equalized`.
        log_prob_error: (N,) log p of the encoding minus log p of the decoding, nats.
    """

    there: PointLikelihoods
    back: DecodedPoints
    distance: Array
    log_prob_error: Array


def round_trip(
    problem: Problem, score: ScoreFunction, points: Array, *, record_path: bool = False
) -> Generator[float, None, RoundTrip]:
    """Encode points and decode them again at the experiment's tolerance; yields the fraction done.

    Arguments and errors are those of :func:`log_likelihood`.
    """
    encoding = log_likelihood(problem, score, points, record_path=record_path)
    there = yield from passed_on(encoding, lambda done: done / 2)
    back = yield from passed_on(decode(problem, score, there.latent), lambda done: (1 + done) / 2)
    moved = problem.units.equalized(back.points) - problem.units.equalized(points)
    distance = np.linalg.norm(moved.reshape(len(points), -1), axis=1)
    return RoundTrip(there, back, distance, there.log_prob - back.log_prob)


def nll_and_kl(log_prob: Tensor, true: Tensor | None, nll: str, kl: str) -> dict[str, Measured]:
    """The figures of a density whose log p (N,) at points is known: its NLL, and its KL if the true log p is known too.

    Args:
        nll, kl: their names.
    """
    found = {nll: Measured(*metrics.mean_with_error(-log_prob))}
    if true is not None:
        found[kl] = Measured(*metrics.kl_to_known(true, log_prob))
    return found


def checked_points(problem: Problem, points: Array) -> Tensor:
    """Points (N, *shape) in user units, converted to internal units.

    Raises:
        ExperimentError: a point is not finite, or so far out that its log p is not finite in single precision.
    """
    return _within_reach(problem, problem.units.to_internal(points))


def exact_trace(problem: Problem) -> bool:
    """Whether the experiment uses the exact divergence and not an estimate."""
    return defaults.resolve(problem.experiment).likelihood.trace == "exact"


def trace_probes(problem: Problem, x: Tensor, purpose: str = "likelihood") -> Tensor | None:
    """Hutchinson's probes for points x (N, *shape), the same for the same number of points; None if the trace is exact."""
    if exact_trace(problem):
        return None
    settings = problem.experiment.likelihood
    return likelihood.hutchinson_probes(x, settings.trace_probes, settings.probes, problem.generator(purpose))


def require_process(problem: Problem) -> None:
    """Refuse a likelihood if the noise has no path from data to noise.

    Raises:
        ExperimentError: there is no path; the sentence says why and what to choose.
    """
    refuse(path_conflict(problem.experiment))


def _level(problem: Problem, sigma: float | None) -> float:
    """The smoothing asked for, in internal units."""
    require_process(problem)
    units, noise = problem.units, problem.noise
    level = noise.sigma_min if sigma is None else units.sigma_to_internal(sigma)
    if not noise.sigma_min * (1 - 1e-6) <= level <= noise.sigma_max * (1 + 1e-6):
        ends = [units.sigma_to_user(end) for end in (noise.sigma_min, noise.sigma_max)]
        raise ExperimentError(
            f"sigma = {units.sigma_to_user(level):g} lies outside the noise, which goes from {ends[0]:g} to {ends[1]:g}."
        )
    return level


def _within_reach(problem: Problem, standard: Array) -> Tensor:
    """Check points, or codes, in standard deviations, and put them on the device."""
    farthest = np.abs(standard).reshape(len(standard), -1).max(axis=1)
    beyond = np.flatnonzero(~(farthest <= FARTHEST))
    if len(beyond):
        number = int(beyond[0])
        raise ExperimentError(
            f"Point {number + 1} of {len(standard)} is not finite: give finite numbers."
            if not np.isfinite(farthest[number])
            else f"Point {number + 1} of {len(standard)} lies {farthest[number]:.2g} standard deviations out, where log p is too "
            f"large for single precision: {FARTHEST:g} are the most."
        )
    return torch.from_numpy(np.ascontiguousarray(standard)).to(problem.device, torch.float32)


def _batch(problem: Problem, score: ScoreFunction) -> int:
    """Points in a batch: a step then takes some tenths of a second on one core, so that cancelling is prompt."""
    exact = exact_trace(problem)
    if problem.experiment.likelihood.source == "empirical":  # each score is a sum over every training point
        return min(max(2**21 // len(problem.train), 16), 256)
    if math.prod(problem.shape) <= EXACT_TRACE_DIMS:
        return min(max(2**30 // score.parameters_count, 2048), 2**14) if exact and isinstance(score, MLP) else 2048
    return 256 if exact else max(256 // problem.experiment.likelihood.trace_probes, 16)


def _errors(error: Tensor | None, probes: Tensor | None) -> Array | None:
    """The points' standard errors, moderated if the trace is estimated."""
    if error is not None and probes is not None:
        error = likelihood.moderated_error(error, probes.shape[1])
    return None if error is None else _numbers(error)


def _numbers(values: Tensor) -> Array:
    return values.cpu().numpy().astype(np.float64)
