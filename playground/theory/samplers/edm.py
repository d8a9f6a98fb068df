"""Karras's sampler: the probability flow by Heun's method, with noise churned in before each step."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.noise import ScheduleState, ScoreFunction
from playground.theory.samplers import base
from playground.theory.samplers.brownian import StepRandomness
from playground.theory.samplers.path import OneStepSampler


@dataclass
class EdmSampler(OneStepSampler):
    r"""The stochastic sampler of EDM: it adds fresh noise, then follows the flow down past where it was, in
    variance-exploding coordinates y = x/alpha.

    .. math:: \hat\sigma = (1 + \gamma)\, \sigma, \quad \gamma = \min(S_{churn}/n, \sqrt 2 - 1), \quad
              \hat y = y + \sqrt{\hat\sigma^2 - \sigma^2}\, S_{noise}\, z, \quad dy = -\sigma\, s(y, \sigma)\, d\sigma

    The noise leaves every marginal as it is where S_noise = 1, and forgets the errors made so far. The sigma after churning
    never lies above the coarsest level, beyond which a learned score knows nothing. Source: Karras et al. 2022, algorithm 2.

    Args:
        churn: S_churn >= 0; 0 is the deterministic flow.
        churn_min, churn_max: S_min and S_max, the sigmas between which noise is churned in.
        churn_noise: S_noise; a little above 1 makes up for detail that a network loses.
    """

    churn: float = 40.0
    churn_min: float = 0.0
    churn_max: float = math.inf
    churn_noise: float = 1.0

    @property
    def evaluations_per_step(self) -> int:
        return 2

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
