"""Sampling of an experiment: the choice of the sampler, its start, and its trajectory frame by frame."""

import math
import time
from collections.abc import Generator, Iterator
from typing import Any

import torch
from torch import Tensor

from playground.kinds.samplers import LangevinDynamics
from playground.lab.compute import computes
from playground.lab.conditioning import conditioned_score
from playground.lab.conflicts import refuse, sampling_conflict
from playground.lab.defaults import resolve
from playground.lab.keys import RunKey
from playground.lab.problem import Problem
from playground.lab.provenance import Provenance
from playground.lab.trajectory import Trajectory
from playground.messages import Edit, Message, instead, setting
from playground.theory.counting import CountedScore
from playground.theory.guidance import LabelledScore, RowwiseScore
from playground.theory.ode import TooManySteps
from playground.theory.samplers import BrownianPath, Sampler, SamplerDiverged, Step
from playground.theory.stability import MARGIN, largest_curvature, largest_step

CURVATURE_POINTS, CURVATURE_IMAGES = 256, 32
"""Training points, or images, at which the largest curvature of a score is computed."""

FAR = 10.0
"""A particle has diverged if it is this many times farther out than particles can plausibly be."""

TAIL = 8.0
"""Standard normal noise is longer than sqrt(D) plus this number with probability e^(-32) for each particle and step."""


def require_sampler(problem: Problem) -> None:
    """Refuse to sample if the sampler does not fit the noise, the data or the network.

    Raises:
        ExperimentError: the sentence says why and what to choose.
    """
    refuse(sampling_conflict(problem.experiment, problem.conditions))


def make_sampler(problem: Problem, score: LabelledScore | None = None) -> Sampler:
    """The sampler of the experiment, in internal units, with every "auto" resolved.

    Args:
        score: the learned one, if it is an energy that the Metropolis test needs; may change between steps.

    Raises:
        ExperimentError: the sampler does not fit the noise or the data; the sentence says what to choose.
    """
    require_sampler(problem)
    return resolve(problem.experiment).sampling.build(problem, score)


def step_in_user_units(problem: Problem) -> float | None:
    """The value of `sampling.step = "auto"` in squared user units; None if the sampler is not a Langevin sampler."""
    sampling = problem.experiment.sampling
    if not isinstance(sampling, LangevinDynamics):
        return None
    return sampling.step_of(problem) * problem.units.sigma_to_user(1.0) ** 2


def require_stable_step(problem: Problem, score: LabelledScore) -> None:
    """Refuse a Langevin step that is unstable: above 2/L, with L the largest curvature of the score near the data.

    Only a step that the user set is checked, for "auto" is far smaller. With inpainting nothing is checked, because the
    known coordinates have steps of their own.

    Args:
        score: the one that the sampler follows.

    Raises:
        SamplerDiverged: the step is too long; the sentence says which would do.
    """
    settings = problem.experiment.sampling
    if not isinstance(settings, LangevinDynamics) or settings.step == "auto" or settings.mask != "none":
        return
    steps = settings.euler_steps(problem)
    if not steps:
        return
    generator, followed = problem.generator("curvature"), conditioned_score(problem, score)
    most = CURVATURE_POINTS if len(problem.shape) == 1 else CURVATURE_IMAGES
    rows = problem.some_rows(len(problem.train), min(most, problem.particles), "curvature points")
    if isinstance(followed, RowwiseScore):
        followed = followed.for_rows(torch.arange(len(rows), device=problem.device))
    points = problem.train[torch.from_numpy(rows).to(problem.device)]
    some = sorted({len(steps) - 1, *range(0, len(steps), max(1, len(steps) // 6))})
    longest = min(
        largest_step(largest_curvature(followed, points, sigma, generator)) / step
        for sigma, step in (steps[index] for index in some)
    )
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
    """The largest plausible distance of a particle from the middle of the data, in internal units.

    It is the distance of the farthest point plus the coarsest noise of the run. A process contracts the points by
    alpha <= 1, and its noise has the largest standard deviation, std(1), at its end.
    """
    spread = problem.experiment.sampling.noise_of_run(problem)
    farthest = float(problem.train.flatten(1).norm(dim=1).max())
    return farthest + spread * (math.sqrt(math.prod(problem.shape)) + TAIL)


def _require_near(step: Step, reach: float) -> None:
    """Raise SamplerDiverged if a particle is farther out than `reach`: such samples are finite but meaningless."""
    if len(step.positions) and not float(step.positions.flatten(1).norm(dim=1).max()) <= reach:
        raise SamplerDiverged(
            f"The particles diverged from the data by step {step.index}: the step is too long for this score, or "
            "the score is wrong there. Take shorter steps, or train longer."
        )


def sample(
    problem: Problem,
    score: LabelledScore,
    seed: int | None = None,
    path: BrownianPath | None = None,
    start: Tensor | None = None,
) -> Iterator[Trajectory]:
    """Run the experiment's sampler and yield its growing trajectory.

    The same trajectory is yielded after each step, the start included, and also in between if a step takes long. Stop
    iterating to cancel. The trajectory counts score evaluations and seconds.

    Args:
        score: the learned or the exact score, in internal units; may change between steps. The learned one takes labels
            if the data have classes.
        seed: seed of the start and of all noise, instead of `sampling.seed`.
        path: the Brownian path that gives the noise of the steps, for runs that share one; the start is drawn by the seed.
        start: points (N, *shape) at which the particles start, in internal units; the experiment has N particles. None: the
            sampler's own.

    Raises:
        ExperimentError: the sampler does not fit the noise or the data.
        SamplerDiverged: a Langevin step is too long for the score, or a particle moved far away from the data.
    """
    if seed is not None:
        problem = problem.edited({"sampling.seed": seed})
    sampler = make_sampler(problem, score)
    require_stable_step(problem, score)
    generator = problem.generator("sampling")
    # They are drawn in any case, so that the noise after them is the same with a start of one's own.
    drawn = problem.experiment.sampling.starting_points(problem, generator)
    start = drawn if start is None else start
    reach = FAR * max(_reach(problem), float(start.flatten(1).norm(dim=1).max()))
    trajectory = Trajectory(problem.units, problem.shape, len(start), sampler.total, problem.dataset.axes)
    trajectory.provenance = str(Provenance.of(problem.experiment, problem.device))
    counted = CountedScore(score, len(start))
    begun = time.perf_counter()
    for step in _smoothly(sampler.run_in_parts(conditioned_score(problem, counted), start, path or generator)):
        if step is not None:
            _require_near(step, reach)
            trajectory.append(step, (counted.nfe_mean, counted.nfe_max))
        trajectory.seconds += time.perf_counter() - begun
        yield trajectory
        begun = time.perf_counter()  # the caller's time is not counted


def shared_path(problem: Problem, seed: int) -> BrownianPath:
    """The Brownian path of all runs with a seed, whatever else they do; each needs an object of its own, to be fast.

    Args:
        problem: the problem of one run; all runs have the same data and thus the same units.
        seed: the seed of the runs.
    """
    drawn = problem.edited({"sampling.seed": seed}).generator("Brownian path", "cpu")
    return BrownianPath(drawn.initial_seed(), problem.device)


@computes(RunKey)
def _run(key: RunKey, _device: str) -> Generator[Any, Any, Trajectory]:
    model = yield key.model
    start = None if key.start is None else (yield key.start)
    problem = model.problem
    path = shared_path(problem, problem.experiment.sampling.seed) if key.compared else None
    for trajectory in sample(problem, model.score, path=path, start=start):
        yield trajectory
    return trajectory


def _smoothly(steps: Iterator[Step | None]) -> Iterator[Step | None]:
    """The steps; a score that is not smooth enough for the adaptive solver raises SamplerDiverged."""
    try:
        yield from steps
    except TooManySteps as error:
        raise SamplerDiverged(
            instead(
                "too-many-steps",
                "{} Heun's fixed steps go on where a score is finite but not smooth: choose {}.",
                (error.message,),
                "sampling.solver",
                "heun",
                "Use Heun",
            )
        ) from None
