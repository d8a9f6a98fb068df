"""Whether a model has memorized its training points: its figures for them are compared with those for held-out points.

This module imports no torch, so that the window can warn before torch is loaded.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from playground.lab.experiment import Experiment
from playground.lab.measured import Figures, Measured
from playground.messages import Message, joined

if TYPE_CHECKING:
    from playground.lab.problem import Problem

Array = NDArray[np.floating]

EVALUATED = 1_000  # most samples, and most held-out points, that are compared
ERRORS = 4.0
"""Standard errors by which two figures must differ to speak of memorization: chance does so in one of 30,000 runs."""
SHARE, NATS = 0.1, 0.5
"""The least differences that count, of shares and of NLLs: smaller ones do little harm."""


def memorized_share(problem: "Problem", samples: Array) -> Measured:
    """The share of samples (N, *shape), in user units, and of fresh points that lie near one training point.

    Fresh points are draws of the density where it is known, otherwise held-out points. Each share has its standard error; see
    :func:`playground.theory.metrics.memorized`. Equal training points of the plane count once. Training
    points are those of `Problem.neighbours`.
    """
    import torch

    from playground.theory.local_geometry import nearest
    from playground.theory.metrics import memorized, share_error

    train = problem.neighbours
    if train.shape[1] == 2:
        train = torch.unique(train, dim=0)
    evaluated = torch.from_numpy(problem.units.standardized(problem.some(samples, EVALUATED, "copies")))
    others = problem.some(problem.test, EVALUATED, "held-out copies")
    if problem.density is not None:  # enough draws, however few points are held out
        others = problem.density.sample(EVALUATED, problem.generator("held-out copies"))
    found: list[Any] = []
    for points in (evaluated, others):
        distances, _ = nearest(points.to(train).flatten(1), train, 2)
        share = memorized(distances).cpu().double().mean()
        found += (float(share), float(share_error(share, len(points))))
    return Measured(*found)


def nearness(figures: Figures) -> Message | None:
    """How near the samples are to training points, beside fresh points; None if that was not measured.

    Only where the share of samples near a training point exceeds that of fresh points by more than chance are there copies
    (code "copies"): the share of fresh points, a ninth in the plane, is that of a perfect model.
    """
    share, usual = _shares(figures)
    if share[0] is None or usual[0] is None:
        return None
    if _differ(share, usual, 0.0):
        return Message("copies", "nearer to training points than fresh points are: there are copies")
    if _differ(usual, share, 0.0):
        return Message("farther-than-fresh", "farther from training points than fresh points are")
    return Message("as-near-as-fresh", "as near to training points as fresh points are")


def memorization_warning(figures: Figures, experiment: Experiment) -> Message | None:
    """A message if the training points are memorized, otherwise None.

    They are if there are many copies of them among the samples, see :func:`nearness`, or if they are likelier than held-out
    points, by more than chance. Only a learned score is checked: the training set's own score yields nothing but copies.
    """
    copies = likelier = None
    share, usual = _shares(figures)
    if experiment.sampling.follows == "learned" and _differ(share, usual, SHARE):
        text = "{:.0%} of the samples lie near one of them, against {:.0%} of fresh points"
        copies = Message("copies", text, (share[0], usual[0]))
    test, train = ((one.value, one.error) for one in map(figures.known, ("test_nll", "train_nll")))
    if experiment.likelihood.source == "learned" and _differ(test, train, NATS):
        likelier = Message("likelier", "test NLL is {:.3g}, train NLL {:.3g}", (test[0], train[0]))
    said = joined(copies, likelier, between="; ")
    if said is None:
        return None
    return Message(
        "memorized",
        "The training points are memorized: {}. Train for fewer steps, stop early, or take more data.",
        (said,),
    )


def _shares(figures: Figures) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """The shares of samples and of fresh points near a training point, each with its error."""
    share = figures.known("memorized_share")
    return (share.value, share.error), figures.floor("memorized_share")


def _differ(high: tuple[Any, Any], low: tuple[Any, Any], least: float) -> bool:
    """Whether a figure exceeds another one by more than `least` and than chance; each with its error."""
    if high[0] is None or low[0] is None:
        return False
    return bool(high[0] - low[0] > max(least, ERRORS * math.hypot(high[1] or 0.0, low[1] or 0.0)))
