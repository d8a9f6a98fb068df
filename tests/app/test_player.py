"""What the canvas is given, and when: runs that follow each other, and views that come no more often than they are seen."""

import threading
import time

import numpy as np
import pytest

from playground.app.controllers import measurements, why_disabled
from playground.app.controllers.engine import Engine
from playground.app.controllers.measuring import UNFINISHED
from playground.app.controllers.overlay_timing import Throttle
from playground.app.controllers.playback_clock import END
from playground.app.controllers.sampling_worker import SHARE, OverlayRequest, SamplingWorker
from playground.app.model.state import State
from playground.app.model.workspace import FairLock
from playground.app.style.labels import spoken
from playground.lab.conflicts import sampling_conflict
from playground.lab.experiment import Experiment, replace
from playground.theory.ode import TooManySteps

SMALL = {
    "training.steps": 1_000_000,
    "sampling.particles": 100,
    "sampling.steps": 20,
    "data.points": 2_000,
    "network.width": 32,
}


@pytest.fixture
def engine(qtbot):
    """An engine whose first run is recorded."""
    engine = Engine(State(replace(Experiment(), SMALL)), device="cpu")
    engine.start()
    qtbot.waitUntil(lambda: engine.trajectory is not None and engine.trajectory.finished, timeout=60_000)
    yield engine
    assert engine.shutdown(20.0)


def test_follower_is_due_once_for_each_change_but_not_too_often():
    follower = Throttle(0.1)
    assert follower.due((1,), now=5.0)
    assert not follower.due((1,), now=6.0)
    assert follower.due((2,), now=6.0)
    assert not follower.due((3,), now=6.05)
    assert follower.due((3,), now=6.11)
    follower.forget()
    assert follower.due((3,), now=6.12)


def view(**changes):
    asked = {"learned": False, "exact": False, "density": False} | changes
    return OverlayRequest(workspace=None, bounds=(0, 1, 0, 1), columns=2, rows=2, sigma=1.0, time=None, **asked)


def test_a_new_view_keeps_what_the_last_one_still_waits_for():
    worker = SamplingWorker()
    worker.request_overlays(view(density=True))
    worker.request_overlays(view(learned=True))
    waiting = worker._overlay_requests.take()
    assert (waiting.learned, waiting.exact, waiting.density) == (True, False, True)


@pytest.mark.parametrize("sampler", ["langevin", "annealed-langevin", "reverse-sde", "probability-flow"])
def test_another_noise_while_a_run_plays_is_no_error(qtbot, engine, sampler):
    """The old run's times mean nothing to the new noise; where no new run can begin, none is shown."""
    errors = []
    engine.message.connect(lambda level, sentence, action: errors.append(sentence) if level == "error" else None)
    state = engine._state
    state.edit({"sampling.kind": sampler})
    for noise in ("none", "vp", "single", "ve", "discrete", "none"):
        with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
            state.edit({"noise.kind": noise, "objective.kind": "exact"})
        for frame in range(0, 20, 5):
            engine.seek(frame)
            engine.probe(0.1, 0.2)
            qtbot.wait(60)
    assert errors == []
    refused = sampling_conflict(state.experiment) is not None
    assert refused == (sampler != "langevin")
    assert (engine.trajectory is None) == refused
    assert engine.sigma == engine.problem.sigma_min or not refused


def test_a_run_that_comes_too_late_for_its_noise_is_not_shown(qtbot, engine):
    """On a busy machine another noise, under which none can begin, may be chosen before its first frame is there."""
    late = []
    engine._sampling_worker.begin = late.append
    for noise in ("none", "vp", "single"):
        with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
            engine._state.edit({"noise.kind": noise, "objective.kind": "exact"})
    assert engine.trajectory is None
    del engine._sampling_worker.begin
    (run,) = late
    engine._sampling_worker.begin(run)
    qtbot.waitUntil(
        lambda: engine._sampling_worker.recorded[0] is run and engine._sampling_worker.recorded[1] is not None,
        timeout=10_000,
    )
    qtbot.wait(100)
    assert engine.trajectory is None


def test_results_of_replaced_data_are_not_shown(qtbot, engine):
    """The thread that computes it has the lowest priority: on a busy machine its answer may come seconds later."""
    gone, shown = engine._workspace, []
    for signal in (engine.field_changed, engine.density_changed, engine.probed):
        signal.connect(shown.append)
    engine._state.edit({"data.kind": "rings"})
    qtbot.waitUntil(lambda: engine._workspace is not gone, timeout=20_000)
    for slot in (engine._sampling_worker.fields, engine._sampling_worker.densities, engine._sampling_worker.readouts):
        slot.put((gone, "late"))
    engine._poll_sampling()
    assert "late" not in shown


@pytest.fixture
def under_way(qtbot):
    """An engine that rests at the beginning of a run which is not recorded to its end."""
    engine = Engine(State(replace(Experiment(), SMALL | {"sampling.steps": 300})), device="cpu")
    engine.set_playing(False)
    engine.start()
    qtbot.waitUntil(lambda: engine.recorded > 20, timeout=60_000)
    yield engine
    assert engine.shutdown(20.0)


def test_going_to_the_end_samples_on_while_paused(qtbot, under_way):
    engine, run = under_way, under_way.trajectory
    qtbot.wait(200)
    assert not run.finished  # nothing asks for the rest
    frames = []
    engine.frame_changed.connect(frames.append)
    engine.seek(END)
    qtbot.waitUntil(lambda: engine.frame == run.total - 1, timeout=20_000)
    assert engine.trajectory is run
    assert run.finished
    assert not engine.playing
    assert frames == sorted(frames)  # the playhead went along
    qtbot.wait(100)
    assert engine.frame == run.total - 1
    engine.seek(3)
    qtbot.wait(100)
    assert engine.frame == 3


@pytest.mark.parametrize("other", ["pause", "seek", "step", "restart"])
def test_any_next_action_cancels_going_to_the_end(qtbot, under_way, other):
    engine = under_way
    engine.seek(END)
    {
        "pause": lambda: engine.set_playing(False),
        "seek": lambda: engine.seek(2),
        "step": lambda: engine.step(-1),
        "restart": lambda: (engine.restart(), engine.set_playing(False)),
    }[other]()
    there = engine.frame
    qtbot.wait(500)
    assert engine.frame == there


def test_step_waits_for_a_frame_that_is_not_there_yet(qtbot, under_way):
    engine = under_way
    qtbot.wait(200)
    engine.seek(engine.recorded - 1)
    last = engine.frame
    engine.step(1)
    qtbot.waitUntil(lambda: engine.frame == last + 1, timeout=5_000)


def test_no_likelihood_is_taken_of_an_unfinished_image(qtbot, under_way):
    """It is said how the images are finished; one that is clicked at an earlier frame is shown as it is measured, finished."""
    engine = under_way
    engine._state.edit({"data.kind": "digits", "sampling.particles": 4, "network.width": 8})
    qtbot.waitUntil(lambda: engine.trajectory.shape == (1, 8, 8) and engine.recorded > 5, timeout=30_000)
    run = engine.trajectory
    assert not run.finished
    engine.set_playing(False)
    with qtbot.waitSignal(engine.note) as told:
        engine.inspect_image(1)
    assert told.args[1:3] == [UNFINISHED, "sample.end"]
    assert told.args[3]()
    assert not engine.running("likelihood")
    engine.seek(END)
    qtbot.waitUntil(lambda: engine.frame == run.total - 1, timeout=60_000)
    assert not told.args[3]()  # it is finished: nothing is left to say
    engine.seek(10)
    engine.inspect_image(1)
    assert engine.running("likelihood")
    assert engine.frame == run.total - 1
    np.testing.assert_array_equal(engine._place[0], run.positions[-1][1])


def test_the_users_density_map_stays_until_the_playhead_moves_on(qtbot, engine):
    shown = []
    engine.density_changed.connect(shown.append)
    engine.set_viewport(-2.0, 3.0, -2.0, 2.0)
    engine.density_map()
    assert not engine.playing
    qtbot.waitUntil(
        lambda: bool(shown) and shown[-1].source == "learned" and shown[-1].asked and not engine.running("density"),
        timeout=60_000,
    )
    seen = len(shown)
    assert seen <= 8  # refined a few times, never sent again
    qtbot.wait(300)
    assert len(shown) == seen
    engine.set_playing(True)
    qtbot.waitUntil(lambda: len(shown) > seen and shown[-1].source == "exact", timeout=5_000)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_map_that_ends_half_way_leaves_what_was_finished(qtbot, engine, monkeypatch, again, fails):
    shown, ends = [], threading.Event()
    engine.density_changed.connect(shown.append)
    engine.set_viewport(-2.0, 3.0, -2.0, 2.0)
    if again:
        engine._state.edit({"likelihood.tolerance": 1e-2})
        engine.density_map()
        qtbot.waitUntil(lambda: not engine.running("density"), timeout=60_000)
    else:
        qtbot.waitUntil(lambda: bool(shown), timeout=10_000)
    finished = shown[-1]
    assert finished.asked == again
    likelihood_density = measurements.likelihood_density

    def endless(*arguments):
        coarse = next(item for item in likelihood_density(*arguments) if item[1] is not None)
        while not ends.is_set():
            yield coarse
            time.sleep(0.01)
        raise TooManySteps("the score is not smooth")

    monkeypatch.setattr(measurements, "likelihood_density", endless)
    engine.density_map()
    qtbot.waitUntil(lambda: shown[-1].asked and shown[-1] is not finished, timeout=30_000)
    if fails:
        with qtbot.waitSignal(engine.message, timeout=5_000) as told:
            ends.set()
        assert told.args[1] == "Density stopped: the score is not smooth"
    else:
        engine.cancel("density")
    if again:
        assert shown[-1] is finished
    qtbot.waitUntil(lambda: shown[-1].asked == again, timeout=5_000)
    qtbot.wait(200)
    assert shown[-1].asked == again


@pytest.mark.parametrize("source", ["learned", "exact"])
def test_only_a_map_of_the_weights_leaves_when_they_change(qtbot, engine, source):
    """As a test set's figures do: the canvas follows the moment again."""
    shown = []
    engine.density_changed.connect(shown.append)
    engine.set_viewport(-2.0, 3.0, -2.0, 2.0)
    engine._state.edit({"likelihood.source": source, "likelihood.tolerance": 1e-2})
    engine.density_map()
    qtbot.waitUntil(lambda: not engine.running("density"), timeout=60_000)
    finished = shown[-1]
    assert (finished.asked, finished.source) == (True, source)
    engine.train()
    if source == "learned":
        qtbot.waitUntil(lambda: not shown[-1].asked, timeout=10_000)
    else:
        qtbot.waitUntil(lambda: engine.trained_steps > 5, timeout=10_000)
        assert shown[-1] is finished
    engine.pause_training()


@pytest.mark.alone
def test_training_makes_a_saved_session_stale_and_saving_holds_nobody_up(qtbot, engine):
    state = engine._state
    engine.train()
    qtbot.waitUntil(lambda: engine.trained_steps > 0, timeout=10_000)
    longest = 0.0
    for _ in range(10):
        start = time.monotonic()
        make = engine.session({})
        longest = max(longest, time.monotonic() - start)
        state.mark_saved()
        steps = make().training["progress"]["step"]
        qtbot.waitUntil(lambda steps=steps: engine.trained_steps > steps and state.modified, timeout=5_000)
    assert longest < 0.05
    engine.pause_training()


def test_fair_lock_lets_in_who_waits():
    """Against a thread that takes it again at once; Python's own lock lets it do so for seconds."""
    lock, stop, turns = FairLock(), threading.Event(), []

    def hog():
        while not stop.is_set():
            with lock:
                turns.append(1)
                time.sleep(0.002)

    thread = threading.Thread(target=hog)
    thread.start()
    for _ in range(20):
        while_waiting = len(turns)
        with lock:
            assert len(turns) - while_waiting <= 3
    stop.set()
    thread.join()


def test_while_training_a_fast_sampler_follows_the_newest_weights(qtbot, engine):
    first, runs = engine.trajectory, []
    engine.trajectory_changed.connect(runs.append)
    engine.train()
    qtbot.waitUntil(lambda: bool(runs), timeout=10_000)
    assert engine._sampling_worker.share == SHARE
    assert runs[0] is not first
    assert len(runs[0]) < runs[0].total  # shown as it grows


def test_while_training_a_slow_sampler_records_the_next_run_while_the_last_one_plays(qtbot, engine, monkeypatch):
    monkeypatch.setattr(engine._sampling_worker, "keeps_up", lambda frames_a_second: False)
    first, runs = engine.trajectory, []
    engine.trajectory_changed.connect(lambda trajectory: runs.append((trajectory, len(trajectory))))
    engine.train()
    qtbot.waitUntil(lambda: engine._next is not None, timeout=30_000)
    assert engine.trajectory is first
    qtbot.waitUntil(lambda: len(runs) >= 2, timeout=60_000)
    assert all(recorded == trajectory.total for trajectory, recorded in runs)
    engine.pause_training()


@pytest.mark.parametrize("fast", [True, False])
def test_the_loop_begins_no_run_that_is_refused(qtbot, engine, monkeypatch, fast):
    """What is there plays again; it was refused in a sentence when it was set."""
    errors, first = [], engine.trajectory
    engine.message.connect(lambda level, sentence, action: errors.append(sentence) if level == "error" else None)
    monkeypatch.setattr(engine._sampling_worker, "keeps_up", lambda frames_a_second: fast)
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        engine._state.edit({"noise.kind": "single", "sampling.kind": "edm"})
    assert sampling_conflict(engine._state.experiment) is not None
    engine.set_playing(False)
    engine._show_recorded(first)  # as a session's run, which the loop would replace
    engine.seek(5)
    engine._again()
    assert (engine.trajectory, engine.frame, engine._next) == (first, 0, None)
    qtbot.wait(300)
    assert errors == []


def test_a_known_point_that_is_not_there_is_refused_before_a_run_begins(engine, qtbot):
    qtbot.waitUntil(lambda: engine.recorded > 5, timeout=10_000)
    told, run = [], engine.trajectory
    engine.message.connect(lambda *message: told.append(message))
    engine._state.edit({"sampling.inpainting_mask": "left", "sampling.inpainting_image": 999_999})
    (message,) = told
    assert message == ("warning", message[1], "")
    assert message[1].startswith("There is no held-out point 999999: there are ")
    assert why_disabled.sampling(engine._state, engine) == spoken(message[1])
    engine._state.edit({"sampling.inpainting_image": 0})
    qtbot.waitUntil(lambda: engine.trajectory is not run and engine.recorded > 5, timeout=10_000)
