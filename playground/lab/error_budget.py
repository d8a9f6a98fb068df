"""The parts of the distance between samples and data that score factor, score, steps, prior and sigma_min cause.

One after another they are replaced by what has no error: a wrong factor by 1, the score by the exact one, the steps by an adaptive solver of the exact
probability flow, the prior by noisy data, and sigma_min by nearly zero. Each part is the fall of the squared distance by one
replacement, so the parts and the floor add up to the whole.
"""

import math
from collections.abc import Generator

import torch
from torch import Tensor

from playground.kinds.samplers import FromNoise
from playground.lab.conditioning import conditioned_score
from playground.lab.conflicts import budget_conflict
from playground.lab.defaults import resolve
from playground.lab.figures import sorts_of
from playground.lab.figures.error_budget import FIGURES
from playground.lab.measured import Measured, missing
from playground.lab.problem import Problem
from playground.lab.sample_metrics import along_directions
from playground.lab.sampling import make_sampler
from playground.theory import metrics, ode
from playground.theory.densities import Density
from playground.theory.guidance import LabelledScore
from playground.theory.samplers import SamplerDiverged
from playground.theory.samplers.base import posterior_mean

REPEATS, POINTS = 10, 300
"""Pairs of clouds of samples and data, and most points in each. All samples are drawn in one run."""
TOLERANCE = 1e-4
"""Of the adaptive solver. Its error is far below the distance of two clouds of 300 points of the data, 0.1 standard deviations."""
NEARLY_ZERO = 0.01
"""The noise level in place of sigma_min, over sigma_min. It leaves a ten-thousandth of the variance."""


def error_budget(problem: Problem, score: LabelledScore) -> Generator[float, None, dict[str, Measured]]:
    """The figures of the part, in squared user units; yields the fraction done. `budget_points`: pairs of clouds, and
    points in each.

    The distance is the squared sliced W2 of samples and fresh draws of the known density, the mean of `REPEATS` pairs of
    clouds. All replacements are compared with the same draws in the same directions, and start from the same noise. The errors
    are those of a mean over the pairs; they do not include that another training would give another network.

    Args:
        score: the one that the experiment's sampler follows, in internal units; must not change while this runs.
    """
    conflict = budget_conflict(problem.experiment, problem.conditions)
    if conflict is not None:
        return missing(sorts_of("Error budget"), conflict)
    try:
        distances = yield from _distances(problem, score)
    except (SamplerDiverged, ode.TooManySteps) as error:
        return missing(sorts_of("Error budget"), error.message)
    # The last row is the floor, and each row above it exceeds the next one by one part.
    parts = torch.cat([distances[:1], distances[:-1] - distances[1:], distances[-1:]])
    found = {key: Measured(*metrics.mean_with_error(values)) for key, values in zip(FIGURES, parts, strict=True)}
    return found | {"budget_points": Measured((REPEATS, _points(problem)))}


def _points(problem: Problem) -> int:
    return min(problem.particles, POINTS)


def _distances(problem: Problem, score: LabelledScore) -> Generator[float, None, Tensor]:
    """The squared distances of each sampler, of which one more part is replaced in each row, (6, REPEATS); yields the progress."""
    own = problem.edited({"sampling.particles": REPEATS * _points(problem)})
    right = own.edited({"sampling.score_factor": 1.0})
    exact = right.edited({"sampling.source": "exact"})
    known = exact.known_score()
    assert known is not None
    assert own.dataset.density is not None
    start, end = yield from _run(own, score, 0.0)
    ends = [end]
    for number, before, run, followed in ((1, own, right, score), (2, right, exact, known)):
        if run.experiment != before.experiment:  # otherwise there is nothing to replace
            _, end = yield from _run(run, followed, 0.2 * number)
        ends.append(end)
    density = _standardized(own)
    process, settings = own.process(), resolve(own.experiment).sampling
    assert isinstance(settings, FromNoise)
    scale, std = float(process.scale(1.0)), float(process.std(1.0))
    generator = own.generator("error budget", "cpu")
    # The noise of the prior is that of the noisy data too, so that the ends of both runs are near each other.
    start = start.cpu().double()
    noise = torch.randn(start.shape, generator=generator, dtype=start.dtype)
    if settings.start != "uniform":
        prior = process.prior(torch.zeros(own.shape, dtype=torch.float64), own.spread())
        noise = prior.to_normal(start)
    noisy = scale * density.sample(len(start), generator).double() + std * noise
    fine, coarse = process.sigma_min, process.sigma_max
    levels = torch.tensor([math.log(coarse), math.log(fine), math.log(NEARLY_ZERO * fine)], dtype=torch.float64)
    for begin, seen in ((start, levels[:2]), (noisy, levels)):
        share = 0.6 if len(seen) == 2 else 0.75
        frames = ode.frames(_flow(density), begin / scale, seen, TOLERANCE)
        reached = []
        for x in frames:
            if x is not None:
                reached.append(x)
            yield share
        at_fine = reached[1]
        if settings.denoises_at_end:
            at_fine = posterior_mean(density.score, at_fine, torch.tensor(fine, dtype=torch.float64))
        ends += [at_fine, *reached[2:]]
    data = own.dataset.density.to("cpu", torch.float64).sample(len(start), generator)
    distances = []
    for end in ends:
        pairs = zip(own.equalized(end).chunk(REPEATS), data.chunk(REPEATS), strict=True)
        distances.append([along_directions(own, *pair) ** 2 for pair in pairs])
        yield 0.9 + 0.1 * len(distances) / len(ends)
    return torch.tensor(distances, dtype=torch.float64)


def _run(problem: Problem, score: LabelledScore, begun: float) -> Generator[float, None, tuple[Tensor, Tensor]]:
    """Start and end of a run of the experiment's sampler, in internal units; the same noise at every call."""
    sampler, generator = make_sampler(problem, score), problem.generator("sampling")
    start = problem.experiment.sampling.starting_points(problem, generator)
    end = start
    for step in sampler.run_in_parts(conditioned_score(problem, score), start, generator):
        if step is not None:
            end = step.positions
            yield begun + 0.2 * step.index / max(step.total, 1)
        else:
            yield begun
    return start, end


def _standardized(problem: Problem) -> Density:
    """The known density in internal units, in double precision on the CPU."""
    density, units = problem.dataset.density, problem.units
    assert density is not None
    moved = density.standardized(torch.tensor(units.offset), float(units.scale.flat[0]))
    return moved.to("cpu", torch.float64)


def _flow(density: Density) -> ode.Field:
    """dx/d ln sigma = -sigma^2 s(x, sigma): the probability flow of every process, in data coordinates."""

    def field(x: Tensor, log_sigma: Tensor) -> Tensor:
        sigma = log_sigma.exp()
        return -sigma.square()[:, None] * density.score(x, sigma)

    return field
