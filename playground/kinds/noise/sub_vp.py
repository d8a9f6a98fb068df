from typing import TYPE_CHECKING

from playground.kinds.kind import register
from playground.kinds.noise.linear_rate import LinearRate

if TYPE_CHECKING:
    from playground.theory.noise.processes import LinearRate as Process


@register
class SubVariancePreserving(LinearRate, tag="sub-vp", frozen=True):
    """As VP, but with less noise: std = 1 - α² instead of its square root."""

    title = "sub-VP"
    place = 5
    equation = r"dx = -\frac{1}{2} \beta x\,dt + \sqrt{\beta (1 - e^{-2 \int_0^t \beta})}\,dw"

    @classmethod
    def process(cls) -> "type[Process]":
        from playground.theory.noise import SubVariancePreserving

        return SubVariancePreserving
