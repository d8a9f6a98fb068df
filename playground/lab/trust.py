"""The trust in log-likelihoods: warnings where the flow was lost, and where a network only extrapolates.

A learned score is trained at training points and their noise. Measured on the toys that ship trained, log p is off by a few
hundredths of a nat among them, by 2 nats of 10 where this module begins to speak of extrapolation, and by half of itself or more from
there on. An exact score, and the training set's own, is known everywhere, and so is its log p in closed form: what the flow makes of
it can be checked.

Imports no torch, so that the window can name the two kinds of warning before torch is loaded.
"""

import math
import weakref
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from playground.messages import Message

if TYPE_CHECKING:
    from torch import Tensor

    from playground.lab.problem import Problem

Array = NDArray[np.floating]

UNMEASURED, EXTRAPOLATED = "not measured", "extrapolated"
"""The codes of the warnings, and their first words."""
FAR = 4.0
"""Distance from the nearest training point, in what 99 of 100 training points keep within, beyond which a point is
far: no test point of the toys is so far, and two in a thousand with tails as heavy as Student's of 2.5 degrees of
freedom."""
NOISES = 3.0
"""Multiple of the finest noise within which nothing counts as far, however close the training points lie, for they
were trained with it."""
NEIGHBOURS, EVALUATED = 2**16, 500
"""Training points among which the nearest is looked for, and of which it is: at most so many, drawn at random."""
MISSED, MISSED_PART = 0.1, 0.02
"""Nats, and a part of log p, that the flow may differ from the closed form: far out the prior, a Gaussian, costs up to 2 %."""
ERRORS, MEAN_ERRORS = 20.0, 6.0
"""Of Hutchinson's estimate, that one point, or the mean over a test set, may be off. Where the points' errors differ, as by the training
set's own score, some are far from what all tell of them: of 200 points of two moons the worst was 15 root mean squares off. Whatever
their distribution, chance takes no more than one in 400 beyond 20 (Chebyshev)."""
FEWEST = 10
"""Degrees of freedom, k - 1 of each point, by which errors of estimates are known well enough to judge by."""


def closed_form(problem: "Problem", points: Array, sigma: float) -> Array | None:
    """log p_sigma (N,) of the score that likelihood.source names, in nats per user units; None of a learned one.

    Args:
        points: (N, *shape) in user units.
        sigma: the smoothing, in user units.
    """
    source = problem.experiment.likelihood.source
    if source == "exact" and (known := problem.exact_log_prob(points, sigma)) is not None:
        return np.asarray(known)
    if source == "empirical":
        level = problem.units.sigma_to_internal(sigma)
        log_prob = problem.empirical.log_prob(_internal(problem, points), level)
        return problem.units.log_prob_to_user(log_prob.cpu().numpy())
    return None


def missed(log_prob: Array, known: Array, error: Array | None, probes: int) -> NDArray[np.bool_]:
    """(N,) where the flow has lost its way: its log p is none, or far from the closed form.

    Args:
        error: (N,) standard errors of an estimated trace, `ERRORS` of which are allowed, or of their root mean square where that is
            more; 0 of an exact one, and None where nothing tells them. By those of too few vectors anything is allowed.
        vectors: how many a point has, where the trace is estimated.
    """
    chance = ERRORS * np.fmax(0.0 if error is None else error, _typical(error, probes))
    return ~(np.abs(log_prob - known) <= MISSED + MISSED_PART * np.abs(known) + chance)


def missed_on_average(log_prob: Array, known: Array, error: Array | None, probes: int) -> bool:
    """Whether the mean over points by an estimated trace is off by more than chance: the errors of single ones have no bound.

    Arguments of :func:`missed`.
    """
    chance = MEAN_ERRORS * _typical(error, probes) / math.sqrt(len(known))
    return not abs((log_prob - known).mean()) <= MISSED + MISSED_PART * np.abs(known).mean() + chance


def is_estimated(error: Array | None) -> bool:
    """Whether these are the standard errors of an estimated trace, those of an exact one being 0."""
    return error is None or bool(error.any())


def _typical(error: Array | None, probes: int) -> float:
    """The root mean square of the standard errors, infinite where too few vectors tell it."""
    if error is None:
        return math.inf
    if is_estimated(error) and (probes - 1) * np.isfinite(error).sum() < FEWEST:
        return math.inf
    return float(np.sqrt(np.nanmean(error**2)))


def remoteness(problem: "Problem", points: Array) -> Array:
    """(N,) distance to the nearest training point, in what 99 of 100 training points keep within; above `FAR` a network extrapolates."""
    distances, _ = nearest(_internal(problem, points).flatten(1), _neighbours(problem), 1)
    return np.asarray((distances[:, 0] / spacing(problem)).cpu().numpy())


def spacing(problem: "Problem") -> float:
    """The distance to the nearest other within which 99 of 100 training points keep, or that the noise spreads; internal units.

    It is found once for each problem: a tenth of a second's work, asked for at every click.
    """
    if problem not in _SPACINGS:
        _SPACINGS[problem] = _spacing(problem)
    return _SPACINGS[problem]


_SPACINGS: "weakref.WeakKeyDictionary[Problem, float]" = weakref.WeakKeyDictionary()


def _spacing(problem: "Problem") -> float:
    train = _neighbours(problem)
    some = train[problem.some_rows(len(train), EVALUATED, "judged neighbours")]
    itself_and_other, _ = nearest(some, train, 2)
    noise = problem.noise.sigma_min * math.sqrt(train.shape[1])
    return max(float(itself_and_other[:, -1].cpu().quantile(0.99)), NOISES / FAR * noise)


def _neighbours(problem: "Problem") -> "Tensor":
    """(n, D) training points among which the nearest is looked for, in internal units."""
    train = problem.train.flatten(1)
    return train if len(train) <= NEIGHBOURS else train[problem.some_rows(len(train), NEIGHBOURS, "neighbours")]


def flow_warnings(
    problem: "Problem", points: Array, log_prob: Array, error: Array | None, known: Array | None = None
) -> list[Message | None]:
    """Return a warning for each log p by the flow from the finest sigma, in a few words; None where there is none.

    Args:
        points: (N, *shape) in user units.
        log_prob: (N,) NaN where the flow was given up.
        error: see :func:`missed`.
        known: their :func:`closed_form`, if it was found already.
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
    """Return the warnings for each log p by a learned score or energy whose flow was not lost."""
    return [
        Message(EXTRAPOLATED, f"{EXTRAPOLATED}: {_FAR}", (float(distance),)) if distance > FAR else None
        for distance in remoteness(problem, points)
    ]


def _internal(problem: "Problem", points: Array) -> "Tensor":
    import torch

    return torch.from_numpy(np.asarray(problem.units.to_internal(points))).to(problem.train)


def nearest(points: "Tensor", train: "Tensor", count: int) -> tuple["Tensor", "Tensor"]:
    """Distances to the nearest of the training points and their rows, (N, count) each, nearest first.

    Looked for by products, and measured by differences: of images the former leave an error of thousandths, which a sample learned by
    heart is nearer than.
    """
    import torch

    count = min(count, len(train))
    some = max(1, 2**24 // max(len(train), count * train.shape[1]))  # numbers held at once: 64 MB
    found: list[tuple[Tensor, Tensor]] = []
    for part in torch.split(points, some):
        rows = torch.cdist(part, train).topk(count, largest=False).indices
        distances, order = (part[:, None] - train[rows]).norm(dim=2).sort(stable=True)
        found.append((distances, rows.gather(1, order)))
    distances, rows = (torch.cat(parts) for parts in zip(*found, strict=True))
    return distances, rows
