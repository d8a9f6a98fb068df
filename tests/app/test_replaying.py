"""Going back through a training: everything in view is by the weights of the step that was chosen."""

import copy
import dataclasses

import numpy as np
import pytest

from playground.app.controllers import replaying as module
from playground.app.controllers import why_disabled
from playground.app.controllers.building import VIEWED
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.measurements import learned_score
from playground.app.controllers.sampling_worker import OverlayRequest, SamplingWorker
from playground.app.model.state import State
from playground.app.model.views import FieldView
from playground.lab.experiment import Experiment, replace
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.user_errors import UserError
from tests.app.conftest import wait
from tests.app.test_controllers import complete
from tests.figures import on_cards

SMALL = {
    "data.points": 500,
    "network.width": 8,
    "network.depth": 1,
    "training.steps": 300,
    "training.batch": 64,
    "sampling.particles": 60,
    "sampling.steps": 30,
    "likelihood.points": 20,
    "likelihood.tolerance": 1e-1,
}


def started(qtbot, changes=None) -> Controllers:
    controllers = Controllers(State(replace(Experiment(), SMALL | (changes or {}))), device="cpu")
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.start()
    return controllers


def shows_newest(controllers) -> bool:
    run = controllers.playing.run
    return run is not None and run.weights is controllers.state.model.newest


@pytest.fixture
def controllers(qtbot):
    """Controllers that have trained and rest at the end of a run by the newest weights."""
    controllers = started(qtbot)
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    controllers.playing.set_playing(False)
    qtbot.waitUntil(lambda: shows_newest(controllers))
    qtbot.waitUntil(lambda: not controllers.playing.recorded < controllers.playing.total)
    controllers.playing.seek(10_000)
    qtbot.waitUntil(lambda: complete(controllers) and controllers.playing.frame == controllers.playing.total - 1)
    yield controllers
    assert controllers.shutdown(20.0)


def sampled(controllers, weights) -> np.ndarray:
    """The last positions of a run by some weights, from the noise of the run in view."""
    problem = controllers.state.model.problem
    for trajectory in sample(problem, learned_score(problem, weights), seed=controllers.sampling.seed):  # noqa: B007
        pass
    return trajectory.positions[-1]


def test_a_chosen_step_shows_particles_of_its_weights_from_the_same_noise_at_the_same_frame(qtbot, controllers):
    replaying, playing = controllers.replaying, controllers.playing
    start, end, frame = playing.trajectory.positions[0].copy(), playing.trajectory.positions[-1].copy(), playing.frame
    assert replaying.steps[0] == 0
    assert replaying.steps[-1] == 300
    assert len(replaying.steps) > 3
    replaying.choose(1)
    assert (replaying.step, replaying.place) == (replaying.steps[1], 1)
    assert controllers.playing.main.is_replacing
    np.testing.assert_array_equal(playing.trajectory.positions[-1], end)  # until all of the others are there
    qtbot.waitUntil(lambda: complete(controllers))
    weights = controllers.state.model.weights
    assert weights.step == replaying.step
    assert playing.frame == frame
    np.testing.assert_array_equal(playing.trajectory.positions[0], start)
    np.testing.assert_allclose(playing.trajectory.positions[-1], sampled(controllers, weights), rtol=1e-5, atol=1e-5)
    assert not np.allclose(playing.trajectory.positions[-1], end)


def test_the_playhead_stays_as_far_along_where_the_run_in_view_keeps_fewer_frames(qtbot, controllers):
    playing, whole = controllers.playing, controllers.playing.trajectory
    short = type(whole).from_arrays(
        {
            name: array[::2] if array.ndim and len(array) == len(whole) else array
            for name, array in whole.arrays().items()
        }
    )
    playing.main.put([dataclasses.replace(playing.run, trajectory=short, weights=None)])
    playing.seek(len(short) // 2)
    assert playing.total == len(short)
    sigma = playing.sigma
    controllers.replaying.choose(1)
    qtbot.waitUntil(lambda: not controllers.playing.main.is_replacing)
    assert playing.total == len(whole)
    assert playing.sigma == pytest.approx(sigma, rel=0.3)


def test_a_step_that_was_shown_comes_back_without_being_sampled(qtbot, controllers):
    first = controllers.playing.trajectory
    controllers.replaying.choose(1)
    qtbot.waitUntil(lambda: complete(controllers))
    second = controllers.playing.trajectory
    controllers.replaying.choose(99)
    assert controllers.replaying.step is None
    assert not controllers.playing.main.is_replacing
    # At once, so it is not sampled; not the same object if the fixture's run was sampled twice.
    assert controllers.playing.trajectory.finished
    np.testing.assert_array_equal(controllers.playing.trajectory.positions, first.positions)
    controllers.replaying.choose(1)
    assert controllers.playing.trajectory is second
    controllers.state.edit({"sampling.steps": 12})  # of other settings none is kept
    qtbot.waitUntil(lambda: controllers.playing.trajectory.steps == 13)
    controllers.replaying.choose(99)
    assert controllers.playing.main.is_replacing


def test_the_run_of_a_file_comes_back_with_the_newest_weights(qtbot, controllers, tmp_path):
    controllers.sessions.pack({})().save(tmp_path / "a.spg")
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.sessions.open(Session.load(tmp_path / "a.spg"))
    recorded = controllers.playing.trajectory
    controllers.replaying.choose(1)
    qtbot.waitUntil(lambda: complete(controllers))
    assert controllers.playing.trajectory is not recorded
    saved = controllers.sessions.pack({})().trajectory["positions"]
    np.testing.assert_array_equal(saved.reshape(recorded.positions.shape), recorded.positions)
    controllers.replaying.choose(99)
    assert controllers.playing.trajectory is recorded
    assert not controllers.playing.main.is_replacing
    controllers.replaying.choose(1)
    controllers.sampling.restart(new_seed=True)
    controllers.playing.set_playing(False)
    qtbot.waitUntil(lambda: controllers.playing.run.seed == 1)
    controllers.replaying.choose(99)
    assert controllers.playing.main.is_replacing  # other noise has no run yet
    qtbot.waitUntil(lambda: complete(controllers))
    assert controllers.playing.trajectory is not recorded


def test_runs_that_follow_a_known_score_stay_in_view(qtbot, controllers):
    controllers.state.edit({"sampling.source": "exact"})
    qtbot.waitUntil(lambda: controllers.playing.is_of_now and complete(controllers))
    run = controllers.playing.trajectory
    controllers.replaying.choose(0)
    assert controllers.playing.trajectory is run
    assert not controllers.playing.main.is_replacing
    controllers.sampling.restart()
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not run and complete(controllers))
    assert controllers.sessions.pack({})().trajectory is not None  # it is a run by the newest weights too


def test_the_field_follows_at_once(qtbot, controllers):
    seen = []
    controllers.following.changed.connect(lambda view, _: seen.append(view) if isinstance(view, FieldView) else None)
    controllers.replaying.choose(0)
    model, (sigma, time) = controllers.state.model, controllers.playing.frame_noise
    wanted = dataclasses.replace(controllers.following.wanted, layers=frozenset({"learned"}))
    asked = OverlayRequest(model, wanted, sigma, time)
    expected, _ = SamplingWorker().compute_overlays(asked)
    qtbot.waitUntil(lambda: bool(seen) and np.allclose(seen[-1].learned, expected.learned, rtol=1e-5, atol=1e-6))
    newest = dataclasses.replace(asked.model, weights=model.newest)
    other, _ = SamplingWorker().compute_overlays(dataclasses.replace(asked, model=newest))
    assert not np.allclose(seen[-1].learned, other.learned, rtol=1e-3)


def test_an_export_takes_the_run_of_the_chosen_weights_though_the_last_one_is_in_view(controllers):
    controllers.replaying.choose(1)
    assert controllers.playing.main.is_replacing
    for trajectory in controllers.sampling.trajectory_iterator()():  # noqa: B007
        pass
    weights = controllers.state.model.weights
    np.testing.assert_allclose(trajectory.positions[-1], sampled(controllers, weights), rtol=1e-5, atol=1e-5)


def is_taken(controllers) -> bool:
    """Whether the run in view is taken for one of the present settings and weights, and not sampled again."""
    return next(controllers.sampling.trajectory_iterator()()) is controllers.playing.trajectory


def test_a_run_of_settings_before_is_not_taken_for_one_of_the_present(qtbot, controllers, monkeypatch):
    told = []
    assert is_taken(controllers)
    controllers.state.notified.connect(told.append)

    def fails(*_, **__):
        raise UserError("The particles have run away.")

    with monkeypatch.context() as patch:
        patch.setattr("playground.lab.sampling.sample", fails)
        controllers.state.edit({"sampling.steps": 12})
        qtbot.waitUntil(lambda: bool(told))
    assert not is_taken(controllers)
    controllers.state.undo()
    qtbot.waitUntil(lambda: controllers.playing.is_of_now and complete(controllers))
    assert is_taken(controllers)


def test_a_run_of_unknown_weights_is_not_taken_for_one_of_the_present(controllers):
    model = controllers.state.model
    run = copy.copy(controllers.playing.trajectory)  # as a pinned one whose weights training has changed meanwhile
    controllers.sampling.show_recorded(run, model)
    assert not is_taken(controllers)
    controllers.sampling.show_recorded(run, model, model.weights)
    assert is_taken(controllers)


def test_a_run_is_not_taken_for_one_of_weights_that_have_just_come(qtbot, controllers):
    taken = []
    controllers.training.changed.connect(lambda _: taken.append(is_taken(controllers)))
    controllers.state.edit({"training.steps": 340})
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    assert not taken[-1]
    qtbot.waitUntil(lambda: shows_newest(controllers) and complete(controllers))
    assert is_taken(controllers)


def test_a_files_run_is_its_own_until_training_has_changed_the_weights(qtbot, controllers):
    other = started(qtbot)
    try:
        with qtbot.waitSignal(other.state.problem_changed):
            other.sessions.open(controllers.sessions.pack({})())
        qtbot.waitUntil(lambda: not other.building.busy)
        opened = other.playing.trajectory
        wait()
        assert other.playing.trajectory is opened
        assert is_taken(other)
        other.playing.set_playing(False)
        other.state.edit({"training.steps": 340})
        other.training.start()
        qtbot.waitUntil(lambda: other.training.status == "finished")
        qtbot.waitUntil(lambda: shows_newest(other) and complete(other))
        assert other.playing.trajectory is not opened
        assert is_taken(other)
    finally:
        assert other.shutdown(20.0)


def test_particles_that_cannot_be_sampled_are_told_and_hold_up_no_other_step(qtbot, controllers, monkeypatch):
    told, end = [], controllers.playing.trajectory.positions[-1].copy()
    controllers.state.notified.connect(told.append)

    def fails(*_, **__):
        raise UserError("The particles have run away.")

    with monkeypatch.context() as patch:
        patch.setattr("playground.lab.sampling.sample", fails)
        controllers.replaying.choose(1)
        qtbot.waitUntil(lambda: bool(told))
        assert not controllers.playing.main.is_replacing
        assert controllers.playing.main.lags
        np.testing.assert_array_equal(controllers.playing.trajectory.positions[-1], end)
    controllers.replaying.choose(2)
    qtbot.waitUntil(lambda: complete(controllers))
    assert not controllers.playing.main.lags
    assert not np.allclose(controllers.playing.trajectory.positions[-1], end)


def test_training_goes_on_with_the_newest_weights_in_view(qtbot, controllers):
    controllers.replaying.choose(1)
    controllers.state.edit({"training.steps": 1_000_000})
    controllers.training.start()
    assert controllers.replaying.step is None
    assert controllers.state.model.weights is controllers.state.model.newest
    controllers.replaying.choose(0)
    controllers.replaying.set_playing(True)
    assert controllers.replaying.step is None
    assert not controllers.replaying.is_playing
    assert why_disabled.choosing_step(controllers) == why_disabled.TRAINING
    controllers.training.pause()
    assert why_disabled.choosing_step(controllers) is None
    assert controllers.replaying.steps[-1] == controllers.training.trained_steps


def test_before_training_no_step_can_be_chosen(qtbot):
    controllers = started(qtbot)
    controllers.replaying.choose(0)
    assert controllers.replaying.step is None
    assert controllers.replaying.steps == ()
    assert why_disabled.choosing_step(controllers) == why_disabled.NOT_TRAINED
    assert controllers.shutdown(20.0)


def measured(controllers) -> bool:
    return not any(controllers.jobs.running(job) for job in ("test-set", "quality", "fisher", "likelihood"))


def test_figures_belong_to_the_weights_that_they_were_measured_with_and_follow_the_step(qtbot, controllers):
    measuring, clicking = controllers.measuring, controllers.clicking
    ready = "test_nll", "sliced_wasserstein2"
    for job in ("test-set", "quality", "fisher"):
        measuring.measure(job)
    clicking.inspect((0.3, 0.2))
    qtbot.waitUntil(lambda: measured(controllers) and set(ready) <= on_cards(controllers).keys())
    newest, log_prob = on_cards(controllers), clicking.likelihood.flow.log_prob
    controllers.replaying.choose(0)
    assert on_cards(controllers).keys() <= {"reasons"}
    assert clicking.likelihood is None
    qtbot.waitUntil(lambda: measured(controllers) and set(ready) <= on_cards(controllers).keys())
    earlier = on_cards(controllers)
    for figure in ready:
        assert earlier[figure] > newest[figure]  # it was not trained
    assert not np.allclose(earlier["relative_score_error"], newest["relative_score_error"])
    np.testing.assert_allclose(clicking.likelihood.point, (0.3, 0.2))
    assert clicking.likelihood.untrained
    assert clicking.likelihood.flow.log_prob != pytest.approx(log_prob, abs=1e-3)
    controllers.replaying.choose(99)
    assert on_cards(controllers) == newest
    controllers.replaying.choose(0)
    assert on_cards(controllers) == earlier


def test_a_file_has_run_and_figures_of_the_newest_weights_whichever_are_in_view(qtbot, controllers, tmp_path):
    newest = controllers.playing.trajectory.positions[-1].copy()
    controllers.measuring.measure("quality")
    qtbot.waitUntil(lambda: measured(controllers) and "sliced_wasserstein2" in on_cards(controllers))
    figure = on_cards(controllers)["sliced_wasserstein2"]
    controllers.replaying.choose(0)
    qtbot.waitUntil(lambda: complete(controllers) and "sliced_wasserstein2" in on_cards(controllers))
    assert on_cards(controllers)["sliced_wasserstein2"] != figure
    controllers.sessions.pack({})().save(tmp_path / "a.spg")
    saved = Session.load(tmp_path / "a.spg")
    assert saved.measurements["quality"]["sliced_wasserstein2"] == figure
    np.testing.assert_array_equal(saved.trajectory["positions"][-1].reshape(newest.shape), newest)
    steps = controllers.replaying.steps
    other = started(qtbot)
    with qtbot.waitSignal(other.state.problem_changed):
        other.sessions.open(saved)
    assert other.replaying.steps == steps
    assert other.replaying.step is None
    other.replaying.choose(2)
    tensors = [one.state.model.training.trainer.checkpoints.weights[steps[2]] for one in (controllers, other)]
    for name, tensor in tensors[0].items():
        np.testing.assert_array_equal(tensor, tensors[1][name])
    qtbot.waitUntil(lambda: complete(other))
    assert other.shutdown(20.0)


def test_the_training_is_played_step_by_step_while_the_run_rests(qtbot, controllers, monkeypatch):
    monkeypatch.setattr(module, "HOLD", 0.02)
    replaying, playing, seen = controllers.replaying, controllers.playing, []

    def look() -> None:
        if seen[-1:] != [replaying.step]:
            seen.append(replaying.step)

    controllers.state.weights_chosen.connect(look)
    playing.set_playing(True)
    replaying.set_playing(True)
    qtbot.waitUntil(lambda: not playing.is_playing)
    assert replaying.is_playing
    qtbot.waitUntil(lambda: not replaying.is_playing)
    assert seen == [*replaying.steps[:-1], None]
    qtbot.waitUntil(lambda: complete(controllers))
    replaying.choose(2)
    replaying.set_playing(True)  # on from there
    assert replaying.step == replaying.steps[2]
    playing.set_playing(True)
    assert not replaying.is_playing
    replaying.set_playing(True)
    place = replaying.place
    replaying.move(-1)
    assert (replaying.is_playing, replaying.place) == (False, place - 1)


def test_a_step_waits_for_its_particles_before_the_next(controllers):
    replaying = controllers.replaying
    replaying.set_playing(True)
    for _ in range(100):
        replaying.advance(1.0, ready=False)
    assert replaying.place == 0
    replaying.advance(module.HOLD, ready=True)
    assert replaying.place == 1


def test_canvas_chart_chip_and_status_say_which_weights_are_in_view(window, qtbot):
    controllers, state = window.controllers, window.state
    state.edit({"training.steps": 200, "network.width": 8, "network.depth": 1})
    qtbot.waitUntil(lambda: not controllers.building.busy)
    window.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    qtbot.waitUntil(lambda: window.transport.track.isEnabled())
    assert window.transport.track.maximum() == len(controllers.replaying.steps) - 1
    track, step = window.transport.track, controllers.replaying.steps[1]
    track.step_chosen.emit(1)
    assert controllers.replaying.step == step
    assert track.value() == 1
    qtbot.waitUntil(lambda: not controllers.playing.main.is_replacing and window.canvas.shown().caption != ())
    qtbot.waitUntil(lambda: window.canvas.shown().caption[0] == f"weights of training step {step}")
    assert f"weights of step {step} shown" in window.status.training.text()
    chart = next(
        panel.chart for panel in window.panels if hasattr(panel, "chart") and type(panel).__name__ == "TrainingPanel"
    )
    assert chart.marked == step
    assert chart.entries()[-1].text == "weights in view"
    assert f"training step {step}" in window.chips.chips["learned"].toolTip()
    window.actions_by_key.trigger("train.step_back")
    qtbot.waitUntil(lambda: window.canvas.shown().caption[0] == "weights of training step 0, untrained network")
    window.actions_by_key.trigger("train.replay")
    assert controllers.replaying.is_playing
    window.actions_by_key.trigger("train.replay")
    assert not controllers.replaying.is_playing
    track.step_chosen.emit(track.maximum())
    qtbot.waitUntil(lambda: "weights" not in window.canvas.shown().caption[0])
    assert chart.marked is None
    wait(milliseconds=10)


@pytest.mark.parametrize("saved", ["earlier", "newest", "gone", "no number"])
def test_a_session_opens_by_the_training_step_that_was_in_view(controllers, qtbot, saved):
    step = controllers.replaying.steps[3]
    view = {
        "earlier": {VIEWED: step},
        "newest": {},
        "gone": {VIEWED: 7},
        "no number": {VIEWED: [1]},
    }
    session = controllers.sessions.pack(view[saved])()
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.sessions.open(session)
    qtbot.waitUntil(lambda: controllers.replaying.step == (step if saved == "earlier" else None))
    qtbot.waitUntil(lambda: complete(controllers))
    if saved == "earlier":  # the recorded run is of the newest weights
        qtbot.waitUntil(lambda: controllers.playing.run.weights.step == step)
