r"""Networks that learn a score: random Fourier features, preconditioning, an MLP and a small convolutional network.

All of them learn data of mean 0 and variance sd^2 = 1 per axis, in variance-exploding coordinates. The preconditioning of
Karras et al. 2022 (table 1: c_skip, c_out, c_in, and the noise input ln(sigma)/4), written for the score, is

.. math:: s(x, \sigma) = -\frac{x}{\sigma^2 + sd^2}
          + \frac{sd}{\sigma' \sqrt{\sigma^2 + sd^2}} F\!\left(\frac{x}{\sqrt{\sigma^2 + sd^2}}, \frac{\ln \sigma'}{4}\right)

with sigma' = sigma, or sd where sigma = 0, where the denoiser's form would divide by zero. F = 0, as at the start, is the
exact score of Gaussian data.
"""

import itertools
import math
from abc import abstractmethod
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from playground.theory import fused
from playground.theory.noise import per_point

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": functional.silu,
    "gelu": functional.gelu,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
}

Layer = TypeVar("Layer", bound=nn.Module)

DATA_STD = 1.0  # sd of the module docstring: data are standardized
ROWS = 1024  # points evaluated at a time on a CPU: what they need stays in its cache, which halves the time for 10,000
NOISE_FREQUENCIES = 3  # of the noise input: sines and cosines of 1/2, 1 and 3/2 times ln(sigma)


class ScoreNetwork(nn.Module):
    """A preconditioned score s(x, sigma); subclasses say what F is."""

    @abstractmethod
    def raw(self, x: Tensor, noise: Tensor) -> Tensor:
        """F of inputs x (N, \\*shape) of variance one and noise = ln(sigma)/4 (N,)."""

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The score at x (N, \\*shape) for sigma (0-d or (N,), >= 0), in the shape of x."""
        sigma = sigma.to(x).expand(len(x))
        return self._score(x, sigma) if torch.is_grad_enabled() else self._evaluated(x, sigma)

    def _evaluated(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The score where nobody asks for gradients."""
        rows = _rows(x)
        return torch.cat(
            [self._score(*piece) for piece in zip(torch.split(x, rows), torch.split(sigma, rows), strict=True)]
        )

    def _score(self, x: Tensor, sigma: Tensor) -> Tensor:
        inverse = torch.rsqrt(sigma.square() + DATA_STD**2)
        divisor = torch.where(sigma > 0, sigma, DATA_STD)
        scaled = x * per_point(inverse, x)
        raw = self.raw(scaled, torch.log(divisor) / 4)
        return per_point(inverse, x) * (per_point(DATA_STD / divisor, x) * raw - scaled)

    @property
    def parameters_count(self) -> int:
        """How many numbers training may change."""
        return sum(parameter.numel() for parameter in self.parameters())


class NoiseEmbedding(nn.Module):
    """ln(sigma)/4 as itself and as sines and cosines, (N,) -> (N, size)."""

    size = 1 + 2 * NOISE_FREQUENCIES

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2.0 * torch.arange(1, NOISE_FREQUENCIES + 1))

    def forward(self, noise: Tensor) -> Tensor:
        angles = noise[:, None] * self.get_buffer("frequencies")
        return torch.cat([noise[:, None], angles.sin(), angles.cos()], dim=1)


class MLP(ScoreNetwork):
    r"""A multilayer perceptron on x, random Fourier features of x, and the noise level.

    The features cos(b'x), sin(b'x) with b ~ N(0, scale^2 I) let it bend at the scale of the data (Tancik et al. 2020);
    without them it stays at the trivial solution on eight Gaussians for 20,000 steps. Frequencies far above the data's own
    are learned noise: scale 1.5 beats 6 by a factor of two in KL on two moons, and 0.75 is too smooth for a checkerboard.

    Args:
        dim: D, the points' axes.
        width, depth: units a hidden layer, and how many of those.
        activation: a name from :data:`ACTIVATIONS`.
        features, scale: how many frequencies b, and their spread.
        generator: draws every weight and frequency.
    """

    def __init__(
        self,
        dim: int,
        *,
        width: int,
        depth: int,
        activation: str,
        features: int,
        scale: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.activation_name, self.activation = activation, ACTIVATIONS[activation]
        self.noise = NoiseEmbedding()
        self.register_buffer("frequencies", scale * torch.randn(dim, features, generator=generator))
        sizes = [dim + 2 * features + NoiseEmbedding.size, *[width] * depth]
        self.hidden = nn.ModuleList(_linear(a, b, generator) for a, b in itertools.pairwise(sizes))
        self.out = _zero(nn.Linear(width, dim, device="meta"))

    def raw(self, x: Tensor, noise: Tensor) -> Tensor:
        shape, x = x.shape, x.flatten(1)
        angles = x @ self.get_buffer("frequencies")
        h = torch.cat([x, angles.cos(), angles.sin(), self.noise(noise)], dim=1)
        for layer in self.hidden:
            h = self.activation(layer(h))
        out: Tensor = self.out(h)
        return out.view(shape)

    @property
    def tables(self) -> tuple[Tensor, Tensor]:
        """The frequencies of x, (D, K), and of the noise level, (T,)."""
        return self.get_buffer("frequencies"), self.noise.get_buffer("frequencies")

    @property
    def layers(self) -> list[nn.Linear]:
        """All linear layers, the last one included."""
        return [*self.hidden, self.out]

    def _evaluated(self, x: Tensor, sigma: Tensor) -> Tensor:
        weights: list[Tensor] = [layer.weight for layer in self.layers]
        biases: list[Tensor] = [layer.bias for layer in self.layers]
        score = fused.mlp_score(x.flatten(1), sigma, *self.tables, weights, biases, self.activation_name, _rows(x))
        return score.view(x.shape)


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
        self.embed = _linear(NoiseEmbedding.size, channels, generator)
        # Where the picture is matters as much as what is around it: digits are centred. A bias a position costs little.
        self.place = nn.Parameter(torch.zeros(1, channels, -(-self.height // 2), -(-self.width // 2)))
        self.into = _convolution(4 * colours, channels, generator)
        self.blocks = nn.ModuleList(_Block(channels, self.activation, generator) for _ in range(depth))
        self.out = _zero(nn.Conv2d(channels, 4 * colours, 3, padding=1, device="meta"))

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
        self.modulation = _linear(channels, 2 * channels, generator)
        self.second = _zero(nn.Conv2d(channels, channels, 3, padding=1, device="meta"))

    def forward(self, h: Tensor, level: Tensor) -> Tensor:
        scale, shift = self.modulation(level)[..., None, None].chunk(2, dim=1)
        inner = self.first(self.activation(h))
        out: Tensor = h + self.second(self.activation(inner * (1 + scale) + shift))
        return out


def build_network(
    kind: str,
    shape: tuple[int, ...],
    *,
    width: int,
    depth: int,
    activation: str,
    features: int,
    feature_scale: float,
    generator: torch.Generator,
) -> ScoreNetwork:
    """A fresh network for points of `shape`; kind is "mlp" or "convolutional".

    Raises:
        ValueError: the kind is unknown, or a convolutional network is asked for points that are no images.
    """
    if kind == "mlp":
        dim = math.prod(shape)
        return MLP(
            dim,
            width=width,
            depth=depth,
            activation=activation,
            features=features,
            scale=feature_scale,
            generator=generator,
        )
    if kind == "convolutional":
        if len(shape) != 3:
            raise ValueError(f"A convolutional network needs images (channels, height, width), not points of {shape}.")
        return Convolutional(shape, width=width, depth=depth, activation=activation, generator=generator)
    raise ValueError(f"network kind {kind!r} is not known: it must be mlp or convolutional.")


def _rows(x: Tensor) -> int:
    """How many points to evaluate at a time."""
    return ROWS if x.device.type == "cpu" else max(len(x), 1)


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    return _draw(nn.Linear(inputs, outputs, device="meta"), inputs, generator)


def _convolution(inputs: int, outputs: int, generator: torch.Generator) -> nn.Conv2d:
    return _draw(nn.Conv2d(inputs, outputs, 3, padding=1, device="meta"), 9 * inputs, generator)


def _draw(layer: Layer, inputs: int, generator: torch.Generator) -> Layer:
    """Weights and biases from U(-1, 1)/sqrt(inputs), torch's own law, but from our generator and not the global one."""
    layer = layer.to_empty(device="cpu")
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -1 / math.sqrt(inputs), 1 / math.sqrt(inputs), generator=generator)
    return layer


def _zero(layer: Layer) -> Layer:
    layer = layer.to_empty(device="cpu")
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
