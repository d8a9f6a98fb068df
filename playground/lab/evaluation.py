"""How good a model is, in the user's units: log-likelihoods, and one dictionary of honest figures.

The score function works in internal units; points, densities and distances here are all in the user's.
"""

import math
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.data import dequantise
from playground.lab.experiment import ExperimentError
from playground.lab.problem import Problem
from playground.lab.refusals import likelihood_refusal
from playground.theory import likelihood, metrics, two_samples
from playground.theory.noise import ScoreFunction
from playground.theory.ode import TooManySteps

Array = NDArray[np.floating]

EXACT_TRACE_DIMS = 10
"""Up to so many dimensions trace = auto is exact; it costs one backward pass a dimension."""


@dataclass(frozen=True)
class PointLikelihoods:
    """Log-densities of points, in nats per user units, and how they came about.

    Attributes:
        log_prob: (N,) log p_sigma = prior_term + trace_term.
        prior_term: (N,) log-density of the prior where the point arrives, with the Jacobian of the units.
        trace_term: (N,) by how much the flow has spread out the density on the way.
        exact: (N,) the known density's log p_sigma, or None.
        evaluations: (N,) scores asked for each point.
        sigma: the smoothing of this density, in user units.
        path: (P, N, *shape) x(t) from the points to the prior, or None.
        path_sigma: (P,) its noise levels, or None.
    """

    log_prob: Array
    prior_term: Array
    trace_term: Array
    exact: Array | None
    evaluations: NDArray[np.int64]
    sigma: float
    path: Array | None
    path_sigma: Array | None


@dataclass(frozen=True)
class LikelihoodProgress:
    """How far the points are; `result` comes with the last progress only."""

    fraction: float
    result: PointLikelihoods | None


def log_likelihood(
    problem: Problem,
    score: ScoreFunction,
    points: Array,
    *,
    sigma: float | None = None,
    tolerance: float | None = None,
    record_path: bool = False,
) -> Iterator[LikelihoodProgress]:
    """log p_sigma of each point by the probability-flow ODE, in nats per user units.

    Args:
        score: learned or exact, in internal units; must not change while this runs.
        points: (N, *shape) in user units.
        sigma: smoothing in user units; None for the finest noise level.
        tolerance: None for the experiment's.

    Raises:
        ExperimentError: the noise has no process, or sigma lies outside it.
        TooManySteps: the score is not smooth or not finite somewhere.
    """
    require_process(problem)
    process, units = problem.process(), problem.units
    level = problem.noise.sigma_min if sigma is None else units.sigma_to_internal(sigma)
    if not problem.noise.sigma_min * (1 - 1e-6) <= level <= problem.noise.sigma_max * (1 + 1e-6):
        ends = [units.sigma_to_user(end) for end in (problem.noise.sigma_min, problem.noise.sigma_max)]
        raise ExperimentError(
            f"sigma = {units.sigma_to_user(level):g} lies outside the noise, which goes from {ends[0]:g} to {ends[1]:g}."
        )
    settings = problem.experiment.likelihood
    small = math.prod(problem.shape) <= EXACT_TRACE_DIMS
    x = torch.from_numpy(np.ascontiguousarray(units.to_internal(points))).to(problem.device, torch.float32)
    for progress in likelihood.log_likelihood(
        score,
        process,
        problem.prior(),
        x,
        settings.tolerance if tolerance is None else tolerance,
        trace=("exact" if small else "hutchinson") if settings.trace == "auto" else settings.trace,
        generator=problem.generator("likelihood"),
        record_path=record_path,
        batch=2048 if small else 256,  # some tenths of a second a step on one core, so that cancelling is prompt
        sigma=level,
    ):
        if progress.result is None:
            yield LikelihoodProgress(progress.fraction, None)
            continue
        end = progress.result
        exact = None
        if problem.density is not None:
            exact = units.log_prob_to_user(problem.density.log_prob(x, level).cpu().numpy())
        trace_term = end.trace_term.cpu().numpy().astype(np.float64)
        prior_term = units.log_prob_to_user(end.prior_term.cpu().numpy())
        path = None if end.path is None else units.to_user(end.path.cpu().numpy())
        path_sigma = None
        if end.path_sigma is not None:
            path_sigma = np.array([units.sigma_to_user(float(value)) for value in end.path_sigma])
        yield LikelihoodProgress(
            1.0,
            PointLikelihoods(
                prior_term + trace_term,
                prior_term,
                trace_term,
                exact,
                end.evaluations.cpu().numpy(),
                units.sigma_to_user(level),
                path,
                path_sigma,
            ),
        )


@dataclass(frozen=True)
class EvaluationProgress:
    """How far the evaluation is and what it does; `metrics` comes with the last progress only."""

    fraction: float
    label: str
    metrics: dict[str, Any] | None


def evaluate(problem: Problem, score: ScoreFunction, samples: Array | None = None) -> Iterator[EvaluationProgress]:
    """Measure a score and the samples made with it.

    The last progress carries a dictionary; what does not apply is None there, and `reasons` says why by key:

    - test_nll, test_nll_standard_error: mean -log p over the held-out points, nats per user units.
    - test_points: how many these are: likelihood.points, or all that are held out of finite data.
    - entropy: of the known density, the NLL of a perfect model.
    - kl, kl_standard_error: KL(data || model) in nats, from the same held-out points.
    - sliced_wasserstein2: distance between samples and data in user units. Where the density is known the data are as many
      fresh draws as there are samples, else the held-out points; of the samples, at most DISTANCE_POINTS are taken.
    - sliced_wasserstein2_floor, sliced_wasserstein2_floor_spread: the same between clouds of the same two sizes that are both
      of the data, mean and standard deviation over FLOOR_PAIRS of them: what a perfect sampler scores.
    - energy_distance (user units), mmd_squared (no unit), classifier_accuracy, each with its _standard_error: of the samples
      and the same data, at most TESTED_POINTS of each. A perfect sampler scores 0, 0 and 1/2, up to the error.
    - mode_weights, mode_weights_standard_error, mode_weights_true: share of the samples nearest to each known mode.
    - bits_per_dim: of images, dequantised, at their own number of grey levels.
    - density: which density the likelihoods are of; evaluations_mean: scores asked for one of them.

    Args:
        score: learned or exact, in internal units; must not change while this runs.
        samples: (N, *shape) in user units, finished ones; None if there are none.
    """
    found: dict[str, Any] = dict.fromkeys(METRICS)
    reasons: dict[str, str] = {}
    refusal = likelihood_refusal(problem.experiment)
    if refusal is not None:
        reasons |= dict.fromkeys(_FROM_LIKELIHOOD, refusal.sentence)
    else:
        held_out = problem.dataset.held_out[: problem.experiment.likelihood.points]
        if problem.dataset.grey_levels is not None:
            held_out = dequantise(held_out, problem.dataset.grey_levels, problem.experiment.seed)
        result = None
        try:
            for progress in log_likelihood(problem, score, held_out):
                yield EvaluationProgress(0.9 * progress.fraction, "log-likelihood of the held-out points", None)
                result = progress.result
        except TooManySteps as error:
            reasons |= dict.fromkeys(_FROM_LIKELIHOOD, str(error))
        if result is not None:
            _add_likelihoods(problem, held_out, result, found)
    yield EvaluationProgress(0.9, "distances", None)
    density = problem.dataset.density
    if density is None:
        unknown = f"The density of data.kind = {problem.experiment.data.kind} is not known."
        reasons |= dict.fromkeys(("entropy", "kl", "kl_standard_error"), unknown)
    else:
        found["entropy"] = density.entropy()
    if problem.dataset.grey_levels is None:
        reasons["bits_per_dim"] = "Bits per dimension are for images."
    for fraction in _add_distances(problem, samples, found, reasons):
        yield EvaluationProgress(0.9 + 0.1 * fraction, "distances", None)
    found["reasons"] = {key: sentence for key, sentence in reasons.items() if found[key] is None}
    yield EvaluationProgress(1.0, "done", found)


_FROM_LIKELIHOOD = (
    "test_nll",
    "test_nll_standard_error",
    "test_points",
    "kl",
    "kl_standard_error",
    "bits_per_dim",
    "density",
    "evaluations_mean",
)

_FROM_TWO_SAMPLES = (
    "energy_distance",
    "energy_distance_standard_error",
    "mmd_squared",
    "mmd_squared_standard_error",
    "classifier_accuracy",
    "classifier_accuracy_standard_error",
)

_FROM_SAMPLES = (
    "sliced_wasserstein2",
    "sliced_wasserstein2_floor",
    "sliced_wasserstein2_floor_spread",
    *_FROM_TWO_SAMPLES,
    "mode_weights",
    "mode_weights_standard_error",
)

METRICS = (*_FROM_LIKELIHOOD, "entropy", *_FROM_SAMPLES, "mode_weights_true")
"""Keys of the dictionary that :func:`evaluate` ends with, besides `reasons`."""


def _add_likelihoods(problem: Problem, points: Array, result: PointLikelihoods, found: dict[str, Any]) -> None:
    log_prob = torch.from_numpy(result.log_prob)
    found["test_nll"], found["test_nll_standard_error"] = metrics.mean_with_error(-log_prob)
    found["test_points"] = len(points)
    found["evaluations_mean"] = float(result.evaluations.mean())
    found["density"] = f"p_sigma, the data smoothed by sigma_min = {result.sigma:.6g} (user units)"
    density = problem.dataset.density
    if density is not None:
        # In user units and float64: a sharp edge that float32 moves would put a point where the density is 0.
        true = density.to("cpu", torch.float64).log_prob(torch.from_numpy(points))
        found["kl"], found["kl_standard_error"] = metrics.kl_to_known(true, log_prob)
    if problem.dataset.grey_levels is not None:
        bits = likelihood.bits_per_dim(log_prob, problem.shape, problem.dataset.grey_levels)
        found["bits_per_dim"] = float(bits.mean())


def sample_distances(problem: Problem, samples: Array) -> Iterator[EvaluationProgress]:
    """The part of :func:`evaluate` that needs samples (N, *shape) only, and takes no likelihoods: a second."""
    found: dict[str, Any] = {}
    for fraction in _add_distances(problem, samples, found, {}):
        yield EvaluationProgress(fraction, "distances", None)
    yield EvaluationProgress(1.0, "done", found)


def _add_distances(
    problem: Problem, samples: Array | None, found: dict[str, Any], reasons: dict[str, str]
) -> Iterator[float]:
    """Yields the fraction done."""
    if problem.experiment.sampling.kind == "forward":
        samples = None
        reasons |= dict.fromkeys(_FROM_SAMPLES, "The forward process ends in noise: run a sampler first.")
    elif samples is None or len(samples) < 2:
        samples = None
        reasons |= dict.fromkeys(_FROM_SAMPLES, "There are no samples: run the sampler first.")
    else:
        samples = np.asarray(samples, dtype=np.float64)
        data = yield from _add_wasserstein(problem, torch.from_numpy(samples), found)
        _add_two_samples(problem, torch.from_numpy(samples), data, found, reasons)
    density = problem.dataset.density
    if density is None or density.modes is None:
        none_known = "These data have no modes whose weights are known."
        reasons |= dict.fromkeys(("mode_weights", "mode_weights_standard_error", "mode_weights_true"), none_known)
        return
    found["mode_weights_true"] = None if density.mode_weights is None else density.mode_weights.tolist()
    if samples is not None:
        weights, errors = metrics.mode_weights(torch.from_numpy(samples), density.modes.cpu().double())
        found["mode_weights"], found["mode_weights_standard_error"] = weights.tolist(), errors.tolist()


PROJECTIONS = 128
"""Random directions of the sliced Wasserstein distance."""
DISTANCE_POINTS = 5_000
"""Most samples that the distance takes: more would take seconds, for it is measured FLOOR_PAIRS times more."""
FLOOR_PAIRS = 20


def _add_wasserstein(problem: Problem, samples: Tensor, found: dict[str, Any]) -> Generator[float, None, Tensor]:
    """Yields the fraction done; returns the data that the samples were compared with."""
    density, held_out = problem.dataset.density, torch.from_numpy(problem.dataset.held_out)
    generator = problem.generator("distances", "cpu")
    count = min(len(samples), DISTANCE_POINTS)
    pairs: Iterable[tuple[Tensor, Tensor]]
    if density is not None:
        law = density.to("cpu", torch.float64)
        reference = law.sample(count, generator)
        pairs = ((law.sample(count, generator), law.sample(count, generator)) for _ in range(FLOOR_PAIRS))
    else:
        count = min(count, len(problem.dataset.points))  # so that as many can be split off the data
        reference = held_out
        data = torch.cat([torch.from_numpy(problem.dataset.points), held_out])
        pairs = metrics.splits(data, count, len(held_out), FLOOR_PAIRS, generator)
    found["sliced_wasserstein2"] = metrics.sliced_wasserstein2(samples[:count], reference, PROJECTIONS, generator)
    floors: list[float] = []
    for some, others in pairs:
        yield len(floors) / FLOOR_PAIRS
        floors.append(metrics.sliced_wasserstein2(some, others, PROJECTIONS, generator))
    found["sliced_wasserstein2_floor"] = float(np.mean(floors))
    found["sliced_wasserstein2_floor_spread"] = float(np.std(floors, ddof=1))
    return reference


TESTED_POINTS = 2_000
"""Most samples that pairs are made of: four million, a few tenths of a second."""


def _add_two_samples(
    problem: Problem, samples: Tensor, data: Tensor, found: dict[str, Any], reasons: dict[str, str]
) -> None:
    samples, data = samples[:TESTED_POINTS], data[:TESTED_POINTS]
    if min(len(samples), len(data)) < two_samples.LEAST:
        few = f"There are too few points: {two_samples.LEAST} samples and as many held-out points are the least."
        reasons |= dict.fromkeys(_FROM_TWO_SAMPLES, few)
        return
    for name, (value, error) in {
        "energy_distance": two_samples.energy_distance(samples, data),
        "mmd_squared": two_samples.mmd_squared(samples, data),
        "classifier_accuracy": two_samples.classifier_accuracy(samples, data, problem.generator("two samples", "cpu")),
    }.items():
        found[name], found[f"{name}_standard_error"] = value, error


def require_process(problem: Problem) -> None:
    """Refuse a likelihood where the noise has no path from data to noise.

    Raises:
        ExperimentError: with the reason and what to choose.
    """
    refusal = likelihood_refusal(problem.experiment)
    if refusal is not None:
        raise ExperimentError(refusal.sentence)
