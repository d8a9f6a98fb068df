from typing import TYPE_CHECKING

from playground.kinds.chosen import ChosenNoise, Given
from playground.kinds.kind import register
from playground.kinds.networks.mlp import MLP
from playground.kinds.networks.network import Network, Perceptron
from playground.kinds.networks.u_net import UNet

if TYPE_CHECKING:
    import torch

    from playground.theory.networks import ScoreNetwork


@register
class Auto(Perceptron, tag="auto", frozen=True):
    """An MLP for points, a U-Net for images."""

    title = "Auto"
    place = 0

    def resolve(self, images: bool, noise: ChosenNoise) -> Network:
        return self._suited(images).resolve(images, noise)

    def build(self, given: Given, generator: "torch.Generator") -> "ScoreNetwork":
        return self._suited(len(given.shape) == 3).build(given, generator)

    def _suited(self, images: bool) -> Network:
        return self.switched(UNet if images else MLP)
