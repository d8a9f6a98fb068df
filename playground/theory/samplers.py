"""Samplers: from random starts to draws of the density whose score they follow.

Every sampler is an iterator of :class:`Step`. It calls the score afresh at each step, so the score may be a network in
the middle of its training. All state is in the iterator: to cancel is to stop iterating, and one sampler runs twice.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.noise import Process, ScoreFunction


class SamplerDiverged(ArithmeticError):
    """The particles left every bound; the message names the step and what to lower."""


@dataclass(frozen=True)
class Step:
    """Where the particles are after `index` of `total` steps.

    Attributes:
        positions: (N, *shape). For a process these are x(t) as it has them: contracted by alpha(t) where it is VP.
        sigma: noise level there, std/alpha; after the last denoising it stays at the finest level, whose score made it.
        time: t of the process, or None where the sampler knows none (Langevin).
        step_size: eps or alpha_i of Langevin (squared data units), or the step in t of a process; 0 for the start and
            for the last denoising.
    """

    positions: Tensor
    sigma: float
    time: float | None
    step_size: float
    index: int
    total: int


class Sampler(ABC):
    """Moves particles along a score."""

    @property
    @abstractmethod
    def total(self) -> int:
        """Index of the last step; the run has one frame more, the start."""

    @abstractmethod
    def run(self, score: ScoreFunction, start: Tensor, generator: torch.Generator) -> Iterator[Step]:
        """Frames from the start (index 0) to the last (index == total).

        Args:
            score: called at every step with x (N, *shape) and sigma (0-d).
            start: (N, *shape), left untouched.
            generator: source of all randomness; may live on another device than the particles.

        Raises:
            SamplerDiverged: a particle is no longer finite.
        """


@dataclass
class Langevin(Sampler):
    """Unadjusted Langevin dynamics at one noise level.

    .. math:: x \\leftarrow x + \\epsilon\\, s(x, \\sigma) + \\sqrt{2 \\epsilon}\\, z

    On N(m, s^2) it settles at variance s^2 / (1 - eps / (2 s^2)), not s^2: the price of a finite step.

    Args:
        sigma: noise level at which the score is asked; 0 for the data's own.
        step: eps > 0, in squared data units. May be changed while it runs.
        steps: how many.
    """

    sigma: float
    step: float
    steps: int

    @property
    def total(self) -> int:
        return self.steps

    def run(self, score: ScoreFunction, start: Tensor, generator: torch.Generator) -> Iterator[Step]:
        sigma = torch.as_tensor(self.sigma, dtype=start.dtype, device=start.device)
        x = start
        yield Step(x, self.sigma, None, 0.0, 0, self.total)
        for index in range(1, self.steps + 1):
            step = self.step
            x = _langevin(score, x, sigma, step, generator)
            _require_finite(x, index, "the step size")
            yield Step(x, self.sigma, None, step, index, self.total)


@dataclass
class AnnealedLangevin(Sampler):
    """Langevin dynamics down a ladder of noise levels.

    .. math:: x \\leftarrow x + \\tfrac{\\alpha_i}{2} s(x, \\sigma_i) + \\sqrt{\\alpha_i}\\, z, \\quad
        \\alpha_i = \\epsilon\\, \\sigma_i^2 / \\sigma_L^2

    Each level is walked `steps_per_level` times, then the next finer one. Source: Song & Ermon 2019, algorithm 1.

    Args:
        levels: (L,) sigmas from coarse to fine, all > 0.
        step: eps, the step size of the finest level, in squared data units.
        steps_per_level: T.
        denoise: end with x + sigma_L^2 s(x, sigma_L), the expected clean point (Tweedie), as one more step.
    """

    levels: Tensor
    step: float
    steps_per_level: int
    denoise: bool

    @property
    def total(self) -> int:
        return len(self.levels) * self.steps_per_level + self.denoise

    def run(self, score: ScoreFunction, start: Tensor, generator: torch.Generator) -> Iterator[Step]:
        sigmas = [float(level) for level in self.levels]
        x, index = start, 0
        yield Step(x, sigmas[0], None, 0.0, index, self.total)
        for sigma in sigmas:
            level = torch.as_tensor(sigma, dtype=start.dtype, device=start.device)
            for _ in range(self.steps_per_level):
                alpha = self.step * (sigma / sigmas[-1]) ** 2
                x = _langevin(score, x, level, alpha / 2, generator)  # alpha/2 s + sqrt(alpha) z is Langevin at alpha/2
                index += 1
                _require_finite(x, index, "the step size")
                yield Step(x, sigma, None, alpha, index, self.total)
        if self.denoise:
            yield Step(_denoised(score, x, level), sigmas[-1], None, 0.0, index + 1, self.total)


@dataclass
class ReverseSDE(Sampler):
    """The forward process run backwards by Euler-Maruyama.

    .. math:: dx = [f(x, t) - g(t)^2 s(x, t)]\\, dt + g(t)\\, d\\bar w

    The times are log-uniform in sigma from t = 1 to t_min (for VE that is uniform in t): every step then changes the
    signal-to-noise ratio by the same factor, where a VP process with uniform t takes its last step over half its noise.
    Source: Anderson 1982; Song et al. 2021.

    Args:
        process: the forward process.
        steps: how many, from t = 1 to t_min.
        denoise: end with the expected clean point given x(t_min), as one more step; its time is reported as 0.
    """

    process: Process
    steps: int
    denoise: bool

    @property
    def total(self) -> int:
        return self.steps + self.denoise

    def run(self, score: ScoreFunction, start: Tensor, generator: torch.Generator) -> Iterator[Step]:
        times, sigmas = time_grid(self.process, self.steps)
        x = start
        yield Step(x, sigmas[0], times[0], 0.0, 0, self.total)
        for index in range(1, self.steps + 1):
            x = self._step(score, x, times[index - 1], times[index], generator)
            _require_finite(x, index, "the length of a step")
            yield Step(x, sigmas[index], times[index], times[index - 1] - times[index], index, self.total)
        if self.denoise:
            t = torch.as_tensor(times[-1], dtype=x.dtype, device=x.device)
            sigma = torch.as_tensor(sigmas[-1], dtype=x.dtype, device=x.device)
            clean = _denoised(score, x / self.process.scale(t), sigma)
            yield Step(clean, sigmas[-1], 0.0, 0.0, self.total, self.total)

    @torch.no_grad()
    def _step(self, score: ScoreFunction, x: Tensor, t: float, t_next: float, generator: torch.Generator) -> Tensor:
        now = torch.as_tensor(t, dtype=x.dtype, device=x.device)
        g, h = self.process.diffusion(now), t - t_next
        drift = self.process.drift(x, now) - g**2 * self.process.score(score, x, now)
        return x - h * drift + math.sqrt(h) * g * _normal(x, generator)


@dataclass
class ProbabilityFlow(Sampler):
    """The probability-flow ODE from t = 1 to t_min by Heun's method, two scores a step.

    .. math:: dx = [f(x, t) - \\tfrac12 g(t)^2 s(x, t)]\\, dt

    Without noise of its own: a start decides where its particle ends. The times are those of :class:`ReverseSDE`.

    Args:
        process: the forward process.
        steps: how many, from t = 1 to t_min.
    """

    process: Process
    steps: int

    @property
    def total(self) -> int:
        return self.steps

    def run(self, score: ScoreFunction, start: Tensor, generator: torch.Generator) -> Iterator[Step]:
        times, sigmas = time_grid(self.process, self.steps)
        x = start
        yield Step(x, sigmas[0], times[0], 0.0, 0, self.total)
        for index in range(1, self.steps + 1):
            x = self._step(score, x, times[index - 1], times[index])
            _require_finite(x, index, "the length of a step")
            yield Step(x, sigmas[index], times[index], times[index - 1] - times[index], index, self.total)

    @torch.no_grad()
    def _step(self, score: ScoreFunction, x: Tensor, t: float, t_next: float) -> Tensor:
        now = torch.as_tensor(t, dtype=x.dtype, device=x.device)
        then = torch.as_tensor(t_next, dtype=x.dtype, device=x.device)
        h = t_next - t
        slope = self.process.probability_flow(score, x, now)
        return x + h / 2 * (slope + self.process.probability_flow(score, x + h * slope, then))


def time_grid(process: Process, steps: int) -> tuple[list[float], list[float]]:
    """Times from 1 to t_min, log-uniform in sigma, and their sigmas: `steps + 1` of each."""
    ends = process.sigma(torch.tensor([1.0, process.t_min], dtype=torch.float64)).log()
    sigmas = torch.linspace(float(ends[0]), float(ends[1]), steps + 1, dtype=torch.float64).exp()
    times = process.time(sigmas)
    times[0], times[-1] = 1.0, process.t_min  # not 1 + 1e-16: a schedule may be defined on [0, 1] only
    return times.tolist(), sigmas.tolist()


@torch.no_grad()
def _langevin(score: ScoreFunction, x: Tensor, sigma: Tensor, step: float, generator: torch.Generator) -> Tensor:
    return x + step * score(x, sigma) + math.sqrt(2 * step) * _normal(x, generator)


@torch.no_grad()
def _denoised(score: ScoreFunction, x: Tensor, sigma: Tensor) -> Tensor:
    return x + sigma**2 * score(x, sigma)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers drawn where the generator lives, so that a seed means the same on every device."""
    drawn = torch.randn(like.shape, generator=generator, device=generator.device, dtype=like.dtype)
    return drawn.to(like.device)


def _require_finite(x: Tensor, index: int, what: str) -> None:
    if not bool(torch.isfinite(x).all()):
        raise SamplerDiverged(
            f"The particles ran away to infinity at step {index}: {what} is too large for this score; make it smaller."
        )
