from typing import TYPE_CHECKING

import numpy as np

from playground.kinds.kind import register
from playground.kinds.noise.noise import END, START, ContinuousProcess

if TYPE_CHECKING:
    from playground.theory.noise import Process

POINTS = 20  # points on the chart, where sigma falls along a straight line


@register
class VarianceExploding(ContinuousProcess, tag="ve", frozen=True):
    """Variance exploding: the noise grows, the data keep their scale."""

    title = "VE"
    place = 3
    equation = r"dx = \sqrt{d\sigma^2/dt}\,dw,\ \sigma(t) = \sigma_{min} (\sigma_{max}/\sigma_{min})^t"
    chart = (
        f"σ(t): the process adds noise and leaves the data where they are. Left: σ max, {START}. Right: σ min, at t = 0; "
        f"{END}. Drag the ends."
    )

    @classmethod
    def process(cls, sigma_min: float, sigma_max: float) -> "Process":
        from playground.theory.noise import VarianceExploding

        return VarianceExploding(sigma_min, sigma_max)

    def levels_shown(self, unit: float | None) -> np.ndarray:
        assert self.sigma_max != "auto"
        assert self.sigma_min != "auto"
        return np.geomspace(self.sigma_max, self.sigma_min, POINTS)
