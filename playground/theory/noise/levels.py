"""The noise levels of an experiment, and how training draws them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from playground.theory.noise.process import Process
from playground.theory.noise.processes import VarianceExploding
from playground.theory.noise.sigma_distributions import SIGMA_DISTRIBUTIONS, SigmaDistributionName

if TYPE_CHECKING:
    from playground.theory.start_set import StartSet


def geometric(sigma_max: float, sigma_min: float, count: int) -> Tensor:
    """`count` sigmas in geometric progression from coarse to fine, in float64. Both ends are exact."""
    if count < 2:
        raise ValueError(f"Discrete noise needs at least two levels, not {count}.")
    steps = torch.linspace(0.0, 1.0, count, dtype=torch.float64)
    sigmas = sigma_max * (sigma_min / sigma_max) ** steps
    sigmas[-1] = sigma_min
    return sigmas


class Noise(ABC):
    """The noise levels of an experiment: how training draws them, and which process samplers follow."""

    sigma_min: float
    sigma_max: float
    start: "StartSet | None" = None
    """The start set whose points take the place of Gaussian noise, or None."""

    @abstractmethod
    def training_sigmas(
        self, count: int, generator: torch.Generator, distribution: SigmaDistributionName = "log-normal"
    ) -> Tensor:
        """`count` noise levels for one training batch, (count,) float32 on the generator's device."""

    def relative_density(self, sigma: Tensor, distribution: SigmaDistributionName = "log-normal") -> Tensor:
        """Return the training density of ln sigma, relative to a uniform one; 1 if there is no choice."""
        return torch.ones_like(sigma)

    def levels(self, count: int) -> Tensor:
        """Noise levels from coarse to fine for annealed Langevin. Discrete noise returns its own levels and ignores `count`.

        Raises:
            ValueError: there are fewer than two levels.
        """
        raise ValueError("Annealed Langevin needs several noise levels; this noise has fewer than two.")

    def process(self) -> Process:
        """Return the process from data to noise; discrete levels count as variance exploding.

        Raises:
            ValueError: no path leads from data to noise.
        """
        raise ValueError("This noise has no path from data to noise; choose discrete levels or a process.")


class NoNoise(Noise):
    """The data as they are: sigma = 0."""

    sigma_min = sigma_max = 0.0

    def training_sigmas(
        self, count: int, generator: torch.Generator, distribution: SigmaDistributionName = "log-normal"
    ) -> Tensor:
        return torch.zeros(count, device=generator.device)


class SingleSigma(Noise):
    """One noise level."""

    def __init__(self, sigma: float) -> None:
        if not sigma > 0:
            raise ValueError(f"sigma = {sigma:g} must be above 0.")
        self.sigma = self.sigma_min = self.sigma_max = sigma

    def training_sigmas(
        self, count: int, generator: torch.Generator, distribution: SigmaDistributionName = "log-normal"
    ) -> Tensor:
        return torch.full((count,), self.sigma_max, device=generator.device)


class DiscreteNoise(Noise):
    """Finitely many levels sigma_1 > ... > sigma_L > 0, drawn uniformly in training: NCSN (Song and Ermon 2019)."""

    def __init__(self, sigmas: Sequence[float] | Tensor) -> None:
        self.sigmas = torch.as_tensor(sigmas, dtype=torch.float64)
        if len(self.sigmas) < 2 or not bool((self.sigmas[:-1] > self.sigmas[1:]).all()) or not self.sigmas[-1] > 0:
            raise ValueError("Discrete noise needs at least two sigmas above 0 that fall from coarse to fine.")
        self.sigma_max, self.sigma_min = float(self.sigmas[0]), float(self.sigmas[-1])
        logs = self.sigmas.log().flip(0)
        gaps = torch.gradient(logs)[0]
        self._middles, self._densities = (logs[1:] + logs[:-1]) / 2, gaps.mean() / gaps

    def training_sigmas(
        self, count: int, generator: torch.Generator, distribution: SigmaDistributionName = "log-normal"
    ) -> Tensor:
        levels = self.sigmas.to(generator.device, torch.float32)
        return levels[(_stratified(count, generator) * len(levels)).long().clamp(max=len(levels) - 1)]

    def relative_density(self, sigma: Tensor, distribution: SigmaDistributionName = "log-normal") -> Tensor:
        """Return the mean gap in ln sigma over the gap at the nearest level.

        The gap at a level is half the distance between its neighbours, or at an end the distance to the only neighbour. All gaps
        of geometric levels are equal.
        """
        level = torch.bucketize(sigma.log(), self._middles.to(sigma))
        return self._densities.to(sigma)[level]

    def levels(self, count: int) -> Tensor:
        return self.sigmas

    def process(self) -> Process:
        return VarianceExploding(self.sigma_min, self.sigma_max)


class ContinuousNoise(Noise):
    """Every sigma of a process between its ends. Training draws them from a chosen distribution."""

    def __init__(self, noise_process: Process, start: "StartSet | None" = None) -> None:
        self.noise_process, self.start = noise_process, start
        self.sigma_min, self.sigma_max = noise_process.sigma_min, noise_process.sigma_max
        self._distributions = {name: distribution(noise_process) for name, distribution in SIGMA_DISTRIBUTIONS.items()}

    def training_sigmas(
        self, count: int, generator: torch.Generator, distribution: SigmaDistributionName = "log-normal"
    ) -> Tensor:
        return (
            self._distributions[distribution]
            .quantile(_stratified(count, generator))
            .clamp(self.sigma_min, self.sigma_max)
        )

    def relative_density(self, sigma: Tensor, distribution: SigmaDistributionName = "log-normal") -> Tensor:
        return self._distributions[distribution].relative_density(sigma)

    def levels(self, count: int) -> Tensor:
        return geometric(self.sigma_max, self.sigma_min, count)

    def process(self) -> Process:
        return self.noise_process


def _stratified(count: int, generator: torch.Generator) -> Tensor:
    """Stratified uniform numbers in [0, 1): one in each of `count` equal parts, so that the batch covers all levels."""
    u = torch.rand(count, generator=generator, device=generator.device)
    return u.add_(torch.arange(count, device=generator.device)).div_(count)
