"""Langevin dynamics at one noise level, and annealed over several."""

import itertools
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from playground.theory import draws
from playground.theory.noise import ScoreFunction, per_point
from playground.theory.samplers import base
from playground.theory.samplers.base import Sampler, Step, langevin, posterior_mean, require_finite
from playground.theory.samplers.brownian import Randomness, StepRandomness, others, over
from playground.theory.samplers.terms import Rest, StepTerms

LogDensity = Callable[[Tensor, Tensor], Tensor]
"""Takes x (N, \\*shape) and sigma (0-d); returns log p_sigma(x) up to a constant, (N,)."""


KNOWN_STEP = 0.05
"""The Langevin step over sigma^2 for a known coordinate. Its variance is 2.6 % too large, and it converges in about 100 steps."""


class _OneLevel(Sampler):
    """A chain at one noise level."""

    sigma: float
    step: float
    steps: int

    @property
    def total(self) -> int:
        return self.steps

    def run(self, score: ScoreFunction, start: Tensor, generator: Randomness) -> Iterator[Step]:
        sigma = start.new_tensor(self.sigma)
        x, elapsed = start, 0.0
        yield Step(x, self.sigma, None, 0.0, 0, self.total)
        for index in range(1, self.steps + 1):
            step = self.step
            x, accepted = self._move(score, x, sigma, step, over(generator, elapsed, elapsed + step))
            elapsed += step
            require_finite(x, index, "the step size")
            yield Step(x, self.sigma, None, step, index, self.total, accepted)

    def terms(self, before: Step, after: Step) -> StepTerms:
        step = after.step_size
        noise = math.sqrt(2 * step) if self._rest == ("noise",) else None
        return StepTerms(0.0, step, noise, ("", "ε", "√(2ε)"), 1.0, after.sigma, self._rest)

    @property
    def _rest(self) -> tuple[Rest, ...]:
        return ("noise",)

    weak_order: float | None = 1.0

    @abstractmethod
    def _move(
        self, score: ScoreFunction, x: Tensor, sigma: Tensor, step: float, generator: StepRandomness
    ) -> tuple[Tensor, float | None]:
        """The particles after one step, and the share that took it, or None if all always do."""


@dataclass(eq=False)
class Langevin(_OneLevel):
    """Unadjusted Langevin dynamics at one noise level.

    .. math:: x \\leftarrow x + \\epsilon\\, s(x, \\sigma) + \\sqrt{2 \\epsilon}\\, z

    Its stationary variance on N(m, s^2) is s^2 / (1 - eps / (2 s^2)), not s^2, because the step is finite.

    Args:
        sigma: the noise level of the score; 0 for the data's own.
        step: eps > 0, in squared data units. It may be changed during a run.
        steps: the number of steps.
        known: true where a coordinate is known, in the shape of one point. A known coordinate has the density N(y, sigma^2),
            which may be far narrower than the others', so its step is at most KNOWN_STEP sigma^2.
    """

    sigma: float
    step: float
    steps: int
    known: Tensor | None = None

    @property
    def _rest(self) -> tuple[Rest, ...]:
        return ("noise",) if self.known is None else ("noise", "known part")

    def _move(
        self, score: ScoreFunction, x: Tensor, sigma: Tensor, step: float, generator: StepRandomness
    ) -> tuple[Tensor, None]:
        if self.known is None:
            return langevin(score, x, sigma, step, generator), None
        steps = torch.where(self.known, min(step, KNOWN_STEP * self.sigma**2), step).to(x.dtype)
        return langevin(score, x, sigma, steps, generator), None


@dataclass(eq=False)
class AnnealedLangevin(Sampler):
    """Langevin dynamics at a sequence of noise levels, from coarse to fine.

    .. math:: x \\leftarrow x + \\tfrac{\\alpha_i}{2} s(x, \\sigma_i) + \\sqrt{\\alpha_i}\\, z, \\quad
        \\alpha_i = \\epsilon\\, \\sigma_i^2 / \\sigma_L^2

    Each level has `steps_per_level` steps. Source: Song & Ermon 2019, algorithm 1.

    Args:
        levels: sigmas from coarse to fine, (L,), all > 0.
        step: eps, the step size of the finest level, in squared data units.
        steps_per_level: T.
        final_denoising: end with x + sigma_L^2 s(x, sigma_L), the expected clean point (Tweedie), as one more step.
    """

    levels: Tensor
    step: float
    steps_per_level: int
    final_denoising: bool

    @property
    def total(self) -> int:
        return len(self.levels) * self.steps_per_level + self.final_denoising

    weak_order = 1.0

    @property
    def _step_sizes(self) -> list[float]:
        """alpha_i of each level."""
        sigmas = [float(level) for level in self.levels]
        return [self.step * (sigma / sigmas[-1]) ** 2 for sigma in sigmas]

    def terms(self, before: Step, after: Step) -> StepTerms:
        if self.final_denoising and after.index == self.total:
            return StepTerms(0.0, after.sigma**2, 0.0, ("", "σ²", ""), 1.0, after.sigma, ())
        step = after.step_size
        return StepTerms(0.0, step / 2, math.sqrt(step), ("", "½α", "√α"), 1.0, after.sigma, ("noise",))

    def run(self, score: ScoreFunction, start: Tensor, generator: Randomness) -> Iterator[Step]:
        sigmas = [float(level) for level in self.levels]
        sizes = (alpha / 2 for alpha in reversed(self._step_sizes) for _ in range(self.steps_per_level))
        # A path is followed back to its time 0, where it is known for the short steps of the last levels too.
        times = list(itertools.accumulate(sizes, initial=0.0))[::-1]
        x, index = start, 0
        yield Step(x, sigmas[0], None, 0.0, index, self.total)
        for sigma, alpha in zip(sigmas, self._step_sizes, strict=True):
            level = start.new_tensor(sigma)
            for _ in range(self.steps_per_level):
                size = alpha / 2  # alpha/2 s + sqrt(alpha) z is Langevin at alpha/2
                x = langevin(score, x, level, size, over(generator, times[index], times[index + 1]))
                index += 1
                require_finite(x, index, "the step size")
                yield Step(x, sigma, None, alpha, index, self.total)
        if self.final_denoising:
            x = posterior_mean(score, x, level)
            require_finite(x, self.total, "the step size")
            yield Step(x, sigmas[-1], None, 0.0, self.total, self.total)


@dataclass
class MetropolisAdjustedLangevin(_OneLevel):
    """Langevin dynamics whose steps are accepted or rejected, so that p_sigma is stationary for every step size.

    .. math:: x' = x + \\epsilon\\, s(x) + \\sqrt{2 \\epsilon}\\, z, \\quad
        a = \\min\\left(1, \\frac{p(x')\\, q(x | x')}{p(x)\\, q(x' | x)}\\right), \\quad
        q(x' | x) = N(x + \\epsilon\\, s(x),\\ 2 \\epsilon I)

    In many dimensions it mixes fastest if 57 % of the steps are accepted. Source: Roberts & Tweedie 1996; Roberts & Rosenthal
    1998.

    Args:
        log_density: the log-density whose gradient is the score.
        sigma: the noise level of score and log-density; 0 for the data's own.
        step: eps > 0, in squared data units. It may be changed during a run.
        steps: the number of steps.
    """

    log_density: LogDensity
    sigma: float
    step: float
    steps: int

    weak_order = None  # the law is right at any step
    _rest: ClassVar[tuple[Rest, ...]] = ("noise", "refusal")

    @property
    def evaluations(self) -> int:
        return 2 * self.steps

    @torch.no_grad()
    def _move(
        self, score: ScoreFunction, x: Tensor, sigma: Tensor, step: float, generator: StepRandomness
    ) -> tuple[Tensor, float]:
        noise = base.normal(x, generator)
        slope = score(x, sigma)
        proposed = x + step * slope + math.sqrt(2 * step) * noise
        back = x - proposed - step * score(proposed, sigma)
        before, after = self.log_density(x, sigma), self.log_density(proposed, sigma)
        log_ratio = after - before + 0.5 * _squares(noise) - _squares(back) / (4 * step)
        # A particle of density zero (log -inf), as outside sharp boxes, accepts every step until it reaches some density.
        taken = (draws.uniform(before, others(generator)).log() < log_ratio) | torch.isneginf(before)
        return torch.where(per_point(taken, x), proposed, x), float(taken.cpu().double().mean())


def _squares(x: Tensor) -> Tensor:
    return x.flatten(1).square().sum(1)
