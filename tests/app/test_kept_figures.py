"""What was measured belongs to weights and settings, and comes back with them: by undo, and from a saved session."""

import dataclasses
import json
import math

import numpy as np
import pytest

from playground.app.controllers import measuring
from playground.app.model import kept_figures
from playground.lab.score_error_curve import ScoreErrorCurve
from playground.lab.session import Session
from playground.lab.store import Store
from playground.messages import Message, setting
from tests.app.conftest import started


@pytest.fixture
def controllers(qtbot):
    """Controllers that have trained, with everything measured: what it shows is in `seen`."""
    controllers = started(qtbot)
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not None and controllers.playing.trajectory.finished)
    controllers.seen = []
    controllers.measuring.errors_changed.connect(controllers.seen.append)
    controllers.measuring.evaluate_test_set()
    controllers.measuring.evaluate_samples()
    controllers.measuring.score_errors()
    controllers.measuring.inspect(0.3, 0.2)
    tasks = ("test-set", "quality", "fisher", "likelihood")
    qtbot.waitUntil(lambda: not any(controllers.tasks.running(task) for task in tasks))
    assert {"test_nll", "sliced_wasserstein2"} <= controllers.measuring.evaluation.keys()
    assert controllers.seen[-1].fraction == 1.0
    yield controllers
    assert controllers.shutdown(20.0)


@pytest.fixture
def other(qtbot):
    """Another controllers, as after a new start."""
    other = started(qtbot)
    yield other
    assert other.shutdown(20.0)


def present(controllers) -> dict:
    """What was measured of the weights in view by the present settings."""
    workspace = controllers.building.workspace
    store = controllers.building.store
    return kept_figures.present(store, workspace, workspace.weights, controllers.state.experiment)


def settle(qtbot, controllers) -> None:
    qtbot.waitUntil(lambda: not controllers.building.busy)


def test_a_saved_session_brings_back_what_was_measured(qtbot, controllers, other, tmp_path):
    measured, errors = controllers.measuring.evaluation, controllers.seen[-1]
    controllers.sessions.pack({})().save(tmp_path / "a.spg")
    shown = []
    other.measuring.errors_changed.connect(shown.append)
    with qtbot.waitSignal(other.building.problem_changed):
        other.sessions.open(Session.load(tmp_path / "a.spg"))
    assert other.measuring.evaluation == measured
    np.testing.assert_array_equal(shown[-1].relative, errors.relative)
    assert not any(other.tasks.running(task) for task in ("test-set", "quality", "fisher"))
    qtbot.waitUntil(lambda: other.measuring.likelihood is not None)
    np.testing.assert_allclose(other.measuring.likelihood.point, (0.3, 0.2))


def test_undo_of_other_data_brings_back_what_was_measured_and_the_clicked_point(qtbot, controllers):
    measured = controllers.measuring.evaluation
    with qtbot.waitSignal(controllers.building.problem_changed):
        controllers.state.edit({"data.kind": "pinwheel"})
    assert "test_nll" not in controllers.measuring.evaluation
    assert controllers.seen[-1] is None
    with qtbot.waitSignal(controllers.building.problem_changed):
        controllers.state.undo()
    settle(qtbot, controllers)
    assert controllers.measuring.evaluation == measured
    assert controllers.seen[-1] is not None
    qtbot.waitUntil(lambda: controllers.measuring.likelihood is not None)
    np.testing.assert_allclose(controllers.measuring.likelihood.point, (0.3, 0.2))


def test_undo_of_a_reset_brings_back_what_was_measured(qtbot, controllers):
    measured = controllers.measuring.evaluation
    with qtbot.waitSignal(controllers.building.problem_changed):
        controllers.building.reset_training()
    assert "test_nll" not in controllers.measuring.evaluation
    controllers.state.undo()
    settle(qtbot, controllers)
    assert controllers.measuring.evaluation == measured


def test_undo_of_another_sampler_brings_back_its_distances_and_none_are_shown_of_the_other(qtbot, controllers):
    controllers.measuring.error_budget()
    qtbot.waitUntil(lambda: not controllers.tasks.running("budget"))
    distance, steps = (controllers.measuring.evaluation[key] for key in ("sliced_wasserstein2", "budget_steps"))
    controllers.state.edit({"sampling.steps": 12})
    assert not {"sliced_wasserstein2", "budget_steps"} & controllers.measuring.evaluation.keys()
    assert "test_nll" in controllers.measuring.evaluation
    assert present(controllers).keys() == {
        "test-set",
        "fisher",
    }
    controllers.state.undo()
    assert controllers.measuring.evaluation["sliced_wasserstein2"] == distance
    assert controllers.measuring.evaluation["budget_steps"] == steps


def test_nothing_is_shown_or_saved_of_weights_that_it_is_not_of(qtbot, controllers):
    controllers.state.edit({"training.steps": 1_000_000})
    controllers.training.start()
    assert controllers.measuring.evaluation.keys() <= {"reasons"}
    assert not controllers.sessions.pack({})().measurements
    trained = controllers.training.trained_steps
    qtbot.waitUntil(lambda: controllers.training.trained_steps > trained)
    controllers.training.pause()
    qtbot.waitUntil(lambda: controllers.training.resting is None)
    assert controllers.measuring.evaluation.keys() <= {"reasons"}
    assert controllers.seen[-1] is None
    assert not controllers.sessions.pack({})().measurements


ERRORS = ScoreErrorCurve(1.0, np.array([0.1, 1.0]), *(np.array([0.5, np.nan]) for _ in range(4)), "exact")


def test_figures_survive_json_and_what_is_unsound_is_left_out():
    why = Message("unknown", "{} has no density.", (setting("data.kind", "file"),))
    found = {"test-set": {"test_nll": np.float64(1.5), "reasons": {"kl": why}}, "fisher": ERRORS}
    saved = kept_figures.to_json(found)
    back = kept_figures.from_json(saved)
    assert back["test-set"] == {"test_nll": 1.5, "reasons": {"kl": why}}
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


def test_figures_of_a_measurement_pass_their_own_check(qtbot, controllers):
    found = present(controllers)
    back = kept_figures.from_json(json.loads(json.dumps(kept_figures.to_json(found))))
    for name in ("test-set", "quality"):
        assert back[name].keys() == found[name].keys()


@pytest.mark.parametrize("task", ["test-set", "quality"])
def test_figures_of_a_measurement_that_was_cancelled_do_not_come_back(controllers, task):
    controllers.building.store = Store()
    take = controllers.measuring.evaluated(task)
    first, last = [found for _, found in measuring._marking_final(iter([(0.7, {"kl": 1}), (1.0, {"kl": 2})]))]
    take(first)
    assert controllers.measuring.evaluation["kl"] == 1  # it is shown
    assert not present(controllers)
    take(last)
    assert present(controllers) == {task: {"kl": 2}}


def test_undo_brings_back_no_distances_of_a_run_with_other_noise(qtbot, controllers, other, tmp_path):
    total = controllers.playing.trajectory.total
    controllers.playing.restart(new_seed=True)
    controllers.state.edit({"sampling.steps": 12})
    controllers.state.undo()
    assert "sliced_wasserstein2" not in controllers.measuring.evaluation
    assert "test_nll" in controllers.measuring.evaluation
    qtbot.waitUntil(
        lambda: controllers.playing.trajectory.finished and controllers.playing.trajectory.total == total,
    )
    controllers.measuring.evaluate_samples()
    qtbot.waitUntil(lambda: not controllers.tasks.running("quality"))
    distance = controllers.measuring.evaluation["sliced_wasserstein2"]
    controllers.sessions.pack({})().save(tmp_path / "a.spg")
    with qtbot.waitSignal(other.building.problem_changed):
        other.sessions.open(Session.load(tmp_path / "a.spg"))
    assert other.measuring.evaluation["sliced_wasserstein2"] == distance
    before = other.playing.trajectory
    other.playing.restart()  # with the same noise as was saved
    qtbot.waitUntil(lambda: other.playing.trajectory is not before and other.playing.trajectory.finished)
    np.testing.assert_allclose(
        other.playing.trajectory.positions[-1], controllers.playing.trajectory.positions[-1], rtol=1e-4, atol=1e-4
    )
