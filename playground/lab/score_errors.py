"""The error of a learned score at each noise level, in the user's units."""

import math
from collections.abc import Generator, Sequence

import numpy as np
import torch

from playground.lab.figures import sorts_of
from playground.lab.label_dropout_checks import untrained_unconditional_score
from playground.lab.measured import Measured, missing
from playground.lab.problem import Problem
from playground.lab.progress import MeasuringProgress
from playground.messages import Message, setting
from playground.theory.metrics import fisher_divergence
from playground.theory.noise import ScoreFunction

LEVELS = 24  # noise levels
SCORED_IMAGES = 200  # at each noise level; a thousand points of the plane
PAIRS = 2**24  # most pairs of a scored point and a training point
FEW = 100  # scored points at least, however many training points there are


def score_figures(
    problem: Problem, score: ScoreFunction, levels: int = LEVELS, points: int = 1_000
) -> Generator[MeasuringProgress, None, dict[str, Measured]]:
    """The errors of a learned score along sigma; yields those known so far.

    The reference is the exact score, or that of the smoothed training set if no exact one is known. The expectation is
    over the distribution of the reference: held-out points with noise, or random training points with noise. Images are
    smoothed by at least a grey level: at finer levels the learned score depends on the fraction of a level that training
    adds to each pixel, and the training set's score does not.

    - score_sigmas: the noise levels from fine to coarse, in user units. The others have a value at each.
    - fisher_divergence: E ||s - reference||², per user unit squared.
    - relative_score_error: its root over that of E ||reference||²: 1 is as bad as s = 0.
    - score_reference: the reference score: "exact", or "empirical" for that of the smoothed training set.

    Args:
        score: learned, in internal units; must not change while this runs.
        levels: number of noise levels, log-uniform over the noise; 1 if the noise has one level.
        points: most points at each level; fewer if each must be compared with a large training set.
    """
    source = problem.reference
    reason = untrained_unconditional_score(problem.experiment, problem.conditions)
    if not problem.has_score:
        reason = problem.experiment.noise.score_conflict()
    elif source is None:
        reason = Message("no-reference", "No reference score is known: without noise the training set has none.")
    if reason is not None or source is None:
        return missing(sorts_of("Score errors"), reason)
    known = problem.known_score(source)
    assert known is not None
    generator = problem.generator("score errors")
    finest = problem.grey_level or 1e-3
    if 0 < problem.noise.sigma_min == problem.noise.sigma_max:
        levels = 1
    sigmas = np.geomspace(max(problem.noise.sigma_min, finest), max(problem.noise.sigma_max, 10 * finest), levels)
    distribution = problem.test if source == "exact" else problem.train
    if source == "empirical":
        most = max(FEW, PAIRS // len(distribution)) if problem.shape == (2,) else SCORED_IMAGES
        points = min(points, most)
    # Shuffled, because files and folders are often sorted.
    rows = torch.randperm(len(distribution), generator=generator, device=distribution.device)[:points]
    clean, area = distribution[rows], problem.units.length**2
    found: list[tuple[float, ...]] = []
    for sigma in map(float, sigmas):
        at = fisher_divergence(score, known, clean, sigma, generator)
        root = math.sqrt(at.relative)
        # d sqrt(R) = dR / (2 sqrt(R)); R = 0 at every point has no error.
        root_error = 0.0 if root == 0 else at.relative_standard_error / (2 * root)
        found.append((problem.units.sigma_to_user(sigma), at.value / area, at.standard_error / area, root, root_error))
        places, divergence, off, relative, relative_off = zip(*found, strict=True)
        known_now = {
            "score_sigmas": Measured(places),
            "fisher_divergence": Measured(divergence, off),
            "relative_score_error": Measured(relative, relative_off, reason=_unscaled(relative, divergence, source)),
            "score_reference": Measured(source),
        }
        alone = 1 == len(found) < levels  # a single level shows nothing
        yield MeasuringProgress(len(found) / levels, "noise levels", known=None if alone else known_now)
    return known_now


def _unscaled(relative: Sequence[float], divergence: Sequence[float], source: str) -> Message | None:
    """Why some relative errors do not exist, or None if all do: a sharp density's score may be 0 in single precision."""
    flat = sum(math.isnan(one) and math.isfinite(other) for one, other in zip(relative, divergence, strict=True))
    if not flat:
        return None
    return Message(
        "unscaled",
        "At {} of {} noise levels the {} score is 0 at all held-out points, so no relative error exists: raise {}.",
        (flat, len(relative), source, setting("likelihood.points")),
        "likelihood.points",
    )


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
