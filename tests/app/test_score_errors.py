"""The score's error along sigma, where the truth is known and where only the training set is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from playground.app.panels.score_along_sigma import at_sigma
from playground.data import Dataset
from playground.lab.compute import result
from playground.lab.experiment import Experiment, replace
from playground.lab.measured import Figures
from playground.lab.problem import Problem
from playground.lab.score_errors import score_figures

POINTS = np.random.default_rng(0).normal(size=(400, 2)) * 40 + [300, -50]
IMAGES = np.random.default_rng(0).uniform(-1, 1, size=(60, 3, 8, 8))
DATA = {
    "two moons": lambda: Problem.build(replace(Experiment(), {"data.points": 400})),
    "a file": lambda: Problem.build(
        replace(Experiment(), {"data.kind": "file", "data.path": "a.csv"}),
        Dataset("a.csv", POINTS[:300], None, (2,), ("a", "b"), POINTS[300:]),
    ),
    "pictures": lambda: Problem.build(
        replace(Experiment(), {"data.kind": "images", "data.path": "a", "network.width": 8, "network.depth": 2}),
        Dataset("a", IMAGES[:40], None, (3, 8, 8), ("x", "y"), IMAGES[40:], grey_levels=256),
    ),
}


def errors(problem: Problem, score: Any) -> Figures:
    return Figures(result(score_figures(problem, score, levels=5, points=200)))


@pytest.mark.parametrize("make", DATA.values(), ids=DATA.keys())
def test_the_score_that_is_held_against_has_no_error_and_half_of_it_has_half(
    make: Callable[[], Problem],
) -> None:
    problem = make()
    source = "exact" if problem.density is not None else "empirical"
    assert problem.reference == source
    known = problem.known_score(source)
    assert known is not None
    perfect = errors(problem, known)
    assert perfect.value("score_reference") == source
    assert max(perfect.value("relative_score_error")) == 0
    half = errors(problem, lambda x, sigma: 0.5 * known(x, sigma))
    np.testing.assert_allclose(half.value("relative_score_error"), 0.5, rtol=1e-3)
    assert min(half.value("fisher_divergence")) > 0


def test_a_file_in_order_is_measured_all_over() -> None:
    """A score that is wrong in the second half of a file alone."""
    far = np.concatenate([POINTS[:300], POINTS[:300] + np.array([4000, 0])])
    problem = Problem.build(
        replace(Experiment(), {"data.kind": "file", "data.path": "a.csv"}),
        Dataset("a.csv", far, None, (2,), ("a", "b"), POINTS[300:]),
    )
    known = problem.known_score("empirical")
    assert known is not None

    def half_right(x: Any, sigma: Any) -> Any:
        return known(x, sigma) * (x[:, :1] < 0)

    found = errors(problem, half_right)
    assert found.value("relative_score_error")[0] == pytest.approx(0.5**0.5, abs=0.1)


def test_images_are_told_apart_from_a_grey_level_on() -> None:
    problem = Problem.build(replace(Experiment(), {"data.kind": "digits"}))
    known = problem.known_score("empirical")
    assert known is not None
    found = errors(problem, known)
    assert found.value("score_sigmas")[0] == pytest.approx(2 / 17)  # the user's pixels go from -1 to 1 in 17 levels


def test_bare_points_have_no_score_to_hold_against() -> None:
    problem = DATA["a file"]()
    still = replace(problem.experiment, {"noise.kind": "none", "objective.kind": "exact", "sampling.kind": "langevin"})
    assert Problem.build(still, problem.dataset).reference is None


def test_errors_are_interpolated_along_log_sigma_and_constant_beyond_the_ends() -> None:
    sigmas, errors = np.array([0.01, 1.0, 10.0]), np.array([0.2, 0.6, 0.1])
    found = [at_sigma(sigma, sigmas, errors) for sigma in (0.001, 0.01, 0.1, 1.0, 10**0.5, 100.0)]
    np.testing.assert_allclose(found, [0.2, 0.2, 0.4, 0.6, 0.35, 0.1])
