r"""UniPC-2, a predictor-corrector solver of the probability flow with one score evaluation per step.

With \lambda = -\ln\sigma and the expected clean point D, the flow in y = x/alpha is dy = (D - y)\, d\lambda (see
:mod:`playground.theory.samplers.multistep`). So over a step h from \lambda_0 to \lambda_1

.. math:: y_1 = e^{-h} y_0 + \int_0^h e^{-(h - u)} D(\lambda_0 + u)\, du.

The predictor, UniP-2, replaces D(\lambda_0 + u) by the line through D at \lambda_0 and at the point before. DPM-Solver++(2M) has the
same line and differs by terms of order h^3. The corrector, UniC-2, repeats the step with the parabola through these two and D at the
predicted point. That evaluation is needed for the next step anyway, so the correction costs nothing and raises the order to 3. The
last point is not corrected.

Source: Zhao et al. 2023, "UniPC: A unified predictor-corrector framework for fast sampling of diffusion models", algorithms 1 to 3.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.noise import ScheduleState, ScoreFunction
from playground.theory.samplers import base
from playground.theory.samplers.brownian import StepRandomness
from playground.theory.samplers.multistep import FEW_STEPS, LONGEST
from playground.theory.samplers.path import PathSampler, StepFunction


@dataclass
class UniPCSampler(PathSampler):
    """UniPC-2, of order 3. Its predictor is of first order where that of DPM-Solver++ is."""

    order = 3.0

    def _stepper(self) -> StepFunction:
        earlier: list[tuple[float, Tensor]] = []  # lambda and D of the last two points
        corrected: Tensor | None = None  # y at the last of them
        taken = 0

        @torch.no_grad()
        def step(
            score: ScoreFunction, x: Tensor, now: ScheduleState, then: ScheduleState, generator: StepRandomness
        ) -> Tensor:
            nonlocal corrected, taken
            taken += 1
            y, place = x / now.scale, -math.log(now.sigma)
            clean = base.posterior_mean(score, y, y.new_tensor(now.sigma))
            if corrected is not None:
                y = exponential_step(corrected, [*earlier, (place, clean)], earlier[-1][0], place)
            corrected, earlier[:] = y, [*earlier[-1:], (place, clean)]
            end = -math.log(then.sigma)
            far = len(earlier) > 1 and end - place > LONGEST * (place - earlier[0][0])
            known = earlier[-1:] if far or taken == self.steps < FEW_STEPS else earlier
            return then.scale * exponential_step(y, known, place, end)

        return step


def exponential_step(y: Tensor, points: list[tuple[float, Tensor]], first: float, last: float) -> Tensor:
    r"""Solve dy = (D - y) d lambda from `first` to `last`, with the polynomial through D at up to three points in its place.

    Newton's form of the polynomial, integrated term by term: the integrals of e^{-(h - u)} times 1, u and u^2 over [0, h] are
    1 - e^{-h}, h - (1 - e^{-h}) and h^2 less twice the one before.

    Args:
        y: (N, \*shape) at `first`.
        points: lambda and D, (N, \*shape), of one to three points.
    """
    h = last - first
    zeroth = -math.expm1(-h)
    linear = h - zeroth
    square = h**2 - 2 * linear
    places, slopes = [place - first for place, _ in points], [value for _, value in points]
    found = math.exp(-h) * y + zeroth * slopes[0]
    if len(points) > 1:
        slope = (slopes[1] - slopes[0]) / (places[1] - places[0])
        found = found + (linear - places[0] * zeroth) * slope
    if len(points) > 2:
        other = (slopes[2] - slopes[1]) / (places[2] - places[1])
        bend = (other - slope) / (places[2] - places[0])
        weight = square - (places[0] + places[1]) * linear + places[0] * places[1] * zeroth
        found = found + weight * bend
    return found
