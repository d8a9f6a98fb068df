from typing import TYPE_CHECKING

from playground.data import toys
from playground.kinds.datasets.data_source import Toy
from playground.kinds.kind import register

if TYPE_CHECKING:
    from playground.theory.densities import Density


@register
class SwissRoll(Toy, tag="swiss-roll", frozen=True):
    """One arm, denser inside."""

    title = "Swiss roll"
    phrase = "Swiss roll"
    place = 7
    own_noise = 0.2

    @classmethod
    def density(cls, noise: float) -> "Density":
        return toys.swiss_roll(noise)
