"""A small convolutional network for images."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from playground.theory.networks.base import ACTIVATIONS, NoiseEmbedding, ScoreNetwork, drawn, linear, zeroed


class Convolutional(ScoreNetwork):
    """A residual convolutional network for images (C, H, W), conditioned on the noise level.

    Each 2x2 block of pixels becomes one position with 4C channels (an image of odd size is padded first): a quarter of the
    positions makes a step four times cheaper, and on 8x8 digits two blocks see the whole image. Each of `depth` blocks is
    two 3x3 convolutions with width/4 channels, shifted and scaled by the noise level: 66,000 weights at width 128, depth 3.

    Args:
        shape: (C, H, W).
        width: four times the channels.
        depth: residual blocks.
        activation: a name from :data:`ACTIVATIONS`.
        generator: draws every weight.
    """

    def __init__(
        self, shape: tuple[int, ...], *, width: int, depth: int, activation: str, generator: torch.Generator
    ) -> None:
        super().__init__()
        colours, self.height, self.width = shape
        channels = max(width // 4, 4)
        self.activation = ACTIVATIONS[activation]
        self.noise = NoiseEmbedding()
        self.embed = linear(NoiseEmbedding.size, channels, generator)
        # Where the picture is matters as much as what is around it: digits are centred. A bias a position costs little.
        self.place = nn.Parameter(torch.zeros(1, channels, -(-self.height // 2), -(-self.width // 2)))
        self.into = _convolution(4 * colours, channels, generator)
        self.blocks = nn.ModuleList(_Block(channels, self.activation, generator) for _ in range(depth))
        self.out = zeroed(nn.Conv2d(channels, 4 * colours, 3, padding=1, device="meta"))

    def raw(self, x: Tensor, noise: Tensor) -> Tensor:
        odd = (0, self.width % 2, 0, self.height % 2)
        h = self.into(functional.pixel_unshuffle(functional.pad(x, odd), 2)) + self.place
        level = self.activation(self.embed(self.noise(noise)))
        for block in self.blocks:
            h = block(h, level)
        image = functional.pixel_shuffle(self.out(self.activation(h)), 2)
        return image[..., : self.height, : self.width]


class _Block(nn.Module):
    """h + conv(act(scale * conv(act(h)) + shift)), scale and shift from the noise level; the identity at the start."""

    def __init__(self, channels: int, activation: Callable[[Tensor], Tensor], generator: torch.Generator) -> None:
        super().__init__()
        self.activation = activation
        self.first = _convolution(channels, channels, generator)
        self.modulation = linear(channels, 2 * channels, generator)
        self.second = zeroed(nn.Conv2d(channels, channels, 3, padding=1, device="meta"))

    def forward(self, h: Tensor, level: Tensor) -> Tensor:
        scale, shift = self.modulation(level)[..., None, None].chunk(2, dim=1)
        inner = self.first(self.activation(h))
        out: Tensor = h + self.second(self.activation(inner * (1 + scale) + shift))
        return out


def _convolution(inputs: int, outputs: int, generator: torch.Generator) -> nn.Conv2d:
    return drawn(nn.Conv2d(inputs, outputs, 3, padding=1, device="meta"), 9 * inputs, generator)
