"""Conditions of a sampler: the class of each particle, or a known part of the point at which it ends.

:func:`playground.lab.conflicts.sampling_conflict` has checked before that the class and the point exist.
"""

import torch
from torch import Tensor

from playground.kinds.inpainting import known_coordinates
from playground.kinds.samplers import FollowsScore, FromNoise
from playground.lab.problem import Problem
from playground.theory.guidance import GuidedScore, InpaintingScore, LabelledScore, ScaledScore
from playground.theory.noise import ScoreFunction


def conditioned_score(problem: Problem, score: LabelledScore) -> ScoreFunction:
    """The score that the experiment's sampler follows, for the labels, the guidance, the mask and the factor of its settings.

    Args:
        score: the learned or a known one, which takes labels if there are classes of it.
    """
    sampling, told = problem.experiment.sampling, labels(problem)
    followed = score
    if told is not None:
        assert isinstance(sampling, FollowsScore)
        followed = GuidedScore(score, told, sampling.guidance)
    mask = known_coordinates(sampling.mask, problem)
    if mask is not None:
        followed = InpaintingScore(followed, known_point(problem), mask)
    if isinstance(sampling, FromNoise) and sampling.score_factor != 1.0:
        followed = ScaledScore(followed, sampling.score_factor)
    return followed


def labels(problem: Problem) -> Tensor | None:
    """The class of all particles, 0-d, or of each, (particles,); None if they are given none."""
    sampling, data = problem.experiment.sampling, problem.labels
    if not isinstance(sampling, FollowsScore) or sampling.labels == "none" or data is None:
        return None
    if not problem.conditions.classes_of(sampling.source):
        return None
    if sampling.labels == "all":
        generator = problem.generator("labels")
        return data[torch.randint(len(data), (problem.particles,), generator=generator, device=generator.device)]
    return torch.tensor(sampling.label, device=problem.device)


def known_point(problem: Problem) -> Tensor:
    """The held-out point that the known part is taken from, in internal units."""
    return problem.test[problem.experiment.sampling.known_point]
