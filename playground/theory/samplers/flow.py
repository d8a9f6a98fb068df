r"""The probability-flow ODE, from noise to data, deterministic.

.. math:: dx = [f(x, t) - \tfrac12 g(t)^2 s(x, t)]\, dt

It has the marginals of the reverse SDE but no noise, so a particle's start determines its end.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from playground.theory import ode
from playground.theory.guidance import for_rows
from playground.theory.noise import Process, ScheduleState, ScoreFunction
from playground.theory.samplers.base import Sampler, Step
from playground.theory.samplers.brownian import Randomness, StepRandomness
from playground.theory.samplers.grid import Grid, time_grid
from playground.theory.samplers.path import RungeKutta
from playground.theory.samplers.terms import StepTerms, process_terms

OdeSolver = Literal["euler", "heun"]

MOST_STEPS = 1_000
"""The most steps of one particle. A smooth score takes 10 to 50, at any tolerance. The training set's score with a known part of
an image is too stiff for adaptive steps. With this bound 96 digits fail within 20 seconds, and no earlier frame takes longer than
about 2 seconds."""


@dataclass
class ProbabilityFlow(RungeKutta):
    """The probability-flow ODE in fixed steps.

    Args:
        solver: ``euler``, one score evaluation per step and order 1, or ``heun``, two evaluations and order 2.
    """

    solver: OdeSolver = "heun"

    @torch.no_grad()
    def _step(
        self, score: ScoreFunction, x: Tensor, now: ScheduleState, then: ScheduleState, generator: StepRandomness
    ) -> Tensor:
        h = then.time - now.time
        slope = self.process.probability_flow(score, x, now.time)
        if self.solver == "euler":
            return x + h * slope
        return x + h / 2 * (slope + self.process.probability_flow(score, x + h * slope, then.time))


@dataclass
class AdaptiveFlow(Sampler):
    """The probability-flow ODE by Dormand-Prince 5(4), with separate steps for each particle.

    The frames are interpolated from the solution and cost no evaluations. The last is in data coordinates; see :class:`Step`. If
    the score changes during a run, the next step uses the new one.

    Args:
        process: the forward process.
        steps: the number of frames after the start.
        tolerance: the allowed error of a step, relative to 1 + |x|.
        grid: the times of the frames between t = 1 and t_min.

    Raises:
        TooManySteps: while it runs, if a particle needs more than MOST_STEPS steps.
    """

    process: Process
    steps: int
    tolerance: float
    grid: Grid = "log-sigma"

    @property
    def total(self) -> int:
        return self.steps

    evaluations = None

    def terms(self, before: Step, after: Step) -> StepTerms:
        start, end = (self.process.t_min if frame.time is None else frame.time for frame in (before, after))
        found = process_terms(self.process, start, end, 0.0, ("higher order",))
        return found if after.time is not None else found.in_data_coordinates(float(self.process.scale(end)))

    def run(self, score: ScoreFunction, start: Tensor, generator: Randomness) -> Iterator[Step]:
        return (step for step in self.run_in_parts(score, start, generator) if step is not None)

    def run_in_parts(self, score: ScoreFunction, start: Tensor, generator: Randomness) -> Iterator[Step | None]:
        times, sigmas = time_grid(self.process, self.steps, self.grid)

        @torch.no_grad()
        def field(x: Tensor, t: Tensor, rows: Tensor) -> Tensor:
            return self.process.probability_flow(for_rows(score, rows), x.reshape(-1, *start.shape[1:]), t).flatten(1)

        rows = torch.arange(len(start), device=start.device)
        at = torch.tensor(times, dtype=torch.float64)
        frames = ode.frames(field, start.flatten(1), at, self.tolerance, fixed=rows, max_steps=MOST_STEPS)
        index, end_scale = 0, float(self.process.scale(times[-1]))
        for x in frames:
            if x is None:
                yield None
                continue
            step = Step(x.reshape(start.shape), sigmas[index], times[index], math.nan, index, self.total)
            yield step if index < self.total else step.in_data_coordinates(end_scale)
            index += 1
