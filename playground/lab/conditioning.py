"""Conditions of a sampler: the class of each particle, or a part of the point that it is to end at.

That the class and the point are there, :func:`playground.lab.conflicts.sampling_conflict` has made sure.
"""

import numpy as np
import torch
from torch import Tensor

from playground.lab.problem import Problem
from playground.lab.sampling_settings import known_pixels
from playground.theory.guidance import GuidedScore, InpaintingScore, LabelledScore
from playground.theory.noise import ScoreFunction


def conditioned(problem: Problem, score: LabelledScore) -> ScoreFunction:
    """The score that the experiment's sampler follows, for the labels, the guidance and the mask of its settings.

    Args:
        score: the learned one, which takes labels where the data have classes, or a known one.
    """
    told = labels(problem)
    followed = score if told is None else GuidedScore(score, told, problem.experiment.sampling.guidance)
    mask = known_part(problem)
    return followed if mask is None else InpaintingScore(followed, known_point(problem), mask)


def idle(problem: Problem) -> str | None:
    """Return a sentence on the class settings that change nothing and what they wait for; None where all of them act.

    It stops nothing, for it may be left from other data; the window hides it.
    """
    sampling = problem.experiment.sampling
    label, guidance = f"sampling.label = {sampling.label}", f"sampling.guidance = {sampling.guidance:g}"
    if sampling.kind == "forward":
        why = "the forward process follows no score; choose another sampling.kind"
    elif sampling.source != "learned":
        why = f"the {sampling.source} score has no classes; choose sampling.source = learned"
    elif not problem.classes:
        why = "the network has no classes; choose a U-Net on images with classes"
    elif sampling.label and sampling.labels != "one":
        return f"{label} changes nothing while sampling.labels = {sampling.labels}: choose sampling.labels = one."
    elif sampling.guidance and sampling.labels == "none":
        return f"{guidance} changes nothing while sampling.labels = none: choose sampling.labels = all or one."
    else:
        return None
    if sampling.labels == "one":
        return f"sampling.labels = one changes nothing: {why}."
    asked = label if sampling.label else guidance if sampling.guidance else None
    return None if asked is None else f"{asked} changes nothing: {why}."


def labels(problem: Problem) -> Tensor | None:
    """The class of all particles, 0-d, or of each, (particles,); None where they are told none."""
    sampling, data = problem.experiment.sampling, problem.labels
    if sampling.labels == "none" or not problem.classes or data is None or sampling.source != "learned":
        return None
    if sampling.labels == "all":
        generator = problem.generator("labels")
        return data[torch.randint(len(data), (problem.particles,), generator=generator, device=generator.device)]
    return torch.tensor(sampling.label, device=problem.device)


def known_part(problem: Problem) -> Tensor | None:
    """True where a coordinate is known, in the shape of one point; None where none is."""
    kind, shape = problem.experiment.sampling.inpainting_mask, problem.shape
    if kind == "none":
        return None
    known = np.array([kind == "left", kind == "top"]) if len(shape) == 1 else known_pixels(kind, *shape[-2:])
    return torch.from_numpy(known).to(problem.device).expand(shape)


def known_point(problem: Problem) -> Tensor:
    """The held-out point that the known part is taken from, in internal units."""
    return problem.test[problem.experiment.sampling.inpainting_image]
