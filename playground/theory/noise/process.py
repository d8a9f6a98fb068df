"""A diffusion from data to noise, seen from its two schedules alpha(t) and sigma(t)."""

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
    """`values`, 0-d or (N,), with axes appended until it multiplies x (N, \\*shape) row by row."""
    return values if values.ndim == 0 else values.reshape(-1, *[1] * (x.ndim - 1))


class ScheduleState(NamedTuple):
    """The numbers of a process at one time, which a solver with a fixed time grid needs.

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

    t_min: float
    """The time at which sigma(t) is the finest noise level: samplers stop and likelihoods start here."""

    sigma_min: float
    """sigma(t_min)."""

    sigma_max: float
    """sigma(1)."""

    @abstractmethod
    def scale(self, t: Tensor | float) -> Tensor:
        """alpha(t), by which the process shrinks the data."""

    @abstractmethod
    def sigma(self, t: Tensor | float) -> Tensor:
        """Noise over signal, std(t)/alpha(t): the sigma at which a score function is asked."""

    @abstractmethod
    def time(self, sigma: Tensor | float) -> Tensor:
        """The t with sigma(t) = `sigma`."""

    @abstractmethod
    def rate(self, t: Tensor | float) -> Tensor:
        """f(x, t)/x, the rate at which the drift lets the data grow: of every process a number, at most 0."""

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

        Counting the data's own moments matters: for data of scale 1.5 and sigma_max = 10, N(0, sigma_max^2) moved the
        log-likelihood by 0.065 nat and this one by 0.002. So do correlations: on two moons, whose axes differ, the worst
        of 1,000 points was off by 0.14 nat with one variance for both axes and by 0.007 with the covariance.

        Args:
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
    """A time as a tensor: a number becomes float64, or what x is."""
    if isinstance(t, Tensor):
        return t
    return torch.as_tensor(t, dtype=torch.float64) if x is None else torch.as_tensor(t, dtype=x.dtype, device=x.device)
