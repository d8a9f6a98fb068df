r"""An energy network's work in few calls, as :mod:`playground.theory.fused` does an MLP's.

The score of an energy is itself a pass back, so a step of training would be a pass back through a pass back. For a loss of the
score alone that need not be: with v the loss's gradient with respect to F = grad phi, held still, the gradient with respect
to the weights is that of sum v'F, a derivative of phi *along* v, whose own pass back meets what the score's has computed.

Written for :class:`playground.theory.networks.Energy`, which is their oracle in the tests. Points are flattened, (N, D).
"""

import torch
from torch import Tensor

from playground.theory.fused import activate, compiled, descend, pull_back, slopes, write_features


@compiled
def energy_score(
    x: Tensor,
    sigma: Tensor,
    factor: Tensor,
    frequencies: Tensor,
    tones: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    activation: str,
    rows: int,
) -> Tensor:
    """The score of an energy at x (N, D) for sigma and factor (N,), without gradients, `rows` points at a time.

    Args:
        factor: c, by which phi is multiplied in the log-density.
        weights, biases: of the hidden layers, and the weight alone of the last.
    """
    scores: list[Tensor] = []
    dim, last = x.shape[1], len(weights) - 1
    middle, stop = dim + frequencies.shape[1], dim + 2 * frequencies.shape[1]
    features = torch.empty([min(rows, len(x)), weights[0].shape[1]], dtype=x.dtype, device=x.device)
    for start in range(0, max(len(x), 1), rows):
        level = sigma[start : start + rows]
        inverse = torch.rsqrt(level * level + 1.0)
        y = x[start : start + rows] * inverse[:, None]
        first = features[: len(y)]
        write_features(first, y, torch.where(level > 0, level, torch.ones_like(level)), frequencies, tones)
        h = first
        sums: list[Tensor] = []
        values: list[Tensor] = []
        for layer in range(last):
            sums.append(torch.addmm(biases[layer], h, weights[layer].t()))
            h = torch.empty_like(sums[layer])
            activate(sums[layer], activation, h)
            values.append(h)
        back = weights[last].repeat(len(y), 1)
        for layer in range(last - 1, -1, -1):
            pull_back(back, sums[layer], values[layer], activation)
            back = torch.mm(back, weights[layer])
        turned = first[:, dim:middle] * back[:, middle:stop] - first[:, middle:stop] * back[:, dim:middle]
        slope = torch.addmm(back[:, :dim], turned, frequencies.t())
        scores.append((slope * factor[start : start + rows, None] - y) * inverse[:, None])
    return torch.cat(scores)


@compiled
def energy_denoising_steps(
    x: Tensor,
    z: Tensor,
    sigma: Tensor,
    weight: Tensor,
    factor: Tensor,
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
) -> Tensor:
    """The same as :func:`playground.theory.fused_training.denoising_steps` for an energy, at twice the products of matrices.

    Args:
        factor: c, by which phi is multiplied in the log-density, (S, N).
    """
    count, dim, last = x.shape[1], x.shape[2], len(weights) - 1
    middle, stop = dim + frequencies.shape[1], dim + 2 * frequencies.shape[1]
    total = torch.zeros([], dtype=x.dtype, device=x.device)
    features = torch.empty([count, weights[0].shape[1]], dtype=x.dtype, device=x.device)
    tangent0 = torch.zeros_like(features)
    for made in range(x.shape[0]):
        level, noise = sigma[made], z[made]
        inverse = torch.rsqrt(level * level + 1.0)
        y = torch.addcmul(x[made], level[:, None], noise) * inverse[:, None]
        write_features(features, y, level, frequencies, tones)
        inputs: list[Tensor] = [features]
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
        turned = features[:, dim:middle] * found[:, middle:stop] - features[:, middle:stop] * found[:, dim:middle]
        raw = torch.addmm(found[:, :dim], turned, frequencies.t())

        slope = inverse * factor[made]
        residual = raw * slope[:, None] - y * inverse[:, None] + noise / level[:, None]
        total += (weight[made] * residual.square().sum(1)).mean()

        v = residual * (weight[made] * slope * (2.0 / count))[:, None]  # of the loss with respect to F
        turned = torch.mm(v, frequencies)
        tangent0[:, :dim] = v
        tangent0[:, dim:middle] = -features[:, middle:stop] * turned
        tangent0[:, middle:stop] = features[:, dim:middle] * turned
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
        descend(live, gradient, first, second, average, rates[made], step + made + 1, ema)
    return total / x.shape[0]
