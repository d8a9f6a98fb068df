r"""Steps of training an MLP in few calls, the backward pass written by hand: see :mod:`playground.theory.fused`.

Most of a step's time goes to matrix products. A point is a column, (G, N) from layer to layer, so the backward pass reads its
large matrices as they lie in memory. A row of ones among the inputs adds a layer's bias within the product. The tests compare
the steps with those of the MLP by autograd.
"""

import torch
from torch import Tensor

from playground.theory.fused import (
    OptimizerState,
    activate_with_slope,
    features,
    optimizer_step,
    slopes,
    with_bias,
)
from playground.theory.parametrizations import OUTPUTS


def activate_with_curvature(a: Tensor, activation: str, h: Tensor, slope: Tensor, part: Tensor) -> None:
    """Write act(a) into h and its derivative into slope, and overwrite a with minus the second. `part` is scratch memory."""
    if activation == "silu":
        torch.sigmoid(a, out=part)
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


def denoising_steps(
    x: Tensor,
    z: Tensor,
    sigma: Tensor,
    weight: Tensor,
    frequencies: Tensor,
    tones: Tensor,
    optimizer: OptimizerState,
    prediction: str = "v",
    label: Tensor | None = None,
) -> Tensor:
    """Make S steps of Adam on the weighted denoising loss of an MLP, and average the weights; all in place.

    Args:
        x, z: clean points and standard normal noise, (S, N, D).
        sigma, weight: noise levels > 0 and lambda(sigma), (S, N).
        frequencies, tones: the network's tables.
        prediction: what its output stands for, a name from :data:`playground.theory.parametrizations.OUTPUTS`.
        label: (S, N) int64, for a network that takes labels.

    Returns:
        The mean loss, 0-d.
    """
    inverse = torch.rsqrt(sigma * sigma + 1.0)
    noisy = torch.addcmul(x, sigma.unsqueeze(2), z)
    seen = features(noisy, inverse, frequencies, tones, sigma, optimizer.weights[0].shape[1], label)
    slope, pull = OUTPUTS[prediction](sigma, sigma)
    # s + z/sigma = slope F + rest
    rest = z.mT.contiguous() / sigma.unsqueeze(1) - seen[:, : x.shape[2]] * (pull / inverse).unsqueeze(1)
    slope, share = slope.unsqueeze(1), weight.unsqueeze(1) / x.shape[1]
    weights, biases, activation = optimizer.weights, optimizer.biases, optimizer.activation
    count, last, width = seen.shape[2], len(weights) - 1, weights[0].shape[0]
    pull = 2.0 * share * slope
    inputs, values = [seen[0]], [seen[0]]  # of each layer, with and without the one
    derivatives: list[Tensor] = []
    for _ in range(last):
        inputs.append(torch.ones([width + 1, count], dtype=rest.dtype, device=rest.device))
        values.append(inputs[-1][:width])
        derivatives.append(rest)
    outputs = torch.empty_like(rest)
    for made in range(seen.shape[0]):
        inputs[0], values[0] = seen[made], seen[made, :-1]
        for layer in range(last):
            a = torch.mm(with_bias(weights[layer], biases[layer]), inputs[layer])
            activate_with_slope(a, activation, values[layer + 1])
            derivatives[layer] = a
        raw = torch.mm(with_bias(weights[last], biases[last]), inputs[last], out=outputs[made])

        back = torch.addcmul(rest[made], raw, slope[made]).mul_(pull[made])  # gradient with respect to F
        for layer in range(last, -1, -1):
            torch.mm(back, values[layer].t(), out=optimizer.weight_gradients[layer])
            torch.sum(back, [1], out=optimizer.bias_gradients[layer])
            if layer > 0:
                back = torch.mm(weights[layer].t(), back).mul_(derivatives[layer - 1])
        optimizer_step(optimizer, made)
    residual = torch.addcmul(rest, outputs, slope)
    return (share * residual.square()).sum() / seen.shape[0]


def matching_steps(
    x: Tensor,
    directions: Tensor,
    sigma: Tensor,
    weight: Tensor,
    scale: float,
    along: bool,
    frequencies: Tensor,
    tones: Tensor,
    optimizer: OptimizerState,
    prediction: str = "v",
    label: Tensor | None = None,
) -> Tensor:
    r"""Do the same as :func:`denoising_steps` for exact and sliced score matching.

    .. math:: \lambda \left[\tfrac12 \|s\|^2 + c \sum_k v_k^\top \nabla s\, v_k\right]

    The Jacobian-vector products J v_k pass forward with the values, as further columns of the same matrices. One backward
    pass through both gives the gradient. The cost is 1 + K times that of a denoising step.

    Args:
        x: noised points, (S, N, D).
        directions: v, (S, K, N, D); the axes for exact matching.
        sigma, weight: noise levels >= 0 and lambda(sigma), (S, N).
        scale: c, which is 1 for exact matching and 1/K for sliced.
        along: use c/2 sum_k (v_k's)^2 in place of 1/2 ||s||^2.
        prediction: as for :func:`denoising_steps`.
        label: (S, N) int64, for a network that takes labels.
    """
    inverse = torch.rsqrt(sigma * sigma + 1.0)
    divisor = torch.where(sigma > 0, sigma, torch.ones_like(sigma))
    (dim, count), many = frequencies.shape, directions.shape[1]
    middle, stop = dim + count, dim + 2 * count
    seen = features(x, inverse, frequencies, tones, divisor, optimizer.weights[0].shape[1], label)
    slope, pull = OUTPUTS[prediction](sigma, divisor)
    flat = directions.square().sum(3).sum(1) * pull * scale
    v = directions.permute(0, 3, 1, 2)  # (S, D, K, N)
    rest, bent = seen[:, :dim] * (pull / inverse).unsqueeze(1), (slope * inverse)[:, None, None]
    slope, share = slope.unsqueeze(1), weight.unsqueeze(1) / x.shape[1]
    # s = slope F - rest, and v' grad s v = bent v'(dF/dy)v - pull |v|^2

    moving = torch.matmul(frequencies.t(), v.flatten(2)).view(len(v), count, *v.shape[2:])
    inputs = seen.new_empty(*seen.shape[:2], 1 + many, x.shape[1])
    inputs[:, :, 0] = seen
    inputs[:, :dim, 1:] = v
    inputs[:, stop:, 1:] = 0.0
    torch.mul(seen[:, dim:middle].unsqueeze(2), moving, out=inputs[:, middle:stop, 1:])
    torch.mul(seen[:, middle:stop].unsqueeze(2), moving.neg_(), out=inputs[:, dim:middle, 1:])
    backs = rest.new_empty(len(x), dim, 1 + many, x.shape[1])  # the loss's gradients with respect to F and J v
    torch.mul(share.unsqueeze(1) * bent * scale, v, out=backs[:, :, 1:])
    outputs = torch.empty_like(backs)
    _matching_steps(
        inputs.flatten(2),
        backs.flatten(2),
        v,
        rest,
        slope,
        share * slope,
        scale if along else 0.0,
        outputs.flatten(2),
        optimizer,
    )
    score = outputs[:, :, 0] * slope - rest
    size = 0.5 * scale * (v * score.unsqueeze(2)).sum(1).square().sum(1) if along else 0.5 * score.square().sum(1)
    trace = scale * ((v * outputs[:, :, 1:]).sum(1) * bent[:, 0]).sum(1) - flat
    return (share[:, 0] * (size + trace)).sum() / len(x)


def _matching_steps(
    seen: Tensor,
    backs: Tensor,
    directions: Tensor,
    rest: Tensor,
    slope: Tensor,
    pulled: Tensor,
    along: float,
    outputs: Tensor,
    optimizer: OptimizerState,
) -> None:
    """Make the steps. Write F and the products J v into `outputs`, from which the loss can be computed.

    Args:
        seen: the first layer's inputs, (S, F, (1 + K) N): the values, then their derivatives along each v. The last row has
            ones for the values and zeros for the derivatives.
        backs: the loss's gradients with respect to F, which are written here, and with respect to each J v,
            (S, D, (1 + K) N).
        directions: v, (S, D, K, N).
        rest, slope, pulled: the score is slope F - rest; its product with `pulled` is the loss's gradient with respect to F.
        along: c if ||s|| is taken along v, else 0.
    """
    weights, biases, activation = optimizer.weights, optimizer.biases, optimizer.activation
    count, last, width = rest.shape[2], len(weights) - 1, weights[0].shape[0]
    many, every = directions.shape[2], seen.shape[2]
    # In each matrix the values' columns come first, then those of the derivatives.
    inputs = [seen[0]]
    sums: list[Tensor] = []
    firsts: list[Tensor] = []
    for _ in range(last):
        inputs.append(torch.zeros([width + 1, every], dtype=rest.dtype, device=rest.device))
        inputs[-1][width, :count] = 1.0
        sums.append(rest)
        firsts.append(torch.empty([width, count], dtype=rest.dtype, device=rest.device))
    room = torch.empty([width, count], dtype=rest.dtype, device=rest.device)
    for made in range(seen.shape[0]):
        inputs[0] = seen[made]
        for layer in range(last):
            a = torch.mm(with_bias(weights[layer], biases[layer]), inputs[layer])
            h, first = inputs[layer + 1][:width], firsts[layer]
            activate_with_curvature(a[:, :count], activation, h[:, :count], first, room)
            moves, moved = a[:, count:].view(width, many, count), h[:, count:].view(width, many, count)
            torch.mul(moves, first.unsqueeze(1), out=moved)
            sums[layer] = a
        torch.mm(with_bias(weights[last], biases[last]), inputs[last], out=outputs[made])
        raw, back = outputs[made, :, :count], backs[made]
        pull = torch.mul(raw, slope[made]).sub_(rest[made])
        if along > 0:
            pull = along * ((directions[made] * pull.unsqueeze(1)).sum(0, keepdim=True) * directions[made]).sum(1)
        torch.mul(pull, pulled[made], out=back[:, :count])
        for layer in range(last, -1, -1):
            torch.mm(back, inputs[layer][:-1].t(), out=optimizer.weight_gradients[layer])
            torch.sum(back[:, :count], [1], out=optimizer.bias_gradients[layer])
            if layer > 0:
                back, a, first = torch.mm(weights[layer].t(), back), sums[layer - 1], firsts[layer - 1]
                # The second derivative adds, for each v, its forward derivative times the gradient that comes back there.
                torch.mul(a[:, count : 2 * count], back[:, count : 2 * count], out=room)
                for start in range(2 * count, every, count):
                    room.addcmul_(a[:, start : start + count], back[:, start : start + count])
                back[:, :count].mul_(first).addcmul_(room, a[:, :count], value=-1.0)
                back[:, count:].view(width, many, count).mul_(first.unsqueeze(1))
        optimizer_step(optimizer, made)
