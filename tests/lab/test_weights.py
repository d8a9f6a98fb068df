"""The optimizer's step and the moving average against their formulas."""

import pytest
import torch

from playground.lab.weights import Weights
from playground.theory.fused import EPSILON, FIRST_DECAY, SECOND_DECAY
from playground.theory.networks import ScoreNetwork, build_network


def network() -> ScoreNetwork:
    generator = torch.Generator().manual_seed(0)
    options = {"width": 8, "depth": 1, "activation": "silu", "features": 4, "feature_scale": 1.0}
    return build_network("mlp", (2,), generator=generator, **options).double()


@pytest.mark.parametrize("ema", [0.2, 0.998])
def test_a_step_is_adam_s_and_the_average_warms_up(ema: float) -> None:
    """The n-th weights enter the average with the share max(1 - d, 9/(10 + n)), the first with 0.9."""
    ours, average, theirs = network(), network(), network()
    weights = Weights(ours, average)
    adam = torch.optim.Adam(theirs.parameters(), lr=0.01, betas=(FIRST_DECAY, SECOND_DECAY), eps=EPSILON)
    expected, generator = weights.live.clone(), torch.Generator().manual_seed(1)
    for n in range(5):
        gradients = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in theirs.parameters()]
        weights.descend(gradients, 0.01, ema)
        for parameter, gradient in zip(theirs.parameters(), gradients, strict=True):
            parameter.grad = gradient
        adam.step()
        live = torch.cat([parameter.detach().flatten() for parameter in theirs.parameters()])
        expected += max(1 - ema, 9 / (10 + n)) * (live - expected)
        torch.testing.assert_close(weights.live, live, rtol=0, atol=1e-12)
        torch.testing.assert_close(weights.average, expected, rtol=0, atol=1e-12)
