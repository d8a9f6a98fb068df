r"""Steps of training an MLP in few calls, the backward pass written by hand: see :mod:`playground.theory.fused`.

Most of a step are products of matrices at the speed of the core. The rest is kept small by writing into memory that a block of
steps takes once: a fresh matrix of 512 x 128 costs as much as the activation that fills it. The MLP by autograd is the
oracle in the tests.
"""

import torch
from torch import Tensor

from playground.theory.fused import Descent, activate_with_slope, compiled, features, noise_features, slopes, step_down


def bend(a: Tensor, activation: str, h: Tensor, slope: Tensor, part: Tensor) -> None:
    """Write act(a) into h, its first derivative into slope, and minus the second over a; `part` is memory to work in."""
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
    outputs = torch.empty_like(rest)
    for made in range(features.shape[0]):
        inputs[0] = features[made]
        for layer in range(last):
            torch.addmm(biases[layer], inputs[layer], turned[layer], out=derivatives[layer])
            activate_with_slope(derivatives[layer], activation, inputs[layer + 1])
        raw = torch.addmm(biases[last], inputs[last], turned[last], out=outputs[made])

        back = torch.addcmul(rest[made], raw, slope[made]).mul_(pull[made])  # of the loss with respect to F
        for layer in range(last, -1, -1):
            write_gradient(descent.weight_gradients[layer], back, inputs[layer], spare if layer == 0 else none)
            torch.sum(back, [0], out=descent.bias_gradients[layer])
            if layer > 0:
                back = torch.mm(back, weights[layer], out=inputs[layer]).mul_(derivatives[layer - 1])
        step_down(descent, made)
    residual = torch.addcmul(rest, outputs, slope)
    return (share * residual.square().sum(2)).sum() / features.shape[0]


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
    backs = rest.new_empty(len(x), 1 + directions.shape[1], *rest.shape[1:])  # of the loss with respect to F and J v
    torch.mul(share.unsqueeze(1) * bent * scale, directions, out=backs[:, 1:])
    outputs = torch.empty_like(backs)
    _matching_steps(
        rows.flatten(1, 2),
        backs.flatten(1, 2),
        directions,
        rest,
        slope,
        share * slope,
        scale if along else 0.0,
        outputs.flatten(1, 2),
        descent,
    )
    score = outputs[:, 0] * slope - rest
    if along:
        size = 0.5 * scale * (directions * score.unsqueeze(1)).sum(3).square().sum(1)
    else:
        size = 0.5 * score.square().sum(2)
    trace = scale * ((directions * outputs[:, 1:]).sum(3) * bent[..., 0]).sum(1) - flat
    return (share[..., 0] * (size + trace)).sum() / len(x)


@compiled
def _matching_steps(
    rows: Tensor,
    backs: Tensor,
    directions: Tensor,
    rest: Tensor,
    slope: Tensor,
    pulled: Tensor,
    along: float,
    outputs: Tensor,
    descent: Descent,
) -> None:
    """Make the steps, and write F and its products J v into `outputs`, from which the loss can be computed.

    Args:
        rows: what the first layer sees, (S, (1 + K) N, F): of the values, then of the derivatives along each v.
        backs: of the loss with respect to F, to be written here, and with respect to each J v, (S, (1 + K) N, D).
        rest, slope, pulled: the score is slope F - rest, and `pulled` times it the loss's derivative by F.
        along: c where ||s|| is taken along v, else 0.
    """
    weights, biases, activation = descent.weights, descent.biases, descent.activation
    count, last, width = rest.shape[1], len(weights) - 1, weights[0].shape[0]
    many, every = directions.shape[1], rows.shape[1]
    # Of each matrix the rows of values, and those of the derivatives: all together and one by one.
    inputs: list[Tensor] = [rows[0]]
    values: list[Tensor] = [rows[0, :count]]
    moving: list[Tensor] = [rows[0, count:]]
    onward: list[list[Tensor]] = [[rows[0, count:]]]
    sums: list[Tensor] = []
    bends: list[Tensor] = []
    moves: list[Tensor] = []
    moved: list[list[Tensor]] = []
    firsts: list[Tensor] = []
    for _ in range(last):
        into = torch.empty([every, width], dtype=rest.dtype, device=rest.device)
        sums.append(into)
        bends.append(into[:count])
        moves.append(into[count:].view(many, count, width))
        moved.append(list(moves[-1].unbind(0)))
        after = torch.empty_like(into)
        inputs.append(after)
        values.append(after[:count])
        moving.append(after[count:].view(many, count, width))
        onward.append(list(moving[-1].unbind(0)))
        firsts.append(torch.empty([count, width], dtype=rest.dtype, device=rest.device))
    room = torch.empty([count, width], dtype=rest.dtype, device=rest.device)
    spare = torch.empty([weights[0].shape[1], width], dtype=rest.dtype, device=rest.device)
    none = spare[:0]
    turned = [layer_weights.t() for layer_weights in weights]
    for made in range(rows.shape[0]):
        inputs[0] = rows[made]
        for layer in range(last):
            torch.mm(inputs[layer], turned[layer], out=sums[layer])
            bends[layer].add_(biases[layer])
            bend(bends[layer], activation, values[layer + 1], firsts[layer], room)
            torch.mul(moves[layer], firsts[layer], out=moving[layer + 1])
        torch.mm(inputs[last], turned[last], out=outputs[made])
        raw, back = outputs[made, :count], backs[made]
        raw += biases[last]
        pull = torch.mul(raw, slope[made]).sub_(rest[made])
        if along > 0:
            pull = along * ((directions[made] * pull).sum(2, keepdim=True) * directions[made]).sum(0)
        value = torch.mul(pull, pulled[made], out=back[:count])
        for layer in range(last, -1, -1):
            write_gradient(descent.weight_gradients[layer], back, inputs[layer], spare if layer == 0 else none)
            torch.sum(value, [0], out=descent.bias_gradients[layer])
            if layer > 0:
                back, value = torch.mm(back, weights[layer], out=inputs[layer]), values[layer]
                # By the second derivative as much comes back as went forward along each v, times what comes back there.
                torch.mul(moved[layer - 1][0], onward[layer][0], out=room)
                for other in range(1, many):
                    room.addcmul_(moved[layer - 1][other], onward[layer][other])
                value.mul_(firsts[layer - 1]).addcmul_(room, bends[layer - 1], value=-1.0)
                moving[layer].mul_(firsts[layer - 1])
        step_down(descent, made)
