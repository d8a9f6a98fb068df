from playground.data import toys
from playground.kinds.datasets.data_source import ToyWithClasses
from playground.kinds.kind import register


@register
class Pinwheel(ToyWithClasses, tag="pinwheel", frozen=True):
    """Five bent arms."""

    title = "Pinwheel"
    phrase = "pinwheel"
    place = 4
    own_noise = 0.15
    parts = ("first arm", "second arm", "third arm", "fourth arm", "fifth arm")
    density = staticmethod(toys.pinwheel)
