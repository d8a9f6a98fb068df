"""A diffusion from data to noise, defined by its two schedules alpha(t) and sigma(t)."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from playground.theory.noise.prior import GaussianPrior, PrincipalAxes

ScoreFunction = Callable[[Tensor, Tensor], Tensor]
"""Takes x (N, \\*shape) and sigma (0-d or (N,)); returns grad log p_sigma(x), in the shape of x."""


def per_point(values: Tensor, x: Tensor) -> Tensor:
    """`values`, 0-d or (N,), with axes appended so that it broadcasts against x (N, \\*shape) row by row."""
    return values if values.ndim == 0 else values.reshape(-1, *[1] * (x.ndim - 1))


def like(values: Tensor | float, x: Tensor) -> Tensor:
    """Numbers as a tensor with the dtype and device of x."""
    return torch.as_tensor(values, dtype=x.dtype, device=x.device)


class ScheduleState(NamedTuple):
    """A process's schedules at one time, for a solver with a fixed time grid.

    Attributes:
        time: t.
        scale, sigma: alpha and std/alpha.
        rate, diffusion: f(x, t)/x and g.
    """

    time: float
    scale: float
    sigma: float
    rate: float
    diffusion: float


class Process(ABC):
    """A diffusion dx = f(x, t) dt + g(t) dw from data (t = 0) to noise (t = 1).

    Times may be numbers, 0-d or (N,); results have the shape of the time.
    """

    t_min: float = 0.0
    """The time of the finest noise level, at which samplers stop and likelihoods start."""

    sigma_min: float
    """sigma(t_min)."""

    sigma_max: float
    """sigma(1)."""

    @abstractmethod
    def scale(self, t: Tensor | float) -> Tensor:
        """alpha(t), the factor of the data in x(t)."""

    @abstractmethod
    def sigma(self, t: Tensor | float) -> Tensor:
        """Noise over signal, std(t)/alpha(t): the sigma at which a score function is evaluated."""

    @abstractmethod
    def time(self, sigma: Tensor | float) -> Tensor:
        """The t with sigma(t) = `sigma`."""

    @abstractmethod
    def rate(self, t: Tensor | float) -> Tensor:
        """f(x, t)/x, the growth rate of the data under the drift. It does not depend on x, and is at most 0."""

    @abstractmethod
    def diffusion(self, t: Tensor | float) -> Tensor:
        """g(t)."""

    def drift(self, x: Tensor, t: Tensor | float) -> Tensor:
        """f(x, t), in the shape of x."""
        return per_point(self.rate(as_time(t, x)), x) * x

    def states_at(self, times: list[float]) -> list[ScheduleState]:
        """The state of the schedule at each of these times, computed in double precision."""
        t = torch.tensor(times, dtype=torch.float64)
        found = (values.tolist() for values in (self.scale(t), self.sigma(t), self.rate(t), self.diffusion(t)))
        return [ScheduleState(*numbers) for numbers in zip(times, *found, strict=True)]

    def std(self, t: Tensor | float) -> Tensor:
        """Standard deviation of the noise in x(t)."""
        return self.scale(t) * self.sigma(t)

    def prior(self, mean: Tensor, variance: float | Tensor | PrincipalAxes) -> GaussianPrior:
        """The Gaussian with the moments of x(1), for data of this mean and variance.

        The data's own moments matter. For data of scale 1.5 and sigma_max = 10, the prior N(0, sigma_max^2) changes the
        log-likelihood by 0.065 nat, and this prior by 0.002. Correlations matter too. On two moons, whose axes differ, the
        largest error of 1,000 points is 0.14 nat with one variance for both axes, and 0.007 with the covariance.

        Args:
            mean: the data's mean, in the shape of one point.
            variance: one number for every axis, or the covariance over the flattened axes, (D, D) or by its principal axes.
        """
        scale, sigma = float(self.scale(1.0)), float(self.sigma(1.0))
        if isinstance(variance, Tensor):
            variance = PrincipalAxes.of_covariance(variance)
        if isinstance(variance, PrincipalAxes):
            stretch = (1 + variance.variances / sigma**2).sqrt()
            return GaussianPrior(scale * mean, scale * sigma, variance.axes.to(mean), stretch.to(mean))
        return GaussianPrior(scale * mean, scale * math.sqrt(variance + sigma**2))

    def score(self, score: ScoreFunction, x: Tensor, t: Tensor | float) -> Tensor:
        """Score of the density of x(t), from a score function in variance-exploding coordinates."""
        t = as_time(t, x)
        scale = per_point(self.scale(t), x)
        return score(x / scale, self.sigma(t)) / scale

    def probability_flow(self, score: ScoreFunction, x: Tensor, t: Tensor | float) -> Tensor:
        """Right-hand side f - g^2 s/2 of the ODE with the same marginals as the process."""
        t = as_time(t, x)
        half_square = per_point(0.5 * self.diffusion(t).square(), x)
        return self.drift(x, t) - half_square * self.score(score, x, t)


def as_time(t: Tensor | float, x: Tensor | None = None) -> Tensor:
    """A time as a tensor. A number takes the dtype and device of x, or becomes float64."""
    if isinstance(t, Tensor):
        return t
    return torch.as_tensor(t, dtype=torch.float64) if x is None else like(t, x)
