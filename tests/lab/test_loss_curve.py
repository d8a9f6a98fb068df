"""The loss along sigma against closed forms."""

import numpy as np
import pytest
import torch

from playground.lab.experiment import Experiment, replace
from playground.lab.loss_curve import losses_along_sigma
from playground.lab.problem import Problem


@pytest.fixture(scope="module")
def problem() -> Problem:
    settings = {"data.kind": "two-gaussians", "data.points": 4000, "noise.sigma_min": 0.05, "noise.sigma_max": 20.0}
    return Problem.build(replace(Experiment(), settings))


def test_it_is_the_closed_form_for_a_gaussian_score_and_one_for_none(problem: Problem) -> None:
    # sigma s + z = (z - sigma x0)/(1 + sigma^2) for s = -x/(1 + sigma^2), and the data have mean 0 and variance 1.
    found = losses_along_sigma(problem, lambda x, sigma, *_: -x / (1 + sigma**2))
    sigma = np.array([problem.units.sigma_to_internal(one) for one in found["sigma"]])
    assert found["sigma"][0] == pytest.approx(0.05)
    assert found["sigma"][-1] == pytest.approx(20)
    for name in ("train_loss", "held_out_loss"):
        np.testing.assert_allclose(found[name], 1 / (1 + sigma**2), rtol=0.12)
    nothing = losses_along_sigma(problem, lambda x, sigma, *_: torch.zeros_like(x))
    np.testing.assert_allclose(nothing["train_loss"], 1, rtol=0.1)
    assert nothing["train_loss"] == nothing["held_out_loss"]  # the same noise


def test_the_score_of_few_training_points_loses_more_at_held_out_points() -> None:
    settings = {"data.points": 50, "sampling.source": "empirical", "noise.sigma_min": 0.01}
    few = Problem.build(replace(Experiment(), settings))
    score = few.known_score("empirical")
    assert score is not None
    found = losses_along_sigma(few, score)
    assert found["train_loss"][0] < 0.1
    assert found["held_out_loss"][0] > 10 * found["train_loss"][0]
    assert found["held_out_loss"][-1] == pytest.approx(found["train_loss"][-1], rel=0.2)  # noise hides the points
