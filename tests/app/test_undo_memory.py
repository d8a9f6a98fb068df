"""Undo keeps trained weights as far as memory is meant to reach, and says so where it does not."""

import numpy as np
import pytest

from playground.app.controllers.building import key_of
from playground.lab.bounded_memory import BoundedMemory, parts_of
from playground.lab.document import LessonPlace
from playground.lab.experiment import Experiment, replace
from tests.app.test_controllers import SMALL, train
from tests.app.test_controllers import workspace as workspace


def change(qtbot, state, controllers, changes):
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.edit(changes)
    qtbot.waitUntil(lambda: not controllers.building.busy)


def test_what_was_used_least_recently_is_evicted_first():
    cache = BoundedMemory[str, np.ndarray](bound=2_500)
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
    cache = BoundedMemory[int, dict[str, np.ndarray]](bound=10_000)
    for key in range(50):
        assert cache.put(key, {"points": points[key:], "weights": np.zeros(2)}) == []
    assert cache.bytes == 8_000 + 50 * 16
    for key in range(49):
        cache.discard(key)
    assert cache.bytes == 8_016


def test_the_memory_of_a_model_holds_its_points_and_weights(workspace):
    _, controllers = workspace
    held = controllers.state.model
    sizes = parts_of(held)
    points = held.problem.dataset.points
    weights = held.training.trainer._weights
    for array, nbytes in (
        (held.problem.train.untyped_storage().data_ptr(), points.size * 4),
        (weights.live.untyped_storage().data_ptr(), 4 * weights.live.numel() * 4),
        (weights.gradient.untyped_storage().data_ptr(), weights.gradient.numel() * 4),
    ):
        assert sizes[array] >= nbytes


def test_networks_on_the_same_points_share_them(qtbot, workspace):
    state, controllers = workspace
    first = controllers.state.model
    change(qtbot, state, controllers, {"network.width": 16})
    second = controllers.state.model
    assert second is not first
    assert second.problem.train is first.problem.train
    assert second.problem.dataset is first.problem.dataset
    change(qtbot, state, controllers, {"data.points": 501})
    assert len(controllers.state.model.problem.train) == 501


@pytest.mark.parametrize("reset", [False, True])
def test_what_was_trained_leaves_memory_only_once_it_is_stored_and_undo_brings_it_back(
    qtbot, workspace, tmp_path, reset
):
    state, controllers = workspace
    building, told = controllers.building, []
    controllers.state.notified.connect(told.append)
    train(qtbot, controllers)
    first, key, steps = controllers.state.model, building.key, controllers.training.trained_steps
    before = {name: tensor.clone() for name, tensor in first.newest.tensors.items()}
    building.kept.bound = 1  # what is in the window stays, and nothing beside it
    if reset:
        with qtbot.waitSignal(controllers.state.problem_changed):
            building.reset_training()
    else:
        change(qtbot, state, controllers, {"network.width": 16})
    assert building.kept.get(key).training is first.training
    controllers.state.store.open(tmp_path / "store")
    first.training.keep_in(controllers.state.store, first.points)
    controllers.state.store.release()
    change(qtbot, state, controllers, {"network.width": 24})
    assert key not in building.kept
    for _ in range(2):
        with qtbot.waitSignal(controllers.state.problem_changed):
            state.undo()
    assert (controllers.training.trained_steps, controllers.training.status) == (steps, "finished")
    after = controllers.state.model.newest.tensors
    assert before.keys() == after.keys()
    assert all(bool((before[name] == after[name]).all()) for name in before)
    assert told == []
    controllers.state.store.close()


def test_memory_for_undo_stays_within_its_bound(qtbot, workspace):
    state, controllers = workspace
    sizes = []
    for width in (16, 24, 32, 40, 48):
        change(qtbot, state, controllers, {"network.width": width})
        sizes.append(controllers.building.kept.bytes)
    assert sizes == sorted(sizes)
    bound = controllers.building.kept.bound = sizes[-1]
    for width in (46, 44, 42):
        change(qtbot, state, controllers, {"network.width": width})
        assert controllers.building.kept.bytes <= bound
    assert 1 < len(controllers.building.kept) < 9


def test_files_that_were_read_are_evicted_too(qtbot, workspace, tmp_path):
    state, controllers = workspace
    controllers.building.kept.bound = 1
    for name in "abc":
        path = tmp_path / f"{name}.csv"
        path.write_text("x,y\n" + "\n".join(f"{number % 7},{number % 5}" for number in range(100)))
        controllers.reading.open_points(str(path))
        qtbot.waitUntil(
            lambda path=path: controllers.state.problem.name == path.name and not controllers.building.busy,
        )
    assert len(controllers.building.kept) == 1
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.undo()  # read again
    assert controllers.state.problem.name == "b.csv"


def test_a_click_across_resets_and_settings_brings_back_what_was_there(qtbot, workspace):
    state, controllers = workspace
    train(qtbot, controllers)
    weights = controllers.state.model.weights
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.building.reset_training()
    change(qtbot, state, controllers, {"network.width": 16})
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.stack.setIndex(0)
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert (controllers.training.trained_steps, controllers.state.model.weights) == (60, weights)
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.stack.setIndex(2)
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert (controllers.training.trained_steps, state.value("network.width")) == (0, 16)


def test_finished_runs_are_forgotten_when_other_work_comes(qtbot, workspace):
    """Undo leads to none of them any more, and they may be of 256 MB together."""
    _, controllers = workspace
    sampling = controllers.sampling
    qtbot.waitUntil(lambda: sampling.newest_finished is not None)
    run, before = controllers.sessions.run, controllers.state.store
    assert run in before
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.sessions.begin(replace(Experiment(), SMALL))
        assert controllers.state.store is not before
        assert sampling.newest_finished is None  # of the work that still is in view


def test_weights_are_of_the_scene_that_began_them_whatever_its_title_begins_with(qtbot, workspace):
    state, controllers = workspace
    building = controllers.building
    lesson, other = (LessonPlace(name, name, 0) for name in ("Guidance is not tilting", "Guidance"))
    controllers.training.teach(state.experiment, lesson)
    first = key_of(state.document)
    controllers.training.teach(replace(state.experiment, {"sampling.steps": 7}), lesson)
    assert key_of(state.document) == first  # steps of one lesson share their weights
    controllers.training.teach(replace(state.experiment, {"sampling.steps": 8}), other)
    assert key_of(state.document) != first
    qtbot.waitUntil(lambda: not building.busy)
