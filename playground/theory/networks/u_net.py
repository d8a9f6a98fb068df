"""A small U-Net for images."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from playground.theory.networks.base import (
    ACTIVATIONS,
    NoiseEmbedding,
    ScoreNetwork,
    linear,
    uniform_init,
    zero_init,
)

GROUP = 8  # channels of a group norm's group
WIDEST_SIDE = 16  # most positions along a side of the finest level; larger images have larger blocks of pixels


class UNet(ScoreNetwork):
    """Residual blocks at coarser and coarser resolution and back, with skip connections (Ronneberger et al. 2015).

    Each block of 2x2 pixels (4x4 beyond 32 pixels a side) becomes one position, which makes a step four times cheaper. An image
    whose sides are no multiples is padded first. All levels have the same number of channels: with more at coarse levels it
    memorizes 1,400 digits. A residual block is two 3x3 convolutions, each after a group norm. The noise level and, with
    classes, the label scale and shift the second norm (Perez et al. 2018; Dhariwal & Nichol 2021).

    Args:
        shape: (C, H, W).
        width: four times the number of channels, which is rounded to groups of eight.
        depth: the number of levels; fewer if the image cannot be halved as often.
        activation: a name from :data:`ACTIVATIONS`.
        classes: the number of classes; 0 for none.
        generator: draws every weight.
        prediction: what the output stands for.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        width: int,
        depth: int,
        activation: str,
        classes: int = 0,
        generator: torch.Generator,
        prediction: str = "v",
    ) -> None:
        super().__init__(prediction)
        if len(shape) != 3:
            raise ValueError(f"A U-Net network needs images (channels, height, width), not points of {shape}.")
        self.shape, self.width, self.depth, self.activation = shape, width, depth, activation
        colours, *self.sides = shape
        self.block = 2
        while -(-max(self.sides) // self.block) > WIDEST_SIDE:
            self.block *= 2
        levels = 1
        while levels < depth and min(self.sides) >= self.block * 2 ** (levels + 1):
            levels += 1
        self.unit = self.block * 2 ** (levels - 1)  # sides are padded to a multiple of it
        channels = GROUP * max(round(width / 4 / GROUP), 1)
        self.noise = NoiseEmbedding()
        self.embed = linear(NoiseEmbedding.size, 2 * channels, generator)
        self.mix = linear(2 * channels, 2 * channels, generator)
        self.classes = classes
        if classes:  # the last row is for an unknown label
            self.labels = nn.Parameter(torch.zeros(classes + 1, 2 * channels))
        # A bias for each position costs little, and position matters: digits are centred.
        positions = (-(-side // self.unit) * self.unit // self.block for side in self.sides)
        self.place = nn.Parameter(torch.zeros(1, channels, *positions))
        self.into = _convolution(colours * self.block**2, channels, generator)

        def block(inputs: int) -> _Block:
            return _Block(inputs, channels, 2 * channels, ACTIVATIONS[activation], generator)

        self.down = nn.ModuleList(block(channels) for _ in range(levels))
        self.middle = block(channels)
        self.up = nn.ModuleList(block(2 * channels) for _ in range(levels))
        self.norm = _norm(channels)
        self.out = zero_init(nn.Conv2d(channels, colours * self.block**2, 3, padding=1, device="meta"))
        for parameter in self.parameters():
            if parameter.ndim == 4:  # the layout changes only now, so that the drawn values do not depend on it
                parameter.data = parameter.data.contiguous(memory_format=self.layout)

    layout = torch.channels_last
    """The memory layout of pixels and weights, in which the channels of a position are contiguous."""

    rows = 256
    """Images evaluated at a time."""

    def raw(self, x: Tensor, noise: Tensor, label: Tensor | None = None) -> Tensor:
        activate = ACTIVATIONS[self.activation]
        context = self.mix(activate(self.embed(self.noise(noise))))
        if self.classes:
            unknown = torch.full(noise.shape, self.classes, device=noise.device)
            context = context + self.labels[unknown if label is None else label]
        context = activate(context)
        height, width = self.sides
        h = functional.pixel_unshuffle(functional.pad(x, (0, -width % self.unit, 0, -height % self.unit)), self.block)
        h = self.into(h.contiguous(memory_format=self.layout)) + self.place
        seen = []
        for level, block in enumerate(self.down):
            h = block(functional.avg_pool2d(h, 2) if level else h, context)
            seen.append(h)
        h = self.middle(h, context)
        for level in reversed(range(len(self.up))):
            h = self.up[level](torch.cat([h, seen[level]], 1), context)
            if level:
                h = functional.interpolate(h, scale_factor=2.0, mode="nearest")
        image = functional.pixel_shuffle(self.out(activate(self.norm(h))), self.block)
        return image[..., :height, :width]


class _Block(nn.Module):
    """h + conv(act(scale * norm(conv(act(norm(h)))) + shift)), with scale and shift from the context. Initially the identity."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        context: int,
        activation: Callable[[Tensor], Tensor],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.first_norm, self.second_norm = _norm(inputs), _norm(outputs)
        self.first = _convolution(inputs, outputs, generator)
        self.modulation = linear(context, 2 * outputs, generator)
        self.second = zero_init(nn.Conv2d(outputs, outputs, 3, padding=1, device="meta"))
        self.across = (
            uniform_init(nn.Conv2d(inputs, outputs, 1, device="meta"), inputs, generator) if inputs != outputs else None
        )

    def forward(self, h: Tensor, context: Tensor) -> Tensor:
        scale, shift = self.modulation(context)[..., None, None].chunk(2, dim=1)
        inner = self.first(self.activation(self.first_norm(h)))
        inner = torch.addcmul(shift, self.second_norm(inner), 1 + scale)
        out: Tensor = self.second(self.activation(inner)) + (h if self.across is None else self.across(h))
        return out


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(channels // GROUP, channels)


def _convolution(inputs: int, outputs: int, generator: torch.Generator) -> nn.Conv2d:
    return uniform_init(nn.Conv2d(inputs, outputs, 3, padding=1, device="meta"), 9 * inputs, generator)
