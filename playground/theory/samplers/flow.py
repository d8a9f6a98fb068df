"""The probability-flow ODE: from noise to data without chance."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.noise import Process, ScoreFunction
from playground.theory.samplers.base import Sampler, Step, require_finite
from playground.theory.samplers.grid import Grid, time_grid


@dataclass
class ProbabilityFlow(Sampler):
    """The probability-flow ODE from t = 1 to t_min by Heun's method, two scores a step.

    .. math:: dx = [f(x, t) - \\tfrac12 g(t)^2 s(x, t)]\\, dt

    Without noise of its own: a start decides where its particle ends.

    Args:
        process: the forward process.
        steps: how many, from t = 1 to t_min.
        grid: where between t = 1 and t_min the steps end.
    """

    process: Process
    steps: int
    grid: Grid = "log-sigma"

    @property
    def total(self) -> int:
        return self.steps

    def run(self, score: ScoreFunction, start: Tensor, generator: torch.Generator) -> Iterator[Step]:
        times, sigmas = time_grid(self.process, self.steps, self.grid)
        x = start
        yield Step(x, sigmas[0], times[0], 0.0, 0, self.total)
        for index in range(1, self.steps + 1):
            x = self._step(score, x, times[index - 1], times[index])
            require_finite(x, index, "the length of a step")
            yield Step(x, sigmas[index], times[index], times[index - 1] - times[index], index, self.total)

    @torch.no_grad()
    def _step(self, score: ScoreFunction, x: Tensor, t: float, t_next: float) -> Tensor:
        now = torch.as_tensor(t, dtype=x.dtype, device=x.device)
        then = torch.as_tensor(t_next, dtype=x.dtype, device=x.device)
        h = t_next - t
        slope = self.process.probability_flow(score, x, now)
        return x + h / 2 * (slope + self.process.probability_flow(score, x + h * slope, then))
