from playground.data import toys
from playground.kinds.datasets.data_source import Toy
from playground.kinds.kind import register


@register
class Checkerboard(Toy, tag="checkerboard", frozen=True):
    """Eight squares with sharp edges."""

    title = "Checkerboard"
    phrase = "checkerboard"
    place = 3
    own_noise = 0.0
    density = staticmethod(toys.checkerboard)
