r"""Steps of training an MLP in few calls, the backward pass written by hand: see :mod:`playground.theory.fused`.

Most of a step are products of matrices at the speed of the core. The rest is kept small by writing into memory that a block of
steps takes once: a fresh matrix of 512 x 128 costs as much as the activation that fills it. The MLP by autograd is the
oracle in the tests.
"""

import torch
from torch import Tensor

from playground.theory.fused import activate, compiled, descend, noise_features, pull_back, slopes, write_places


def bend(a: Tensor, activation: str, h: Tensor, slope: Tensor) -> None:
    """Write act(a) into h, its first derivative into slope, and the second over a."""
    if activation == "silu":
        part = torch.sigmoid(a)
        torch.mul(a, part, out=h)
        rest = torch.rsub(part, 1.0)
        torch.addcmul(part, h, rest, out=slope)
        # h'' = p(1 - p)(2 + a(1 - 2 p)), in terms of h = a p and h' = p + h (1 - p), is (1 - p)(h' + p - p h)
        torch.add(slope, part, out=a)
        a.addcmul_(part, h, value=-1.0).mul_(rest)
    else:
        value, first, second = slopes(a, activation)
        h.copy_(value)
        slope.copy_(first)
        a.copy_(second)


@compiled
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
    count, last, width = x.shape[1], len(weights) - 1, weights[0].shape[0]
    start = x.shape[2] + 2 * frequencies.shape[1]
    # s + z/sigma = (sd F/sigma - y)/sqrt(sigma^2 + 1) + z/sigma = slope F + rest
    inverse = torch.rsqrt(sigma * sigma + 1.0)
    y = torch.addcmul(x, sigma.unsqueeze(2), z) * inverse.unsqueeze(2)
    rest = z / sigma.unsqueeze(2) - y * inverse.unsqueeze(2)
    slope = (inverse / sigma).unsqueeze(2)
    share = weight / count
    pull = 2.0 * share.unsqueeze(2) * slope
    noise = noise_features(sigma, tones)

    inputs: list[Tensor] = [torch.empty([count, weights[0].shape[1]], dtype=x.dtype, device=x.device)]
    sums: list[Tensor] = []
    for _ in range(last):
        sums.append(torch.empty([count, width], dtype=x.dtype, device=x.device))
        inputs.append(torch.empty([count, width], dtype=x.dtype, device=x.device))
    turned = [layer_weights.t() for layer_weights in weights]
    total = torch.zeros([], dtype=x.dtype, device=x.device)
    for made in range(x.shape[0]):
        write_places(inputs[0], y[made], frequencies)
        inputs[0][:, start:] = noise[made]
        for layer in range(last):
            torch.addmm(biases[layer], inputs[layer], turned[layer], out=sums[layer])
            activate(sums[layer], activation, inputs[layer + 1])
        raw = torch.addmm(biases[last], inputs[last], turned[last])
        residual = torch.addcmul(rest[made], raw, slope[made])
        total += torch.dot(share[made], residual.square().sum(1))

        back = residual * pull[made]  # of the loss with respect to F
        for layer in range(last, -1, -1):
            torch.mm(back.t(), inputs[layer], out=weight_gradients[layer])
            torch.sum(back, [0], out=bias_gradients[layer])
            if layer > 0:
                if activation == "tanh":  # whose derivative is told by what it gave
                    back = torch.mm(back, weights[layer])
                else:
                    back = torch.mm(back, weights[layer], out=inputs[layer])
                pull_back(back, sums[layer - 1], inputs[layer], activation)
        descend(live, gradient, first, second, average, rates[made], step + made + 1, ema)
    return total / x.shape[0]


@compiled
def matching_steps(
    x: Tensor,
    directions: Tensor,
    sigma: Tensor,
    weight: Tensor,
    scale: float,
    along: bool,
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
    r"""The same as :func:`denoising_steps` for exact and sliced score matching.

    .. math:: \lambda \left[\tfrac12 \|s\|^2 + c \sum_k v_k^\top \nabla s\, v_k\right]

    The Jacobian's products J v_k travel forward with the values, as further rows of the same matrices, and one pass back
    through both gives the gradient: 1 + K times the work of a denoising step.

    Args:
        x: noised points, (S, N, D).
        directions: v, (S, K, N, D): the axes for exact matching.
        sigma, weight: noise levels >= 0 and lambda(sigma), (S, N).
        scale: c: 1 for exact matching, 1/K for sliced.
        along: take c/2 sum_k (v_k's)^2 in place of 1/2 ||s||^2.
    """
    count, dim, last, width = x.shape[1], x.shape[2], len(weights) - 1, weights[0].shape[0]
    many = directions.shape[1]
    every = (1 + many) * count
    start, stop = dim + frequencies.shape[1], dim + 2 * frequencies.shape[1]
    inverse = torch.rsqrt(sigma * sigma + 1.0).unsqueeze(2)
    divisor = torch.where(sigma > 0, sigma, torch.ones_like(sigma))
    y = x * inverse
    rest, slope = y * inverse, inverse / divisor.unsqueeze(2)
    share = weight.unsqueeze(2) / count
    # v' grad s v = bent v'(dF/dy)v - inverse^2 |v|^2
    bent = (slope * inverse).unsqueeze(1)
    pulled, tugged = share * slope, share.unsqueeze(1) * bent * scale * directions
    flat = (directions * directions).sum(3).sum(1) * (inverse * inverse)[:, :, 0] * scale
    noise = noise_features(divisor, tones)

    inputs: list[Tensor] = [torch.zeros([every, weights[0].shape[1]], dtype=x.dtype, device=x.device)]
    sums: list[Tensor] = []
    firsts: list[Tensor] = []
    for _ in range(last):
        sums.append(torch.empty([every, width], dtype=x.dtype, device=x.device))
        firsts.append(torch.empty([count, width], dtype=x.dtype, device=x.device))
        inputs.append(torch.empty([every, width], dtype=x.dtype, device=x.device))
    turned = [layer_weights.t() for layer_weights in weights]
    features, tangents = inputs[0][:count], inputs[0][count:].view(many, count, inputs[0].shape[1])
    total = torch.zeros([], dtype=x.dtype, device=x.device)
    for made in range(x.shape[0]):
        v = directions[made]
        write_places(features, y[made], frequencies)
        features[:, stop:] = noise[made]
        moving = torch.matmul(v, frequencies)
        tangents[:, :, :dim] = v
        tangents[:, :, start:stop] = features[:, dim:start] * moving
        tangents[:, :, dim:start] = features[:, start:stop] * moving.neg_()

        for layer in range(last):
            both, h = sums[layer], inputs[layer + 1]
            torch.mm(inputs[layer], turned[layer], out=both)
            both[:count] += biases[layer]
            bend(both[:count], activation, h[:count], firsts[layer])
            torch.mul(both[count:].view(many, count, width), firsts[layer], out=h[count:].view(many, count, width))
        ended = torch.mm(inputs[last], turned[last])
        raw, moving = ended[:count] + biases[last], ended[count:].view(many, count, dim)

        score = raw * slope[made] - rest[made]
        trace = ((v * moving).sum(2, keepdim=True) * bent[made]).sum(0)[:, 0] * scale - flat[made]
        if along:
            products = (v * score).sum(2, keepdim=True)
            size = 0.5 * scale * products.square().sum(0)[:, 0]
            pull = scale * (products * v).sum(0)
        else:
            size = 0.5 * score.square().sum(1)
            pull = score
        total += torch.dot(share[made, :, 0], size + trace)

        back = torch.cat([pull * pulled[made], tugged[made].reshape(many * count, dim)])
        for layer in range(last, -1, -1):
            torch.mm(back.t(), inputs[layer], out=weight_gradients[layer])
            torch.sum(back[:count], [0], out=bias_gradients[layer])
            if layer > 0:
                back = torch.mm(back, weights[layer], out=inputs[layer])
                value, onward = back[:count], back[count:].view(many, count, width)
                curve, moved = sums[layer - 1][:count], sums[layer - 1][count:].view(many, count, width)
                moved.mul_(onward)
                for other in range(1, many):
                    moved[0] += moved[other]
                value.mul_(firsts[layer - 1]).addcmul_(moved[0], curve)
                onward.mul_(firsts[layer - 1])
        descend(live, gradient, first, second, average, rates[made], step + made + 1, ema)
    return total / x.shape[0]
