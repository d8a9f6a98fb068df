r"""What noise does to data: none, one sigma, a ladder of sigmas, or a continuous process.

Everything is stated in *variance-exploding coordinates*: the density smoothed by sigma is
p_sigma = p_data * N(0, sigma^2 I), and one score function s(x, sigma) = grad log p_sigma(x) serves every process, because
each process here is a scaled copy of that picture:

.. math:: x(t) = \alpha(t)\,(x_0 + \sigma(t)\,z), \quad z \sim N(0, I), \qquad
          \nabla \log p_t(x) = s(x/\alpha(t), \sigma(t)) / \alpha(t)

Time runs from 0 (data) to 1 (noise). Processes obey dx = f(x, t) dt + g(t) dw (Song et al. 2021).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

ScoreFunction = Callable[[Tensor, Tensor], Tensor]
"""Takes x (N, \\*shape) and sigma (0-d or (N,)); returns grad log p_sigma(x), in the shape of x."""

Law = Literal["log-normal", "log-uniform"]

LOG_NORMAL_MEAN = -1.2  # of ln(sigma / sd of the data): Karras et al. 2022, table 1
LOG_NORMAL_STD = 1.4  # theirs is 1.2; 1.4 reaches the fine levels that a likelihood needs


def per_point(values: Tensor, x: Tensor) -> Tensor:
    """`values`, 0-d or (N,), with axes appended until it multiplies x (N, \\*shape) row by row."""
    return values if values.ndim == 0 else values.reshape(-1, *[1] * (x.ndim - 1))


def geometric(sigma_max: float, sigma_min: float, count: int) -> Tensor:
    """`count` sigmas from coarse to fine whose neighbours have equal ratios, in float64; both ends are exact."""
    if count < 2:
        raise ValueError(f"A ladder needs at least two levels, not {count}.")
    steps = torch.linspace(0.0, 1.0, count, dtype=torch.float64)
    sigmas = sigma_max * (sigma_min / sigma_max) ** steps
    sigmas[-1] = sigma_min
    return sigmas


@dataclass(frozen=True)
class GaussianPrior:
    r"""The Gaussian that a process ends in, N(mean, std^2 R R^T) with the data's own correlations.

    Attributes:
        mean: the shape of one point.
        std: root of the mean variance per axis.
        root: lower triangular R, (D, D) over the flattened axes; None for the identity.
    """

    mean: Tensor
    std: float
    root: Tensor | None = None

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` draws, (count, \\*shape)."""
        z = torch.randn((count, *self.mean.shape), generator=generator, device=self.mean.device, dtype=self.mean.dtype)
        if self.root is not None:
            z = (z.flatten(1) @ self.root.T).reshape(z.shape)
        return self.mean + self.std * z

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats of each of x (N, \\*shape), (N,)."""
        z = ((x - self.mean) / self.std).flatten(1)
        log_volume = self.mean.numel() * (math.log(self.std) + 0.5 * math.log(2 * math.pi))
        if self.root is not None:
            z = torch.linalg.solve_triangular(self.root, z.T, upper=False).T
            log_volume += float(self.root.diagonal().log().sum())
        return -0.5 * z.square().sum(1) - log_volume


class Process(ABC):
    """A diffusion dx = f(x, t) dt + g(t) dw from data (t = 0) to noise (t = 1).

    Times may be numbers, 0-d or (N,); results have the shape of the time.
    """

    t_min: float
    """The time at which sigma(t) is the finest noise level: samplers stop and likelihoods start here."""

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
    def drift(self, x: Tensor, t: Tensor | float) -> Tensor:
        """f(x, t), in the shape of x."""

    @abstractmethod
    def diffusion(self, t: Tensor | float) -> Tensor:
        """g(t)."""

    def std(self, t: Tensor | float) -> Tensor:
        """Standard deviation of the noise in x(t)."""
        return self.scale(t) * self.sigma(t)

    def prior(self, mean: Tensor, variance: float | Tensor) -> GaussianPrior:
        """The Gaussian with the moments of x(1), for data of this mean and variance.

        Counting the data's own moments matters: for data of scale 1.5 and sigma_max = 10, N(0, sigma_max^2) moved the
        log-likelihood by 0.065 nat and this one by 0.002. So do correlations: on two moons, whose axes differ, the worst
        of 1,000 points was off by 0.14 nat with one variance for both axes and by 0.007 with the covariance.

        Args:
            variance: one number for every axis, or the covariance (D, D) over the flattened axes.
        """
        scale, sigma = float(self.scale(1.0)), float(self.sigma(1.0))
        if isinstance(variance, Tensor):
            covariance = variance.cpu().double() + sigma**2 * torch.eye(len(variance), dtype=torch.float64)
            size = float(covariance.diagonal().mean())
            root = torch.linalg.cholesky(covariance / size)
            return GaussianPrior(scale * mean, scale * math.sqrt(size), root.to(mean))
        return GaussianPrior(scale * mean, scale * math.sqrt(variance + sigma**2))

    def score(self, score: ScoreFunction, x: Tensor, t: Tensor | float) -> Tensor:
        """Score of the density of x(t), from a score function in variance-exploding coordinates."""
        t = _time(t, x)
        scale = per_point(self.scale(t), x)
        return score(x / scale, self.sigma(t)) / scale

    def probability_flow(self, score: ScoreFunction, x: Tensor, t: Tensor | float) -> Tensor:
        """Right-hand side f - g^2 s/2 of the ODE with the same marginals as the process."""
        t = _time(t, x)
        half_square = per_point(0.5 * self.diffusion(t).square(), x)
        return self.drift(x, t) - half_square * self.score(score, x, t)


def _time(t: Tensor | float, x: Tensor | None = None) -> Tensor:
    if isinstance(t, Tensor):
        return t
    return torch.as_tensor(t, dtype=torch.float64) if x is None else torch.as_tensor(t, dtype=x.dtype, device=x.device)


class VarianceExploding(Process):
    r"""Adds ever larger noise and leaves the mean alone.

    .. math:: dx = \sigma(t) \sqrt{2 \ln r}\, dw, \quad \sigma(t) = \sigma_{min} r^t,\ r = \sigma_{max}/\sigma_{min}

    Simulated from the data it reaches variance sigma(t)^2 - sigma_min^2, so the density at t = 0 is the data's smoothed by
    sigma_min, and likelihoods are of that one. Source: Song et al. 2021, appendix C.

    Args:
        sigma_min: finest noise, > 0.
        sigma_max: noise at t = 1, > sigma_min; at least the widest gap in the data, or the prior is not reached.
    """

    def __init__(self, sigma_min: float, sigma_max: float) -> None:
        if not 0 < sigma_min < sigma_max:
            raise ValueError(f"sigma_min = {sigma_min:g} must lie between 0 and sigma_max = {sigma_max:g}.")
        self.sigma_min, self.sigma_max = sigma_min, sigma_max
        self.t_min = 0.0
        self._log_ratio = math.log(sigma_max / sigma_min)

    def scale(self, t: Tensor | float) -> Tensor:
        return torch.ones_like(_time(t))

    def sigma(self, t: Tensor | float) -> Tensor:
        return self.sigma_min * torch.exp(self._log_ratio * _time(t))

    def time(self, sigma: Tensor | float) -> Tensor:
        return torch.log(_time(sigma) / self.sigma_min) / self._log_ratio

    def drift(self, x: Tensor, t: Tensor | float) -> Tensor:
        return torch.zeros_like(x)

    def diffusion(self, t: Tensor | float) -> Tensor:
        return self.sigma(t) * math.sqrt(2 * self._log_ratio)


class VariancePreserving(Process):
    r"""Shrinks the data while adding noise, so that data of variance one keep it.

    .. math:: dx = -\tfrac12 \beta x\,dt + \sqrt{\beta}\,dw, \quad \beta(t) = \beta_0 + t(\beta_1 - \beta_0),\quad
              \ln \alpha(t) = -\tfrac14 t^2 (\beta_1 - \beta_0) - \tfrac12 t \beta_0

    and std^2 = 1 - alpha^2, hence sigma^2 = exp(int beta) - 1. Source: Song et al. 2021, appendix C.

    Args:
        beta_min: rate at t = 0, > 0.
        beta_max: rate at t = 1, > beta_min.
        sigma_min: finest noise over signal; the process is followed down to the time where it has this much.
    """

    def __init__(self, beta_min: float, beta_max: float, sigma_min: float) -> None:
        if not 0 < beta_min < beta_max:
            raise ValueError(f"beta_min = {beta_min:g} must lie between 0 and beta_max = {beta_max:g}.")
        self.beta_min, self.beta_max = beta_min, beta_max
        self.sigma_max = float(self.sigma(1.0))
        if not 0 < sigma_min < self.sigma_max:
            raise ValueError(
                f"sigma_min = {sigma_min:g} must lie between 0 and {self.sigma_max:g}, the noise that this process ends with."
            )
        self.sigma_min = sigma_min
        self.t_min = float(self.time(sigma_min))

    def _integrated_rate(self, t: Tensor | float) -> Tensor:
        t = _time(t)
        return t * (self.beta_min + 0.5 * t * (self.beta_max - self.beta_min))

    def scale(self, t: Tensor | float) -> Tensor:
        return torch.exp(-0.5 * self._integrated_rate(t))

    def sigma(self, t: Tensor | float) -> Tensor:
        return torch.sqrt(torch.expm1(self._integrated_rate(t)))

    def time(self, sigma: Tensor | float) -> Tensor:
        integral = torch.log1p(_time(sigma).square())
        # The root of the quadratic without the difference of two near-equal numbers that the textbook form has.
        root = torch.sqrt(self.beta_min**2 + 2 * (self.beta_max - self.beta_min) * integral)
        return 2 * integral / (self.beta_min + root)

    def _rate(self, t: Tensor | float) -> Tensor:
        return self.beta_min + _time(t) * (self.beta_max - self.beta_min)

    def drift(self, x: Tensor, t: Tensor | float) -> Tensor:
        return per_point(-0.5 * self._rate(_time(t, x)), x) * x

    def diffusion(self, t: Tensor | float) -> Tensor:
        return torch.sqrt(self._rate(t))


class Noise(ABC):
    """Which noise levels an experiment has: how training draws them, and what samplers may make of them."""

    sigma_min: float
    sigma_max: float

    @abstractmethod
    def training_sigmas(self, count: int, generator: torch.Generator, law: Law = "log-normal") -> Tensor:
        """`count` noise levels for one training batch, (count,) float32 on the generator's device."""

    def relative_density(self, sigma: Tensor, law: Law = "log-normal") -> Tensor:
        """How often training draws ln sigma, relative to drawing it evenly; 1 where there is no choice."""
        return torch.ones_like(sigma)

    def levels(self, count: int) -> Tensor:
        """Noise levels from coarse to fine for annealed Langevin; a ladder has its own and ignores `count`.

        Raises:
            ValueError: there are fewer than two levels.
        """
        raise ValueError("Annealed Langevin needs a ladder of noise levels; this noise has fewer than two.")

    def process(self) -> Process:
        """The process from data to noise; a ladder is read as a variance-exploding one.

        Raises:
            ValueError: no path leads from data to noise.
        """
        raise ValueError("This noise has no path from data to noise; choose a ladder, VE or VP.")


class NoNoise(Noise):
    """The data as they are: sigma = 0."""

    sigma_min = sigma_max = 0.0

    def training_sigmas(self, count: int, generator: torch.Generator, law: Law = "log-normal") -> Tensor:
        return torch.zeros(count, device=generator.device)


class SingleSigma(Noise):
    """One noise level."""

    def __init__(self, sigma: float) -> None:
        if not sigma > 0:
            raise ValueError(f"sigma = {sigma:g} must be above 0.")
        self.sigma_min = self.sigma_max = sigma

    def training_sigmas(self, count: int, generator: torch.Generator, law: Law = "log-normal") -> Tensor:
        return torch.full((count,), self.sigma_max, device=generator.device)


class Ladder(Noise):
    """A finite ladder sigma_1 > ... > sigma_L > 0, drawn from evenly in training (Song and Ermon 2019)."""

    def __init__(self, sigmas: Sequence[float] | Tensor) -> None:
        self.sigmas = torch.as_tensor(sigmas, dtype=torch.float64)
        if len(self.sigmas) < 2 or not bool((self.sigmas[:-1] > self.sigmas[1:]).all()) or not self.sigmas[-1] > 0:
            raise ValueError("A ladder needs at least two sigmas above 0 that fall from coarse to fine.")
        self.sigma_max, self.sigma_min = float(self.sigmas[0]), float(self.sigmas[-1])

    def training_sigmas(self, count: int, generator: torch.Generator, law: Law = "log-normal") -> Tensor:
        rungs = self.sigmas.to(generator.device, torch.float32)
        return rungs[(_spread(count, generator) * len(rungs)).long().clamp(max=len(rungs) - 1)]

    def levels(self, count: int) -> Tensor:
        return self.sigmas

    def process(self) -> Process:
        return VarianceExploding(self.sigma_min, self.sigma_max)


class Continuous(Noise):
    r"""Every sigma of a process between its ends.

    Training draws ln sigma evenly, or from N(-1.2, 1.4^2) (data of variance one) cut off at the ends: most of what a
    network must learn lies at middle levels (Karras et al. 2022).
    """

    def __init__(self, noise_process: VarianceExploding | VariancePreserving) -> None:
        self._process = noise_process
        self.sigma_min, self.sigma_max = noise_process.sigma_min, noise_process.sigma_max
        self._low, self._high = math.log(self.sigma_min), math.log(self.sigma_max)
        # Ends set far from the data's own scale would leave nothing of the normal law: its centre stays between them.
        self._centre = min(max(LOG_NORMAL_MEAN, self._low), self._high)
        self._ends = [_normal_cdf((end - self._centre) / LOG_NORMAL_STD) for end in (self._low, self._high)]

    def training_sigmas(self, count: int, generator: torch.Generator, law: Law = "log-normal") -> Tensor:
        u = _spread(count, generator)
        if law == "log-uniform":
            return torch.exp(self._low + (self._high - self._low) * u)
        low, high = self._ends
        log_sigma = self._centre + LOG_NORMAL_STD * torch.special.ndtri(low + (high - low) * u)
        return torch.exp(log_sigma.clamp(self._low, self._high))

    def relative_density(self, sigma: Tensor, law: Law = "log-normal") -> Tensor:
        if law == "log-uniform":
            return torch.ones_like(sigma)
        low, high = self._ends
        normal = torch.exp(-0.5 * ((torch.log(sigma) - self._centre) / LOG_NORMAL_STD) ** 2)
        return normal * ((self._high - self._low) / (LOG_NORMAL_STD * math.sqrt(2 * math.pi) * (high - low)))

    def levels(self, count: int) -> Tensor:
        return geometric(self.sigma_max, self.sigma_min, count)

    def process(self) -> Process:
        return self._process


def _spread(count: int, generator: torch.Generator) -> Tensor:
    """`count` numbers in [0, 1), one in each of as many equal parts: each is uniform, and the batch covers all levels."""
    u = torch.rand(count, generator=generator, device=generator.device)
    return u.add_(torch.arange(count, device=generator.device)).div_(count)


def _normal_cdf(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))
