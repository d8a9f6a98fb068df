"""The denoising loss of a score at each noise level, at training points and at held-out points."""

import numpy as np
import torch

from playground.lab.batches import drawn
from playground.lab.problem import Problem
from playground.theory.noise import ScoreFunction

LEVELS, DRAWS = 12, 1024
"""Noise levels, and draws of a point and its noise at each."""


def losses_along_sigma(problem: Problem, score: ScoreFunction) -> dict[str, list[float]]:
    """E ||sigma s(x + sigma z, sigma) + z||^2 / D, with the same noise z for both sets of points.

    It is 1 for s = 0. A score that has memorized its training points has a far smaller loss there than at held-out points.

    Args:
        score: in internal units.

    Returns:
        Three lists: `sigma` from fine to coarse in user units, `train_loss` and `held_out_loss`.
    """
    noise = problem.noise
    levels = 1 if 0 < noise.sigma_min == noise.sigma_max else LEVELS
    lowest = max(noise.sigma_min, 1e-3)
    sigmas = np.geomspace(lowest, max(noise.sigma_max, 10 * lowest if levels > 1 else lowest), levels)
    found: dict[str, list[float]] = {"sigma": [problem.units.sigma_to_user(float(sigma)) for sigma in sigmas]}
    for name, points in (("train_loss", problem.train), ("held_out_loss", problem.test)):
        generator = problem.generator("loss along sigma")  # new: the same noise for both
        x = drawn(points, DRAWS, generator)
        generator = problem.generator("noise of the loss along sigma")
        losses = []
        for sigma in sigmas.tolist():
            z = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
            with torch.no_grad():
                residual = sigma * score(x + sigma * z, x.new_tensor(sigma)) + z
            losses.append(float(residual.square().mean()))
        found[name] = losses
    return found
