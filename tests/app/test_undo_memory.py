"""Undo keeps trained weights as far as memory is meant to reach, and says so where it does not."""

import numpy as np
import pytest

from playground.app.controllers.engine import Engine
from playground.app.model.state import State
from playground.app.model.workspace_cache import WorkspaceCache, storages
from playground.lab.experiment import Experiment, replace
from tests.app.test_engine import SMALL, train


@pytest.fixture
def workspace(qtbot):
    state = State(replace(Experiment(), SMALL))
    engine = Engine(state, device="cpu")
    with qtbot.waitSignal(engine.ready, timeout=20_000):
        engine.start()
    yield state, engine
    assert engine.shutdown(20.0)


def change(qtbot, state, engine, changes):
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.edit(changes)
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)


def test_what_was_used_least_recently_is_evicted_first():
    cache = WorkspaceCache(bound=2_500)
    for key in "ab":
        assert cache.put(key, np.zeros(125)) == []
    assert cache.get("a") is not None
    evicted = cache.put("c", np.zeros(125))
    assert [key for key, _ in evicted] == ["b"]
    assert "a" in cache
    assert cache.bytes == 2_000
    assert [key for key, _ in cache.put("d", np.zeros(1_000))] == ["a", "c"]  # one larger than the bound stays alone
    assert (len(cache), cache.bytes) == (1, 8_000)
    cache.discard("d")
    assert (len(cache), cache.bytes) == (0, 0)


def test_memory_that_is_shared_counts_once():
    points = np.zeros(1_000)
    cache = WorkspaceCache(bound=10_000)
    for key in range(50):
        assert cache.put(key, {"points": points[key:], "weights": np.zeros(2)}) == []
    assert cache.bytes == 8_000 + 50 * 16
    for key in range(49):
        cache.discard(key)
    assert cache.bytes == 8_016


def test_the_memory_of_a_bench_holds_its_points_and_weights(workspace):
    _, engine = workspace
    held = engine._workspace
    sizes = storages(held)
    points = held.problem.dataset.points
    weights = held.trainer._weights
    for array, nbytes in (
        (held.problem.train.untyped_storage().data_ptr(), points.size * 4),
        (weights.live.untyped_storage().data_ptr(), 4 * weights.live.numel() * 4),
        (weights.gradient.untyped_storage().data_ptr(), weights.gradient.numel() * 4),
    ):
        assert sizes[array] >= nbytes


def test_networks_on_the_same_points_share_them(qtbot, workspace):
    state, engine = workspace
    first = engine._workspace
    change(qtbot, state, engine, {"network.width": 16})
    second = engine._workspace
    assert second is not first
    assert second.problem.train is first.problem.train
    assert second.problem.dataset is first.problem.dataset
    change(qtbot, state, engine, {"data.points": 501})
    assert len(engine._workspace.problem.train) == 501


def test_undo_past_what_was_evicted_builds_anew_and_says_so(qtbot, workspace):
    state, engine = workspace
    told = []
    engine.note.connect(lambda *note: told.append(note))
    train(qtbot, engine)
    state.mark_saved()
    engine._kept.bound = 1  # what is on the workspace stays, and nothing beside it
    change(qtbot, state, engine, {"network.width": 16})
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.undo()
    assert (engine.trained_steps, engine.training) == (0, "untrained")
    assert engine.problem.parameters_count == sum(
        part.numel() for part in engine._workspace.trainer.network.parameters()
    )
    ((level, sentence, action, holds),) = told
    assert (level, action) == ("warning", "train.toggle")
    assert "60 steps" in sentence
    assert holds()
    assert state.modified  # the file holds weights that are no longer here
    train(qtbot, engine)
    assert engine.trained_steps == 60
    assert not holds()
    change(qtbot, state, engine, {"data.kind": "rings"})
    assert len(told) == 1


def test_undo_of_a_reset_past_what_was_evicted_says_so(qtbot, workspace):
    state, engine = workspace
    told = []
    engine.note.connect(lambda *note: told.append(note))
    train(qtbot, engine)
    engine._kept.bound = 1
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        engine.reset_training()
    assert told == []
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.undo()
    assert engine.trained_steps == 0
    assert "60 steps" in told[0][1]


def test_memory_for_undo_stays_within_its_bound(qtbot, workspace):
    state, engine = workspace
    sizes = []
    for width in (16, 24, 32, 40, 48):
        change(qtbot, state, engine, {"network.width": width})
        sizes.append(engine._kept.bytes)
    assert sizes == sorted(sizes)
    bound = engine._kept.bound = sizes[-1]
    for width in (46, 44, 42):
        change(qtbot, state, engine, {"network.width": width})
        assert engine._kept.bytes <= bound
    assert 1 < len(engine._kept) < 9


def test_files_that_were_read_are_evicted_too(qtbot, workspace, tmp_path):
    state, engine = workspace
    engine._kept.bound = 1
    for name in "abc":
        path = tmp_path / f"{name}.csv"
        path.write_text("x,y\n" + "\n".join(f"{number % 7},{number % 5}" for number in range(100)))
        engine.open_points(str(path))
        qtbot.waitUntil(lambda path=path: engine.problem.name == path.name and not engine.building, timeout=10_000)
    assert len(engine._kept) == 1
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.undo()  # read again
    assert engine.problem.name == "b.csv"


def test_a_click_across_resets_and_settings_brings_back_what_was_there(qtbot, workspace):
    state, engine = workspace
    train(qtbot, engine)
    weights = engine._workspace.weights
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        engine.reset_training()
    change(qtbot, state, engine, {"network.width": 16})
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.stack.setIndex(0)
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
    assert (engine.trained_steps, engine._workspace.weights) == (60, weights)
    with qtbot.waitSignal(engine.problem_changed, timeout=10_000):
        state.stack.setIndex(2)
    qtbot.waitUntil(lambda: not engine.building, timeout=10_000)
    assert (engine.trained_steps, state.value("network.width")) == (0, 16)
