"""Where the particles of a run start, besides the Gaussian :class:`playground.theory.noise.GaussianPrior`."""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from playground.records import record
from playground.theory.noise import GaussianPrior, per_point


class Start(Protocol):
    """A distribution of positions. Those of a run are in internal units."""

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` positions, (count, \\*shape)."""


@record
class UniformStart:
    """Uniform over a box.

    Args:
        low, high: its lowest and highest corner, each in the shape of one point.
    """

    low: Tensor
    high: Tensor

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        drawn = torch.rand((count, *self.low.shape), generator=generator, device=generator.device)
        return self.low + (self.high - self.low) * drawn.to(self.low.device)


@record
class ScaledStart:
    """The positions of another start times a number.

    Args:
        unscaled: the other start.
        factor: what its positions are multiplied by.
    """

    unscaled: Start
    factor: float

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return self.factor * self.unscaled.sample(count, generator)


@record
class StartOnSupport:
    """The positions of another start at which a density is not zero; the others are drawn again.

    A Metropolis particle outside would walk at random and might never come back.

    Args:
        everywhere: the other start.
        log_density: log p_sigma(x), (N,), up to a constant, for x (N, \\*shape) and sigma.
        sigma: the noise level of that density.
    """

    everywhere: Start
    log_density: Callable[[Tensor, Tensor], Tensor]
    sigma: float

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        x = self.everywhere.sample(count, generator)
        sigma = torch.tensor(self.sigma, device=x.device)
        while bool((outside := torch.isneginf(self.log_density(x, sigma))).any()):
            x = torch.where(per_point(outside, x), self.everywhere.sample(count, generator), x)
        return x


@record
class ClassPriors:
    """Each particle starts from the prior of its own class.

    Args:
        labels: the class of each particle, (count,).
        classes, priors: the classes that occur, and the prior of each.
    """

    labels: Tensor
    classes: Sequence[int]
    priors: Sequence[GaussianPrior]

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        shape, device = self.priors[0].mean.shape, self.labels.device
        x = torch.randn((count, *shape), generator=generator, device=generator.device).to(device)
        for label, prior in zip(self.classes, self.priors, strict=True):
            x[self.labels == label] = prior.from_normal(x[self.labels == label])
        return x
