"""The fused functions compute exactly what the MLP and autograd compute, and batches what all points together give."""

import copy
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor

from playground.theory import fused, fused_training
from playground.theory.empirical import Empirical, group_means
from playground.theory.networks import ACTIVATIONS, MLP, ROWS, Energy, ScoreNetwork, base
from playground.theory.networks.mlp import Perceptron
from tests.generators import seeded

Kind = TypeVar("Kind", bound=Perceptron)
Loss = Callable[[ScoreNetwork, int], Tensor]


def perceptron(
    kind: type[Kind],
    activation: str,
    dim: int = 2,
    seed: int = 0,
    depth: int = 3,
    features: int = 8,
    width: int = 16,
    classes: int = 0,
) -> Kind:
    generator = seeded(seed)
    shape: dict[str, Any] = {
        "width": width,
        "depth": depth,
        "activation": activation,
        "features": features,
        "classes": classes,
    }
    network = kind(dim, scale=1.5, generator=generator, **shape)
    network.double()
    torch.nn.init.normal_(network.out.weight, generator=generator)
    return network


mlp = functools.partial(perceptron, MLP)


def draws(steps: int, count: int, dim: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = seeded(1)
    x, z = torch.randn((2, steps, count, dim), generator=generator, dtype=torch.float64)
    sigma = torch.randn((steps, count), generator=generator, dtype=torch.float64).exp()
    return x, z, sigma, sigma.square() * (1 + sigma)


def flat(network: Perceptron) -> Tensor:
    return torch.cat([parameter.detach().reshape(-1) for parameter in network.parameters()])


def adam_with_average(
    function: Callable[..., Tensor], network: Perceptron, rates: list[float], *arguments: object
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The loss, last gradient, weights and averaged weights after steps on a copy of the network.

    Args:
        arguments: the function's first arguments, before those of the network.
    """
    vectors = [flat(network)] + [torch.zeros_like(flat(network)) for _ in range(3)] + [flat(network)]
    live, gradient, first, second, average = vectors
    order = [id(parameter) for parameter in network.parameters()]

    def views(vector: Tensor, chosen: list[Tensor]) -> list[Tensor]:
        sizes = [parameter.numel() for parameter in network.parameters()]
        pieces = dict(zip(order, torch.split(vector, sizes), strict=True))
        return [pieces[id(parameter)].view(parameter.shape) for parameter in chosen]

    frequencies, tones = network.get_buffer("frequencies"), network.noise.get_buffer("frequencies")
    layers = [*network.hidden, network.out]
    weights, biases = [layer.weight for layer in layers], [layer.bias for layer in layers]
    optimizer = fused.OptimizerState(
        views(live, weights),
        views(live, biases),
        views(gradient, weights),
        views(gradient, biases),
        network.activation,
        live,
        gradient,
        first,
        second,
        average,
        rates,
        0,
        0.9,
    )
    loss = function(*arguments, frequencies, tones, optimizer)
    return loss, gradient, live, average


def twin(network: Perceptron, rates: list[float], loss_of: Loss) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The same by autograd, torch's Adam and an explicit moving average."""
    network = copy.deepcopy(network)
    adam = torch.optim.Adam(network.parameters(), betas=(fused.FIRST_DECAY, fused.SECOND_DECAY), eps=fused.EPSILON)
    average, losses = flat(network), []
    for step, rate in enumerate(rates):
        loss = loss_of(network, step)
        adam.zero_grad()
        loss.backward()
        adam.param_groups[0]["lr"] = rate
        adam.step()
        decay = min(0.9, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * flat(network)
        losses.append(loss.detach())
    gradients = [parameter.grad for parameter in network.parameters()]
    gradient = torch.cat([part.reshape(-1) for part in gradients if part is not None])
    return torch.stack(losses).mean(), gradient, flat(network), average


@pytest.mark.parametrize("kind", [MLP, Energy])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("count", [0, 1, ROWS, 2 * ROWS + 5])
@pytest.mark.parametrize("shared", [True, False])
def test_scores_in_batches_are_those_of_all_points_together(
    kind: type[Perceptron], activation: str, count: int, shared: bool
) -> None:
    """With noise levels of their own, and with one for all; at most one of them is 0."""
    network, x = perceptron(kind, activation, dim=3), torch.randn(count, 3, dtype=torch.float64)
    sigma = torch.tensor(0.7, dtype=torch.float64) if shared else torch.rand(count, dtype=torch.float64)
    sigma.view(-1)[:1] *= 1 if shared else 0
    expected = network(x, sigma).detach()
    with torch.no_grad():
        found = network(x, sigma)
    assert not found.requires_grad
    assert found.shape == x.shape
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, ROWS + 5])
@pytest.mark.parametrize("label", ["one", "each", "unknown"])
def test_scores_of_classes_in_batches_are_those_of_all_points_together(count: int, label: str) -> None:
    network = mlp("silu", dim=3, classes=4)
    x, sigma = torch.randn(count, 3, dtype=torch.float64), 0.1 + torch.rand(count, dtype=torch.float64)
    told = {"one": torch.tensor(2), "each": torch.arange(count) % 5, "unknown": None}[label]
    expected = network(x, sigma, told)
    with torch.no_grad():
        found = network(x, sigma, told)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    if label == "unknown":
        torch.testing.assert_close(found, network(x, sigma, torch.tensor(4)).detach(), rtol=1e-9, atol=1e-9)
    else:
        assert float((found - network(x, sigma).detach()).abs().max()) > 0.01


@pytest.mark.parametrize("kind", [MLP, Energy])
@pytest.mark.parametrize("count", [3, 2_000])
def test_several_cores_give_the_results_of_one(
    kind: type[Perceptron], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, x = perceptron(kind, "silu", width=64).float(), torch.randn(count, 2)
    sigma, threads, whole = 0.1 + torch.rand(count), set[int](), base.preconditioned

    def watched(*given: Any) -> Tensor:
        threads.add(threading.get_ident())
        return whole(*given)

    monkeypatch.setattr(base, "preconditioned", watched)

    @torch.no_grad()
    def found(cores: int) -> Tensor:
        monkeypatch.setattr(torch, "get_num_threads", lambda: 1 if cores > 1 else 2)
        monkeypatch.setattr(base, "cores", lambda: pool)
        threads.clear()
        score: Tensor = network(x, sigma)
        return score

    with ThreadPoolExecutor(3) as pool:
        expected = found(1)
        assert threads == {threading.get_ident()}
        assert torch.equal(found(3), expected)
        assert (threads == {threading.get_ident()}) == (count == 3)  # a single batch


RATES = [1e-2, 2e-2, 5e-3, 1e-2]


FEW = [("silu", 2, 1, 8, 40), ("silu", 2, 2, 0, 40), ("silu", 3, 3, 8, 1)]
"""Activation, D, hidden layers, features, points: the least that there can be of each."""


def denoising_loss(x: Tensor, z: Tensor, sigma: Tensor, weight: Tensor, label: Tensor | None = None) -> Loss:
    """The loss of each step by autograd."""

    def loss(network: ScoreNetwork, step: int) -> Tensor:
        level = sigma[step][:, None]
        residual = network(x[step] + level * z[step], sigma[step], *told(label, step)) + z[step] / level
        average: Tensor = (weight[step] * residual.square().sum(1)).mean()
        return average

    return loss


def matching_loss(
    x: Tensor, directions: Tensor, sigma: Tensor, weight: Tensor, scale: float, along: bool, label: Tensor | None = None
) -> Loss:
    """The same of score matching. The trace is by two backward passes."""

    def loss(network: ScoreNetwork, step: int) -> Tensor:
        at = x[step].clone().requires_grad_()
        score = network(at, sigma[step], *told(label, step))
        total = 0 * score.sum(1) if along else 0.5 * score.square().sum(1)
        for v in directions[step]:
            product = (v * score).sum(1)
            (row,) = torch.autograd.grad(product.sum(), at, create_graph=True)
            total = total + scale * (v * row).sum(1)
            if along:
                total = total + 0.5 * scale * product.square()
        average: Tensor = (weight[step] * total).mean()
        return average

    return loss


def told(label: Tensor | None, step: int) -> tuple[Tensor, ...]:
    return () if label is None else (label[step],)


def assert_steps(
    steps: Callable[..., Tensor], loss: Callable[..., Loss], network: Perceptron, *given: object, **named: Tensor
) -> None:
    """Fused steps are those of autograd and Adam."""
    found = adam_with_average(functools.partial(steps, **named), network, RATES, *given)
    for part, other in zip(found, twin(network, RATES, loss(*given, **named)), strict=True):
        torch.testing.assert_close(part, other, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    ("activation", "dim", "depth", "features", "count"),
    [*((activation, dim, 3, 8, 40) for activation in ACTIVATIONS for dim in (1, 2, 5)), *FEW],
)
def test_denoising_steps_are_those_of_autograd_and_adam(
    activation: str, dim: int, depth: int, features: int, count: int
) -> None:
    network = mlp(activation, dim, depth=depth, features=features)
    assert_steps(fused_training.denoising_steps, denoising_loss, network, *draws(len(RATES), count, dim))


@pytest.mark.parametrize("objective", ["denoising", "matching"])
def test_steps_with_labels_are_those_of_autograd_and_adam(objective: str) -> None:
    network, (x, z, sigma, weight) = mlp("silu", classes=3), draws(len(RATES), 40, 2)
    label = torch.arange(x[..., 0].numel()).view(x.shape[:2]) % 4  # 3: unknown
    if objective == "denoising":
        assert_steps(fused_training.denoising_steps, denoising_loss, network, x, z, sigma, weight, label=label)
    else:
        axes = torch.eye(2, dtype=torch.float64)[None, :, None].expand(len(RATES), 2, 40, 2)
        given = (x, axes, sigma, weight, 1.0, False)
        assert_steps(fused_training.matching_steps, matching_loss, network, *given, label=label)


@pytest.mark.parametrize(
    ("activation", "dim", "depth", "features", "count"),
    [*((activation, dim, 3, 8, 40) for activation in ACTIVATIONS for dim in (2, 5)), *FEW],
)
@pytest.mark.parametrize(("many", "along"), [(1, False), (2, False), (1, True), (2, True)])
def test_matching_steps_are_those_of_autograd_and_adam(
    activation: str, dim: int, depth: int, features: int, count: int, many: int, along: bool
) -> None:
    """Without noise (sigma = 0) too."""
    network = mlp(activation, dim, depth=depth, features=features)
    x, _, sigma, weight = draws(len(RATES), count, dim)
    sigma[:, : count // 4] = 0
    directions = torch.randn(len(RATES), many, count, dim, dtype=torch.float64)
    given = (x, directions, sigma, weight, 1 / many, along)
    assert_steps(fused_training.matching_steps, matching_loss, network, *given)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["denoising", "matching"])
def test_the_gradient_in_single_precision_is_that_in_double(kind: str, activation: str) -> None:
    """The tests above are in double precision."""
    x, z, sigma, weight = draws(1, 512, 2)
    network = mlp(activation, width=64)

    def gradient(dtype: torch.dtype) -> Tensor:
        given = [part.to(dtype) for part in (x, z, sigma, weight)]
        own = copy.deepcopy(network).to(dtype)
        if kind == "denoising":
            return adam_with_average(fused_training.denoising_steps, own, [0.0], *given)[1]
        axes = torch.eye(2, dtype=dtype)[None, :, None].expand(1, 2, 512, 2)
        return adam_with_average(fused_training.matching_steps, own, [0.0], given[0], axes, *given[2:], 1.0, False)[1]

    expected = gradient(torch.float64)
    assert float((gradient(torch.float32) - expected).norm() / expected.norm()) < 1e-5


@pytest.mark.parametrize("count", [1, 7, 10, 23, 50])
def test_group_means_are_those_of_each_group_alone(count: int) -> None:
    """An incomplete group is filled with points before it."""
    x, z, sigma, _ = (part.flatten(0, 1) for part in draws(1, 23, 2))
    y = x + sigma[:, None] * z
    groups = zip(y.split(count), sigma.split(count), range(count, len(x) + count, count), strict=True)
    expected = torch.cat(
        [Empirical(x[:stop][-min(count, len(x)) :]).posterior_mean(noisy, level) for noisy, level, stop in groups]
    )
    torch.testing.assert_close(group_means(x, y, sigma, count), expected, rtol=1e-12, atol=1e-12)
