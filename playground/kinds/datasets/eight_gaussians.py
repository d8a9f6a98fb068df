from typing import TYPE_CHECKING

from playground.data import toys
from playground.kinds.datasets.data_source import Toy
from playground.kinds.kind import register

if TYPE_CHECKING:
    from playground.theory.densities import Density


@register
class EightGaussians(Toy, tag="eight-gaussians", frozen=True):
    """Eight equal blobs on a circle."""

    title = "Eight Gaussians"
    phrase = "eight Gaussians"
    place = 2
    own_noise = 0.5 / 1.414

    @classmethod
    def density(cls, noise: float) -> "Density":
        return toys.eight_gaussians(noise)
