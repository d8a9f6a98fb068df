"""The folder of unsaved work: always complete, used by one window only, and read whatever version wrote it."""

import os
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from playground.lab import recovery
from playground.lab.experiment import Experiment, replace
from playground.lab.keys import TrainingKey
from playground.lab.recovery import OLD, VERSION, YOUNG, OldTraining, Work, folder_in, keep_training, left_behind
from playground.lab.session import Session, SessionError
from playground.lab.store import NOTE, Store
from playground.lab.trained import Trained
from tests.present import present

pytestmark = pytest.mark.files

POINTS = np.random.default_rng(0).normal(size=(60, 2))
SESSION = Session(Experiment(), POINTS, POINTS[:5])
KEY = TrainingKey.of(Experiment(), name="first")
WORK = Work(saved=1.0, summary="two moons", history={"first": {}}, version=VERSION)
TRAINED = Trained({"step": np.array(3)}, {"state": "paused"}, "cpu")


def filled(parent: Path) -> Store:
    store = Store(folder_in(parent))
    keep_training(store, KEY, TRAINED, SESSION.kept_points)
    recovery.write(store, WORK)
    return store


def test_a_training_comes_back_with_all_of_its_data(tmp_path: Path) -> None:
    filled(tmp_path).close()
    (store,) = left_behind(tmp_path)
    assert recovery.read(store) == WORK
    wanted = replace(Experiment(), {"sampling.steps": 7})
    session = present(recovery.session_of(store, KEY, wanted, view={"layers": []}))
    np.testing.assert_array_equal(session.points, POINTS)
    np.testing.assert_array_equal(session.held_out, POINTS[:5])
    assert present(session.weights)["step"] == 3
    assert (session.experiment, session.training, session.device) == (wanted, {"state": "paused"}, "cpu")
    assert session.view == {"layers": []}
    assert recovery.session_of(store, TrainingKey.of(Experiment(), name="other"), wanted) is None


def test_points_are_written_once_and_are_those_of_each_training(tmp_path: Path) -> None:
    with Store(tmp_path / "a") as store:
        keep_training(store, KEY, TRAINED, SESSION.kept_points)
        before = {path.name: path.stat().st_ino for path in present(store.folder).glob("points-*")}
        second = TrainingKey.of(Experiment(), name="second")
        keep_training(store, second, TRAINED, SESSION.kept_points)
        assert {path.name: path.stat().st_ino for path in present(store.folder).glob("points-*")} == before
        assert len(before) == 1
        # A file that has changed: other points by the same settings.
        other = Session(Experiment(), POINTS[::-1].copy(), POINTS[:5]).kept_points
        third = TrainingKey.of(Experiment(), name="third")
        keep_training(store, third, Trained({}), other)
        store.release()
        for key, points in ((KEY, POINTS), (second, POINTS), (third, POINTS[::-1])):
            np.testing.assert_array_equal(present(recovery.session_of(store, key, Experiment())).points, points)
        assert present(recovery.session_of(store, third, Experiment())).weights is None


@pytest.mark.skipif(os.name == "nt", reason="there the user's own folder keeps others out")
def test_nobody_else_may_read_the_work(tmp_path: Path) -> None:
    before = os.umask(0)  # the most that a user can allow by default
    try:
        store = filled(tmp_path / "recovery")
    finally:
        os.umask(before)
    assert present(store.folder).stat().st_mode & 0o777 == 0o700


def test_a_locked_folder_is_not_offered(tmp_path: Path) -> None:
    store = filled(tmp_path)
    folder = store.folder
    assert left_behind(tmp_path) == []
    store.close()
    (left,) = left_behind(tmp_path)
    assert left.folder == folder
    assert left_behind(tmp_path) == []  # the window that offers it holds its lock
    left.delete()
    assert list(tmp_path.iterdir()) == []


def test_the_newest_is_offered_first(tmp_path: Path) -> None:
    stores = [filled(tmp_path) for _ in range(3)]
    folders = [present(store.folder) for store in stores]
    for seconds, store, folder in zip((30, 10, 20), stores, folders, strict=True):
        store.close()
        os.utime(folder / NOTE, (time.time() - seconds,) * 2)
    assert [store.folder for store in left_behind(tmp_path)] == [folders[1], folders[2], folders[0]]


def test_a_folder_without_work_is_removed_once_it_is_old(tmp_path: Path) -> None:
    Store(folder_in(tmp_path)).close()
    (path,) = tmp_path.iterdir()
    assert left_behind(tmp_path) == []
    assert path.exists()  # another window may just have created it
    os.utime(path, (time.time() - 2 * YOUNG,) * 2)
    assert left_behind(tmp_path) == []
    assert not path.exists()
    assert left_behind(tmp_path / "nowhere") == []


def damage(path: Path) -> None:
    contents = bytearray(path.read_bytes())
    contents[-1] ^= 1
    path.write_bytes(contents)


def test_a_damaged_note_is_said_and_stays_until_it_is_discarded(tmp_path: Path) -> None:
    store = filled(tmp_path)
    path = present(store.folder) / NOTE
    store.close()
    damage(path)
    for _ in range(2):
        (left,) = left_behind(tmp_path)
        with pytest.raises(SessionError, match="is damaged: discard it"):
            recovery.read(left)
        left.close()
        assert path.exists()


def test_a_damaged_training_is_none(tmp_path: Path) -> None:
    store = filled(tmp_path)
    folder = present(store.folder)
    store.close()
    damage(next(folder.glob("training-*")))
    (left,) = left_behind(tmp_path)
    assert recovery.session_of(left, KEY, Experiment()) is None
    assert [message.code for message in left.messages()] == ["value-damaged"]


@pytest.mark.parametrize(
    "contents", [b"", b"{", b"[]", b'{"version": 9}', b'{"saved": 1e999}', b"\xff" * 100, b"[" * 10_000]
)
def test_a_note_that_is_none_is_refused(tmp_path: Path, contents: bytes) -> None:
    with Store(tmp_path / "a") as store:
        store.write_note(contents)
        with pytest.raises(SessionError, match=NOTE):
            recovery.read(store)


def test_the_work_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path / "a") as store:
        store.write_note(msgspec.json.encode(msgspec.structs.replace(WORK, version=VERSION + 1)))
        with pytest.raises(SessionError, match="another version"):
            recovery.read(store)


OLD_TRAINING = OldTraining("weights-1.spg", "data-2.spg")
OLD_WORK = Work(saved=1.0, summary="two moons", history={}, trainings=(OLD_TRAINING,))


def of_version_1(folder: Path, work: Work = OLD_WORK) -> None:
    folder.mkdir(parents=True)
    Session(Experiment(), POINTS, POINTS[:5]).save(folder / "data-2.spg")
    weights = Session(Experiment(), POINTS[:1], POINTS[:1], weights={"step": np.array(3)}, measurements={"quality": {}})
    weights.save(folder / "weights-1.spg")
    (folder / OLD).write_bytes(msgspec.json.encode(work))


def test_the_work_of_version_1_is_read_with_its_points(tmp_path: Path) -> None:
    of_version_1(tmp_path / "a")
    (store,) = left_behind(tmp_path)
    work = recovery.read(store)
    assert work == OLD_WORK
    (session,) = recovery.read_old(store, work)
    assert session.measurements == {"quality": {}}
    np.testing.assert_array_equal(session.points, POINTS)
    np.testing.assert_array_equal(session.held_out, POINTS[:5])
    assert present(session.weights)["step"] == 3
    assert (present(store.folder) / OLD).exists()
    recovery.drop_old(store)
    assert [path for path in present(store.folder).iterdir() if path.suffix in (".json", ".spg")] == []


@pytest.mark.parametrize("name", ["../mine.spg", "/etc/passwd", "a/b-1.spg", "weights-1.toml", "", "weights-1.spg\n"])
def test_a_list_names_only_files_of_its_folder(tmp_path: Path, name: str) -> None:
    old = msgspec.structs.replace(OLD_WORK, trainings=(OldTraining(name, "data-2.spg"),))
    of_version_1(tmp_path / "a", old)
    (store,) = left_behind(tmp_path)
    with pytest.raises(SessionError, match="damaged"):
        recovery.read(store)


def test_a_damaged_session_of_version_1_is_said(tmp_path: Path) -> None:
    of_version_1(tmp_path / "a")
    damage(tmp_path / "a" / "weights-1.spg")
    (store,) = left_behind(tmp_path)
    with pytest.raises(SessionError, match="damaged"):
        recovery.read_old(store, recovery.read(store))
    assert (tmp_path / "a" / OLD).exists()
