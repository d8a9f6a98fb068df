from playground.data import toys
from playground.kinds.datasets.data_source import Toy
from playground.kinds.kind import register


@register
class SwissRoll(Toy, tag="swiss-roll", frozen=True):
    """One arm, denser inside."""

    title = "Swiss roll"
    phrase = "Swiss roll"
    place = 7
    own_noise = 0.2
    density = staticmethod(toys.swiss_roll)
