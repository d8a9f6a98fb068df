"""Work that no file holds is on disk within seconds, and comes back after a kill with its weights and its undo list."""

import dataclasses
import json
import threading
import time

import msgspec
import numpy as np
import pytest
import shiboken6

from playground.app.actions import reset_training
from playground.app.controllers import autosaving
from playground.app.controllers.autosaving import LOOK, SECONDS
from playground.app.controllers.building import FIRST
from playground.app.model.pinned_runs import MOST, to_json
from playground.lab import checked_file, recovery
from playground.lab.columns import Column
from playground.lab.recovery import Work, folder_in
from playground.lab.session import Session
from playground.lab.store import NOTE, Store
from tests.app.conftest import end, is_sampled, make_window, pinned_run, put_pin
from tests.figures import on_cards

pytestmark = pytest.mark.claims  # each opens window after window, as after a kill


@pytest.fixture
def windows(qtbot, tmp_path):
    """Opens windows one after another in one place, as successive starts of the program are."""
    opened = []

    def start():
        window = make_window(tmp_path)
        opened.append(window)
        window.resize(1280, 720)
        with qtbot.waitSignal(window.controllers.state.problem_changed):
            window.show()
        return window

    yield start
    while opened:
        window = opened.pop()
        if shiboken6.isValid(window) and window.isVisible():
            end(window)


def kill(window):
    """Leave on disk what a kill would: the window ends, and nothing more is written or deleted."""
    autosaving = window.autosaving
    autosaving._timer.stop()
    autosaving.background.wait(30)
    window.state.store.close()
    for offer in window.recovering._offers:
        offer.store.close()
    window.recovering._offers.clear()
    end(window)


def autosave(qtbot, window):
    qtbot.waitUntil(lambda: not window.autosaving.background.busy)
    window.autosaving.write()
    qtbot.waitUntil(lambda: not window.autosaving.background.busy)


def train(qtbot, window, steps):
    window.training.start()
    qtbot.waitUntil(lambda: window.state.model.training.now.step >= steps)
    window.training.pause()
    qtbot.waitUntil(lambda: window.training.status in ("paused", "finished"))
    qtbot.waitUntil(lambda: not window.training.is_resting)  # the block that ran at the pause counts too


def settled(window):
    return not window.building.busy and window.state.model is not None


def weights(window):
    return {name: tensor.numpy() for name, tensor in window.state.model.newest.tensors.items()}


def folders(tmp_path):
    parent = tmp_path / "recovery"
    return sorted(parent.iterdir()) if parent.exists() else []


def written(folder):
    """The work in a folder that a window may have open."""
    texts, arrays = checked_file.read(folder / NOTE)
    assert checked_file.is_intact(folder / NOTE, texts)
    return msgspec.json.decode(arrays["contents"].tobytes(), type=Work)


def restore(qtbot, window):
    window.recovery_bar.restore.click()
    qtbot.waitUntil(lambda: not window.recovering.busy and window.recovering.offer is None)
    qtbot.waitUntil(lambda: settled(window))


def test_a_kill_loses_no_weights_and_no_step(windows, qtbot, tmp_path):
    window = windows()
    assert not window.recovery_bar.isVisible()
    window.state.edit({"sampling.steps": 40})
    train(qtbot, window, 20)
    window.state.edit({"network.width": 16})  # another training
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.trainer.step == 0)
    train(qtbot, window, 10)
    window.state.edit({"sampling.seed": 5})
    window.state.edit({"sampling.seed": 6})
    window.state.undo()
    qtbot.waitUntil(lambda: settled(window))
    minutes = [time.strftime("%H:%M")]
    autosave(qtbot, window)
    minutes.append(time.strftime("%H:%M"))  # which may have passed meanwhile
    texts = [window.state.stack.text(number) for number in range(window.state.stack.count())]
    place, experiment = window.state.stack.index(), window.state.experiment
    kill(window)

    window = windows()
    qtbot.waitUntil(lambda: window.recovery_bar.isVisible())
    said = window.recovery_bar.sentence.text()
    assert said in [f"Score Playground did not close properly. Restore the work of {minute}?" for minute in minutes]
    restore(qtbot, window)
    assert not window.recovery_bar.isVisible()
    state = window.state
    assert [state.stack.text(number) for number in range(state.stack.count())] == texts
    assert (state.stack.index(), state.experiment, state.modified) == (place, experiment, True)
    # Undo leads to the first training, whose weights were on disk alone.
    while state.stack.index() > 1:
        state.undo()
        qtbot.waitUntil(lambda: settled(window))
    assert state.experiment.network.width == 32
    assert window.state.model.training.now.step >= 20
    state.undo()
    assert state.experiment.sampling.steps == 60
    assert not state.stack.canUndo()


def test_the_same_weights_and_figures_come_back(windows, qtbot, tmp_path):
    window = windows()
    train(qtbot, window, 20)
    qtbot.waitUntil(lambda: window.controllers.sampling.newest_finished is not None)
    window.controllers.measuring.measure("quality")
    qtbot.waitUntil(lambda: "sliced_wasserstein2" in on_cards(window.controllers))
    figure, before = on_cards(window.controllers)["sliced_wasserstein2"], weights(window)
    run = window.controllers.sampling.newest_finished.positions
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    after = weights(window)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    qtbot.waitUntil(lambda: on_cards(window.controllers).get("sliced_wasserstein2") == figure)
    qtbot.waitUntil(lambda: window.controllers.sampling.newest_finished is not None)
    np.testing.assert_array_equal(window.controllers.sampling.newest_finished.positions, run)


def test_a_run_of_earlier_weights_is_not_kept_as_one_of_the_newest(windows, qtbot, tmp_path):
    window = windows()
    sampling = window.controllers.sampling
    qtbot.waitUntil(lambda: sampling.newest_finished is not None)
    untrained = sampling.newest_finished
    train(qtbot, window, 20)
    autosave(qtbot, window)  # before the run of the new weights is finished
    qtbot.waitUntil(lambda: sampling.newest_finished not in (None, untrained))
    autosave(qtbot, window)
    assert window.state.store.get(window.controllers.sessions.run) is sampling.newest_finished


def test_points_of_a_file_that_changed_take_the_place_of_those_in_the_store(windows, qtbot, tmp_path):
    window, path, generator = windows(), tmp_path / "points.csv", np.random.default_rng(0)
    building, opened = window.building, []
    window.state.problem_changed.connect(lambda: opened.append(1))

    def open_points(offset):
        opened.clear()
        np.savetxt(path, offset + generator.normal(size=(300, 2)), delimiter=",", header="x,y", comments="")
        window.controllers.reading.open_points(str(path))
        qtbot.waitUntil(lambda: bool(opened) and settled(window))

    open_points(0.0)
    train(qtbot, window, 20)
    window.state.edit({"network.width": 16})
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step == 0)
    train(qtbot, window, 20)
    autosave(qtbot, window)
    open_points(100.0)
    for width in (16, 32):
        window.state.edit({"network.width": width})
        qtbot.waitUntil(
            lambda width=width: settled(window) and window.state.model.training.trainer.network.width == width
        )
        assert building.dataset.points.mean() > 50
        assert window.state.model.training.now.step == 0


def test_a_reset_of_weights_that_left_memory_is_a_step(windows, qtbot, tmp_path):
    window = windows()
    train(qtbot, window, 20)
    here = window.state.model.training
    window.state.edit({"network.width": 16})
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training is not here)
    autosave(qtbot, window)
    window.building.kept.discard(here.key)
    window.state.undo()
    assert window.building.reset_training() is not None
    qtbot.waitUntil(lambda: settled(window) and window.state.experiment.network.width == 32)
    assert window.state.model.training.now.step == 0
    window.state.undo()
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step == here.now.step)


def test_a_reset_after_a_divergence_back_to_the_start_is_one(windows, qtbot, tmp_path):
    """The store has the weights of before."""
    window = windows()
    train(qtbot, window, 20)
    autosave(qtbot, window)
    training = window.state.model.training
    training.publish(newest=dataclasses.replace(training.now.newest, made=0), progress=None)
    assert window.building.reset_training() is None
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training is not training)
    assert window.state.model.training.now.step == 0


def test_other_work_has_a_folder_of_its_own(windows, qtbot, tmp_path):
    """So that no training which nothing leads back to takes the space of one that undo can reach."""
    window = windows()
    for _ in range(2):
        train(qtbot, window, 20)
        autosave(qtbot, window)
        (folder,) = folders(tmp_path)
        assert len([*folder.glob("training-*")]) == 1
        window.controllers.sessions.begin(window.state.experiment)
        qtbot.waitUntil(lambda: not folders(tmp_path))
        qtbot.waitUntil(lambda: settled(window) and not window.state.is_replacing)
        assert window.state.model.training.now.step == 0


def test_work_whose_plug_in_is_missing_is_offered_again(windows, qtbot, tmp_path):
    """It stays as it is, with no figures of its pinned runs added by a try."""
    window = windows()
    put_pin(window.state, pinned_run(1, "one", window.state.experiment))
    window.state.edit({"noise.kind": "vp"})
    autosave(qtbot, window)
    kill(window)
    (folder,) = folders(tmp_path)
    with Store(folder) as store:
        work = recovery.read(store)
        history = msgspec.json.decode(msgspec.json.encode(work.history))
        text = json.dumps(history["steps"])
        assert '"vp"' in text
        history["steps"] = json.loads(text.replace('"vp"', '"of-a-plug-in"'))
        recovery.write(store, msgspec.structs.replace(work, history=history))
    files = sorted(path.name for path in folder.iterdir())
    window = windows()
    with qtbot.waitSignal(window.state.notified) as told:
        window.recovery_bar.restore.click()
    assert "plug-in" in str(told.args[0].message)
    end(window)
    assert folders(tmp_path) == [folder]
    assert sorted(path.name for path in folder.iterdir()) == files
    window = windows()
    qtbot.waitUntil(lambda: window.recovery_bar.restore.isVisible())


def test_a_clicked_point_comes_back(windows, qtbot):
    window = windows()
    window.state.edit({"sampling.seed": 3})
    qtbot.waitUntil(lambda: settled(window))
    window.clicking.inspect((0.5, 0.25))
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    assert window.state.document.clicked == ((0.5, 0.25),)
    qtbot.waitUntil(lambda: window.clicking.likelihood is not None)
    assert window.clicking.likelihood.point.tolist() == [0.5, 0.25]
    window.state.undo()
    assert window.state.document.clicked == ()
    assert window.clicking.likelihood is None


def test_work_is_written_by_itself_within_seconds(windows, qtbot, tmp_path):
    window = windows()
    assert folders(tmp_path) == []
    window.state.edit({"sampling.seed": 3})
    qtbot.waitUntil(lambda: any((folder / NOTE).is_file() for folder in folders(tmp_path)))
    assert SECONDS + LOOK / 1000 <= 10
    qtbot.waitUntil(lambda: "autosaved" in window.status.saved.text())
    assert written(folders(tmp_path)[0]).history["steps"] == [{"changes": [["sampling.seed", -1, 3]]}]


def test_a_clean_close_leaves_nothing(windows, qtbot, tmp_path):
    window = windows()
    window.state.edit({"sampling.seed": 3})
    autosave(qtbot, window)
    assert len(folders(tmp_path)) == 1
    end(window)
    assert folders(tmp_path) == []


def test_what_the_system_ends_is_offered(windows, qtbot, tmp_path):
    window = windows()
    window.state.edit({"sampling.seed": 3})
    window.interrupt("SIGTERM")
    assert window.ended
    window.deleteLater()
    window = windows()
    qtbot.waitUntil(lambda: window.recovery_bar.isVisible())
    restore(qtbot, window)
    assert window.state.experiment.sampling.seed == 3


def test_an_offer_survives_a_second_kill_and_is_made_once(windows, qtbot, tmp_path):
    window = windows()
    window.state.edit({"sampling.seed": 3})
    autosave(qtbot, window)
    kill(window)
    window = windows()
    assert window.recovery_bar.isVisible()
    kill(window)  # before an answer
    window = windows()
    assert window.recovery_bar.isVisible()
    restore(qtbot, window)
    assert len(folders(tmp_path)) == 1  # it goes on in the same folder
    kill(window)  # before anything was written anew
    window = windows()
    assert window.recovery_bar.isVisible()
    end(window)  # closed properly without an answer
    window = windows()
    assert not window.recovery_bar.isVisible()
    assert folders(tmp_path) == []


def test_discard_deletes_it(windows, qtbot, tmp_path):
    window = windows()
    window.state.edit({"sampling.seed": 3})
    autosave(qtbot, window)
    kill(window)
    window = windows()
    window.recovery_bar.discard.click()
    assert not window.recovery_bar.isVisible()
    assert folders(tmp_path) == []
    assert not window.state.modified


def test_two_windows_do_not_take_each_others_work(windows, qtbot, tmp_path):
    first = windows()
    first.state.edit({"sampling.seed": 3})
    autosave(qtbot, first)
    second = windows()
    assert not second.recovery_bar.isVisible()
    second.state.edit({"sampling.seed": 4})
    autosave(qtbot, second)
    assert len(folders(tmp_path)) == 2


def test_a_lesson_leaves_the_own_work_to_be_recovered(windows, qtbot, tmp_path):
    from playground.lab.lessons import load_all

    window = windows()
    train(qtbot, window, 20)
    window.state.edit({"sampling.steps": 33})
    own, before = window.state.experiment, weights(window)
    scene = next(
        scene for scene in load_all("scenes").values() if scene.steps[0].settings.sampling.follows != "learned"
    )
    window.controllers.lessons.begin(scene)
    qtbot.waitUntil(lambda: settled(window) and window.state.experiment != own)
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    assert window.state.experiment == own
    after = weights(window)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    window.state.redo()  # and the scene is still there
    assert window.state.experiment == scene.steps[0].settings


@pytest.mark.parametrize("shown", ["scene", "lesson"])
def test_data_opened_in_a_scene_or_lesson_are_own_work_from_then_on(windows, qtbot, tmp_path, shown):
    from playground.lab.lessons import load_all

    window = windows()
    lessons = window.controllers.lessons
    if shown == "scene":
        lessons.begin(
            next(one for one in load_all("scenes").values() if one.steps[0].settings.sampling.follows != "learned")
        )
    else:
        lessons.begin(load_all()["01-score"])
    assert window.state.document.lesson is not None
    path = tmp_path / "own.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(300, 2)), delimiter=",")
    window.state.mark_saved()
    window.opening.open(path)
    qtbot.waitUntil(lambda: settled(window) and window.state.experiment.data.kind == "file")
    assert lessons.lesson is None
    lessons.leave()
    own = window.state.experiment
    assert own.data.path == str(path)
    window.state.mark_modified()
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    assert window.state.experiment == own


def test_a_file_that_has_changed_or_gone_meanwhile_takes_nothing_of_the_work_away(windows, qtbot, tmp_path):
    window, path = windows(), tmp_path / "own.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(300, 2)), delimiter=",")
    with qtbot.waitSignal(window.state.problem_changed):
        window.opening.open(path)
    qtbot.waitUntil(lambda: settled(window))
    count, before = window.state.problem.count, window.building.dataset.points
    train(qtbot, window, 20)
    window.state.edit({"network.width": 16})  # another training, never begun
    qtbot.waitUntil(lambda: settled(window))
    autosave(qtbot, window)
    kill(window)
    np.savetxt(path, np.random.default_rng(1).normal(size=(90, 2)), delimiter=",")
    window = windows()
    restore(qtbot, window)
    np.testing.assert_array_equal(window.building.dataset.points, before)
    window.state.undo()
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step >= 20)
    np.testing.assert_array_equal(window.building.dataset.points, before)
    path.unlink()
    window.state.edit({"network.width": 24})
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step == 0)
    assert window.state.problem.count == count


def test_a_reset_between_two_writes_brings_no_old_weights_back(windows, qtbot, tmp_path):
    window = windows()
    train(qtbot, window, 20)
    reset_training(window, window.controllers)
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step == 0)
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    assert window.state.model.training.now.step == 0
    assert window.state.undo_text == "reset of training"
    window.state.undo()
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step >= 20)


def test_undo_reaches_the_weights_on_both_sides_of_a_reset(windows, qtbot):
    window = windows()
    train(qtbot, window, 20)
    before = window.state.model.training.now.step
    reset_training(window, window.controllers)
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step == 0)
    train(qtbot, window, 60)
    after = window.state.model.training.now.step
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    assert window.state.model.training.now.step == after
    window.state.undo()
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step == before)
    window.state.redo()
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step == after)


def test_undone_to_what_is_saved_nothing_is_modified(windows, qtbot, tmp_path):
    window = windows()
    train(qtbot, window, 20)
    window.documents.save_to(tmp_path / "one.spg")
    qtbot.waitUntil(lambda: not window.state.modified)
    reset_training(window, window.controllers)
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step == 0)
    assert window.state.modified
    window.state.undo()
    qtbot.waitUntil(lambda: settled(window) and window.state.model.training.now.step >= 20)
    assert not window.state.modified


def test_a_scene_in_the_history_stays_one_step_with_weights_of_its_own(windows, qtbot, tmp_path):
    from playground.lab.lessons import load_all

    scene = next(one for one in load_all("scenes").values() if one.steps[0].settings.sampling.follows != "learned")
    window = windows()
    own = window.state.experiment
    window.state.mark_modified()
    window.controllers.lessons.begin(scene)
    window.state.edit({"sampling.steps": 77})
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    assert (window.state.experiment, window.state.stack.count()) == (own, 2)
    window.state.redo()
    qtbot.waitUntil(lambda: settled(window) and window.state.experiment == scene.steps[0].settings)
    assert window.controllers.lessons.scene == scene
    assert window.building.key.name != FIRST
    window.state.undo()
    qtbot.waitUntil(lambda: settled(window) and window.building.key.name == FIRST)
    assert window.state.experiment == own


def test_redo_leads_into_a_lesson_of_before(windows, qtbot, tmp_path):
    from playground.lab.lessons import load_all

    window = windows()
    window.state.edit({"sampling.seed": 3})
    window.controllers.lessons.begin(load_all()["01-score"])
    place = window.controllers.lessons.place
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    lessons = window.controllers.lessons
    assert (lessons.lesson, window.state.value("sampling.seed")) == (None, 3)
    window.state.redo()
    assert (lessons.lesson, lessons.place) == (load_all()["01-score"], place)


def test_pinned_runs_are_put_into_words_in_the_thread(windows, qtbot, monkeypatch):
    """Sixty of them took the window's thread 20 ms every five seconds."""
    window, threads = windows(), []

    def noted(runs, store):
        threads.append(threading.current_thread())
        return to_json(runs, store)

    monkeypatch.setattr(autosaving, "to_json", noted)
    put_pin(window.state, pinned_run(1, "one", window.state.experiment))
    autosave(qtbot, window)
    assert threads
    assert threading.main_thread() not in threads


def test_a_run_that_was_pinned_in_a_lesson_comes_back(windows, qtbot, tmp_path):
    from playground.lab.lessons import load_all

    window = windows()
    window.state.edit({"sampling.seed": 3})
    window.controllers.lessons.begin(load_all()["01-score"])
    put_pin(window.state, pinned_run(1, "one", window.state.experiment))
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    assert [run.name for run in window.controllers.pinning.runs] == ["one"]
    assert (window.state.document.lesson, window.state.value("sampling.seed")) == (None, 3)


def test_deleted_runs_stay_deleted_and_undo_brings_them_back(windows, qtbot, tmp_path):
    window = windows()
    pinning = window.controllers.pinning
    qtbot.waitUntil(lambda: pinning.finished is not None)
    pinning.pin()
    name = pinning.runs[0].name
    put_pin(window.state, pinned_run(2, "another", window.state.experiment))
    pinning.delete(pinning.runs[0])
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    pinned = window.controllers.pinning
    assert [run.name for run in pinned.runs] == ["another"]
    window.state.undo()
    assert [run.name for run in pinned.runs] == [name, "another"]


def test_a_comparison_comes_back_after_a_kill_and_from_a_file(windows, qtbot, tmp_path):
    from playground.lab.lessons import load_all

    def compared(window):
        comparing = window.controllers.comparing
        qtbot.waitUntil(lambda: is_sampled(comparing) and len(comparing.runs) == len(comparing.columns))
        assert [run.failure for run in comparing.runs] == [None] * len(comparing.columns)
        assert comparing.is_active
        return comparing.columns

    window, path = windows(), tmp_path / "mine.spg"
    window.state.edit({"sampling.source": "exact"})
    window.controllers.column_edits.begin((Column(), Column.of({"sampling.steps": 20})))
    window.controllers.column_edits.add()
    three = compared(window)
    window.controllers.lessons.begin(next(iter(load_all("scenes").values())))
    assert window.state.document.columns == ()
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    assert compared(window) == three
    window.state.undo()
    assert compared(window) == three[:2]
    window.documents.save_to(path)
    qtbot.waitUntil(lambda: not window.documents.saving)
    assert not window.state.modified
    window.opening.new()
    assert not window.controllers.comparing.is_active
    qtbot.waitUntil(lambda: settled(window))
    assert not window.controllers.comparing.is_active
    window.opening.open(path)
    qtbot.waitUntil(lambda: window.documents.path == path and settled(window))
    assert compared(window) == three[:2]
    assert not window.state.modified
    window.controllers.column_edits.leave()
    assert window.state.modified


def test_no_run_is_lost_beside_many_deleted_ones(windows, qtbot, tmp_path):
    window = windows()
    pinned = window.controllers.pinning
    for number in range(1, MOST + 5):
        put_pin(window.state, pinned_run(number, f"run {number}", window.state.experiment))
        if number <= 4:
            pinned.delete(pinned.runs[0])
    names = [run.name for run in pinned.runs]
    assert len(names) == MOST
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    pinned = window.controllers.pinning
    assert [run.name for run in pinned.runs] == names
    for _ in range(MOST + 1):
        window.state.undo()
    assert [run.name for run in pinned.runs] == ["run 4"]


def test_the_file_that_was_open_is_open_again_and_not_written_over_unasked(windows, qtbot, tmp_path):
    window, path = windows(), tmp_path / "mine.spg"
    window.documents.save_to(path)
    qtbot.waitUntil(lambda: not window.documents.saving)
    window.state.edit({"sampling.seed": 3})
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    assert window.documents.path == path
    window.documents.save()
    qtbot.waitUntil(lambda: not window.documents.saving)
    assert Session.load(path).experiment.sampling.seed == 3
    qtbot.waitUntil(lambda: not written(window.state.store.folder).modified)
    kill(window)
    window = windows()
    assert not window.recovery_bar.isVisible()  # all of it is in the file


def test_a_file_that_is_opened_while_work_is_written_is_not_taken_for_its_file(windows, qtbot, tmp_path):
    window, mine = windows(), tmp_path / "mine.spg"
    window.documents.save_to(mine)
    qtbot.waitUntil(lambda: not window.documents.saving)
    window.state.edit({"sampling.seed": 3})
    qtbot.waitUntil(lambda: settled(window) and not window.autosaving.background.busy)
    stamp = window.documents.stamp
    save = window.autosaving._pack()
    window.documents.take(lambda: None, tmp_path / "other.spg", (1, 2))
    save()
    work = written(window.state.store.folder)
    assert (work.file, work.stamp) == (str(mine), stamp)


@pytest.mark.alone
@pytest.mark.parametrize("fails", [False, True])
def test_a_window_does_not_wait_for_what_is_written_when_work_comes_back(windows, qtbot, tmp_path, monkeypatch, fails):
    window, go_on, write = windows(), threading.Event(), recovery.write
    autosaving = window.autosaving
    window.state.edit({"sampling.seed": 3})
    qtbot.waitUntil(lambda: settled(window) and not autosaving.background.busy)

    def slow(store, work):
        go_on.wait(30)
        if fails:
            raise OSError(28, "No space left on device")
        write(store, work)

    monkeypatch.setattr(recovery, "write", slow)
    window.state.edit({"sampling.seed": 4})
    autosaving.write()
    before = window.state.store
    qtbot.waitUntil(lambda: before.folder is not None)
    left, back = before.folder, Store(folder_in(tmp_path / "recovery"))
    began = time.perf_counter()
    window.state.store = back
    window.state.history_changed.emit()
    assert time.perf_counter() - began < 1
    assert left.exists()  # it is still written to
    go_on.set()
    qtbot.waitUntil(lambda: not left.exists())
    monkeypatch.undo()
    autosave(qtbot, window)
    assert written(back.folder).history["steps"][-1] == {"changes": [["sampling.seed", -1, 4]]}


@pytest.mark.files
def test_a_full_disk_is_told_once_and_the_last_good_files_stay(windows, qtbot, tmp_path, monkeypatch):
    window = windows()
    window.state.edit({"sampling.seed": 3})
    autosave(qtbot, window)
    (folder,) = folders(tmp_path)
    told = []
    window.state.notified.connect(told.append)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checked_file, "write", full)
    for seed in (4, 5):
        window.state.edit({"sampling.seed": seed})
        autosave(qtbot, window)
    assert len(told) == 1
    assert window.autosaving.text == "autosave failed"
    assert written(folder).history["steps"][-1] == {"changes": [["sampling.seed", -1, 3]]}
    monkeypatch.undo()
    window.state.edit({"sampling.seed": 6})
    autosave(qtbot, window)
    assert "autosaved" in window.autosaving.text


def test_training_is_written_while_it_goes_on_and_data_only_once(windows, qtbot, tmp_path):
    window = windows()
    window.autosaving.seconds = 0.2
    window.state.edit({"training.steps": 1_000_000})
    window.training.start()
    qtbot.waitUntil(lambda: any((folder / NOTE).is_file() for folder in folders(tmp_path)))
    (folder,) = folders(tmp_path)
    data = {path.name: path.stat().st_ino for path in folder.glob("points-*")}
    assert len(data) == 1
    first = next(folder.glob("training-*")).stat().st_mtime_ns
    qtbot.waitUntil(lambda: next(folder.glob("training-*")).stat().st_mtime_ns != first)
    assert {path.name: path.stat().st_ino for path in folder.glob("points-*")} == data
    window.training.pause()
    qtbot.waitUntil(lambda: not window.training.is_resting)
    autosave(qtbot, window)
    trained = window.state.store.get(window.building.key)
    assert trained.state["step"] == window.state.model.training.trainer.step
    assert window.state.model.training.is_stored


DAMAGED = (b"", b"{", b"[]", b'{"version": 9}', b'{"saved": 1e999}', b"\xff" * 100)


def test_damaged_lists_are_told_and_can_be_discarded(windows, tmp_path):
    for contents in DAMAGED:
        with Store(folder_in(tmp_path / "recovery")) as left:
            left.write_note(contents)

    def told(window) -> None:
        bar = window.recovery_bar
        assert bar.isVisible()
        assert "cannot be restored" in bar.sentence.text()
        assert NOTE in bar.about.text()
        assert "discard it" in bar.about.text()
        assert not bar.restore.isVisible()

    window = windows()
    told(window)
    window.recovering.restore()  # as nothing asks for
    assert not window.recovering.busy
    end(window)
    window = windows()  # closing the window was no answer: another version may read them
    for _ in DAMAGED:
        told(window)
        window.recovery_bar.discard.click()
    assert not window.recovery_bar.isVisible()
    assert folders(tmp_path) == []


def test_work_that_can_be_restored_is_offered_before_work_that_cannot(windows, qtbot, tmp_path):
    window = windows()
    window.state.edit({"sampling.seed": 3})
    autosave(qtbot, window)
    kill(window)
    with Store(folder_in(tmp_path / "recovery")) as left:
        left.write_note(b"{")
    window = windows()
    assert window.recovery_bar.restore.isVisible()
    window.recovery_bar.discard.click()
    assert window.recovery_bar.isVisible()
    assert not window.recovery_bar.restore.isVisible()


def test_what_a_column_has_learned_comes_back_after_a_kill(windows, qtbot):
    window = windows()
    window.training.start()
    qtbot.waitUntil(lambda: window.training.trained_steps >= 50)
    window.training.pause()
    qtbot.waitUntil(lambda: window.state.model.status == "paused" and not window.training.is_resting)
    comparing, steps = window.controllers.comparing, window.training.trained_steps
    window.controllers.column_edits.begin((Column(), Column.of({"objective.kind": "exact"})))
    qtbot.waitUntil(lambda: len(comparing.runs) == 2 and comparing.awaited is None)
    learned = comparing.runs[1].training.now.step
    assert learned >= steps
    autosave(qtbot, window)
    kill(window)
    window = windows()
    restore(qtbot, window)
    comparing = window.controllers.comparing
    qtbot.waitUntil(lambda: len(comparing.runs) == 2)
    assert comparing.runs[1].training.now.step == learned
    assert not comparing.runs[1].model.weights.untrained


def test_saved_work_that_is_trained_for_a_lesson_is_written_as_seldom_as_other(windows, qtbot, monkeypatch):
    window = windows()
    autosaving, written = window.autosaving, []
    window.state.edit({"sampling.seed": 4})
    autosaving.write()
    qtbot.waitUntil(lambda: not autosaving.background.busy)
    window.state.mark_saved()
    with qtbot.waitSignal(autosaving.changed):
        autosaving.look()  # at once, so that nothing is offered
    monkeypatch.setattr(autosaving, "seconds", 1000.0)
    monkeypatch.setattr(autosaving, "write", lambda: written.append(time.monotonic()))
    autosaving.look()
    assert written == []
