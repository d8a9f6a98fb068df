from typing import TYPE_CHECKING

import numpy as np

from playground.kinds.chosen import Given
from playground.kinds.kind import register
from playground.kinds.noise.noise import END, START, TwoEnds

if TYPE_CHECKING:
    from playground.theory.noise import Noise as NoiseLevels

POINTS = 20  # points on the chart, where sigma falls along a straight line


@register
class VarianceExploding(TwoEnds, tag="ve", frozen=True):
    """Variance exploding: the noise grows, the data keep their scale."""

    title = "VE"
    place = 3
    equation = r"dx = \sqrt{d\sigma^2/dt}\,dw,\ \sigma(t) = \sigma_{min} (\sigma_{max}/\sigma_{min})^t"
    is_continuous = True
    chart = (
        f"σ(t): the process adds noise and leaves the data where they are. Left: σ max, {START}. Right: σ min, at t = 0; "
        f"{END}. Drag the ends."
    )

    def build(self, given: Given) -> "NoiseLevels":
        from playground.theory.noise import ContinuousNoise, VarianceExploding

        return ContinuousNoise(VarianceExploding(*self.ends(given)))

    def levels_shown(self, unit: float | None) -> np.ndarray:
        assert self.sigma_max != "auto"
        assert self.sigma_min != "auto"
        return np.geomspace(self.sigma_max, self.sigma_min, POINTS)
