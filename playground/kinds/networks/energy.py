import math
from typing import TYPE_CHECKING

from playground.kinds.chosen import Given
from playground.kinds.kind import register
from playground.kinds.networks.network import Perceptron

if TYPE_CHECKING:
    import torch

    from playground.theory.networks import ScoreNetwork


@register
class Energy(Perceptron, tag="energy", frozen=True):
    """An MLP with one output f: the score is -∇f, the density e⁻ᶠ/Z. A step of denoising takes twice an MLP's time, one of exact or sliced matching five to ten times."""

    title = "Energy"
    place = 2
    equation = r"s = -\nabla f,\ p = e^{-f}/Z"
    states_density = True

    def build(self, given: Given, generator: "torch.Generator") -> "ScoreNetwork":
        from playground.theory.networks import Energy

        return Energy(
            math.prod(given.shape),
            width=self.width,
            depth=self.depth,
            activation=self.activation,
            features=self.features,
            scale=self.feature_scale,
            generator=generator,
        )
