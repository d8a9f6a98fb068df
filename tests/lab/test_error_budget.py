"""The error budget: each part is the closed form of one fault in a run on Gaussian data, and all add up."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from playground.data import Dataset
from playground.lab.compute import result
from playground.lab.error_budget import error_budget
from playground.lab.experiment import Experiment, replace
from playground.lab.figures import sorts_of
from playground.lab.figures.error_budget import FIGURES
from playground.lab.problem import Problem
from playground.theory.densities import GaussianMixture
from tests.figures import flat
from tests.generators import seeded

STD = 3.0
DENSITY = GaussianMixture(torch.tensor([[4.0, -1.0]], dtype=torch.float64), torch.tensor([STD], dtype=torch.float64))
PERFECT = {
    "noise.kind": "ve",
    "noise.sigma_min": 0.01 * STD,
    "noise.sigma_max": 20 * STD,
    "sampling.kind": "probability-flow",
    "sampling.source": "exact",
    "sampling.solver": "heun",
    "sampling.steps": 40,
    "sampling.particles": 300,
}


def problem(changes: dict[str, Any]) -> Problem:
    """Gaussian data whose training set has exactly the mean and covariance of the density."""
    settings = {**PERFECT, **changes}
    points = DENSITY.sample(400, seeded(0)).double()
    centred = points - points.mean(0)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(centred.T @ centred / 400), centred.T, upper=False).T
    points = (DENSITY.means + STD * white).numpy()
    return Problem.build(replace(Experiment(), settings), Dataset("one", points, DENSITY, (2,), ("x", "y"), points))


def budget(changes: dict[str, Any], shift: float = 0.0) -> dict[str, tuple[float, float]]:
    """Each part and its error, for a score that is the exact one of data moved by `shift`, in user units, along both axes."""
    asked = problem(changes)
    exact, moved = asked.known_score("exact"), shift / asked.units.length
    assert exact is not None
    found = flat(result(error_budget(asked, lambda x, sigma: exact(x - moved, sigma))))
    assert found["reasons"] == {}
    assert found["budget_points"] == [10, 300]
    return {key.removeprefix("budget_"): (found[key], found[f"{key}_standard_error"]) for key in FIGURES}


@pytest.fixture(scope="module")
def perfect() -> dict[str, tuple[float, float]]:
    return budget({})


def test_the_parts_add_up_to_the_whole(perfect: dict[str, tuple[float, float]]) -> None:
    assert sum(value for part, (value, _) in perfect.items() if part != "total") == pytest.approx(
        perfect["total"][0], rel=1e-12
    )


def test_a_nearly_perfect_run_is_its_floor(perfect: dict[str, tuple[float, float]]) -> None:
    """The floor of two clouds of n points: E of the squared difference of their means alone is 2 s^2/n along each direction."""
    floor, error = perfect["floor"]
    assert 2 * STD**2 / 300 < floor < 10 * STD**2 / 300
    assert 0.02 * floor < error < 0.5 * floor
    assert perfect["score"] == (0.0, 0.0)
    for part in ("steps", "sigma_min"):
        assert abs(perfect[part][0]) < 0.02 * floor
    # The prior is exact for Gaussian data; without the noise that both starts share its error would be the floor's.
    value, error = perfect["prior"]
    assert abs(value) < 0.2 * floor
    assert error < 0.2 * perfect["floor"][1] + 0.02 * floor


def test_an_exact_score_given_as_a_learned_one_has_no_part() -> None:
    found = budget({"sampling.source": "learned", "sampling.steps": 10})
    assert abs(found["score"][0]) <= 1e-9
    assert found["score"][1] <= 1e-9


def test_a_learned_score_of_moved_data_costs_the_square_of_the_shift(perfect: dict[str, tuple[float, float]]) -> None:
    """Its flow from a prior that stays moves the ends by c (1 - s_min/s_max); along random directions E(θ'c)² = |c|²/2."""
    fine, coarse = (math.sqrt(1 + (PERFECT[f"noise.sigma_{end}"] / STD) ** 2) for end in ("min", "max"))  # type: ignore[operator]
    found, c = budget({"sampling.source": "learned"}, shift=2.0), 2.0 * (1 - fine / coarse)
    value, error = found["score"]
    assert value == pytest.approx(c**2, abs=4 * error)
    assert error < 0.15 * value
    for part in ("steps", "prior", "sigma_min", "floor"):  # those of the same run with the exact score
        assert found[part] == pytest.approx(perfect[part], rel=1e-3, abs=1e-4)


def test_a_large_sigma_min_costs_the_square_of_the_growth_of_the_standard_deviation() -> None:
    found = budget({"noise.sigma_min": STD})
    value, error = found["sigma_min"]
    assert value == pytest.approx((math.sqrt(2) - 1) ** 2 * STD**2, abs=4 * error)
    assert error < 0.15 * value


def test_the_final_denoising_belongs_to_sigma_min() -> None:
    """It goes to the posterior mean, whose standard deviation is s²/√(s² + σ²): less than that of the data."""
    sde = {"sampling.kind": "reverse-sde", "sampling.solver": "euler", "sampling.final_denoising": True}
    found = budget({"noise.sigma_min": STD, **sde})
    value, error = found["sigma_min"]
    assert value == pytest.approx((1 - 1 / math.sqrt(2)) ** 2 * STD**2, abs=4 * error)


def test_few_steps_cost_what_euler_makes_of_the_standard_deviation() -> None:
    """Euler multiplies x by 1 + h σ²/(s² + σ²) at each step of ln σ, which is linear in the time of this noise."""
    steps = 8
    found = budget({"sampling.solver": "euler", "sampling.steps": steps, "sampling.time_grid": "log-sigma"})
    sigmas = np.geomspace(20, 0.01, steps + 1)
    h = math.log(sigmas[1] / sigmas[0])
    end = math.sqrt(1 + 20**2) * np.prod(1 + h * sigmas[:-1] ** 2 / (1 + sigmas[:-1] ** 2))
    value, error = found["steps"]
    assert abs(end - 1) > 0.2
    assert value == pytest.approx((end - 1) ** 2 * STD**2, abs=4 * error)
    assert error < 0.2 * value


def test_a_wrong_factor_is_a_part_of_its_own(perfect: dict[str, tuple[float, float]]) -> None:
    """Without its 1/2 the flow goes as s² + σ², so the standard deviation ends at (s² + σ_min²)/√(s² + σ_max²)."""
    found = budget({"sampling.score_factor": 2.0, "sampling.steps": 200})
    fine, coarse = (1 + (PERFECT[f"noise.sigma_{end}"] / STD) ** 2 for end in ("min", "max"))  # type: ignore[operator]
    shrunk = fine / math.sqrt(coarse)
    value, error = found["score_factor"]
    assert value == pytest.approx((1 - shrunk) ** 2 * STD**2, abs=4 * error)
    assert error < 0.15 * value
    assert found["score"] == (0.0, 0.0)
    for part in ("steps", "prior", "sigma_min"):  # those of the run with the right factor
        assert abs(found[part][0]) < 0.2 * perfect["floor"][0]
    assert perfect["score_factor"] == (0.0, 0.0)
    assert sum(value for part, (value, _) in found.items() if part != "total") == pytest.approx(
        found["total"][0], rel=1e-12
    )


def test_a_wrong_factor_is_apart_from_a_wrong_score() -> None:
    """The score of moved data has the part that it has with the right factor."""
    moved = {"sampling.source": "learned"}
    found, right = budget({**moved, "sampling.score_factor": 0.5}, shift=2.0), budget(moved, shift=2.0)
    assert found["score"] == right["score"]
    assert found["score_factor"][0] > 10 * found["score_factor"][1]


def test_a_start_that_is_not_the_end_of_the_process_is_the_prior_s_part() -> None:
    """The flow of Gaussian data multiplies its start by one number; a box around the data is far narrower than the noise."""
    found = budget({"sampling.start": "uniform"})
    value, error = found["prior"]
    assert value > 0.5 * found["total"][0]
    assert value > 10 * error


def test_the_prior_of_a_contracting_process_is_near_its_noisy_data() -> None:
    """For Gaussian data the prior is the distribution of noisy data, here with std = sigma (1 - t)."""
    found = budget({"noise.kind": "flow-matching"})
    assert abs(found["prior"][0]) < 0.2 * found["floor"][0]


@pytest.mark.parametrize(
    ("settings", "key", "said"),
    [
        ({"sampling.kind": "langevin"}, "sampling.kind", "follows no process"),
        (
            {"data.kind": "digits", "sampling.kind": "edm"},
            "data.kind",
            "exact score of data.kind = digits is not known",
        ),
        ({"sampling.kind": "edm", "sampling.inpainting_mask": "left"}, "sampling.inpainting_mask", "conditioned on"),
        ({"sampling.kind": "edm", "sampling.particles": 2}, "sampling.particles", "too few"),
        ({"sampling.kind": "edm", "noise.kind": "single"}, "sampling.kind", "no path"),
    ],
)
def test_without_a_budget_there_is_a_reason(settings: dict[str, Any], key: str, said: str) -> None:
    asked = Problem.build(replace(Experiment(), settings))
    found = flat(result(error_budget(asked, lambda x, sigma: -x)))
    keys = sorts_of("Error budget").keys()
    assert {found[name] for name in keys} == {None}
    assert found["reasons"].keys() == keys
    why = found["reasons"]["budget_total"]
    assert why.key == key
    assert said in str(why)


def test_a_run_that_diverges_has_a_reason() -> None:
    asked = problem({"sampling.source": "learned"})
    found = result(error_budget(asked, lambda x, sigma: x * 1e30))
    found = flat(found)
    assert found is not None
    assert found["budget_total"] is None
    assert "ran away" in str(found["reasons"]["budget_total"])


def test_the_budget_is_the_same_again(perfect: dict[str, tuple[float, float]]) -> None:
    assert budget({}) == perfect
