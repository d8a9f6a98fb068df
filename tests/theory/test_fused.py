"""The fused calls do exactly what the MLP and autograd do, only faster; plain Python and TorchScript alike."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from playground.theory import fused
from playground.theory.networks import ACTIVATIONS, MLP, ROWS


def mlp(activation: str, dim: int = 2, seed: int = 0) -> MLP:
    generator = torch.Generator().manual_seed(seed)
    network = MLP(dim, width=16, depth=3, activation=activation, features=8, scale=1.5, generator=generator).double()
    torch.nn.init.normal_(network.out.weight, generator=generator)
    return network


def draws(steps: int, count: int, dim: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x, z = torch.randn((2, steps, count, dim), generator=generator, dtype=torch.float64)
    sigma = torch.randn((steps, count), generator=generator, dtype=torch.float64).exp()
    return x, z, sigma, sigma.square() * (1 + sigma)


def parts(network: MLP) -> tuple[list[Tensor], list[Tensor]]:
    return [layer.weight for layer in network.layers], [layer.bias for layer in network.layers]


def flat(network: MLP) -> Tensor:
    return torch.cat([parameter.detach().reshape(-1) for parameter in network.parameters()])


def descend(
    function: Callable[..., Tensor], network: MLP, rates: list[float], count: int = 40, dim: int = 2
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Loss, last gradient, weights and averaged weights after steps on a copy of the network."""
    vectors = (
        [flat(network)] + [torch.zeros(len(flat(network)), dtype=torch.float64) for _ in range(3)] + [flat(network)]
    )
    live, gradient, first, second, average = vectors
    order = [id(parameter) for parameter in network.parameters()]

    def views(vector: Tensor, chosen: list[Tensor]) -> list[Tensor]:
        sizes = [parameter.numel() for parameter in network.parameters()]
        pieces = dict(zip(order, torch.split(vector, sizes), strict=True))
        return [pieces[id(parameter)].view(parameter.shape) for parameter in chosen]

    weights, biases = parts(network)
    loss = function(
        *draws(len(rates), count, dim),
        *network.tables,
        views(live, weights),
        views(live, biases),
        views(gradient, weights),
        views(gradient, biases),
        network.activation_name,
        live,
        gradient,
        first,
        second,
        average,
        rates,
        0,
        0.9,
    )
    return loss, gradient, live, average


def twin(network: MLP, rates: list[float], count: int = 40, dim: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The same by autograd, torch's own Adam and the textbook's moving average."""
    network = copy.deepcopy(network)
    adam = torch.optim.Adam(network.parameters(), betas=(fused.FIRST_DECAY, fused.SECOND_DECAY), eps=fused.EPSILON)
    average, losses = flat(network), []
    for step, (x, z, sigma, weight) in enumerate(zip(*draws(len(rates), count, dim), strict=True)):
        level = sigma[:, None]
        residual = network(x + level * z, sigma) + z / level
        loss = (weight * residual.square().sum(1)).mean()
        adam.zero_grad()
        loss.backward()
        adam.param_groups[0]["lr"] = rates[step]
        adam.step()
        decay = min(0.9, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * flat(network)
        losses.append(loss.detach())
    gradient = torch.cat([parameter.grad.reshape(-1) for parameter in network.parameters()])
    return torch.stack(losses).mean(), gradient, flat(network), average


def test_torchscript_runs_them() -> None:
    """The versions of torch that the project allows have it; on others the functions run as they are."""
    assert isinstance(fused.mlp_score, torch.jit.ScriptFunction)
    assert isinstance(fused.denoising_steps, torch.jit.ScriptFunction)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("count", [0, 1, ROWS, 2 * ROWS + 5])
def test_score_is_the_networks_own(activation: str, count: int) -> None:
    network = mlp(activation, dim=3)
    x, sigma = torch.randn(count, 3, dtype=torch.float64), torch.rand(count, dtype=torch.float64)
    sigma[:1] = 0
    expected = network(x, sigma)
    with torch.no_grad():
        found = network(x, sigma)
    assert found.shape == x.shape
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_steps_are_those_of_autograd_and_adam(activation: str, dim: int) -> None:
    network, rates = mlp(activation, dim), [1e-2, 2e-2, 5e-3, 1e-2]
    found, expected = descend(fused.denoising_steps, network, rates, dim=dim), twin(network, rates, dim=dim)
    for part, other in zip(found, expected, strict=True):
        torch.testing.assert_close(part, other, rtol=1e-9, atol=1e-9)


def test_plain_python_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs where TorchScript is missing."""

    def missing(function: object) -> None:
        raise RuntimeError("no TorchScript")

    monkeypatch.setattr(torch.jit, "script", missing)
    namespace: dict[str, object] = {"__name__": "plain"}
    with open(fused.__file__) as source:
        exec(compile(source.read(), fused.__file__, "exec"), namespace)
    plain, rates = namespace["denoising_steps"], [1e-2, 2e-2]
    assert callable(plain)
    assert not isinstance(plain, torch.jit.ScriptFunction)
    for part, other in zip(
        descend(plain, mlp("silu"), rates), descend(fused.denoising_steps, mlp("silu"), rates), strict=True
    ):
        torch.testing.assert_close(part, other, rtol=1e-12, atol=1e-12)
