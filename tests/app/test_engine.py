"""The engine without a window: it is driven by its signals, as the window drives it."""

import dataclasses
import time

import numpy as np
import pytest
from scipy.special import ndtr

from playground.app.controllers import why_disabled
from playground.app.controllers.engine import Engine
from playground.app.controllers.measuring import STALE
from playground.app.model.state import State
from playground.data import pictures
from playground.kinds.datasets import Stroke
from playground.lab.conflicts import Conditions
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.session import Session, SessionError
from playground.lab.training import Trainer

SHIPPED = ("two-moons", "eight-gaussians", "checkerboard", "two-spirals", "digits")
SMALL = {
    "training.steps": 60,
    "sampling.particles": 100,
    "sampling.steps": 20,
    "data.points": 2_000,
    "network.width": 32,
}


@pytest.fixture
def workspace(qtbot):
    """A state and an engine whose first problem is built."""
    state = State(replace(Experiment(), SMALL))
    engine = Engine(state, device="cpu")
    with qtbot.waitSignal(engine.ready, timeout=20_000):
        engine.start()
    yield state, engine
    assert engine.shutdown(20.0)


def complete(engine):
    return engine.trajectory is not None and engine.trajectory.finished


def train(qtbot, engine):
    engine.train()
    qtbot.waitUntil(lambda: engine.training in ("finished", "diverged"), timeout=20_000)


def test_it_opens_with_a_problem_and_samples_at_once(qtbot, workspace):
    _state, engine = workspace
    assert engine.problem.name == "two moons"
    assert engine.problem.count == 2_000
    assert engine.untrained
    qtbot.waitUntil(lambda: complete(engine), timeout=5_000)
    positions = engine.trajectory.positions
    assert positions.shape == (22, 100, 2)  # start, 20 steps, last denoising
    assert engine.trajectory.sigma[0] > engine.trajectory.sigma[-2]


def test_a_point_that_is_clicked_at_once_is_measured_as_soon_as_it_can_be(qtbot):
    engine = Engine(State(replace(Experiment(), SMALL)), device="cpu")
    engine.start()
    try:
        engine.inspect(0.5, 0.25)
        assert engine.problem is None
        qtbot.waitUntil(lambda: engine.likelihood is not None, timeout=20_000)
        assert engine.likelihood.point.tolist() == [0.5, 0.25]
    finally:
        assert engine.shutdown(20.0)


def test_at_rest_the_block_that_ran_at_the_pause_is_counted(qtbot, workspace):
    state, engine = workspace
    state.edit({"training.steps": 1_000_000})
    told, measured = [], []
    engine.progress.connect(lambda progress: told.append(progress.step))
    engine.train()
    qtbot.waitUntil(lambda: engine.trained_steps > 0, timeout=10_000)
    engine.pause_training()
    engine.training_changed.connect(lambda training: measured.append((training, engine.trained_steps)))
    qtbot.waitUntil(lambda: engine._tasks.idle and engine._resting is None, timeout=10_000)
    assert told[-1] == engine.trained_steps == engine.loss_history[0][-1] == engine._workspace.trainer.step
    rested = told[-1]
    assert measured == [("paused", rested)]
    engine.train()
    engine.pause_training()
    engine.train()  # before the block of the pause is done
    qtbot.waitUntil(lambda: engine.trained_steps > 2 * rested, timeout=10_000)
    assert engine.training == "training"
    assert engine._resting is None
    engine.pause_training()


def test_a_sampler_changed_while_other_noise_is_built_waits_for_it(qtbot, workspace):
    state, engine = workspace
    taken, told = [], []
    engine.message.connect(lambda *message: told.append(message))
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.edit({"noise.kind": "none", "objective.kind": "exact"})
        state.edit({"sampling.kind": "langevin", "sampling.steps": 30})
    assert engine.problem.resolved.noise.kind == "none"
    qtbot.waitUntil(lambda: complete(engine) and len(engine.trajectory) >= 31, timeout=10_000)
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.undo()
        state.undo()
    engine.problem_changed.connect(taken.append)
    assert engine.problem.resolved.noise.kind == "ve"
    qtbot.waitUntil(lambda: complete(engine) and len(engine.trajectory) == 22, timeout=10_000)
    qtbot.wait(400)
    assert taken == []
    assert "error" not in [level for level, *_ in told]


def test_other_settings_begin_afresh_and_nothing_trained_before_comes_back(qtbot, workspace):
    state, engine = workspace
    begun = state.experiment
    train(qtbot, engine)
    with qtbot.waitSignal(engine.problem_changed):
        state.edit({"data.kind": "rings"})
    with qtbot.waitSignal(engine.problem_changed):
        engine.open_experiment(begun)
    assert engine.untrained
    assert engine.trained_steps == 0
    assert not state.stack.canUndo()
    assert not state.modified
    train(qtbot, engine)
    with qtbot.waitSignal(engine.problem_changed):
        engine.open_experiment(begun)  # the same settings once more
    assert engine.untrained
    assert not state.stack.canUndo()


def test_training_runs_to_its_limit_and_can_go_on(qtbot, workspace):
    state, engine = workspace
    train(qtbot, engine)
    assert engine.trained_steps == 60
    steps, losses = engine.loss_history
    assert steps[-1] == 60
    assert np.isfinite(losses).all()
    assert state.modified
    train(qtbot, engine)
    qtbot.waitUntil(lambda: engine.trained_steps == 120, timeout=5_000)


def test_losses_are_those_of_the_objective_that_is_chosen(qtbot, workspace, tmp_path):
    state, engine = workspace
    train(qtbot, engine)
    steps, losses = engine.loss_history
    state.edit({"objective.kind": "exact"})
    assert len(engine.loss_history[0]) == 0
    engine.session({})().save(tmp_path / "run.spg")
    state.undo()
    assert np.array_equal(engine.loss_history, (steps, losses))
    state.redo()
    train(qtbot, engine)
    assert engine.loss_history[0][0] > steps[-1]
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        engine.open_session(Session.load(tmp_path / "run.spg"))
        state.load(Session.load(tmp_path / "run.spg").experiment)
    assert state.experiment.objective.kind == "exact"
    assert len(engine.loss_history[0]) == 0
    state.edit({"objective.kind": "denoising"})
    assert np.array_equal(engine.loss_history, (steps, losses))


def test_losses_are_those_of_the_noise_levels_that_are_drawn_now(qtbot, workspace, tmp_path):
    """Another distribution of ln sigma has another floor; the old curve keeps its own, and comes back with the old distribution."""
    state, engine = workspace
    train(qtbot, engine)
    history, floor = engine.loss_history, engine.last_progress.optimal_loss
    state.edit({"training.sigma_distribution": "log-uniform", "training.learning_rate": 1e-3})
    assert len(engine.loss_history[0]) == 0
    engine.session({})().save(tmp_path / "run.spg")
    state.edit({"training.sigma_distribution": "log-normal"})
    assert np.array_equal(engine.loss_history, history)
    assert engine.last_progress.optimal_loss == floor
    state.undo()
    train(qtbot, engine)
    assert engine.loss_history[0][0] > history[0][-1]
    assert engine.last_progress.optimal_loss != floor
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        engine.open_session(Session.load(tmp_path / "run.spg"))
    assert state.experiment.training.sigma_distribution == "log-uniform"
    assert len(engine.loss_history[0]) == 0
    state.edit({"training.sigma_distribution": "log-normal"})
    assert np.array_equal(engine.loss_history, history)


def test_pause_and_resume_keep_the_steps(qtbot, workspace):
    state, engine = workspace
    states, told, frames = [], [], []
    state.edit({"training.steps": 1_000_000})
    engine.training_changed.connect(states.append)
    engine.train()
    qtbot.waitUntil(lambda: engine.trained_steps > 5, timeout=20_000)
    engine.pause_training()
    assert engine.training == "paused"
    qtbot.waitUntil(
        lambda: states[-2:] == ["paused", "paused"], timeout=20_000
    )  # the second once its last block is done
    steps = engine.trained_steps
    engine.progress.connect(lambda progress: told.append(progress.step))
    engine.frame_changed.connect(frames.append)
    qtbot.waitUntil(lambda: len(frames) > 10, timeout=20_000)  # all else goes on
    assert engine.trained_steps == steps
    assert told == []
    engine.train()
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    assert min(told) > steps


def test_learning_rate_changes_without_a_restart_and_data_with_one(qtbot, workspace):
    state, engine = workspace
    state.edit({"training.steps": 1_000_000, "training.lr_schedule": "none"})
    engine.train()
    qtbot.waitUntil(lambda: engine.trained_steps > 5, timeout=5_000)
    state.edit({"training.learning_rate": 1e-4})
    steps = engine.trained_steps
    qtbot.waitUntil(lambda: engine.last_progress.learning_rate == pytest.approx(1e-4), timeout=5_000)
    assert engine.training == "training"
    assert engine.trained_steps >= steps
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        state.edit({"data.kind": "rings"})
    assert engine.problem.name == "rings"
    assert engine.untrained


def test_training_that_is_asked_for_right_after_other_data_waits_for_them(qtbot, workspace):
    state, engine = workspace
    states = []
    engine.training_changed.connect(states.append)
    state.edit({"data.kind": "rings"})
    engine.train()
    assert engine.training == "waiting"
    qtbot.waitUntil(lambda: engine.training == "finished", timeout=10_000)
    assert engine.problem.name == "rings"
    assert engine.trained_steps == 60
    assert list(dict.fromkeys(states)) == ["waiting", "training", "finished"]
    state.undo()
    qtbot.waitUntil(lambda: engine.problem.name == "two moons", timeout=10_000)
    assert engine.untrained


def test_training_that_waits_is_taken_back_by_a_second_press_and_by_other_settings(qtbot, workspace):
    state, engine = workspace
    for kind, take_back in (
        ("rings", engine.pause_training),
        ("pinwheel", lambda: state.edit({"network.width": 16})),
        ("checkerboard", lambda: engine.open_experiment(replace(Experiment(), SMALL))),
    ):
        with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
            state.edit({"data.kind": kind})
            engine.train()
            assert engine.training == "waiting"
            take_back()
        assert engine.training == "untrained"
        qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
        qtbot.wait(50)
        assert engine.training == "untrained"
    state.edit({"likelihood.points": 300, "training.batch": 64})  # which restart nothing
    engine.train()
    qtbot.waitUntil(lambda: engine.training == "finished", timeout=10_000)


def test_training_that_waits_for_a_file_begins_with_its_points_and_not_where_it_is_bad(qtbot, workspace, tmp_path):
    state, engine = workspace
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("x,y\n" + "\n".join(f"{number % 7},{number % 5}" for number in range(100)))
    bad.write_text("x,y\n1,2\n3,nonsense\n")
    engine.open_points(str(bad))
    engine.train()
    assert engine.training == "waiting"
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
    assert engine.training == "untrained"
    engine.open_points(str(good))
    engine.train()
    qtbot.waitUntil(lambda: engine.training == "finished", timeout=10_000)
    assert engine.problem.name == "good.csv"
    with qtbot.waitSignal(engine.problem_failed, timeout=10_000):
        state.edit({"data.path": str(bad)})
        engine.train()
        assert engine.training == "waiting"
    steps = engine.trained_steps
    qtbot.wait(50)
    assert engine.training == "finished"
    assert engine.trained_steps == steps


def test_a_larger_test_set_lets_training_go_on(qtbot, workspace):
    state, engine = workspace
    state.edit({"training.steps": 1_000_000})
    engine.train()
    qtbot.waitUntil(lambda: engine.trained_steps > 5, timeout=5_000)
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        state.edit({"likelihood.points": 300})
    steps = engine.trained_steps
    qtbot.waitUntil(lambda: engine.trained_steps > steps + 20, timeout=5_000)
    assert engine.training == "training"
    engine.pause_training()
    assert engine.training == "paused"


def test_undo_brings_the_weights_back(qtbot, workspace):
    state, engine = workspace
    train(qtbot, engine)
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        state.edit({"network.width": 16})
    assert engine.untrained
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        state.undo()
    assert not engine.untrained
    assert engine.trained_steps == 60
    assert engine.training == "finished"


def test_reset_forgets_and_can_be_taken_back(qtbot, workspace):
    state, engine = workspace
    train(qtbot, engine)
    state.edit({"sampling.steps": 30})
    state.mark_saved()
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        engine.reset_training()
    assert engine.untrained
    assert engine.trained_steps == 0
    assert state.modified  # the file still has the weights
    assert state.stack.undoText() == "reset of training"
    state.mark_saved()
    state.undo()
    assert engine.trained_steps == 60
    assert state.modified  # and now it has none
    assert state.experiment.sampling.steps == 30
    state.redo()
    assert engine.untrained


def test_a_reset_that_is_taken_back_at_once_keeps_the_weights(qtbot, workspace):
    state, engine = workspace
    train(qtbot, engine)
    engine.reset_training()
    assert engine.building
    state.undo()
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
    qtbot.wait(200)
    assert engine.trained_steps == 60
    state.redo()
    qtbot.waitUntil(lambda: engine.untrained, timeout=10_000)


def test_every_reset_can_be_taken_back_and_done_again_with_what_was_trained_since(qtbot, workspace):
    state, engine = workspace
    made, weights = [60, 20, 10], []
    for steps in made:
        state.edit({"training.steps": steps})
        train(qtbot, engine)
        weights.append(engine._workspace.weights)
        if steps != made[-1]:
            with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
                engine.reset_training()
    state.edit({"data.kind": "rings"})  # and at once back: what was on its way gives way
    for _ in range(5):
        state.undo()
    assert (engine.trained_steps, engine._workspace.weights) == (60, weights[0])
    for _ in range(4):
        state.redo()
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
    assert (engine.trained_steps, engine._workspace.weights) == (10, weights[2])


def test_a_reset_while_a_session_is_being_built_leaves_it_whole(qtbot, workspace):
    state, engine = workspace
    train(qtbot, engine)
    session = engine.session({})()
    state.edit({"training.steps": 20})
    train(qtbot, engine)
    engine.open_session(session)
    assert engine.reset_training() is None
    assert not state.stack.canUndo()
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
    assert engine.trained_steps == 60


def test_a_reset_while_settings_have_no_data_puts_nothing_of_others_aside(qtbot, workspace, tmp_path):
    state, engine = workspace
    train(qtbot, engine)
    with qtbot.waitSignal(engine.problem_failed, timeout=10_000):
        state.edit({"data.kind": "file", "data.path": str(tmp_path / "none.csv")})
        assert engine.reset_training() is None
    state.undo()
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
    assert engine.trained_steps == 60


def test_a_reset_just_after_an_undo_puts_aside_what_that_brings_back(qtbot, workspace):
    state, engine = workspace
    train(qtbot, engine)
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.edit({"data.kind": "rings"})
    state.undo()
    assert engine.problem.name == "rings"
    assert engine.reset_training() is not None
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
    assert (engine.problem.name, engine.trained_steps) == ("two moons", 0)
    state.undo()
    assert (engine.problem.name, engine.trained_steps) == ("two moons", 60)


def test_a_reset_keeps_to_the_size_of_the_test_set(qtbot, workspace):
    state, engine = workspace
    train(qtbot, engine)
    state.edit({"likelihood.points": 50})
    engine.reset_training()
    state.undo()
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
    assert engine.trained_steps == 60
    assert len(engine._workspace.problem.test) == 50
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.redo()
    state.edit({"likelihood.points": 300})
    state.undo()
    state.undo()
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
    assert len(engine._workspace.problem.test) == state.value("likelihood.points") == 50


def test_redo_of_a_reset_puts_aside_what_was_trained_since_the_undo(qtbot, workspace):
    state, engine = workspace

    def built():
        qtbot.waitUntil(lambda: not engine.building, timeout=10_000)

    train(qtbot, engine)
    state.edit({"likelihood.points": 50})
    built()
    engine.reset_training()
    built()
    state.undo()
    state.undo()
    built()
    train(qtbot, engine)
    steps = engine.trained_steps
    assert steps > 60
    state.redo()
    built()
    state.redo()
    assert engine.untrained
    state.undo()
    assert engine.trained_steps == steps


def test_a_reset_in_the_moment_of_a_report_puts_its_steps_aside(qtbot, workspace):
    """The thread of training notes the loss after the report, and leaves weights for sampling later still."""
    state, engine = workspace
    train(qtbot, engine)
    here = engine._workspace
    here.steps, here.losses, here.weights = [], [], dataclasses.replace(here.weights, untrained=True)
    assert engine.reset_training() is not None
    state.undo()
    assert engine.trained_steps == 60


def test_a_reset_of_what_was_not_trained_is_no_step(qtbot, workspace):
    state, engine = workspace
    assert engine.reset_training() is None
    assert not state.stack.canUndo()
    assert not state.modified


def test_other_data_end_training_that_would_go_on_with_a_larger_test_set(qtbot, workspace):
    state, engine = workspace
    state.edit({"training.steps": 1_000_000})
    engine.train()
    qtbot.waitUntil(lambda: engine.trained_steps > 5, timeout=5_000)
    state.edit({"likelihood.points": 300})
    qtbot.waitUntil(lambda: engine._tasks.running("problem"), timeout=5_000)
    state.edit({"data.kind": "rings"})
    qtbot.waitUntil(lambda: engine.problem.name == "rings" and not engine.building, timeout=10_000)
    qtbot.wait(50)
    assert engine.training == "untrained"


def test_training_that_was_to_begin_on_other_data_does_not_begin_on_a_file(qtbot, workspace, tmp_path):
    state, engine = workspace
    path = tmp_path / "good.csv"
    path.write_text("x,y\n" + "\n".join(f"{number % 7},{number % 5}" for number in range(100)))
    state.edit({"data.kind": "pinwheel"})
    engine.train()
    assert engine.training == "waiting"
    engine.open_points(str(path))
    qtbot.waitUntil(lambda: engine.problem.name == "good.csv" and not engine.building, timeout=10_000)
    qtbot.wait(50)
    assert engine.training == "untrained"


def test_data_that_the_settings_no_longer_describe_are_neither_trained_nor_saved(qtbot, workspace, tmp_path):
    state, engine = workspace
    errors = []
    engine.message.connect(lambda level, sentence, action: errors.append(sentence))
    with qtbot.waitSignal(engine.problem_failed, timeout=10_000):
        state.edit({"data.kind": "file", "data.path": str(tmp_path / "none.csv")})
    assert "none.csv" in why_disabled.training(state, engine)
    engine.train()
    assert engine.training == "untrained"
    assert errors == [engine.failure]
    with pytest.raises(SessionError, match=r"settings describe other data\. .*none\.csv"):
        engine.session({})
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.undo()
    assert why_disabled.training(state, engine) == ""
    engine.session({})


def test_data_that_were_just_chosen_are_saved_once_they_are_there(qtbot, workspace):
    state, engine = workspace
    before = engine.session({})().points
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.edit({"data.kind": "rings"})
        with pytest.raises(SessionError, match="still being applied"):
            engine.session({})
    saved = engine.session({})()
    assert saved.experiment.data.kind == "rings"
    assert not np.array_equal(saved.points, before)


def test_a_run_is_not_saved_beside_settings_that_it_was_not_made_with(qtbot, workspace):
    """Between a change and the first frame of the run that it begins, the former run is still in view."""
    state, engine = workspace
    qtbot.waitUntil(lambda: complete(engine), timeout=10_000)
    assert engine.session({})().trajectory
    former = engine.trajectory
    state.edit({"sampling.steps": 27})
    assert engine.trajectory is former
    assert not engine.session({})().trajectory
    qtbot.waitUntil(lambda: complete(engine) and engine.trajectory is not former, timeout=10_000)
    assert len(engine.session({})().trajectory["sigma"]) == len(engine.trajectory) != len(former)


def test_a_session_being_opened_is_not_saved_as_other_data(qtbot, workspace):
    """The settings change at once, the data after a while: points of the plane must not be written as digits."""
    session = workspace[1].session({})()
    other = Engine(State(), device="cpu")
    other.open_session(session)
    assert other.session({})().experiment == session.experiment
    other._state.edit({"data.kind": "digits"})
    with pytest.raises(SessionError, match="still being applied"):
        other.session({})
    assert other.shutdown(20.0)


def test_a_larger_test_set_keeps_the_weights(qtbot, workspace):
    state, engine = workspace
    train(qtbot, engine)
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        state.edit({"likelihood.points": 300})
    assert engine.trained_steps == 60
    assert not engine.untrained


def test_a_point_has_a_likelihood_with_its_exact_value_and_path(qtbot, workspace):
    _state, engine = workspace
    with qtbot.waitSignal(engine.likelihood_changed, timeout=20_000) as found:
        engine.inspect(0.0, 1.0)
    result = found.args[0]
    assert result.untrained
    flow = result.flow
    assert flow.log_prob == pytest.approx(flow.prior_term + flow.trace_term)
    # A straight line of density 1/(2 pi) a unit length, blurred by 0.1; its curvature adds less than 0.01.
    assert result.exact == pytest.approx(-np.log(2 * np.pi) - np.log(0.1 * np.sqrt(2 * np.pi)), abs=0.01)
    assert flow.path[0] == pytest.approx([0.0, 1.0], abs=1e-5)
    assert flow.evaluations > 6
    assert np.linalg.norm(flow.path[-1] - flow.path[0]) > 1.0
    assert flow.distance < 1e-2
    assert abs(flow.log_prob_error) < 1e-2


def test_the_way_to_a_second_point_is_computed_anew_by_other_settings_and_forgotten_with_the_first(qtbot, workspace):
    state, engine = workspace
    with qtbot.waitSignal(engine.likelihood_changed, timeout=20_000):
        engine.go_to(0.0, 1.0)  # without a first point it is the first
    found = {}
    for way in ("spherical", "linear"):
        state.edit({"likelihood.interpolation": way})
        with qtbot.waitSignal(engine.interpolation_changed, timeout=20_000):
            engine.go_again() if found else engine.go_to(1.0, -0.5)
        found[way] = engine.interpolation.points
    for points in found.values():
        np.testing.assert_allclose(points[[0, -1]], [[0.0, 1.0], [1.0, -0.5]], atol=2e-2)
    np.testing.assert_allclose(found["linear"][32], [0.5, 0.25], atol=2e-2)  # a fresh network is a Gaussian
    assert np.abs(found["spherical"][32] - found["linear"][32]).max() > 0.1
    assert engine.interpolation.log_prob.shape == (65,)
    with qtbot.waitSignal(engine.likelihood_changed, timeout=20_000):
        engine.inspect(0.5, 0.5)
    assert engine.interpolation is None


def test_the_point_in_view_is_measured_anew_by_other_settings_of_its_log_p(qtbot, workspace):
    state, engine = workspace
    with qtbot.waitSignal(engine.likelihood_changed, timeout=20_000):
        engine.inspect(0.0, 1.0)
    exact = engine.likelihood
    assert exact.flow.standard_error in (None, 0.0)
    keys = []
    state.changed.connect(keys.append)
    state.edit({"likelihood.trace": "hutchinson", "likelihood.trace_probes": 8, "likelihood.probes": "gaussian"})
    with qtbot.waitSignal(engine.likelihood_changed, timeout=20_000):
        engine.measure_again(keys[0])
    assert engine.likelihood.flow.standard_error > 0
    assert engine.likelihood.point.tolist() == [0.0, 1.0]
    with qtbot.assertNotEmitted(engine.likelihood_changed, wait=200):
        engine.measure_again(frozenset({"likelihood.points", "seed"}))


def test_the_test_set_by_other_settings_is_forgotten_and_measured_anew_where_it_is_under_way(qtbot, workspace):
    state, engine = workspace
    figures = {"test_nll": 1.4, "kl": 0.1, "entropy": 1.2, "reasons": {}}
    engine._evaluated("test-set")((True, figures))
    engine._evaluated("test-set")((True, {"integral": 1.0}))
    engine._evaluated("quality")(
        (True, {"sliced_wasserstein2": 0.2, "mmd_squared": None, "reasons": {"mmd_squared": "Few."}})
    )
    engine.measure_again(frozenset({"sampling.steps"}))
    assert engine.evaluation["test_nll"] == 1.4
    state.edit({"likelihood.tolerance": 1e-2})
    for _ in range(2):  # as a slider does
        engine.measure_again(frozenset({"likelihood.tolerance"}))
    assert not {"test_nll", "kl", "integral"} & engine.evaluation.keys()
    assert engine.evaluation["sliced_wasserstein2"] == 0.2
    assert engine.evaluation["entropy"] == 1.2  # which no flow is followed for
    why = engine.evaluation["reasons"]
    assert why.keys() == {"test_nll", "kl", "integral", "mmd_squared"}
    assert why["test_nll"] == why["integral"] == STALE
    engine.evaluate_test_set()
    state.edit({"likelihood.trace": "hutchinson", "likelihood.trace_probes": 1})
    engine.measure_again(frozenset({"likelihood.trace", "likelihood.trace_probes"}))
    assert engine.running("test-set")
    qtbot.waitUntil(lambda: not engine.running("test-set"), timeout=40_000)
    assert engine.evaluation["test_nll"] != 1.4
    assert engine.evaluation["integral"] > 0
    assert "trace_standard_error" not in engine.evaluation  # of one vector: it was measured by the settings of now
    assert "likelihood.trace_probes" in engine.evaluation["reasons"]["trace_standard_error"]
    assert engine.evaluation["reasons"]["mmd_squared"] == "Few."


def test_a_figure_that_is_measured_no_more_leaves_and_says_why(workspace):
    _, engine = workspace
    take = engine._evaluated("test-set")
    take((True, {"test_nll": 1.4, "reasons": {}}))
    take((True, {"test_nll": None, "reasons": {"test_nll": "The flow is lost."}}))
    assert engine.evaluation == {"reasons": {"test_nll": "The flow is lost."}}
    take((True, {"test_nll": 1.3, "reasons": {}}))
    assert engine.evaluation == {"test_nll": 1.3, "reasons": {}}


def test_the_training_set_itself_can_be_seen_as_density_and_score(qtbot, workspace):
    _state, engine = workspace
    engine.set_viewport(-6.0, 7.0, -6.0, 6.0, 6, 5)
    engine.set_wanted(frozenset({"exact", "density"}))
    engine.set_playing(False)
    # One that was asked for before may still come, here and below.
    with qtbot.waitSignal(
        engine.field_changed,
        timeout=5_000,
        check_params_cb=lambda field: field.sigma == engine.sigma and field.exact is not None,
    ) as got:
        pass
    known = got.args[0]
    engine.set_exact_source("empirical")
    with qtbot.waitSignal(
        engine.field_changed,
        timeout=5_000,
        check_params_cb=lambda field: field.exact is not None and not np.array_equal(field.exact, known.exact),
    ) as got:
        pass
    assert got.args[0].sigma == known.sigma
    off = np.abs(got.args[0].exact - known.exact).max() / np.abs(known.exact).max()
    assert 0 < off < 0.1  # the training set knows its density up to chance
    engine.set_density_source("empirical")
    with qtbot.waitSignal(
        engine.density_changed, timeout=5_000, check_params_cb=lambda view: view.source == "empirical"
    ) as got:
        pass
    rows, columns = got.args[0].density.shape
    qtbot.waitUntil(lambda: complete(engine), timeout=5_000)
    with qtbot.waitSignal(engine.density_changed, timeout=5_000, check_params_cb=lambda view: view.sigma < 0.1) as got:
        engine.seek(engine.trajectory.total - 1)
    assert got.args[0].density.sum() * 13 * 12 / (rows * columns) == pytest.approx(1.0, abs=1e-3)


def test_the_field_follows_sigma_and_the_exact_one_is_exact(qtbot, workspace):
    _state, engine = workspace
    engine.set_viewport(-1.0, 2.0, -1.0, 1.5, 6, 5)
    engine.set_wanted(frozenset({"learned", "exact", "density"}))
    engine.set_playing(False)
    with qtbot.waitSignal(
        engine.field_changed, timeout=5_000, check_params_cb=lambda field: field.exact is not None
    ) as got:
        pass
    field = got.args[0]
    assert field.positions.shape == field.learned.shape == field.exact.shape == (30, 2)
    qtbot.waitUntil(lambda: complete(engine), timeout=5_000)
    with qtbot.waitSignal(engine.field_changed, timeout=5_000, check_params_cb=lambda view: view.sigma != field.sigma):
        engine.seek(15)
    assert engine.sigma == pytest.approx(float(engine.trajectory.sigma[15]))


def test_the_exact_density_of_the_canvas_integrates_to_one(qtbot, workspace):
    _state, engine = workspace
    engine.set_playing(False)
    qtbot.waitUntil(lambda: complete(engine), timeout=5_000)
    engine.seek(19)
    engine.set_wanted(frozenset({"density"}))
    with qtbot.waitSignal(engine.density_changed, timeout=5_000, check_params_cb=lambda view: view.sigma < 0.2) as got:
        engine.set_viewport(-3.0, 4.0, -3.0, 3.5)
    view = got.args[0]
    rows, columns = view.density.shape
    assert view.density.sum() * (7.0 / columns) * (6.5 / rows) == pytest.approx(1.0, abs=0.01)


def test_bad_data_is_a_sentence_and_the_old_problem_stays(qtbot, workspace, tmp_path):
    state, engine = workspace
    path = tmp_path / "bad.csv"
    path.write_text("x,y\n1,2\n3,nonsense\n")
    before = state.experiment
    with (
        qtbot.assertNotEmitted(engine.problem_failed),
        qtbot.waitSignal(engine.message, timeout=5_000) as told,
    ):
        engine.open_points(str(path))
    assert told.args[0] == "error"
    assert "line 3" in told.args[1]
    assert state.experiment == before
    assert engine.problem.name == "two moons"


def test_a_known_density_comes_along_each_axis_in_the_users_units(qtbot, workspace):
    state, engine = workspace
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        state.edit({"data.kind": "two-gaussians", "data.scale": 10.0})
    for places, mass in engine.problem.marginals:
        np.testing.assert_allclose(mass, 0.8 * ndtr((places - 50) / 10) + 0.2 * ndtr((places + 50) / 10), atol=1e-9)
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        state.edit({"data.kind": "digits"})
    assert engine.problem.marginals is None


def test_points_of_a_file_are_shown_in_their_own_units(qtbot, workspace, tmp_path):
    state, engine = workspace
    path = tmp_path / "far.csv"
    points = np.random.default_rng(0).normal([300.0, -50.0], 40.0, (500, 2))
    np.savetxt(path, points, delimiter=",", header="length,width", comments="")
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        engine.open_points(str(path))
    assert state.experiment.data.kind == "file"
    assert engine.problem.axes == ("length", "width")
    x0, x1, y0, y1 = engine.problem.bounds
    assert x0 < 220 < 380 < x1
    assert y0 < -100 < 0 < y1
    assert engine.problem.sigma == pytest.approx(40, rel=0.1)
    assert not engine.problem.known_density
    np.savetxt(path, points[:200], delimiter=",")
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        engine.open_points(str(path))  # the same name, other points
    assert engine.problem.count < 200


@pytest.mark.parametrize("kind", ["digits", "file"])
def test_training_points_are_never_held_out(qtbot, workspace, tmp_path, kind):
    """More test points than were held out are none until training begins anew; before it, they are split as is asked."""
    state, engine = workspace
    path = tmp_path / "points.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(500, 2)), delimiter=",")

    def edit(changes):
        with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
            state.edit(changes)

    def held_out():
        return engine.problem.conditions.held_out

    edit({"likelihood.points": 20, "network.width": 8} | ({"data.kind": "digits"} if kind == "digits" else {}))
    if kind == "file":
        with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
            engine.open_points(str(path))
    every = held_out() + engine.problem.count
    assert held_out() == 20
    edit({"likelihood.points": 30})
    assert held_out() == 30
    engine.train()
    qtbot.waitUntil(lambda: engine.trained_steps > 0, timeout=20_000)
    engine.pause_training()
    with qtbot.waitSignal(engine.note, timeout=10_000) as told:
        edit({"likelihood.points": 60})
    assert told.args[3]()  # it holds
    assert told.args[:2] == ["info", "30 of these data were held out when training started. Reset holds out more."]
    trainer, problem = engine._workspace.trainer, engine._workspace.problem
    assert trainer.step > 0
    assert np.array_equal(trainer.problem.train.numpy(), problem.train.numpy())
    assert held_out() == 30
    # Half of a file's tell when to stop training, and judge nothing.
    assert engine.problem.test_points == len(problem.evaluation_points) == (30 if kind == "digits" else 15)
    edit({"likelihood.points": 10})
    assert held_out() == 30
    assert engine.problem.test_points == 10
    edit({"likelihood.points": 60})
    path.unlink(missing_ok=kind == "digits")  # what was read once can still be trained anew, as it was split
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        engine.reset_training()
    assert held_out() == (60 if kind == "digits" else 30)
    assert engine.problem.count + held_out() == every


def test_rows_that_may_have_stopped_training_judge_no_weights_of_it(qtbot, workspace, tmp_path):
    state, engine = workspace
    np.savetxt(tmp_path / "points.csv", np.random.default_rng(0).normal(size=(500, 2)), delimiter=",")
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        engine.open_points(str(tmp_path / "points.csv"))
    half = engine.problem.test_points
    engine.train()
    qtbot.waitUntil(lambda: engine.trained_steps > 0, timeout=20_000)
    engine.pause_training()
    for early, evaluate_loss in (("off", engine.problem.conditions.held_out), ("auto", half)):
        with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
            state.edit({"training.early_stopping": early})
        assert engine.untrained == (early == "off")
        assert engine.problem.test_points == evaluate_loss


def test_denoising_without_noise_is_refused_with_the_reason(qtbot, workspace):
    state, engine = workspace
    with qtbot.waitSignal(engine.problem_changed, timeout=5_000):
        state.edit({"noise.kind": "none", "sampling.kind": "langevin"})
    with qtbot.waitSignal(engine.message, timeout=1_000) as told:
        engine.train()
    assert "Denoising needs noise" in told.args[1]
    assert engine.training == "untrained"
    state.edit({"objective.kind": "sliced"})
    train(qtbot, engine)
    assert engine.trained_steps == 60


def test_diagnostics_follow_the_objective_without_a_new_problem(qtbot, workspace):
    state, engine = workspace
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.edit(
            {
                "data.kind": "checkerboard",
                "network.kind": "energy",
                "noise.kind": "none",
                "objective.kind": "maximum-likelihood",
                "sampling.kind": "langevin",
            }
        )
    assert engine.problem.diagnostics("maximum-likelihood") == ()
    assert "sharp edges" in engine.problem.diagnostics("exact")[0].sentence


def test_diagnostics_for_another_objective_compare_no_points_again(workspace, monkeypatch):
    """It is asked for in the GUI thread, where 200,000 points took 75 ms."""
    _, engine = workspace

    def compare(problem):
        raise AssertionError("points were compared")

    monkeypatch.setattr("playground.lab.diagnostics._end", compare)
    assert engine.problem.diagnostics("exact") == engine.problem.diagnostics("denoising")


@pytest.mark.parametrize(("error", "log"), [(MemoryError(), ""), (KeyError("w"), "help.log")])
def test_the_log_is_offered_only_for_faults_of_the_program(workspace, error, log):
    _, engine = workspace
    told = []
    engine.message.connect(lambda *message: told.append(message))
    engine._task_failed("density", error)
    ((level, sentence, action),) = told
    assert (level, action) == ("error", log)
    assert sentence.startswith("Density stopped: ")


@pytest.mark.parametrize(("error", "log"), [(MemoryError(), ""), (KeyError("w"), "help.log")])
def test_training_that_stops_offers_the_log_only_for_faults_of_the_program(qtbot, workspace, monkeypatch, error, log):
    _, engine = workspace

    def broken(experiment):
        yield from ()
        raise error

    told = []
    engine.message.connect(lambda *message: told.append(message))
    monkeypatch.setattr(engine._workspace, "train", broken)
    engine.train()
    qtbot.waitUntil(lambda: bool(told), timeout=5_000)
    ((level, sentence, action),) = told
    assert (level, action) == ("error", log)
    assert sentence.startswith("Training stopped: ")
    assert engine.training == "paused"


def test_a_sampler_without_a_path_is_refused_with_the_reason(qtbot, workspace):
    state, engine = workspace
    told = []
    engine.message.connect(lambda level, sentence, action: told.append(sentence))
    state.edit({"noise.kind": "single"})
    qtbot.waitUntil(lambda: bool(told), timeout=5_000)
    assert "no path" in told[0]


def test_divergence_is_told_and_keeps_the_last_good_weights(qtbot, workspace):
    state, engine = workspace
    state.edit(
        {
            "network.width": 128,
            "training.learning_rate": 1.0,
            "training.batch": 512,
            "training.steps": 2_000,
            "training.lr_schedule": "none",
            "objective.weight": "constant",
        }
    )
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        pass
    engine.train()
    qtbot.waitUntil(lambda: engine.training in ("finished", "diverged"), timeout=30_000)
    assert engine.training == "diverged"
    assert "learning_rate" in engine.last_progress.diverged
    assert all(np.isfinite(tensor.numpy()).all() for tensor in engine._workspace.weights.tensors.values())


def test_stepping_and_seeking_stay_on_the_recorded_frames(qtbot, workspace):
    _state, engine = workspace
    qtbot.waitUntil(lambda: complete(engine), timeout=5_000)
    engine.set_playing(False)
    engine.seek(10)
    engine.step(1)
    assert engine.frame == 11
    engine.step(-1)
    engine.step(-1)
    assert engine.frame == 9
    engine.seek(1_000)
    assert engine.frame == 21


def test_the_same_seed_gives_the_same_run_and_a_new_one_another(qtbot, workspace):
    _state, engine = workspace

    def finished_run():
        qtbot.waitUntil(lambda: complete(engine), timeout=5_000)
        return engine.trajectory.positions[-1].copy()

    first = finished_run()
    for new_seed, same in ((False, True), (True, False)):
        with qtbot.waitSignal(engine.trajectory_changed, timeout=5_000):
            engine.restart(new_seed)
        assert np.array_equal(first, finished_run()) is same


def test_a_session_brings_everything_back(qtbot, workspace, tmp_path):
    _state, engine = workspace
    train(qtbot, engine)
    qtbot.waitUntil(lambda: complete(engine), timeout=5_000)
    engine.session({"layers": ["data"]})().save(tmp_path / "run.spg")
    losses = engine.loss_history[1]
    other = Engine(State(), device="cpu")
    try:
        session = Session.load(tmp_path / "run.spg")
        assert session.view == {"layers": ["data"]}
        other.open_session(session)
        assert other.recorded == 22
        with qtbot.waitSignal(other.ready, timeout=20_000):
            other.start()
        assert other.training == "finished"
        assert other.trained_steps == 60
        assert np.array_equal(other.loss_history[1], losses)
        assert len(engine.held_out_history[0]) > 0
        assert np.array_equal(other.held_out_history, engine.held_out_history)
        assert not other.untrained
        assert np.array_equal(other.trajectory.positions, engine.trajectory.positions)
        ours, theirs = engine._workspace.weights.tensors, other._workspace.weights.tensors
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    finally:
        assert other.shutdown(20.0)


@pytest.mark.alone
def test_it_stops_within_two_seconds_in_the_middle_of_everything(qtbot):
    state = State(replace(Experiment(), {"training.steps": 1_000_000, "sampling.particles": 20_000}))
    engine = Engine(state, device="cpu")
    with qtbot.waitSignal(engine.ready, timeout=20_000):
        engine.start()
    engine.train()
    engine.evaluate_test_set()
    engine.inspect(0.0, 0.0)
    qtbot.wait(300)
    start = time.monotonic()
    assert engine.shutdown(20.0)
    assert time.monotonic() - start < 2.0


def test_digits_train_and_sample_as_images(qtbot, workspace):
    state, engine = workspace
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.edit({"data.kind": "digits", "sampling.particles": 16, "training.steps": 3, "network.width": 16})
    assert engine.problem.is_image
    qtbot.waitUntil(lambda: engine.trajectory.positions.shape[1:] == (16, 1, 8, 8), timeout=10_000)
    train(qtbot, engine)
    assert engine.trained_steps == 3
    engine.set_playing(False)
    qtbot.waitUntil(lambda: complete(engine), timeout=10_000)
    with qtbot.waitSignal(engine.likelihood_changed, timeout=20_000) as found:
        engine.inspect_image(3)
    np.testing.assert_array_equal(found.args[0].point, engine.trajectory.positions[-1][3])
    assert found.args[0].number == 3
    with qtbot.waitSignal(engine.interpolation_changed, timeout=20_000) as found:
        engine.go_to_image(5)
    assert found.args[0].points.shape == (11, 1, 8, 8)
    np.testing.assert_allclose(found.args[0].points[-1], engine.trajectory.positions[-1][5], atol=0.05)


def test_untrained_scores_are_told_by_the_training_so_far(qtbot, workspace, tmp_path):
    """A share that is chosen afterwards trains nothing yet, and a session knows what has been trained."""
    state, engine = workspace
    small = {"sampling.particles": 4, "network.width": 16, "network.depth": 1}
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.edit({"data.kind": "digits", "training.steps": 2, "training.label_dropout": 0.0} | small)
    train(qtbot, engine)
    state.edit({"training.label_dropout": 0.1})
    assert "every label so far" in why_disabled.measuring_score(state, engine)
    engine.session({})().save(tmp_path / "one.spg")
    other = Engine(State(), device="cpu")
    try:
        other.open_session(Session.load(tmp_path / "one.spg"))
        with qtbot.waitSignal(other.problem_changed, timeout=20_000) as told:
            other.start()
        assert told.args[0].conditions.hidden_labels == (0.0, 0.0)
        assert "every label so far" in why_disabled.evaluating(other._state, other)
    finally:
        assert other.shutdown(20.0)
    told = []
    engine.training_changed.connect(lambda _: told.append(why_disabled.measuring_score(state, engine)))
    train(qtbot, engine)
    assert told[0]
    assert not told[-1]
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        engine.reset_training()
    assert engine.problem.conditions.hidden_labels is None


def test_weights_of_another_network_are_left_out_and_said_so(qtbot, workspace):
    _state, engine = workspace
    train(qtbot, engine)
    session = engine.session({})()
    assert session.weights is not None
    strange = dataclasses.replace(
        session, weights={name: array[:1] if array.ndim == 2 else array for name, array in session.weights.items()}
    )
    other = Engine(State(), device="cpu")
    try:
        other.open_session(strange)
        with qtbot.waitSignal(other.message, timeout=20_000) as told:
            other.start()
        assert "another network" in told.args[1]
        qtbot.waitUntil(lambda: other.problem is not None, timeout=5_000)
        assert other.untrained
        assert other.problem.count == 2_000
    finally:
        assert other.shutdown(20.0)


@pytest.mark.parametrize(("steps", "limit", "state"), [(60, 60, "finished"), (60, 90, "paused"), (0, 0, "untrained")])
def test_weights_without_a_history_count_as_trained_as_far_as_their_limit_tells(qtbot, steps, limit, state):
    experiment = replace(Experiment(), SMALL | {"training.steps": steps})
    trainer = Trainer(Problem.build(experiment))
    assert [progress.step for progress in trainer][-1:] == [steps] * bool(steps)
    weights = trainer.state() | {"limits": np.array([limit, np.inf])}
    session = Session.of(
        experiment, trainer.problem.dataset, weights=weights
    )  # no history, as the command line writes it
    engine = Engine(State(), device="cpu")
    try:
        engine.open_session(session)
        with qtbot.waitSignal(engine.ready, timeout=20_000):
            engine.start()
        assert (engine.training, engine.trained_steps, engine.last_progress) == (state, steps, None)
    finally:
        assert engine.shutdown(20.0)


def test_points_opened_while_a_session_is_being_built_follow_it(qtbot, workspace, tmp_path):
    _state, engine = workspace
    train(qtbot, engine)
    session = engine.session({})()
    path = tmp_path / "mine.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(100, 2)), delimiter=",", header="east,north", comments="")
    other = Engine(State(), device="cpu")
    try:
        other.open_session(session)
        other.start()
        other.open_points(str(path))
        qtbot.waitUntil(lambda: other.problem is not None and other.problem.axes == ("east", "north"), timeout=20_000)
        with qtbot.waitSignal(other.problem_changed, timeout=10_000):
            other._state.undo()
        assert other.problem.name == "two moons"
        assert other.trained_steps == 60
    finally:
        assert other.shutdown(20.0)


def test_images_are_read_scaled_anew_and_kept_in_a_session(qtbot, workspace, tmp_path):
    state, engine = workspace
    images = np.random.default_rng(0).integers(0, 256, (60, 20, 20, 3), dtype=np.uint8)
    path = tmp_path / "a.npz"
    np.savez(path, images=images, labels=np.arange(60) % 3)
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        engine.open_points(str(path), "images")
    assert engine.problem.points.shape == (48, 3, 20, 20)
    assert engine.problem.conditions == Conditions((0, 1, 2), 12)
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        state.edit({"data.pixels": 8, "data.colours": "grey"})
    assert engine.problem.points.shape == (48, 1, 8, 8)
    file = tmp_path / "one.spg"
    engine.session({})().save(file)
    session = Session.load(file)
    assert np.array_equal(session.labels, session.dataset().labels)
    assert np.bincount(session.labels).tolist() == [16, 16, 16]
    assert session.dataset().grey_levels == 256


def test_a_file_of_points_lets_go_of_what_only_images_have(qtbot, workspace, tmp_path):
    state, engine = workspace
    images = {"data.kind": "digits", "network.kind": "u-net", "sampling.inpainting_mask": "frame", "sampling.steps": 5}
    state.edit(images)
    path = tmp_path / "a.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(60, 2)), delimiter=",")
    engine.open_points(str(path))
    qtbot.waitUntil(lambda: engine.problem.name == "a.csv" and complete(engine), timeout=20_000)
    state.undo()
    assert {key: state.value(key) for key in images} == images


def test_images_whose_classes_the_file_tells_take_no_reference_batch(qtbot, workspace, tmp_path):
    state, engine = workspace
    path = tmp_path / "a.npz"
    np.savez(path, images=np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8), labels=np.arange(60) % 3)
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        engine.open_points(str(path), "images")
    state.edit({"objective.target_batch": 64})
    for begin in (engine.train, lambda: state.edit({"objective.target_batch": 32})):
        with qtbot.waitSignal(engine.message, timeout=5_000) as told:
            begin()
        assert "choose objective.target_batch = auto or 1" in told.args[1]
        assert engine.training != "training"
        state.edit({"objective.target_batch": "auto"})
        engine.train()
        assert engine.training == "training"
    engine.pause_training()


def test_reading_a_folder_ends_when_other_data_are_chosen(qtbot, workspace, tmp_path, monkeypatch):
    state, engine = workspace
    read = []

    def picture(name, side):
        read.append(name)
        time.sleep(0.01)
        return np.zeros((side, side, 3), np.uint8)

    monkeypatch.setattr(pictures, "_picture", picture)
    monkeypatch.setattr(pictures, "_shorter_side", lambda name: 32)
    for number in range(2000):
        (tmp_path / f"{number}.png").touch()
    engine.open_points(str(tmp_path), "images")
    qtbot.waitUntil(lambda: len(read) > 2)
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        state.edit({"data.kind": "rings"})
    qtbot.waitUntil(lambda: engine._tasks.idle, timeout=5_000)
    assert engine.problem.name == "rings"
    assert len(read) < 1500


@pytest.mark.parametrize("kind", SHIPPED)
def test_a_shipped_model_is_trained_until_it_is_reset(qtbot, workspace, kind):
    state, engine = workspace
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        engine.prefer_bundled()
        state.load(replace(Experiment(), {"data.kind": kind}))
    assert engine.training == "finished"
    assert engine.trained_steps >= 6_000
    assert not engine.untrained
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        engine.reset_training()
    assert engine.untrained


def test_other_settings_than_those_that_ship_begin_untrained(qtbot, workspace):
    state, engine = workspace
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        engine.prefer_bundled()
        state.load(replace(Experiment(), {"data.kind": "digits", "network.width": 64}))
    assert engine.untrained


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_shipped_models_label_dropout_is_its_own(qtbot, workspace, share):
    state, engine = workspace
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        engine.prefer_bundled()
        state.load(replace(Experiment(), {"data.kind": "digits", "training.label_dropout": share}))
    assert engine.trained_steps >= 6_000
    assert engine.problem.conditions.hidden_labels == (0.3, 0.3)
    assert not len(engine.loss_history[0])  # its losses are of another share too


def test_a_map_that_the_playhead_has_left_behind_stops_nothing_when_training_begins(qtbot, workspace):
    state, engine = workspace
    state.edit({"training.steps": 1_000_000})
    qtbot.waitUntil(lambda: complete(engine), timeout=10_000)
    engine.density_map()
    engine.set_playing(True)
    qtbot.waitUntil(lambda: engine._pinned is None, timeout=5_000)
    engine.train()
    assert engine.playing


def test_a_point_clicked_just_before_training_rests_is_measured_then(qtbot, workspace):
    state, engine = workspace
    state.edit({"training.steps": 1_000_000})
    engine.train()
    qtbot.waitUntil(lambda: engine.trained_steps > 5, timeout=10_000)
    engine.inspect(0.5, 0.2)
    assert engine.likelihood is None
    engine.pause_training()
    qtbot.waitUntil(lambda: engine.likelihood is not None and not engine.running("likelihood"), timeout=20_000)
    assert np.allclose(engine.likelihood.point, (0.5, 0.2))
    engine.train()
    engine.clear_inspection()
    engine.pause_training()
    assert not engine.running("likelihood")
    engine.inspect(0.5, 0.2)
    engine.cancel("likelihood")
    engine.train()
    engine.pause_training()
    assert not engine.running("likelihood")


@pytest.mark.parametrize("rests", [True, False])
def test_a_measurement_of_a_replaced_model_is_taken_again(qtbot, workspace, rests):
    state, engine = workspace
    errors, maps = [], []
    engine.errors_changed.connect(errors.append)
    engine.density_changed.connect(maps.append)
    qtbot.waitUntil(lambda: complete(engine), timeout=10_000)
    if rests:
        state.edit({"training.steps": 1_000_000})
        engine.train()
    tasks = {
        "test-set": engine.evaluate_test_set,
        "quality": engine.evaluate_samples,
        "fisher": engine.score_errors,
        "density": engine.density_map,
    }
    for measure in tasks.values():
        measure()
    assert not engine.playing
    if rests:
        engine.pause_training()
    else:
        state.edit({"likelihood.source": "exact"})
    assert all(map(engine.running, tasks))
    if rests:
        return  # what ends before the last block of training has ended is of neither model
    qtbot.waitUntil(lambda: not any(map(engine.running, tasks)), timeout=60_000)
    figures = engine.evaluation
    assert figures["test_nll"] == pytest.approx(
        figures["optimal_nll"], abs=1e-3
    )  # the exact score's, not the untrained one's
    assert figures["sliced_wasserstein2"] > 0
    assert errors[-1].fraction == 1
    assert maps[-1].source == "exact"


def test_stale_figures_are_forgotten_and_the_clicked_point_is_measured_anew(qtbot, workspace):
    state, engine = workspace
    qtbot.waitUntil(lambda: complete(engine), timeout=20_000)
    with qtbot.waitSignal(engine.evaluation_changed, timeout=30_000):
        engine.evaluate_samples()
    qtbot.waitUntil(lambda: "sliced_wasserstein2" in engine.evaluation, timeout=30_000)
    state.edit({"sampling.kind": "probability-flow"})
    assert "sliced_wasserstein2" not in engine.evaluation
    with qtbot.waitSignal(engine.likelihood_changed, timeout=20_000):
        engine.inspect(0.0, 1.0)
    before = engine.likelihood.flow.log_prob
    engine.train()
    assert engine.likelihood is None
    qtbot.waitUntil(lambda: engine.training == "finished" and engine.likelihood is not None, timeout=60_000)
    assert engine.likelihood.flow.log_prob != before
    assert engine.likelihood.point.tolist() == [0.0, 1.0]


def test_the_clicked_point_stays_under_other_noise_and_leaves_with_its_data(qtbot, workspace):
    state, engine = workspace
    with qtbot.waitSignal(engine.likelihood_changed, timeout=20_000):
        engine.inspect(0.0, 1.0)
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        state.edit({"noise.kind": "vp"})
    assert engine.likelihood is None  # that was of another model
    qtbot.waitUntil(lambda: engine.likelihood is not None, timeout=20_000)
    assert engine.likelihood.point.tolist() == [0.0, 1.0]
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        state.edit({"data.kind": "rings"})
    assert engine.clicked == ()
    assert not engine.running("likelihood")


def test_settings_kept_for_other_data_cost_no_weights(qtbot, workspace):
    state, engine = workspace
    engine.train()
    qtbot.waitUntil(lambda: engine.training == "finished", timeout=60_000)
    steps = engine.trained_steps
    stroke = Stroke(((0.0, 0.0), (1.0, 1.0)), 0.2)
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        state.edit({"data.kind": "drawn", "data.strokes": (stroke,)})
    assert engine.untrained
    with qtbot.waitSignal(engine.problem_changed, timeout=20_000):
        state.edit({"data.kind": "two-moons"})
    assert state.replaced_by({"data.kind": "drawn"}).data.strokes == (
        stroke,
    )  # the drawing is there when it is chosen again
    assert engine.trained_steps == steps
    engine.train()  # the trainer, too, takes the settings as they are now
    state.edit({"training.learning_rate": 1e-3})
    qtbot.waitUntil(lambda: engine.training == "finished", timeout=60_000)
    assert engine.trained_steps > steps


def test_the_size_of_a_session_is_known_before_it_is_saved(qtbot, workspace, tmp_path):
    _state, engine = workspace
    train(qtbot, engine)
    qtbot.waitUntil(lambda: complete(engine), timeout=10_000)
    foretold = engine.session_size()
    engine.session({})().save(tmp_path / "run.spg")
    assert foretold == pytest.approx((tmp_path / "run.spg").stat().st_size, rel=0.1)
