"""The forward process as a sampler run, from data to noise."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.records import record
from playground.theory.noise import Process, ScoreFunction
from playground.theory.samplers import Grid, Randomness, Sampler, Step, StepTerms, time_grid
from playground.theory.samplers.base import normal
from playground.theory.samplers.brownian import over


@dataclass
class ForwardProcess(Sampler):
    r"""Moves particles from t_min to t = 1 by the process's own transitions, which are exact for any step.

    .. math:: x(t) = \frac{\alpha(t)}{\alpha(s)} x(s) + \alpha(t) \sqrt{\sigma(t)^2 - \sigma(s)^2}\; z, \quad s < t

    It evaluates no score. It uses the same time grids as the reverse process.

    Args:
        process: the process.
        steps: the number of steps from t_min to t = 1.
    """

    process: Process
    steps: int
    grid: Grid = "log-sigma"

    @property
    def total(self) -> int:
        return self.steps

    evaluations = 0

    def terms(self, before: Step, after: Step) -> StepTerms:
        assert before.time is not None
        assert after.time is not None
        now, then = self.process.states_at([before.time, after.time])
        spread = then.scale * math.sqrt(then.sigma**2 - now.sigma**2)
        symbols = ("α′/α − 1" if now.scale != then.scale else "", "", "α′√(σ′² − σ²)")
        return StepTerms(then.scale / now.scale - 1, 0.0, spread, symbols, now.scale, now.sigma, ("noise",))

    def run(self, score: ScoreFunction, start: Tensor, generator: Randomness) -> Iterator[Step]:
        """Run the process from particles `start` at t_min, see :class:`NoisyData`; otherwise as any sampler."""
        times, sigmas = (values[::-1] for values in time_grid(self.process, self.steps, self.grid))
        scales = self.process.scale(torch.tensor(times, dtype=torch.float64)).tolist()
        x, squares = start, [sigma**2 for sigma in sigmas]
        yield Step(x, sigmas[0], times[0], 0.0, 0, self.total)
        for index in range(1, self.steps + 1):
            spread = scales[index] * math.sqrt(sigmas[index] ** 2 - sigmas[index - 1] ** 2)
            x = scales[index] / scales[index - 1] * x + spread * normal(
                x, over(generator, squares[index - 1], squares[index])
            )
            yield Step(x, sigmas[index], times[index], times[index] - times[index - 1], index, self.total)


@record
class NoisyData:
    """The start of the forward process: points of the data with the noise of t_min.

    Args:
        points: (N, \\*shape).
    """

    process: Process
    points: Tensor

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` positions, (count, \\*shape), of points that are drawn with repetition."""
        rows = torch.randint(len(self.points), (count,), generator=generator, device=generator.device)
        return self.noised(self.points[rows], generator)

    def noised(self, data: Tensor, generator: torch.Generator) -> Tensor:
        """x(t_min) of clean points (N, \\*shape)."""
        scale, sigma = (float(of(self.process.t_min)) for of in (self.process.scale, self.process.sigma))
        return scale * (data + sigma * normal(data, generator))
