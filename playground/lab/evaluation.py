"""The evaluation of a model in the user's units: log-likelihoods, and one dictionary of figures.

The score function works in internal units. Points, densities and distances are in the user's units.
"""

import dataclasses
import math
from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray

from playground.data import dequantise
from playground.lab import energies, kernel_reference
from playground.lab.compute import passed_on
from playground.lab.conflicts import flow_conflict, likelihood_conflict, unknown_density
from playground.lab.figures import FIGURES, sorts_of
from playground.lab.label_dropout_checks import untrained_likelihood_score
from playground.lab.likelihood import PointLikelihoods, log_likelihood, nll_and_kl, round_trip
from playground.lab.measured import Figures, Measured, missing
from playground.lab.problem import Problem
from playground.lab.progress import MeasuringProgress
from playground.lab.sample_metrics import add_distances
from playground.lab.tilting import add_tilted
from playground.lab.trust import closed_form, is_estimated, missed, missed_on_average
from playground.messages import Message, setting
from playground.theory import likelihood, local_geometry, metrics
from playground.theory.noise import ScoreFunction
from playground.theory.ode import TooManySteps

Array = NDArray[np.floating]

ROUND_TRIP_POINTS, ROUND_TRIP_IMAGES = 200, 32
"""Held-out points, or images, that are encoded and decoded again: a tenth of the work."""


TRAIN_POINTS, TRAIN_IMAGES = 500, 32
"""Training points, or images, whose NLL is computed beside that of held-out ones: at most a fifth of the work."""


Measuring = Generator[MeasuringProgress, None, Figures]


def evaluate(problem: Problem, score: ScoreFunction | None) -> Measuring:
    """Measure a score by its likelihoods.

    It returns the figures, here by the names of their parts in a table. One that does not apply has the reason:

    - test_nll, test_nll_standard_error: mean -log p over the held-out points, in nats per user units, by the flow. If
      the noise has no flow, it is that of a learned energy with its Z.
    - train_nll, train_nll_standard_error: the same at training points, at most TRAIN_POINTS. It is far less than
      test_nll if the training points are memorized.
    - test_points: the number of held-out points: likelihood.points, or all that are held out of finite data.
    - entropy: entropy of the known density. The NLL of a perfect model without noise tends to it as points are added.
    - kl, kl_standard_error: KL(data || model) in nats, from the same held-out points.
    - optimal_nll, kl_of_smoothing, each with its _standard_error: test_nll and kl of a perfect model at the same points.
      Its density is that of the data smoothed by the finest sigma, so its KL to the data is 0 only without noise.
      For a file, kl_of_smoothing is estimated from the thickness of its narrow parts and has no error; see
      :mod:`playground.theory.local_geometry`.
    - kernel_nll, kernel_kl, each with its _standard_error: like test_nll and kl, by the kernel density of the training points
      with the width of the best leave-one-out likelihood, for few points of the plane. It needs no network.
    - trace_standard_error: standard error of one log p from Hutchinson's estimate, in nats, as the root mean square over
      these points; 0 if the trace is exact.
    - bits_per_dim, bits_per_dim_standard_error: for images, dequantised likelihood.dequantization_samples times at their
      own number of grey levels: the mean over images and draws of E_u[-log p(x + u)], an upper bound of the bits of the
      images themselves. The log of the mean of p over the draws would be closer but no bound: exp turns the noise of
      Hutchinson's estimate into bias. The error is that of the mean over images, after the mean over each image's draws.
    - round_trip_error (user units), round_trip_log_prob_error (nats): `round_trip_points` of these points are encoded
      and decoded again. These are the largest distance to the start and the largest difference of the two log p: see
      :class:`playground.lab.likelihood.RoundTrip`.
    - density: the density of the likelihoods, in words: that of which score, or of the learned energy if there is no
      flow. likelihood_nfe_mean: score evaluations for one point.
    - log_partition, log_partition_error: ln Z of a learned energy at the finest level over the plane in user units, and
      the error of ln Z. energy_integral: the integral of e^-f/Z over the data and a margin, on another grid.
      energy_nll, energy_kl, each with its _standard_error: like test_nll and kl, by e^-f/Z instead of the flow, which
      follows the scores of all levels. energy_kl is for the data smoothed by the finest sigma, which may be a coarse one.

    Args:
        score: learned or exact, in internal units; must not change while this runs. None if there are no trained weights: then
            only what needs no score is measured.
    """
    conflict = flow_conflict(problem.experiment)
    untrained = untrained_likelihood_score(problem.experiment, problem.conditions)
    why = NO_WEIGHTS if score is None else untrained
    if conflict is not None:
        why = likelihood_conflict(problem.experiment) or conflict
    found = missing(sorts_of("Likelihoods"), why)
    if why is None and score is not None:
        yield from _measure_likelihoods(problem, score, found)
    yield MeasuringProgress(0.95, "references")
    kernel_reference.add_kernel_density(problem, found)
    if score is None:
        found |= energies.without_energy(NO_WEIGHTS)
    else:
        energies.energy_metrics(problem, score, found)
    density = problem.dataset.density
    if density is None:
        unknown = unknown_density(problem.experiment)
        found |= missing(("entropy", "kl", "kernel_kl", *_SMOOTHING), unknown)
        if problem.shape == (2,) and problem.has_score:
            _estimate_smoothing(problem, found)
    else:
        found["entropy"] = Measured(density.entropy())
        if problem.has_score:
            _add_smoothing(problem, found)
        else:
            found |= missing(_SMOOTHING, conflict)
    if problem.dataset.grey_levels is None:
        found |= missing(("bits_per_dim",), Message("no-images", "Bits per dimension are for images."))
    return _with_reasons(found)


def _measure_likelihoods(
    problem: Problem, score: ScoreFunction, found: dict[str, Measured]
) -> Generator[MeasuringProgress, None, None]:
    """Add the figures of the flow's log-likelihood and of its round trip, or why there are none."""
    held_out = problem.evaluation_points
    draws, levels = 1, problem.dataset.grey_levels
    if levels is not None:
        draws = problem.experiment.likelihood.dequantization_samples
        repeated = np.tile(held_out, (draws, *[1] * (held_out.ndim - 1)))
        held_out = dequantise(repeated, levels, problem.experiment.data.seed)
    few = ROUND_TRIP_POINTS if len(problem.shape) == 1 else ROUND_TRIP_IMAGES
    try:
        flown = yield from passed_on(
            log_likelihood(problem, score, held_out),
            lambda done: MeasuringProgress(0.7 * done, "log-likelihood of the held-out points"),
        )
        astray = _astray(problem, held_out, flown)
        if astray is not None:
            found |= missing(found, astray)
            return
        _add_likelihoods(problem, held_out, flown, draws, found)
        trained = yield from passed_on(
            log_likelihood(problem, score, _train_points(problem)),
            lambda done: MeasuringProgress(0.7 + 0.1 * done, "log-likelihood of training points"),
        )
        found["train_nll"] = Measured(*metrics.mean_with_error(torch.from_numpy(-trained.log_prob)))
        rows = problem.some_rows(len(problem.evaluation_points), few, "round trip")
        trip = yield from passed_on(
            round_trip(problem, score, held_out[rows]),
            lambda done: MeasuringProgress(0.8 + 0.1 * done, "round trip to the latent codes"),
        )
        found["round_trip_points"] = Measured(len(trip.distance))
        found["round_trip_error"] = Measured(float(trip.distance.max()))
        found["round_trip_log_prob_error"] = Measured(float(np.abs(trip.log_prob_error).max()))
    except TooManySteps as error:
        unsaid = [name for name, figure in found.items() if figure.value is None and figure.reason is None]
        found |= missing(unsaid, error.message)


def _train_points(problem: Problem) -> Array:
    """Some of the training points; images are dequantised once."""
    points, levels = problem.dataset.points, problem.dataset.grey_levels
    most = TRAIN_POINTS if levels is None else TRAIN_IMAGES
    some = problem.some(points, min(most, len(problem.evaluation_points)), "train NLL")
    return (
        some if levels is None else dequantise(np.asarray(some, dtype=np.float64), levels, problem.experiment.data.seed)
    )


_SMOOTHING = "optimal_nll", "kl_of_smoothing"

NO_WEIGHTS = Message(
    "no-weights",
    "There are no trained weights: train, or choose {}.",
    (setting("likelihood.source", "exact", "empirical"),),
    "likelihood.source",
)
ONE_HELD_OUT = Message(
    "one-held-out",
    "One held-out point gives no standard error: take data with more different rows; a fifth of these is held out.",
)
ONE_SAMPLE = Message(
    "one-sample",
    "One sample gives no standard error: set {} to 2 or more.",
    (setting("sampling.particles"),),
    "sampling.particles",
)


def _without_trace_error(problem: Problem) -> Message:
    """Why Hutchinson's estimate has no error."""
    probes = setting("likelihood.trace_probes")
    if problem.experiment.likelihood.trace_probes == 1:
        text = "A single trace probe has no standard error: set {} to 2 or more."
        return Message("one-probe", text, (probes,), probes.key)
    text = "The trace probes of so few points agree, maybe by chance, and give no error: raise {}."
    return Message("probes-agree", text, (probes,), probes.key)


def _with_reasons(found: dict[str, Measured]) -> Figures:
    """The figures; standard errors that are not known become None, and there is a reason for that."""
    for name, figure in found.items():
        if isinstance(figure.error, float) and math.isnan(figure.error) and math.isfinite(figure.value):
            why = ONE_SAMPLE if name == "nearest_neighbour_distance" else ONE_HELD_OUT
            found[name] = figure = dataclasses.replace(figure, error=None, reason=why)
        if isinstance(figure.floor_std, float) and math.isnan(figure.floor_std):
            found[name] = dataclasses.replace(figure, floor_std=None, reason=figure.reason or ONE_HELD_OUT)
    return Figures(found)


def _astray(problem: Problem, points: Array, result: PointLikelihoods) -> Message | None:
    """Return a message if log p by the flow misses the closed form, at some points or, with an estimated trace, on average.

    None if it agrees, or if there is no closed form.
    """
    known = closed_form(problem, points, float(result.sigma))
    if known is None:
        return None
    off, probes = result.log_prob - known, problem.experiment.likelihood.trace_probes
    if is_estimated(result.standard_error):
        if not missed_on_average(result.log_prob, known, result.standard_error, probes):
            return None
        return Message(
            "flow-astray",
            "The mean log p of {} held-out points misses the closed form by {:.3g} nat, beyond its trace error: lower {}.",
            (len(points), float(abs(off.mean())), setting("likelihood.tolerance")),
            "likelihood.tolerance",
        )
    lost = missed(result.log_prob, known, result.standard_error, probes)
    if not lost.any():
        return None
    return Message(
        "flow-astray",
        "At {} of {} held-out points the flow misses the closed form, by up to {:.3g} nat: lower {}.",
        (int(lost.sum()), len(points), float(np.abs(off)[lost].max()), setting("likelihood.tolerance")),
        "likelihood.tolerance",
    )


_SMOOTHED = {
    "learned": "the data by the learned score",
    "exact": "the known density by its exact score",
    "empirical": "the training set by its own score",
}


def _add_likelihoods(
    problem: Problem, points: Array, result: PointLikelihoods, draws: int, found: dict[str, Measured]
) -> None:
    log_prob = torch.from_numpy(result.log_prob).reshape(draws, -1).mean(0)
    found |= nll_and_kl(log_prob, problem.exact_log_prob(points), "test_nll", "kl")
    found["test_points"] = Measured(len(log_prob))
    if result.standard_error is None:
        found["trace_standard_error"] = Measured(None, reason=_without_trace_error(problem))
    else:
        found["trace_standard_error"] = Measured(float(np.sqrt(np.mean(result.standard_error**2))))
    found["likelihood_nfe_mean"] = Measured(float(result.evaluations.mean()))
    smoothed = _SMOOTHED[problem.experiment.likelihood.source]
    found["density"] = Measured(f"p_sigma of {smoothed}, smoothed by sigma_min = {result.sigma:.6g} (user units)")
    if problem.dataset.grey_levels is not None:
        bits = likelihood.bits_per_dim(log_prob, problem.shape, problem.dataset.grey_levels)
        found["bits_per_dim"] = Measured(*metrics.mean_with_error(bits))


def _add_smoothing(problem: Problem, found: dict[str, Measured]) -> None:
    points = problem.evaluation_points
    smoothed = problem.exact_log_prob(points, problem.units.sigma_to_user(problem.noise.sigma_min))
    assert smoothed is not None
    found |= nll_and_kl(smoothed, problem.exact_log_prob(points), "optimal_nll", "kl_of_smoothing")


def _estimate_smoothing(problem: Problem, found: dict[str, Measured]) -> None:
    """Estimate the KL of smoothing for points of the plane with an unknown density.

    It has no error, because the neighbourhoods share points.
    """
    cost = local_geometry.mean_smoothing_kl(problem.thickness(), problem.noise.sigma_min)
    if math.isinf(cost) or local_geometry.intrinsic_dimension(problem.train).is_curve:
        text = "Points on a line or a curve have no density to which smoothing could be compared."
        found["kl_of_smoothing"] = Measured(None, reason=Message("no-density", text))
        return
    text = "The estimate by overlapping neighbourhoods has no known error."
    found["kl_of_smoothing"] = Measured(cost, reason=Message("unknown-error", text))


def sample_distances(problem: Problem, samples: Array | None) -> Measuring:
    """Measure samples by their distance to the data, as :func:`evaluate` does a score. It takes a second.

    - sliced_wasserstein2: distance between samples and data in user units. If the units of the axes differ widely, each
      axis is scaled to their geometric mean, as for sigma, in all distances (`Units.equalized`). At most DISTANCE_POINTS
      of the samples are used. sliced_wasserstein2_points: the numbers of samples and of data.
    - reference_set: the data of the comparison, in words: fresh draws of a known density, otherwise the held-out points.
      If many rows repeat, equal rows are held out together; then the data are drawn from all rows. See
      :func:`playground.lab.sample_metrics.add_distances`.
    - sliced_wasserstein2_floor, sliced_wasserstein2_floor_std: the distance between two clouds of the data with the same
      two sizes, mean and standard deviation over FLOOR_PAIRS pairs: the score of a perfect sampler.
    - wasserstein2, wasserstein2_floor, wasserstein2_floor_std, wasserstein2_squared, wasserstein2_squared_floor: the
      distance by optimal transport without slicing, and its square, between equally many samples and data, at most
      TRANSPORT_POINTS. The floor is the mean over TRANSPORT_PAIRS pairs. wasserstein2_points: the numbers of samples
      and of data.
    - energy_distance (user units), mmd_squared (no unit), classifier_accuracy, each with its _standard_error: between the
      samples and the same data, equally many of each, at most TESTED_POINTS. A perfect sampler scores 0, 0 and 1/2, up
      to the error. two_sample_points: the numbers of samples and of data.
    - tilted_sliced_wasserstein2, tilted_sliced_wasserstein2_floor, _floor_std, tilted_points: distance between samples of
      classes and the tilted density, see :func:`playground.lab.tilting.add_tilted`.
    - tilted_kl, tilted_kl_floor, _floor_std, tilted_kl_points: KL(tilted || samples), see the same.
    - mode_weights, mode_weights_standard_error, mode_weights_true: share of the samples nearest to each known mode.
      Conditioned samples are not compared with data that are not conditioned: see
      :func:`playground.lab.conflicts.comparison_conflict`.
    - figures of images and their labels: see :func:`playground.lab.image_metrics.image_figures`.

    Args:
        samples: (N, *shape) in user units, finished ones; None if there are none.
    """
    found: dict[str, Measured] = {}
    for begun, share, measuring in ((0.0, 0.8, add_distances), (0.8, 0.2, add_tilted)):
        for fraction in measuring(problem, samples, found):
            yield MeasuringProgress(begun + share * fraction, "distances")
    found |= {name: spec.measure(samples, found) for name, spec in FIGURES.items() if spec.measure}
    return _with_reasons(found)
