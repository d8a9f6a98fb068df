"""Energy networks: their score is the gradient of their log-density."""

import pytest
import torch
from torch import Tensor

from playground.theory.networks import ACTIVATIONS, Energy, ScoreNetwork
from playground.theory.networks.energy import DETAIL
from playground.theory.partition import EnergyFunction
from tests.generators import seeded
from tests.networks import build_network


def make(
    activation: str = "silu", shape: tuple[int, ...] = (3,), kind: str = "energy", features: int = 5
) -> ScoreNetwork:
    made = build_network(
        kind,
        shape,
        width=12,
        depth=3,
        activation=activation,
        features=features,
        feature_scale=1.3,
        generator=seeded(),
    ).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=seeded(parameter.numel())))
    return made


def draws(shape: tuple[int, ...] = (3,), count: int = 20) -> tuple[Tensor, Tensor]:
    x = torch.randn(count, *shape, generator=seeded(1), dtype=torch.float64)
    sigma = torch.randn(count, generator=seeded(2), dtype=torch.float64).exp()
    sigma[0] = 0.0
    return x, sigma


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(3,), (1, 2, 3)])
@pytest.mark.parametrize("features", [0, 5])
def test_the_score_is_the_gradient_of_the_log_density(activation: str, shape: tuple[int, ...], features: int) -> None:
    network, (x, sigma) = make(activation, shape, features=features), draws(shape)
    assert isinstance(network, Energy)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(network.log_density(x, sigma).sum(), x)
    torch.testing.assert_close(network(x, sigma), gradient, rtol=1e-10, atol=1e-10)
    with torch.no_grad():
        silent = network(x, sigma)
    torch.testing.assert_close(silent, gradient, rtol=1e-10, atol=1e-10)
    assert not silent.requires_grad


def test_one_sigma_gives_the_same_scores_in_pieces() -> None:
    network, (x, _) = make(), draws(count=2500)
    assert isinstance(network, Energy)
    with torch.no_grad():
        together = network(x, torch.tensor(0.7))
        torch.testing.assert_close(torch.cat([network(part, torch.tensor(0.7)) for part in x.split(700)]), together)
        assert network.log_density(x, torch.tensor(0.7)).shape == (2500,)
        assert network(x[:0], torch.tensor(0.7)).shape == (0, 3)


def test_an_energys_score_has_no_curl_and_an_mlps_has() -> None:
    x, sigma = draws()
    for kind, symmetric in (("energy", True), ("mlp", False)):
        network = make(kind=kind)
        jacobian = torch.autograd.functional.jacobian(lambda y, score=network: score(y[None], sigma[1])[0], x[1])
        assert torch.allclose(jacobian, jacobian.T, atol=1e-10) == symmetric
        assert float(jacobian.abs().max()) > 0.1


def test_only_an_energy_has_a_density() -> None:
    assert isinstance(make(), EnergyFunction)
    assert not isinstance(make(kind="mlp"), EnergyFunction)


def test_the_factor_of_phi_is_one_over_the_noise_down_to_the_detail() -> None:
    sigma = torch.tensor([0.0, DETAIL, 10.0], dtype=torch.float64)
    expected = torch.tensor([1 + DETAIL**2, 2 * DETAIL**2, 100 + DETAIL**2], dtype=torch.float64)
    torch.testing.assert_close(Energy.factor(sigma), expected.rsqrt())
