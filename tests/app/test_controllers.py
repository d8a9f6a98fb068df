"""The controllers without a window: it is driven by its signals, as the window drives it."""

import dataclasses
import time

import numpy as np
import pytest
import torch
from scipy.special import ndtr

from playground.app.controllers import why_disabled
from playground.app.controllers.building import FIRST
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.measuring import STALE
from playground.app.model import figures
from playground.app.model.state import State
from playground.app.model.views import DensityView, FieldView, WantedOverlays
from playground.app.style.labels import worded
from playground.data import pictures
from playground.kinds.datasets import Stroke
from playground.lab.conflicts import Conditions
from playground.lab.document import LessonPlace
from playground.lab.experiment import Experiment, replace
from playground.lab.measured import Figures
from playground.lab.problem import Problem
from playground.lab.session import Session, SessionError
from playground.lab.training import Trainer
from playground.messages import plain
from tests.diverging import DIVERGING
from tests.figures import on_cards

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
    """A state and controllers whose first problem is built."""
    state = State(replace(Experiment(), SMALL))
    controllers = Controllers(state, device="cpu")
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.start()
    yield state, controllers
    assert controllers.shutdown(20.0)


def complete(controllers):
    """Whether the run in view has ended, and no other with newer weights comes in its place."""
    run = controllers.playing.trajectory
    return run is not None and run.finished and not controllers.playing.main.is_replacing


def train(qtbot, controllers):
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status in ("finished", "diverged"))


def test_a_point_that_is_clicked_at_once_is_measured_as_soon_as_it_can_be(qtbot):
    controllers = Controllers(State(replace(Experiment(), SMALL)), device="cpu")
    controllers.start()
    try:
        controllers.clicking.inspect((0.5, 0.25))
        assert controllers.state.problem is None
        qtbot.waitUntil(lambda: controllers.clicking.likelihood is not None)
        assert controllers.clicking.likelihood.point.tolist() == [0.5, 0.25]
    finally:
        assert controllers.shutdown(20.0)


def test_at_rest_the_block_that_ran_at_the_pause_is_counted(qtbot, workspace):
    state, controllers = workspace
    state.edit({"training.steps": 1_000_000})
    told, measured = [], []
    controllers.training.progress.connect(lambda progress: told.append(progress.step))
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 0)
    controllers.training.pause()
    controllers.training.changed.connect(
        lambda training: measured.append((training, controllers.training.trained_steps))
    )
    qtbot.waitUntil(lambda: controllers.jobs.idle and not controllers.training.is_resting)
    assert (
        told[-1]
        == controllers.training.trained_steps
        == controllers.training.loss_history[0][-1]
        == controllers.state.model.training.trainer.step
    )
    rested = told[-1]
    assert measured == [("paused", rested)]
    controllers.training.start()
    controllers.training.pause()
    controllers.training.start()  # before the block of the pause is done
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 2 * rested)
    assert controllers.training.status == "training"
    assert not controllers.training.is_resting
    controllers.training.pause()


def test_a_sampler_changed_while_other_noise_is_built_waits_for_it(qtbot, workspace):
    state, controllers = workspace
    taken, told = [], []
    controllers.state.notified.connect(told.append)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"noise.kind": "none", "objective.kind": "exact"})
        state.edit({"sampling.kind": "langevin", "sampling.steps": 30})
    assert controllers.state.problem.resolved.noise.kind == "none"
    qtbot.waitUntil(lambda: complete(controllers) and len(controllers.playing.trajectory) >= 31)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.undo()
        state.undo()
    controllers.state.problem_changed.connect(taken.append)
    assert controllers.state.problem.resolved.noise.kind == "ve"
    qtbot.waitUntil(lambda: complete(controllers) and len(controllers.playing.trajectory) == 22)
    qtbot.wait(400)
    assert taken == []
    assert "error" not in [one.level for one in told]


def test_other_settings_begin_afresh_and_nothing_trained_before_comes_back(qtbot, workspace):
    state, controllers = workspace
    begun = state.experiment
    train(qtbot, controllers)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "rings"})
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.sessions.begin(begun)
    assert controllers.training.untrained
    assert controllers.training.trained_steps == 0
    assert not state.stack.canUndo()
    assert not state.modified
    train(qtbot, controllers)
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.sessions.begin(begun)  # the same settings once more
    assert controllers.training.untrained
    assert not state.stack.canUndo()


def test_losses_are_those_of_the_objective_that_is_chosen(qtbot, workspace, tmp_path):
    state, controllers = workspace
    train(qtbot, controllers)
    steps, losses = controllers.training.loss_history
    state.edit({"objective.kind": "exact"})
    assert len(controllers.training.loss_history[0]) == 0
    controllers.sessions.pack({})().save(tmp_path / "run.spg")
    state.undo()
    assert np.array_equal(controllers.training.loss_history, (steps, losses))
    state.redo()
    train(qtbot, controllers)
    assert controllers.training.loss_history[0][0] > steps[-1]
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.sessions.open(Session.load(tmp_path / "run.spg"))
        state.load(Session.load(tmp_path / "run.spg").experiment)
    assert state.experiment.objective.kind == "exact"
    assert len(controllers.training.loss_history[0]) == 0
    state.edit({"objective.kind": "denoising"})
    assert np.array_equal(controllers.training.loss_history, (steps, losses))


def test_weights_of_another_objective_are_named_until_it_is_trained_or_reset(qtbot, workspace, tmp_path):
    state, controllers = workspace
    training = controllers.training
    state.edit({"objective.kind": "sliced"})
    assert training.other_objective is None  # nothing is trained yet
    state.undo()
    train(qtbot, controllers)
    assert training.other_objective is None
    state.edit({"objective.kind": "sliced"})
    assert worded(training.other_objective).startswith("These weights were trained with the objective “Denoising”.")
    controllers.sessions.pack({})().save(tmp_path / "run.spg")
    train(qtbot, controllers)  # it goes on from them
    assert training.other_objective is None
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.sessions.open(Session.load(tmp_path / "run.spg"))
    assert training.other_objective.code == "other-objective"
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.building.reset_training()
    assert training.other_objective is None
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.undo()
    assert training.other_objective.code == "other-objective"


def test_settings_that_other_data_clear_are_named_until_that_is_undone(qtbot, workspace):
    state, controllers = workspace
    told = []
    controllers.state.notified.connect(told.append)
    state.edit({"training.learning_rate": 1e-4, "sampling.guidance": 2.0, "sampling.label": 1, "noise.sigma_max": 9.0})
    assert told == []
    state.edit({"data.kind": "rings"})
    (said,) = told
    assert worded(said.message) == (
        "With other data these have their defaults again: σ max, learning rate, class c and 1 more."
    )
    assert said.action == "edit.undo"
    state.edit({"training.batch": 32})
    assert said.is_current()
    state.undo()
    state.undo()
    assert not said.is_current()
    assert state.value("training.learning_rate") == 1e-4
    assert len(told) == 1


def test_losses_are_those_of_the_noise_levels_that_are_drawn_now(qtbot, workspace, tmp_path):
    """Another distribution of ln sigma has another floor; the old curve keeps its own, and comes back with the old distribution."""
    state, controllers = workspace
    train(qtbot, controllers)
    history, floor = controllers.training.loss_history, controllers.training.last_progress.optimal_loss
    state.edit({"training.sigma_distribution": "log-uniform", "training.learning_rate": 1e-3})
    assert len(controllers.training.loss_history[0]) == 0
    controllers.sessions.pack({})().save(tmp_path / "run.spg")
    state.edit({"training.sigma_distribution": "log-normal"})
    assert np.array_equal(controllers.training.loss_history, history)
    assert controllers.training.last_progress.optimal_loss == floor
    state.undo()
    train(qtbot, controllers)
    assert controllers.training.loss_history[0][0] > history[0][-1]
    assert controllers.training.last_progress.optimal_loss != floor
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.sessions.open(Session.load(tmp_path / "run.spg"))
    assert state.experiment.training.sigma_distribution == "log-uniform"
    assert len(controllers.training.loss_history[0]) == 0
    state.edit({"training.sigma_distribution": "log-normal"})
    assert np.array_equal(controllers.training.loss_history, history)


def test_pause_and_resume_keep_the_steps(qtbot, workspace):
    state, controllers = workspace
    states, told, frames = [], [], []
    state.edit({"training.steps": 1_000_000})
    controllers.training.changed.connect(states.append)
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 5)
    controllers.training.pause()
    assert controllers.training.status == "paused"
    qtbot.waitUntil(lambda: states[-2:] == ["paused", "paused"])  # the second once its last block is done
    steps = controllers.training.trained_steps
    controllers.training.progress.connect(lambda progress: told.append(progress.step))
    controllers.playing.frame_changed.connect(frames.append)
    qtbot.waitUntil(lambda: len(frames) > 10)  # all else goes on
    assert controllers.training.trained_steps == steps
    assert told == []
    controllers.training.start()
    qtbot.waitUntil(lambda: bool(told))
    assert min(told) > steps


def test_learning_rate_changes_without_a_restart_and_data_with_one(qtbot, workspace):
    state, controllers = workspace
    state.edit({"training.steps": 1_000_000, "training.lr_schedule": "none"})
    controllers.training.start()
    # The trainer counts the steps of its first block before there is any progress to tell.
    qtbot.waitUntil(lambda: controllers.training.last_progress is not None)
    state.edit({"training.learning_rate": 1e-4})
    steps = controllers.training.trained_steps
    qtbot.waitUntil(lambda: controllers.training.last_progress.learning_rate == pytest.approx(1e-4))
    assert controllers.training.status == "training"
    assert controllers.training.trained_steps >= steps
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "rings"})
    assert controllers.state.problem.name == "rings"
    assert controllers.training.untrained


def test_training_that_is_asked_for_right_after_other_data_waits_for_them(qtbot, workspace):
    state, controllers = workspace
    states = []
    controllers.training.changed.connect(states.append)
    state.edit({"data.kind": "rings"})
    controllers.training.start()
    assert controllers.training.status == "waiting"
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    assert controllers.state.problem.name == "rings"
    assert controllers.training.trained_steps == 60
    assert list(dict.fromkeys(states)) == ["waiting", "training", "finished"]
    state.undo()
    qtbot.waitUntil(lambda: controllers.state.problem.name == "two moons")
    assert controllers.training.untrained


def test_training_that_waits_is_taken_back_by_a_second_press_and_by_other_settings(qtbot, workspace):
    state, controllers = workspace
    for kind, take_back in (
        ("rings", controllers.training.pause),
        ("pinwheel", lambda: state.edit({"network.width": 16})),
        ("checkerboard", lambda: controllers.sessions.begin(replace(Experiment(), SMALL))),
    ):
        with qtbot.waitSignal(controllers.state.problem_changed):
            state.edit({"data.kind": kind})
            controllers.training.start()
            assert controllers.training.status == "waiting"
            take_back()
        assert controllers.training.status == "untrained"
        qtbot.waitUntil(lambda: not controllers.building.busy)
        qtbot.wait(50)
        assert controllers.training.status == "untrained"
    state.edit({"likelihood.points": 300, "training.batch": 64})  # which restart nothing
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")


def test_training_that_waits_for_a_file_begins_with_its_points_and_not_where_it_is_bad(qtbot, workspace, tmp_path):
    state, controllers = workspace
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("x,y\n" + "\n".join(f"{number % 7},{number % 5}" for number in range(100)))
    bad.write_text("x,y\n1,2\n3,nonsense\n")
    controllers.reading.open_points(str(bad))
    controllers.training.start()
    assert controllers.training.status == "waiting"
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert controllers.training.status == "untrained"
    controllers.reading.open_points(str(good))
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    assert controllers.state.problem.name == "good.csv"
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.path": str(bad)})
        controllers.training.start()
        assert controllers.training.status == "waiting"
    steps = controllers.training.trained_steps
    qtbot.wait(50)
    assert controllers.training.status == "finished"
    assert controllers.training.trained_steps == steps


def test_a_larger_test_set_lets_training_go_on(qtbot, workspace):
    state, controllers = workspace
    state.edit({"training.steps": 1_000_000})
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 5)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"likelihood.points": 300})
    steps = controllers.training.trained_steps
    qtbot.waitUntil(lambda: controllers.training.trained_steps > steps + 20)
    assert controllers.training.status == "training"
    controllers.training.pause()
    assert controllers.training.status == "paused"


def test_another_setting_right_after_the_number_of_held_out_points_does_not_lose_it(qtbot, workspace):
    state, controllers = workspace
    state.edit({"training.steps": 1_000_000})
    controllers.training.start()
    with qtbot.waitSignal(state.problem_changed):
        state.edit({"likelihood.points": 300})
        state.edit({"sampling.steps": 7, "training.batch": 64})
    assert len(state.model.problem.test) == 300
    assert state.model.problem.experiment == state.experiment
    qtbot.waitUntil(lambda: complete(controllers) and len(controllers.playing.trajectory) < 20)
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 0)
    qtbot.waitUntil(lambda: state.model.training.now.experiment.training.batch == 64)
    controllers.training.pause()


@pytest.mark.parametrize("seed", ["data.seed", "training.seed"])
def test_a_seed_of_data_or_training_begins_with_new_weights(qtbot, workspace, seed):
    state, controllers = workspace
    points, first = controllers.building.dataset.points, controllers.state.model.weights
    train(qtbot, controllers)
    trained = controllers.state.model.weights
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({seed: 1})
    assert controllers.training.untrained
    assert np.array_equal(points, controllers.building.dataset.points) == (seed == "training.seed")
    alike = first.tensors.keys() == controllers.state.model.weights.tensors.keys() and all(
        torch.equal(tensor, controllers.state.model.weights.tensors[name]) for name, tensor in first.tensors.items()
    )
    assert alike == (seed == "data.seed")
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.undo()
    assert controllers.state.model.weights is trained
    assert controllers.training.trained_steps == 60


def test_a_seed_of_sampling_changes_the_run_alone(qtbot, workspace):
    state, controllers = workspace
    train(qtbot, controllers)
    qtbot.waitUntil(lambda: complete(controllers))
    before, trained = controllers.playing.trajectory, controllers.state.model.training
    state.edit({"sampling.seed": 1})
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not before and complete(controllers))
    assert not np.array_equal(before.positions[0], controllers.playing.trajectory.positions[0])
    assert not controllers.building.busy
    assert controllers.state.model.training is trained
    assert controllers.training.trained_steps == 60
    controllers.sampling.restart(True)
    assert controllers.sampling.seed == 2  # new noise counts on from the seed


def test_a_seed_of_training_that_changes_meanwhile_ends_training(qtbot, workspace):
    state, controllers = workspace
    state.edit({"training.steps": 1_000_000})
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 5)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"training.seed": 1})
        state.edit({"training.learning_rate": 1e-3})  # which alone would go on
    assert controllers.training.untrained
    assert controllers.state.model.training.trainer.problem.experiment.training.seed == 1


def test_reset_forgets_and_can_be_taken_back(qtbot, workspace):
    state, controllers = workspace
    train(qtbot, controllers)
    state.edit({"sampling.steps": 30})
    state.mark_saved()
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.building.reset_training()
    assert controllers.training.untrained
    assert controllers.training.trained_steps == 0
    assert state.modified  # the file still has the weights
    assert state.stack.undoText() == "reset of training"
    state.mark_saved()
    state.undo()
    assert controllers.training.trained_steps == 60
    assert state.modified  # and now it has none
    assert state.experiment.sampling.steps == 30
    state.redo()
    assert controllers.training.untrained


def test_a_reset_that_is_taken_back_at_once_keeps_the_weights(qtbot, workspace):
    state, controllers = workspace
    train(qtbot, controllers)
    controllers.building.reset_training()
    assert controllers.building.busy
    state.undo()
    qtbot.waitUntil(lambda: not controllers.building.busy)
    qtbot.wait(200)
    assert controllers.training.trained_steps == 60
    state.redo()
    qtbot.waitUntil(lambda: controllers.training.untrained)


def test_every_reset_can_be_taken_back_and_done_again_with_what_was_trained_since(qtbot, workspace):
    state, controllers = workspace
    made, weights = [60, 20, 10], []
    for steps in made:
        state.edit({"training.steps": steps})
        train(qtbot, controllers)
        weights.append(controllers.state.model.weights)
        if steps != made[-1]:
            with qtbot.waitSignal(controllers.state.problem_changed):
                controllers.building.reset_training()
    state.edit({"data.kind": "rings"})  # and at once back: what was on its way gives way
    for _ in range(5):
        state.undo()
    assert (controllers.training.trained_steps, controllers.state.model.weights) == (60, weights[0])
    for _ in range(4):
        state.redo()
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert (controllers.training.trained_steps, controllers.state.model.weights) == (10, weights[2])


def test_a_reset_while_a_session_is_being_built_leaves_it_whole(qtbot, workspace):
    state, controllers = workspace
    train(qtbot, controllers)
    session = controllers.sessions.pack({})()
    state.edit({"training.steps": 20})
    train(qtbot, controllers)
    controllers.sessions.open(session)
    assert controllers.building.reset_training() is None
    assert not state.stack.canUndo()
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert controllers.training.trained_steps == 60


def test_a_reset_while_settings_have_no_data_puts_nothing_of_others_aside(qtbot, workspace, tmp_path):
    state, controllers = workspace
    train(qtbot, controllers)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "file", "data.path": str(tmp_path / "none.csv")})
        assert controllers.building.reset_training() is None
    state.undo()
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert controllers.training.trained_steps == 60


def test_a_reset_just_after_an_undo_puts_aside_what_that_brings_back(qtbot, workspace):
    state, controllers = workspace
    train(qtbot, controllers)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "rings"})
    state.undo()
    assert controllers.state.problem.name == "rings"
    assert controllers.building.reset_training() is not None
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert (controllers.state.problem.name, controllers.training.trained_steps) == ("two moons", 0)
    state.undo()
    assert (controllers.state.problem.name, controllers.training.trained_steps) == ("two moons", 60)


def test_a_reset_keeps_to_the_size_of_the_test_set(qtbot, workspace):
    state, controllers = workspace
    train(qtbot, controllers)
    state.edit({"likelihood.points": 50})
    controllers.building.reset_training()
    state.undo()
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert controllers.training.trained_steps == 60
    assert len(controllers.state.model.problem.test) == 50
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.redo()
    state.edit({"likelihood.points": 300})
    state.undo()
    state.undo()
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert len(controllers.state.model.problem.test) == state.value("likelihood.points") == 50


def test_redo_of_a_reset_puts_aside_what_was_trained_since_the_undo(qtbot, workspace):
    state, controllers = workspace

    def built():
        qtbot.waitUntil(lambda: not controllers.building.busy)

    train(qtbot, controllers)
    state.edit({"likelihood.points": 50})
    built()
    controllers.building.reset_training()
    built()
    state.undo()
    state.undo()
    built()
    train(qtbot, controllers)
    steps = controllers.training.trained_steps
    assert steps > 60
    state.redo()
    built()
    state.redo()
    assert controllers.training.untrained
    state.undo()
    assert controllers.training.trained_steps == steps


def test_a_reset_in_the_moment_of_a_report_puts_its_steps_aside(qtbot, workspace):
    """The thread of training leaves weights for sampling later than the report."""
    state, controllers = workspace
    train(qtbot, controllers)
    here = controllers.state.model
    here.training.publish(newest=dataclasses.replace(here.weights, untrained=True, made=0))
    assert controllers.building.reset_training() is not None
    state.undo()
    assert controllers.training.trained_steps == 60


def test_a_reset_of_what_was_not_trained_is_no_step(qtbot, workspace):
    state, controllers = workspace
    assert controllers.building.reset_training() is None
    assert not state.stack.canUndo()
    assert not state.modified


def test_a_step_of_a_lesson_trains_to_its_end_and_no_further(qtbot, workspace):
    """It goes on from the weights of the step before; Train more still does."""
    state, controllers = workspace
    training = controllers.training
    for steps, sampled, trained in ((30, 5, 30), (30, 6, 30), (50, 6, 50), (30, 6, 50)):
        step = replace(state.experiment, {"training.steps": steps, "sampling.steps": sampled})
        training.teach(step, LessonPlace("lesson", "A lesson", 0))
        qtbot.wait(50)
        qtbot.waitUntil(lambda: training.status == "finished" and not controllers.building.busy)
        assert training.trained_steps == trained
    training.start()
    qtbot.waitUntil(lambda: training.trained_steps > 50)
    exact = replace(state.experiment, {"sampling.source": "exact"})
    training.teach(exact, LessonPlace("a scene", "A scene"))
    assert (state.experiment, state.document.lesson.name) == (exact, "a scene")
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert training.status == "untrained"


def test_other_data_end_training_that_would_go_on_with_a_larger_test_set(qtbot, workspace):
    state, controllers = workspace
    state.edit({"training.steps": 1_000_000})
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 5)
    state.edit({"likelihood.points": 300})
    qtbot.waitUntil(lambda: controllers.jobs.running("problem"))
    state.edit({"data.kind": "rings"})
    qtbot.waitUntil(lambda: controllers.state.problem.name == "rings" and not controllers.building.busy)
    qtbot.wait(50)
    assert controllers.training.status == "untrained"


def test_training_that_was_to_begin_on_other_data_does_not_begin_on_a_file(qtbot, workspace, tmp_path):
    state, controllers = workspace
    path = tmp_path / "good.csv"
    path.write_text("x,y\n" + "\n".join(f"{number % 7},{number % 5}" for number in range(100)))
    state.edit({"data.kind": "pinwheel"})
    controllers.training.start()
    assert controllers.training.status == "waiting"
    controllers.reading.open_points(str(path))
    qtbot.waitUntil(lambda: controllers.state.problem.name == "good.csv" and not controllers.building.busy)
    qtbot.wait(50)
    assert controllers.training.status == "untrained"


def test_data_that_the_settings_no_longer_describe_are_neither_trained_nor_saved(qtbot, workspace, tmp_path):
    state, controllers = workspace
    errors = []
    controllers.state.notified.connect(lambda one: errors.append(one.message))
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "file", "data.path": str(tmp_path / "none.csv")})
    assert "none.csv" in str(why_disabled.training(controllers))
    controllers.training.start()
    assert controllers.training.status == "untrained"
    assert errors == [controllers.state.failure]
    with pytest.raises(SessionError, match=r"settings describe other data\. .*none\.csv"):
        controllers.sessions.pack({})
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.undo()
    assert why_disabled.training(controllers) is None
    controllers.sessions.pack({})


def test_data_that_were_just_chosen_are_saved_once_they_are_there(qtbot, workspace):
    state, controllers = workspace
    before = controllers.sessions.pack({})().points
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "rings"})
        with pytest.raises(SessionError, match="still being applied"):
            controllers.sessions.pack({})
    saved = controllers.sessions.pack({})()
    assert saved.experiment.data.kind == "rings"
    assert not np.array_equal(saved.points, before)


def test_a_run_is_not_saved_beside_settings_that_it_was_not_made_with(qtbot, workspace):
    """Between a change and the first frame of the run that it begins, the former run is still in view."""
    state, controllers = workspace
    qtbot.waitUntil(lambda: complete(controllers))
    assert controllers.sessions.pack({})().trajectory
    former = controllers.playing.trajectory
    state.edit({"sampling.steps": 27})
    assert controllers.playing.trajectory is former
    assert not controllers.sessions.pack({})().trajectory
    qtbot.waitUntil(lambda: complete(controllers) and controllers.playing.trajectory is not former)
    assert (
        len(controllers.sessions.pack({})().trajectory["sigma"]) == len(controllers.playing.trajectory) != len(former)
    )


def test_a_session_being_opened_is_not_saved_as_other_data(qtbot, workspace):
    """The settings change at once, the data after a while: points of the plane must not be written as digits."""
    session = workspace[1].sessions.pack({})()
    other = Controllers(State(), device="cpu")
    other.sessions.open(session)
    for changes in ({}, {"data.kind": "digits"}):
        other.state.edit(changes)
        with pytest.raises(SessionError, match="still being applied"):
            other.sessions.pack({})
    assert other.sessions.busy  # so that it is saved once they are there
    assert other.shutdown(20.0)


def test_a_point_has_a_likelihood_with_its_exact_value_and_path(qtbot, workspace):
    _state, controllers = workspace
    with qtbot.waitSignal(controllers.clicking.likelihood_changed) as found:
        controllers.clicking.inspect((0.0, 1.0))
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
    state, controllers = workspace
    with qtbot.waitSignal(controllers.clicking.likelihood_changed):
        controllers.clicking.go_to((0.0, 1.0))  # without a first point it is the first
    found = {}
    state.edit({"likelihood.interpolation": "spherical"})
    with qtbot.waitSignal(controllers.clicking.interpolation_changed):
        controllers.clicking.go_to((1.0, -0.5))
    found["spherical"] = controllers.clicking.interpolation.points
    with qtbot.waitSignal(controllers.clicking.interpolation_changed):
        state.edit({"likelihood.interpolation": "linear"})
    found["linear"] = controllers.clicking.interpolation.points
    for points in found.values():
        np.testing.assert_allclose(points[[0, -1]], [[0.0, 1.0], [1.0, -0.5]], atol=2e-2)
    np.testing.assert_allclose(found["linear"][32], [0.5, 0.25], atol=2e-2)  # a fresh network is a Gaussian
    assert np.abs(found["spherical"][32] - found["linear"][32]).max() > 0.1
    assert controllers.clicking.interpolation.log_prob.shape == (65,)
    with qtbot.waitSignal(controllers.clicking.likelihood_changed):
        controllers.clicking.inspect((0.5, 0.5))
    assert controllers.clicking.interpolation is None


def test_the_point_in_view_is_measured_anew_by_other_settings_of_its_log_p(qtbot, workspace):
    state, controllers = workspace
    with qtbot.waitSignal(controllers.clicking.likelihood_changed):
        controllers.clicking.inspect((0.0, 1.0))
    exact = controllers.clicking.likelihood
    assert exact.flow.standard_error in (None, 0.0)
    with qtbot.waitSignal(controllers.clicking.likelihood_changed):
        state.edit({"likelihood.trace": "hutchinson", "likelihood.trace_probes": 8, "likelihood.probes": "gaussian"})
    assert controllers.clicking.likelihood.flow.standard_error > 0
    assert controllers.clicking.likelihood.point.tolist() == [0.0, 1.0]
    with qtbot.assertNotEmitted(controllers.clicking.likelihood_changed, wait=200):
        state.edit({"training.steps": 70})


def test_a_first_click_that_is_still_measured_takes_other_settings_of_its_log_p(qtbot, workspace):
    state, controllers = workspace
    clicking = controllers.clicking
    clicking.inspect((0.0, 1.0))
    state.edit({"likelihood.trace": "hutchinson", "likelihood.trace_probes": 8, "likelihood.probes": "gaussian"})
    qtbot.waitUntil(lambda: clicking.likelihood is not None and not clicking.is_measuring_point)
    assert clicking.likelihood.flow.standard_error > 0


def show_figures(controllers, part, found):
    """Let a part of the figures have been measured by the settings and weights in view."""
    model = controllers.state.model.model_key
    controllers.state.store.hold(figures.key(part, model), Figures.of(found))
    controllers.measuring.look_up()


def test_the_test_set_by_other_settings_is_forgotten_and_measured_anew_where_it_is_under_way(qtbot, workspace):
    state, controllers = workspace
    show_figures(controllers, "Likelihoods", {"test_nll": 1.4, "kl": 0.1, "entropy": 1.2, "reasons": {}})
    show_figures(controllers, "Integral", {"integral": 1.0, "reasons": {}})
    few = {"sliced_wasserstein2": 0.2, "mmd_squared": None, "reasons": {"mmd_squared": plain("Few.")}}
    show_figures(controllers, "Distances", few)
    state.edit({"training.steps": 70})
    assert on_cards(controllers)["test_nll"] == 1.4
    for tolerance in (2e-2, 1e-2):  # as a slider does
        state.edit({"likelihood.tolerance": tolerance})
    assert not {"test_nll", "kl", "integral"} & on_cards(controllers).keys()
    assert on_cards(controllers)["sliced_wasserstein2"] == 0.2
    assert on_cards(controllers)["entropy"] == 1.2  # which no flow is followed for
    why = on_cards(controllers)["reasons"]
    assert why.keys() == {"test_nll", "kl", "integral", "mmd_squared"}
    assert why["test_nll"] == why["integral"] == STALE
    controllers.measuring.measure("test-set")
    state.edit({"likelihood.trace": "hutchinson", "likelihood.trace_probes": 1})
    assert controllers.jobs.running("test-set")
    qtbot.waitUntil(lambda: not controllers.jobs.running("test-set"))
    assert on_cards(controllers)["test_nll"] != 1.4
    assert on_cards(controllers)["integral"] > 0
    assert "trace_standard_error" not in on_cards(controllers)  # of one vector: it was measured by the settings of now
    assert "likelihood.trace_probes" in str(on_cards(controllers)["reasons"]["trace_standard_error"])
    assert on_cards(controllers)["reasons"]["mmd_squared"] == plain("Few.")


def test_a_figure_that_is_measured_no_more_leaves_and_says_why(workspace):
    _, controllers = workspace
    show_figures(controllers, "Likelihoods", {"test_nll": 1.4, "reasons": {}})
    lost = {"test_nll": plain("The flow is lost.")}
    show_figures(controllers, "Likelihoods", {"test_nll": None, "reasons": lost})
    assert on_cards(controllers) == {"reasons": lost}
    show_figures(controllers, "Likelihoods", {"test_nll": 1.3, "reasons": {}})
    assert on_cards(controllers) == {"test_nll": 1.3, "reasons": {}}


def is_field(view: object, _place: int = 0) -> bool:
    return isinstance(view, FieldView) and view.exact is not None


def test_the_training_set_itself_can_be_seen_as_density_and_score(qtbot, workspace):
    _state, controllers = workspace
    wanted = WantedOverlays(frozenset({"exact", "density"}), (-6.0, 7.0, -6.0, 6.0), (6, 5))
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not None)  # until then sigma is that of the data
    controllers.following.want(wanted)
    controllers.playing.set_playing(False)
    # One that was asked for before may still come, here and below.
    with qtbot.waitSignal(
        controllers.following.changed,
        check_params_cb=lambda view, _: is_field(view) and view.sigma == controllers.playing.sigma,
    ) as got:
        pass
    known = got.args[0]
    wanted = dataclasses.replace(wanted, exact_source="empirical")
    controllers.following.want(wanted)
    with qtbot.waitSignal(
        controllers.following.changed,
        check_params_cb=lambda view, _: is_field(view) and not np.array_equal(view.exact, known.exact),
    ) as got:
        pass
    assert got.args[0].sigma == known.sigma
    off = np.abs(got.args[0].exact - known.exact).max() / np.abs(known.exact).max()
    assert 0 < off < 0.1  # the training set knows its density up to chance
    controllers.following.want(dataclasses.replace(wanted, density_source="empirical"))
    with qtbot.waitSignal(
        controllers.following.changed,
        check_params_cb=lambda view, _: isinstance(view, DensityView) and view.source == "empirical",
    ) as got:
        pass
    rows, columns = got.args[0].density.shape
    qtbot.waitUntil(lambda: complete(controllers))
    with qtbot.waitSignal(
        controllers.following.changed,
        check_params_cb=lambda view, _: isinstance(view, DensityView) and view.sigma < 0.1,
    ) as got:
        controllers.playing.seek(controllers.playing.trajectory.total - 1)
    assert got.args[0].density.sum() * 13 * 12 / (rows * columns) == pytest.approx(1.0, abs=1e-3)


def test_the_field_follows_sigma_and_the_exact_one_is_exact(qtbot, workspace):
    _state, controllers = workspace
    layers = frozenset({"learned", "exact", "density"})
    controllers.following.want(WantedOverlays(layers, (-1.0, 2.0, -1.0, 1.5), (6, 5)))
    controllers.playing.set_playing(False)
    with qtbot.waitSignal(controllers.following.changed, check_params_cb=is_field) as got:
        pass
    field = got.args[0]
    assert field.positions.shape == field.learned.shape == field.exact.shape == (30, 2)
    qtbot.waitUntil(lambda: complete(controllers))
    with qtbot.waitSignal(
        controllers.following.changed,
        check_params_cb=lambda view, _: is_field(view) and view.sigma != field.sigma,
    ):
        controllers.playing.seek(15)
    assert controllers.playing.sigma == pytest.approx(float(controllers.playing.trajectory.sigma[15]))


def test_the_exact_density_of_the_canvas_integrates_to_one(qtbot, workspace):
    _state, controllers = workspace
    controllers.playing.set_playing(False)
    qtbot.waitUntil(lambda: complete(controllers))
    controllers.playing.seek(19)
    wanted = WantedOverlays(frozenset({"density"}))
    controllers.following.want(wanted)
    with qtbot.waitSignal(
        controllers.following.changed,
        check_params_cb=lambda view, _: isinstance(view, DensityView) and view.sigma < 0.2,
    ) as got:
        controllers.following.want(dataclasses.replace(wanted, bounds=(-3.0, 4.0, -3.0, 3.5)))
    view = got.args[0]
    rows, columns = view.density.shape
    assert view.density.sum() * (7.0 / columns) * (6.5 / rows) == pytest.approx(1.0, abs=0.04)  # of 600 cells


def test_a_known_density_comes_along_each_axis_in_the_users_units(qtbot, workspace):
    state, controllers = workspace
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "two-gaussians", "data.scale": 10.0})
    for places, mass in controllers.state.problem.marginals:
        np.testing.assert_allclose(mass, 0.8 * ndtr((places - 50) / 10) + 0.2 * ndtr((places + 50) / 10), atol=1e-9)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "digits"})
    assert controllers.state.problem.marginals is None


def test_points_of_a_file_are_shown_in_their_own_units(qtbot, workspace, tmp_path):
    state, controllers = workspace
    path = tmp_path / "far.csv"
    points = np.random.default_rng(0).normal([300.0, -50.0], 40.0, (500, 2))
    np.savetxt(path, points, delimiter=",", header="length,width", comments="")
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.reading.open_points(str(path))
    assert state.experiment.data.kind == "file"
    assert controllers.state.problem.axes == ("length", "width")
    x0, x1, y0, y1 = controllers.state.problem.bounds
    assert x0 < 220 < 380 < x1
    assert y0 < -100 < 0 < y1
    assert controllers.state.problem.sigma == pytest.approx(40, rel=0.1)
    assert not controllers.state.problem.known_density
    np.savetxt(path, points[:200], delimiter=",")
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.reading.open_points(str(path))  # the same name, other points
    assert controllers.state.problem.count < 200


def test_a_start_set_with_other_contents_is_a_step_and_the_old_one_comes_back_with_its_weights(
    qtbot, workspace, tmp_path
):
    state, controllers = workspace
    building, path = controllers.building, tmp_path / "start.csv"
    points = np.random.default_rng(0).normal(size=(300, 2))

    def opened(some):
        np.savetxt(path, some, delimiter=",")
        controllers.reading.open_start(str(path))
        qtbot.waitUntil(lambda: not building.busy and starts() == len(some))

    def starts():
        start = None if building.dataset is None else building.dataset.start
        return 0 if start is None else len(start.points) + 1  # one is held out

    state.edit({"noise.kind": "flow-matching", "noise.source": "file"})
    opened(points)
    train(qtbot, controllers)
    trained, steps = controllers.training.trained_steps, state.stack.count()
    opened(points)  # the same contents are the same work
    assert (controllers.training.trained_steps, state.stack.count()) == (trained, steps)
    opened(points[:200])
    assert (controllers.training.trained_steps, state.stack.count()) == (0, steps + 1)
    state.undo()
    qtbot.waitUntil(lambda: not building.busy and starts() == 300)
    assert controllers.training.trained_steps == trained
    state.redo()
    qtbot.waitUntil(lambda: not building.busy and starts() == 200)


def test_a_file_with_other_contents_is_a_step_and_the_old_ones_come_back_with_their_weights(qtbot, workspace, tmp_path):
    state, controllers = workspace
    building, path = controllers.building, tmp_path / "mine.csv"
    points = np.random.default_rng(0).normal(size=(500, 2))

    def opened(count):
        with qtbot.waitSignal(controllers.state.problem_changed):
            controllers.reading.open_points(str(path))
        settled(count)

    def settled(count):
        qtbot.waitUntil(lambda: not building.busy and controllers.state.problem.count == count)

    np.savetxt(path, points, delimiter=",")
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.reading.open_points(str(path))
    qtbot.waitUntil(lambda: not building.busy)
    first = controllers.state.problem.count
    train(qtbot, controllers)
    trained, steps = controllers.training.trained_steps, state.stack.count()
    opened(first)  # the same contents are the same work
    assert (controllers.training.trained_steps, state.stack.count()) == (trained, steps)
    np.savetxt(path, points[:200], delimiter=",")
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.reading.open_points(str(path))
    qtbot.waitUntil(lambda: not building.busy and controllers.state.problem.count < 200)
    second = controllers.state.problem.count
    assert (controllers.training.trained_steps, state.stack.count()) == (0, steps + 1)
    assert state.undo_text == "opening of its other contents"
    state.edit({"network.width": 24})
    settled(second)
    state.undo()
    state.undo()
    settled(first)
    assert controllers.training.trained_steps == trained
    state.edit({"network.width": 24})  # of the old contents, though others are there now
    settled(first)
    state.undo()
    state.edit({"data.kind": "rings"})
    state.undo()
    settled(first)
    assert controllers.training.trained_steps == trained


@pytest.mark.parametrize("kind", ["digits", "file"])
def test_training_points_are_never_held_out(qtbot, workspace, tmp_path, kind):
    """More test points than were held out are none until training begins anew; before it, they are split as is asked."""
    state, controllers = workspace
    path = tmp_path / "points.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(500, 2)), delimiter=",")

    def edit(changes):
        with qtbot.waitSignal(controllers.state.problem_changed):
            state.edit(changes)

    def held_out():
        return controllers.state.problem.conditions.held_out

    edit({"likelihood.points": 20, "network.width": 8} | ({"data.kind": "digits"} if kind == "digits" else {}))
    if kind == "file":
        with qtbot.waitSignal(controllers.state.problem_changed):
            controllers.reading.open_points(str(path))
    every = held_out() + controllers.state.problem.count
    assert held_out() == 20
    edit({"likelihood.points": 30})
    assert held_out() == 30
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 0)
    controllers.training.pause()
    with qtbot.waitSignal(controllers.state.notified) as told:
        edit({"likelihood.points": 60})
    one = told.args[0]
    assert one.is_current()
    assert (one.level, str(one.message)) == (
        "info",
        "30 of these data were held out when training started. Reset holds out more.",
    )
    trainer, problem = controllers.state.model.training.trainer, controllers.state.model.problem
    assert trainer.step > 0
    assert np.array_equal(trainer.problem.train.numpy(), problem.train.numpy())
    assert held_out() == 30
    # Half of a file's tell when to stop training, and judge nothing.
    assert controllers.state.problem.test_points == len(problem.evaluation_points) == (30 if kind == "digits" else 15)
    edit({"likelihood.points": 10})
    assert held_out() == 30
    assert controllers.state.problem.test_points == 10
    edit({"likelihood.points": 60})
    path.unlink(missing_ok=kind == "digits")  # what was read once can still be trained anew, as it was split
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.building.reset_training()
    assert held_out() == (60 if kind == "digits" else 30)
    assert controllers.state.problem.count + held_out() == every


def test_rows_that_may_have_stopped_training_judge_no_weights_of_it(qtbot, workspace, tmp_path):
    state, controllers = workspace
    np.savetxt(tmp_path / "points.csv", np.random.default_rng(0).normal(size=(500, 2)), delimiter=",")
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.reading.open_points(str(tmp_path / "points.csv"))
    half = controllers.state.problem.test_points
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 0)
    controllers.training.pause()
    for early, evaluate_loss in (("off", controllers.state.problem.conditions.held_out), ("auto", half)):
        with qtbot.waitSignal(controllers.state.problem_changed):
            state.edit({"training.early_stopping": early})
        assert controllers.training.untrained == (early == "off")
        assert controllers.state.problem.test_points == evaluate_loss


def test_diagnostics_follow_the_objective_without_a_new_problem(qtbot, workspace):
    state, controllers = workspace
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit(
            {
                "data.kind": "checkerboard",
                "network.kind": "energy",
                "noise.kind": "none",
                "objective.kind": "maximum-likelihood",
                "sampling.kind": "langevin",
            }
        )
    assert controllers.state.problem.diagnostics("maximum-likelihood") == ()
    assert "sharp edges" in controllers.state.problem.diagnostics("exact")[0].text


def test_diagnostics_for_another_objective_compare_no_points_again(workspace, monkeypatch):
    """It is asked for in the GUI thread, where 200,000 points took 75 ms."""
    _, controllers = workspace

    def compare(problem):
        raise AssertionError("points were compared")

    monkeypatch.setattr("playground.lab.diagnostics._end", compare)
    assert controllers.state.problem.diagnostics("exact") == controllers.state.problem.diagnostics("denoising")


@pytest.mark.parametrize(("error", "log"), [(MemoryError(), ""), (KeyError("w"), "help.log")])
def test_the_log_is_offered_only_for_faults_of_the_program(workspace, error, log):
    _, controllers = workspace
    told = []
    controllers.state.notified.connect(told.append)
    controllers._stopped("density", error)
    (one,) = told
    assert (one.level, one.action) == ("error", log)
    assert str(one.message).startswith("Density stopped: ")


@pytest.mark.parametrize(("error", "log"), [(MemoryError(), ""), (KeyError("w"), "help.log")])
def test_training_that_stops_offers_the_log_only_for_faults_of_the_program(qtbot, workspace, monkeypatch, error, log):
    _, controllers = workspace

    def broken(more, process):
        raise error

    told = []
    controllers.state.notified.connect(told.append)
    monkeypatch.setattr(controllers.state.model.training, "advance", broken)
    controllers.training.start()
    qtbot.waitUntil(lambda: bool(told))
    (one,) = told
    assert (one.level, one.action) == ("error", log)
    assert str(one.message).startswith("Training stopped: ")
    assert controllers.training.status == "paused"


def test_divergence_is_told_and_keeps_the_last_good_weights(qtbot, workspace):
    state, controllers = workspace
    state.edit(DIVERGING)
    with qtbot.waitSignal(controllers.state.problem_changed):
        pass
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status in ("finished", "diverged"))
    assert controllers.training.status == "diverged"
    assert controllers.training.last_progress.diverged.code == "diverged"
    assert all(np.isfinite(tensor.numpy()).all() for tensor in controllers.state.model.weights.tensors.values())


def test_a_lesson_that_begins_while_a_session_is_opened_leaves_its_weights(qtbot, workspace, tmp_path):
    """Its settings may be those of the session."""
    state, controllers = workspace
    train(qtbot, controllers)
    controllers.sessions.pack({})().save(tmp_path / "run.spg")
    controllers.sessions.open(Session.load(tmp_path / "run.spg"))
    same = replace(state.experiment, {"sampling.steps": 5})
    controllers.training.teach(same, LessonPlace("lesson", "A lesson", 0))
    assert controllers.state.is_replacing
    qtbot.waitUntil(lambda: controllers.training.status == "finished" and not controllers.building.busy)
    assert controllers.building.key.name.startswith("lesson")
    state.leave_lesson()
    qtbot.waitUntil(lambda: not controllers.building.busy and controllers.building.key.name == FIRST)
    assert controllers.training.trained_steps == 60
    assert not state.modified


def test_a_session_brings_everything_back(qtbot, workspace, tmp_path):
    _state, controllers = workspace
    train(qtbot, controllers)
    qtbot.waitUntil(lambda: complete(controllers))
    controllers.sessions.pack({"layers": ["data"]})().save(tmp_path / "run.spg")
    losses = controllers.training.loss_history[1]
    other = Controllers(State(), device="cpu")
    try:
        session = Session.load(tmp_path / "run.spg")
        assert session.view == {"layers": ["data"]}
        other.sessions.open(session)
        assert other.playing.recorded == 22
        assert other.playing.sampled is None  # nothing can be asked of it before it has a problem
        with qtbot.waitSignal(other.state.problem_changed):
            other.start()
        assert other.training.status == "finished"
        assert other.training.trained_steps == 60
        assert np.array_equal(other.training.loss_history[1], losses)
        assert len(controllers.training.held_out_history[0]) > 0
        assert np.array_equal(other.training.held_out_history, controllers.training.held_out_history)
        assert not other.training.untrained
        assert np.array_equal(other.playing.trajectory.positions, controllers.playing.trajectory.positions)
        ours, theirs = controllers.state.model.weights.tensors, other.state.model.weights.tensors
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    finally:
        assert other.shutdown(20.0)


def test_other_work_is_built_once(qtbot, workspace, monkeypatch):
    state, controllers = workspace
    built, building = [], controllers.building
    state.push(state.document.begun("a reset"))
    document = state.document
    state.undo()
    qtbot.waitUntil(lambda: not building.busy)
    controllers.jobs.changed.connect(lambda name, job: built.append(job) if name == "problem" and job.running else None)
    with qtbot.waitSignal(controllers.state.problem_changed):
        building.open(lambda: state.restore((document,), 0))
        assert built == []
    assert state.document.trainings == document.trainings
    assert len([job for job in built if job.fraction is None]) == 1


@pytest.mark.alone
def test_it_stops_within_two_seconds_in_the_middle_of_everything(qtbot):
    state = State(replace(Experiment(), {"training.steps": 1_000_000, "sampling.particles": 20_000}))
    controllers = Controllers(state, device="cpu")
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.start()
    controllers.training.start()
    controllers.measuring.measure("test-set")
    controllers.clicking.inspect((0.0, 0.0))
    qtbot.wait(300)
    start = time.monotonic()
    assert controllers.shutdown(20.0)
    assert time.monotonic() - start < 2.0


def test_digits_train_and_sample_as_images(qtbot, workspace):
    state, controllers = workspace
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "digits", "sampling.particles": 16, "training.steps": 3, "network.width": 16})
    assert controllers.state.problem.is_image
    qtbot.waitUntil(lambda: controllers.playing.trajectory.positions.shape[1:] == (16, 1, 8, 8))
    train(qtbot, controllers)
    assert controllers.training.trained_steps == 3
    controllers.playing.set_playing(False)
    qtbot.waitUntil(lambda: complete(controllers))
    with qtbot.waitSignal(controllers.clicking.likelihood_changed) as found:
        controllers.clicking.inspect(3)
    np.testing.assert_array_equal(found.args[0].point, controllers.playing.trajectory.positions[-1][3])
    assert found.args[0].number == 3
    with qtbot.waitSignal(controllers.clicking.interpolation_changed) as found:
        controllers.clicking.go_to(5)
    assert found.args[0].points.shape == (11, 1, 8, 8)
    np.testing.assert_allclose(found.args[0].points[-1], controllers.playing.trajectory.positions[-1][5], atol=0.05)


def test_untrained_scores_are_told_by_the_training_so_far(qtbot, workspace, tmp_path):
    """A share that is chosen afterwards trains nothing yet, and a session knows what has been trained."""
    state, controllers = workspace
    small = {"sampling.particles": 4, "network.width": 16, "network.depth": 1}
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "digits", "training.steps": 2, "training.label_dropout": 0.0} | small)
    train(qtbot, controllers)
    state.edit({"training.label_dropout": 0.1})
    assert "every label so far" in str(why_disabled.measuring_score(controllers))
    controllers.sessions.pack({})().save(tmp_path / "one.spg")
    other = Controllers(State(), device="cpu")
    try:
        other.sessions.open(Session.load(tmp_path / "one.spg"))
        with qtbot.waitSignal(other.state.problem_changed):
            other.start()
        assert other.state.conditions.hidden_labels == (0.0, 0.0)
        assert "every label so far" in str(why_disabled.evaluating(other))
    finally:
        assert other.shutdown(20.0)
    told = []
    controllers.training.changed.connect(lambda _: told.append(why_disabled.measuring_score(controllers)))
    train(qtbot, controllers)
    assert told[0]
    assert not told[-1]
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.building.reset_training()
    assert controllers.state.problem.conditions.hidden_labels is None


def test_weights_of_another_network_are_left_out_and_said_so(qtbot, workspace):
    _state, controllers = workspace
    train(qtbot, controllers)
    session = controllers.sessions.pack({})()
    assert session.weights is not None
    strange = dataclasses.replace(
        session, weights={name: array[:1] if array.ndim == 2 else array for name, array in session.weights.items()}
    )
    other = Controllers(State(), device="cpu")
    try:
        other.sessions.open(strange)
        with qtbot.waitSignal(other.state.notified) as told:
            other.start()
        assert "another network" in str(told.args[0].message)
        qtbot.waitUntil(lambda: other.state.problem is not None)
        assert other.training.untrained
        assert other.state.problem.count == 2_000
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
    controllers = Controllers(State(), device="cpu")
    try:
        controllers.sessions.open(session)
        with qtbot.waitSignal(controllers.state.problem_changed):
            controllers.start()
        assert (
            controllers.training.status,
            controllers.training.trained_steps,
            controllers.training.last_progress,
        ) == (state, steps, None)
    finally:
        assert controllers.shutdown(20.0)


def test_points_opened_while_a_session_is_being_built_follow_it(qtbot, workspace, tmp_path):
    _state, controllers = workspace
    train(qtbot, controllers)
    session = controllers.sessions.pack({})()
    path = tmp_path / "mine.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(100, 2)), delimiter=",", header="east,north", comments="")
    other = Controllers(State(), device="cpu")
    try:
        other.sessions.open(session)
        other.start()
        other.reading.open_points(str(path))
        qtbot.waitUntil(
            lambda: other.state.problem is not None and other.state.problem.axes == ("east", "north"),
        )
        with qtbot.waitSignal(other.state.problem_changed):
            other.state.undo()
        assert other.state.problem.name == "two moons"
        assert other.training.trained_steps == 60
    finally:
        assert other.shutdown(20.0)


def test_images_are_read_scaled_anew_and_kept_in_a_session(qtbot, workspace, tmp_path):
    state, controllers = workspace
    images = np.random.default_rng(0).integers(0, 256, (60, 20, 20, 3), dtype=np.uint8)
    path = tmp_path / "a.npz"
    np.savez(path, images=images, labels=np.arange(60) % 3)
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.reading.open_points(str(path), "images")
    assert controllers.state.problem.points.shape == (48, 3, 20, 20)
    assert controllers.state.problem.conditions == Conditions((0, 1, 2), 12)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.pixels": 8, "data.colours": "grey"})
    assert controllers.state.problem.points.shape == (48, 1, 8, 8)
    file = tmp_path / "one.spg"
    controllers.sessions.pack({})().save(file)
    session = Session.load(file)
    assert np.array_equal(session.labels, session.dataset().labels)
    assert np.bincount(session.labels).tolist() == [16, 16, 16]
    assert session.dataset().grey_levels == 256


def test_a_file_of_points_lets_go_of_what_only_images_have(qtbot, workspace, tmp_path):
    state, controllers = workspace
    images = {"data.kind": "digits", "network.kind": "u-net", "sampling.inpainting_mask": "frame", "sampling.steps": 5}
    state.edit(images)
    path = tmp_path / "a.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(60, 2)), delimiter=",")
    controllers.reading.open_points(str(path))
    qtbot.waitUntil(lambda: controllers.state.problem.name == "a.csv" and complete(controllers))
    state.undo()
    assert {key: state.value(key) for key in images} == images


def test_images_whose_classes_the_file_tells_take_no_reference_batch(qtbot, workspace, tmp_path):
    state, controllers = workspace
    path = tmp_path / "a.npz"
    np.savez(path, images=np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8), labels=np.arange(60) % 3)
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.reading.open_points(str(path), "images")
    state.edit({"objective.target_batch": 64})
    for begin in (controllers.training.start, lambda: state.edit({"objective.target_batch": 32})):
        with qtbot.waitSignal(controllers.state.notified) as told:
            begin()
        assert "choose objective.target_batch = auto or 1" in str(told.args[0].message)
        assert controllers.training.status != "training"
        state.edit({"objective.target_batch": "auto"})
        controllers.training.start()
        assert controllers.training.status == "training"
    controllers.training.pause()


def test_reading_a_folder_ends_when_other_data_are_chosen(qtbot, workspace, tmp_path, monkeypatch):
    state, controllers = workspace
    read = []

    def picture(name, side):
        read.append(name)
        time.sleep(0.01)
        return np.zeros((side, side, 3), np.uint8)

    monkeypatch.setattr(pictures, "read_picture", picture)
    monkeypatch.setattr(pictures, "read_size", lambda name: (32, 32))
    for number in range(2000):
        (tmp_path / f"{number}.png").touch()
    controllers.reading.open_points(str(tmp_path), "images")
    qtbot.waitUntil(lambda: len(read) > 2)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "rings"})
    qtbot.waitUntil(lambda: controllers.jobs.idle)
    assert controllers.state.problem.name == "rings"
    assert len(read) < 1500


@pytest.mark.parametrize("kind", SHIPPED)
def test_a_shipped_model_is_trained_until_it_is_reset(qtbot, workspace, kind):
    state, controllers = workspace
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.building.prefer_bundled()
        state.load(replace(Experiment(), {"data.kind": kind}))
    assert controllers.training.status == "finished"
    assert controllers.training.trained_steps >= 6_000
    assert not controllers.training.untrained
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.building.reset_training()
    assert controllers.training.untrained


def test_other_settings_than_those_that_ship_begin_untrained(qtbot, workspace):
    state, controllers = workspace
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.building.prefer_bundled()
        state.load(replace(Experiment(), {"data.kind": "digits", "network.width": 64}))
    assert controllers.training.untrained


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_shipped_models_label_dropout_is_its_own(qtbot, workspace, share):
    state, controllers = workspace
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.building.prefer_bundled()
        state.load(replace(Experiment(), {"data.kind": "digits", "training.label_dropout": share}))
    assert controllers.training.trained_steps >= 6_000
    assert controllers.state.problem.conditions.hidden_labels == (0.3, 0.3)
    assert not len(controllers.training.loss_history[0])  # its losses are of another share too


def test_a_map_that_the_playhead_has_left_behind_stops_nothing_when_training_begins(qtbot, workspace):
    state, controllers = workspace
    state.edit({"training.steps": 1_000_000})
    qtbot.waitUntil(lambda: complete(controllers))
    controllers.mapping.compute()
    controllers.playing.set_playing(True)
    qtbot.waitUntil(lambda: not controllers.following.pinned)
    controllers.training.start()
    assert controllers.playing.is_playing


def test_a_point_clicked_just_before_training_rests_is_measured_then(qtbot, workspace):
    state, controllers = workspace
    state.edit({"training.steps": 1_000_000})
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 5)
    controllers.clicking.inspect((0.5, 0.2))
    assert controllers.clicking.likelihood is None
    controllers.training.pause()
    qtbot.waitUntil(
        lambda: controllers.clicking.likelihood is not None and not controllers.jobs.running("likelihood"),
    )
    assert np.allclose(controllers.clicking.likelihood.point, (0.5, 0.2))
    controllers.training.start()
    controllers.clicking.clear_inspection()
    controllers.training.pause()
    assert not controllers.jobs.running("likelihood")
    controllers.clicking.inspect((0.5, 0.2))
    controllers.clicking.cancel("likelihood")
    controllers.training.start()
    controllers.training.pause()
    assert not controllers.jobs.running("likelihood")


@pytest.mark.parametrize("rests", [True, False])
def test_a_measurement_of_a_replaced_model_is_taken_again(qtbot, workspace, rests):
    state, controllers = workspace
    maps = []
    controllers.following.changed.connect(lambda view, _: maps.append(view) if isinstance(view, DensityView) else None)
    qtbot.waitUntil(lambda: complete(controllers))
    if rests:
        state.edit({"training.steps": 1_000_000})
        controllers.training.start()
    jobs = {
        "test-set": lambda: controllers.measuring.measure("test-set"),
        "quality": lambda: controllers.measuring.measure("quality"),
        "fisher": lambda: controllers.measuring.measure("fisher"),
        "density": controllers.mapping.compute,
    }
    for measure in jobs.values():
        measure()
    assert not controllers.playing.is_playing
    if rests:
        controllers.training.pause()
    else:
        state.edit({"likelihood.source": "exact"})
    assert all(map(controllers.jobs.running, jobs))
    if rests:
        return  # what ends before the last block of training has ended is of neither model
    qtbot.waitUntil(lambda: not any(map(controllers.jobs.running, jobs)))
    found = on_cards(controllers)
    assert found["test_nll"] == pytest.approx(
        found["optimal_nll"], abs=1e-3
    )  # the exact score's, not the untrained one's
    assert found["sliced_wasserstein2"] > 0
    assert len(found["score_sigmas"]) == 24
    assert maps[-1].source == "exact"


def test_stale_figures_are_forgotten_and_the_clicked_point_is_measured_anew(qtbot, workspace):
    state, controllers = workspace
    qtbot.waitUntil(lambda: complete(controllers))
    with qtbot.waitSignal(controllers.measuring.evaluation_changed):
        controllers.measuring.measure("quality")
    qtbot.waitUntil(lambda: "sliced_wasserstein2" in on_cards(controllers))
    state.edit({"sampling.kind": "probability-flow"})
    assert "sliced_wasserstein2" not in on_cards(controllers)
    with qtbot.waitSignal(controllers.clicking.likelihood_changed):
        controllers.clicking.inspect((0.0, 1.0))
    before = controllers.clicking.likelihood.flow.log_prob
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.clicking.likelihood is None)
    qtbot.waitUntil(
        lambda: controllers.training.status == "finished" and controllers.clicking.likelihood is not None,
    )
    assert controllers.clicking.likelihood.flow.log_prob != before
    assert controllers.clicking.likelihood.point.tolist() == [0.0, 1.0]


def test_the_clicked_point_stays_under_other_noise_and_leaves_with_its_data(qtbot, workspace):
    state, controllers = workspace
    with qtbot.waitSignal(controllers.clicking.likelihood_changed):
        controllers.clicking.inspect((0.0, 1.0))
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"noise.kind": "vp"})
    assert controllers.clicking.likelihood is None  # that was of another model
    qtbot.waitUntil(lambda: controllers.clicking.likelihood is not None)
    assert controllers.clicking.likelihood.point.tolist() == [0.0, 1.0]
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "rings"})
    assert state.document.clicked == ()
    assert not controllers.jobs.running("likelihood")


def test_one_cancels_the_first_point_with_the_second_or_the_second_alone(qtbot, workspace):
    state, controllers = workspace
    clicking, jobs = controllers.clicking, controllers.jobs
    clicking.inspect((0.0, 1.0))
    clicking.go_to((1.0, -0.5))
    clicking.cancel("likelihood")
    assert state.document.clicked == ()
    assert not jobs.running("interpolation")
    clicking.inspect((0.0, 1.0))
    clicking.go_to((1.0, -0.5))
    clicking.cancel("interpolation")
    assert state.document.clicked == ((0.0, 1.0),)
    assert jobs.running("likelihood")


def test_after_a_cancelled_click_the_way_begins_at_the_point_that_is_shown(qtbot, workspace):
    state, controllers = workspace
    clicking = controllers.clicking
    clicking.inspect((0.0, 1.0))
    qtbot.waitUntil(lambda: clicking.likelihood is not None)
    clicking.inspect((0.5, 0.25))
    clicking.cancel("likelihood")
    clicking.go_to((1.0, -0.5))
    assert state.document.clicked == ((0.0, 1.0), (1.0, -0.5))
    qtbot.waitUntil(lambda: clicking.interpolation is not None)
    clicking.go_to((0.5, 0.25))
    clicking.cancel("interpolation")
    assert state.document.clicked == ((0.0, 1.0), (1.0, -0.5))


def test_both_points_are_measured_again_with_other_weights(qtbot, workspace):
    _, controllers = workspace
    clicking = controllers.clicking
    clicking.inspect((0.0, 1.0))
    clicking.go_to((1.0, -0.5))
    qtbot.waitUntil(lambda: clicking.interpolation is not None)
    controllers.training.start()
    qtbot.waitUntil(lambda: clicking.interpolation is None)
    qtbot.waitUntil(lambda: controllers.training.status == "finished" and clicking.interpolation is not None)
    np.testing.assert_array_equal(clicking.interpolation.ends, [[0.0, 1.0], [1.0, -0.5]])


def test_a_clicked_image_of_a_larger_run_is_not_saved_and_of_another_run_not_measured(qtbot, workspace, tmp_path):
    state, controllers = workspace
    clicking, playing = controllers.clicking, controllers.playing

    def ended():
        run = playing.trajectory
        return not controllers.building.busy and playing.is_of_now and run.shape == (1, 8, 8) and run.finished

    state.edit({"data.kind": "digits", "network.width": 8, "sampling.particles": 16, "sampling.steps": 10})
    qtbot.waitUntil(ended)
    clicking.inspect(12)
    qtbot.waitUntil(lambda: clicking.likelihood is not None)
    state.edit({"sampling.particles": 3})
    qtbot.waitUntil(ended)
    controllers.sessions.pack({})().save(tmp_path / "digits.spg")
    assert Session.load(tmp_path / "digits.spg").clicked == ()
    state.edit({"data.kind": "rings"})
    qtbot.waitUntil(lambda: not controllers.building.busy)
    state.undo()
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert state.document.clicked == (12,)
    assert clicking.likelihood is None
    assert not controllers.jobs.running("likelihood")


def test_a_click_on_data_that_are_going_away_is_none(qtbot, workspace):
    state, controllers = workspace
    clicking = controllers.clicking
    clicking.inspect((0.0, 1.0))
    state.edit({"data.kind": "digits"})
    clicking.inspect((0.5, 0.5))
    clicking.go_to((1.0, 1.0))
    assert state.document.clicked == ()
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert not controllers.jobs.running("likelihood")
    state.edit({"data.kind": "rings"})
    clicking.inspect(3)
    assert state.document.clicked == ()


def test_a_point_that_cannot_be_measured_shows_no_other(qtbot, workspace):
    state, controllers = workspace
    clicking = controllers.clicking
    clicking.inspect((0.0, 1.0))
    qtbot.waitUntil(lambda: clicking.likelihood is not None)
    state.edit({"network.width": 16})  # which is still being built
    clicking.inspect((1.0, -0.5))
    assert clicking.likelihood is None
    qtbot.waitUntil(lambda: clicking.likelihood is not None)
    assert clicking.likelihood.point.tolist() == [1.0, -0.5]


def test_clicks_are_one_step_of_the_history_and_no_unsaved_work(qtbot, workspace):
    state, controllers = workspace
    clicking = controllers.clicking
    modified, steps = state.modified, state.stack.count()
    clicking.inspect((5.0, 5.0))
    clicking.inspect((0.0, 1.0))
    clicking.go_to((1.0, -0.5))
    assert state.document.clicked == ((0.0, 1.0), (1.0, -0.5))
    assert (state.stack.count(), state.undo_text, state.modified) == (steps + 1, "click on a point", modified)
    qtbot.waitUntil(lambda: clicking.interpolation is not None)
    state.edit({"data.kind": "rings"})
    assert state.document.clicked == ()
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert clicking.likelihood is clicking.interpolation is None
    state.undo()
    qtbot.waitUntil(lambda: not controllers.building.busy)
    qtbot.waitUntil(lambda: clicking.likelihood is not None and clicking.interpolation is not None)
    assert clicking.likelihood.point.tolist() == [0.0, 1.0]
    np.testing.assert_array_equal(clicking.interpolation.ends, [[0.0, 1.0], [1.0, -0.5]])
    state.undo()
    assert state.document.clicked == ()
    assert clicking.likelihood is clicking.interpolation is None
    state.redo()
    qtbot.waitUntil(lambda: clicking.interpolation is not None)
    clicking.clear_inspection()
    assert clicking.likelihood is clicking.interpolation is None
    clicking.go_to((0.0, 1.0))  # there is no first point: this one is the first
    assert state.document.clicked == ((0.0, 1.0),)
    clicking.cancel("likelihood")
    assert state.document.clicked == ()


def test_settings_kept_for_other_data_cost_no_weights(qtbot, workspace):
    state, controllers = workspace
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    steps = controllers.training.trained_steps
    stroke = Stroke(((0.0, 0.0), (1.0, 1.0)), 0.2)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "drawn", "data.strokes": (stroke,)})
    assert controllers.training.untrained
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit({"data.kind": "two-moons"})
    assert state.replaced_by({"data.kind": "drawn"}).data.strokes == (
        stroke,
    )  # the drawing is there when it is chosen again
    assert controllers.training.trained_steps == steps
    controllers.training.start()  # the trainer, too, takes the settings as they are now
    state.edit({"training.learning_rate": 1e-3})
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    assert controllers.training.trained_steps > steps
