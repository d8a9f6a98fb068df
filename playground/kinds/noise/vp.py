from typing import TYPE_CHECKING

from playground.kinds.kind import register
from playground.kinds.noise.linear_rate import LinearRate

if TYPE_CHECKING:
    from playground.theory.noise.processes import LinearRate as Process


@register
class VariancePreserving(LinearRate, tag="vp", frozen=True):
    """Variance preserving: the data shrink while the noise grows, to a unit Gaussian."""

    title = "VP"
    place = 4
    equation = r"dx = -\frac{1}{2} \beta x\,dt + \sqrt{\beta}\,dw"

    @classmethod
    def process(cls) -> "type[Process]":
        from playground.theory.noise import VariancePreserving

        return VariancePreserving
