"""The densities that networks learned: whatever they learned, each integrates to 1 within 1 % over the plane."""

import pytest

from playground.lab.density_map import integral
from playground.lab.problem import Problem
from playground.lab.session import Session
from playground.lab.weights import load_weights
from playground.resources import resource


@pytest.mark.parametrize(
    ("name", "resolution"),
    # Cells across: as many as the sharp walls of the checkerboard ask for.
    [("two-moons", 40), ("eight-gaussians", 40), ("checkerboard", 80)],
)
def test_a_trained_networks_density_integrates_to_one(name: str, resolution: int) -> None:
    """By the probability flow of the models that ship, as they were trained."""
    session = Session.load(resource(f"checkpoints/{name}.spg"))
    assert session.weights is not None
    problem = Problem.build(session.experiment, session.dataset())
    network = problem.network()
    load_weights(network, dict(session.weights))
    *_, progress = integral(problem, network.requires_grad_(False), resolution=resolution)
    assert progress.value == pytest.approx(1, abs=0.01)
