"""The trust in log-likelihoods: warnings if the flow failed, and if a network only extrapolates.

A learned score is trained at training points with noise. On the toys that ship with trained weights, log p is off by a
few hundredths of a nat near training points. Where this module begins to warn of extrapolation it is off by 2 nats of 10,
and farther out by half of its value or more. An exact score, or that of the training set, is known everywhere, and its
log p has a closed form with which the flow can be compared.

This module imports no torch, so that the window can name the two kinds of warning before torch is loaded.
"""

import math
import weakref
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from playground.messages import Message

if TYPE_CHECKING:
    from playground.lab.problem import Problem

Array = NDArray[np.floating]

UNMEASURED, EXTRAPOLATED = "not measured", "extrapolated"
"""The codes of the warnings, which are also their first words."""
FAR = 4.0
"""Distance from the nearest training point beyond which a point is far, as a multiple of `Problem.spacing`. No test point of
the toys is so far. With tails as heavy as Student's t of 2.5 degrees of freedom, two points in a thousand are."""
MISSED, MISSED_PART = 0.1, 0.02
"""Nats, and a fraction of log p, by which the flow may differ from the closed form: far out, the Gaussian prior costs up
to 2 %."""
ERRORS, MEAN_ERRORS = 20.0, 6.0
"""Standard errors of Hutchinson's estimate by which one point, or the mean over a test set, may be off. The errors of
points may differ, as with the training set's score; some are then far larger than their common estimate. Of 200 points of
two moons, the worst was 15 root mean squares off. Whatever the distribution, at most one in 400 exceeds 20 by chance
(Chebyshev)."""
FEW, RANKED = 10, 10_000
"""A point has few data around it if fewer training points than FEW have a density as low as its own, of at most RANKED that are drawn
at random. They have the noise of that density, because a network is trained at points with noise."""
FEWEST = 10
"""Least degrees of freedom, k - 1 for each point, from which the standard errors are known well enough."""


def closed_form(problem: "Problem", points: Array, sigma: float) -> Array | None:
    """log p_sigma (N,) of the score of likelihood.source, in nats per user units; None for a learned score.

    Args:
        points: (N, *shape) in user units.
        sigma: the smoothing, in user units.
    """
    source = problem.experiment.likelihood.source
    if source == "exact" and (known := problem.exact_log_prob(points, sigma)) is not None:
        return np.asarray(known)
    if source == "empirical":
        level = problem.units.sigma_to_internal(sigma)
        log_prob = problem.empirical.log_prob(problem.internal(points), level)
        return problem.units.log_prob_to_user(log_prob.cpu().numpy())
    return None


def missed(log_prob: Array, known: Array, error: Array | None, probes: int) -> NDArray[np.bool_]:
    """(N,) whether the flow failed at each point: its log p is nan, or far from the closed form.

    Args:
        error: (N,) standard errors of an estimated trace; 0 for an exact one, and None if they are not known. A difference
            of `ERRORS` times the standard error is allowed, or of `ERRORS` times their root mean square if that is more.
            If there are too few probes, any difference is allowed.
        probes: number of probes for each point, if the trace is estimated.
    """
    chance = ERRORS * np.fmax(0.0 if error is None else error, _typical(error, probes))
    return ~(np.abs(log_prob - known) <= MISSED + MISSED_PART * np.abs(known) + chance)


def missed_on_average(log_prob: Array, known: Array, error: Array | None, probes: int) -> bool:
    """Whether the mean over points with an estimated trace is off by more than chance; single points have no bound.

    The arguments are those of :func:`missed`.
    """
    chance = MEAN_ERRORS * _typical(error, probes) / math.sqrt(len(known))
    return not abs((log_prob - known).mean()) <= MISSED + MISSED_PART * np.abs(known).mean() + chance


def is_estimated(error: Array | None) -> bool:
    """Whether these are the standard errors of an estimated trace; those of an exact trace are 0."""
    return error is None or bool(error.any())


def _typical(error: Array | None, probes: int) -> float:
    """The root mean square of the standard errors; infinite if there are too few probes to know it."""
    if error is None:
        return math.inf
    if is_estimated(error) and (probes - 1) * np.isfinite(error).sum() < FEWEST:
        return math.inf
    return float(np.sqrt(np.nanmean(error**2)))


def remoteness(problem: "Problem", points: Array) -> Array:
    """(N,) distance to the nearest training point, as a multiple of `Problem.spacing`; above `FAR` a network extrapolates."""
    from playground.theory.local_geometry import nearest

    distances, _ = nearest(problem.internal(points).flatten(1), problem.neighbours, 1)
    return np.asarray((distances[:, 0] / problem.spacing).cpu().numpy())


def flow_warnings(
    problem: "Problem", points: Array, log_prob: Array, error: Array | None, known: Array | None = None
) -> list[Message | None]:
    """Return a short warning, or None, for each log p by the flow from the finest sigma.

    Args:
        points: (N, *shape) in user units.
        log_prob: (N,), NaN for points that were given up.
        error: see :func:`missed`.
        known: the :func:`closed_form` of the points, if it was computed already.
    """
    if known is None:
        known = closed_form(problem, points, problem.units.sigma_to_user(problem.noise.sigma_min))
    if known is None:
        lost = np.isnan(log_prob)
        return [
            _LOST if is_lost else warning
            for is_lost, warning in zip(lost, extrapolation_warnings(problem, points), strict=True)
        ]
    lost = missed(log_prob, known, error, problem.experiment.likelihood.trace_probes)
    return [
        None
        if not is_lost
        else _LOST
        if np.isnan(value)
        else Message(UNMEASURED, f"{UNMEASURED}: {_ASTRAY}", (float(value), float(truth)))
        for value, truth, is_lost in zip(log_prob, known, lost, strict=True)
    ]


_ASTRAY = "the flow gives {:.6g} and misses the closed form, {:.6g}"
_LOST = Message(
    UNMEASURED, f"{UNMEASURED}: the flow from here takes too many steps, because its score changes too fast"
)
_FAR = "{:.3g} times as far from the nearest training point as these lie from each other"


def extrapolation_warnings(problem: "Problem", points: Array) -> list[Message | None]:
    """Return a warning, or None, for each log p by a learned score or energy whose flow did not fail."""
    return [
        Message(EXTRAPOLATED, f"{EXTRAPOLATED}: {_FAR}", (float(distance),)) if distance > FAR else None
        for distance in remoteness(problem, points)
    ]


def few_data(problem: "Problem", points: Array, sigma: float) -> list[Message | None]:
    """Say, or None, for each point whether data are so few around it that learned and exact values may differ much.

    What decides is the known density, and not the difference: how many training points with noise sigma have so low a
    log p_sigma. None for all points if the density is unknown.

    Args:
        points: (N, *shape) in user units.
        sigma: the smoothing, in user units.
    """
    exact = problem.exact_log_prob(points, sigma)
    if exact is None:
        return [None] * len(points)
    lowest, ranked = _lowest(problem, sigma)
    below = np.searchsorted(lowest, np.asarray(exact), side="right")
    return [_few(int(count), ranked) if count < FEW else None for count in below]


def _few(count: int, of: int) -> Message:
    text = (
        "Few data are here: {} of {:,} training points with noise {} so low an exact log p. Learned log p and score may be "
        "far off."
    )
    return Message("few-data", text, (count or "none", of, "have" if count > 1 else "has"))


def _lowest(problem: "Problem", sigma: float) -> tuple[Array, int]:
    """The `FEW` lowest exact log p_sigma of training points with this noise, in rising order, and of how many points.

    They are kept for each problem, as clicks and the pointer need them.
    """
    import torch

    kept = _LOWEST.setdefault(problem, {})
    if sigma not in kept:
        train = problem.dataset.points
        some = problem.some(train, RANKED, "ranked by density")
        noise = torch.randn(some.shape, generator=problem.generator("noise of ranked points", "cpu")).numpy()
        ranked = np.sort(np.asarray(problem.exact_log_prob(some + sigma * noise, sigma)))
        kept[sigma] = ranked[:FEW], len(ranked)
    return kept[sigma]


_LOWEST: "weakref.WeakKeyDictionary[Problem, dict[float, tuple[Array, int]]]" = weakref.WeakKeyDictionary()
