from typing import TYPE_CHECKING

from playground.data import toys
from playground.kinds.datasets.data_source import Toy
from playground.kinds.kind import register

if TYPE_CHECKING:
    from playground.theory.densities import Density


@register
class Checkerboard(Toy, tag="checkerboard", frozen=True):
    """Eight squares with sharp edges."""

    title = "Checkerboard"
    phrase = "checkerboard"
    place = 3
    own_noise = 0.0

    @classmethod
    def density(cls, noise: float) -> "Density":
        return toys.checkerboard(noise)
