r"""Steps of training an MLP in few calls, the backward pass written by hand: see :mod:`playground.theory.fused`.

Most of a step are products of matrices at the speed of the core. The rest is kept small by writing into memory that a block of
steps takes once: a fresh matrix of 512 x 128 costs as much as the activation that fills it. The MLP by autograd is the
oracle in the tests.
"""

import torch
from torch import Tensor

from playground.theory.fused import Descent, activate_with_slope, compiled, features, noise_features, slopes, step_down


def bend(a: Tensor, activation: str, h: Tensor, slope: Tensor) -> None:
    """Write act(a) into h, its first derivative into slope, and minus the second over a."""
    if activation == "silu":
        part = torch.sigmoid(a)
        torch.mul(a, part, out=h)
        torch.lerp(h, torch.ones_like(h[:1]), part, out=slope)
        # h'' = p(1 - p)(2 + a(1 - 2 p)), in terms of h = a p and h' = p + h (1 - p), is (1 - p)(2 h' - h)
        torch.sub(h, slope, alpha=2.0, out=a)
        torch.lerp(a, torch.zeros_like(h[:1]), part, out=a)
    else:
        value, first, second = slopes(a, activation)
        h.copy_(value)
        slope.copy_(first)
        torch.neg(second, out=a)


def write_gradient(found: Tensor, back: Tensor, inputs: Tensor, spare: Tensor) -> None:
    """Write back' inputs, the gradient of a layer's weights, (outputs, inputs).

    The first layer's inputs are no multiple of 16: there the transposed product is faster by a sixth. It takes `spare`,
    (inputs, outputs), which is empty for other layers.
    """
    if len(spare) > 0:
        torch.mm(inputs.t(), back, out=spare)
        found.copy_(spare.t())
    else:
        torch.mm(back.t(), inputs, out=found)


def denoising_steps(
    x: Tensor, z: Tensor, sigma: Tensor, weight: Tensor, frequencies: Tensor, tones: Tensor, descent: Descent
) -> Tensor:
    """Adam on the weighted denoising loss of an MLP, S steps in a row, with the weights averaged; all in place.

    Args:
        x, z: clean points and standard normal noise, (S, N, D).
        sigma, weight: noise levels > 0 and lambda(sigma), (S, N).
        frequencies, tones: the network's tables.

    Returns:
        The mean loss, 0-d.
    """
    # s + z/sigma = (sd F/sigma - y)/sqrt(sigma^2 + 1) + z/sigma = slope F + rest
    inverse = torch.rsqrt(sigma * sigma + 1.0)
    y = torch.addcmul(x, sigma.unsqueeze(2), z) * inverse.unsqueeze(2)
    rest = z / sigma.unsqueeze(2) - y * inverse.unsqueeze(2)
    slope, share = (inverse / sigma).unsqueeze(2), weight / x.shape[1]
    seen = features(y, noise_features(sigma, tones), frequencies)
    return _denoising_steps(seen, slope, rest, share, descent)


@compiled
def _denoising_steps(features: Tensor, slope: Tensor, rest: Tensor, share: Tensor, descent: Descent) -> Tensor:
    weights, biases, activation = descent.weights, descent.biases, descent.activation
    count, last, width = features.shape[1], len(weights) - 1, weights[0].shape[0]
    pull = 2.0 * share.unsqueeze(2) * slope
    inputs: list[Tensor] = [features[0]]
    derivatives: list[Tensor] = []
    for _ in range(last):
        derivatives.append(torch.empty([count, width], dtype=rest.dtype, device=rest.device))
        inputs.append(torch.empty([count, width], dtype=rest.dtype, device=rest.device))
    spare = torch.empty([weights[0].shape[1], width], dtype=rest.dtype, device=rest.device)
    none = spare[:0]
    turned = [layer_weights.t() for layer_weights in weights]
    total = torch.zeros([], dtype=rest.dtype, device=rest.device)
    for made in range(features.shape[0]):
        inputs[0] = features[made]
        for layer in range(last):
            torch.addmm(biases[layer], inputs[layer], turned[layer], out=derivatives[layer])
            activate_with_slope(derivatives[layer], activation, inputs[layer + 1])
        raw = torch.addmm(biases[last], inputs[last], turned[last])
        residual = torch.addcmul(rest[made], raw, slope[made])
        total += torch.dot(share[made], residual.square().sum(1))

        back = residual * pull[made]  # of the loss with respect to F
        for layer in range(last, -1, -1):
            write_gradient(descent.weight_gradients[layer], back, inputs[layer], spare if layer == 0 else none)
            torch.sum(back, [0], out=descent.bias_gradients[layer])
            if layer > 0:
                back = torch.mm(back, weights[layer], out=inputs[layer]).mul_(derivatives[layer - 1])
        step_down(descent, made)
    return total / features.shape[0]


def matching_steps(
    x: Tensor,
    directions: Tensor,
    sigma: Tensor,
    weight: Tensor,
    scale: float,
    along: bool,
    frequencies: Tensor,
    tones: Tensor,
    descent: Descent,
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
    inverse = torch.rsqrt(sigma * sigma + 1.0).unsqueeze(2)
    divisor = torch.where(sigma > 0, sigma, torch.ones_like(sigma))
    y = x * inverse
    rest, slope = y * inverse, inverse / divisor.unsqueeze(2)
    share = weight.unsqueeze(2) / x.shape[1]
    # v' grad s v = bent v'(dF/dy)v - inverse^2 |v|^2
    bent = (slope * inverse).unsqueeze(1)
    pulled, tugged = share * slope, share.unsqueeze(1) * bent * scale * directions
    flat = directions.square().sum(3).sum(1) * inverse.square()[:, :, 0] * scale

    seen = features(y, noise_features(divisor, tones), frequencies)
    dim, middle, stop = x.shape[2], x.shape[2] + frequencies.shape[1], x.shape[2] + 2 * frequencies.shape[1]
    moving = torch.matmul(directions, frequencies)
    rows = seen.new_empty(len(x), 1 + directions.shape[1], *seen.shape[1:])
    rows[:, 0] = seen
    rows[:, 1:, :, :dim] = directions
    rows[:, 1:, :, stop:] = 0.0
    torch.mul(seen[:, None, :, dim:middle], moving, out=rows[:, 1:, :, middle:stop])
    torch.mul(seen[:, None, :, middle:stop], moving.neg_(), out=rows[:, 1:, :, dim:middle])
    return _matching_steps(
        rows.flatten(1, 2), directions, rest, slope, bent, pulled, tugged, flat, share, scale, along, descent
    )


@compiled
def _matching_steps(
    rows: Tensor,
    directions: Tensor,
    rest: Tensor,
    slope: Tensor,
    bent: Tensor,
    pulled: Tensor,
    tugged: Tensor,
    flat: Tensor,
    share: Tensor,
    scale: float,
    along: bool,
    descent: Descent,
) -> Tensor:
    weights, biases, activation = descent.weights, descent.biases, descent.activation
    count, dim, last, width = rest.shape[1], rest.shape[2], len(weights) - 1, weights[0].shape[0]
    many, every = directions.shape[1], rows.shape[1]
    inputs: list[Tensor] = [rows[0]]
    sums: list[Tensor] = []
    firsts: list[Tensor] = []
    for _ in range(last):
        sums.append(torch.empty([every, width], dtype=rest.dtype, device=rest.device))
        firsts.append(torch.empty([count, width], dtype=rest.dtype, device=rest.device))
        inputs.append(torch.empty([every, width], dtype=rest.dtype, device=rest.device))
    spare = torch.empty([weights[0].shape[1], width], dtype=rest.dtype, device=rest.device)
    none = spare[:0]
    turned = [layer_weights.t() for layer_weights in weights]
    total = torch.zeros([], dtype=rest.dtype, device=rest.device)
    for made in range(rows.shape[0]):
        v, inputs[0] = directions[made], rows[made]
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
            write_gradient(descent.weight_gradients[layer], back, inputs[layer], spare if layer == 0 else none)
            torch.sum(back[:count], [0], out=descent.bias_gradients[layer])
            if layer > 0:
                back = torch.mm(back, weights[layer], out=inputs[layer])
                value, onward = back[:count], back[count:].view(many, count, width)
                curve, moved = sums[layer - 1][:count], sums[layer - 1][count:].view(many, count, width)
                moved.mul_(onward)
                for other in range(1, many):
                    moved[0] += moved[other]
                value.mul_(firsts[layer - 1]).addcmul_(moved[0], curve, value=-1.0)
                onward.mul_(firsts[layer - 1])
        step_down(descent, made)
    return total / rows.shape[0]
