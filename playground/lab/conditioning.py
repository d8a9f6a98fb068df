"""Conditions of a sampler: the class of each particle, or a known part of the point at which it ends.

:func:`playground.lab.conflicts.sampling_conflict` has checked before that the class and the point exist.
"""

import math

from torch import Tensor

from playground.kinds.inpainting import known_coordinates
from playground.kinds.samplers import FollowsScore, FromNoise
from playground.lab.autoguidance import asks_checkpoint
from playground.lab.conflicts import sampling_conflict
from playground.lab.experiment import ExperimentError
from playground.lab.problem import Problem
from playground.messages import Edit, Message, instead, setting
from playground.theory.guidance import GuidedScore, InpaintingScore, LabelledScore, ScaledScore, WithWeaker
from playground.theory.noise import ScoreFunction


def conditioned_score(problem: Problem, score: LabelledScore) -> ScoreFunction:
    """The score that the experiment's sampler follows, for the labels, the guidance, the mask and the factor of its settings.

    Args:
        score: the learned or a known one, which takes labels if there are classes of it. If guidance is by an earlier training
            step, it has the score of that step beside it, see :func:`playground.lab.autoguidance.with_weaker`.

    Raises:
        ExperimentError: no earlier training step is kept.
    """
    if asks_checkpoint(problem.experiment) and _weaker(score) is None:
        raise ExperimentError(NO_CHECKPOINT)
    return _conditioned(problem, score, problem.particle_labels)


def _conditioned(problem: Problem, score: LabelledScore, told: Tensor | None) -> ScoreFunction:
    """The score of these classes, without guidance if it is by an earlier training step that is not there."""
    sampling = problem.experiment.sampling
    followed = score
    if told is not None or sampling.follows_checkpoint:
        weaker = _weaker(score) if sampling.follows_checkpoint else None
        guidance = 0.0 if sampling.follows_checkpoint and weaker is None else sampling.guidance
        followed = GuidedScore(score, told, guidance, weaker, guidance_interval(problem))
    mask = known_coordinates(sampling.mask, problem)
    if mask is not None:
        followed = InpaintingScore(followed, known_point(problem), mask)
    if isinstance(sampling, FromNoise) and sampling.score_factor != 1.0:
        followed = ScaledScore(followed, sampling.score_factor)
    return followed


def point_score(problem: Problem, score: LabelledScore) -> ScoreFunction:
    """The score of :func:`conditioned_score`, at any points: it must be the same for all particles.

    Raises:
        ExperimentError: each particle has a class of its own; or an error of :func:`conditioned_score`.
    """
    told = problem.particle_labels
    if told is not None and told.ndim:
        raise ExperimentError(
            Message(
                "own-classes",
                "Each particle follows the score of its own class, so points have no common one: choose {}.",
                (setting("sampling.labels", "one", "none"),),
                "sampling.labels",
                (Edit("Use none", {"sampling.labels": "none"}),),
            )
        )
    return conditioned_score(problem, score)


def field_score(problem: Problem, score: LabelledScore, source: str) -> ScoreFunction:
    """The score that the plane shows at any point: the one that particles follow, if theirs is of this source.

    If each particle has a class of its own, it is that without classes.

    Args:
        score: as in :func:`conditioned_score`. Before an earlier training step is kept, it is shown without guidance.
        source: "learned", "exact" or "empirical".
    """
    sampling, told = problem.experiment.sampling, problem.particle_labels
    if sampling.follows != source or sampling_conflict(problem.experiment, problem.conditions) is not None:
        return score
    return _conditioned(problem, score, None if told is None or told.ndim else told)


def _weaker(score: LabelledScore) -> LabelledScore | None:
    return score.weaker if isinstance(score, WithWeaker) else None


NO_CHECKPOINT = instead(
    "no-checkpoint",
    "Guidance is by an earlier training step, and none is kept: train first, or choose {}.",
    (),
    "sampling.guide",
    "unconditional",
    "Use all data",
)


def guidance_interval(problem: Problem) -> tuple[float, float]:
    """The finest and the coarsest noise level with guidance, in internal units."""
    sampling, units = problem.experiment.sampling, problem.units
    assert isinstance(sampling, FollowsScore)
    low, high = sampling.guidance_min, sampling.guidance_max
    return (
        0.0 if low == "auto" else units.sigma_to_internal(low),
        math.inf if high == "auto" else units.sigma_to_internal(high),
    )


def known_point(problem: Problem) -> Tensor:
    """The held-out point that the known part is taken from, in internal units."""
    return problem.test[problem.experiment.sampling.known_point]
