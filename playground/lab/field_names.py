"""One field under five names at points of the plane or at images, in the user's units.

This module imports no torch, because the window holds such values before torch is loaded.
"""

import math
import typing

import numpy as np
from numpy.typing import NDArray

from playground.records import record

if typing.TYPE_CHECKING:
    from playground.lab.problem import Problem
    from playground.theory.noise import ScoreFunction

Array = NDArray[np.floating]


@record
class FieldNames:
    """A score at points (N, \\*shape), in each parametrization that a network may predict.

    See :mod:`playground.theory.parametrizations`.

    Attributes:
        points: in the user's units, in the coordinates of the particles at this moment.
        score: per user unit.
        noise, v: without a unit.
        denoised, velocity: in the user's units.
        sigma, std: the noise relative to the signal, and its standard deviation, in the user's units.
        alpha: the factor of the process on the data; 1 in data coordinates.
        time: time t of the process, or None.
        snr, log_snr: signal-to-noise ratio of the standardized data, which have variance 1, and its logarithm.
        flow_time: the time at which the straight path of flow matching has this ratio.
    """

    points: Array
    score: Array
    noise: Array
    denoised: Array
    v: Array
    velocity: Array
    sigma: float
    std: float
    alpha: float
    time: float | None
    snr: float
    log_snr: float
    flow_time: float


def field_names(
    problem: "Problem", score: "ScoreFunction", points: Array, sigma: float, time: float | None
) -> FieldNames | None:
    """A score at points (N, \\*shape) under each name; None without noise, since only the score exists then.

    Args:
        score: in internal units.
        sigma: noise level in user units; a level below the finest stands for the finest.
        time: time t of the process, or None in data coordinates.
    """
    import torch

    from playground.theory.parametrizations import NoiseLevel, predictions

    units, (level, alpha) = problem.units, problem.level_and_scale(sigma, time)
    if not level > 0:
        return None
    x = problem.internal(points)
    with torch.no_grad():
        slope = score(x / alpha, torch.tensor(level, device=problem.device)) / alpha
    at = NoiseLevel(alpha, alpha * level)
    noise, denoised, v, velocity = (part.cpu().numpy().astype(np.float64) for part in predictions(x, slope, at))
    return FieldNames(
        points=points,
        score=units.score_to_user(slope.cpu().numpy()),
        noise=noise,
        denoised=units.to_user(denoised),
        v=v,
        velocity=velocity * units.scale,
        sigma=units.sigma_to_user(level),
        std=units.sigma_to_user(alpha * level),
        alpha=alpha,
        time=time,
        snr=at.snr,
        log_snr=at.log_snr,
        flow_time=at.flow_time,
    )


def added_noise(sigmas: Array, frame: int) -> float | None:
    """The standard deviation of the noise between a frame and the one before, in data coordinates; None if it is 0.

    Variances add, so the noise of the last of many small steps is much less than the whole.
    """
    if frame < 1:
        return None
    difference = abs(float(sigmas[frame]) ** 2 - float(sigmas[frame - 1]) ** 2)
    return math.sqrt(difference) if difference > 0 else None
