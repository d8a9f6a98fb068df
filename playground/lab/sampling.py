"""Sampling of an experiment: the choice of the sampler, its start, and its trajectory frame by frame."""

import dataclasses
import math
import time
import typing
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from playground.lab import defaults
from playground.lab.conditioning import conditioned, known_part
from playground.lab.conflicts import sampling_conflict
from playground.lab.experiment import ExperimentError, replace
from playground.lab.problem import Problem
from playground.lab.sampling_settings import FROM_NOISE
from playground.lab.trajectory import Trajectory
from playground.theory.counting import CountedScore
from playground.theory.densities import Boxes, GaussianMixture
from playground.theory.forward import ForwardProcess
from playground.theory.guidance import LabelledScore, RowwiseScore
from playground.theory.noise import per_point
from playground.theory.partition import EnergyFunction
from playground.theory.samplers import (
    AdaptiveFlow,
    AnnealedLangevin,
    EdmSampler,
    Langevin,
    MetropolisAdjustedLangevin,
    MultistepSampler,
    ProbabilityFlow,
    ReverseSDE,
    Sampler,
    SamplerDiverged,
    Step,
)
from playground.theory.samplers.flow import OdeSolver
from playground.theory.samplers.langevin import LogDensity
from playground.theory.samplers.reverse import SdeSolver
from playground.theory.stability import MARGIN, largest_curvature, largest_step

LANGEVIN_STEP = 0.05
"""Step of plain Langevin over the variance of the narrowest part: its stationary variance is then 2.6 % too large."""

METROPOLIS_STEP = 1.25
"""Step of Metropolis-adjusted Langevin where the narrowest part has variance 1 and one dimension; in D it is D^(1/3) times shorter
(Roberts & Rosenthal 1998). It accepts 67 to 79 % on the toys of Gaussians, 99 % on the checkerboard and 62 % on the training set
of the digits, and its stationary density is right at any step."""

ANNEALED_STEP = 0.5
"""Step of annealed Langevin over sigma_L^2, half the noise's variance at every level: of the steps from 0.1 to 1.3 it left the
mode weights of the two Gaussians nearest to the truth, and their widths within 4 %."""

UNKNOWN_DETAIL = 0.1
"""Standard deviation of the narrowest part of unknown data, over that of the data."""


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
        raise ExperimentError(conflict.sentence)
    settings = defaults.resolve(problem.experiment).sampling
    steps, grid, correctors = settings.steps, settings.time_grid, settings.corrector_steps
    assert steps != "auto"
    assert grid != "auto"
    assert correctors != "auto"
    if settings.kind == "langevin":
        return Langevin(problem.noise.sigma_min, _step(problem), steps, known_part(problem))
    if settings.kind == "mala":
        return MetropolisAdjustedLangevin(_log_density(problem, score), problem.noise.sigma_min, _step(problem), steps)
    if settings.kind == "annealed-langevin":
        levels = problem.noise.levels(problem.experiment.noise.levels)
        return AnnealedLangevin(levels, _step(problem), steps // len(levels), settings.final_denoising)
    process = problem.process()
    if settings.kind == "forward":
        return ForwardProcess(process, steps, grid)
    if settings.kind == "edm":
        to_internal = problem.units.sigma_to_internal
        return EdmSampler(
            process,
            steps,
            settings.final_denoising,
            grid,
            correctors,
            settings.snr,
            churn=settings.churn,
            low=0.0 if settings.churn_min == "auto" else to_internal(settings.churn_min),
            high=math.inf if settings.churn_max == "auto" else to_internal(settings.churn_max),
            inflation=settings.churn_noise,
        )
    if settings.solver == "dpm-solver++":
        stochastic = settings.kind == "reverse-sde"
        final_denoising = stochastic and settings.final_denoising
        return MultistepSampler(process, steps, final_denoising, grid, correctors, settings.snr, stochastic)
    if settings.kind == "reverse-sde":
        sde = typing.cast(SdeSolver, settings.solver)
        return ReverseSDE(process, steps, settings.final_denoising, grid, correctors, settings.snr, solver=sde)
    if settings.solver == "adaptive":
        return AdaptiveFlow(process, steps, settings.tolerance, grid)
    ode = typing.cast(OdeSolver, settings.solver)
    return ProbabilityFlow(process, steps, False, grid, correctors, settings.snr, solver=ode)


def _log_density(problem: Problem, score: LabelledScore | None) -> LogDensity:
    source = problem.experiment.sampling.source
    if source == "empirical":
        return problem.empirical.log_prob
    if source == "learned":
        assert isinstance(score, EnergyFunction)  # or the source would be refused
        return score.log_density
    assert problem.density is not None  # likewise
    return problem.density.log_prob


def step_in_user_units(problem: Problem) -> float:
    """Return the value of `sampling.step = "auto"` for this experiment's Langevin sampler, in squared user units."""
    return _step(problem) * problem.units.sigma_to_user(1.0) ** 2


def _step(problem: Problem) -> float:
    settings, sigma = problem.experiment.sampling, problem.noise.sigma_min
    if settings.step != "auto":
        return problem.units.sigma_to_internal(math.sqrt(settings.step)) ** 2
    if settings.kind == "annealed-langevin":
        return ANNEALED_STEP * sigma**2
    density = problem.density
    if settings.source == "empirical":
        detail = 0.0  # its parts are points
    elif isinstance(density, GaussianMixture):
        detail = float(density.stds.min())
    elif isinstance(density, Boxes) and density.std + sigma > 0:
        detail = density.std  # a box pulls at its walls only, which are as soft as its blur and the noise
    else:
        detail = UNKNOWN_DETAIL
    share = LANGEVIN_STEP
    if settings.kind == "mala":
        share = METROPOLIS_STEP * math.prod(problem.shape) ** (-1 / 3)
    return share * (detail**2 + sigma**2)


def start_positions(problem: Problem, generator: torch.Generator) -> Tensor:
    """Return the particles' start, (particles, *shape) in internal units.

    "auto" is uniform for Langevin at one level, which has no prior of its own, and the prior for the others: that of the process,
    or for Langevin the Gaussian with the moments of the data smoothed by its coarsest level. The forward process always
    starts from training points. Metropolis's test knows where there is no density at all: outside the sharp boxes of a toy no
    particle starts, which would walk at random and may never come back.
    """
    x, settings = _start(problem, generator), problem.experiment.sampling
    if settings.kind == "mala" and settings.source == "exact":
        log_density, sigma = _log_density(problem, None), torch.tensor(problem.noise.sigma_min, device=problem.device)
        while bool((outside := torch.isneginf(log_density(x, sigma))).any()):
            x = torch.where(per_point(outside, x), _start(problem, generator), x)
    return x


def _start(problem: Problem, generator: torch.Generator) -> Tensor:
    settings, shape = problem.experiment.sampling, (problem.particles, *problem.shape)
    if settings.kind == "forward":
        rows = torch.randint(len(problem.train), (problem.particles,), generator=generator, device=generator.device)
        return ForwardProcess(problem.process(), 1).begin(problem.train[rows], generator)
    plain = settings.kind in ("langevin", "mala")
    if settings.start == "uniform" or (settings.start == "auto" and plain):
        low, high = data_box(problem)
        drawn = torch.rand(shape, generator=generator, device=generator.device)
        return low + (high - low) * drawn.to(problem.device)
    if settings.kind in FROM_NOISE:
        return problem.prior().sample(problem.particles, generator).to(problem.device)
    sigma = problem.noise.sigma_min if plain else problem.noise.sigma_max
    drawn = torch.randn(shape, generator=generator, device=generator.device)
    return math.sqrt(1.0 + sigma**2) * drawn.to(problem.device)


def data_box(problem: Problem) -> tuple[Tensor, Tensor]:
    """Lowest and highest corner of the box that uniform starts fill, in internal units, each of the shape of one point.

    A known density is boxed three standard deviations beyond its outermost components ([-8, 8]^2 for the two Gaussians
    at +-(5, 5)); other data by their 0.1 % and 99.9 % quantiles, a twentieth wider on each side.
    """
    density = problem.density
    if isinstance(density, GaussianMixture):
        reach = 3 * density.stds[:, None]
        return (density.means - reach).amin(0), (density.means + reach).amax(0)
    if isinstance(density, Boxes):
        return density.lows.amin(0) - 3 * density.std, density.highs.amax(0) + 3 * density.std
    flat = np.asarray(problem.train.flatten(1).cpu().numpy())
    bottom, top = np.quantile(flat, [0.001, 0.999], axis=0)
    margin = 0.05 * (top - bottom)
    corners = (
        torch.as_tensor(edge.reshape(problem.shape), dtype=torch.float32) for edge in (bottom - margin, top + margin)
    )
    low, high = (corner.to(problem.device) for corner in corners)
    return low, high


def require_stable_step(problem: Problem, score: LabelledScore, sampler: Sampler | None = None) -> None:
    """Refuse a step of Langevin's that was set and overshoots: above 2/L, L the largest curvature of the score near the data.

    Only set ones are looked at, for "auto" stays far below. Where a part of the point is known, its coordinates have steps of their own.

    Args:
        score: the one that the sampler follows.

    Raises:
        SamplerDiverged: the step is too long; the sentence says which would do.
    """
    settings = problem.experiment.sampling
    if (
        settings.step == "auto"
        or settings.inpainting_mask != "none"
        or settings.kind not in ("langevin", "annealed-langevin")
    ):
        return
    sampler = sampler or make_sampler(problem, score)
    if isinstance(sampler, AnnealedLangevin):
        levels = sampler.levels.tolist()
        shown = {0, len(levels) - 1, *range(0, len(levels), max(1, len(levels) // 6))}
        # At each level the step is half of alpha, and all follow from that of the finest.
        steps = [(levels[index], sampler.step / 2 * (levels[index] / levels[-1]) ** 2) for index in sorted(shown)]
    else:
        assert isinstance(sampler, Langevin)
        steps = [(sampler.sigma, sampler.step)]
    generator, followed = problem.generator("curvature"), conditioned(problem, score)
    most = CURVATURE_POINTS if len(problem.shape) == 1 else CURVATURE_IMAGES
    rows = problem.some_rows(len(problem.train), min(most, problem.particles), "curvature points")
    if isinstance(followed, RowwiseScore):
        followed = followed.for_rows(torch.arange(len(rows), device=problem.device))
    points = problem.train[torch.from_numpy(rows).to(problem.device)]
    longest = min(largest_step(largest_curvature(followed, points, sigma, generator)) / step for sigma, step in steps)
    if longest * MARGIN < 1:
        raise SamplerDiverged(
            f"sampling.step = {settings.step:g} is unstable: the score near the data is so steep that steps above "
            f"{longest * settings.step:.2g} diverge. Choose a shorter one, or auto."
        )


def _reach(problem: Problem) -> float:
    """Return how far from the middle of the data a particle can be, in internal units: the farthest point plus the
    coarsest noise of the run. A process contracts the points by alpha <= 1 and ends with noise of deviation std(1),
    its largest."""
    kind = problem.experiment.sampling.kind
    if kind in (*FROM_NOISE, "forward"):
        spread = float(problem.process().std(1.0))
    else:
        spread = problem.noise.sigma_max if kind == "annealed-langevin" else problem.noise.sigma_min
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
    problem: Problem, score: LabelledScore, seed: int | None = None, sampler: Sampler | None = None
) -> Iterator[Trajectory]:
    """Run the experiment's sampler, yielding the same growing trajectory after each of its steps, the start included, and between
    two that lie far apart: to cancel is to stop iterating. The trajectory counts evaluations of the score and seconds.

    Args:
        score: the learned or the exact score, in internal units; may change between steps. The learned one takes labels where
            the data have classes.
        seed: of the start and of all noise, in place of the experiment's own.
        sampler: one from :func:`make_sampler`, for a caller who changes its step while it runs.

    Raises:
        ExperimentError: the sampler does not fit the noise or the data.
        SamplerDiverged: Langevin's step is too long for the score, or a particle ran far away from the data, if not to infinity.
    """
    if seed is not None:
        problem = dataclasses.replace(problem, experiment=replace(problem.experiment, {"seed": seed}))
    sampler = sampler or make_sampler(problem, score)
    require_stable_step(problem, score, sampler)
    generator = problem.generator("sampling")
    start = start_positions(problem, generator)
    reach = FAR * max(_reach(problem), float(start.flatten(1).norm(dim=1).max()))
    trajectory = Trajectory(problem.units, problem.shape, len(start), sampler.total, problem.dataset.axes)
    counted = CountedScore(score, len(start))
    begun = time.perf_counter()
    for step in sampler.run_in_parts(conditioned(problem, counted), start, generator):
        if step is not None:
            _require_near(step, reach)
            trajectory.append(step, (counted.mean, counted.most))
        trajectory.seconds += time.perf_counter() - begun
        yield trajectory
        begun = time.perf_counter()  # the caller's own time is not the sampler's
