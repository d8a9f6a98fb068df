"""Sampling of an experiment: the choice of the sampler, its start, and its trajectory frame by frame."""

import dataclasses
import math
import time
from collections.abc import Iterator

import torch

from playground.kinds.samplers import LangevinDynamics
from playground.lab.conditioning import conditioned_score
from playground.lab.conflicts import sampling_conflict
from playground.lab.defaults import resolve
from playground.lab.experiment import ExperimentError, replace
from playground.lab.problem import Problem
from playground.lab.trajectory import Trajectory
from playground.messages import Edit, Message, setting
from playground.theory.counting import CountedScore
from playground.theory.guidance import LabelledScore, RowwiseScore
from playground.theory.samplers import AnnealedLangevin, BrownianPath, Langevin, Sampler, SamplerDiverged, Step
from playground.theory.stability import MARGIN, largest_curvature, largest_step

CURVATURE_POINTS, CURVATURE_IMAGES = 256, 32
"""Training points, or images, at which the largest curvature of a score is looked for."""

FAR = 10.0
"""Times the farthest that a particle can plausibly be: beyond, it has run away, finite or not."""

TAIL = 8.0
"""Deviations by which the length of standard normal noise exceeds sqrt(D) with a chance of e^(-32) a particle and step."""


def make_sampler(problem: Problem, score: LabelledScore | None = None) -> Sampler:
    """The sampler of the experiment, in internal units, with every "auto" resolved.

    Args:
        score: the learned one, where it is an energy that Metropolis's test is to ask; may change between steps.

    Raises:
        ExperimentError: the sampler does not fit the noise or the data; the sentence says what to choose.
    """
    conflict = sampling_conflict(problem.experiment, problem.conditions)
    if conflict is not None:
        raise ExperimentError(conflict)
    return resolve(problem.experiment).sampling.build(problem, score)


def step_in_user_units(problem: Problem) -> float | None:
    """What `sampling.step = "auto"` stands for, in squared user units; None where the sampler takes no steps of Langevin's."""
    sampling = problem.experiment.sampling
    if not isinstance(sampling, LangevinDynamics):
        return None
    return sampling.step_of(problem) * problem.units.sigma_to_user(1.0) ** 2


def require_stable_step(problem: Problem, score: LabelledScore, sampler: Sampler | None = None) -> None:
    """Refuse a step of Langevin's that was set and overshoots: above 2/L, L the largest curvature of the score near the data.

    Only set ones are looked at, for "auto" stays far below. Where a part of the point is known, its coordinates have steps of their own.

    Args:
        score: the one that the sampler follows.

    Raises:
        SamplerDiverged: the step is too long; the sentence says which would do.
    """
    settings = problem.experiment.sampling
    if not isinstance(settings, LangevinDynamics) or settings.step == "auto" or settings.mask != "none":
        return
    sampler = sampler or make_sampler(problem, score)
    if isinstance(sampler, AnnealedLangevin):
        levels = sampler.levels.tolist()
        shown = {0, len(levels) - 1, *range(0, len(levels), max(1, len(levels) // 6))}
        # At each level the step is half of alpha, and all follow from that of the finest.
        steps = [(levels[index], sampler.step / 2 * (levels[index] / levels[-1]) ** 2) for index in sorted(shown)]
    elif isinstance(sampler, Langevin):
        steps = [(sampler.sigma, sampler.step)]
    else:
        return  # Metropolis's test refuses what overshoots
    generator, followed = problem.generator("curvature"), conditioned_score(problem, score)
    most = CURVATURE_POINTS if len(problem.shape) == 1 else CURVATURE_IMAGES
    rows = problem.some_rows(len(problem.train), min(most, problem.particles), "curvature points")
    if isinstance(followed, RowwiseScore):
        followed = followed.for_rows(torch.arange(len(rows), device=problem.device))
    points = problem.train[torch.from_numpy(rows).to(problem.device)]
    longest = min(largest_step(largest_curvature(followed, points, sigma, generator)) / step for sigma, step in steps)
    if longest * MARGIN < 1:
        raise SamplerDiverged(
            Message(
                "unstable-step",
                "{} is unstable: the score near the data is so steep that steps above {:.2g} diverge. "
                "Choose a shorter one, or auto.",
                (setting("sampling.step", settings.step), longest * settings.step),
                "sampling.step",
                (Edit("Use Auto", {"sampling.step": "auto"}),),
            )
        )


def _reach(problem: Problem) -> float:
    """How far from the middle of the data a particle can be, in internal units: beside the farthest point, by the coarsest noise of
    the run. A process contracts the points by alpha <= 1 and ends with noise of deviation std(1), its largest."""
    spread = problem.experiment.sampling.noise_of_run(problem)
    farthest = float(problem.train.flatten(1).norm(dim=1).max())
    return farthest + spread * (math.sqrt(math.prod(problem.shape)) + TAIL)


def _require_near(step: Step, reach: float) -> None:
    """Raise SamplerDiverged where a particle is beyond reach: such samples are finite nonsense."""
    if len(step.positions) and not float(step.positions.flatten(1).norm(dim=1).max()) <= reach:
        raise SamplerDiverged(
            f"The particles diverged from the data by step {step.index}: the step is too long for this score, or "
            "the score is wrong there. Take shorter steps, or train longer."
        )


def sample(
    problem: Problem,
    score: LabelledScore,
    seed: int | None = None,
    sampler: Sampler | None = None,
    path: BrownianPath | None = None,
) -> Iterator[Trajectory]:
    """Run the experiment's sampler, yielding the same growing trajectory after each of its steps, the start included, and between
    two that lie far apart: to cancel is to stop iterating. The trajectory counts evaluations of the score and seconds.

    Args:
        score: the learned or the exact score, in internal units; may change between steps. The learned one takes labels where
            the data have classes.
        seed: of the start and of all noise, in place of the experiment's own.
        sampler: one from :func:`make_sampler`, for a caller who changes its step while it runs.
        path: the Brownian path from which the noise of the steps comes, where runs share one; the start is drawn by the seed.

    Raises:
        ExperimentError: the sampler does not fit the noise or the data.
        SamplerDiverged: Langevin's step is too long for the score, or a particle ran far away from the data, if not to infinity.
    """
    if seed is not None:
        problem = dataclasses.replace(problem, experiment=replace(problem.experiment, {"seed": seed}))
    sampler = sampler or make_sampler(problem, score)
    require_stable_step(problem, score, sampler)
    generator = problem.generator("sampling")
    start = problem.experiment.sampling.starting_points(problem, generator)
    reach = FAR * max(_reach(problem), float(start.flatten(1).norm(dim=1).max()))
    trajectory = Trajectory(problem.units, problem.shape, len(start), sampler.total, problem.dataset.axes)
    counted = CountedScore(score, len(start))
    begun = time.perf_counter()
    for step in sampler.run_in_parts(conditioned_score(problem, counted), start, path or generator):
        if step is not None:
            _require_near(step, reach)
            trajectory.append(step, (counted.nfe_mean, counted.nfe_max))
        trajectory.seconds += time.perf_counter() - begun
        yield trajectory
        begun = time.perf_counter()  # the caller's own time is not the sampler's
