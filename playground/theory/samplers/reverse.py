r"""The reverse SDE, from noise to data, stochastic.

.. math:: dx = [f(x, t) - g(t)^2 s(x, t)]\, dt + g(t)\, d\bar w

In variance-exploding coordinates y = x/alpha, with the variance v = sigma^2 as time, it has unit diffusion,

.. math:: dy = s(y, \sqrt v)\, (-dv) + d\bar w_{-v},

because g^2/alpha^2 = dv/dt for every process here. In these coordinates the noise of a step is exact for any length, and schemes
for additive noise apply directly. Runs on one Brownian path share the noise in this time. g sqrt(h) z in x and t is the same noise,
except for terms of order h. Source: Anderson 1982; Song et al. 2021.

It is one of a family with the same marginals, from the probability flow (l = 0) through this SDE (l = 1) to more noise:

.. math:: dx = [f - \tfrac{1 + l^2}{2} g^2 s]\, dt + l\, g\, d\bar w

Source: Zhang & Chen 2023, Fast sampling of diffusion models with exponential integrator, equation 6.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from playground.theory.noise import ScheduleState, ScoreFunction
from playground.theory.samplers import base
from playground.theory.samplers.brownian import StepRandomness
from playground.theory.samplers.path import RungeKutta

SdeSolver = Literal["euler", "heun", "shark"]


@dataclass
class ReverseSDE(RungeKutta):
    """The forward process run backwards in time, with noise.

    Args:
        solver: ``euler`` is Euler-Maruyama in x and t, with one score evaluation per step and strong and weak order 1. ``heun``
            averages the drift of both ends of a step, with two evaluations, strong order 1 and weak order 2. ``shark`` also has
            two evaluations, and one more random number. Its strong order is 1.5, so it is closest to the exact path.
        stochasticity: l >= 0.
    """

    solver: SdeSolver = "euler"
    stochasticity: float = 1.0

    @property
    def strong_order(self) -> float | None:
        return None if self.corrector_steps else {"euler": 1.0, "heun": 1.0, "shark": 1.5}[self.solver]

    @torch.no_grad()
    def _step(
        self, score: ScoreFunction, x: Tensor, now: ScheduleState, then: ScheduleState, generator: StepRandomness
    ) -> Tensor:
        if self.solver == "euler":
            return euler_maruyama(score, x, now, then.time, generator, self.stochasticity)
        solve = heun if self.solver == "heun" else shark
        return then.scale * solve(score, x / now.scale, now.sigma, then.sigma, generator, self.stochasticity)


def euler_maruyama(
    score: ScoreFunction, x: Tensor, now: ScheduleState, t_next: float, generator: StepRandomness, stochasticity: float
) -> Tensor:
    """x - h [f - (1 + l^2)/2 g^2 s] + sqrt(h) l g z, in the coordinates of the process. The score there is s(x/alpha, sigma)/alpha."""
    h, g, pull = now.time - t_next, now.diffusion, (1 + stochasticity**2) / 2
    slope = score(x / now.scale, x.new_tensor(now.sigma))
    kept = (1 - h * now.rate) * x
    return kept.add_(slope, alpha=pull * h * g**2 / now.scale).add_(
        base.normal(x, generator), alpha=stochasticity * math.sqrt(h) * g
    )


def heun(
    score: ScoreFunction, y: Tensor, sigma: float, sigma_next: float, generator: StepRandomness, stochasticity: float
) -> Tensor:
    r"""y + h/2 [F(y, v) + F(y + h F + l w, v - h)] + l w, with the noise w of variance h = sigma^2 - sigma_next^2 and the drift
    F = (1 + l^2)/2 s.

    For additive noise it has weak order 2 (Kloeden & Platen 1992, section 15.1).
    """
    h = sigma**2 - sigma_next**2
    pulled = (1 + stochasticity**2) / 2 * h
    first = score(y, y.new_tensor(sigma))
    moved = y + stochasticity * math.sqrt(h) * base.normal(y, generator)
    return moved + pulled / 2 * (first + score(moved + pulled * first, y.new_tensor(sigma_next)))


def shark(
    score: ScoreFunction, y: Tensor, sigma: float, sigma_next: float, generator: StepRandomness, stochasticity: float
) -> Tensor:
    r"""Make a step of the shifted additive-noise Runge-Kutta method.

    Let w be the step's noise, of variance h, and a its independent space-time Levy area, of variance h/12, which measures how far
    the path lay above its chord. With the drift F = (1 + l^2)/2 s,

    .. math:: y_1 = y + l a,\quad y_2 = y_1 + \tfrac56 [h\, F(y_1, v) + l w],\quad
              y' = y + h\, [\tfrac25 F(y_1, v) + \tfrac35 F(y_2, v - \tfrac56 h)] + l w.

    Source: Foster, dos Reis & Strange 2024, High order splitting methods for SDEs satisfying a commutativity condition.
    """
    h = sigma**2 - sigma_next**2
    pulled = (1 + stochasticity**2) / 2 * h
    noise = stochasticity * math.sqrt(h) * base.normal(y, generator)
    shifted = y + stochasticity * math.sqrt(h / 12) * base.levy_area(y, generator)
    first = score(shifted, y.new_tensor(sigma))
    between = shifted + 5 / 6 * (pulled * first + noise)
    second = score(between, y.new_tensor(math.sqrt(sigma**2 - 5 / 6 * h)))
    return y + pulled * (2 / 5 * first + 3 / 5 * second) + noise
