"""The densities of trained networks: each integrates to 1 within 1 % over the plane, whatever the network learned."""

import pytest

from playground.lab.compute import result
from playground.lab.density_map import integral
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.session import Session
from playground.lab.training import Trainer
from playground.lab.weights import load_weights
from playground.resources import resource

ROUGHLY = {"likelihood.tolerance": 1e-3}  # an error of 0.1 %


@pytest.mark.claims
@pytest.mark.parametrize(
    ("name", "resolution"),
    # Cells across; the sharp edges of the checkerboard need more.
    [("two-moons", 40), ("eight-gaussians", 40), ("two-spirals", 60), ("checkerboard", 80)],
)
def test_a_trained_networks_density_integrates_to_one(name: str, resolution: int) -> None:
    """The densities are those of the probability flow of the models that ship."""
    session = Session.load(resource(f"checkpoints/{name}.spg"))
    assert session.weights is not None
    problem = Problem.build(replace(session.experiment, ROUGHLY), session.dataset())
    network = problem.network()
    load_weights(network, dict(session.weights))
    progress = result(integral(problem, network.requires_grad_(False), resolution=resolution))
    assert progress == pytest.approx(1, abs=0.01)


@pytest.mark.claims
@pytest.mark.parametrize(
    "settings",
    [
        {"noise.kind": "vp"},
        {"noise.kind": "sub-vp"},
        {"noise.kind": "cosine"},
        {"noise.kind": "discrete"},
        {"network.kind": "energy"},
    ],
    ids=lambda settings: next(iter(settings.values())),
)
def test_a_briefly_trained_networks_density_integrates_to_one(settings: dict[str, object]) -> None:
    """The flow uses the noise of the training. Coarse noise leaves no sharp edges, so few cells are enough."""
    brief = {"training.steps": 600, "training.batch": 512, "noise.sigma_min": 0.25}
    small = {"network.width": 32, "network.depth": 2, "network.features": 16}
    problem = Problem.build(replace(Experiment(), {"data.kind": "two-moons", **ROUGHLY, **brief, **small, **settings}))
    trainer = Trainer(problem)
    *_, last = trainer
    assert last.step == 600
    progress = result(integral(problem, trainer.ema.requires_grad_(False), resolution=40))
    assert progress == pytest.approx(1, abs=0.01)
