"""The folder of unsaved work: always complete, and used by one window only."""

import os
import time

import msgspec
import numpy as np
import pytest

from playground.lab.experiment import Experiment
from playground.lab.recovery import WORK, YOUNG, KeptWeights, RecoveryFolder, Work
from playground.lab.session import Session, SessionError

pytestmark = pytest.mark.files

POINTS = np.random.default_rng(0).normal(size=(60, 2))
KEPT = KeptWeights("weights-1.spg", "data-2.spg", present=True)


def filled(parent):
    folder = RecoveryFolder.create(parent)
    folder.save("data-2.spg", Session(Experiment(), POINTS, POINTS[:5]))
    folder.save("weights-1.spg", Session(Experiment(), POINTS[:1], POINTS[:1], weights={"step": np.array(3)}))
    folder.write(Work(saved=1.0, summary="two moons", history={}, trainings=(KEPT,)))
    return folder


def test_a_training_comes_back_with_all_of_its_data(tmp_path):
    folder = filled(tmp_path)
    session = folder.load(folder.read().trainings[0])
    np.testing.assert_array_equal(session.points, POINTS)
    np.testing.assert_array_equal(session.held_out, POINTS[:5])
    assert session.weights["step"] == 3
    assert list(folder.check()) == [WORK, "weights-1.spg"]


@pytest.mark.skipif(os.name == "nt", reason="there the user's own folder keeps others out")
def test_nobody_else_may_read_the_work(tmp_path):
    before = os.umask(0)  # the most that a user can allow by default
    try:
        folder = RecoveryFolder.create(tmp_path / "recovery")
    finally:
        os.umask(before)
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_a_locked_folder_is_not_offered(tmp_path):
    folder = filled(tmp_path)
    assert RecoveryFolder.left_behind(tmp_path) == []
    folder.release()
    (left,) = RecoveryFolder.left_behind(tmp_path)
    assert left.path == folder.path
    assert RecoveryFolder.left_behind(tmp_path) == []  # the window that offers it holds its lock
    left.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_newest_is_offered_first(tmp_path):
    folders = [filled(tmp_path) for _ in range(3)]
    for seconds, folder in zip((30, 10, 20), folders, strict=True):
        os.utime(folder.path / WORK, (time.time() - seconds,) * 2)
        folder.release()
    found = RecoveryFolder.left_behind(tmp_path)
    assert [folder.path for folder in found] == [folders[1].path, folders[2].path, folders[0].path]


def test_files_that_are_no_longer_listed_are_removed(tmp_path):
    folder = filled(tmp_path)
    folder.save("weights-3.spg", Session(Experiment(), POINTS[:1], POINTS[:1]))
    assert folder.names() == ["data-2.spg", "weights-1.spg", "weights-3.spg"]
    folder.write(folder.read())
    assert folder.names() == ["data-2.spg", "weights-1.spg"]


def test_a_folder_without_work_is_removed_once_it_is_old(tmp_path):
    RecoveryFolder.create(tmp_path).release()
    (path,) = tmp_path.iterdir()
    assert RecoveryFolder.left_behind(tmp_path) == []
    assert path.exists()  # another window may just have created it
    os.utime(path, (time.time() - 2 * YOUNG,) * 2)
    assert RecoveryFolder.left_behind(tmp_path) == []
    assert not path.exists()


@pytest.mark.parametrize("name", ["../mine.spg", "/etc/passwd", "a/b-1.spg", "weights-1.toml", "", "weights-1.spg\n"])
def test_a_list_names_only_files_of_its_folder(tmp_path, name):
    folder = filled(tmp_path)
    work = msgspec.structs.replace(folder.read(), trainings=(KeptWeights(name, "data-2.spg"),))
    (folder.path / WORK).write_bytes(msgspec.json.encode(work))
    with pytest.raises(SessionError, match="damaged"):
        folder.read()


def test_damage_is_found(tmp_path):
    folder = filled(tmp_path)
    path = folder.path / "weights-1.spg"
    contents = bytearray(path.read_bytes())
    contents[-1] ^= 1
    path.write_bytes(contents)
    with pytest.raises(SessionError):
        list(folder.check())


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match="cannot be written"):
        RecoveryFolder.create(tmp_path / "file")
    assert RecoveryFolder.left_behind(tmp_path / "nowhere") == []
