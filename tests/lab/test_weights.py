"""The optimizer's step and the moving average, compared with their formulas."""

from collections.abc import Iterable

import pytest
import torch

from playground.lab.weights import Weights
from playground.theory.fused import EPSILON, FIRST_DECAY, SECOND_DECAY
from playground.theory.networks import ScoreNetwork
from tests.generators import seeded
from tests.networks import build_network

SHAPES = {"mlp": (2,), "u-net": (1, 8, 8)}


def network(kind: str = "mlp") -> ScoreNetwork:
    generator = seeded(0)
    shape = SHAPES[kind]
    return build_network(
        kind, shape, generator=generator, width=32, depth=2, activation="silu", features=4, feature_scale=1.0
    ).double()


def flat(tensors: Iterable[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("ema", [0.2, 0.998])
def test_a_step_is_adam_s_and_the_average_warms_up(ema: float, kind: str) -> None:
    """The n-th weights enter the average with the share max(1 - d, 9/(10 + n)), the first with 0.9."""
    ours, average, theirs = network(kind), network(kind), network(kind)
    weights = Weights(ours, average)
    adam = torch.optim.Adam(theirs.parameters(), lr=0.01, betas=(FIRST_DECAY, SECOND_DECAY), eps=EPSILON)
    expected, generator = flat(ours.parameters()), seeded(1)
    for n in range(5):
        gradients = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in theirs.parameters()]
        weights.adam_step(gradients, 0.01, ema)
        for parameter, gradient in zip(theirs.parameters(), gradients, strict=True):
            parameter.grad = gradient
        adam.step()
        expected += max(1 - ema, 9 / (10 + n)) * (flat(theirs.parameters()) - expected)
        torch.testing.assert_close(flat(ours.parameters()), flat(theirs.parameters()), rtol=0, atol=1e-12)
        torch.testing.assert_close(flat(average.parameters()), expected, rtol=0, atol=1e-12)
    moments = [adam.state[parameter] for parameter in theirs.parameters()]
    torch.testing.assert_close(weights.moments["adam.first"], flat(each["exp_avg"] for each in moments))
    torch.testing.assert_close(weights.moments["adam.second"], flat(each["exp_avg_sq"] for each in moments))


@pytest.mark.parametrize("kind", SHAPES)
def test_moments_can_be_set_and_read_back(kind: str) -> None:
    made = network(kind)
    weights = Weights(made, network(kind))
    weights.adam_step([torch.randn_like(parameter) for parameter in made.parameters()], 0.01, 0.9)
    found = weights.moments
    for vector in (weights.first, weights.second):
        vector.zero_()
    weights.moments = found
    for name, vector in found.items():
        assert vector.norm() > 0
        torch.testing.assert_close(weights.moments[name], vector, rtol=0, atol=0)


def test_kept_weights_are_restored() -> None:
    made, average = network(), network()
    weights = Weights(made, average)

    def step() -> None:
        weights.adam_step([torch.ones_like(parameter) for parameter in made.parameters()], 0.01, 0.9)

    def everything() -> list[torch.Tensor]:
        return [flat(made.parameters()), flat(average.parameters()), *weights.moments.values()]

    step()
    weights.keep()
    kept = everything()
    step()
    assert all(not torch.equal(one, other) for one, other in zip(kept, everything(), strict=True))
    weights.restore()
    assert all(torch.equal(one, other) for one, other in zip(kept, everything(), strict=True))
    assert weights.step == 1


def test_convolutions_have_their_weights_in_memory_as_the_images_are() -> None:
    """Otherwise each weight and gradient would be converted in every step, which takes a tenth of a step."""
    made, average = network("u-net"), network("u-net")
    Weights(made, average)
    for each in (made, average):
        weights = [parameter for parameter in each.parameters() if parameter.ndim == 4]
        assert weights
        assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
