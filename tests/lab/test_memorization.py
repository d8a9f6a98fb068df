"""Copies of training points are counted, and there is a warning."""

import numpy as np
import pytest

from playground.data.dataset import Dataset
from playground.lab.experiment import Experiment, replace
from playground.lab.measured import Figures, Measured
from playground.lab.memorization import memorization_warning, memorized_share, nearness
from playground.lab.problem import Problem
from playground.messages import Message


def problem_of(points: np.ndarray, **changes: object) -> Problem:
    dataset = Dataset("rows.csv", points[100:], None, (2,), ("x", "y"), points[:100])
    return Problem.build(replace(Experiment(), {"data.kind": "file", "data.path": "rows.csv"} | changes), dataset)


def figures(share: Measured) -> Figures:
    return Figures({"memorized_share": share})


@pytest.mark.parametrize("unit", [[1.0, 1.0], [1.0, 1000.0]])
def test_copies_are_distinguished_from_fresh_points(unit: list[float]) -> None:
    rng = np.random.default_rng(0)
    problem = problem_of(rng.uniform(size=(500, 2)) * unit)
    fresh = memorized_share(problem, rng.uniform(size=(2_000, 2)) * unit)
    assert fresh.value == pytest.approx(1 / 9, abs=4 * fresh.error)
    copied = problem.dataset.points + 1e-4 * rng.normal(size=(400, 2)) * unit
    found = memorized_share(problem, copied)
    assert found.value > 0.97
    assert found.floor == fresh.floor
    assert "of the samples lie near one of them" in str(memorization_warning(figures(found), problem.experiment))
    assert memorization_warning(figures(fresh), problem.experiment) is None
    assert "copies" in str(nearness(figures(found)))
    assert str(nearness(figures(fresh))) == "as near to training points as fresh points are"


def test_equal_training_points_count_once() -> None:
    """Otherwise the second nearest point would be as near as the nearest, and no sample would be a copy."""
    points = np.random.default_rng(0).uniform(size=(250, 2)).repeat(2, axis=0)
    problem = problem_of(points)
    assert memorized_share(problem, problem.dataset.points).value == 1


def test_copies_are_spoken_of_only_beyond_the_share_of_fresh_points() -> None:
    """A perfect model has that of fresh points, a ninth in the plane, and whoever reads of copies thinks that it is wrong."""

    def said(share: float, usual: float, error: float = 0.01) -> Message | None:
        return nearness(figures(Measured(share, error, usual, error)))

    for share, usual, error, code in (
        (0.088, 0.111, 0.01, "as-near-as-fresh"),
        (0.15, 0.111, 0.01, "as-near-as-fresh"),
        (0.17, 0.111, 0.01, "copies"),
        (0.17, 0.111, 0.03, "as-near-as-fresh"),  # held-out points are few
        (0.01, 0.111, 0.01, "farther-than-fresh"),
    ):
        found = said(share, usual, error)
        assert found is not None
        assert found.code == code
        assert ("copies" in str(found)) == (code == "copies")
    assert nearness(figures(Measured(None))) is None
    draws = np.random.default_rng(0).binomial(1_000, 1 / 9, size=(2_000, 2)) / 1_000  # of a perfect model
    errors = np.sqrt(draws * (1 - draws) / 1_000)
    assert all(
        nearness(figures(Measured(first, error, second, other)))
        == Message("as-near-as-fresh", "as near to training points as fresh points are")
        for (first, second), (error, other) in zip(draws, errors, strict=True)
    )


def test_a_warning_names_figures_and_the_way_out() -> None:
    test, train = Measured(13.2, 0.5), Measured(-1.25, 0.1)
    figures = Figures({"test_nll": test, "train_nll": train})
    learned = Experiment()
    said = str(memorization_warning(figures, learned))
    assert said == (
        "The training points are memorized: test NLL is 13.2, train NLL -1.25. Train for fewer steps, stop early, or take more data."
    )
    assert memorization_warning(figures, replace(learned, {"likelihood.source": "empirical"})) is None
    assert memorization_warning(Figures({**figures, "test_nll": Measured(13.2, 4.0)}), learned) is None  # may be chance
    assert (
        memorization_warning(Figures({**figures, "test_nll": Measured(-0.9, 0.5)}), learned) is None
    )  # a difference too small for a warning
    assert memorization_warning(Figures({}), learned) is None
    copies = Figures({"memorized_share": Measured(0.9, floor=0.1)})
    assert memorization_warning(copies, learned) is not None
    assert memorization_warning(copies, replace(learned, {"sampling.source": "empirical"})) is None
