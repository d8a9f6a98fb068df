"""Samplers that follow a process from noise to data on a fixed grid of times."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.noise import Process, ScoreFunction
from playground.theory.samplers.base import Sampler, Step, denoised, require_finite
from playground.theory.samplers.grid import Grid, time_grid


@dataclass
class PathSampler(Sampler):
    """From t = 1 to t_min in fixed steps; what a step does is the subclass's.

    Args:
        process: the forward process.
        steps: how many, from t = 1 to t_min.
        denoise: end with the expected clean point given x(t_min), as one more step; its time is reported as 0.
        grid: where between t = 1 and t_min the steps end.
    """

    process: Process
    steps: int
    denoise: bool
    grid: Grid = "log-sigma"

    @property
    def total(self) -> int:
        return self.steps + self.denoise

    def run(self, score: ScoreFunction, start: Tensor, generator: torch.Generator) -> Iterator[Step]:
        times, sigmas = time_grid(self.process, self.steps, self.grid)
        x = start
        yield Step(x, sigmas[0], times[0], 0.0, 0, self.total)
        for index in range(1, self.steps + 1):
            x = self._step(score, x, times[index - 1], times[index], generator)
            require_finite(x, index, "the length of a step")
            yield Step(x, sigmas[index], times[index], times[index - 1] - times[index], index, self.total)
        if self.denoise:
            t = torch.as_tensor(times[-1], dtype=x.dtype, device=x.device)
            sigma = torch.as_tensor(sigmas[-1], dtype=x.dtype, device=x.device)
            clean = denoised(score, x / self.process.scale(t), sigma)
            yield Step(clean, sigmas[-1], 0.0, 0.0, self.total, self.total)

    @abstractmethod
    def _step(self, score: ScoreFunction, x: Tensor, t: float, t_next: float, generator: torch.Generator) -> Tensor:
        """x(t_next) from x(t)."""
