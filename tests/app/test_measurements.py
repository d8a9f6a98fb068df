"""What the window measures says why it is missing, where it is."""

import pytest
import torch

from playground.app import measurements
from playground.app.live import Weights
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem

TINY = {
    "data.kind": "digits",
    "network.width": 8,
    "network.depth": 1,
    "likelihood.points": 10,
    "likelihood.tolerance": 1e-1,
    "likelihood.vectors": 1,
}


def weights(problem: Problem) -> Weights:
    network, generator = problem.network(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    return Weights(1, network.state_dict(), untrained=False)


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "training.label_dropout = 0 tells the network every label"), (0.3, "")]
)
def test_an_image_is_judged_by_a_score_that_training_never_shows_only_with_a_doubt(share: float, said: str) -> None:
    problem = Problem.build(replace(Experiment(), TINY | {"training.label_dropout": share}))
    *_, (_, likelihood) = measurements.point_likelihood(problem, weights(problem), problem.dataset.held_out[0], 3)
    assert likelihood.flow is not None
    assert ("untrained: " in likelihood.doubt, said in likelihood.doubt) == (bool(said), True)
