"""Scores of an MLP and traces of their Jacobians in few calls, without gradients: see :mod:`playground.theory.fused`.

A point is a column here: what goes from layer to layer, (G, N), has the points side by side. So a row of ones among the inputs
takes a layer's bias into its product of matrices, features are written row by row, and the narrow first and last products
take a half and a sixth of the time that they take with points for rows. The MLP is the oracle in the tests.

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

from playground.theory.fused import activate_with_slope, activated, columns, compiled, product, with_bias

BLOCK = 2**13  # points whose features are held at once
LANES = 16  # points come in multiples of so many: for every number of them oneDNN first writes a program, in 0.4 ms

Begun = Callable[..., tuple[Tensor, list[Future[None]]]]
"""Gives what it writes its own share of, and the shares of the other cores, which may not have ended."""


class Parts(NamedTuple):
    """What a perceptron is made of.

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


def augmented(weights: list[Tensor], biases: list[Tensor], activation: str) -> list[Tensor]:
    """Each layer's weights and bias as one matrix, to which all but the last add a unit for the next bias: (G + 1, F + 1).

    That unit comes out as a power of two without rounding, by which the bias is divided: 64, or tanh(20) = 1.
    """
    total, one = (20.0, 1.0) if activation == "tanh" else (64.0, 64.0)
    found: list[Tensor] = []
    for layer in range(len(biases)):
        before = 1.0 if layer == 0 else one
        table = with_bias(weights[layer], biases[layer] / before)
        if layer < len(weights) - 1:
            unit = torch.zeros_like(table[:1])
            unit[:, -1].fill_(total / before)
            table = torch.cat([table, unit])
        found.append(table)
    return found


def mlp_score(x: Tensor, sigma: Tensor, parts: Parts, rows: int) -> Tensor:
    """The score of an MLP at x (N, D) for sigma (N,), without gradients, `rows` points at a time.

    A sigma that is one number, expanded, costs the first layer a bias and nothing a point.
    """
    frequencies, tones, weights, biases, activation = parts
    score, stop = torch.empty_like(x), x.shape[1] + 2 * frequencies.shape[1]
    inverse: Tensor | float
    divisor: Tensor | float
    shared = len(sigma) > 1 and sigma.stride(0) == 0
    if shared:  # in plain numbers, for the many calls that one number takes cost 2,000 points a twentieth of their time
        level = float(sigma[0])
        inverse, divisor = 1 / math.sqrt(level * level + 1), level if level > 0 else 1.0
        noise = math.log(divisor) / 4
        phases = [noise * tone for tone in tones.tolist()]
        known = x.new_tensor([noise, *map(math.sin, phases), *map(math.cos, phases)])
        biases = [torch.addmv(biases[0], weights[0][:, stop:], known), *biases[1:]]
        weights = [weights[0][:, :stop], *weights[1:]]
    else:
        inverses, divisors = scales(sigma)
    for piece in blocks(x, rows):
        if not shared:
            inverse, divisor = inverses[piece], divisors[piece]
        seen = columns(x[piece], inverse, frequencies, tones, None if isinstance(divisor, float) else divisor)
        raw = on_cores(perceptron, seen, weights, biases, activation, rows=rows)
        score[piece] = raw.div_(divisor).sub_(seen[: len(raw)]).mul_(inverse).t()
    return score


def scales(sigma: Tensor) -> tuple[Tensor, Tensor]:
    """1/sqrt(sigma^2 + 1), by which a network's inputs are scaled, and sigma itself or, where it is 0, one."""
    return torch.rsqrt(sigma * sigma + 1.0), torch.where(sigma > 0, sigma, torch.ones_like(sigma))


def blocks(x: Tensor, rows: int) -> Iterator[slice]:
    """Points x (N, D) in blocks of `BLOCK` or, if that is more, `rows` of them."""
    block = max(BLOCK, rows)
    return (slice(start, start + block) for start in range(0, len(x), block))


def cores_for(function: object, columns: Tensor, rows: int) -> int:
    """How many cores are to work at once on blocks of so many points, which are columns: as many as there are.

    Only TorchScript can begin work on another. What the blocks are does not depend on it, so that it changes no last digit.
    """
    scripted = isinstance(function, torch.jit.ScriptFunction)
    if not scripted or columns.device.type != "cpu" or torch.get_num_threads() > 1:
        return 1
    return max(1, min(math.ceil(columns.shape[1] / rows), torch.get_num_interop_threads()))


def on_cores(function: Begun, columns: Tensor, *rest: object, rows: int) -> Tensor:
    """What a function begins to write of points that are columns, `rows` at a time on every core, once all have written."""
    count = columns.shape[1]
    if count % LANES:
        columns = functional.pad(columns, (0, -count % LANES))
    found, others = function(columns, *rest, rows, cores_for(function, columns, rows))
    for other in others:
        other.wait()
    return found[:, :count]


@compiled
def pass_through(
    inputs: Tensor, layers: list[Tensor], activation: str, rows: int, core: int, cores: int, out: Tensor
) -> None:
    """Write what :func:`perceptron` gives of every `cores`-th block of rows, from number `core` on, into out (D, N)."""
    last, count = len(layers) - 1, inputs.shape[1]
    for start in range(core * rows, count, cores * rows):
        stop = min(start + rows, count)
        h = inputs[:, start:stop].contiguous()
        for layer in range(last):
            h = activated(layers[layer], h.t(), activation)
        torch.mm(layers[last], h, out=out[:, start:stop])


@compiled
def perceptron(
    inputs: Tensor, weights: list[Tensor], biases: list[Tensor], activation: str, rows: int, cores: int
) -> tuple[Tensor, list[Future[None]]]:
    """What fully connected layers give of inputs (F, N), the last of which is one, `rows` points at a time: (D, N)."""
    layers = augmented(weights, biases, activation)
    out = torch.empty([layers[-1].shape[0], inputs.shape[1]], dtype=inputs.dtype, device=inputs.device)
    others = [
        torch.jit.fork(pass_through, inputs, layers, activation, rows, core, cores, out) for core in range(1, cores)
    ]
    pass_through(inputs, layers, activation, rows, 0, cores, out)
    return out, others


def mlp_trace(y: Tensor, sigma: Tensor, parts: Parts, rows: int) -> tuple[Tensor, Tensor]:
    """An MLP's F at inputs y (N, D) for sigma (N,), > 0, and tr dF/dy (N,), without gradients, `rows` points at a time."""
    frequencies, tones, weights, biases, activation = parts
    raw, trace = torch.empty_like(y), torch.empty_like(sigma)
    for piece in blocks(y, rows):
        seen = columns(y[piece], 1.0, frequencies, tones, sigma[piece])
        found = on_cores(perceptron_trace, seen, frequencies, weights, biases, activation, rows=rows)
        raw[piece], trace[piece] = found[:-1].t(), found[-1]
    return raw, trace


@compiled
def trace_through(
    inputs: Tensor,
    layers: list[Tensor],
    turned: list[Tensor],
    weights: list[Tensor],
    activation: str,
    rows: int,
    core: int,
    cores: int,
    out: Tensor,
) -> None:
    """Write what :func:`perceptron_trace` gives of every `cores`-th block of rows, from number `core` on, into out (D + 1, N).

    Args:
        turned: of each axis, the first layer's weights for the derivatives along it.
    """
    dim, width, last, count = len(turned), weights[0].shape[0], len(weights) - 1, inputs.shape[1]
    for start in range(core * rows, count, cores * rows):
        end = min(start + rows, count)
        h = inputs[:, start:end].contiguous()
        moves = [product(table, h.t()) for table in turned]
        for layer in range(last):
            a = product(layers[layer], h.t())
            if layer > 0:
                moves = [product(weights[layer], move.t()) for move in moves]
            h = torch.empty_like(a)
            activate_with_slope(a, activation, h)
            for move in moves:
                move.mul_(a[:width])
        torch.mm(layers[last], h, out=out[:dim, start:end])
        trace = out[dim, start:end]
        torch.mv(moves[0].t(), weights[last][0], out=trace)
        for axis in range(1, dim):
            trace.addmv_(moves[axis].t(), weights[last][axis])


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
    """What the layers give of :func:`playground.theory.fused.columns` and, last, the trace of its derivatives along the points'
    axes, (D + 1, N).

    These travel forward beside the values, (D, G, N) in every layer. Those of the features are features themselves, of other
    weights: cos(b'y) turns into -b_k sin(b'y), sin(b'y) into b_k cos(b'y), and y_k into the one.
    """
    dim, middle = frequencies.shape[0], frequencies.shape[0] + frequencies.shape[1]
    stop = middle + frequencies.shape[1]
    layers = augmented(weights, biases, activation)
    turned: list[Tensor] = []
    for axis in range(dim):
        table = torch.zeros_like(layers[0][: weights[0].shape[0]])
        torch.mul(weights[0][:, middle:stop], frequencies[axis], out=table[:, dim:middle])
        torch.mul(weights[0][:, dim:middle], -frequencies[axis], out=table[:, middle:stop])
        table[:, -1] = weights[0][:, axis]
        turned.append(table)
    out = torch.empty([dim + 1, inputs.shape[1]], dtype=inputs.dtype, device=inputs.device)
    others = [
        torch.jit.fork(trace_through, inputs, layers, turned, weights, activation, rows, core, cores, out)
        for core in range(1, cores)
    ]
    trace_through(inputs, layers, turned, weights, activation, rows, 0, cores, out)
    return out, others
