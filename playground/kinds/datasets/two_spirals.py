from typing import TYPE_CHECKING

from playground.data import toys
from playground.kinds.datasets.data_source import ToyWithClasses
from playground.kinds.kind import register

if TYPE_CHECKING:
    from playground.theory.densities import Density


@register
class TwoSpirals(ToyWithClasses, tag="two-spirals", frozen=True):
    """Two arms of one and a half turns."""

    title = "Two spirals"
    phrase = "two spirals"
    place = 5
    own_noise = 0.1
    parts = ("first arm", "second arm")

    @classmethod
    def density(cls, noise: float) -> "Density":
        return toys.two_spirals(noise)
