"""Samplers that follow a process from noise to data on a fixed grid of times."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from playground.theory.noise import Process, ScheduleState, ScoreFunction
from playground.theory.samplers import base
from playground.theory.samplers.base import Sampler, Step, posterior_mean, require_finite
from playground.theory.samplers.brownian import Randomness, StepRandomness, others, over
from playground.theory.samplers.grid import Grid, time_grid
from playground.theory.samplers.terms import Rest, StepTerms, process_terms

StepFunction = Callable[[ScoreFunction, Tensor, ScheduleState, ScheduleState, StepRandomness], Tensor]
"""Takes the score, x(now), the states now and then, and the randomness; returns x(then)."""


@dataclass
class PathSampler(Sampler):
    """A sampler that goes from t = 1 to t_min in fixed steps. Subclasses define a step.

    Each step may be followed by corrector steps at its new time. They are Langevin dynamics, which corrects the marginal after any
    kind of step. Source: Song et al. 2021, algorithm 1.

    The last frame is in data coordinates; see :class:`Step`.

    Args:
        process: the forward process.
        steps: the number of steps from t = 1 to t_min.
        final_denoising: end with the expected clean point given x(t_min), as one more step.
        grid: the times between t = 1 and t_min.
        corrector_steps: the number of corrector steps after each step.
        snr: r of :func:`corrector_step`.
    """

    process: Process
    steps: int
    final_denoising: bool
    grid: Grid = "log-sigma"
    corrector_steps: int = 0
    snr: float = 0.16

    stochasticity = 0.0
    """l of the equation that it solves: 0 of the probability flow, 1 of the reverse SDE."""

    @property
    def total(self) -> int:
        return self.steps + self.final_denoising

    @property
    def evaluations_per_step(self) -> int:
        """Evaluations of the score in a step, without its correctors."""
        return 1

    @property
    def evaluations(self) -> int:
        return self.steps * (self.evaluations_per_step + self.corrector_steps) + self.final_denoising

    @property
    def order(self) -> float | None:
        """The weak order of its steps without correctors; None if it is not stated."""
        return None

    @property
    def weak_order(self) -> float | None:
        return None if self.corrector_steps else self.order

    @property
    def _rest(self) -> tuple[Rest, ...]:
        """What a step has beside its first-order terms and the noise of its equation."""
        return ("higher order",)

    def _step_terms(self, start: float, then: float, rest: tuple[Rest, ...]) -> StepTerms:
        """The terms of a step from one time to an earlier one, with x(t) at both ends."""
        return process_terms(self.process, start, then, float(self.stochasticity), rest)

    def terms(self, before: Step, after: Step) -> StepTerms:
        start = self.process.t_min if before.time is None else before.time
        if self.final_denoising and after.index == self.total:
            (end,) = self.process.states_at([start])
            symbols = ("1/α − 1" if end.scale != 1 else "", "ασ²", "")
            return StepTerms(1 / end.scale - 1, end.scale * end.sigma**2, 0.0, symbols, end.scale, end.sigma, ())
        then = self.process.t_min if after.time is None else after.time
        rest: tuple[Rest, ...] = (*self._rest, *(("corrector",) if self.corrector_steps else ()))
        found = self._step_terms(start, then, rest)
        return found if after.time is not None else found.in_data_coordinates(float(self.process.scale(then)))

    def run(self, score: ScoreFunction, start: Tensor, generator: Randomness) -> Iterator[Step]:
        times, _ = time_grid(self.process, self.steps, self.grid)
        states, x, take_step = self.process.states_at(times), start, self._stepper()
        yield Step(x, states[0].sigma, states[0].time, 0.0, 0, self.total)
        for index, (now, then) in enumerate(pairwise(states), start=1):
            noise = over(generator, now.sigma**2, then.sigma**2)
            x = take_step(score, x, now, then, noise)
            if self.corrector_steps:
                apart = others(noise)
                for _ in range(self.corrector_steps):
                    x = then.scale * corrector_step(score, x / then.scale, x.new_tensor(then.sigma), self.snr, apart)
            require_finite(x, index, "the length of a step")
            step = Step(x, then.sigma, then.time, now.time - then.time, index, self.total)
            yield step if index < self.total else step.in_data_coordinates(then.scale)
        if self.final_denoising:
            end = states[-1]
            clean = posterior_mean(score, x / end.scale, x.new_tensor(end.sigma))
            require_finite(clean, self.total, "the length of a step")
            yield Step(clean, end.sigma, None, 0.0, self.total, self.total)

    @abstractmethod
    def _stepper(self) -> StepFunction:
        """Return the function that makes the steps of one run. It may remember earlier steps."""


class OneStepSampler(PathSampler):
    """A path sampler whose steps do not depend on earlier ones."""

    def _stepper(self) -> StepFunction:
        return self._step

    @abstractmethod
    def _step(
        self, score: ScoreFunction, x: Tensor, now: ScheduleState, then: ScheduleState, generator: StepRandomness
    ) -> Tensor:
        """x(then) from x(now)."""


@dataclass
class RungeKutta(OneStepSampler):
    """Steps of one evaluation of the score and of order 1, or of two and of order 2.

    Args:
        solver: the name of the method; only ``euler`` has one evaluation.
    """

    solver: str = "euler"

    @property
    def evaluations_per_step(self) -> int:
        return 1 if self.solver == "euler" else 2

    @property
    def order(self) -> float | None:
        return float(self.evaluations_per_step)

    @property
    def _rest(self) -> tuple[Rest, ...]:
        return () if self.solver == "euler" else ("higher order",)


@torch.no_grad()
def corrector_step(score: ScoreFunction, y: Tensor, sigma: Tensor, snr: float, generator: torch.Generator) -> Tensor:
    r"""One Langevin step whose size follows from the signal-to-noise ratio r.

    .. math:: y \leftarrow y + \epsilon s + \sqrt{2 \epsilon}\, z, \quad
              \epsilon = 2 \left(r\, \overline{\|z\|} / \overline{\|s\|}\right)^2

    Norms run over all axes of a point, and their means over the batch. In variance-exploding coordinates one rule serves all
    processes. On a Gaussian the stationary variance is 1 + r^2 times the true one. Source: Song et al. 2021, algorithm 4.

    The step is at most 4 r^2 (1 + sigma^2), twice its value on a Gaussian of variance 1 + sigma^2. By the Cramer-Rao bound, no
    smoothed data of mean variance 1 per axis have a smaller mean square of the score. But inside a box the score vanishes, and
    without the bound a few particles there would be thrown to infinity.

    Args:
        y: (N, *shape) in variance-exploding coordinates.
    """
    slope, noise = score(y, sigma), base.normal(y, generator)
    step = 2 * (snr * _mean_norm(noise) / _mean_norm(slope)) ** 2
    step = torch.minimum(step, 4 * snr**2 * (1 + sigma**2))
    return y + step * slope + torch.sqrt(2 * step) * noise


def _mean_norm(x: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(x.flatten(1), dim=1)
    return norms.mean()
