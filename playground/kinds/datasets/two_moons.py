from playground.data import toys
from playground.kinds.datasets.data_source import ToyWithClasses
from playground.kinds.kind import register


@register
class TwoMoons(ToyWithClasses, tag="two-moons", frozen=True):
    """Two half circles that reach into each other."""

    title = "Two moons"
    phrase = "two moons"
    place = 0
    own_noise = 0.1
    parts = ("upper moon", "lower moon")
    density = staticmethod(toys.two_moons)
