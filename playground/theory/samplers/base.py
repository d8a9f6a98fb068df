"""The common parts of all samplers: frames, random numbers, a step of Langevin dynamics, the final denoising."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from playground.records import record
from playground.theory import draws
from playground.theory.noise import ScoreFunction
from playground.theory.samplers.brownian import Randomness, StepNoise, StepRandomness
from playground.theory.samplers.terms import StepTerms
from playground.user_errors import UserError


class SamplerDiverged(UserError, ArithmeticError):
    """A particle is no longer finite. The message names the step and what to make smaller."""


@record
class Step:
    """The state of the particles after `index` of `total` steps.

    Attributes:
        positions: (N, *shape). For a process these are x(t), contracted by alpha(t). The last frame of a run from noise to data
            is in data coordinates: x(t_min)/alpha(t_min), a sample of p_sigma at the finest level, or that after denoising.
        sigma: the noise level std/alpha. After the final denoising it stays the finest level, whose score was used.
        time: t of the process, or None if the positions are in data coordinates, as for Langevin and in that last frame.
        step_size: eps or alpha_i of Langevin (squared data units), or the step in t of a process. It is 0 for the start and for
            the final denoising, and nan if each particle has its own steps.
        accepted: the share of the particles that took the step, for a sampler that may reject steps.
    """

    positions: Tensor
    sigma: float
    time: float | None
    step_size: float
    index: int
    total: int
    accepted: float | None = None

    def in_data_coordinates(self, scale: float) -> "Step":
        """This step of a process, with positions divided by alpha = `scale`."""
        return replace(self, positions=self.positions / scale, time=None)


class Sampler(ABC):
    """Moves particles along a score."""

    @property
    @abstractmethod
    def total(self) -> int:
        """The index of the last step. A run has one more frame, the start."""

    @property
    def evaluations(self) -> int | None:
        """The number of score evaluations per particle in a run; None if each particle has its own steps."""
        return self.total

    has_law = True
    """Whether the law of the particles approaches that of the data; ascent without noise shrinks to the modes instead."""

    @property
    def weak_order(self) -> float | None:
        """The power of the steps with which the error of the particles' law falls; None if it is not stated."""
        return None

    @property
    def strong_order(self) -> float | None:
        """The power of the steps with which the distance from the path of the SDE falls; None if it is not stated."""
        return None

    @abstractmethod
    def run(self, score: ScoreFunction, start: Tensor, generator: Randomness) -> Iterator[Step]:
        """Frames from the start (index 0) to the last (index == total).

        Args:
            score: called at every step with x (N, *shape) and sigma, 0-d, or (N,) if each particle has its own steps.
            start: (N, *shape), not changed.
            generator: the source of all randomness, which may be on another device than the particles; or the Brownian path from
                which the run takes its noise. For a process the path's time is sigma^2, in which one path drives all processes;
                for Langevin it is the sum of the step sizes, that are to come if it is annealed.

        Raises:
            SamplerDiverged: a particle is no longer finite.
        """

    def run_in_parts(self, score: ScoreFunction, start: Tensor, generator: Randomness) -> Iterator[Step | None]:
        """:meth:`run` that may also yield None between evaluations of the score, so that a slow frame can be cancelled."""
        yield from self.run(score, start, generator)

    def terms(self, before: Step, after: Step) -> StepTerms | None:
        """What the step between two neighbouring frames is made of; None where that is not known.

        Their positions are not looked at.
        """
        return None


def normal(like: Tensor, generator: StepRandomness) -> Tensor:
    """Standard normal numbers, drawn or from a path."""
    return generator.normal(like) if isinstance(generator, StepNoise) else draws.normal(like, generator)


def levy_area(like: Tensor, generator: StepRandomness) -> Tensor:
    """Standard normal numbers for a step's space-time Levy area, independent of its noise."""
    return generator.area(like) if isinstance(generator, StepNoise) else normal(like, generator)


@torch.no_grad()
def langevin(score: ScoreFunction, x: Tensor, sigma: Tensor, step: float | Tensor, generator: StepRandomness) -> Tensor:
    """One step of unadjusted Langevin dynamics, x + step s(x, sigma) + sqrt(2 step) z. Coordinates may have their own steps."""
    return x + step * score(x, sigma) + (2 * step) ** 0.5 * normal(x, generator)


@torch.no_grad()
def posterior_mean(score: ScoreFunction, x: Tensor, sigma: Tensor) -> Tensor:
    """E[x0 | x] = x + sigma^2 s(x, sigma) for x in variance-exploding coordinates (Tweedie)."""
    return x + sigma**2 * score(x, sigma)


def require_finite(x: Tensor, index: int, what: str) -> None:
    """Raise :class:`SamplerDiverged` unless every particle is finite; `what` was too large."""
    if len(x) > 0 and not math.isfinite(float(x.abs().amax())):
        raise SamplerDiverged(
            f"The particles ran away to infinity at step {index}: {what} is too large for this score; make it smaller."
        )
