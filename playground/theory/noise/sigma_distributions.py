r"""Distributions of the noise levels in training, as densities of ln sigma between the two ends of a process.

The weight "likelihood" divides by the distribution's density, so its expected loss is the same under every distribution.
"""

import math
from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor

from playground.theory.noise.process import Process

SigmaDistributionName = Literal["log-normal", "log-uniform", "time", "importance"]

LOG_NORMAL_MEAN = -1.2  # the mean of ln(sigma / sd of the data): Karras et al. 2022, table 1
LOG_NORMAL_STD = 1.4  # Karras et al. have 1.2; 1.4 also covers the fine levels that a likelihood needs


class SigmaDistribution(ABC):
    """A distribution of sigma between the ends of a process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.low, self.high = math.log(process.sigma_min), math.log(process.sigma_max)

    @abstractmethod
    def quantile(self, u: Tensor) -> Tensor:
        """The u-quantile of sigma, for u in [0, 1)."""

    @abstractmethod
    def relative_density(self, sigma: Tensor) -> Tensor:
        """The density of ln sigma, relative to a uniform one."""


class LogUniform(SigmaDistribution):
    """ln sigma is uniform.

    For every process this is also the importance sampling of Song et al. (2021b, section 5.1), p(t) ~ g^2/std^2: since
    d(sigma^2) = (g/alpha)^2 dt, that is p(t) dt = 2 d ln sigma.
    """

    def quantile(self, u: Tensor) -> Tensor:
        return torch.exp(self.low + (self.high - self.low) * u)

    def relative_density(self, sigma: Tensor) -> Tensor:
        return torch.ones_like(sigma)


class LogNormal(SigmaDistribution):
    """ln sigma is N(-1.2, 1.4^2) for data of variance one, truncated at the ends. A network must learn most at middle levels
    (Karras et al. 2022)."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        # If both ends are far from the data's scale, the truncated distribution would vanish. So its centre stays between them.
        self._centre = min(max(LOG_NORMAL_MEAN, self.low), self.high)
        outside = ((self._centre - end) / LOG_NORMAL_STD for end in (self.low, self.high))
        self._ends = [0.5 * math.erfc(far / math.sqrt(2)) for far in outside]  # of the normal distribution function

    def quantile(self, u: Tensor) -> Tensor:
        low, high = self._ends
        log_sigma = self._centre + LOG_NORMAL_STD * torch.special.ndtri(low + (high - low) * u)
        return torch.exp(log_sigma.clamp(self.low, self.high))

    def relative_density(self, sigma: Tensor) -> Tensor:
        low, high = self._ends
        normal = torch.exp(-0.5 * ((torch.log(sigma) - self._centre) / LOG_NORMAL_STD) ** 2)
        return normal * ((self.high - self.low) / (LOG_NORMAL_STD * math.sqrt(2 * math.pi) * (high - low)))


class UniformTime(SigmaDistribution):
    """The process's time is uniform, as in Song et al. (2021). For VE ln sigma is then uniform; VP draws mostly coarse levels."""

    def quantile(self, u: Tensor) -> Tensor:
        return self.process.sigma(self.process.t_min + (1 - self.process.t_min) * u)

    def relative_density(self, sigma: Tensor) -> Tensor:
        t = self.process.time(sigma).clamp(self.process.t_min, 1.0)
        # d ln sigma / dt = (g / (alpha sigma))^2 / 2
        speed = 0.5 * (self.process.diffusion(t) / self.process.std(t)).square()
        return (self.high - self.low) / ((1 - self.process.t_min) * speed)


class Importance(SigmaDistribution):
    r"""The density is proportional to the likelihood-weighted loss at each level, for the score of data of variance one.

    The weighted denoising loss at a level is sigma^2 D/(sigma^2 (1 + sigma^2)), so ln sigma has the density 1/(1 + sigma^2), whose
    integral is -ln(1 + sigma^-2)/2. Coarse levels, where nothing is left to learn, are hardly drawn. With the likelihood
    weight, every level then counts as with the weight "edm". Exact and sliced score matching have weighted losses that do not
    decrease at coarse levels. Their expectation stays the same, but their variance is larger than with uniform ln sigma.
    """

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._ends = [-0.5 * math.log1p(math.exp(-2 * end)) for end in (self.low, self.high)]

    def quantile(self, u: Tensor) -> Tensor:
        low, high = self._ends
        return torch.expm1(-2 * (low + (high - low) * u)).rsqrt()

    def relative_density(self, sigma: Tensor) -> Tensor:
        low, high = self._ends
        return (self.high - self.low) / ((high - low) * (1 + sigma.square()))


SIGMA_DISTRIBUTIONS: dict[SigmaDistributionName, type[SigmaDistribution]] = {
    "log-normal": LogNormal,
    "log-uniform": LogUniform,
    "time": UniformTime,
    "importance": Importance,
}
