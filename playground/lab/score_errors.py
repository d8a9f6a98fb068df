"""The error of a learned score at each noise level, in the user's units."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from playground.lab.label_dropout_checks import untrained_unconditional_score
from playground.lab.problem import Problem
from playground.lab.score_error_curve import ScoreErrorCurve
from playground.messages import Message
from playground.theory.metrics import fisher_divergence
from playground.theory.noise import ScoreFunction

LEVELS = 24  # noise levels
SCORED_IMAGES = 200  # at each noise level; a thousand points of the plane
PAIRS = 2**24  # most pairs of a scored point and a training point
FEW = 100  # scored points at least, however many training points there are

METRICS = (
    "score_sigmas",
    "fisher_divergence",
    "fisher_divergence_standard_error",
    "relative_score_error",
    "relative_score_error_standard_error",
    "score_reference",
)


def score_errors(
    problem: Problem, score: ScoreFunction, levels: int = LEVELS, points: int = 1_000
) -> Iterator[ScoreErrorCurve]:
    """Fisher divergence between a learned score and the reference along sigma.

    The reference is the exact score, or that of the smoothed training set if no exact one is known. The expectation is
    over the distribution of the reference: held-out points with noise, or random training points with noise. Images are
    smoothed by at least a grey level: at finer levels the learned score depends on the fraction of a level that training
    adds to each pixel, and the training set's score does not.

    Args:
        score: learned, in internal units; must not change while this runs.
        levels: number of noise levels, log-uniform over the noise; 1 if the noise has one level.
        points: most points at each level; fewer if each must be compared with a large training set.
    """
    source = problem.reference
    assert source is not None
    known = problem.known_score(source)
    assert known is not None
    generator = problem.generator("score errors")
    grey_levels = problem.dataset.grey_levels
    finest = 1e-3 if grey_levels is None else 2 / grey_levels / problem.units.length
    if 0 < problem.noise.sigma_min == problem.noise.sigma_max:
        levels = 1
    sigmas = np.geomspace(max(problem.noise.sigma_min, finest), max(problem.noise.sigma_max, 10 * finest), levels)
    users = np.array([problem.units.sigma_to_user(float(sigma)) for sigma in sigmas])
    distribution = problem.test if source == "exact" else problem.train
    if source == "empirical":
        most = max(FEW, PAIRS // len(distribution)) if problem.shape == (2,) else SCORED_IMAGES
        points = min(points, most)
    # Shuffled, because files and folders are often sorted.
    rows = torch.randperm(len(distribution), generator=generator, device=distribution.device)[:points]
    clean, area = distribution[rows], problem.units.length**2
    found: list[tuple[float, float, float, float]] = []
    for count, sigma in enumerate(sigmas, start=1):
        at = fisher_divergence(score, known, clean, float(sigma), generator)
        root = math.sqrt(at.relative)
        # d sqrt(R) = dR / (2 sqrt(R)); R = 0 at every point has no error.
        root_error = 0.0 if root == 0 else at.relative_standard_error / (2 * root)
        found.append((at.value / area, at.standard_error / area, root, root_error))
        divergence, divergence_error, relative, relative_error = np.array(found).T
        yield ScoreErrorCurve(
            count / levels, users[:count], divergence, divergence_error, relative, relative_error, source
        )


def score_figures(
    problem: Problem, score: ScoreFunction, levels: int = LEVELS, points: int = 1_000
) -> Iterator[tuple[float, dict[str, Any] | None]]:
    """Yield the fraction done and the figures of :data:`METRICS` so far, with `reasons` for missing ones.

    The figures are lists over `score_sigmas` (user units); `score_reference` names the reference score.
    """
    reason = untrained_unconditional_score(problem.experiment, problem.conditions)
    if not problem.has_score:
        reason = problem.experiment.noise.score_conflict()
    elif problem.reference is None:
        reason = Message("no-reference", "No reference score is known: without noise the training set has none.")
    if reason is not None:
        yield 1.0, dict.fromkeys(METRICS) | {"reasons": dict.fromkeys(METRICS, reason)}
        return
    for errors in score_errors(problem, score, levels, points):
        if errors.fraction < 1 and len(errors.sigmas) < 2:  # a single level shows nothing
            yield errors.fraction, None
            continue
        curves = (errors.sigmas, errors.divergence, errors.divergence_error, errors.relative, errors.relative_error)
        figures = [curve.tolist() for curve in curves]
        relative = ("relative_score_error", "relative_score_error_standard_error")
        reasons = dict.fromkeys(relative, errors.unscaled) if errors.unscaled else {}
        yield errors.fraction, dict(zip(METRICS, (*figures, errors.source), strict=True)) | {"reasons": reasons}


def within_a_second(problem: Problem) -> tuple[int, int]:
    """Noise levels and points that take a second or two on one core: fewer for large images and large training sets."""
    numbers = math.prod(problem.shape)
    points = 1_000 if problem.shape == (2,) else min(max(2**14 // numbers, 32), SCORED_IMAGES)
    if problem.reference == "exact":
        return LEVELS, points
    if problem.shape == (2,):
        points = min(points, max(PAIRS // len(problem.train), 32))
    work = points * len(problem.train) * math.ceil(numbers / 64)
    return min(max(2**27 // work, 4), LEVELS), points
