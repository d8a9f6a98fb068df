r"""The probability-flow ODE, from noise to data without chance.

.. math:: dx = [f(x, t) - \tfrac12 g(t)^2 s(x, t)]\, dt

It has the marginals of the reverse SDE and no noise of its own: a start decides where its particle ends.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from playground.theory.noise import ScoreFunction
from playground.theory.samplers.path import PathSampler

OdeSolver = Literal["euler", "heun"]


@dataclass
class ProbabilityFlow(PathSampler):
    """The probability-flow ODE in fixed steps.

    Args:
        solver: ``euler``, one score a step, order 1, or ``heun``, two scores, order 2.
    """

    solver: OdeSolver = "heun"

    @torch.no_grad()
    def _step(self, score: ScoreFunction, x: Tensor, t: float, t_next: float, generator: torch.Generator) -> Tensor:
        now = torch.as_tensor(t, dtype=x.dtype, device=x.device)
        then = torch.as_tensor(t_next, dtype=x.dtype, device=x.device)
        h = t_next - t
        slope = self.process.probability_flow(score, x, now)
        if self.solver == "euler":
            return x + h * slope
        return x + h / 2 * (slope + self.process.probability_flow(score, x + h * slope, then))
