"""Energy, straightness and ends of the paths between two sets, against closed forms."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from playground.data import Dataset
from playground.lab import path_energy
from playground.lab.compute import result
from playground.lab.experiment import Experiment, replace
from playground.lab.figures import sorts_of
from playground.lab.path_energy import path_figures
from playground.lab.problem import Problem
from playground.theory.densities import GaussianMixture
from playground.theory.noise import ContinuousNoise, FlowMatching
from playground.theory.start_set import MixturePair, StartSet
from tests.densities import density_of
from tests.figures import flat
from tests.generators import seeded

MOVED, FROM, TO = 3.0, 2.0, 0.5  # distance of the means along an axis, and the standard deviations of start and data


def gaussian(place: float, std: float) -> GaussianMixture:
    return GaussianMixture(torch.tensor([[place, 0.0]]).double(), torch.tensor([std]).double())


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_energy, "POINTS", 200)


@pytest.fixture(scope="module")
def problem() -> Problem:
    """From one Gaussian to another."""
    density = gaussian(0.0, TO)
    points = density.sample(4_000, seeded(0)).numpy()
    settings = {"noise.kind": "flow-matching", "noise.source": "eight-gaussians", "sampling.kind": "probability-flow"}
    asked = Problem.build(replace(Experiment(), settings), Dataset("one", points, density, (2,), ("x", "y"), points))
    offset, scale = torch.from_numpy(asked.units.offset), float(asked.units.scale.flat[0])
    start = gaussian(MOVED, FROM).standardized(offset, scale).to("cpu", torch.float32)
    asked.__dict__["noise"] = ContinuousNoise(FlowMatching(0.001, 1000.0), StartSet(start, "independent"))
    return asked


def figures(problem: Problem, score: Any) -> dict[str, Any]:
    found = flat(result(path_figures(problem, score)))
    assert (found["reasons"], found["path_points"]) == ({}, [5, 200])
    return found


@pytest.mark.usefixtures("few")
def test_the_energy_of_independent_gaussians_is_a_quadrature(problem: Problem) -> None:
    """Marginals have standard deviation s(t) = √((1-t)² a² + t² b²) and the flow is linear: PE = d² + 2 ∫ s'(t)² dt."""
    found = figures(problem, problem.known_score("exact"))
    t = np.linspace(0, 1, 10_001)
    std = np.sqrt((1 - t) ** 2 * TO**2 + t**2 * FROM**2)
    rate = (t * FROM**2 - (1 - t) * TO**2) / std
    energy = MOVED**2 + 2 * np.trapezoid(rate**2, t)
    optimal = MOVED**2 + 2 * (FROM - TO) ** 2
    assert energy > 1.05 * optimal
    assert found["path_energy"] == pytest.approx(energy, abs=4 * found["path_energy_standard_error"] + 0.01 * energy)
    bend = 2 * np.trapezoid((rate - (FROM - TO)) ** 2, t)
    assert found["straightness"] == pytest.approx(bend, abs=4 * found["straightness_standard_error"] + 0.01 * bend)
    error = found["sets_wasserstein2_squared_standard_error"]
    assert found["sets_wasserstein2_squared"] == pytest.approx(optimal, abs=4 * error)
    error = found["normalized_path_energy_standard_error"]
    assert found["normalized_path_energy"] == pytest.approx(energy / optimal - 1, abs=4 * error + 0.01)
    assert found["normalized_path_energy_floor"] == pytest.approx(math.sqrt(2 / math.pi) * error)
    assert error < 0.03
    # From t = 1 one Euler step goes to the mean of the data.
    assert found["one_step_wasserstein2"] == pytest.approx(TO * math.sqrt(2), rel=0.05)
    assert found["many_steps_wasserstein2"] < 2 * found["path_floor_wasserstein2"]


@pytest.mark.usefixtures("few")
def test_the_optimal_map_of_gaussians_has_straight_paths_and_needs_one_step(problem: Problem) -> None:
    """x1 = n + (b/a)(x0 - m) moves along lines of constant speed; its E[x0 | y] is the inverse of y = x0 + σ x1."""
    start = problem.noise.start
    assert start is not None
    assert isinstance(start.density, GaussianMixture)
    assert isinstance(problem.density, GaussianMixture)
    m, n = problem.density.means[0], start.density.means[0]
    ratio = float(start.density.stds[0] / problem.density.stds[0])

    def score(y: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        sigma = sigma.reshape(-1, 1)
        return (m + (y - m - sigma * n) / (1 + sigma * ratio) - y) / sigma**2

    found = figures(problem, score)
    optimal = MOVED**2 + 2 * (FROM - TO) ** 2
    assert found["straightness"] < 1e-3 * optimal
    assert found["path_energy"] == pytest.approx(optimal, abs=4 * found["path_energy_standard_error"] + 0.01 * optimal)
    # Perfect transport: what is left is noise, whose size is stated.
    error = found["normalized_path_energy_standard_error"]
    assert found["normalized_path_energy"] < 4 * error < 0.12
    assert found["normalized_path_energy_floor"] == pytest.approx(math.sqrt(2 / math.pi) * error)
    assert found["one_step_wasserstein2"] == pytest.approx(found["many_steps_wasserstein2"], rel=0.01)
    assert found["one_step_wasserstein2"] < 2 * found["path_floor_wasserstein2"]
    assert found["one_step_wasserstein2_squared"] == pytest.approx(found["one_step_wasserstein2"] ** 2, rel=0.2)


def test_a_perfect_transport_reads_as_its_floor() -> None:
    """As the mean of an absolute value, over many evaluations of 5 noisy clouds each: neither 0 nor larger."""
    noise = np.random.default_rng(0).normal(size=(2, 4_000, 5))
    energy, squared = 13.5 + 0.5 * noise[0], 13.5 + 0.5 * noise[0] + 0.3 * noise[1]
    pairs = zip(torch.from_numpy(energy), torch.from_numpy(squared), strict=True)
    normalized, errors, floors = np.array([path_energy._normalized(*pair) for pair in pairs]).T
    assert normalized.mean() == pytest.approx(0.3 / 13.5 / math.sqrt(5) * math.sqrt(2 / math.pi), rel=0.05)
    assert floors.mean() == pytest.approx(normalized.mean(), rel=0.1)
    assert np.sqrt((errors**2).mean()) == pytest.approx(np.sqrt((normalized**2).mean()), rel=0.05)


@pytest.mark.usefixtures("few")
def test_sets_that_are_alike_have_no_normalized_energy(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their W2^2 is 0 but for noise, and nothing can be divided by it."""
    assert isinstance(problem.density, GaussianMixture)
    start = density_of(problem).to("cpu", torch.float32)
    monkeypatch.setitem(
        problem.__dict__, "noise", ContinuousNoise(FlowMatching(0.001, 1000.0), StartSet(start, "independent"))
    )
    found = flat(result(path_figures(problem, lambda x, sigma: -x / (sigma * (1 + sigma)).reshape(-1, 1))))
    assert found is not None
    assert found["normalized_path_energy"] is None
    assert "normalized_path_energy_floor" not in found
    assert "as near to each other" in str(found["reasons"]["normalized_path_energy"])


def test_a_flow_from_noise_has_no_sets() -> None:
    asked = Problem.build(replace(Experiment(), {"noise.kind": "flow-matching", "data.points": 100}))
    found = flat(result(path_figures(asked, lambda x, sigma: -x)))
    assert found is not None
    assert {found[key] for key in sorts_of("Path energy")} == {None}
    assert "starts at noise" in str(found["reasons"]["path_energy"])


def test_a_known_pair_of_sets_is_followed_exactly() -> None:
    settings = {
        "noise.kind": "flow-matching",
        "noise.source": "eight-gaussians",
        "noise.source_scale": 2.0,
        "data.kind": "two-gaussians",
        "data.shift": 3.0,
        "sampling.kind": "probability-flow",
        "sampling.source": "exact",
    }
    asked = Problem.build(replace(Experiment(), settings))
    assert isinstance(asked.path_density, MixturePair)
    start = asked.noise.start
    assert start is not None
    there = asked.units.to_user(start.sample(2_000, seeded(0)).numpy())
    # Eight Gaussians around the origin of the user's units, of twice the toy's radius, and data moved by 3.
    assert np.linalg.norm(there, axis=1).mean() == pytest.approx(2 * 4 / 1.414, rel=0.05)
    assert asked.dataset.density is not None
    np.testing.assert_allclose(density_of(asked.dataset).mean.numpy(), [6.0, 6.0])
