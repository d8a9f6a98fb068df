r"""The MLP's work in few calls: its score, the trace of its Jacobian, its targets, and what steps of training are made of.

Training in a thread shares Python's interpreter with a window that paints sixty times a second, and must wait for it
before each of a step's hundred calls to torch: beside 10,000 moving particles autograd kept 165 of 340 steps a second,
this module 320 of 420. TorchScript runs a whole function without the interpreter. It is deprecated in favour of compilers
that need a C++ toolchain on the user's machine; where it is missing the same functions run as plain Python.

Written for :class:`playground.theory.networks.MLP`, which is their oracle in the tests, layout of the features included.
Points are flattened, (N, D).
"""

import math
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.99, 1e-8  # Adam's: the second moment remembers 100 steps, not 1,000

BLOCK = 2**13  # points whose features are held at once

Function = TypeVar("Function", bound=Callable[..., object])


class Descent(NamedTuple):
    """What a block of S steps of training changes, and how.

    Attributes:
        weights, biases: of the layers: views of `live`.
        weight_gradients, bias_gradients: the same of `gradient`.
        activation: between the layers.
        live, gradient, first, second, average: (P,) all parameters, their gradient, Adam's moments, the moving average.
        rates: S learning rates.
        step: steps made before.
        ema: what the average keeps of itself at most.
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


def compiled(function: Function) -> Function:
    try:
        with warnings.catch_warnings():
            # A DeprecationWarning up to torch 2.13, a FutureWarning since.
            warnings.filterwarnings("ignore", ".*torch.jit.script")
            return torch.jit.script(function)  # type: ignore[no-any-return]
    except (AttributeError, OSError, RuntimeError):  # no TorchScript, or a frozen program without sources
        return function


def features(y: Tensor, noise: Tensor, frequencies: Tensor) -> Tensor:
    """What a perceptron's first layer sees of inputs y (..., D) and noise (..., W): (..., D + 2K + W).

    The inputs, their cosines and sines, and the noise as it is.
    """
    dim, middle, stop = y.shape[-1], y.shape[-1] + frequencies.shape[1], y.shape[-1] + 2 * frequencies.shape[1]
    if dim == stop and noise.shape[-1] == 0:
        return y
    found = torch.empty(*y.shape[:-1], stop + noise.shape[-1], dtype=y.dtype, device=y.device)
    angles = torch.matmul(y, frequencies)
    found[..., :dim] = y
    if y.device.type == "cpu":  # numpy's take half the time of torch's
        turns, written = angles.numpy(), found.numpy()
        np.cos(turns, out=written[..., dim:middle])
        np.sin(turns, out=written[..., middle:stop])
    else:
        found[..., dim:middle] = torch.cos(angles)
        found[..., middle:stop] = torch.sin(angles)
    found[..., stop:] = noise
    return found


def blocks(y: Tensor, noise: Tensor, frequencies: Tensor, rows: int) -> Iterator[tuple[slice, Tensor]]:
    """The features of all points, in blocks of `BLOCK` or, if that is more, `rows` of them."""
    block = max(BLOCK, rows)
    for start in range(0, len(y), block):
        piece = slice(start, start + block)
        yield piece, features(y[piece], noise[piece], frequencies)


def noise_features(sigma: Tensor, tones: Tensor) -> Tensor:
    """ln(sigma)/4 as itself and as sines and cosines, for sigma > 0 of any shape: (..., 1 + 2T)."""
    noise = (torch.log(sigma) / 4).unsqueeze(-1)
    phases = noise * tones
    return torch.cat([noise, torch.sin(phases), torch.cos(phases)], -1)


def activate(a: Tensor, activation: str, h: Tensor) -> None:
    """Write act(a) into h, which may be a itself."""
    if activation == "silu":
        torch.ops.aten.silu(a, out=h)
    elif activation == "gelu":
        torch.ops.aten.gelu(a, out=h)
    elif activation == "tanh":
        torch.tanh(a, out=h)
    else:
        torch.ops.aten.softplus(a, out=h)


def pull_back(back: Tensor, a: Tensor, h: Tensor, activation: str) -> None:
    """Turn the gradient with respect to h = act(a), in place, into that with respect to a."""
    if activation == "silu":
        torch.ops.aten.silu_backward(back, a, grad_input=back)
    elif activation == "gelu":
        torch.ops.aten.gelu_backward(back, a, grad_input=back)
    elif activation == "tanh":
        torch.ops.aten.tanh_backward(back, h, grad_input=back)
    else:
        torch.ops.aten.softplus_backward(back, a, 1.0, 20.0, grad_input=back)


def slopes(a: Tensor, activation: str) -> tuple[Tensor, Tensor, Tensor]:
    """act(a) and its first two derivatives."""
    if activation == "tanh":
        h = torch.tanh(a)
        first = 1.0 - h * h
        return h, first, -2.0 * h * first
    if activation == "gelu":
        below = 0.5 * (1.0 + torch.erf(a * 0.7071067811865476))
        bell = torch.exp(-0.5 * a * a) * 0.3989422804014327
        return a * below, below + a * bell, bell * (2.0 - a * a)
    part = torch.sigmoid(a)
    rest = part * (1.0 - part)
    if activation == "silu":
        return a * part, part + a * rest, rest * (2.0 + a * (1.0 - 2.0 * part))
    return functional.softplus(a), part, rest


def activate_with_slope(a: Tensor, activation: str, h: Tensor) -> None:
    """Write act(a) into h, and its derivative over a."""
    if activation == "silu":
        part = torch.sigmoid(a)
        torch.mul(a, part, out=h)
        torch.lerp(h, torch.ones_like(h[:1]), part, out=a)  # h' = p + h (1 - p) for h = a p
    else:
        value, slope, _ = slopes(a, activation)
        h.copy_(value)
        a.copy_(slope)


def adam(
    live: Tensor,
    gradient: Tensor,
    first: Tensor,
    second: Tensor,
    rate: float,
    step: int,
    first_decay: float = FIRST_DECAY,
    second_decay: float = SECOND_DECAY,
    epsilon: float = EPSILON,
) -> None:
    """Adam's `step`-th step."""
    first.lerp_(gradient, 1 - first_decay)
    second.mul_(second_decay).addcmul_(gradient, gradient, value=1 - second_decay)
    # sqrt(second/known) + epsilon, with the share that is known taken out of the vectors.
    known = math.sqrt(1 - math.pow(second_decay, float(step)))
    spread = second.sqrt().add_(epsilon * known)
    live.addcdiv_(first, spread, value=-rate * known / (1 - math.pow(first_decay, float(step))))


def adam_in_one_pass(
    live: Tensor,
    gradient: Tensor,
    first: Tensor,
    second: Tensor,
    rate: float,
    step: int,
    first_decay: float = FIRST_DECAY,
    second_decay: float = SECOND_DECAY,
    epsilon: float = EPSILON,
) -> None:
    """The same in a third of the time, on the CPU, by what torch.optim calls there.

    The vectors go in as chunks, for TorchScript takes a write to the members of a list made here for dead code.
    """
    torch._fused_adam_(
        torch.chunk(live, 1),
        torch.chunk(gradient, 1),
        torch.chunk(first, 1),
        torch.chunk(second, 1),
        [],
        [torch.full([], float(step))],
        lr=rate,
        beta1=first_decay,
        beta2=second_decay,
        weight_decay=0.0,
        eps=epsilon,
        amsgrad=False,
        maximize=False,
    )


def descend(
    live: Tensor, gradient: Tensor, first: Tensor, second: Tensor, average: Tensor, rate: float, step: int, ema: float
) -> None:
    """Adam's `step`-th step, and its share in the average."""
    if live.is_cpu:
        adam_in_one_pass(live, gradient, first, second, rate, step)
    else:
        adam(live, gradient, first, second, rate, step)
    average.lerp_(live, 1 - min(ema, step / (9.0 + step)))


def step_down(descent: Descent, made: int) -> None:
    """Make the step of the block that `made` others came before, along the gradient."""
    descend(
        descent.live,
        descent.gradient,
        descent.first,
        descent.second,
        descent.average,
        descent.rates[made],
        descent.step + made + 1,
        descent.ema,
    )


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
    """The score of an MLP at x (N, D) for sigma (N,), without gradients, `rows` points at a time.

    A sigma that is one number, expanded, costs the first layer a bias and nothing a point.
    """
    score = torch.empty_like(x)
    if len(sigma) > 1 and sigma.stride(0) == 0:
        level, places = float(sigma[0]), x.shape[1] + 2 * frequencies.shape[1]
        inverse, divisor = 1 / math.sqrt(level * level + 1), level if level > 0 else 1.0
        noise = math.log(divisor) / 4
        phases = [noise * tone for tone in tones.tolist()]
        known = x.new_tensor([noise, *map(math.sin, phases), *map(math.cos, phases)])
        biases = [torch.addmv(biases[0], weights[0][:, places:], known), *biases[1:]]
        weights = [weights[0][:, :places], *weights[1:]]
        y = x * inverse
        for piece, seen in blocks(y, y[:, :0], frequencies, rows):
            perceptron(seen, weights, biases, activation, rows, score[piece])
        return score.mul_(inverse / divisor).sub_(y, alpha=inverse)
    each = torch.rsqrt(sigma * sigma + 1.0)[:, None]
    divisors = torch.where(sigma > 0, sigma, torch.ones_like(sigma))
    y = x * each
    for piece, seen in blocks(y, noise_features(divisors, tones), frequencies, rows):
        perceptron(seen, weights, biases, activation, rows, score[piece])
    return score.div_(divisors[:, None]).sub_(y).mul_(each)


@compiled
def perceptron(
    features: Tensor, weights: list[Tensor], biases: list[Tensor], activation: str, rows: int, out: Tensor
) -> None:
    """Write what fully connected layers give of features (N, F), `rows` of them at a time, into out."""
    last, most = len(weights) - 1, min(rows, len(features))
    one = torch.empty([most, weights[0].shape[0]], dtype=features.dtype, device=features.device)
    other = torch.empty_like(one)
    turned = [layer_weights.t() for layer_weights in weights]
    for start in range(0, len(features), rows):
        h = features[start : start + rows]
        a, spare = one[: len(h)], other[: len(h)]
        for layer in range(last):
            torch.addmm(biases[layer], h, turned[layer], out=a)
            activate(a, activation, a)
            h, a, spare = a, spare, a
        torch.addmm(biases[last], h, turned[last], out=out[start : start + rows])


def mlp_trace(
    y: Tensor,
    sigma: Tensor,
    frequencies: Tensor,
    tones: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    activation: str,
    rows: int,
) -> tuple[Tensor, Tensor]:
    """An MLP's F at inputs y (N, D) for sigma (N,), > 0, and tr dF/dy (N,), without gradients, `rows` points at a time."""
    raw, trace = torch.empty_like(y), torch.empty_like(sigma)
    for piece, seen in blocks(y, noise_features(sigma, tones), frequencies, rows):
        perceptron_trace(seen, frequencies, weights, biases, activation, rows, raw[piece], trace[piece])
    return raw, trace


@compiled
def perceptron_trace(
    features: Tensor,
    frequencies: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    activation: str,
    rows: int,
    raw: Tensor,
    trace: Tensor,
) -> None:
    """Write what the layers give of features (N, F) of N points, and the trace of its derivatives along the points' axes.

    These travel forward with the values, as further rows of the same matrices. Those of the features are features
    themselves, of other weights: cos(b'y) turns into -b_k sin(b'y), sin(b'y) into b_k cos(b'y).
    """
    dim, width, last = frequencies.shape[0], weights[0].shape[0], len(weights) - 1
    middle, stop = dim + frequencies.shape[1], dim + 2 * frequencies.shape[1]
    turned: list[Tensor] = []
    for axis in range(dim):
        of_cosines = weights[0][:, middle:stop] * frequencies[axis]
        of_sines = -weights[0][:, dim:middle] * frequencies[axis]
        turned.append(torch.cat([of_cosines, of_sines], 1).t())
    most = min(rows, len(features))
    sums = torch.empty([(1 + dim) * most, width], dtype=features.dtype, device=features.device)
    outputs = torch.empty_like(sums)
    for begin in range(0, len(features), rows):
        inputs = features[begin : begin + rows]
        count = len(inputs)
        a, h = sums[: (1 + dim) * count], outputs[: (1 + dim) * count]
        torch.addmm(biases[0], inputs, weights[0].t(), out=a[:count])
        for axis in range(dim):
            moved = a[(1 + axis) * count : (2 + axis) * count]
            torch.addmm(weights[0][:, axis], inputs[:, dim:stop], turned[axis], out=moved)
        for layer in range(1, last + 1):
            activate_with_slope(a[:count], activation, h[:count])
            torch.mul(a[count:].view(dim, count, width), a[:count], out=h[count:].view(dim, count, width))
            if layer < last:
                torch.mm(h, weights[layer].t(), out=a)
                a[:count] += biases[layer]
        torch.addmm(biases[last], h[:count], weights[last].t(), out=raw[begin : begin + count])
        total = torch.mv(h[count : 2 * count], weights[last][0])
        for axis in range(1, dim):
            total += torch.mv(h[(1 + axis) * count : (2 + axis) * count], weights[last][axis])
        trace[begin : begin + count] = total


@compiled
def group_means(x: Tensor, y: Tensor, sigma: Tensor, count: int, most: int = 2**20) -> Tensor:
    """What :meth:`playground.theory.empirical.Empirical.posterior_mean` gives of each group of points on its own.

    Args:
        x, y: clean points and noisy ones, (N, D), `count` a group; the last may be smaller.
        sigma: noise levels of y, (N,).
        most: distances held at once.

    Returns:
        For each y the expected x of its group, (N, D).
    """
    means: list[Tensor] = []
    rows = max(1, most // count)
    for start in range(0, len(x), count):
        stop = min(start + count, len(x))
        centre = x[start:stop].mean(0)
        clean = x[start:stop] - centre
        offset = clean.square().sum(1) * -0.5
        for first in range(start, stop, rows):
            last = min(first + rows, stop)
            level = sigma[first:last]
            logits = torch.addmm(offset, y[first:last] - centre, clean.t()) / level.square()[:, None]
            means.append(torch.mm(torch.softmax(logits, 1), clean) + centre)
    return torch.cat(means)
