from typing import TYPE_CHECKING

from playground.data import toys
from playground.kinds.datasets.data_source import Toy
from playground.kinds.kind import register

if TYPE_CHECKING:
    from playground.theory.densities import Density


@register
class TwoMoons(Toy, tag="two-moons", frozen=True):
    """Two half circles that reach into each other."""

    title = "Two moons"
    phrase = "two moons"
    place = 0
    own_noise = 0.1

    @classmethod
    def density(cls, noise: float) -> "Density":
        return toys.two_moons(noise)
