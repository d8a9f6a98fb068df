from playground.data import toys
from playground.kinds.datasets.data_source import ToyWithClasses
from playground.kinds.kind import register


@register
class Rings(ToyWithClasses, tag="rings", frozen=True):
    """Four circles about one centre."""

    title = "Rings"
    phrase = "rings"
    place = 6
    own_noise = 0.1
    parts = ("innermost ring", "second ring", "third ring", "outermost ring")
    density = staticmethod(toys.rings)
