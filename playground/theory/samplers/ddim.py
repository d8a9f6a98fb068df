r"""DDIM, and with all its noise ancestral sampling: a first-order step that is exact for a single data point.

In variance-exploding coordinates y = x/alpha let D(y, \sigma) = y + \sigma^2 s(y, \sigma) be the expected clean point. A step from
\sigma to \sigma' holds D and replaces a share of the predicted noise y - D by fresh noise,

.. math:: y' = D + \frac{\sqrt{\sigma'^2 - v}}{\sigma} (y - D) + \sqrt v\, z, \quad
          v = \eta^2 \sigma'^2 \left(1 - \frac{\sigma'^2}{\sigma^2}\right).

With \eta = 0 it is Euler's method for the probability flow dy/d\sigma = (y - D)/\sigma. So it is the same for every process, where Euler's
method in t depends on how \sigma grows with t. For flow matching both are one: while D and (y - D)/\sigma stay, x moves along a straight
line at constant speed. With \eta = 1 it is the ancestral sampling of Ho et al. 2020. In between, \eta is to first order in the step
the l of :mod:`playground.theory.samplers.reverse`.

Source: Song, Meng & Ermon 2021, "Denoising diffusion implicit models", equations 12 and 16.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.noise import ScheduleState, ScoreFunction
from playground.theory.samplers import base
from playground.theory.samplers.brownian import StepRandomness
from playground.theory.samplers.path import OneStepSampler
from playground.theory.samplers.terms import Rest, StepTerms


@dataclass
class DDIMSampler(OneStepSampler):
    """DDIM, of order 1.

    Args:
        eta: from 0, the probability flow, to 1, ancestral sampling of the reverse SDE.
    """

    eta: float = 0.0

    order = 1.0
    _rest = ()

    @torch.no_grad()
    def _step(
        self, score: ScoreFunction, x: Tensor, now: ScheduleState, then: ScheduleState, generator: StepRandomness
    ) -> Tensor:
        y = x / now.scale
        clean = base.posterior_mean(score, y, y.new_tensor(now.sigma))
        kept, fresh = self._shares(now.sigma, then.sigma)
        moved = clean + kept * (y - clean)
        if self.eta:
            moved = moved + fresh * base.normal(y, generator)
        return then.scale * moved

    def _shares(self, sigma: float, sigma_next: float) -> tuple[float, float]:
        """The factor of y - D, and the deviation of the fresh noise."""
        variance = (self.eta * sigma_next) ** 2 * (1 - (sigma_next / sigma) ** 2)
        return math.sqrt(sigma_next**2 - variance) / sigma, math.sqrt(variance)

    def _step_terms(self, start: float, then: float, rest: tuple[Rest, ...]) -> StepTerms:
        now, end = self.process.states_at([start, then])
        kept, fresh = self._shares(now.sigma, end.sigma)
        pull = {0.0: "σ(σ − σ′)", 1.0: "(σ² − σ′²)"}.get(self.eta, "(σ² − σ√(σ′² − v))")
        deviation = {0.0: "", 1.0: "σ′√(1 − σ′²/σ²)"}.get(self.eta, "√v")
        scaled = now.scale != 1
        symbols = (
            "(α′/α − 1)" if scaled else "",
            f"αα′{pull}" if scaled else pull,
            f"α′{deviation}" if scaled and self.eta else deviation,
        )
        weight = end.scale * now.scale * now.sigma**2 * (1 - kept)
        whole: tuple[Rest, ...] = (*rest, *(("noise",) if self.eta else ()))
        noise = None if rest else end.scale * fresh
        return StepTerms(end.scale / now.scale - 1, weight, noise, symbols, now.scale, now.sigma, whole)
