from typing import TYPE_CHECKING

from playground.kinds.kind import register
from playground.kinds.noise.noise import END, START, ContinuousProcess

if TYPE_CHECKING:
    from playground.theory.noise import Process


@register
class Cosine(ContinuousProcess, tag="cosine", frozen=True):
    """Variance preserving: α = cos θ and std = sin θ, with θ linear in t."""

    title = "Cosine"
    place = 6
    equation = (
        r"x(t) = \cos\theta\,x_0 + \sin\theta\,z,\ "
        r"\theta = (1 - t) \arctan \sigma_{min} + t \arctan \sigma_{max}"
    )
    chart = (
        "Noise over signal, σ = std/α = tan θ: the process shrinks the data while it adds noise, with θ "
        f"linear in t. Left: σ max, {START}. Right: σ min, at t = 0; {END}. Drag the ends."
    )

    @classmethod
    def process(cls, sigma_min: float, sigma_max: float) -> "Process":
        from playground.theory.noise import Cosine

        return Cosine(sigma_min, sigma_max)
