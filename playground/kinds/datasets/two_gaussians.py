from playground.data import toys
from playground.kinds.datasets.data_source import ToyWithClasses
from playground.kinds.kind import register


@register
class TwoGaussians(ToyWithClasses, tag="two-gaussians", frozen=True):
    """Weights 0.8 and 0.2, far apart: Langevin dynamics gets them wrong."""

    title = "Two Gaussians"
    phrase = "two Gaussians"
    place = 1
    own_noise = 1.0
    parts = ("upper right", "lower left")
    density = staticmethod(toys.two_gaussians)
