"""Scores of an MLP and traces of their Jacobians in few calls, without gradients: see :mod:`playground.theory.fused`.

The MLP is the oracle in the tests.

Where torch keeps to one thread, as it does for small networks, every core goes through the layers with blocks of points of its own,
begun by TorchScript's fork. A script that waited for them would be suspended, go on in their threads, and let go there of what
Python holds, for which a thread must wait for the interpreter and is ended, process and all, where that is gone. So
:func:`on_cores` waits.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.futures import Future
from torch.nn import functional

from playground.theory.fused import activate_with_slope, activated, compiled, features, product

BLOCK = 2**13  # points whose features are held at once
LANES = 16  # points come in multiples of so many: for every number of them oneDNN first writes a program, in 0.4 ms

Begun = Callable[..., tuple[Tensor, list[Future[None]]]]
"""Gives what it writes its own share of, and the shares of the other cores, which may not have ended."""


class MlpParameters(NamedTuple):
    """The weights and tables of a perceptron.

    Attributes:
        frequencies: of the points' features, (D, K).
        tones: of the noise's, (T,).
        weights, biases: of the layers, the last one included; an energy's last has no bias.
        activation: between the layers.
    """

    frequencies: Tensor
    tones: Tensor
    weights: list[Tensor]
    biases: list[Tensor]
    activation: str


def with_noise(parts: MlpParameters, sigma: float) -> MlpParameters:
    """A perceptron for points of one noise level, > 0, which costs the first layer a bias and nothing a point."""
    first, stop = parts.weights[0], parts.frequencies.shape[0] + 2 * parts.frequencies.shape[1]
    # In plain numbers, for the many calls that one number takes cost 2,000 points a twentieth of their time.
    noise = math.log(sigma) / 4
    phases = [noise * tone for tone in parts.tones.tolist()]
    known = first.new_tensor([noise, *map(math.sin, phases), *map(math.cos, phases)])
    bias = torch.addmv(parts.biases[0], first[:, stop:], known)
    weights, biases = [first[:, :stop].contiguous(), *parts.weights[1:]], [bias, *parts.biases[1:]]
    return parts._replace(weights=weights, biases=biases)


def mlp_score(x: Tensor, sigma: Tensor, parts: MlpParameters, rows: int) -> Tensor:
    """The score of an MLP at x (N, D) for sigma (N,), without gradients, `rows` points at a time."""
    score = torch.empty_like(x)
    if len(sigma) > 1 and sigma.stride(0) == 0:  # one number, expanded
        level = float(sigma[0])
        scale, level = 1 / math.sqrt(level * level + 1), level if level > 0 else 1.0
        frequencies, tones, *layers = with_noise(parts, level)
        for piece in blocks(x, rows):
            raw = on_cores(perceptron, features(x[piece], scale, frequencies, tones), *layers, rows=rows)
            torch.sub(raw.mul_(scale / level), x[piece], alpha=scale * scale, out=score[piece])
        return score
    frequencies, tones, *layers = parts
    inverses, divisors = scales(sigma)
    for piece in blocks(x, rows):
        inverse, divisor = inverses[piece], divisors[piece]
        seen = features(x[piece], inverse, frequencies, tones, divisor)
        raw = on_cores(perceptron, seen, *layers, rows=rows)
        torch.sub(raw.div_(divisor[:, None]), seen[:, : x.shape[1]], out=score[piece]).mul_(inverse[:, None])
    return score


def scales(sigma: Tensor) -> tuple[Tensor, Tensor]:
    """1/sqrt(sigma^2 + 1), by which a network's inputs are scaled, and sigma itself or, where it is 0, one."""
    return torch.rsqrt(sigma * sigma + 1.0), torch.where(sigma > 0, sigma, torch.ones_like(sigma))


def blocks(x: Tensor, rows: int) -> Iterator[slice]:
    """Points x (N, D) in blocks of `BLOCK` or, if that is more, `rows` of them."""
    block = max(BLOCK, rows)
    return (slice(start, start + block) for start in range(0, len(x), block))


def cores_for(function: object, points: Tensor, rows: int) -> int:
    """Return how many cores are to work at once on blocks of so many points: as many as there are.

    Only TorchScript can begin work on another. What the blocks are does not depend on it, so that it changes no last digit.
    """
    scripted = isinstance(function, torch.jit.ScriptFunction)
    if not scripted or points.device.type != "cpu" or torch.get_num_threads() > 1:
        return 1
    return max(1, min(math.ceil(len(points) / rows), torch.get_num_interop_threads()))


def on_cores(function: Begun, points: Tensor, *rest: object, rows: int) -> Tensor:
    """Run a function on points, `rows` at a time on every core, and return what it wrote once all have ended."""
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
    """Write what :func:`perceptron` gives of every `cores`-th block of rows, from number `core` on, into out (N, D)."""
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
    """Write what :func:`perceptron_trace` gives of every `cores`-th block of rows, from number `core` on, into out (N, D + 1).

    Args:
        turned, along: of each axis, the first layer's weights and bias for the derivatives along it.
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
    """Apply the layers to :func:`playground.theory.fused.features` and append the trace of their derivatives along the
    points' axes, (N, D + 1).

    These travel forward beside the values, D times (N, G) in every layer. Those of the features are features themselves, of other
    weights: cos(b'y) turns into -b_k sin(b'y), sin(b'y) into b_k cos(b'y), and y_k into a one, for the bias.
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
