"""The EDM sampler of Karras et al.: the probability flow by Heun's method, with noise added before each step."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.noise import ScheduleState, ScoreFunction
from playground.theory.samplers import base
from playground.theory.samplers.brownian import StepRandomness
from playground.theory.samplers.path import OneStepSampler
from playground.theory.samplers.terms import Rest


@dataclass
class EdmSampler(OneStepSampler):
    r"""The stochastic sampler of EDM. Each step adds noise ("churn") and then follows the flow to the next lower level.

    In variance-exploding coordinates y = x/alpha,

    .. math:: \hat\sigma = (1 + \gamma)\, \sigma, \quad \gamma = \min(S_{churn}/n, \sqrt 2 - 1), \quad
              \hat y = y + \sqrt{\hat\sigma^2 - \sigma^2}\, S_{noise}\, z, \quad dy = -\sigma\, s(y, \sigma)\, d\sigma

    With S_noise = 1 the noise keeps every marginal, and it reduces earlier errors. The sigma after churning never exceeds the
    coarsest level, above which the score is not trained. Source: Karras et al. 2022, algorithm 2.

    Args:
        churn: S_churn >= 0; 0 is the deterministic flow.
        churn_min, churn_max: S_min and S_max, the sigmas between which noise is added.
        churn_noise: S_noise. A value slightly above 1 compensates for detail that a network loses.
    """

    churn: float = 40.0
    churn_min: float = 0.0
    churn_max: float = math.inf
    churn_noise: float = 1.0

    evaluations_per_step = 2

    @property
    def order(self) -> float | None:
        # Only if the noise of a step is small beside its level: with S_churn/n above sqrt(2) - 1 it does not depend on n at all.
        return 2.0 if self.churn <= self.steps / 10 else None

    @property
    def _rest(self) -> tuple[Rest, ...]:
        return ("higher order", "noise") if self.churn > 0 else ("higher order",)

    @torch.no_grad()
    def _step(
        self, score: ScoreFunction, x: Tensor, now: ScheduleState, then: ScheduleState, generator: StepRandomness
    ) -> Tensor:
        sigma = now.sigma
        y, churned = x / now.scale, sigma
        if self.churn > 0 and self.churn_min <= sigma <= self.churn_max:
            gamma = min(self.churn / self.steps, math.sqrt(2) - 1)
            churned = max(sigma, min((1 + gamma) * sigma, self.process.sigma_max))
            y = y + math.sqrt(churned**2 - sigma**2) * self.churn_noise * base.normal(y, generator)
        h = then.sigma - churned
        slope = -churned * score(y, y.new_tensor(churned))
        slope_next = -then.sigma * score(y + h * slope, y.new_tensor(then.sigma))
        return then.scale * (y + h / 2 * (slope + slope_next))
