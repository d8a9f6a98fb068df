"""Networks: the preconditioning in closed form, reproducible weights, images of any size."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.theory.networks import ACTIVATIONS, ScoreNetwork, UNet
from tests.generators import seeded
from tests.networks import build_network


def make(kind: str = "mlp", shape: tuple[int, ...] = (2,), seed: int = 0, **changes: object) -> ScoreNetwork:
    settings: dict[str, Any] = {
        "width": 32,
        "depth": 2,
        "activation": "silu",
        "features": 16,
        "feature_scale": 1.5,
    } | changes
    return build_network(kind, shape, **settings, generator=seeded(seed))


KINDS = [
    pytest.param("mlp", (2,), id="points"),
    pytest.param("mlp", (1, 8, 8), id="mlp on images"),
    pytest.param("energy", (2,), id="energy"),
    pytest.param("energy", (1, 8, 8), id="energy of images"),
    pytest.param("u-net", (1, 8, 8), id="digits"),
    pytest.param("u-net", (3, 5, 7), id="odd, coloured"),
    pytest.param("u-net", (3, 40, 36), id="large, coloured"),
]


def points(shape: tuple[int, ...], count: int = 6) -> Tensor:
    return torch.randn(count, *shape, generator=seeded(1))


def scramble(network: ScoreNetwork) -> None:
    """Give the last layers, which are zero, random weights."""
    generator = seeded(2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))


@pytest.mark.parametrize(("kind", "shape"), KINDS)
def test_starts_as_the_score_of_a_standard_gaussian(kind: str, shape: tuple[int, ...]) -> None:
    x, network = points(shape), make(kind, shape)
    for sigma in (0.0, 0.01, 1.0, 50.0):
        torch.testing.assert_close(network(x, torch.tensor(sigma)), -x / (1 + sigma**2))


@pytest.mark.parametrize(("kind", "shape"), KINDS)
def test_preconditioning_is_that_of_the_denoiser(kind: str, shape: tuple[int, ...]) -> None:
    """s = (D - x)/sigma^2 with D = c_skip x + c_out F(c_in x, ln(sigma)/4), Karras et al. 2022."""
    network, x = make(kind, shape).double(), points(shape).double()
    scramble(network)
    sigma = torch.tensor([0.02, 0.1, 0.5, 1.0, 3.0, 20.0], dtype=torch.float64)
    s = sigma.view(-1, *[1] * len(shape))
    c_skip, c_out, c_in = 1 / (s**2 + 1), s / (s**2 + 1).sqrt(), 1 / (s**2 + 1).sqrt()
    posterior_mean = c_skip * x + c_out * network.raw(c_in * x, sigma.log() / 4)
    torch.testing.assert_close(network(x, sigma), (posterior_mean - x) / s**2, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("kind", "shape"), KINDS)
def test_without_noise_the_output_has_the_scale_of_the_data(kind: str, shape: tuple[int, ...]) -> None:
    network, x = make(kind, shape), points(shape)
    scramble(network)
    torch.testing.assert_close(network(x, torch.tensor(0.0)), network.raw(x, torch.zeros(len(x))) - x)


@pytest.mark.parametrize(("kind", "shape"), KINDS)
def test_points_are_independent_and_sigma_may_be_one_number(kind: str, shape: tuple[int, ...]) -> None:
    network, x = make(kind, shape).double(), points(shape).double()
    scramble(network)
    sigma = torch.linspace(0.1, 2.0, len(x), dtype=torch.float64)
    together = network(x, sigma)
    assert together.shape == x.shape
    for row in range(len(x)):
        torch.testing.assert_close(network(x[row : row + 1], sigma[row]), together[row : row + 1])
    assert (network(x, sigma[0]) - network(x, sigma[-1])).abs().max() > 0.01


@pytest.mark.parametrize(("kind", "shape"), KINDS)
def test_weights_come_from_the_generator_alone(kind: str, shape: tuple[int, ...]) -> None:
    before = torch.get_rng_state()
    first, same, other = (make(kind, shape, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("kind", ["mlp", "energy"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_has_the_derivatives_that_matching_takes(activation: str, kind: str) -> None:
    """Exact and sliced matching differentiate the score by x and then by the weights. An energy's score is already a derivative."""
    network = make(kind, activation=activation)
    scramble(network)
    x = points((2,)).requires_grad_()
    (slope,) = torch.autograd.grad(network(x, torch.tensor(0.5)).sum(), x, create_graph=True)
    gradients = torch.autograd.grad(slope.square().sum(), list(network.parameters()), materialize_grads=True)
    assert float(gradients[0].abs().max()) > 0


def test_zero_features_give_a_plain_mlp() -> None:
    network = make(features=0)
    assert network.parameters_count < make().parameters_count
    assert network(points((2,)), torch.tensor(1.0)).shape == (6, 2)


def test_feature_scale_sets_the_frequencies() -> None:
    narrow, wide = (make(features=1000, feature_scale=scale).get_buffer("frequencies") for scale in (0.5, 5.0))
    torch.testing.assert_close(10 * narrow, wide)
    assert float(narrow.std()) == pytest.approx(0.5, rel=0.05)


def test_sizes_at_the_default_width() -> None:
    default: dict[str, Any] = {"width": 128, "depth": 3, "features": 64}
    assert make(**default).parameters_count == (2 + 128 + 7) * 128 + 128 + 2 * (128 * 128 + 128) + 2 * 128 + 2
    assert 100_000 < make("u-net", (1, 8, 8), **default).parameters_count < 300_000


def test_every_parameter_of_the_u_net_is_used() -> None:
    network = make("u-net", (1, 8, 8), depth=3, classes=3)
    scramble(network)
    labels = torch.tensor([0, 1, 2, 3, 0, 1])  # 3 is an unknown label
    loss = network(points((1, 8, 8)), torch.linspace(0.1, 1.0, 6), labels).square().sum()
    for gradient in torch.autograd.grad(loss, list(network.parameters())):
        assert float(gradient.abs().max()) > 0


def test_u_net_sees_the_whole_digit() -> None:
    network = make("u-net", (1, 8, 8), depth=2)
    scramble(network)
    x = points((1, 8, 8), 1).requires_grad_()
    (gradient,) = torch.autograd.grad(network(x, torch.tensor(1.0))[0, 0, 0, 0], x)
    assert bool((gradient != 0).all())


def test_a_label_changes_the_score_of_its_own_point_alone() -> None:
    network, x, sigma = make("u-net", (1, 8, 8), classes=4).double(), points((1, 8, 8)).double(), torch.tensor(0.7)
    scramble(network)
    without = network(x, sigma)
    torch.testing.assert_close(network(x, sigma, torch.tensor(4)), without)
    labels = torch.tensor([0, 1, 2, 3, 4, 4])
    told = network(x, sigma, labels)
    torch.testing.assert_close(told[4:], without[4:])
    for row in range(4):
        assert (told[row] - without[row]).abs().max() > 0.01
        torch.testing.assert_close(network(x[row : row + 1], sigma, labels[row])[0], told[row])
    with torch.no_grad():
        torch.testing.assert_close(network(x.repeat(100, 1, 1, 1), sigma, labels.repeat(100))[-6:], told)


@pytest.mark.parametrize(("side", "levels", "finest"), [(8, 2, 4), (16, 3, 8), (32, 3, 16), (64, 3, 16)])
def test_u_net_follows_the_size_of_the_image(side: int, levels: int, finest: int) -> None:
    network = make("u-net", (3, side, side), depth=3)
    assert isinstance(network, UNet)
    assert (len(network.down), network.place.shape[-1]) == (levels, finest)


def test_a_u_net_of_points_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs images"):
        make("u-net", (2,))


def test_extreme_noise_stays_finite() -> None:
    network = make()
    scramble(network)
    for sigma in (1e-6, 1e6, math.exp(5)):
        assert bool(torch.isfinite(network(points((2,)), torch.tensor(sigma))).all())
