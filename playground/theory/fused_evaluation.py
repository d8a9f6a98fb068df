"""Scores of an MLP and traces of their Jacobians in few calls, without gradients: see :mod:`playground.theory.fused`.

The tests compare it with the MLP.

If torch uses one thread, as it does for small networks, each core takes its own blocks of points through the layers. They are
started by TorchScript's fork. :func:`on_cores` waits for them in Python, and no script does. A waiting script would be
suspended and would continue in one of their threads, where it releases objects that Python holds. For that the thread needs
the interpreter, and if Python has shut down, the whole process is ended.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.futures import Future
from torch.nn import functional

from playground.theory.fused import activate_with_slope, activated, compiled, features, labels_of, product
from playground.theory.parametrizations import OUTPUTS

BLOCK = 2**13  # points whose features are held at once
LANES = 16  # numbers of points are padded to a multiple of it, as oneDNN compiles each new number of rows, in 0.4 ms

Begun = Callable[..., tuple[Tensor, list[Future[None]]]]
"""Returns its output, of which it has written its own part, and the other cores' futures, which may still write theirs."""


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


def cores_for(function: object, points: Tensor, rows: int) -> int:
    """Return how many cores work on blocks of `rows` points at once. It is one unless the function is TorchScript.

    The blocks do not depend on the number of cores, so the results are the same to the last digit.
    """
    scripted = isinstance(function, torch.jit.ScriptFunction)
    if not scripted or points.device.type != "cpu" or torch.get_num_threads() > 1:
        return 1
    return max(1, min(math.ceil(len(points) / rows), torch.get_num_interop_threads()))


def on_cores(function: Begun, points: Tensor, *rest: object, rows: int) -> Tensor:
    """Run a function on points, `rows` at a time on each core. Return its output once all cores have finished."""
    count = len(points)
    if count % LANES:
        points = functional.pad(points, (0, 0, 0, -count % LANES))
    found, others = function(points, *rest, rows, cores_for(function, points, rows))
    for other in others:
        other.wait()
    return found[:count]


@compiled
def pass_through(
    inputs: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    activation: str,
    rows: int,
    core: int,
    cores: int,
    out: Tensor,
) -> None:
    """Write the results of :func:`perceptron` for every `cores`-th block of rows, from number `core` on, into out (N, D)."""
    last = len(weights) - 1
    for start in range(core * rows, len(inputs), cores * rows):
        h = inputs[start : start + rows]
        for layer in range(last):
            h = activated(h, weights[layer], biases[layer], activation)
        out[start : start + rows] = product(h, weights[last], biases[last])


@compiled
def perceptron(
    inputs: Tensor, weights: list[Tensor], biases: list[Tensor], activation: str, rows: int, cores: int
) -> tuple[Tensor, list[Future[None]]]:
    """Apply fully connected layers to inputs (N, F), `rows` points at a time: (N, D)."""
    out = torch.empty([len(inputs), len(weights[-1])], dtype=inputs.dtype, device=inputs.device)
    others = [
        torch.jit.fork(pass_through, inputs, weights, biases, activation, rows, core, cores, out)
        for core in range(1, cores)
    ]
    pass_through(inputs, weights, biases, activation, rows, 0, cores, out)
    return out, others


def mlp_trace(y: Tensor, sigma: Tensor, parts: MlpParameters, rows: int) -> tuple[Tensor, Tensor]:
    """An MLP's F at inputs y (N, D) for sigma (N,), > 0, and tr dF/dy (N,), without gradients, `rows` points at a time."""
    frequencies, tones, *layers = parts
    found = y.new_empty(len(y), y.shape[1] + 1)
    for piece in blocks(y, rows):
        seen = features(y[piece], 1.0, frequencies, tones, sigma[piece])
        found[piece] = on_cores(perceptron_trace, seen, frequencies, *layers, rows=rows)
    return found[:, :-1], found[:, -1]


@compiled
def trace_through(
    inputs: Tensor,
    turned: list[Tensor],
    along: list[Tensor],
    weights: list[Tensor],
    biases: list[Tensor],
    activation: str,
    rows: int,
    core: int,
    cores: int,
    out: Tensor,
) -> None:
    """Write the results of :func:`perceptron_trace` for every `cores`-th block of rows, from number `core` on.

    Args:
        turned, along: for each axis, the first layer's weights and bias for the derivatives along it.
        out: where the results go, (N, D + 1).
    """
    dim, last = len(turned), len(weights) - 1
    for start in range(core * rows, len(inputs), cores * rows):
        h = inputs[start : start + rows]
        moves = [product(h, turned[axis], along[axis]) for axis in range(dim)]
        for layer in range(last):
            a = product(h, weights[layer], biases[layer])
            if layer > 0:
                moves = [product(move, weights[layer]) for move in moves]
            h = torch.empty_like(a)
            activate_with_slope(a, activation, h)
            for move in moves:
                move.mul_(a)
        found = out[start : start + rows]
        found[:, :dim] = product(h, weights[last], biases[last])
        trace = torch.mv(moves[0], weights[last][0])
        for axis in range(1, dim):
            trace.addmv_(moves[axis], weights[last][axis])
        found[:, dim] = trace


@compiled
def perceptron_trace(
    inputs: Tensor,
    frequencies: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    activation: str,
    rows: int,
    cores: int,
) -> tuple[Tensor, list[Future[None]]]:
    """Apply the layers to :func:`playground.theory.fused.features` and append the trace of their Jacobian, (N, D + 1).

    The derivatives along the points' D axes pass forward with the values, as D tensors of (N, G) in every layer. The features'
    own derivatives are features again, so only the first layer's weights change: the derivative of cos(b'y) is
    -b_k sin(b'y), that of sin(b'y) is b_k cos(b'y), and that of y_k is one, which the bias adds.
    """
    dim, middle = frequencies.shape[0], frequencies.shape[0] + frequencies.shape[1]
    stop = middle + frequencies.shape[1]
    turned: list[Tensor] = []
    along: list[Tensor] = []
    for axis in range(dim):
        table = torch.zeros_like(weights[0])
        torch.mul(weights[0][:, middle:stop], frequencies[axis], out=table[:, dim:middle])
        torch.mul(weights[0][:, dim:middle], -frequencies[axis], out=table[:, middle:stop])
        turned.append(table)
        along.append(weights[0][:, axis].contiguous())
    out = torch.empty([len(inputs), dim + 1], dtype=inputs.dtype, device=inputs.device)
    others = [
        torch.jit.fork(trace_through, inputs, turned, along, weights, biases, activation, rows, core, cores, out)
        for core in range(1, cores)
    ]
    trace_through(inputs, turned, along, weights, biases, activation, rows, 0, cores, out)
    return out, others
