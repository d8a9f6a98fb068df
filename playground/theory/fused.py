r"""Parts of fused training of perceptrons: features, activations, steps of Adam.

A training thread shares the Python interpreter with a window that paints sixty times a second, and must wait for it after each
call to torch. So a step makes few calls, and the backward pass is written by hand.

The functions are written for :class:`playground.theory.networks.MLP` and its layout of features. The tests compare them with
that class. Points are flattened, (N, D).
"""

import math
import sys
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.99, 1e-8  # Adam's; its usual 0.999 averages 1,000 steps, 0.99 averages 100

if sys.platform == "linux":
    # glibc returns a freed block of a megabyte to the system and later takes it anew page by page. That doubles the time of
    # code that fills it. Once a larger block has been freed, glibc keeps such memory. Nothing is written to this block.
    torch.empty(30 * 2**20, dtype=torch.uint8, device="cpu")


class OptimizerState(NamedTuple):
    """The tensors that a block of S training steps updates, and the optimizer's settings.

    Attributes:
        weights, biases: the layers' parameters, as views of `live`.
        weight_gradients, bias_gradients: the layers' gradients, as views of `gradient`.
        activation: the activation between the layers.
        live, gradient, first, second, average: all parameters, their gradient, Adam's first and second moments, and the
            moving average of the parameters, (P,) each.
        rates: S learning rates.
        step: the number of steps made before.
        ema: the largest decay of the moving average.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    weight_gradients: list[Tensor]
    bias_gradients: list[Tensor]
    activation: str
    live: Tensor
    gradient: Tensor
    first: Tensor
    second: Tensor
    average: Tensor
    rates: list[float]
    step: int
    ema: float


def features(
    x: Tensor,
    scale: Tensor,
    frequencies: Tensor,
    tones: Tensor,
    sigma: Tensor,
    size: int,
    label: Tensor | None = None,
) -> Tensor:
    """Compute the inputs of a perceptron's first layer, (..., F, N), and a row of ones for its bias, for points x (..., N, D).

    The inputs are y = scale x and K cosines and K sines of it, ln(sigma)/4 and its T sines and T cosines, and with L labels a one
    at the label and zeros. So F = D + 2K + 1 + 2T + L.

    Args:
        scale, sigma: (..., N); sigma > 0.
        size: F.
        label: (..., N) int64, below L; needed if there are labels.
    """
    (dim, count), (*lead, points, _) = frequencies.shape, x.shape
    middle, stop = dim + count, dim + 2 * count
    between, end = stop + 1 + len(tones), stop + 1 + 2 * len(tones)
    found = x.new_empty(*lead, size + 1, points)
    inputs = torch.mul(x.mT, scale.unsqueeze(-2), out=found[..., :dim, :])
    angles = torch.matmul(frequencies.t(), inputs)
    torch.cos(angles, out=found[..., dim:middle, :])
    torch.sin(angles, out=found[..., middle:stop, :])
    phases = tones[:, None] * torch.log(sigma, out=found[..., stop, :]).div_(4.0).unsqueeze(-2)
    torch.sin(phases, out=found[..., stop + 1 : between, :])
    torch.cos(phases, out=found[..., between:end, :])
    if label is not None:
        found[..., end:size, :].zero_().scatter_(-2, label.unsqueeze(-2), 1.0)
    found[..., size, :] = 1.0
    return found


def with_bias(weights: Tensor, bias: Tensor) -> Tensor:
    """A layer's weights (G, F) with its bias (G,) as the last column, (G, F + 1), for inputs that end with a one."""
    return torch.cat([weights, bias.unsqueeze(1)], 1)


def slopes(a: Tensor, activation: str) -> tuple[Tensor, Tensor, Tensor]:
    """act(a) and its first two derivatives; those of SiLU take fewer operations where they are used."""
    if activation == "tanh":
        h = torch.tanh(a)
        first = 1.0 - h * h
        return h, first, -2.0 * h * first
    if activation == "gelu":
        below = 0.5 * (1.0 + torch.erf(a * 0.7071067811865476))
        bell = torch.exp(-0.5 * a * a) * 0.3989422804014327
        return a * below, below + a * bell, bell * (2.0 - a * a)
    part = torch.sigmoid(a)
    return functional.softplus(a), part, part * (1.0 - part)


def activate_with_slope(a: Tensor, activation: str, h: Tensor) -> None:
    """Write act(a) into h, and overwrite a with its derivative."""
    if activation == "silu":
        part = torch.sigmoid(a)
        torch.mul(a, part, out=h)
        torch.lerp(h, torch.ones_like(h[:1]), part, out=a)  # h' = p + h (1 - p) for h = a p
    else:
        value, slope, _ = slopes(a, activation)
        h.copy_(value)
        a.copy_(slope)


def adam_with_average(
    live: Tensor, gradient: Tensor, first: Tensor, second: Tensor, average: Tensor, rate: float, step: int, ema: float
) -> None:
    """Make Adam's `step`-th step and update the moving average."""
    first.lerp_(gradient, 1 - FIRST_DECAY)
    second.mul_(SECOND_DECAY).addcmul_(gradient, gradient, value=1 - SECOND_DECAY)
    # Adam divides by sqrt(second)/known + epsilon. The number `known` is taken out of the vectors.
    known = math.sqrt(1 - math.pow(SECOND_DECAY, step))
    spread = second.sqrt().add_(EPSILON * known)
    live.addcdiv_(first, spread, value=-rate * known / (1 - math.pow(FIRST_DECAY, step)))
    average.lerp_(live, 1 - min(ema, step / (9.0 + step)))


def optimizer_step(optimizer: OptimizerState, made: int) -> None:
    """Make the next step of a block along the gradient, after `made` steps of that block."""
    adam_with_average(
        optimizer.live,
        optimizer.gradient,
        optimizer.first,
        optimizer.second,
        optimizer.average,
        optimizer.rates[made],
        optimizer.step + made + 1,
        optimizer.ema,
    )
