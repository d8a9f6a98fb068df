from collections.abc import Iterator
from typing import TYPE_CHECKING

from playground.kinds.chosen import Chosen, Given
from playground.kinds.kind import register
from playground.kinds.networks.network import Network
from playground.messages import Message, instead

if TYPE_CHECKING:
    import torch

    from playground.theory.networks import ScoreNetwork


@register
class UNet(Network, tag="u-net", frozen=True):
    """Convolutions from fine resolution to coarse and back; for images."""

    title = "U-Net"
    place = 3
    takes_labels = True
    needs_images = True

    def conflicts(self, chosen: Chosen) -> Iterator[Message]:
        if not chosen.data.images:
            yield instead(
                "u-net-of-points",
                "A U-Net needs images: choose {} for points, or the digits or images.",
                (),
                "network.kind",
                "mlp",
                "Use an MLP",
            )

    def build(self, given: Given, generator: "torch.Generator") -> "ScoreNetwork":
        from playground.theory.networks import UNet

        return UNet(
            given.shape,
            width=self.width,
            depth=self.depth,
            activation=self.activation,
            classes=given.classes,
            generator=generator,
            prediction=self.prediction,
        )
