from typing import TYPE_CHECKING

import numpy as np

from playground.kinds.chosen import Given
from playground.kinds.kind import register
from playground.kinds.noise.noise import END, START, TwoEnds, process_curve

if TYPE_CHECKING:
    from playground.theory.noise import Noise as NoiseLevels


@register
class Cosine(TwoEnds, tag="cosine", frozen=True):
    """Variance preserving: α = cos θ and std = sin θ, with θ linear in t."""

    title = "Cosine"
    place = 6
    equation = (
        r"x(t) = \cos\theta\,x_0 + \sin\theta\,z,\ "
        r"\theta = (1 - t) \arctan \sigma_{min} + t \arctan \sigma_{max}"
    )
    is_continuous = True
    chart = (
        "Noise over signal, σ = std/α = tan θ: the process shrinks the data while it adds noise, with θ "
        f"linear in t. Left: σ max, {START}. Right: σ min, at t = 0; {END}. Drag the ends."
    )

    def build(self, given: Given) -> "NoiseLevels":
        from playground.theory.noise import ContinuousNoise, Cosine

        return ContinuousNoise(Cosine(*self.ends(given)))

    def levels_shown(self, unit: float | None) -> np.ndarray:
        if unit is None:
            return np.zeros(0)
        from playground.theory.noise import Cosine

        assert self.sigma_max != "auto"
        assert self.sigma_min != "auto"
        return process_curve(Cosine(self.sigma_min / unit, self.sigma_max / unit), unit)
