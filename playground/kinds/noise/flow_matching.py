from typing import TYPE_CHECKING

import numpy as np

from playground.kinds.chosen import Given
from playground.kinds.kind import register
from playground.kinds.noise.noise import END, START, TwoEnds, process_curve

if TYPE_CHECKING:
    from playground.theory.noise import Noise as NoiseLevels


@register
class FlowMatching(TwoEnds, tag="flow-matching", frozen=True):
    """A straight line from each data point to noise: α = 1 - t and std = t."""

    title = "Flow matching"
    place = 6.5
    equation = r"x(t) = (1 - t)\,x_0 + t\,z,\ u = E[z - x_0 \mid x(t)]"
    is_continuous = True
    chart = (
        "Noise over signal, σ = t/(1 - t): x(t) goes along a straight line from a data point to noise. "
        f"Left: σ max, {START}. Right: σ min; {END}. Drag the ends."
    )

    def build(self, given: Given) -> "NoiseLevels":
        from playground.theory.noise import ContinuousNoise, FlowMatching

        return ContinuousNoise(FlowMatching(*self.ends(given)))

    def levels_shown(self, unit: float | None) -> np.ndarray:
        if unit is None:
            return np.zeros(0)
        from playground.theory.noise import FlowMatching

        assert self.sigma_max != "auto"
        assert self.sigma_min != "auto"
        return process_curve(FlowMatching(self.sigma_min / unit, self.sigma_max / unit), unit)
