"""Every computation of a likelihood, for points that are extremely far out."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from playground.lab.compute import result
from playground.lab.density_map import density_map
from playground.lab.energies import normalised
from playground.lab.experiment import Experiment, ExperimentError, replace
from playground.lab.latent import interpolate
from playground.lab.likelihood import FARTHEST, decode, log_likelihood, round_trip
from playground.lab.problem import Problem
from tests.generators import seeded

Ask = Callable[[Problem, Any, np.ndarray], Any]


def energy_log_prob(problem: Problem, network: Any, points: np.ndarray) -> np.ndarray:
    model = normalised(problem, network)
    assert model is not None
    return model.log_prob(points)


LATENT_INTERPOLATIONS: dict[str, tuple[dict[str, object], Ask]] = {
    "learned": ({}, lambda *given: result(log_likelihood(*given)).log_prob),
    "learned, VP": ({"noise.kind": "vp"}, lambda *given: result(log_likelihood(*given)).log_prob),
    "learned, ladder": ({"noise.kind": "discrete"}, lambda *given: result(log_likelihood(*given)).log_prob),
    "exact": ({"likelihood.source": "exact"}, lambda *given: result(log_likelihood(*given)).log_prob),
    "empirical": ({"likelihood.source": "empirical"}, lambda *given: result(log_likelihood(*given)).log_prob),
    "Hutchinson's trace": ({"likelihood.trace": "hutchinson"}, lambda *given: result(log_likelihood(*given)).log_prob),
    "energy by the flow": ({"network.kind": "energy"}, lambda *given: result(log_likelihood(*given)).log_prob),
    "energy by Z": ({"network.kind": "energy", "noise.kind": "single"}, energy_log_prob),
    "there and back": ({}, lambda *given: result(round_trip(*given)).back.log_prob),
    "decoded": ({}, lambda *given: result(decode(*given)).log_prob),
    "the way between": ({}, lambda problem, score, points: result(interpolate(problem, score, points, 5)).log_prob),
}
every_way = pytest.mark.parametrize(
    ("changes", "ask"), LATENT_INTERPOLATIONS.values(), ids=LATENT_INTERPOLATIONS.keys()
)


def made(changes: dict[str, object]) -> tuple[Problem, Any]:
    """Two moons with standard deviation 0.7, and a network with random weights and the default Fourier features."""
    settings = {"data.points": 500, "network.width": 16, "network.depth": 2, "network.activation": "tanh"}
    problem = Problem.build(replace(Experiment(), settings | changes))
    network = problem.network()
    assert isinstance(network.out, torch.nn.Linear)
    torch.nn.init.normal_(network.out.weight, std=0.3, generator=seeded(0))
    source = problem.experiment.likelihood.source
    return problem, problem.known_score(source) or network.requires_grad_(False)


@pytest.mark.claims
@every_way
@pytest.mark.parametrize("distance", [1e3, 1e6, 1e12])
def test_far_points_have_a_log_density_that_falls_like_a_gaussians(
    changes: dict[str, object], ask: Ask, distance: float
) -> None:
    """They take as many evaluations as near points, although the network's features oscillate along the path."""
    problem, score = made(changes)
    calls = 0

    def counted(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        found: torch.Tensor = score(x, sigma)
        return found

    followed = score if ask is energy_log_prob else counted
    found = ask(problem, followed, np.array([[distance, distance / 2], [-distance, 0.1]]))
    assert np.isfinite(found).all()
    assert calls < 2000
    # The largest standard deviation is 0.9. The smallest is the finest sigma, 0.007, which smooths the training set.
    assert -(0.007**-2) * distance**2 < found.min() < -0.4 * distance**2


@pytest.mark.claims
@every_way
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, 4 * FARTHEST])
def test_points_without_a_log_density_are_refused_and_named(changes: dict[str, object], ask: Ask, value: float) -> None:
    problem, score = made(changes)
    sentence = "^Point 2 of 2 (is not finite|lies .* standard deviations out)"
    with pytest.raises(ExperimentError, match=sentence):
        ask(problem, score, np.array([[0.1, 0.2], [0.3, value]]))


def test_a_map_of_a_far_corner_is_drawn() -> None:
    problem, score = made({})
    *_, field = density_map(problem, score, (1e6, 1.1e6, -1e6, -0.9e6), 16)
    assert field.log_density is not None
    assert (field.log_density < -1e11).all()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_sigma_that_is_no_number_is_refused(value: float) -> None:
    problem, score = made({})
    with pytest.raises(ExperimentError, match="lies outside the noise"):
        next(log_likelihood(problem, score, np.zeros((1, 2)), sigma=value))
