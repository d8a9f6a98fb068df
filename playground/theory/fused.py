r"""The MLP's work in few calls: its score, and steps of denoising training with the backward pass written by hand.

Training in a thread shares Python's interpreter with a window that paints sixty times a second, and must wait for it
before each of a step's hundred calls to torch: beside 10,000 moving particles autograd kept 165 of 340 steps a second,
this module 320 of 420. TorchScript runs a whole function without the interpreter. It is deprecated in favour of compilers
that need a C++ toolchain on the user's machine; where it is missing the same functions run as plain Python.

Written for :class:`playground.theory.networks.MLP`, which is their oracle in the tests, layout of the features included.
Points are flattened, (N, D).
"""

import math
import warnings
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.99, 1e-8  # Adam's: the second moment remembers 100 steps, not 1,000

Function = TypeVar("Function", bound=Callable[..., Tensor])


def _compiled(function: Function) -> Function:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return torch.jit.script(function)  # type: ignore[no-any-return]
    except (AttributeError, OSError, RuntimeError):  # no TorchScript, or a frozen program without sources
        return function


def _write_features(features: Tensor, y: Tensor, sigma: Tensor, frequencies: Tensor, tones: Tensor) -> None:
    """Fill (N, D + 2K + 1 + 2T): inputs y (N, D), their cosines and sines, and the same of ln(sigma)/4."""
    dim, count, pitch = y.shape[1], frequencies.shape[1], tones.shape[0]
    noise = torch.log(sigma) / 4
    angles, phases = torch.mm(y, frequencies), noise[:, None] * tones
    start = dim + 2 * count
    features[:, :dim] = y
    features[:, dim : dim + count] = torch.cos(angles)
    features[:, dim + count : start] = torch.sin(angles)
    features[:, start] = noise
    features[:, start + 1 : start + 1 + pitch] = torch.sin(phases)
    features[:, start + 1 + pitch :] = torch.cos(phases)


def _activated(a: Tensor, activation: str) -> Tensor:
    if activation == "silu":
        return functional.silu(a)
    if activation == "gelu":
        return functional.gelu(a)
    if activation == "tanh":
        return torch.tanh(a)
    return functional.softplus(a)


def _activation_backward(gradient: Tensor, a: Tensor, h: Tensor, activation: str) -> Tensor:
    """The gradient with respect to a of what has this one with respect to h = act(a)."""
    back: Tensor = gradient
    if activation == "silu":
        back = torch.ops.aten.silu_backward(gradient, a)
    elif activation == "gelu":
        back = torch.ops.aten.gelu_backward(gradient, a)
    elif activation == "tanh":
        back = torch.ops.aten.tanh_backward(gradient, h)
    else:
        back = torch.ops.aten.softplus_backward(gradient, a, 1.0, 20.0)
    return back


@_compiled
def mlp_score(
    x: Tensor,
    sigma: Tensor,
    frequencies: Tensor,
    tones: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    activation: str,
    rows: int,
) -> Tensor:
    """The score of an MLP at x (N, D) for sigma (N,), without gradients, `rows` points at a time."""
    scores: list[Tensor] = []
    features = torch.empty([min(rows, len(x)), weights[0].shape[1]], dtype=x.dtype, device=x.device)
    last = len(weights) - 1
    for start in range(0, max(len(x), 1), rows):
        level = sigma[start : start + rows]
        inverse = torch.rsqrt(level * level + 1.0)
        divisor = torch.where(level > 0, level, torch.ones_like(level))
        y = x[start : start + rows] * inverse[:, None]
        h = features[: len(y)]
        _write_features(h, y, divisor, frequencies, tones)
        for layer in range(last):
            h = _activated(torch.addmm(biases[layer], h, weights[layer].t()), activation)
        raw = torch.addmm(biases[last], h, weights[last].t())
        scores.append((raw / divisor[:, None] - y) * inverse[:, None])
    return torch.cat(scores)


@_compiled
def denoising_steps(
    x: Tensor,
    z: Tensor,
    sigma: Tensor,
    weight: Tensor,
    frequencies: Tensor,
    tones: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    weight_gradients: list[Tensor],
    bias_gradients: list[Tensor],
    activation: str,
    live: Tensor,
    gradient: Tensor,
    first: Tensor,
    second: Tensor,
    average: Tensor,
    rates: list[float],
    step: int,
    ema: float,
    first_decay: float = FIRST_DECAY,
    second_decay: float = SECOND_DECAY,
    epsilon: float = EPSILON,
) -> Tensor:
    """Adam on the weighted denoising loss of an MLP, S steps in a row, with the weights averaged; all in place.

    Args:
        x, z: clean points and standard normal noise, (S, N, D).
        sigma, weight: noise levels > 0 and lambda(sigma), (S, N).
        weights, biases: of the layers: views of `live`; `weight_gradients` and `bias_gradients` the same of `gradient`.
        live, gradient, first, second, average: (P,) all parameters, their gradient, Adam's moments, the moving average.
        rates: S learning rates.
        step: steps made before.
        ema: what the average keeps of itself at most.

    Returns:
        The mean loss, 0-d.
    """
    count, last = x.shape[1], len(weights) - 1
    total = torch.zeros([], dtype=x.dtype, device=x.device)
    features = torch.empty([count, weights[0].shape[1]], dtype=x.dtype, device=x.device)
    for made in range(x.shape[0]):
        level, noise = sigma[made], z[made]
        inverse = torch.rsqrt(level * level + 1.0)
        y = torch.addcmul(x[made], level[:, None], noise) * inverse[:, None]
        _write_features(features, y, level, frequencies, tones)
        inputs: list[Tensor] = [features]
        sums: list[Tensor] = []
        for layer in range(last):
            a = torch.addmm(biases[layer], inputs[layer], weights[layer].t())
            sums.append(a)
            inputs.append(_activated(a, activation))
        raw = torch.addmm(biases[last], inputs[last], weights[last].t())
        # s + z/sigma = (sd F/sigma - y)/sqrt(sigma^2 + 1) + z/sigma
        slope = inverse / level
        residual = raw * slope[:, None] - y * inverse[:, None] + noise / level[:, None]
        total += (weight[made] * residual.square().sum(1)).mean()

        back = residual * (weight[made] * slope * (2.0 / count))[:, None]  # of the loss with respect to F
        for layer in range(last, -1, -1):
            torch.mm(back.t(), inputs[layer], out=weight_gradients[layer])
            torch.sum(back, [0], out=bias_gradients[layer])
            if layer > 0:
                back = torch.mm(back, weights[layer])
                back = _activation_backward(back, sums[layer - 1], inputs[layer], activation)

        now = step + made + 1
        first.lerp_(gradient, 1 - first_decay)
        second.mul_(second_decay).addcmul_(gradient, gradient, value=1 - second_decay)
        spread = second.div(1 - math.pow(second_decay, float(now))).sqrt_().add_(epsilon)
        live.addcdiv_(first, spread, value=-rates[made] / (1 - math.pow(first_decay, float(now))))
        average.lerp_(live, 1 - min(ema, now / (9.0 + now)))
    return total / x.shape[0]
