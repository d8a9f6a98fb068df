"""Conditions of a sampler: the class of each particle, or a known part of the point at which it ends.

:func:`playground.lab.conflicts.sampling_conflict` has checked before that the class and the point exist.
"""

import math

from torch import Tensor

from playground.kinds.inpainting import known_coordinates
from playground.kinds.samplers import FollowsScore, FromNoise
from playground.lab.experiment import ExperimentError
from playground.lab.problem import Problem
from playground.messages import Edit, Message, setting
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
    sampling, told = problem.experiment.sampling, problem.particle_labels
    followed = score
    if isinstance(sampling, FollowsScore) and (told is not None or sampling.follows_checkpoint):
        weaker = _weaker(sampling, score) if sampling.guidance else None
        followed = GuidedScore(score, told, sampling.guidance, weaker, guidance_interval(problem))
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
    """The score whose arrows cover the plane: that of the particles if they all follow one of this source, else all data's.

    Args:
        score: as in :func:`conditioned_score`. Before an earlier training step is kept, it is shown without guidance.
        source: "learned", "exact" or "empirical".
    """
    sampling, told = problem.experiment.sampling, problem.particle_labels
    if not isinstance(sampling, FollowsScore) or sampling.source != source or (told is not None and told.ndim):
        return score
    by_checkpoint = sampling.follows_checkpoint
    if told is None and not by_checkpoint:
        return score
    weaker = score.weaker if by_checkpoint and isinstance(score, WithWeaker) else None
    scale = 0.0 if by_checkpoint and weaker is None else sampling.guidance
    return GuidedScore(score, told, scale, weaker, guidance_interval(problem))


def _weaker(sampling: FollowsScore, score: LabelledScore) -> LabelledScore | None:
    if not sampling.follows_checkpoint:
        return None
    found = score.weaker if isinstance(score, WithWeaker) else None
    if found is None:
        raise ExperimentError(NO_CHECKPOINT)
    return found


NO_CHECKPOINT = Message(
    "no-checkpoint",
    "Guidance is by an earlier training step, and none is kept: train first, or choose {}.",
    (setting("sampling.guide", "unconditional"),),
    "sampling.guide",
    (Edit("Use all data", {"sampling.guide": "unconditional"}),),
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
