"""The common parts of all networks: preconditioning, the embedding of the noise level, initialization."""

import functools
import itertools
import math
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from playground.theory.noise import per_point
from playground.theory.parametrizations import OUTPUTS

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": functional.silu,
    "gelu": functional.gelu,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
}

Layer = TypeVar("Layer", bound=nn.Module)

DATA_STD = 1.0  # sd of the package's docstring: data are standardized
ROWS = 1024  # points evaluated at a time on a CPU: they fit into its cache, which halves the time of 10,000 points
NOISE_FREQUENCIES = 3  # the noise input has sines and cosines of 1/2, 1 and 3/2 times ln(sigma)


class ScoreNetwork(nn.Module):
    """A preconditioned score s(x, sigma), or s(x, sigma, label). Subclasses define F.

    Args:
        prediction: what F stands for, a name from :data:`playground.theory.parametrizations.OUTPUTS`.

    Attributes:
        classes: the number of classes; 0 if it takes no labels.
    """

    classes: int = 0

    def __init__(self, prediction: str = "v") -> None:
        super().__init__()
        self.prediction = prediction

    @abstractmethod
    def raw(self, x: Tensor, noise: Tensor, label: Tensor | None = None) -> Tensor:
        """F of inputs x (N, \\*shape) of variance one, noise = ln(sigma)/4 (N,), and labels (N,) if there are classes."""

    def forward(self, x: Tensor, sigma: Tensor, label: Tensor | None = None) -> Tensor:
        """The score at x (N, \\*shape) for sigma (0-d or (N,), >= 0), in the shape of x.

        Args:
            label: the class of x, 0-d or (N,) int64; None, or the number of classes, if it is unknown. A network without
                classes ignores it.
        """
        sigma = sigma.to(x).expand(len(x))
        if self.classes:
            label = torch.tensor(self.classes) if label is None else label
            label = label.to(x.device).expand(len(x))
        else:
            label = None
        return self._score(x, sigma, label) if torch.is_grad_enabled() else self._evaluated(x, sigma, label)

    def _evaluated(self, x: Tensor, sigma: Tensor, label: Tensor | None) -> Tensor:
        """The score without gradients, a batch at a time, on each core if torch uses one thread, as it does for small networks.

        The batches do not depend on the number of cores, so the results are the same to the last digit.
        """

        @torch.no_grad()  # a thread has its own setting
        def score(piece: tuple[Tensor, Tensor, Tensor | None]) -> Tensor:
            return self._score(*piece)

        rows = self.rows if x.device.type == "cpu" else max(len(x), 1)
        labels = itertools.repeat(None) if label is None else torch.split(label, rows)
        pieces = zip(torch.split(x, rows), torch.split(sigma, rows), labels, strict=False)
        alone = len(x) <= rows or torch.get_num_threads() > 1
        return torch.cat([*(map if alone else cores().map)(score, pieces)])

    rows: int = ROWS
    """Points that are evaluated at a time on a CPU."""

    def _score(self, x: Tensor, sigma: Tensor, label: Tensor | None) -> Tensor:
        return preconditioned(lambda scaled, noise: self.raw(scaled, noise, label), x, sigma, self.prediction)

    @property
    def parameters_count(self) -> int:
        """The number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters())


@functools.cache
def cores() -> ThreadPoolExecutor:
    """A thread for each core; torch does not hold the interpreter while it computes."""
    return ThreadPoolExecutor(torch.get_num_interop_threads(), "core")


def preconditioned(raw: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigma: Tensor, prediction: str = "v") -> Tensor:
    """The score of the package's docstring, for F = raw(inputs, ln(sigma')/4), at x (N, \\*shape) and sigma (N,)."""
    # On a CPU, one number for all points has its factors computed in double precision, which not every device has.
    level = sigma[:1].double() if sigma.stride(0) == 0 and sigma.is_cpu else sigma
    divisor = torch.where(level > 0, level, DATA_STD)
    factors = torch.rsqrt(level.square() + DATA_STD**2), *OUTPUTS[prediction](level, divisor), torch.log(divisor) / 4
    inverse, slope, pull, noise = (factor.to(x) for factor in factors)
    out = raw(x * per_point(inverse, x), noise.expand(len(x)))
    return torch.addcmul(per_point(slope, x) * out, per_point(pull, x), x, value=-1)


class NoiseEmbedding(nn.Module):
    """ln(sigma)/4 as itself and as sines and cosines, (N,) -> (N, size)."""

    size = 1 + 2 * NOISE_FREQUENCIES

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2.0 * torch.arange(1, NOISE_FREQUENCIES + 1))

    def forward(self, noise: Tensor) -> Tensor:
        angles = noise[:, None] * self.get_buffer("frequencies")
        return torch.cat([noise[:, None], angles.sin(), angles.cos()], dim=1)


def linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """Return a linear layer initialized by :func:`uniform_init`."""
    return uniform_init(nn.Linear(inputs, outputs, device="meta"), inputs, generator)


def uniform_init(layer: Layer, inputs: int, generator: torch.Generator) -> Layer:
    """Draw weights and biases from U(-1, 1)/sqrt(inputs), torch's default, but with the given generator."""
    bound = 1 / math.sqrt(inputs)
    return _filled(layer, lambda weights: weights.uniform_(-bound, bound, generator=generator))


def zero_init(layer: Layer) -> Layer:
    """Give a layer weights and biases of zero."""
    return _filled(layer, Tensor.zero_)


def _filled(layer: Layer, fill: Callable[[Tensor], Tensor]) -> Layer:
    """Give a layer that was made on the device "meta" real weights.

    The first call of ``layer.to_empty`` imports sympy, which takes a fifth of the time to the first training step. So the
    parameters are set one by one.
    """
    for name, shape in [(name, parameter.shape) for name, parameter in layer.named_parameters()]:
        setattr(layer, name, nn.Parameter(fill(torch.empty(shape))))
    return layer
