from typing import TYPE_CHECKING

from playground.data import toys
from playground.kinds.datasets.data_source import ToyWithClasses
from playground.kinds.kind import register

if TYPE_CHECKING:
    from playground.theory.densities import Density


@register
class TwoMoons(ToyWithClasses, tag="two-moons", frozen=True):
    """Two half circles that reach into each other."""

    title = "Two moons"
    phrase = "two moons"
    place = 0
    own_noise = 0.1
    parts = ("upper moon", "lower moon")

    @classmethod
    def density(cls, noise: float) -> "Density":
        return toys.two_moons(noise)
