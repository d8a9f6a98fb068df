"""The common parts of all samplers: the frames they yield, the noise they draw, a step of Langevin dynamics, the final
denoising."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from playground.theory.noise import ScoreFunction
from playground.theory.samplers.brownian import Randomness, StepNoise, StepRandomness
from playground.user_errors import UserError


class SamplerDiverged(UserError, ArithmeticError):
    """The particles left every bound; the message names the step and what to lower."""


@dataclass(frozen=True, eq=False)
class Step:
    """The state of the particles after `index` of `total` steps.

    Attributes:
        positions: (N, *shape). Along a process these are x(t) as it has them, contracted by alpha(t). The last frame of a run
            from noise to data is in data coordinates: x(t_min)/alpha(t_min), a draw of p_sigma at the finest level as
            likelihoods have it, or that denoised.
        sigma: noise level there, std/alpha; after the last denoising it stays at the finest level, whose score made it.
        time: t of the process that has the positions, or None where they are in data coordinates: Langevin's, and that
            last frame.
        step_size: eps or alpha_i of Langevin (squared data units), or the step in t of a process; 0 for the start and
            for the last denoising, nan where each particle takes steps of its own.
        accepted: share of the particles that took the step, where a sampler may refuse one.
    """

    positions: Tensor
    sigma: float
    time: float | None
    step_size: float
    index: int
    total: int
    accepted: float | None = None

    def in_data_coordinates(self, scale: float) -> "Step":
        """This step of a process with its contraction by alpha = `scale` undone."""
        return replace(self, positions=self.positions / scale, time=None)


class Sampler(ABC):
    """Moves particles along a score."""

    @property
    @abstractmethod
    def total(self) -> int:
        """Index of the last step; the run has one frame more, the start."""

    @property
    def evaluations(self) -> int | None:
        """Evaluations of the score that each particle of a run takes; None where each takes steps of its own."""
        return self.total

    @property
    def noise_times(self) -> list[float]:
        """The times of the Brownian path between which its steps lead; none where it adds no noise.

        A process's clock is sigma^2, in which all processes are driven by one path; Langevin's is the sum of its step sizes.
        """
        return []

    @abstractmethod
    def run(self, score: ScoreFunction, start: Tensor, generator: Randomness) -> Iterator[Step]:
        """Frames from the start (index 0) to the last (index == total).

        Args:
            score: called at every step with x (N, *shape) and sigma, 0-d, or (N,) where each particle takes its own steps.
            start: (N, *shape), left untouched.
            generator: source of all randomness, which may live on another device than the particles; or the Brownian path that
                the run takes its noise from, cut at :attr:`noise_times`.

        Raises:
            SamplerDiverged: a particle is no longer finite.
        """

    def run_in_parts(self, score: ScoreFunction, start: Tensor, generator: Randomness) -> Iterator[Step | None]:
        """:meth:`run`, with None wherever a frame takes many evaluations of the score: to cancel is to stop iterating."""
        yield from self.run(score, start, generator)


def normal(like: Tensor, generator: StepRandomness) -> Tensor:
    """Standard normal numbers, of a path or drawn where the generator lives, so that a seed means the same on every device."""
    if isinstance(generator, StepNoise):
        return generator.normal(like)
    drawn = torch.randn(like.shape, generator=generator, device=generator.device, dtype=like.dtype)
    return drawn.to(like.device)


def uniform(like: Tensor, generator: torch.Generator) -> Tensor:
    """Numbers from [0, 1), drawn as :func:`normal` draws its own."""
    return torch.rand(like.shape, generator=generator, device=generator.device, dtype=like.dtype).to(like.device)


@torch.no_grad()
def langevin(score: ScoreFunction, x: Tensor, sigma: Tensor, step: float | Tensor, generator: StepRandomness) -> Tensor:
    """One step of unadjusted Langevin dynamics, x + step s(x, sigma) + sqrt(2 step) z; the step may be each coordinate's own."""
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
