"""What the canvas is given, and when: runs that follow each other, and views that come no more often than they are seen."""

import time

import pytest

from playground.app.engine import Engine
from playground.app.live import SHARE, Live, View
from playground.app.stage import Follower
from playground.app.state import State
from playground.lab.experiment import Experiment, replace

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
    qtbot.waitUntil(lambda: engine.trajectory is not None and engine.trajectory.finished, timeout=20_000)
    yield engine
    assert engine.shutdown(2.0)


def test_follower_is_due_once_for_each_change_but_not_too_often():
    follower = Follower(0.1)
    assert follower.due((1,), now=5.0)
    assert not follower.due((1,), now=6.0)
    assert follower.due((2,), now=6.0)
    assert not follower.due((3,), now=6.05)
    assert follower.due((3,), now=6.11)
    follower.forget()
    assert follower.due((3,), now=6.12)


def view(**changes):
    asked = {"learned": False, "exact": False, "density": False} | changes
    return View(bench=None, bounds=(0, 1, 0, 1), columns=2, rows=2, sigma=1.0, time=None, **asked)


def test_a_new_view_keeps_what_the_last_one_still_waits_for():
    live = Live()
    live.look(view(density=True))
    live.look(view(learned=True))
    waiting = live._views.take()
    assert (waiting.learned, waiting.exact, waiting.density) == (True, False, True)


def test_while_training_a_fast_sampler_follows_the_newest_weights(qtbot, engine):
    first, runs = engine.trajectory, []
    engine.trajectory_changed.connect(runs.append)
    engine.train()
    qtbot.waitUntil(lambda: bool(runs), timeout=10_000)
    assert engine._live.share == SHARE
    assert runs[0] is not first
    assert len(runs[0]) < runs[0].total  # shown as it grows


def test_while_training_a_slow_sampler_records_the_next_run_while_the_last_one_plays(qtbot, engine, monkeypatch):
    monkeypatch.setattr(engine._live, "keeps_up", lambda frames_a_second: False)
    first, runs = engine.trajectory, []
    engine.trajectory_changed.connect(lambda trajectory: runs.append((trajectory, len(trajectory))))
    engine.train()
    qtbot.waitUntil(lambda: engine._next is not None, timeout=10_000)
    assert engine.trajectory is first
    qtbot.waitUntil(lambda: len(runs) >= 2, timeout=20_000)
    assert all(recorded == trajectory.total for trajectory, recorded in runs)
    engine.pause_training()


def test_sampling_leaves_the_rest_of_its_share_to_others():
    live = Live()

    def frames():
        trajectory = []
        while True:
            time.sleep(0.02)
            trajectory.append(0)
            yield trajectory

    steps = frames()
    live.share = 0.25
    live.want(1_000)
    start = time.monotonic()
    while time.monotonic() - start < 0.8:
        live._advance(steps)
    assert len(live.recorded[1]) == pytest.approx(0.8 / 0.08, abs=3)
    assert live.keeps_up(5.0)
    assert not live.keeps_up(60.0)
