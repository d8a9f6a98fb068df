"""Samplers on Gaussian data, whose moments are known at every time of every process.

With the score of a Gaussian, a sampler of any usual kind is linear in its start and in its random numbers. Least squares finds the
coefficients from somewhat more particles than there are numbers: so the moments of the last frame are known without sampling error.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from playground.lab.audit.deviations import doubles, gap, normals, seeded
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.theory.densities import Density, GaussianMixture
from playground.theory.noise import ScoreFunction, per_point
from playground.theory.samplers import Sampler

MEAN, STD = (0.7, -0.4), 0.6
"""The Gaussian of the audits: a mean other than 0 and a deviation other than 1 tell wrong factors apart."""
TOLERANCE = 1e-9
"""Largest error, relative to 1, with which a run may differ from a linear function and still count as linear."""
SPARE = 42
"""Particles beyond the coefficients that are to be found, which tell whether the run is linear."""
DRAWN = (torch.randn, torch.randn_like)
OTHER_DRAWS = (torch.rand, torch.rand_like, torch.normal, torch.bernoulli, torch.randint, torch.multinomial)


def center() -> Tensor:
    """The mean of the Gaussian, (2,) float64."""
    return doubles(MEAN)


def mixture() -> GaussianMixture:
    """Three components with mean 0, of widths from 0.3 to 0.5, where one Gaussian is not enough."""
    means = doubles([[1.1, 0.4], [-1.2, 0.5], [0.1, -0.9]])
    return GaussianMixture(means, doubles([0.4, 0.3, 0.5]))


def score(x: Tensor, sigma: Tensor) -> Tensor:
    """The score of the Gaussian smoothed by sigma."""
    return -(x - center().to(x)) / (STD**2 + per_point(torch.as_tensor(sigma).to(x), x) ** 2)


def gaussian_problem(experiment: Experiment, changes: Mapping[str, Any]) -> Problem:
    """The problem of an experiment with changed settings, whose data are those of the Gaussian, in float64."""
    small = {"data.kind": "two-gaussians", "data.points": 500, "likelihood.points": 10}
    problem = Problem.build(replace(replace(experiment, small), changes))
    units = dataclasses.replace(problem.units, offset=np.zeros(2), scale=np.ones(2))
    density = GaussianMixture(center()[None], doubles([STD]))
    return dataclasses.replace(with_density(problem, density), units=units)


def with_density(problem: Problem, density: Density) -> Problem:
    """The problem with draws of a density as data."""
    return dataclasses.replace(
        problem, train=density.sample(2_000, seeded()), test=density.sample(100, seeded(1)), density=density
    )


def build(problem: Problem) -> Sampler:
    """The experiment's sampler, which follows the exact score."""
    return resolve(problem.experiment).sampling.build(problem, None)


class NotLinear(ArithmeticError):
    """A run is not linear in its start and its normal random numbers."""


class _Drawn(TorchFunctionMode):
    """Records the normal random numbers that torch draws.

    Attributes:
        numbers: each tensor of them, in the order in which they are drawn.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in OTHER_DRAWS or getattr(func, "__name__", "") in ("normal_", "uniform_", "bernoulli_", "random_"):
            raise NotLinear("the sampler draws other random numbers than torch.randn")
        made = func(*args, **(kwargs or {}))
        if func in DRAWN:
            self.numbers.append(made.clone())
        return made


def last(sampler: Sampler, start: Tensor, seed: int = 0, follows: ScoreFunction = score) -> Tensor:
    """Where a run ends, on the Gaussian or by another score."""
    with torch.no_grad():
        *_, step = sampler.run(follows, start, seeded(seed))
    return step.positions


def drawn(sampler: Sampler, start: Tensor, follows: ScoreFunction = score) -> tuple[Tensor, list[Tensor]]:
    """Where a run ends, and the normal random numbers that it draws, each (N, *shape) like the start.

    Raises:
        NotLinear: it draws other random numbers, or numbers of another shape than the particles.
    """
    with _Drawn() as found:
        end = last(sampler, start, follows=follows)
    if any(numbers.shape != start.shape for numbers in found.numbers):
        raise NotLinear("the sampler draws numbers of another shape than the particles")
    return end, found.numbers


def coefficients(
    sampler: Sampler, begin: Callable[[Tensor], Tensor], *shape: int, axes: int, follows: ScoreFunction = score
) -> Tensor:
    """The first coordinates of a run's end as a linear function of normal numbers, by least squares, (1 + numbers, axes).

    The first row is the constant. The others are the coefficients of the numbers of the start and of those that the run draws.

    Args:
        begin: takes standard normal numbers (N, *shape), and returns the start.
        axes: so many coordinates are not to depend on the numbers of the others.

    Raises:
        NotLinear: the run is no such function.
    """

    def run(count: int, seed: int) -> tuple[Tensor, Tensor]:
        """What the ends of so many particles are to be made of, and the ends."""
        z = normals(count, *shape, seed=seed)
        end, numbers = drawn(sampler, begin(z), follows)
        parts = (part.flatten(1)[:, :axes] for part in (z, *numbers))
        return torch.cat([torch.ones(count, 1, dtype=z.dtype), *parts], 1), end.flatten(1)[:, :axes]

    alone = run(1, 0)
    several = run(alone[0].shape[1] + SPARE, 7)
    if not all(part.isfinite().all() for part in several):  # lstsq would end with an error of torch
        raise NotLinear("the sampler's ends are not finite")
    found: Tensor = torch.linalg.lstsq(*several, driver="gels").solution
    if not max(gap(known @ found, ends) for known, ends in (alone, several)) < TOLERANCE:
        raise NotLinear("the sampler's steps are not linear, or its particles depend on each other")
    return found


@dataclass(frozen=True)
class Moments:
    """Mean and variance of the first coordinate."""

    mean: float
    variance: float

    def distance(self, other: "Moments") -> float:
        """The relative error of both together: of the mean in deviations, of the variance in variances."""
        return math.hypot(
            (self.mean - other.mean) / math.sqrt(other.variance), (self.variance - other.variance) / other.variance
        )


def starting_moments(sampler: Sampler, problem: Problem, sigma: float) -> Moments:
    """Moments of the Gaussian smoothed by sigma, in the coordinates in which a sampler starts."""
    first = next(iter(sampler.run(score, torch.zeros(1, 2, dtype=torch.float64), seeded())))
    alpha = 1.0 if first.time is None else float(problem.process().scale(first.time))
    return Moments(alpha * MEAN[0], alpha**2 * (STD**2 + sigma**2))


def exact_moments(sampler: Sampler, start: Moments) -> Moments:
    """Moments of the last frame from a Gaussian start, without sampling error.

    Raises:
        NotLinear: the run is not a linear function of its start and its normal random numbers.
    """
    found = coefficients(sampler, functools.partial(started, start), 2, axes=1)
    return Moments(float(found[0]), float(found[1:].square().sum()))


def started(start: Moments, z: Tensor) -> Tensor:
    """The points of a start with these :func:`starting_moments`, from standard normal numbers (N, 2) float64."""
    return start.mean / MEAN[0] * center() + math.sqrt(start.variance) * z
