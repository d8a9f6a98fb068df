from playground.data import toys
from playground.kinds.datasets.data_source import ToyWithClasses
from playground.kinds.kind import register


@register
class EightGaussians(ToyWithClasses, tag="eight-gaussians", frozen=True):
    """Eight equal blobs on a circle."""

    title = "Eight Gaussians"
    phrase = "eight Gaussians"
    place = 2
    own_noise = 0.5 / 1.414
    parts = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
    density = staticmethod(toys.eight_gaussians)
