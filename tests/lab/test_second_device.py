"""All computations on a device that refuses CPU tensors and has no float64: see second_device."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import pytest
import torch

from playground.app.controllers import measurements
from playground.app.model.live_training import Weights
from playground.lab.compute import result
from playground.lab.density_map import density_map
from playground.lab.diagnostics import noise_diagnostics
from playground.lab.evaluation import evaluate, sample_distances
from playground.lab.fields import density_over, empirical_density_over, log_density_at, score_at
from playground.lab.latent import interpolate
from playground.lab.likelihood import log_likelihood
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.score_errors import score_figures
from playground.lab.training import Trainer
from tests.figures import flat
from tests.fitting import fitting
from tests.second_device import second_device

SMALL = {
    "data.kind": "two-gaussians",  # few components, since every operation goes through Python
    "data.points": 600,
    "network.width": 16,
    "network.depth": 2,
    "training.steps": 3,
    "training.batch": 32,
    "sampling.particles": 16,
    "sampling.steps": 6,
    "likelihood.points": 12,
    "likelihood.tolerance": 0.1,
    "likelihood.dequantization_samples": 1,
    "noise.levels": 3,
    "sampling.levels": 3,
}
IMAGES = {"data.kind": "digits", "network.width": 8, "network.depth": 2}
BOUNDS = (-2.0, 2.0, -2.0, 2.0)

Item = TypeVar("Item")


@pytest.fixture(scope="module")
def device() -> Iterator[torch.device]:
    with second_device() as device:
        yield device


def problem(device: torch.device, changes: dict[str, Any]) -> Problem:
    return Problem.build(fitting(SMALL, changes), device=device)


def trained(device: torch.device, changes: dict[str, Any]) -> Trainer:
    trainer = Trainer(problem(device, changes))
    assert all(np.isfinite(progress.loss) for progress in trainer)
    assert trainer.ema.state_dict()
    assert all(part.device == device for part in trainer.ema.state_dict().values())
    return trainer


def last(items: Iterable[Item]) -> Item:
    *_, end = items
    return end


def test_the_device_refuses_what_a_real_one_does(device: torch.device) -> None:
    there = torch.ones(3, device=device)
    assert (there + 1).sum().item() == 6
    assert torch.equal(there.cpu(), torch.ones(3))
    with pytest.raises(RuntimeError, match="same device"):
        there + torch.ones(3)
    with pytest.raises(RuntimeError, match="same device"):
        torch.ones(3)[there > 0]
    with pytest.raises(RuntimeError, match="generator"):
        torch.randn(3, generator=torch.Generator(), device=device)
    with pytest.raises(TypeError, match="float64"):
        there.double()
    with pytest.raises(TypeError, match="numpy"):
        there.numpy()


TRAINED = [
    {},
    {"noise.kind": "none", "objective.kind": "exact"},
    {"noise.kind": "single"},
    {"noise.kind": "discrete", "objective.kind": "sliced"},
    {"noise.kind": "vp", "objective.weight": "likelihood", "training.sigma_distribution": "importance"},
    {"noise.kind": "sub-vp", "objective.kind": "exact", "training.sigma_distribution": "log-normal"},
    {"noise.kind": "cosine", "network.features": 0, "objective.target_batch": 8},
    {"network.kind": "energy"},
    {"network.kind": "energy", "objective.kind": "sliced"},
    {"network.kind": "energy", "objective.kind": "maximum-likelihood"},
    IMAGES,
]


@pytest.mark.parametrize("changes", TRAINED, ids=json.dumps)
def test_training_goes_on_where_it_was_saved(changes: dict[str, Any], device: torch.device) -> None:
    trainer = trained(device, changes)
    again = Trainer(trainer.problem)
    again.restore(trainer.state())
    assert again.step == trainer.step
    for name, part in again.ema.state_dict().items():
        assert torch.equal(part.cpu(), trainer.ema.state_dict()[name].cpu())


SAMPLED = [
    {"sampling.kind": "langevin", "noise.kind": "single"},
    {"sampling.kind": "mala", "noise.kind": "single", "sampling.source": "exact"},
    {"sampling.kind": "mala", "noise.kind": "single", "network.kind": "energy"},
    {"sampling.kind": "annealed-langevin"},
    {"sampling.corrector_steps": 1},
    {"sampling.solver": "heun"},
    {"sampling.solver": "shark"},
    {"sampling.solver": "dpm-solver++"},
    {"sampling.kind": "probability-flow"},
    {"sampling.kind": "probability-flow", "sampling.solver": "adaptive"},
    {"sampling.kind": "edm", "sampling.churn": 4.0},
    {"sampling.kind": "forward"},
    {"sampling.source": "exact"},
    {"sampling.source": "empirical"},
    {"sampling.inpainting_mask": "left"},
    {**IMAGES, "sampling.labels": "all", "sampling.guidance": 2.0},
    {
        **IMAGES,
        "sampling.labels": "one",
        "sampling.inpainting_mask": "top",
        "sampling.steps": 12,
    },  # with six they would diverge
]


@pytest.mark.parametrize("changes", SAMPLED, ids=json.dumps)
def test_sampling(changes: dict[str, Any], device: torch.device) -> None:
    made = problem(device, changes)
    run = last(sample(made, made.network()))
    assert run.finished
    assert np.isfinite(run.positions).all()


@pytest.mark.claims
@pytest.mark.parametrize("changes", [{"network.kind": "energy"}, {"noise.kind": "vp"}], ids=json.dumps)
def test_figures(changes: dict[str, Any], device: torch.device) -> None:
    made = problem(device, changes)
    score = made.network().requires_grad_(False)
    run = last(sample(made, score))
    found = flat(result(evaluate(made, score)))
    distances = flat(result(sample_distances(made, np.array(run.positions[-1]))))
    assert np.isfinite(found["test_nll"])
    assert np.isfinite(distances["sliced_wasserstein2"])
    assert np.isfinite(result(interpolate(made, score, made.dataset.held_out[:2], 3)).log_prob).all()
    noise_diagnostics(made)


@pytest.mark.parametrize("changes", [{}, IMAGES], ids=json.dumps)
def test_a_likelihood_with_random_vectors(changes: dict[str, Any], device: torch.device) -> None:
    made = problem(device, {"likelihood.trace": "hutchinson", "likelihood.trace_probes": 2, **changes})
    found = result(log_likelihood(made, made.network(), made.dataset.held_out[:2], record_path=True))
    assert np.isfinite(found.log_prob).all()


def test_what_the_canvas_shows(device: torch.device) -> None:
    trainer = trained(device, {})
    made, points = trainer.problem, trainer.problem.dataset.held_out[:5]
    for time in (None, 0.5):
        assert np.isfinite(score_at(made, trainer.ema, points, 0.3, time)).all()
        assert np.isfinite(log_density_at(made, points, 0.3, time)).all()
        assert np.isfinite(density_over(made, BOUNDS, 0.3, time)).all()
        assert np.isfinite(empirical_density_over(made, BOUNDS, 0.3, time)).all()
    assert last(density_map(made, trainer.ema, BOUNDS, 8)).log_density is not None
    weights = Weights(1, trainer.snapshot(), False)
    assert result(score_figures(made, measurements.learned_score(made, weights), 3, 20))
