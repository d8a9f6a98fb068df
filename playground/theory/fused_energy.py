r"""Training and evaluation of an energy network in few calls.

It does for an energy what :mod:`playground.theory.fused_evaluation` and :mod:`playground.theory.fused_training` do for an MLP.

The score of an energy is itself a backward pass, so autograd would differentiate through a backward pass in each training
step. A loss of the score alone does not need that. Let v be the loss's gradient with respect to F = grad phi, held constant.
Then the gradient with respect to the weights is the gradient of sum v'F. That is the derivative of phi *along* v, and its
backward pass reuses what the score's has computed.

The functions are written for :class:`playground.theory.networks.Energy`, with which the tests compare them. Points are
flattened, (N, D).
"""

import torch
from torch import Tensor

from playground.theory.fused import (
    OptimizerState,
    activate,
    features,
    noised_columns,
    optimizer_step,
    product,
    pull_back,
    slopes,
    with_bias,
)
from playground.theory.fused_evaluation import MlpParameters, blocks, on_cores, scales


def energy_score(x: Tensor, sigma: Tensor, factor: Tensor, parts: MlpParameters, rows: int) -> Tensor:
    """The score of an energy at x (N, D) for sigma (N,), without gradients, `rows` points at a time.

    Args:
        factor: c, the factor of phi in the log-density, (N,).
    """
    frequencies, tones, *layers = parts
    inverses, divisors = scales(sigma)
    score = torch.empty_like(x)
    for piece in blocks(x, rows):
        inverse = inverses[piece]
        seen = features(x[piece], inverse, frequencies, tones, divisors[piece])
        slope = on_cores(energy_slope, seen, frequencies, *layers, rows=rows)
        slope.mul_(factor[piece, None])
        torch.sub(slope, seen[:, : x.shape[1]], out=score[piece]).mul_(inverse[:, None])
    return score


def energy_slope(
    inputs: Tensor, frequencies: Tensor, weights: list[Tensor], biases: list[Tensor], activation: str
) -> Tensor:
    """grad phi, (N, D), from the points' :func:`playground.theory.fused.features`."""
    dim, last = len(frequencies), len(weights) - 1
    middle, stop = dim + frequencies.shape[1], dim + 2 * frequencies.shape[1]
    h = inputs
    sums: list[Tensor] = []
    values: list[Tensor] = []
    for layer in range(last):
        a = product(h, weights[layer], biases[layer])
        h = torch.empty_like(a)
        activate(a, activation, h)
        sums.append(a)
        values.append(h)
    back = weights[last].repeat(len(inputs), 1)
    for layer in range(last - 1, -1, -1):
        pull_back(back, sums[layer], values[layer], activation)
        back = product(back, weights[layer].t())
    turned = inputs[:, dim:middle] * back[:, middle:stop] - inputs[:, middle:stop] * back[:, dim:middle]
    return torch.addmm(back[:, :dim], turned, frequencies.t())


def energy_denoising_steps(
    x: Tensor,
    z: Tensor,
    sigma: Tensor,
    weight: Tensor,
    factor: Tensor,
    frequencies: Tensor,
    tones: Tensor,
    optimizer: OptimizerState,
) -> Tensor:
    """Do :func:`playground.theory.fused_training.denoising_steps` for an energy, with twice as many matrix products.

    Args:
        factor: c, the factor of phi in the log-density, (S, N).
    """
    seen, slope, rest = noised_columns(x, z, sigma, frequencies, tones)
    slope = slope * (sigma * factor).unsqueeze(1)  # F = c sigma grad phi
    share = weight.unsqueeze(1) / x.shape[1]
    return _denoising_steps(seen, slope, rest, share, frequencies, optimizer)


def _denoising_steps(
    told: Tensor,
    slope: Tensor,
    rest: Tensor,
    share: Tensor,
    frequencies: Tensor,
    optimizer: OptimizerState,
) -> Tensor:
    weights, biases, activation = optimizer.weights, optimizer.biases, optimizer.activation
    count, dim, last, width = told.shape[2], rest.shape[1], len(weights) - 1, weights[0].shape[0]
    middle, stop = dim + frequencies.shape[1], dim + 2 * frequencies.shape[1]
    total = torch.zeros([], dtype=rest.dtype, device=rest.device)
    # The inputs of each layer, with a one as the last, and their derivatives along v, where the one has a zero.
    inputs, tangents = [told[0]], [torch.zeros_like(told[0])]
    for _ in range(last):
        inputs.append(torch.ones([width + 1, count], dtype=rest.dtype, device=rest.device))
        tangents.append(torch.zeros_like(inputs[-1]))
    for made in range(told.shape[0]):
        seen = told[made]
        inputs[0] = seen
        layers: list[Tensor] = []
        firsts: list[Tensor] = []
        seconds: list[Tensor] = []
        for layer in range(last):
            layers.append(with_bias(weights[layer], biases[layer]))
            h, slope1, slope2 = slopes(product(layers[layer], inputs[layer].t()), activation)
            inputs[layer + 1][:width] = h
            firsts.append(slope1)
            seconds.append(slope2)
        # The derivatives of phi with respect to each layer's output (outer) and sum (inner), from the last layer to the first.
        outer: list[Tensor] = [weights[last].t().expand(width, count)]
        inner: list[Tensor] = []
        for back in range(last):
            layer = last - 1 - back
            inner.append(outer[back] * firsts[layer])
            outer.append(product(weights[layer].t(), inner[back].t()))
        found = outer[last]
        turned = seen[dim:middle] * found[middle:stop] - seen[middle:stop] * found[dim:middle]
        raw = torch.addmm(found[:dim], frequencies, turned)

        residual = torch.addcmul(rest[made], raw, slope[made])
        total += (share[made] * residual.square()).sum()

        v = residual * (2.0 * share[made] * slope[made])  # the loss's gradient with respect to F
        turned = torch.mm(frequencies.t(), v)
        tangents[0][:dim] = v
        tangents[0][dim:middle] = -seen[middle:stop] * turned
        tangents[0][middle:stop] = seen[dim:middle] * turned
        moved: list[Tensor] = []
        for layer in range(last):
            moved.append(product(layers[layer], tangents[layer].t()))
            torch.mul(firsts[layer], moved[layer], out=tangents[layer + 1][:width])
        torch.sum(tangents[last][:width], [1], out=optimizer.weight_gradients[last][0])
        bent = torch.zeros_like(moved[last - 1])
        for layer in range(last - 1, -1, -1):
            back = last - 1 - layer
            bent = bent * firsts[layer] + moved[layer] * outer[back] * seconds[layer]
            gradient = product(inner[back], tangents[layer][:-1]).add_(product(bent, inputs[layer][:-1]))
            optimizer.weight_gradients[layer].copy_(gradient)
            torch.sum(bent, [1], out=optimizer.bias_gradients[layer])
            if layer > 0:
                bent = product(weights[layer].t(), bent.t())
        optimizer_step(optimizer, made)
    return total / told.shape[0]
