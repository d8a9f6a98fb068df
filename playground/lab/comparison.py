"""Comparison of runs that differ in a few settings: one Brownian path, equal evaluations, and the distance to the data."""

import bisect
from collections.abc import Iterator

import numpy as np
import torch

from playground.lab.columns import DistanceCurve
from playground.lab.conflicts import comparison_conflict, refuse, why_too_few_samples
from playground.lab.experiment import ExperimentError
from playground.lab.measured import mean_floor
from playground.lab.problem import Problem
from playground.lab.sample_metrics import along_directions, compared_data
from playground.lab.sampling import make_sampler
from playground.lab.trajectory import Trajectory
from playground.theory.guidance import LabelledScore
from playground.theory.samplers import Sampler

MEASURED_FRAMES = 24
"""Frames of a run whose distance to the data is measured, evenly spaced from the first to the last."""
POINTS, FLOOR_PAIRS = 2_000, 10
"""Most particles in a distance, and pairs of clouds of the data for the floor: 24 frames take about 0.3 s."""
MOST_STEPS = 100_000


def evaluations(problem: Problem, sampler: Sampler) -> int | None:
    """Score evaluations of one particle in a whole run, guidance included; None if each particle has its own steps.

    Guidance counts at every level, so in an interval of levels this is an upper bound.
    """
    sampling, each = problem.experiment.sampling, sampler.evaluations
    if each is None:
        return None
    if not sampling.guidance:
        return each
    return each * (2 if sampling.follows_checkpoint or problem.particle_labels is not None else 1)


def at_equal_evaluations(problem: Problem, score: LabelledScore | None, budget: int) -> Problem:
    """The problem with as many steps as `budget` score evaluations allow, or with the sampler's smallest number.

    If each particle has its own steps, or the sampler evaluates no score, the steps stay as they are.

    Args:
        score: see :func:`make_sampler`.
        budget: at least 1.

    Raises:
        ExperimentError: the sampler does not fit the noise or the data.
    """

    def cost(steps: int) -> int:
        tried = problem.edited({"sampling.steps": steps})
        try:
            return evaluations(tried, make_sampler(tried, score)) or 0
        except ExperimentError:  # fewer than one step per level
            return 0

    if not evaluations(problem, make_sampler(problem, score)):
        return problem
    # Evaluations never fall as steps grow.
    steps = max(bisect.bisect_right(range(1, min(budget, MOST_STEPS) + 1), budget, key=cost), 1)
    while not cost(steps):
        steps += 1  # to the fewest
    return problem.edited({"sampling.steps": steps})


def distance_curve(problem: Problem, trajectory: Trajectory) -> Iterator[tuple[float, DistanceCurve | None]]:
    """Measure a finished run; yield the fraction done, and at the end the curve.

    All frames, and all runs on the same data, are compared with the same points in the same directions.

    Raises:
        ExperimentError: these samples cannot be compared with the data.
    """
    count = min(trajectory.positions.shape[1], POINTS)
    refuse(comparison_conflict(problem.experiment, problem.conditions) or why_too_few_samples(count))
    reference = compared_data(problem, count, problem.generator("distances", "cpu"))

    floors: list[float] = []
    for some, others in reference.pairs:
        floors.append(along_directions(problem, some, others))
        yield 0.3 * len(floors) / FLOOR_PAIRS, None
        if len(floors) == FLOOR_PAIRS:
            break
    frames = np.unique(np.linspace(0, len(trajectory) - 1, MEASURED_FRAMES).round().astype(np.int64))
    found: list[float] = []
    for frame in frames.tolist():
        positions = trajectory.positions[frame, : reference.count].astype(np.float64)
        found.append(along_directions(problem, torch.from_numpy(problem.units.equalized(positions)), reference.data))
        yield 0.3 + 0.7 * len(found) / len(frames), None
    yield 1.0, DistanceCurve(frames, trajectory.nfe_mean[frames], np.array(found), *mean_floor(floors))
