"""What the canvas is given, and when: runs that follow each other, and views that come no more often than they are seen."""

import threading
import time

import numpy as np
import pytest

from playground.app.controllers import measurements, why_disabled
from playground.app.controllers.clicking import UNFINISHED
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.overlay_timing import Throttle
from playground.app.controllers.playback_clock import END
from playground.app.controllers.sampling_worker import SHARE, OverlayRequest, ReadoutRequest, SamplingWorker
from playground.app.model.live_training import FairLock
from playground.app.model.state import State
from playground.app.model.views import DensityView, WantedOverlays
from playground.lab.columns import Column
from playground.lab.conflicts import sampling_conflict
from playground.lab.experiment import Experiment, replace
from playground.lab.sampling import sample
from playground.theory.ode import TooManySteps
from playground.user_errors import UserError
from tests.machine import slowness

SMALL = {
    "training.steps": 1_000_000,
    "training.early_stopping": "off",
    "sampling.particles": 100,
    "sampling.steps": 20,
    "data.points": 2_000,
    "network.width": 32,
}


@pytest.fixture
def controllers(qtbot):
    """Controllers whose first run is recorded."""
    controllers = Controllers(State(replace(Experiment(), SMALL)), device="cpu")
    controllers.start()
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not None and controllers.playing.trajectory.finished)
    yield controllers
    assert controllers.shutdown(20.0)


def test_throttle_is_due_once_for_each_change_but_not_too_often():
    throttle = Throttle(0.1)
    assert throttle.due((1,), now=5.0)
    assert not throttle.due((1,), now=6.0)
    assert throttle.due((2,), now=6.0)
    assert not throttle.due((3,), now=6.05)
    assert throttle.due((3,), now=6.11)
    throttle.forget()
    assert throttle.due((3,), now=6.12)


def view(*layers):
    return OverlayRequest(None, WantedOverlays(frozenset(layers)), 1.0, None)


class Asked(SamplingWorker):
    """Notes for which layers it is asked."""

    def __init__(self) -> None:
        self.layers = []
        super().__init__()

    def compute_overlays(self, request):
        self.layers.append(request.wanted.layers)
        return None, None


def test_a_request_for_arrows_leaves_one_for_a_density():
    worker = Asked()
    worker.densities.request(view("density"))
    for layer in ("exact", "learned"):
        worker.fields.request(view(layer))
    assert worker.turn()
    assert not worker.turn()
    assert worker.layers == [{"learned"}, {"density"}]


@pytest.mark.parametrize("sampler", ["langevin", "annealed-langevin", "reverse-sde", "probability-flow"])
def test_another_noise_while_a_run_plays_is_no_error(qtbot, controllers, sampler):
    """The old run's times mean nothing to the new noise; where no new run can begin, none is shown."""
    errors = []
    controllers.state.notified.connect(lambda one: errors.append(one.message) if one.level == "error" else None)
    state = controllers.state
    state.edit({"sampling.kind": sampler})
    for noise in ("none", "vp", "single", "ve", "discrete", "none"):
        with qtbot.waitSignal(controllers.state.problem_changed):
            state.edit({"noise.kind": noise, "objective.kind": "exact"})
        for frame in range(0, 20, 5):
            controllers.playing.seek(frame)
            controllers.following.probe(0.1, 0.2)
            qtbot.wait(60)
    assert errors == []
    refused = sampling_conflict(state.experiment) is not None
    assert refused == (sampler != "langevin")
    assert (controllers.playing.trajectory is None) == refused
    assert controllers.playing.sigma == controllers.state.problem.sigma_min or not refused


def test_a_run_that_comes_too_late_for_its_noise_is_not_shown(qtbot, controllers):
    """On a busy machine another noise, under which none can begin, may be chosen before its first frame is there."""
    late = []
    controllers.playing.sampler.begin = late.append
    for noise in ("none", "vp", "single"):
        with qtbot.waitSignal(controllers.state.problem_changed):
            controllers.state.edit({"noise.kind": noise, "objective.kind": "exact"})
    assert controllers.playing.trajectory is None
    del controllers.playing.sampler.begin
    (run,) = late
    controllers.playing.sampler.begin(run)
    qtbot.waitUntil(
        lambda: run.trajectory is not None,
    )
    qtbot.wait(100)
    assert controllers.playing.trajectory is None


def test_results_of_replaced_data_are_not_shown(qtbot, controllers):
    """The thread that computes it has the lowest priority: on a busy machine its answer may come seconds later."""
    gone, shown = controllers.state.model, []
    controllers.following.changed.connect(lambda view, _: shown.append(view))
    controllers.following.probed.connect(shown.append)
    controllers.state.edit({"data.kind": "rings"})
    qtbot.waitUntil(lambda: controllers.state.model.training is not gone.training)
    sampler = controllers.playing.sampler
    for exchange in (sampler.fields, sampler.densities):
        exchange.answers.put((OverlayRequest(gone, WantedOverlays(), 1.0, None), ("late", "late")))
    sampler.readouts.answers.put((ReadoutRequest(gone, (0.0, 0.0), 1.0, None), "late"))
    controllers.sampling.poll()
    controllers.following.look()
    assert "late" not in shown


@pytest.fixture
def under_way(qtbot):
    """Controllers that rest at the beginning of a run which is not recorded to its end."""
    controllers = Controllers(State(replace(Experiment(), SMALL | {"sampling.steps": 300})), device="cpu")
    controllers.playing.set_playing(False)
    controllers.start()
    qtbot.waitUntil(lambda: controllers.playing.recorded > 20)
    yield controllers
    assert controllers.shutdown(20.0)


def test_going_to_the_end_samples_on_while_paused(qtbot, under_way):
    controllers, run = under_way, under_way.playing.trajectory
    qtbot.wait(200)
    assert not run.finished  # nothing asks for the rest
    frames = []
    controllers.playing.frame_changed.connect(frames.append)
    controllers.playing.seek(END)
    qtbot.waitUntil(lambda: controllers.playing.frame == run.total - 1)
    assert controllers.playing.trajectory is run
    assert run.finished
    assert not controllers.playing.is_playing
    assert frames == sorted(frames)  # the playhead went along
    qtbot.wait(100)
    assert controllers.playing.frame == run.total - 1
    controllers.playing.seek(3)
    qtbot.wait(100)
    assert controllers.playing.frame == 3


@pytest.fixture
def beginning(qtbot):
    """Controllers whose first run is not there yet."""
    controllers = Controllers(State(replace(Experiment(), SMALL | {"sampling.steps": 300})), device="cpu")
    controllers.playing.set_playing(False)
    controllers.start()
    yield controllers
    assert controllers.shutdown(20.0)


@pytest.mark.parametrize("awaited", ["the first run", "a run of other settings"])
def test_going_to_the_end_of_a_run_that_is_not_there_yet(qtbot, beginning, awaited):
    playing, total = beginning.playing, 302
    if awaited != "the first run":
        qtbot.waitUntil(lambda: playing.recorded > 20)
        beginning.state.edit({"sampling.steps": 90})
        total = 92
    playing.seek(END)
    qtbot.waitUntil(lambda: (playing.total, playing.frame) == (total, total - 1))


@pytest.mark.parametrize("other", ["pause", "seek", "step", "restart"])
def test_any_next_action_cancels_going_to_the_end(qtbot, under_way, other):
    controllers = under_way
    controllers.playing.seek(END)
    {
        "pause": lambda: controllers.playing.set_playing(False),
        "seek": lambda: controllers.playing.seek(2),
        "step": lambda: controllers.playing.step(-1),
        "restart": lambda: (controllers.sampling.restart(), controllers.playing.set_playing(False)),
    }[other]()
    there = controllers.playing.frame
    qtbot.wait(500)
    assert controllers.playing.frame == there


def test_step_waits_for_a_frame_that_is_not_there_yet(qtbot, under_way):
    controllers = under_way
    qtbot.wait(200)
    controllers.playing.seek(controllers.playing.recorded - 1)
    last = controllers.playing.frame
    controllers.playing.step(1)
    qtbot.waitUntil(lambda: controllers.playing.frame == last + 1)


def test_no_likelihood_is_taken_of_an_unfinished_image(qtbot, under_way):
    """It is said how the images are finished; one that is clicked at an earlier frame is shown as it is measured, finished."""
    controllers = under_way
    controllers.state.edit({"data.kind": "digits", "sampling.particles": 4, "network.width": 8})
    qtbot.waitUntil(lambda: controllers.playing.trajectory.shape == (1, 8, 8) and controllers.playing.recorded > 5)
    run = controllers.playing.trajectory
    assert not run.finished
    controllers.playing.set_playing(False)
    with qtbot.waitSignal(controllers.state.notified) as told:
        controllers.clicking.inspect(1)
    one = told.args[0]
    assert (one.message, one.action) == (UNFINISHED, "sample.end")
    assert one.is_current()
    assert not controllers.jobs.running("likelihood")
    controllers.playing.seek(END)
    qtbot.waitUntil(lambda: controllers.playing.frame == run.total - 1)
    assert not one.is_current()  # it is finished: nothing is left to say
    controllers.playing.seek(10)
    controllers.clicking.inspect(1)
    assert controllers.jobs.running("likelihood")
    assert controllers.playing.frame == run.total - 1
    qtbot.waitUntil(lambda: controllers.clicking.likelihood is not None)
    np.testing.assert_array_equal(controllers.clicking.likelihood.point, run.positions[-1][1])


def test_the_users_density_map_stays_until_the_playhead_moves_on(qtbot, controllers):
    shown = []
    controllers.following.changed.connect(lambda view, _: shown.append(view) if isinstance(view, DensityView) else None)
    controllers.following.want(WantedOverlays(bounds=(-2.0, 3.0, -2.0, 2.0)))
    controllers.mapping.compute()
    assert not controllers.playing.is_playing
    qtbot.waitUntil(
        lambda: (
            bool(shown)
            and shown[-1].source == "learned"
            and shown[-1].asked
            and not controllers.jobs.running("density")
        ),
    )
    seen = len(shown)
    assert seen <= 8  # refined a few times, never sent again
    qtbot.wait(300)
    assert len(shown) == seen
    controllers.playing.set_playing(True)
    qtbot.waitUntil(lambda: len(shown) > seen and shown[-1].source == "exact")


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_map_that_ends_half_way_leaves_what_was_finished(qtbot, controllers, monkeypatch, again, fails):
    shown, ends = [], threading.Event()
    controllers.following.changed.connect(lambda view, _: shown.append(view) if isinstance(view, DensityView) else None)
    controllers.following.want(WantedOverlays(bounds=(-2.0, 3.0, -2.0, 2.0)))
    if again:
        controllers.state.edit({"likelihood.tolerance": 1e-2})
        controllers.mapping.compute()
        qtbot.waitUntil(lambda: not controllers.jobs.running("density"))
    else:
        qtbot.waitUntil(lambda: bool(shown))
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
    controllers.state.edit({"likelihood.tolerance": 2e-2})  # the store has the map that was computed before
    controllers.mapping.compute()
    qtbot.waitUntil(lambda: shown[-1].asked and shown[-1] is not finished)
    if fails:
        with qtbot.waitSignal(controllers.state.notified) as told:
            ends.set()
        assert str(told.args[0].message) == "Density stopped: the score is not smooth"
    else:
        controllers.mapping.cancel()
    if again:
        assert shown[-1] is finished
    qtbot.waitUntil(lambda: shown[-1].asked == again)
    qtbot.wait(200)
    assert shown[-1].asked == again


@pytest.mark.parametrize("source", ["learned", "exact"])
def test_only_a_map_of_the_weights_leaves_when_they_change(qtbot, controllers, source):
    """As a test set's figures do: the canvas follows the moment again."""
    shown = []
    controllers.following.changed.connect(lambda view, _: shown.append(view) if isinstance(view, DensityView) else None)
    controllers.following.want(WantedOverlays(bounds=(-2.0, 3.0, -2.0, 2.0)))
    controllers.state.edit({"likelihood.source": source, "likelihood.tolerance": 1e-2})
    controllers.mapping.compute()
    qtbot.waitUntil(lambda: not controllers.jobs.running("density"))
    finished = shown[-1]
    assert (finished.asked, finished.source) == (True, source)
    controllers.training.start()
    if source == "learned":
        qtbot.waitUntil(lambda: not shown[-1].asked)
    else:
        qtbot.waitUntil(lambda: controllers.training.trained_steps > 5)
        assert shown[-1] is finished
    controllers.training.pause()


@pytest.mark.alone
def test_training_makes_a_saved_session_stale_and_saving_holds_nobody_up(qtbot, controllers):
    state = controllers.state
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 0)
    longest = 0.0
    for _ in range(10):
        start = time.monotonic()
        make = controllers.sessions.pack({})
        longest = max(longest, time.monotonic() - start)
        state.mark_saved()
        steps = make().training["progress"]["step"]
        qtbot.waitUntil(lambda steps=steps: controllers.training.trained_steps > steps and state.modified)
    assert longest < 0.05 * slowness()
    controllers.training.pause()


def test_fair_lock_lets_in_who_waits():
    """Against a thread that takes it again at once; Python's own lock lets it do so once or for seconds."""
    lock, stop, turns = FairLock(), threading.Event(), []

    def hog():
        while not stop.is_set():
            with lock:
                turns.append(1)
                time.sleep(0.002)

    thread = threading.Thread(target=hog)
    thread.start()
    waits = []
    for _ in range(20):
        before = len(turns)
        while len(turns) == before:
            time.sleep(0.0005)
        before = len(turns)  # the other thread has the lock
        with lock:
            waits.append(len(turns) - before)
    stop.set()
    thread.join()
    assert sorted(waits)[10] == 0  # a busy machine may stop this thread before it waits, but not each time


def test_while_training_a_fast_sampler_follows_the_newest_weights(qtbot, controllers):
    first, runs = controllers.playing.trajectory, []
    controllers.playing.trajectory_changed.connect(lambda trajectory: runs.append((trajectory, len(trajectory))))
    controllers.training.start()
    qtbot.waitUntil(lambda: bool(runs))
    assert controllers.playing.sampler._share == SHARE
    assert runs[0][0] is not first
    # Some are shown as they grow; one that is sampled between two looks is shown whole.
    qtbot.waitUntil(lambda: any(steps < run.total for run, steps in runs))


def test_while_training_a_slow_sampler_records_the_next_run_while_the_last_one_plays(qtbot, controllers, monkeypatch):
    monkeypatch.setattr(controllers.playing.sampler, "keeps_up", lambda frames_a_second: False)
    controllers.playing.set_speed(4.0)
    first, runs = controllers.playing.trajectory, []
    controllers.playing.trajectory_changed.connect(lambda trajectory: runs.append((trajectory, len(trajectory))))
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.playing.main.comes_after)
    assert controllers.playing.trajectory is first
    qtbot.waitUntil(lambda: len(runs) >= 2)
    assert all(recorded == trajectory.total for trajectory, recorded in runs)
    controllers.training.pause()


def test_a_next_run_that_fails_is_told_and_another_is_tried(qtbot, controllers, monkeypatch):
    told, first = [], controllers.playing.trajectory
    controllers.state.notified.connect(told.append)
    monkeypatch.setattr(controllers.playing.sampler, "keeps_up", lambda frames_a_second: False)
    controllers.playing.set_speed(4.0)

    def fails(*_, **__):
        raise UserError("The particles have run away.")

    with monkeypatch.context() as patch:
        patch.setattr("playground.lab.sampling.sample", fails)
        controllers.training.start()
        qtbot.waitUntil(lambda: bool(told))
    assert told[0].level == "error"
    assert controllers.playing.trajectory is first
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not first)
    controllers.training.pause()


def test_an_error_of_the_program_in_a_column_is_that_columns(qtbot, controllers, monkeypatch):
    told, comparing = [], controllers.comparing

    def fails(problem, *given, **more):
        if problem.experiment.sampling.steps == 33:
            raise RuntimeError("Broken.")
        yield from sample(problem, *given, **more)

    monkeypatch.setattr("playground.lab.sampling.sample", fails)
    controllers.state.notified.connect(told.append)
    controllers.column_edits.begin((Column(), Column.of({"sampling.steps": 33})))
    qtbot.waitUntil(lambda: len(comparing.runs) == 2 and comparing.runs[0].finished and bool(told))
    assert str(comparing.runs[1].failure) == "Broken."
    assert controllers.playing.run.failure is None
    assert [str(one.message) for one in told] == ["Sampling stopped: Broken."]


@pytest.mark.parametrize("fast", [True, False])
def test_the_loop_begins_no_run_that_is_refused(qtbot, controllers, monkeypatch, fast):
    """What is there plays again; it was refused in a sentence when it was set."""
    errors, first = [], controllers.playing.trajectory
    controllers.state.notified.connect(lambda one: errors.append(one.message) if one.level == "error" else None)
    monkeypatch.setattr(controllers.playing.sampler, "keeps_up", lambda frames_a_second: fast)
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.state.edit({"noise.kind": "single", "sampling.kind": "edm"})
    assert sampling_conflict(controllers.state.experiment) is not None
    controllers.playing.set_playing(False)
    controllers.sampling.show_recorded(first)  # as a session's run, which the loop would replace
    controllers.playing.seek(5)
    controllers.playing.again()
    assert (controllers.playing.trajectory, controllers.playing.frame, controllers.playing.main.coming) == (
        first,
        0,
        (),
    )
    qtbot.wait(300)
    assert errors == []


def test_a_known_point_that_is_not_there_is_refused_before_a_run_begins(controllers, qtbot):
    qtbot.waitUntil(lambda: controllers.playing.recorded > 5)
    told, run = [], controllers.playing.trajectory
    controllers.state.notified.connect(told.append)
    controllers.state.edit({"sampling.inpainting_mask": "left", "sampling.inpainting_image": 999_999})
    (one,) = told
    assert (one.level, one.action) == ("warning", "")
    assert str(one.message).startswith("There is no held-out point 999999: there are ")
    assert why_disabled.sampling(controllers) == one.message
    controllers.state.edit({"sampling.inpainting_image": 0})
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not run and controllers.playing.recorded > 5)
