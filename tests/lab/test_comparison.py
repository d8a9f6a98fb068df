"""Compared runs differ only by the changed settings, and have the same cost if that is chosen."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from playground.lab import experiment as description
from playground.lab import sample_metrics
from playground.lab.columns import Column, DistanceCurve, needs_training, with_edits
from playground.lab.comparison import (
    MEASURED_FRAMES,
    at_equal_evaluations,
    distance_curve,
    evaluations,
)
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.problem import Problem
from playground.lab.sampling import make_sampler, sample, shared_path
from playground.lab.trajectory import Trajectory
from playground.theory.metrics import sliced_wasserstein2

MAIN = description.replace(
    Experiment(),
    {
        "sampling.kind": "reverse-sde",
        "sampling.source": "exact",
        "sampling.steps": 60,
        "sampling.particles": 400,
        "data.points": 2_000,
    },
)
SAMPLERS: dict[str, dict[str, Any]] = {
    "euler": {},
    "heun": {"sampling.solver": "heun"},
    "shark": {"sampling.solver": "shark", "sampling.final_denoising": False},
    "correctors": {"sampling.corrector_steps": 2},
    "flow": {"sampling.kind": "probability-flow", "sampling.source": "exact"},
    "edm": {"sampling.kind": "edm", "sampling.source": "exact"},
    "annealed": {"noise.kind": "discrete", "sampling.kind": "annealed-langevin", "sampling.source": "exact"},
    "mala": {"sampling.kind": "mala", "sampling.source": "exact"},
}


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.build(MAIN)


def changed(problem: Problem, edits: dict[str, Any]) -> Problem:
    return problem.with_experiment(with_edits(problem.experiment, Column.of(edits)))


def runs(problem: Problem, *columns: dict[str, Any], shared: bool = True) -> list[Trajectory]:
    problems = [changed(problem, edits) for edits in columns]
    found = []
    for number, one in enumerate(problems):
        score = one.known_score()
        assert score is not None
        *_, trajectory = sample(
            one, score, seed=0 if shared else number, path=shared_path(problem, 0) if shared else None
        )
        found.append(trajectory)
    return found


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("budget", [7, 60, 201])
def test_steps_fit_a_budget_of_evaluations(problem: Problem, name: str, budget: int) -> None:
    given = {"sampling.particles": 8, **SAMPLERS[name]}
    found = at_equal_evaluations(changed(problem, {**given, "sampling.steps": 500}), None, budget)
    steps = found.experiment.sampling.steps
    assert isinstance(steps, int)
    cost = evaluations(found, make_sampler(found))
    score = found.known_score()
    assert score is not None
    *_, trajectory = sample(found, score)
    assert trajectory.nfe_max[-1] == cost
    assert cost is not None
    assert cost <= budget or steps == (20 if name == "annealed" else 1)
    more = changed(found, {"sampling.steps": steps + (20 if name == "annealed" else 1)})
    assert (evaluations(more, make_sampler(more)) or 0) > budget


def test_samplers_without_a_fixed_cost_keep_their_steps(problem: Problem) -> None:
    adaptive = {"sampling.kind": "probability-flow", "sampling.source": "exact", "sampling.solver": "adaptive"}
    for edits in (adaptive, {"sampling.kind": "forward"}):
        given = changed(problem, {**edits, "sampling.steps": 31})
        assert at_equal_evaluations(given, None, 100).experiment.sampling.steps == 31


def test_equal_settings_give_identical_particles(problem: Problem) -> None:
    one, same = runs(problem, {}, {"sampling.solver": "euler"})
    assert np.array_equal(one.positions, same.positions)


def test_all_begin_with_the_same_noise(problem: Problem) -> None:
    one, other, flow = runs(problem, {}, {"sampling.steps": 20}, SAMPLERS["flow"])
    assert np.array_equal(one.positions[0], other.positions[0])
    assert np.array_equal(one.positions[0], flow.positions[0])


def test_step_counts_differ_by_their_steps_alone(problem: Problem) -> None:
    """On one path, most particles of a run with few steps end near the same particles of a run with finer steps."""
    columns = {"sampling.steps": 150}, {"sampling.steps": 300}

    def apart(shared: bool) -> float:
        coarse, fine = runs(problem, *columns, shared=shared)
        return float(np.median(np.linalg.norm(coarse.positions[-1] - fine.positions[-1], axis=1)))

    assert apart(True) < 0.2 * apart(False)


def curve(problem: Problem, trajectory: Trajectory) -> DistanceCurve:
    *_, (done, found) = distance_curve(problem, trajectory)
    assert done == 1.0
    assert found is not None
    return found


def test_the_distance_with_a_perfect_score_falls_to_the_floor(problem: Problem) -> None:
    (trajectory,) = runs(problem, {"sampling.steps": 300})
    found = curve(problem, trajectory)
    assert len(found.frames) == MEASURED_FRAMES == len(set(found.frames.tolist()))
    assert (found.frames[0], found.frames[-1]) == (0, len(trajectory) - 1)
    assert found.evaluations[0] == 0
    assert found.evaluations[-1] == 301
    assert found.distances[0] > 5 * found.floor
    assert found.distances[-1] < found.floor + 4 * found.floor_std


def test_every_run_is_compared_with_the_same_points_in_the_same_directions(problem: Problem) -> None:
    trajectory, _ = runs(problem, {"sampling.steps": 20}, {})
    found = curve(changed(problem, {"sampling.steps": 20}), trajectory)
    data = sample_metrics.compared_data(problem, 400, problem.generator("distances", "cpu")).data
    samples = torch.from_numpy(problem.units.equalized(trajectory.positions[-1].astype(np.float64)))
    expected = sliced_wasserstein2(samples, data, sample_metrics.PROJECTIONS, problem.generator("directions", "cpu"))
    assert found.distances[-1] == pytest.approx(expected, rel=1e-12)


def test_samples_that_cannot_be_compared_with_data_say_why(problem: Problem) -> None:
    forward = changed(problem, {"sampling.kind": "forward"})
    with pytest.raises(ExperimentError):
        list(distance_curve(forward, next(iter([_last(forward)]))))


def _last(problem: Problem) -> Trajectory:
    few = dataclasses.replace(
        problem, experiment=description.replace(problem.experiment, {"sampling.particles": 1, "sampling.steps": 3})
    )
    *_, trajectory = sample(few, lambda x, sigma: 0 * x)
    return trajectory


@pytest.mark.parametrize(
    "edits", [{"data.kind": "rings"}, {"seed": 3}, {"data.seed": 3}, {"sampling.seed": 3}, {"likelihood.points": 10}]
)
def test_data_and_noise_are_the_same_in_all_columns(edits: dict[str, Any]) -> None:
    with pytest.raises(ExperimentError, match="cannot differ"):
        with_edits(MAIN, Column.of(edits))


def test_only_another_learned_score_needs_another_training() -> None:
    learned = description.replace(MAIN, {"sampling.source": "learned"})
    assert not needs_training(learned, description.replace(learned, {"sampling.steps": 3}))
    assert needs_training(learned, description.replace(learned, {"objective.kind": "sliced"}))
    assert needs_training(learned, description.replace(learned, {"noise.kind": "vp"}))
    assert needs_training(learned, with_edits(learned, Column.of({"training.seed": 3})))
    assert not needs_training(MAIN, description.replace(MAIN, {"noise.kind": "vp"}))
