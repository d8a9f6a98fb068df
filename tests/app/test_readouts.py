"""What stands beside the pointer: where a value comes from is said wherever it is not the known density's."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from controllers_double import ControllersDouble

from playground.app.canvas import readouts
from playground.app.model.live_training import Weights
from playground.app.model.state import State
from playground.app.model.views import DensityView, PointReadout, ProblemView
from playground.kinds.samplers.langevin import Langevin
from playground.kinds.samplers.probability_flow import ProbabilityFlow
from playground.kinds.samplers.reverse_sde import ReverseSDE
from playground.kinds.samplers.sampler import Sampler
from playground.lab.session import Session
from playground.lab.trajectory import Trajectory
from playground.resources import resource


@pytest.fixture
def problem(qapp) -> ProblemView:
    controllers = ControllersDouble(State())
    controllers.build()
    assert controllers.state.problem is not None
    return controllers.state.problem


def probe(source: str) -> PointReadout:
    return PointReadout((0.0, 0.5), 0.3, np.array([1.0, -2.0]), np.array([1.5, -2.5]), -3.25, source)


def density(source: str, **changes: Any) -> DensityView:
    view = DensityView(np.full((4, 4), np.exp(-7.0)), (-9.0, 9.0, -9.0, 9.0), 0.3, source)
    return dataclasses.replace(view, **changes)


@pytest.mark.parametrize(
    ("source", "shown", "score", "log_density"),
    [
        ("exact", None, "exact (1.5", "= −3.25"),
        ("exact", "exact", "exact (1.5", "= −3.25"),
        ("exact", "learned", "exact (1.5", "= −3.25"),
        ("exact", "empirical", "exact (1.5", "≈ −7 (training set)"),
        ("empirical", None, "training set (1.5", "= −3.25 (training set)"),
        ("empirical", "empirical", "training set (1.5", "= −3.25 (training set)"),
        ("empirical", "learned", "training set (1.5", "≈ −7 (learned)"),
    ],
)
def test_the_source_of_each_value_is_named(
    problem: ProblemView, source: str, shown: str | None, score: str, log_density: str
) -> None:
    lines = readouts.pointer(probe(source), problem, None if shown is None else density(shown))
    assert lines[1].startswith("learned score (1")
    assert lines[2].startswith(score)
    assert lines[3].endswith(log_density)
    assert len(lines) == 4


def test_one_line_says_why_learned_and_exact_differ_where_data_are_few(problem: ProblemView) -> None:
    few = dataclasses.replace(probe("exact"), few_data=True)
    lines = readouts.pointer(few, problem)
    assert lines[3] == "few data here: learned may be far off"
    assert [line for line in lines if line != lines[3]] == readouts.pointer(probe("exact"), problem)


@pytest.mark.parametrize(
    ("source", "name"), [("learned", "learned"), ("exact", "exact"), ("empirical", "training set")]
)
def test_a_map_that_was_asked_for_says_what_it_is_of(problem: ProblemView, source: str, name: str) -> None:
    """Its sigma is the finest, whatever the moment's: neither the moment's own density nor its sigma is that of the map."""
    asked = density(source, sigma=0.0071, asked=True)
    assert readouts.asked_density(asked) == [f"density ({name}) at σ = 7.1e-3"]
    for known in ("exact", "empirical"):
        assert readouts.pointer(probe(known), problem, asked)[3] == f"log p(σ = 7.1e-3) ≈ −7 ({name})"


@pytest.mark.parametrize("source", ["learned", "exact", "empirical"])
def test_densities_that_follow_the_moment_need_no_caption(source: str) -> None:
    """They are seen under frames of their own noise level only: see test_overlays.py."""
    assert readouts.asked_density(density(source)) == []


def cost(mean: float, most: float, step_size: float) -> Trajectory:
    each, none = np.ones(2), np.full(2, np.nan)
    arrays = {"positions": np.zeros((2, 3, 2), np.float32), "sigma": each, "time": none, "step_size": step_size * each}
    return Trajectory.from_arrays(arrays | {"nfe_mean": np.array([0, mean]), "nfe_max": np.array([0, most])})


def test_a_frame_says_how_often_the_score_was_evaluated() -> None:
    assert readouts.caption(cost(501, 501, 0.1), 1, ReverseSDE())[1:] == [
        "Δt = 0.1   step 1/1",
        "501 score evaluations",
    ]
    own = readouts.caption(cost(96.25, 158, np.nan), 1, ProbabilityFlow())
    assert own[1:] == ["frame 1/1", "96.2 score evaluations (most 158)"]
    assert readouts.caption(cost(np.nan, np.nan, 0.1), 1, ReverseSDE())[1:] == ["Δt = 0.1   step 1/1"]  # an older file


def test_a_frame_says_the_length_of_its_step_by_the_symbol_of_the_sampler() -> None:
    class Ascent(Langevin, tag="test-ascent", frozen=True):
        """A sampler of a plug-in."""

        step_symbol = "η"

    class Levels(Ascent, tag="test-levels", frozen=True):
        """One with levels."""

        has_levels = True

    lines = {name: readouts.caption(cost(1, 1, 0.1), 1, kind())[:2] for name, kind in Sampler.kinds().items()}
    symbols = {name: second.split(" = ")[0] for name, (_, second) in lines.items()}
    langevin = {"langevin": "ε", "mala": "ε", "annealed-langevin": "α"}
    assert symbols == dict.fromkeys(Sampler.kinds(), "Δt") | langevin
    assert [name for name, (first, _) in lines.items() if "level" in first] == ["annealed-langevin"]
    assert readouts.caption(cost(1, 1, 0.1), 1, Ascent())[:2] == ["σ = 1", "η = 0.1   step 1/1"]
    assert readouts.caption(cost(1, 1, 0.1), 1, Levels())[0] == "σ = 1   level 1/1"


def test_a_frame_that_is_not_there_yet_costs_nothing() -> None:
    """The timeline asks for the last frame of the run before while a new one begins."""
    assert readouts.evaluations(cost(501, 501, 0.1), 60) == ""


def test_an_untrained_network_is_named() -> None:
    assert readouts.caption(cost(1, 1, 0.1), 1, ReverseSDE(), "untrained network")[0] == "untrained network"


@pytest.mark.parametrize(
    ("unit", "place"),
    [(1.0, "x −1.234   y 0.020"), (1e-9, "x −1.234e-9   y 2e-11"), (1e9, "x −1234000000   y 20000000")],
)
def test_the_place_has_digits_of_the_data_s_width(problem: ProblemView, unit: float, place: str) -> None:
    small = dataclasses.replace(problem, bounds=(-4 * unit, 4 * unit, -4 * unit, 4 * unit))
    assert readouts.position(-1.234 * unit, 0.02 * unit, small) == [place]


def test_the_weights_of_a_training_step_are_named_and_particles_that_are_not_theirs() -> None:
    step = Weights(5, {}, untrained=False, step=120)
    assert readouts.weights_in_view(step) == "weights of training step 120"
    assert readouts.weights_in_view(step, readouts.SAMPLING) == "weights of training step 120, sampling…"
    assert readouts.weights_in_view(Weights(5, {}, untrained=True)) == "untrained network"
    assert readouts.weights_in_view(Weights(5, {}, untrained=True, step=0)).endswith("step 0, untrained network")
    assert readouts.weights_in_view(Weights(5, {}, untrained=False)) == ""


@pytest.mark.parametrize("path", sorted(resource("checkpoints").glob("*.spg")), ids=lambda path: path.stem)
def test_the_runs_that_ship_say_step_and_score_evaluations_of_each_frame(path: Path) -> None:
    """They keep a frame in eight or twenty of 500 steps, even in t, one score each, and the last denoising."""
    session = Session.load(path)
    assert session.trajectory is not None
    trajectory = Trajectory.from_arrays(dict(session.trajectory))
    for frame in (0, 5, len(trajectory) - 2):
        _, line, evaluations = readouts.caption(trajectory, frame, ReverseSDE())
        step = int(line.split()[-1].partition("/")[0])
        assert step == pytest.approx(500 * (1 - trajectory.time[frame]), abs=1e-6)
        assert line.endswith("/501")
        assert evaluations == f"{step} score evaluations"


def test_between_two_sets_the_velocity_of_particles_is_read(problem: ProblemView) -> None:
    read = PointReadout((0.0, 0.5), 0.3, np.array([1.0, -2.0]), None, None, velocity=True)
    lines = readouts.pointer(read, problem)
    assert lines[1].startswith("velocity of particles (1,")
    assert not any("score" in line for line in lines)
