"""Samplers on Gaussian data, whose moments are known at every time of every process.

With the score of a Gaussian, a sampler of any usual kind is linear in its start and in its random numbers. Each coefficient is
found by running it with one of these numbers at a time: so the moments of its last frame are known without sampling error.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from playground.lab.audit.deviations import normals, seeded
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.theory.densities import Density, GaussianMixture
from playground.theory.noise import per_point
from playground.theory.samplers import Sampler, Step

MEAN, STD = (0.7, -0.4), 0.6
"""The Gaussian of the audits: a mean other than 0 and a deviation other than 1 tell wrong factors apart."""
TOLERANCE = 1e-9
"""Largest error, relative to 1, with which a run may differ from the sum of its parts and still count as linear."""
DRAWN = (torch.randn, torch.randn_like)
OTHER_DRAWS = (torch.rand, torch.rand_like, torch.normal, torch.bernoulli, torch.randint, torch.multinomial)


def center() -> Tensor:
    """The mean of the Gaussian, (2,) float64."""
    return torch.tensor(MEAN, dtype=torch.float64)


def score(x: Tensor, sigma: Tensor) -> Tensor:
    """The score of the Gaussian smoothed by sigma."""
    return -(x - center().to(x)) / (STD**2 + per_point(torch.as_tensor(sigma).to(x), x) ** 2)


def gaussian_problem(experiment: Experiment, changes: Mapping[str, Any]) -> Problem:
    """The problem of an experiment with changed settings, whose data are those of the Gaussian, in float64."""
    small = {"data.kind": "two-gaussians", "data.points": 500, "likelihood.points": 10}
    problem = Problem.build(replace(replace(experiment, small), changes))
    units = dataclasses.replace(problem.units, offset=np.zeros(2), scale=np.ones(2))
    density = GaussianMixture(center()[None], torch.tensor([STD], dtype=torch.float64))
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


class _Given(TorchFunctionMode):
    """Replaces the normal random numbers that torch draws by given ones, in the order in which they are drawn.

    Args:
        numbers: takes the number of the draw and the drawn tensor; returns what is used instead.
    """

    def __init__(self, numbers: Callable[[int, Tensor], Tensor]) -> None:
        super().__init__()
        self.count: int = 0
        self._numbers = numbers

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in OTHER_DRAWS or getattr(func, "__name__", "") in ("normal_", "uniform_", "bernoulli_", "random_"):
            raise NotLinear("the sampler draws other random numbers than torch.randn")
        made = func(*args, **(kwargs or {}))
        if func in DRAWN:
            made = self._numbers(self.count, made)
            self.count += 1
        return made


def last(sampler: Sampler, start: Tensor, seed: int = 0) -> Step:
    """The last frame of a run on the Gaussian."""
    with torch.no_grad():
        *_, step = sampler.run(score, start, seeded(seed))
    return step


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


def _beginning(start: Moments) -> Tensor:
    return torch.tensor([[start.mean, 0.3]], dtype=torch.float64)


def draws(sampler: Sampler, start: Moments) -> tuple[int, Tensor]:
    """How many normal random numbers a run draws for each coordinate of a particle, and where it ends if all are 0, (1, 2).

    Raises:
        NotLinear: it draws other random numbers, or numbers of another shape than the particles.
    """
    base = _beginning(start)

    def silence(_: int, drawn: Tensor) -> Tensor:
        if drawn.shape != base.shape:
            raise NotLinear("the sampler draws numbers of another shape than the particles")
        return torch.zeros_like(drawn)

    counting = _Given(silence)
    with counting:
        end = last(sampler, base)
    return counting.count, end.positions


def exact_moments(sampler: Sampler, start: Moments) -> Moments:
    """Moments of the last frame from a Gaussian start, without sampling error.

    Row 0 starts at the mean, row 1 a deviation further. Row 2 + k has a unit impulse in the k-th random number, and the last row has
    all of them at once, by which the sum of the parts is checked. Row 0 must end as it does alone: particles that steer each other, as in
    corrector steps, have no such coefficients.

    Raises:
        NotLinear: the run is not a linear function of its start and its normal random numbers.
    """
    base, (count, alone) = _beginning(start), draws(sampler, start)
    mixed = normals(count + 1, seed=7)
    rows = base.repeat(count + 3, 1)
    rows[1, 0] += math.sqrt(start.variance)
    rows[-1, 0] += math.sqrt(start.variance) * float(mixed[-1])

    def impulse(number: int, drawn: Tensor) -> Tensor:
        numbers = torch.zeros_like(drawn)
        numbers[2 + number, 0] = 1.0
        numbers[-1, 0] = mixed[number]
        return numbers

    with _Given(impulse):
        end = last(sampler, rows).positions
    parts = (end - end[0])[:, 0]
    whole = parts[1] * mixed[-1] + parts[2:-1] @ mixed[:-1]
    moved = (end[:, 1] - end[0, 1]).abs().max()
    if not float((end[0] - alone[0]).abs().max()) < TOLERANCE:
        raise NotLinear("the sampler's particles depend on each other")
    if not float((whole - parts[-1]).abs() / (1 + whole.abs())) < TOLERANCE or not float(moved) < TOLERANCE:
        raise NotLinear("the sampler's steps are not linear")
    return Moments(float(end[0, 0]), float(parts[1:-1].square().sum()))


def starting_points(start: Moments, count: int, seed: int) -> Tensor:
    """Draws of a start with these :func:`starting_moments`, (count, 2) float64."""
    return start.mean / MEAN[0] * center() + math.sqrt(start.variance) * normals(count, 2, seed=seed)
