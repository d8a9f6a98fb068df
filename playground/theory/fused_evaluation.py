"""Scores of an MLP and traces of their Jacobians in few calls, without gradients: see :mod:`playground.theory.fused`.

The tests compare it with the MLP.

If torch uses one thread, as it does for small networks, each core takes its own blocks of points through the layers.
"""

import functools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from playground.theory.fused import activate_with_slope, activated, features, labels_of, product
from playground.theory.parametrizations import OUTPUTS

BLOCK = 2**13  # points whose features are held at once
LANES = 16  # numbers of points are padded to a multiple of it, as oneDNN compiles each new number of rows, in 0.4 ms


class MlpParameters(NamedTuple):
    """The weights and tables of a perceptron.

    Attributes:
        frequencies: the frequencies of the points' features, (D, K).
        tones: the frequencies of the noise level's features, (T,).
        weights, biases: the parameters of all layers. The last layer of an energy has no bias.
        activation: the activation between the layers.
    """

    frequencies: Tensor
    tones: Tensor
    weights: list[Tensor]
    biases: list[Tensor]
    activation: str


def with_label(parts: MlpParameters, label: int) -> MlpParameters:
    """The perceptron at one label. The label's feature becomes part of the first layer's bias."""
    first = parts.weights[0]
    stop = first.shape[1] - labels_of(first, parts.frequencies, parts.tones)
    weights = [first[:, :stop].contiguous(), *parts.weights[1:]]
    return parts._replace(weights=weights, biases=[parts.biases[0] + first[:, stop + label], *parts.biases[1:]])


def with_noise(parts: MlpParameters, sigma: float) -> MlpParameters:
    """The perceptron at one noise level sigma > 0. The noise features become part of the first layer's bias."""
    first, stop = parts.weights[0], parts.frequencies.shape[0] + 2 * parts.frequencies.shape[1]
    end = stop + 1 + 2 * len(parts.tones)
    # Plain numbers, not tensors: so many calls to torch would take a twentieth of the time of 2,000 points.
    noise = math.log(sigma) / 4
    phases = [noise * tone for tone in parts.tones.tolist()]
    known = first.new_tensor([noise, *map(math.sin, phases), *map(math.cos, phases)])
    bias = torch.addmv(parts.biases[0], first[:, stop:end], known)
    kept = first[:, :stop] if end == first.shape[1] else torch.cat([first[:, :stop], first[:, end:]], 1)
    weights, biases = [kept.contiguous(), *parts.weights[1:]], [bias, *parts.biases[1:]]
    return parts._replace(weights=weights, biases=biases)


def mlp_score(
    x: Tensor, sigma: Tensor, parts: MlpParameters, rows: int, prediction: str = "v", label: Tensor | None = None
) -> Tensor:
    """The score of an MLP at x (N, D) for sigma (N,), without gradients, `rows` points at a time.

    Args:
        prediction: what its output stands for, a name from :data:`playground.theory.parametrizations.OUTPUTS`.
        label: (N,) int64, for a network that takes labels.
    """
    score = torch.empty_like(x)
    labels = labels_of(parts.weights[0], parts.frequencies, parts.tones)
    if label is not None and len(label) > 1 and label.stride(0) == 0:  # one number, expanded
        parts, label, labels = with_label(parts, int(label[0])), None, 0
    if len(sigma) > 1 and sigma.stride(0) == 0:  # one number, expanded
        level = float(sigma[0])
        divisor = level if level > 0 else 1.0
        slope, pull = OUTPUTS[prediction](level, divisor)
        scale = 1 / math.sqrt(level * level + 1)
        frequencies, tones, *layers = with_noise(parts, divisor)
        for piece in blocks(x, rows):
            known = None if label is None else label[piece]
            seen = features(x[piece], scale, frequencies, tones, label=known, labels=labels)
            raw = on_cores(perceptron, seen, *layers, rows=rows)
            torch.sub(raw.mul_(slope), x[piece], alpha=pull, out=score[piece])
        return score
    frequencies, tones, *layers = parts
    inverses, divisors = scales(sigma)
    slopes, pulls = OUTPUTS[prediction](sigma, divisors)
    for piece in blocks(x, rows):
        known = None if label is None else label[piece]
        seen = features(x[piece], inverses[piece], frequencies, tones, divisors[piece], label=known, labels=labels)
        raw = on_cores(perceptron, seen, *layers, rows=rows).mul_(slopes[piece, None])
        torch.addcmul(raw, x[piece], pulls[piece, None], value=-1, out=score[piece])
    return score


def scales(sigma: Tensor) -> tuple[Tensor, Tensor]:
    """1/sqrt(sigma^2 + 1), which scales a network's inputs, and sigma, with one in place of zero."""
    return torch.rsqrt(sigma * sigma + 1.0), torch.where(sigma > 0, sigma, torch.ones_like(sigma))


def blocks(x: Tensor, rows: int) -> Iterator[slice]:
    """Slices that cut points x (N, D) into blocks of `BLOCK`, or of `rows` if that is more."""
    block = max(BLOCK, rows)
    return (slice(start, start + block) for start in range(0, len(x), block))


@functools.cache
def cores() -> ThreadPoolExecutor:
    """A thread for each core; torch does not hold the interpreter while it computes."""
    return ThreadPoolExecutor(torch.get_num_interop_threads(), "core")


def on_cores(function: Callable[..., Tensor], points: Tensor, *rest: object, rows: int) -> Tensor:
    """Return a function's values (N, ...) at points (N, F), computed without gradients, `rows` points at a time on each core.

    The blocks do not depend on the number of cores, so the results are the same to the last digit.
    """

    @torch.no_grad()  # a thread has its own setting
    def values(block: Tensor) -> Tensor:
        return function(block, *rest)

    count = len(points)
    if count % LANES:
        points = functional.pad(points, (0, 0, 0, -count % LANES))
    blocks = points.split(rows)
    alone = len(blocks) == 1 or points.device.type != "cpu" or torch.get_num_threads() > 1
    return torch.cat([*(map if alone else cores().map)(values, blocks)])[:count]


def perceptron(h: Tensor, weights: list[Tensor], biases: list[Tensor], activation: str) -> Tensor:
    """Apply fully connected layers to inputs h (N, F): (N, D)."""
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        h = activated(h, weight, bias, activation)
    return product(h, weights[-1], biases[-1])


def mlp_trace(y: Tensor, sigma: Tensor, parts: MlpParameters, rows: int) -> tuple[Tensor, Tensor]:
    """An MLP's F at inputs y (N, D) for sigma (N,), > 0, and tr dF/dy (N,), without gradients, `rows` points at a time."""
    frequencies, tones, *layers = parts
    derivatives = first_derivatives(frequencies, parts.weights[0])
    found = y.new_empty(len(y), y.shape[1] + 1)
    for piece in blocks(y, rows):
        seen = features(y[piece], 1.0, frequencies, tones, sigma[piece])
        found[piece] = on_cores(perceptron_trace, seen, *derivatives, *layers, rows=rows)
    return found[:, :-1], found[:, -1]


def perceptron_trace(
    h: Tensor,
    turned: list[Tensor],
    along: list[Tensor],
    weights: list[Tensor],
    biases: list[Tensor],
    activation: str,
) -> Tensor:
    """Apply the layers to :func:`playground.theory.fused.features` h and append the trace of their Jacobian, (N, D + 1).

    The derivatives along the points' D axes pass forward with the values, as D tensors of (N, G) in every layer.

    Args:
        turned, along: the :func:`first_derivatives` of the first layer.
    """
    dim, last = len(turned), len(weights) - 1
    moves = [product(h, turned[axis], along[axis]) for axis in range(dim)]
    for layer in range(last):
        a = product(h, weights[layer], biases[layer])
        if layer > 0:
            moves = [product(move, weights[layer]) for move in moves]
        h = torch.empty_like(a)
        activate_with_slope(a, activation, h)
        for move in moves:
            move.mul_(a)
    found = h.new_empty(len(h), dim + 1)
    found[:, :dim] = product(h, weights[last], biases[last])
    trace = torch.mv(moves[0], weights[last][0])
    for axis in range(1, dim):
        trace.addmv_(moves[axis], weights[last][axis])
    found[:, dim] = trace
    return found


def first_derivatives(frequencies: Tensor, first: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """For each axis, the weights and bias that give the derivative of the first layer's sums along it from its inputs.

    The features' own derivatives are features again, so only the weights change: the derivative of cos(b'y) is
    -b_k sin(b'y), that of sin(b'y) is b_k cos(b'y), and that of y_k is one, which the bias adds.
    """
    dim, middle = frequencies.shape[0], frequencies.shape[0] + frequencies.shape[1]
    stop = middle + frequencies.shape[1]
    turned: list[Tensor] = []
    for axis in range(dim):
        table = torch.zeros_like(first)
        torch.mul(first[:, middle:stop], frequencies[axis], out=table[:, dim:middle])
        torch.mul(first[:, dim:middle], -frequencies[axis], out=table[:, middle:stop])
        turned.append(table)
    return turned, [first[:, axis].contiguous() for axis in range(dim)]
