"""The figures of the score's error along sigma: their standard errors are their spreads, or there is a reason."""

import numpy as np
import pytest
import torch
from torch import Tensor

from playground.data import Dataset
from playground.lab.compute import result
from playground.lab.experiment import Experiment, replace
from playground.lab.figures import sorts_of
from playground.lab.problem import Problem
from playground.lab.score_errors import score_figures, within_a_second
from playground.theory.noise import ScoreFunction
from tests.figures import flat
from tests.fitting import fitting
from tests.present import present

CLOUD = np.random.default_rng(0).normal(size=(400, 2)) * 40 + [300, -50]


@pytest.mark.claims
def test_the_errors_along_sigma_are_the_spreads_over_seeds() -> None:
    """Each seed has other points and other noise; 150 seeds give a spread to 6 %."""
    runs = []
    for seed in range(150):
        settings = {"data.kind": "two-gaussians", "data.scale": 3.0, "data.points": 2_000, "seed": seed}
        problem = Problem.build(replace(Experiment(), settings))
        exact = present(problem.known_score("exact"))

        def wrong(x: Tensor, sigma: Tensor, exact: ScoreFunction = exact) -> Tensor:
            return exact(x, sigma) + 0.2 * torch.sin(x)

        found = present(result(score_figures(problem, wrong, levels=3, points=300)))
        of = found["fisher_divergence"], found["relative_score_error"]
        runs.append([part for figure in of for part in (figure.value, figure.error)])
    divergence, divergence_error, relative, relative_error = np.array(runs).swapaxes(0, 1)
    np.testing.assert_allclose(np.sqrt((divergence_error**2).mean(0)), divergence.std(0), rtol=0.2)
    np.testing.assert_allclose(np.sqrt((relative_error**2).mean(0)), relative.std(0), rtol=0.2)


def test_a_run_has_the_curve_or_a_reason() -> None:
    problem = Problem.build(replace(Experiment(), {"data.points": 400}))
    found = flat(result(score_figures(problem, lambda x, sigma: torch.zeros_like(x))))
    assert (found["score_reference"], found["reasons"]) == ("exact", {})
    np.testing.assert_allclose(found["relative_score_error"], 1)  # no score at all
    keys = sorts_of("Score errors")
    assert len({len(found[key]) for key, sort in keys.items() if sort != "text"}) == 1
    sigmas = np.array(found["score_sigmas"])
    ends = [problem.units.sigma_to_user(end) for end in (problem.noise.sigma_min, problem.noise.sigma_max)]
    np.testing.assert_allclose(sigmas[[0, -1]], ends)
    assert (np.array(found["fisher_divergence_standard_error"]) > 0).all()
    file = replace(Experiment(), {"data.kind": "file", "data.path": "a.csv"})
    bare = replace(file, {"noise.kind": "none", "objective.kind": "exact", "sampling.kind": "langevin"})
    without = Problem.build(bare, Dataset("a.csv", CLOUD[:300], None, (2,), ("a", "b"), CLOUD[300:]))
    found = flat(result(score_figures(without, lambda x, sigma: x)))
    assert {found[key] for key in keys} == {None}
    assert found["reasons"].keys() == keys.keys()


@pytest.mark.parametrize("settings", [{}, {"noise.sigma": 0.002}, {"data.kind": "digits"}])
def test_one_noise_level_is_measured_once(settings: dict[str, object]) -> None:
    """Also if it is near the finest measured level: coarser levels were never trained."""
    problem = Problem.build(fitting({"data.points": 400, "noise.kind": "single"}, settings))
    found = flat(result(score_figures(problem, lambda x, sigma: torch.zeros_like(x))))
    assert found["score_sigmas"] == pytest.approx([problem.units.sigma_to_user(problem.noise.sigma_min)])
    assert found["relative_score_error"] == pytest.approx([1])


@pytest.mark.parametrize("count", [300, 30_000])
def test_a_large_training_set_is_compared_at_fewer_levels(count: int) -> None:
    points = np.random.default_rng(1).normal(size=(count + 100, 2))
    file = replace(Experiment(), {"data.kind": "file", "data.path": "a.csv"})
    problem = Problem.build(file, Dataset("a.csv", points[:count], None, (2,), ("a", "b"), points[count:]))
    known = present(problem.known_score("empirical"))
    found = flat(result(score_figures(problem, known, *within_a_second(problem))))
    assert max(found["relative_score_error"]) == 0
    assert len(found["score_sigmas"]) == (24 if count == 300 else 8)


def test_no_error_is_relative_to_an_exact_score_of_0() -> None:
    """Ten points of the sharp checkerboard are many times the finest sigmas from its edges, but not the coarsest ones."""
    sharp = {"data.kind": "checkerboard", "data.noise": 0.0, "likelihood.points": 10}
    bare = {"noise.kind": "none", "objective.kind": "exact", "sampling.kind": "langevin"}
    problem = Problem.build(replace(Experiment(), sharp | bare))
    found = flat(result(score_figures(problem, lambda x, sigma: torch.ones_like(x))))
    assert np.isfinite(found["fisher_divergence"]).all()
    unknown = np.isnan(found["relative_score_error"])
    assert unknown.any()
    np.testing.assert_array_equal(np.isnan(found["relative_score_error_standard_error"]), unknown)
    assert set(found["reasons"]) == {"relative_score_error"}
    for key in found["reasons"]:
        assert str(found["reasons"][key]) == (
            f"At {unknown.sum()} of {len(unknown)} noise levels the exact score is 0 at all held-out points, so no relative "
            "error exists: raise likelihood.points."
        )
    enough = Problem.build(replace(Experiment(), sharp | bare | {"likelihood.points": 1_000}))
    found = flat(result(score_figures(enough, lambda x, sigma: torch.ones_like(x))))
    assert np.isfinite(found["relative_score_error"]).all()
    assert found["reasons"] == {}


def test_a_learned_score_that_is_nan_is_not_blamed_on_the_exact_one() -> None:
    problem = Problem.build(replace(Experiment(), {"data.points": 400}))
    found = flat(result(score_figures(problem, lambda x, sigma: torch.full_like(x, float("nan")))))
    assert np.isnan(found["relative_score_error"]).all()
    assert found["reasons"] == {}
