"""Which log-likelihoods are to be trusted: not where the flow was lost, nor where a network only extrapolates.

A learned score is trained at training points and their noise. Measured on the toys that ship trained, log p is off by a few
hundredths of a nat among them, by 2 nats of 10 where this module begins to speak of extrapolation, and by half of itself or more from
there on. An exact score, and the training set's own, is known everywhere, and so is its log p in closed form: what the flow makes of
it can be checked.

Imports no torch, so that the window can name the two kinds of doubt before torch is loaded.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from playground.lab.problem import Problem

Array = NDArray[np.floating]

UNMEASURED, EXTRAPOLATED = "not measured", "extrapolated"
"""What a doubt begins with."""
FAR = 4.0
"""From the nearest training point, in what 99 of 100 training points keep within: no test point of the toys is so far, and two in a
thousand with tails as heavy as Student's of 2.5 degrees of freedom."""
NOISES = 3.0
"""Of the finest noise: as far is no extrapolation however close the training points lie, for they were trained with it."""
NEIGHBOURS, JUDGED = 2**16, 500
"""Training points among which the nearest is looked for, and of which it is: at most so many, drawn at random."""
MISSED, MISSED_PART = 0.1, 0.02
"""Nats, and a part of log p, that the flow may differ from the closed form: far out the prior, a Gaussian, costs up to 2 %."""
ERRORS = 6.0
"""Of Hutchinson's estimate: a few vectors tell their own error badly."""


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


def missed(log_prob: Array, known: Array, error: Array | None) -> NDArray[np.bool_]:
    """(N,) where the flow has lost its way: its log p is none, or far from the closed form.

    Args:
        error: (N,) standard errors of an estimated trace, `ERRORS` of which are allowed; None where a single vector tells none, and
            anything is.
    """
    allowed = np.inf if error is None else MISSED + MISSED_PART * np.abs(known) + ERRORS * error
    return ~(np.abs(log_prob - known) <= allowed)


def remoteness(problem: "Problem", points: Array) -> Array:
    """(N,) distance to the nearest training point, in what 99 of 100 training points keep within; above `FAR` a network extrapolates."""
    distances, _ = nearest(_internal(problem, points).flatten(1), _neighbours(problem), 1)
    return np.asarray((distances[:, 0] / problem.spacing).cpu().numpy())


def spacing(problem: "Problem") -> float:
    """The distance to the nearest other within which 99 of 100 training points keep, or that the noise spreads; internal units."""
    train = _neighbours(problem)
    judged = train[problem.some_rows(len(train), JUDGED, "judged neighbours")]
    itself_and_other, _ = nearest(judged, train, 2)
    noise = problem.noise.sigma_min * math.sqrt(train.shape[1])
    return max(float(itself_and_other[:, -1].cpu().quantile(0.99)), NOISES / FAR * noise)


def _neighbours(problem: "Problem") -> "Tensor":
    """(n, D) training points among which the nearest is looked for, in internal units."""
    train = problem.train.flatten(1)
    return train if len(train) <= NEIGHBOURS else train[problem.some_rows(len(train), NEIGHBOURS, "neighbours")]


def flow_doubts(
    problem: "Problem", points: Array, log_prob: Array, error: Array | None, known: Array | None = None
) -> list[str]:
    """What speaks against each log p by the flow from the finest sigma, in a few words; "" where nothing does.

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
            _LOST if is_lost else doubt for is_lost, doubt in zip(lost, learned_doubts(problem, points), strict=True)
        ]
    return [
        ""
        if not is_lost
        else _LOST
        if np.isnan(value)
        else f"{UNMEASURED}: the flow gives {value:.6g} and misses the closed form, {truth:.6g}"
        for value, truth, is_lost in zip(log_prob, known, missed(log_prob, known, error), strict=True)
    ]


_LOST = f"{UNMEASURED}: the flow from here takes too many steps, for its score turns too often"


def learned_doubts(problem: "Problem", points: Array) -> list[str]:
    """The same of a log p by a learned score or energy that was not lost."""
    return [
        f"{EXTRAPOLATED}: {distance:.3g} times as far from the nearest training point as these lie from each other"
        if distance > FAR
        else ""
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
