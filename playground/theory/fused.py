r"""Parts of fused training and evaluation of perceptrons: features, activations, steps of Adam, targets of denoising.

A training thread shares the Python interpreter with a window that paints sixty times a second, and must wait for it after each
call to torch. So a step makes few calls, and the backward pass is written by hand.

The functions are written for :class:`playground.theory.networks.MLP` and its layout of features. The tests compare them with
that class. Points are flattened, (N, D).
"""

import functools
import math
import sys
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from playground.theory.parametrizations import OUTPUTS

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.99, 1e-8  # Adam's; its usual 0.999 averages 1,000 steps, 0.99 averages 100

if sys.platform == "linux":
    # glibc returns a freed block of a megabyte to the system and later takes it anew page by page. That doubles the time of
    # code that fills it. Once a larger block has been freed, glibc keeps such memory. Nothing is written to this block.
    torch.empty(30 * 2**20, dtype=torch.uint8, device="cpu")


class OptimizerState(NamedTuple):
    """The tensors that a block of S training steps updates, and the optimizer's settings.

    Attributes:
        weights, biases: the layers' parameters, as views of `live`.
        weight_gradients, bias_gradients: the layers' gradients, as views of `gradient`.
        activation: the activation between the layers.
        live, gradient, first, second, average: all parameters, their gradient, Adam's first and second moments, and the
            moving average of the parameters, (P,) each.
        rates: S learning rates.
        step: the number of steps made before.
        ema: the largest decay of the moving average.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    weight_gradients: list[Tensor]
    bias_gradients: list[Tensor]
    activation: str
    live: Tensor
    gradient: Tensor
    first: Tensor
    second: Tensor
    average: Tensor
    rates: list[float]
    step: int
    ema: float


def features(
    x: Tensor,
    scale: Tensor | float,
    frequencies: Tensor,
    tones: Tensor,
    sigma: Tensor | None = None,
    *,
    columns: bool = False,
    label: Tensor | None = None,
    labels: int = 0,
) -> Tensor:
    """Compute the inputs of a perceptron's first layer, (..., N, F), for y = scale x and points x (..., N, D).

    The features are y and K cosines and K sines of it. With sigma > 0, (..., N), they also are ln(sigma)/4 and its T sines and
    T cosines. So F = D + 2K + 1 + 2T, or D + 2K without sigma. With L labels, L more are a one at the label and zeros.

    Args:
        scale: a number, or (..., N).
        label: (..., N) int64, below `labels`; needed if `labels` is above 0.
        columns: whether each feature's points are contiguous in memory, and a one for the layer's bias follows each point's
            features.
    """
    (dim, count), (*lead, points, _) = frequencies.shape, x.shape
    middle, stop = dim + count, dim + 2 * count
    end = stop if sigma is None else stop + 1 + 2 * len(tones)
    last = end + labels
    found = x.new_empty(*lead, last + 1, points).mT if columns else x.new_empty(*lead, points, last)
    factor = scale.unsqueeze(-1) if isinstance(scale, Tensor) else scale
    inputs = torch.mul(x, factor, out=found[..., :dim])
    if count:
        angles = torch.matmul(frequencies.t(), inputs.mT).mT if columns else torch.matmul(inputs, frequencies)
        write_cosines_and_sines(angles, found[..., dim:middle], found[..., middle:stop])
    if sigma is not None:
        # Contiguous over points first: a point has so few tones that numpy would start a new loop for each point.
        noise = found[..., stop:end] if columns else x.new_empty(*lead, end - stop, points).mT
        phases = torch.mul(tones[:, None], torch.log(sigma, out=noise[..., 0]).div_(4.0).unsqueeze(-2)).mT
        write_cosines_and_sines(phases, noise[..., 1 + len(tones) :], noise[..., 1 : 1 + len(tones)])
        if not columns:
            found[..., stop:end] = noise
    if label is not None:
        found[..., end:last].zero_().scatter_(-1, label.unsqueeze(-1), 1.0)
    if columns:
        found[..., last] = 1.0
    return found


def labels_of(first: Tensor, frequencies: Tensor, tones: Tensor) -> int:
    """Return how many labels a perceptron takes, the unknown one included, from its first layer's weights (G, F); 0: none."""
    return first.shape[1] - frequencies.shape[0] - 2 * frequencies.shape[1] - 1 - 2 * len(tones)


def noised_columns(
    x: Tensor,
    z: Tensor,
    sigma: Tensor,
    frequencies: Tensor,
    tones: Tensor,
    prediction: str = "v",
    label: Tensor | None = None,
    labels: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the network's inputs and the terms of the denoising loss, s + z/sigma = slope F + rest.

    Args:
        x, z: clean points and standard normal noise, (S, N, D).
        sigma: noise levels, (S, N), > 0.
        prediction: what F stands for, a name from :data:`playground.theory.parametrizations.OUTPUTS`.
        label, labels: see :func:`features`.

    Returns:
        The :func:`features` of x + sigma z and a one, (S, F + 1, N); slope, (S, 1, N); and rest, (S, D, N).
    """
    inverse = torch.rsqrt(sigma * sigma + 1.0)
    noisy = torch.addcmul(x, sigma.unsqueeze(2), z)
    seen = features(noisy, inverse, frequencies, tones, sigma, columns=True, label=label, labels=labels).mT
    slope, pull = OUTPUTS[prediction](sigma, sigma)
    rest = z.mT.contiguous() / sigma.unsqueeze(1) - seen[:, : x.shape[2]] * (pull / inverse).unsqueeze(1)
    return seen, slope.unsqueeze(1), rest


def write_cosines_and_sines(angles: Tensor, cosines: Tensor, sines: Tensor) -> None:
    """Write cos(angles) and sin(angles)."""
    if angles.device.type == "cpu":  # on most CPUs numpy takes half the time of torch
        turns = angles.numpy()
        np.sin(turns, out=sines.numpy())
        np.cos(turns, out=cosines.numpy())
    else:
        sines.copy_(torch.sin(angles))
        cosines.copy_(torch.cos(angles))


def with_bias(weights: Tensor, bias: Tensor) -> Tensor:
    """A layer's weights (G, F) with its bias (G,) as the last column, (G, F + 1), for inputs that end with a one."""
    return torch.cat([weights, bias.unsqueeze(1)], 1)


@functools.cache
def has_onednn() -> bool:
    """Whether large matrix products use oneDNN, as torch.compile does, and not MKL, as torch.mm does.

    On an AMD Zen 5, oneDNN takes half the time with AVX-512, which MKL does not use there, and nine tenths with AVX2. It also
    applies an activation while the product is in the registers. Its operator is private to torch, so it is used only if it
    gives what torch.mm gives.
    """
    if not torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        return False
    a, b = torch.sin(torch.arange(192 * 96, dtype=torch.float32, device="cpu")).view(192, 96).split([128, 64])
    bias = b[:, 0].contiguous()
    plain, sums = torch.mm(a, b.t()), torch.addmm(bias, a, b.t())
    try:
        pairs = [
            (by_onednn(a, b, None, "none"), plain),
            (by_onednn(a, b.t().contiguous().t(), bias, "none"), sums),
            (by_onednn(a, b, bias, "swish"), functional.silu(sums)),
            (by_onednn(a, b, bias, "gelu"), functional.gelu(sums)),
            (by_onednn(a, b, bias, "tanh"), torch.tanh(sums)),
        ]
        return all(torch.allclose(found, expected, rtol=1e-4, atol=1e-4) for found, expected in pairs)
    except (AttributeError, RuntimeError, TypeError):  # torch has no such operator, or with other arguments
        return False


def suits_onednn(a: Tensor, b: Tensor, written: int) -> bool:
    """Whether oneDNN is there and faster for a product a b'.

    It is slower for small matrices, as a call costs 7 us more, and a thousand times slower for a matrix with gaps in
    memory. Writing the result counts as `written` further columns of a.
    """
    large = a.shape[0] * (a.shape[1] + written) * b.shape[0] > 2**19 and a.shape[1] > 0
    fits = large and a.dtype == torch.float32 and a.is_cpu and (b.is_contiguous() or b.t().is_contiguous())
    return fits and has_onednn()


def by_onednn(a: Tensor, b: Tensor, bias: Tensor | None, name: str) -> Tensor:
    """Return a b' + bias, with an activation of this name or "none"."""
    return torch.ops.mkldnn._linear_pointwise(a, b, bias, name, [], "none")  # type: ignore[no-any-return]


def product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """a b' + bias, (M, N), for a (M, K), b (N, K) and a bias (N,). It is fastest if a, and b or its transpose, are contiguous."""
    if suits_onednn(a, b, 8):
        return by_onednn(a, b, bias, "none")
    return torch.mm(a, b.t()) if bias is None else torch.addmm(bias, a, b.t())


def activated(a: Tensor, b: Tensor, bias: Tensor, activation: str) -> Tensor:
    """act(a b' + bias), for the arguments of :func:`product`."""
    if suits_onednn(a, b, 16) and activation != "softplus":
        return by_onednn(a, b, bias, "swish" if activation == "silu" else activation)
    found = product(a, b, bias)
    activate(found, activation, found)
    return found


def activate(a: Tensor, activation: str, h: Tensor) -> None:
    """Write act(a) into h, which may be a itself."""
    if activation == "silu":
        torch.ops.aten.silu(a, out=h)
    elif activation == "gelu":
        torch.ops.aten.gelu(a, out=h)
    elif activation == "tanh":
        torch.tanh(a, out=h)
    else:
        torch.ops.aten.softplus(a, out=h)


def pull_back(back: Tensor, a: Tensor, h: Tensor, activation: str) -> None:
    """Turn the gradient with respect to h = act(a) into the gradient with respect to a, in place."""
    if activation == "silu":
        torch.ops.aten.silu_backward(back, a, grad_input=back)
    elif activation == "gelu":
        torch.ops.aten.gelu_backward(back, a, grad_input=back)
    elif activation == "tanh":
        torch.ops.aten.tanh_backward(back, h, grad_input=back)
    else:
        torch.ops.aten.softplus_backward(back, a, 1.0, 20.0, grad_input=back)


def slopes(a: Tensor, activation: str) -> tuple[Tensor, Tensor, Tensor]:
    """act(a) and its first two derivatives."""
    if activation == "tanh":
        h = torch.tanh(a)
        first = 1.0 - h * h
        return h, first, -2.0 * h * first
    if activation == "gelu":
        below = 0.5 * (1.0 + torch.erf(a * 0.7071067811865476))
        bell = torch.exp(-0.5 * a * a) * 0.3989422804014327
        return a * below, below + a * bell, bell * (2.0 - a * a)
    part = torch.sigmoid(a)
    rest = part * (1.0 - part)
    if activation == "silu":
        return a * part, part + a * rest, rest * (2.0 + a * (1.0 - 2.0 * part))
    return functional.softplus(a), part, rest


def activate_with_slope(a: Tensor, activation: str, h: Tensor) -> None:
    """Write act(a) into h, and overwrite a with its derivative."""
    if activation == "silu":
        part = torch.sigmoid(a)
        torch.mul(a, part, out=h)
        torch.lerp(h, torch.ones_like(h[:1]), part, out=a)  # h' = p + h (1 - p) for h = a p
    else:
        value, slope, _ = slopes(a, activation)
        h.copy_(value)
        a.copy_(slope)


def adam(live: Tensor, gradient: Tensor, first: Tensor, second: Tensor, rate: float, step: int) -> None:
    """Make Adam's `step`-th step."""
    first.lerp_(gradient, 1 - FIRST_DECAY)
    second.mul_(SECOND_DECAY).addcmul_(gradient, gradient, value=1 - SECOND_DECAY)
    # Adam divides by sqrt(second)/known + epsilon. The number `known` is taken out of the vectors.
    known = math.sqrt(1 - math.pow(SECOND_DECAY, step))
    spread = second.sqrt().add_(EPSILON * known)
    live.addcdiv_(first, spread, value=-rate * known / (1 - math.pow(FIRST_DECAY, step)))


def adam_in_one_pass(live: Tensor, gradient: Tensor, first: Tensor, second: Tensor, rate: float, step: int) -> None:
    """Do the same as :func:`adam` in a third of the time on the CPU, with the kernel that torch.optim uses there."""
    torch._fused_adam_(
        [live],
        [gradient],
        [first],
        [second],
        [],
        [torch.full([], float(step))],
        lr=rate,
        beta1=FIRST_DECAY,
        beta2=SECOND_DECAY,
        weight_decay=0.0,
        eps=EPSILON,
        amsgrad=False,
        maximize=False,
    )


@functools.cache
def has_adam_in_one_pass() -> bool:
    """Whether :func:`adam_in_one_pass`, which calls a function that is private to torch, does the same as :func:`adam`."""
    start = torch.sin(torch.arange(4 * 67, dtype=torch.float32, device="cpu")).view(4, 67)
    start[3].square_()
    found, expected = start.clone(), start.clone()
    try:
        adam_in_one_pass(found[0], found[1], found[2], found[3], 0.01, 3)
    except (AttributeError, RuntimeError, TypeError):  # torch has no such function, or with other arguments
        return False
    adam(expected[0], expected[1], expected[2], expected[3], 0.01, 3)
    return torch.allclose(found, expected, rtol=1e-4, atol=1e-6)


def adam_with_average(
    live: Tensor, gradient: Tensor, first: Tensor, second: Tensor, average: Tensor, rate: float, step: int, ema: float
) -> None:
    """Make Adam's `step`-th step and update the moving average."""
    if live.is_cpu and has_adam_in_one_pass():
        adam_in_one_pass(live, gradient, first, second, rate, step)
    else:
        adam(live, gradient, first, second, rate, step)
    average.lerp_(live, 1 - min(ema, step / (9.0 + step)))


def optimizer_step(optimizer: OptimizerState, made: int) -> None:
    """Make the next step of a block along the gradient, after `made` steps of that block."""
    adam_with_average(
        optimizer.live,
        optimizer.gradient,
        optimizer.first,
        optimizer.second,
        optimizer.average,
        optimizer.rates[made],
        optimizer.step + made + 1,
        optimizer.ema,
    )


def group_means(x: Tensor, y: Tensor, sigma: Tensor, count: int, most: int = 2**20) -> Tensor:
    """Compute :meth:`playground.theory.empirical.Empirical.posterior_mean` within each group of points.

    Args:
        x, y: clean and noisy points, (N, D), in groups of `count`. An incomplete last group is filled with the points before
            it, so every mean is over `count` points, or over all if there are fewer.
        sigma: noise levels of y, (N,).
        most: the number of distances held at once.

    Returns:
        For each y the expected x of its group, (N, D).
    """
    means: list[Tensor] = []
    rows = max(1, most // count)
    for start in range(0, len(x), count):
        stop = min(start + count, len(x))
        group = x[max(0, stop - count) : stop]
        centre = group.mean(0)
        clean = group - centre
        offset = clean.square().sum(1) * -0.5
        for first in range(start, stop, rows):
            last = min(first + rows, stop)
            level = sigma[first:last]
            logits = torch.addmm(offset, y[first:last] - centre, clean.t()) / level.square()[:, None]
            means.append(product(clean.t(), torch.softmax(logits, 1)).t() + centre)
    return torch.cat(means)
