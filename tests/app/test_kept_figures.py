"""What was measured belongs to weights and settings, and comes back with them: by undo, and from a saved session."""

import dataclasses
import json
import math

import numpy as np
import pytest

from playground.app.controllers import measuring
from playground.app.controllers.engine import Engine
from playground.app.model import kept_figures
from playground.app.model.state import State
from playground.lab.experiment import Experiment, replace
from playground.lab.score_error_curve import ScoreErrorCurve
from playground.lab.session import Session

TINY = {
    "data.points": 500,
    "network.width": 8,
    "network.depth": 1,
    "training.steps": 40,
    "training.batch": 64,
    "sampling.particles": 60,
    "sampling.steps": 10,
    "likelihood.points": 20,
    "likelihood.tolerance": 1e-1,
}


def started(qtbot) -> Engine:
    engine = Engine(State(replace(Experiment(), TINY)), device="cpu")
    with qtbot.waitSignal(engine.ready, timeout=60_000):
        engine.start()
    return engine


@pytest.fixture
def engine(qtbot):
    """An engine that has trained, with everything measured: what it shows is in `seen`."""
    engine = started(qtbot)
    engine.train()
    qtbot.waitUntil(lambda: engine.training == "finished", timeout=30_000)
    qtbot.waitUntil(lambda: engine.trajectory is not None and engine.trajectory.finished, timeout=30_000)
    engine.seen = []
    engine.errors_changed.connect(engine.seen.append)
    engine.evaluate_test_set()
    engine.evaluate_samples()
    engine.score_errors()
    engine.inspect(0.3, 0.2)
    tasks = ("test-set", "quality", "fisher", "likelihood")
    qtbot.waitUntil(lambda: not any(engine.running(task) for task in tasks), timeout=60_000)
    assert {"test_nll", "sliced_wasserstein2"} <= engine.evaluation.keys()
    assert engine.seen[-1].fraction == 1.0
    yield engine
    assert engine.shutdown(20.0)


@pytest.fixture
def other(qtbot):
    """Another engine, as after a new start."""
    other = started(qtbot)
    yield other
    assert other.shutdown(20.0)


def settle(qtbot, engine) -> None:
    qtbot.waitUntil(lambda: not engine.building, timeout=30_000)


def test_a_saved_session_brings_back_what_was_measured(qtbot, engine, other, tmp_path):
    measured, errors = engine.evaluation, engine.seen[-1]
    engine.session({})().save(tmp_path / "a.spg")
    shown = []
    other.errors_changed.connect(shown.append)
    with qtbot.waitSignal(other.problem_changed, timeout=30_000):
        other.open_session(Session.load(tmp_path / "a.spg"))
    assert other.evaluation == measured
    np.testing.assert_array_equal(shown[-1].relative, errors.relative)
    assert not any(other.running(task) for task in ("test-set", "quality", "fisher"))
    qtbot.waitUntil(lambda: other.likelihood is not None, timeout=30_000)
    np.testing.assert_allclose(other.likelihood.point, (0.3, 0.2))


def test_undo_of_other_data_brings_back_what_was_measured_and_the_clicked_point(qtbot, engine):
    measured = engine.evaluation
    with qtbot.waitSignal(engine.problem_changed, timeout=30_000):
        engine._state.edit({"data.kind": "pinwheel"})
    assert "test_nll" not in engine.evaluation
    assert engine.seen[-1] is None
    with qtbot.waitSignal(engine.problem_changed, timeout=30_000):
        engine._state.undo()
    settle(qtbot, engine)
    assert engine.evaluation == measured
    assert engine.seen[-1] is not None
    qtbot.waitUntil(lambda: engine.likelihood is not None, timeout=30_000)
    np.testing.assert_allclose(engine.likelihood.point, (0.3, 0.2))


def test_undo_of_a_reset_brings_back_what_was_measured(qtbot, engine):
    measured = engine.evaluation
    with qtbot.waitSignal(engine.problem_changed, timeout=30_000):
        engine.reset_training()
    assert "test_nll" not in engine.evaluation
    engine._state.undo()
    settle(qtbot, engine)
    assert engine.evaluation == measured


def test_undo_of_another_sampler_brings_back_its_distances_and_none_are_shown_of_the_other(qtbot, engine):
    distance = engine.evaluation["sliced_wasserstein2"]
    engine._state.edit({"sampling.steps": 12})
    assert "sliced_wasserstein2" not in engine.evaluation
    assert "test_nll" in engine.evaluation
    assert kept_figures.present(engine._workspace, engine._state.experiment, 0).keys() == {"test-set", "fisher"}
    engine._state.undo()
    assert engine.evaluation["sliced_wasserstein2"] == distance


def test_nothing_is_shown_or_saved_of_weights_that_it_is_not_of(qtbot, engine):
    engine._state.edit({"training.steps": 1_000_000})
    engine.train()
    assert engine.evaluation.keys() <= {"reasons"}
    assert not engine.session({})().measurements
    trained = engine.trained_steps
    qtbot.waitUntil(lambda: engine.trained_steps > trained, timeout=10_000)
    engine.pause_training()
    qtbot.waitUntil(lambda: engine._resting is None, timeout=10_000)
    assert engine.evaluation.keys() <= {"reasons"}
    assert engine.seen[-1] is None
    assert not engine.session({})().measurements


ERRORS = ScoreErrorCurve(1.0, np.array([0.1, 1.0]), *(np.array([0.5, np.nan]) for _ in range(4)), "exact")


def test_figures_survive_json_and_what_is_unsound_is_left_out():
    found = {"test-set": {"test_nll": np.float64(1.5), "reasons": {"kl": "unknown"}}, "fisher": ERRORS}
    saved = kept_figures.to_json(found, 0)
    back = kept_figures.from_json(saved)
    assert back["test-set"] == {"test_nll": 1.5, "reasons": {"kl": "unknown"}}
    for field in dataclasses.fields(ScoreErrorCurve):
        np.testing.assert_array_equal(getattr(back["fisher"], field.name), getattr(ERRORS, field.name))
    for broken in (
        {},
        saved["fisher"] | {"sigmas": [1.0]},
        saved["fisher"] | {"source": 3},
        saved["fisher"] | {"sigmas": [1, 0.1]},
    ):
        assert "fisher" not in kept_figures.from_json({"fisher": broken})
    assert kept_figures.from_json({"quality": {"kl": {"a": 1}, "reasons": 3}}) == {"quality": {"reasons": {}}}
    assert kept_figures.from_json({"quality": 3}) == {}


@pytest.mark.parametrize(
    ("measurement", "broken"),
    [
        ("test-set", {"test_nll": "abc", "kl": [1, 2], "train_nll": True, "entropy": 10**400, "integral": math.inf}),
        ("test-set", {"density": 1.0, "energy_note": [1], "mode_weights": [1.0], "bits_per_dim": {"a": 1}}),
        ("quality", {"sliced_wasserstein2": "x", "reference_set": 3, "two_sample_points": [1, 2, 3]}),
        ("quality", {"nearest_neighbour_rows": [], "wasserstein2_points": ["a", "b"], "memorized_share": [0.1]}),
        ("quality", {"nearest_neighbour_rows": [0.5], "mode_weights": 0.5, "class_frequencies": ["a"], "unknown": 1.0}),
        ("quality", {"mode_weights": [0.5, None], "class_frequencies_true": [math.nan]}),
    ],
)
def test_a_figure_that_is_of_another_type_than_its_name_is_left_out(measurement, broken):
    assert kept_figures.from_json({measurement: broken}) == {measurement: {"reasons": {}}}


def test_shares_are_left_out_without_as_many_errors_and_truths():
    for key in ("mode_weights", "class_frequencies"):
        sound = {key: [0.4, 0.6], f"{key}_standard_error": [0.1, 0.1], f"{key}_true": [0.5, 0.5]}
        assert kept_figures.from_json({"quality": sound})["quality"] == sound | {"reasons": {}}
        for other in (f"{key}_standard_error", f"{key}_true"):
            for value in ([0.5], None, "x"):
                assert key not in kept_figures.from_json({"quality": sound | {other: value}})["quality"]


def test_figures_of_a_measurement_pass_their_own_check(qtbot, engine):
    found = kept_figures.present(engine._workspace, engine._state.experiment, 0)
    back = kept_figures.from_json(json.loads(json.dumps(kept_figures.to_json(found, 0))))
    for name in ("test-set", "quality"):
        assert back[name].keys() == found[name].keys()


@pytest.mark.parametrize("task", ["test-set", "quality"])
def test_figures_of_a_measurement_that_was_cancelled_do_not_come_back(engine, task):
    engine._workspace.figures.clear()
    take = engine._evaluated(task)
    first, last = [found for _, found in measuring._telling_the_last(iter([(0.7, {"kl": 1}), (1.0, {"kl": 2})]))]
    take(first)
    assert engine.evaluation["kl"] == 1  # it is shown
    assert not kept_figures.present(engine._workspace, engine._state.experiment, 0)
    take(last)
    assert kept_figures.present(engine._workspace, engine._state.experiment, 0) == {task: {"kl": 2}}


def test_undo_brings_back_no_distances_of_a_run_with_other_noise(qtbot, engine, other, tmp_path):
    total = engine.trajectory.total
    engine.restart(new_seed=True)
    engine._state.edit({"sampling.steps": 12})
    engine._state.undo()
    assert "sliced_wasserstein2" not in engine.evaluation
    assert "test_nll" in engine.evaluation
    qtbot.waitUntil(lambda: engine.trajectory.finished and engine.trajectory.total == total, timeout=30_000)
    engine.evaluate_samples()
    qtbot.waitUntil(lambda: not engine.running("quality"), timeout=30_000)
    distance = engine.evaluation["sliced_wasserstein2"]
    engine.session({})().save(tmp_path / "a.spg")
    with qtbot.waitSignal(other.problem_changed, timeout=30_000):
        other.open_session(Session.load(tmp_path / "a.spg"))
    assert other.evaluation["sliced_wasserstein2"] == distance
    other.restart()  # with the same noise as was saved
    qtbot.waitUntil(lambda: other.trajectory.finished, timeout=30_000)
    np.testing.assert_allclose(other.trajectory.positions[-1], engine.trajectory.positions[-1], rtol=1e-4, atol=1e-4)
