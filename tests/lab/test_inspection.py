"""A recorded step as a sum in the user's units: for every sampler, its terms add to the recorded displacement."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from playground.kinds.kind import registered
from playground.kinds.samplers import Sampler
from playground.lab.experiment import Experiment, replace
from playground.lab.inspection import flow_from, inspect, score_eigenvalues
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.trajectory import Trajectory
from playground.theory.densities import GaussianMixture
from playground.theory.noise import ScoreFunction

SETTINGS = {
    "data.kind": "two-gaussians",
    "data.points": 400,
    "data.scale": 10.0,
    "noise.kind": "vp",
    "sampling.source": "exact",
    "sampling.particles": 30,
    "sampling.steps": 40,
}
SAMPLERS = {
    "langevin": {"sampling.kind": "langevin"},
    "mala": {"sampling.kind": "mala"},
    "annealed": {"sampling.kind": "annealed-langevin"},
    "sde": {"sampling.kind": "reverse-sde"},
    "sde, shark": {"sampling.kind": "reverse-sde", "sampling.solver": "shark"},
    "flow": {"sampling.kind": "probability-flow", "sampling.solver": "euler"},
    "flow, adaptive": {"sampling.kind": "probability-flow", "sampling.solver": "adaptive"},
    "edm": {"sampling.kind": "edm"},
    "forward": {"sampling.kind": "forward"},
}


def sampled(changes: Mapping[str, object]) -> tuple[Problem, ScoreFunction, Trajectory]:
    settings = {**SETTINGS, **changes}
    if changes.get("sampling.kind") == "forward":
        del settings["sampling.source"]
    problem = Problem.build(replace(Experiment(), settings))
    assert problem.density is not None
    score = problem.density  # it has a score and a log-density, which MALA needs
    *_, trajectory = sample(problem, score.score)
    return problem, score.score, trajectory


Run = tuple[str, Problem, ScoreFunction, Trajectory]


@pytest.fixture(scope="module", params=SAMPLERS, ids=str)
def run(request: pytest.FixtureRequest) -> Run:
    return request.param, *sampled(SAMPLERS[request.param])


def test_the_terms_add_to_the_recorded_displacement(run: Run) -> None:
    _, problem, score, trajectory = run
    for frame in (0, 1, len(trajectory) // 2, len(trajectory) - 2):
        found = inspect(problem, score, trajectory, frame, 17)
        assert found.step is not None
        whole = found.step.drift + found.step.score + found.step.rest
        recorded = np.float64(trajectory.positions[frame + 1][17]) - trajectory.positions[frame][17]
        np.testing.assert_allclose(whole, recorded, atol=1e-6 * problem.units.length)
        np.testing.assert_array_equal(found.step.after, trajectory.positions[frame + 1][17])
        np.testing.assert_array_equal(found.position, trajectory.positions[frame][17])
    last = inspect(problem, score, trajectory, len(trajectory) - 1, 17)
    assert last.step is None
    assert not last.skipped


@pytest.mark.claims
def test_noise_alone_is_standard_normal_in_its_stated_deviation(run: Run) -> None:
    """The rest is noise only if drift and score are those of the sampler; otherwise it would be larger."""
    name, problem, score, trajectory = run
    numbers: list[float] = []
    for frame in range(len(trajectory) - 1):
        for number in range(0, 30, 3):
            step = inspect(problem, score, trajectory, frame, number).step
            assert step is not None
            if step.weights[2]:
                numbers += (step.rest / step.weights[2]).tolist()
            elif step.weights[2] == 0:
                assert float(np.abs(step.rest).max()) < 2e-4 * problem.units.length
    if name in ("langevin", "annealed", "sde", "forward"):
        assert len(numbers) > 700
        assert np.mean(numbers) == pytest.approx(0.0, abs=4 / math.sqrt(len(numbers)))
        assert np.std(numbers) == pytest.approx(1.0, abs=4 / math.sqrt(2 * len(numbers)))
    else:
        assert numbers == []


def test_the_score_term_is_its_weight_times_the_score_that_is_shown() -> None:
    problem, score, trajectory = sampled(SAMPLERS["sde"])
    found = inspect(problem, score, trajectory, 20, 3)
    assert found.field is not None
    assert found.step is not None
    np.testing.assert_allclose(found.step.score, found.step.weights[1] * found.field.score[0], rtol=1e-4, atol=1e-5)
    middle = problem.units.offset
    np.testing.assert_allclose(found.step.drift, found.step.weights[0] * (found.position - middle), rtol=1e-5)
    here = middle + found.field.alpha * (found.field.denoised[0] - middle)
    assert found.denoised_here is not None
    np.testing.assert_allclose(found.denoised_here, here)
    assert found.step.symbols == ("½βh", "g²h", "g√h")


def test_frames_that_leave_out_steps_have_no_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.lab.trajectory.MEMORY_LIMIT", 30 * 2 * 4 * 15)
    problem, score, trajectory = sampled(SAMPLERS["langevin"])
    assert trajectory.stride > 1
    found = inspect(problem, score, trajectory, 2, 3)
    assert found.step is None
    assert found.skipped


def test_a_dragged_start_follows_the_flow_to_its_end() -> None:
    """The flow of one Gaussian keeps each point's distance in standard deviations, so its end has a closed form."""
    problem = Problem.build(replace(Experiment(), SETTINGS))
    deviation = 0.5
    alone = GaussianMixture(torch.zeros(1, 2), torch.tensor([deviation]))
    unit, process = problem.units.length, problem.process()
    start = problem.units.offset + unit * np.array([1.5, -0.4])
    path = flow_from(problem, alone.score, start)
    np.testing.assert_allclose(path[0], start, rtol=1e-6)
    largest, least = (float(process.sigma(t)) for t in (1.0, process.t_min))
    shrunk = math.hypot(deviation, least) / math.hypot(deviation, largest) / float(process.scale(1.0))
    np.testing.assert_allclose((path[-1] - problem.units.offset) / unit, shrunk * np.array([1.5, -0.4]), rtol=5e-3)


def test_every_sampler_is_tried_here() -> None:
    assert {settings["sampling.kind"] for settings in SAMPLERS.values()} == {
        kind.__struct_config__.tag for kind in registered() if issubclass(kind, Sampler)
    }


@pytest.mark.parametrize("time", [None, 0.4])
def test_eigenvalues_are_those_of_the_known_densitys_curvature(time: float | None) -> None:
    problem = Problem.build(replace(Experiment(), SETTINGS))
    density, exact = problem.dataset.density, problem.known_score("exact")
    assert isinstance(density, GaussianMixture)
    assert exact is not None
    alpha, level = 1.0, 0.8
    if time is not None:
        alpha, level = float(problem.process().scale(time)), float(problem.process().sigma(time))
    sigma = problem.units.sigma_to_user(level)
    y = np.array([[3.0, -8.0], [40.0, 35.0], [0.0, 0.0]])
    middle = problem.units.offset
    found = score_eigenvalues(problem, exact, middle + alpha * (y - middle), sigma, time, alpha * sigma)
    assert found is not None

    def log_p(place: torch.Tensor) -> torch.Tensor:
        variance = density.stds**2 + sigma**2
        away = (place - density.means).square().sum(1)
        return (density.weights.log() - away / (2 * variance) - variance.log()).logsumexp(0)

    for place, pair in zip(torch.from_numpy(y), found, strict=True):
        expected = torch.linalg.eigvalsh(torch.autograd.functional.hessian(log_p, place) / alpha**2).numpy()
        np.testing.assert_allclose(pair.real, expected, atol=2e-3 / (alpha * sigma) ** 2)
        np.testing.assert_allclose(pair.imag, 0, atol=2e-3 / (alpha * sigma) ** 2)


def test_eigenvalues_of_a_field_that_turns_are_a_pair_in_the_units_of_both_axes(tmp_path: Path) -> None:
    points = np.random.default_rng(0).standard_normal((400, 2)) * (2.0, 50.0)
    np.savetxt(tmp_path / "wide.csv", points, delimiter=",")
    problem = Problem.build(replace(Experiment(), {"data.kind": "file", "data.path": str(tmp_path / "wide.csv")}))
    matrix = torch.tensor([[-1.0, 30.0], [-200.0, 0.5]])
    found = score_eigenvalues(problem, lambda x, sigma: x @ matrix.T, points[:3], 10.0, None, 10.0)
    assert not problem.units.isotropic
    expected = np.sort_complex(np.linalg.eigvals(matrix.numpy() / np.outer(problem.units.scale, problem.units.scale)))
    assert abs(expected.imag).min() > 0
    assert found is not None
    np.testing.assert_allclose(found, np.tile(expected, (3, 1)), rtol=1e-3)


def test_a_score_that_is_not_finite_has_no_eigenvalues_there() -> None:
    problem = Problem.build(replace(Experiment(), SETTINGS))

    def broken(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return torch.where(x[:, :1] > 0, torch.nan, -x)

    far = problem.units.to_user(np.array([[5.0, 5.0], [-5.0, -5.0]]))
    found = score_eigenvalues(problem, broken, far, 1.0, None, 1.0)
    assert found is not None
    assert np.isnan(found).all(1).tolist() == [True, False]


def test_images_have_no_eigenvalues() -> None:
    problem = Problem.build(replace(Experiment(), {"data.kind": "digits", "network.kind": "mlp"}))
    assert score_eigenvalues(problem, lambda x, sigma: -x, problem.dataset.points[:2], 0.5, None, 0.5) is None
