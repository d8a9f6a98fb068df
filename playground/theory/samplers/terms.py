r"""What a recorded step of a sampler is made of.

Every drift here is linear in x, so that a step is

.. math:: x' = x + a\, x + b\, s(x) + r

with numbers a and b, the score s of the density of x, and a rest r. Of an Euler step and of Langevin dynamics the rest is noise of
known deviation, or nothing; of other steps it has what a first-order step leaves out too.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

from playground.theory.noise import Process

Rest = Literal["noise", "higher order", "corrector", "refusal", "known part"]
"""What may be in a rest: fresh noise, terms of higher order, the steps of a corrector, the effect of a refused proposal, and the
own steps of known coordinates."""


@dataclass(frozen=True)
class StepTerms:
    """The numbers of a step, in standardized units.

    Attributes:
        drift: a, the weight of x.
        score: b, the weight of the score of x, which is s(x/alpha, sigma)/alpha.
        noise: standard deviation of the rest where that is noise alone, 0 where there is none, None where it is more.
        symbols: of a, b and that deviation, as textbooks write them; "" for a weight that is always 0.
        scale, sigma: alpha and sigma at which the score is asked.
        rest: what the rest has in it; empty where it is rounding alone.
    """

    drift: float
    score: float
    noise: float | None
    symbols: tuple[str, str, str]
    scale: float
    sigma: float
    rest: tuple[Rest, ...]

    def in_data_coordinates(self, scale: float) -> "StepTerms":
        """The terms of a step whose end is divided by alpha = `scale`."""
        noise = None if self.noise is None else self.noise / scale
        return replace(self, drift=(1 + self.drift) / scale - 1, score=self.score / scale, noise=noise)


def process_terms(
    process: Process, start: float, end: float, stochasticity: float, rest: tuple[Rest, ...]
) -> StepTerms:
    """The terms of a step from one time to an earlier one: f and the score's part at its start.

    Args:
        stochasticity: l of :mod:`playground.theory.samplers.reverse`: 0 of the probability flow, 1 of the reverse SDE.
        rest: what it has in its rest, besides the noise of the equation.
    """
    (state,), h = process.states_at([start]), start - end
    weight = (1 + stochasticity**2) / 2 * h * state.diffusion**2
    pull = {0.0: "½g²h", 1.0: "g²h"}.get(stochasticity, "½(1 + ℓ²)g²h")
    noise = {0.0: "", 1.0: "g√h"}.get(stochasticity, "ℓg√h")
    symbols = ("½βh" if state.rate else "", pull, noise)
    whole: tuple[Rest, ...] = (*rest, *(("noise",) if stochasticity else ()))
    spread = None if rest else stochasticity * math.sqrt(h) * state.diffusion
    return StepTerms(-h * state.rate, weight, spread, symbols, state.scale, state.sigma, whole)
