"""What a network's output stands for: the score that follows from it, its plain loss, and the fused functions."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch

from playground.theory import fused_training
from playground.theory.networks import ScoreNetwork
from playground.theory.networks.mlp import Perceptron
from playground.theory.noise import ContinuousNoise, VarianceExploding
from playground.theory.objectives import WEIGHTS
from playground.theory.parametrizations import (
    OUTPUTS,
    NoiseLevel,
    predictions,
)
from tests.generators import seeded
from tests.networks import build_network
from tests.theory.test_fused import Loss, adam_with_average, denoising_loss, draws, matching_loss, twin

PREDICTIONS = pytest.mark.parametrize("prediction", OUTPUTS)
SIGMAS = torch.tensor([0.02, 0.1, 0.5, 1.0, 3.0, 20.0], dtype=torch.float64)


def network(prediction: str, kind: str = "mlp", shape: tuple[int, ...] = (2,)) -> ScoreNetwork:
    """A small network in double precision whose last layer is not zero."""
    settings: dict[str, Any] = {"width": 16, "depth": 2, "activation": "silu", "features": 8, "feature_scale": 1.5}
    generator = seeded(0)
    made = build_network(kind, shape, **settings, generator=generator, prediction=prediction).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return made


@PREDICTIONS
@pytest.mark.parametrize(("kind", "shape"), [("mlp", (2,)), ("u-net", (1, 4, 4))])
def test_the_score_is_that_of_the_predicted_quantity(prediction: str, kind: str, shape: tuple[int, ...]) -> None:
    """What the score says under the name of the output is the output, by the names that are proved for a Gaussian."""
    made = network(prediction, kind, shape)
    for sigma in SIGMAS:
        x, level = 2 * torch.randn(5, *shape, dtype=torch.float64), NoiseLevel(1.0, float(sigma))
        output = made.raw(x / torch.sqrt(1 + sigma**2), (sigma.log() / 4).expand(5))
        score = made(x, sigma)
        named = predictions(x, score, level)
        found = {"v": -named.v, "score": score}.get(prediction, getattr(named, prediction, None))
        torch.testing.assert_close(found, output, rtol=1e-8, atol=1e-8)


@PREDICTIONS
@pytest.mark.parametrize("shared", [True, False])
def test_one_call_gives_the_score_of_the_layers(prediction: str, shared: bool) -> None:
    """Also without noise, where the divisor is 1."""
    made, x = network(prediction), torch.randn(7, 2, dtype=torch.float64)
    sigmas = torch.tensor([0.0, 0.7], dtype=torch.float64)
    for sigma in sigmas if shared else [sigmas.repeat(4)[:7]]:
        expected = made(x, sigma)
        with torch.no_grad():
            torch.testing.assert_close(made(x, sigma), expected, rtol=1e-9, atol=1e-9)


@PREDICTIONS
@pytest.mark.parametrize("objective", ["denoising", "exact", "sliced along v"])
def test_fused_steps_have_the_gradient_of_autograd(prediction: str, objective: str) -> None:
    made, (x, z, sigma, weight) = network(prediction), draws(1, 12, 2)
    axes = torch.eye(2, dtype=torch.float64)[None, :, None].expand(1, 2, 12, 2)
    ways: dict[str, tuple[Callable[..., torch.Tensor], Callable[..., Loss], tuple[Any, ...]]] = {
        "denoising": (fused_training.denoising_steps, denoising_loss, (x, z, sigma, weight)),
        "exact": (fused_training.matching_steps, matching_loss, (x, axes, sigma, weight, 1.0, False)),
        "sliced along v": (fused_training.matching_steps, matching_loss, (x, axes[:, :1], sigma, weight, 1.0, True)),
    }
    steps, loss, given = ways[objective]
    assert isinstance(made, Perceptron)
    found = adam_with_average(functools.partial(steps, prediction=prediction), made, [0.0], *given)
    for part, other in zip(found, twin(made, [0.0], loss(*given)), strict=True):
        torch.testing.assert_close(part, other, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    ("prediction", "weight"),
    [("v", "edm"), ("noise", "sigma2"), ("denoised", "sigma4"), ("velocity", "velocity"), ("score", "constant")],
)
def test_the_squared_error_of_the_output_is_the_loss_of_one_weight(prediction: str, weight: str) -> None:
    """|F - F*|^2 = lambda |s - s*|^2 for two scores at the same points."""
    x, (s, other) = 2 * torch.randn(6, 2, dtype=torch.float64), torch.randn(2, 6, 2, dtype=torch.float64)
    weights = WEIGHTS[weight](SIGMAS, ContinuousNoise(VarianceExploding(0.01, 30.0)), "log-normal")
    for at, sigma in enumerate(SIGMAS):
        level = NoiseLevel(1.0, float(sigma))
        if prediction == "score":
            error = s[at] - other[at]
        else:
            outputs = (getattr(predictions(x[at], score[at], level), prediction) for score in (s, other))
            error = next(outputs) - next(outputs)
        torch.testing.assert_close(error.square().sum(), weights[at] * (s[at] - other[at]).square().sum())
        slope, _ = OUTPUTS[prediction](float(sigma), float(sigma))
        assert slope**-2 == pytest.approx(float(weights[at]))
