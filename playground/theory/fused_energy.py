r"""An energy network's work in few calls, as that of an MLP in :mod:`playground.theory.fused_evaluation` and `fused_training`.

The score of an energy is itself a pass back, so a step of training would be a pass back through a pass back. For a loss of the
score alone that need not be: with v the loss's gradient with respect to F = grad phi, held still, the gradient with respect
to the weights is that of sum v'F, a derivative of phi *along* v, whose own pass back meets what the score's has computed.

Written for :class:`playground.theory.networks.Energy`, which is their oracle in the tests. Points are flattened, (N, D).
"""

import torch
from torch import Tensor
from torch.futures import Future

from playground.theory.fused import Descent, activate, compiled, features, noise_features, pull_back, slopes, step_down
from playground.theory.fused_evaluation import Parts, augmented, blocks, columns, on_cores, scales


def energy_score(x: Tensor, sigma: Tensor, factor: Tensor, parts: Parts, rows: int) -> Tensor:
    """The score of an energy at x (N, D) for sigma (N,), without gradients, `rows` points at a time.

    Args:
        factor: c, by which phi is multiplied in the log-density, (N,).
    """
    frequencies, tones, weights, biases, activation = parts
    inverses, divisors = scales(sigma)
    score = torch.empty_like(x)
    for piece in blocks(x, rows):
        seen = columns(x[piece], inverses[piece], frequencies, tones, divisors[piece])
        slope = on_cores(energy_slope, seen, frequencies, weights, biases, activation, rows=rows)
        score[piece] = slope.mul_(factor[piece]).sub_(seen[: len(slope)]).mul_(inverses[piece]).t()
    return score


@compiled
def slope_through(
    inputs: Tensor,
    layers: list[Tensor],
    weights: list[Tensor],
    frequencies: Tensor,
    activation: str,
    rows: int,
    core: int,
    cores: int,
    out: Tensor,
) -> None:
    """Write what :func:`energy_slope` gives of every `cores`-th block of rows, from number `core` on, into out (D, N)."""
    dim, width, last, count = frequencies.shape[0], len(weights[0]), len(weights) - 1, inputs.shape[1]
    middle, stop = dim + frequencies.shape[1], dim + 2 * frequencies.shape[1]
    for start in range(core * rows, count, cores * rows):
        here = min(rows, count - start)
        first = inputs[:, start : start + here]
        h = first
        sums: list[Tensor] = []
        values: list[Tensor] = []
        for layer in range(last):
            sums.append(torch.mm(layers[layer], h))
            h = torch.empty([width + 1, here], dtype=inputs.dtype, device=inputs.device)
            h[width] = 1.0
            values.append(h[:width])
            activate(sums[layer], activation, values[layer])
        back = weights[last].t().repeat(1, here)
        for layer in range(last - 1, -1, -1):
            pull_back(back, sums[layer], values[layer], activation)
            back = torch.mm(weights[layer].t(), back)
        turned = first[dim:middle] * back[middle:stop] - first[middle:stop] * back[dim:middle]
        torch.addmm(back[:dim], frequencies, turned, out=out[:, start : start + here])


@compiled
def energy_slope(
    inputs: Tensor,
    frequencies: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    activation: str,
    rows: int,
    cores: int,
) -> tuple[Tensor, list[Future[None]]]:
    """grad phi at the points of :func:`playground.theory.fused_evaluation.columns`, `rows` at a time: (D, N)."""
    layers = augmented(weights, biases, frequencies.shape[0] + 2 * frequencies.shape[1])
    out = torch.empty([frequencies.shape[0], inputs.shape[1]], dtype=inputs.dtype, device=inputs.device)
    others = [
        torch.jit.fork(slope_through, inputs, layers, weights, frequencies, activation, rows, core, cores, out)
        for core in range(1, cores)
    ]
    slope_through(inputs, layers, weights, frequencies, activation, rows, 0, cores, out)
    return out, others


def energy_denoising_steps(
    x: Tensor,
    z: Tensor,
    sigma: Tensor,
    weight: Tensor,
    factor: Tensor,
    frequencies: Tensor,
    tones: Tensor,
    descent: Descent,
) -> Tensor:
    """The same as :func:`playground.theory.fused_training.denoising_steps` for an energy, at twice the products of matrices.

    Args:
        factor: c, by which phi is multiplied in the log-density, (S, N).
    """
    inverse = torch.rsqrt(sigma * sigma + 1.0).unsqueeze(2)
    y = torch.addcmul(x, sigma.unsqueeze(2), z) * inverse
    slope = inverse * factor.unsqueeze(2)
    rest = z / sigma.unsqueeze(2) - y * inverse  # score + z/sigma = slope grad phi + rest
    share = weight / x.shape[1]
    seen = features(y, noise_features(sigma, tones), frequencies)
    return _denoising_steps(seen, slope, rest, share, frequencies, descent)


@compiled
def _denoising_steps(
    features: Tensor,
    slope: Tensor,
    rest: Tensor,
    share: Tensor,
    frequencies: Tensor,
    descent: Descent,
) -> Tensor:
    weights, biases, activation = descent.weights, descent.biases, descent.activation
    weight_gradients, bias_gradients = descent.weight_gradients, descent.bias_gradients
    count, dim, last = features.shape[1], rest.shape[2], len(weights) - 1
    middle, stop = dim + frequencies.shape[1], dim + 2 * frequencies.shape[1]
    total = torch.zeros([], dtype=rest.dtype, device=rest.device)
    tangent0 = torch.zeros_like(features[0])
    for made in range(features.shape[0]):
        seen = features[made]
        inputs: list[Tensor] = [seen]
        firsts: list[Tensor] = []
        seconds: list[Tensor] = []
        for layer in range(last):
            h, slope1, slope2 = slopes(torch.addmm(biases[layer], inputs[layer], weights[layer].t()), activation)
            inputs.append(h)
            firsts.append(slope1)
            seconds.append(slope2)
        # Of phi with respect to each layer's output, from the last to the first, and to its sum.
        outer: list[Tensor] = [weights[last].expand(count, weights[last].shape[1])]
        inner: list[Tensor] = []
        for back in range(last):
            layer = last - 1 - back
            inner.append(outer[back] * firsts[layer])
            outer.append(torch.mm(inner[back], weights[layer]))
        found = outer[last]
        turned = seen[:, dim:middle] * found[:, middle:stop] - seen[:, middle:stop] * found[:, dim:middle]
        raw = torch.addmm(found[:, :dim], turned, frequencies.t())

        residual = torch.addcmul(rest[made], raw, slope[made])
        total += torch.dot(share[made], residual.square().sum(1))

        v = residual * (2.0 * share[made][:, None] * slope[made])  # of the loss with respect to F
        turned = torch.mm(v, frequencies)
        tangent0[:, :dim] = v
        tangent0[:, dim:middle] = -seen[:, middle:stop] * turned
        tangent0[:, middle:stop] = seen[:, dim:middle] * turned
        tangents: list[Tensor] = [tangent0]
        moved: list[Tensor] = []
        for layer in range(last):
            moved.append(torch.mm(tangents[layer], weights[layer].t()))
            tangents.append(firsts[layer] * moved[layer])
        torch.sum(tangents[last], [0], keepdim=True, out=weight_gradients[last])
        bent = torch.zeros_like(tangents[last])
        for layer in range(last - 1, -1, -1):
            back = last - 1 - layer
            bent = bent * firsts[layer] + moved[layer] * outer[back] * seconds[layer]
            torch.mm(inner[back].t(), tangents[layer], out=weight_gradients[layer])
            weight_gradients[layer].addmm_(bent.t(), inputs[layer])
            torch.sum(bent, [0], out=bias_gradients[layer])
            if layer > 0:
                bent = torch.mm(bent, weights[layer])
        step_down(descent, made)
    return total / features.shape[0]
