from playground.data import toys
from playground.kinds.datasets.data_source import ToyWithClasses
from playground.kinds.kind import register


@register
class TwoSpirals(ToyWithClasses, tag="two-spirals", frozen=True):
    """Two arms of one and a half turns."""

    title = "Two spirals"
    phrase = "two spirals"
    place = 5
    own_noise = 0.1
    parts = ("first arm", "second arm")
    density = staticmethod(toys.two_spirals)
