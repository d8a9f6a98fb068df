import math
from typing import TYPE_CHECKING

from playground.kinds.chosen import Given
from playground.kinds.kind import register
from playground.kinds.networks.network import Perceptron

if TYPE_CHECKING:
    import torch

    from playground.theory.networks import ScoreNetwork


@register
class MLP(Perceptron, tag="mlp", frozen=True):
    """Fully connected layers."""

    title = "MLP"
    place = 1
    takes_labels = True

    def build(self, given: Given, generator: "torch.Generator") -> "ScoreNetwork":
        from playground.theory.networks import MLP

        return MLP(
            math.prod(given.shape),
            width=self.width,
            depth=self.depth,
            activation=self.activation,
            features=self.features,
            scale=self.feature_scale,
            classes=given.classes,
            generator=generator,
            prediction=self.prediction,
        )
