"""The store: what was put comes back as it was, or not at all; nothing that cannot be computed again goes unsaid."""

import errno
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import safetensors
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.lab import checked_file, store
from playground.lab.bounded_memory import SMALL
from playground.lab.store import LARGEST, SUFFIX, UNIQUE, Kept, Store
from playground.user_errors import UserError
from playground.version import __version__
from tests.own_process import ROOT, at_work, loaded

pytestmark = pytest.mark.files

FULL = OSError(errno.ENOSPC, "No space left on device")


@dataclass(frozen=True, eq=False)
class Numbers:
    """A value with a text."""

    array: np.ndarray
    text: str = ""

    def packed(self) -> tuple[dict[str, str], dict[str, np.ndarray]]:
        return {"text": self.text}, {"array": self.array}

    @classmethod
    def unpacked(cls, texts: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> Self:
        if texts["text"] == "refused":
            raise ValueError("no such numbers")
        return cls(arrays["array"], texts["text"])


@dataclass(frozen=True)
class Named:
    number: int
    again: bool = True
    kept: type[Kept] | None = Numbers

    @property
    def file(self) -> str:
        return f"numbers-{self.number:x}"


def of(number: float, size: int = 1000) -> Numbers:
    """A value of so many bytes."""
    return Numbers(np.full(size, number % 100, np.uint8), str(number))


def text_at(kept: Store, key: Named) -> str | None:
    """The text of what is there."""
    found = kept.get(key)
    return None if found is None else found.text


def codes(kept: Store) -> list[str]:
    return [message.code for message in kept.messages()]


def files(folder: Path) -> set[str]:
    """The files of values."""
    return {path.name for path in folder.iterdir()} - {"lock"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def fails(*_: object) -> None:
    raise FULL


@pytest.mark.parametrize("again", [True, False])
def test_a_value_comes_back_from_memory_and_folder_and_in_the_next_process(folder: Path, again: bool) -> None:
    key, other = Named(1, again), Named(2, again)
    arrays = [rng.normal(size=(3, 2)) for rng in [np.random.default_rng(0)]]
    arrays += [np.array(7), np.zeros((0, 2), np.float32), np.arange(6, dtype=">i4")[::2], np.array([np.nan, np.inf])]
    for array in arrays:
        value = Numbers(array, "Füchse 🦊 \udce9\n\0")
        with Store(folder) as kept:
            kept.put(key, value)
            assert kept.get(key) is value
            assert kept.get(other) is None
            kept.release()
            found: list[Any] = [kept.get(key)]
            assert found[0] is not value
        with Store(folder) as kept:
            found.append(kept.get(Named(1, again)))
            assert kept.messages() == []
        for one in found:
            assert one.text == value.text
            np.testing.assert_array_equal(one.array, array)
            assert (one.array.dtype, one.array.shape) == (array.dtype.newbyteorder("<"), array.shape)


def test_nobody_changes_a_value(folder: Path) -> None:
    value = Numbers(np.zeros(3))
    with Store(folder) as kept:
        for put in (kept.hold, kept.put):
            put(Named(1), value)
            for _ in range(2):
                got = kept.get(Named(1))
                assert got is not None
                with pytest.raises(ValueError, match="read-only"):
                    got.array[0] = 1.0
                kept.release()
            value = Numbers(np.ones(3))


def test_what_is_held_is_written_with_the_next_and_the_newest_of_two_stays(folder: Path) -> None:
    with Store() as kept:
        for number in range(2):
            kept.hold(Named(1), of(number))
        kept.hold(Named(2), of(7))
        assert text_at(kept, Named(1)) == "1"
        kept.open(folder)
        assert not kept.has_unwritten
        kept.hold(Named(2), of(8))
        assert kept.has_unwritten
        kept.release()
        assert text_at(kept, Named(2)) == "8"  # it is nowhere else
        kept.put(Named(3), of(3))
        assert not kept.has_unwritten
    with Store(folder) as kept:
        assert [text_at(kept, Named(number)) for number in (1, 2, 3)] == ["1", "8", "3"]
        assert Named(4) not in kept
        assert Named(1) in kept
        kept.delete()
    assert not folder.exists()


def test_what_is_held_while_another_is_written_is_written_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, write = Store(folder), checked_file.write

    def slow(*given: Any) -> None:
        monkeypatch.undo()
        kept.hold(Named(1), of(2))
        write(*given)

    monkeypatch.setattr(checked_file, "write", slow)
    kept.put(Named(1), of(1))
    assert kept.has_unwritten
    kept.put(Named(2), of(3))
    kept.close()
    with Store(folder) as kept:
        assert text_at(kept, Named(1)) == "2"


def test_what_is_put_again_takes_the_place_of_the_old(folder: Path) -> None:
    with Store(folder) as kept:
        for number in range(3):
            kept.put(Named(1, again=False), of(number))
            assert text_at(kept, Named(1, again=False)) == str(number)
        assert files(folder) == {"numbers-1" + UNIQUE}
        kept.release()
        assert text_at(kept, Named(1, again=False)) == "2"


def test_a_value_of_no_kept_type_is_in_memory_only(folder: Path) -> None:
    value, key = object(), Named(1, kept=None)
    with Store(folder) as kept:
        kept.put(key, value)
        kept.release()
        assert kept.get(key) is value
        assert files(folder) == set()
    with Store(folder) as kept:
        assert kept.get(key) is None


def test_the_least_recently_used_leaves_memory_first() -> None:
    kept = Store(memory=3000)
    for number in range(3):
        kept.put(Named(number), of(number))
    assert text_at(kept, Named(0)) == "0"  # which makes 1 the oldest
    kept.put(Named(3), of(3))
    assert [text_at(kept, Named(number)) for number in range(4)] == ["0", None, "2", "3"]


def test_a_figure_stays_in_memory_where_a_large_run_does_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window looks figures up while another thread writes, and would wait for it."""

    def refuse(path: Path) -> None:
        raise AssertionError(path)

    with Store(folder, memory=4 * SMALL) as kept:
        for number, size in enumerate((10, 3 * SMALL, 3 * SMALL)):
            kept.put(Named(number), of(number, size))
        monkeypatch.setattr(checked_file, "read", refuse)
        assert text_at(kept, Named(0)) == "0"
        with pytest.raises(AssertionError):
            kept.get(Named(1))


def test_what_was_put_last_stays_however_large_it_is(folder: Path) -> None:
    with Store(folder, memory=10, disk=10) as kept:
        for number in range(2):
            kept.put(Named(number), of(number))
            assert text_at(kept, Named(number)) == str(number)
        assert files(folder) == {"numbers-1" + SUFFIX}
    kept = Store(memory=10)
    for number in range(2):
        kept.put(Named(number), of(number))
        assert [text_at(kept, Named(other)) for other in (number - 1, number)] == [None, str(number)]


def shared(count: int) -> list[list[Any]]:
    """For each of so many values, buffers in memory of 1000 bytes that they share."""
    base = np.zeros(1000, np.uint8)
    tensor = torch.zeros(250)
    views = [base[number:][:10] for number in range(count)], [tensor[2 * number :] for number in range(count)]
    return [[view.reshape(2, -1), part, part.numpy()] for view, part in zip(*views, strict=True)]


def test_memory_that_values_share_counts_once() -> None:
    kept = Store(memory=2500)
    for number, buffers in enumerate(shared(5)):
        kept.put(Named(number, kept=None), buffers)
    assert all(kept.get(Named(number, kept=None)) for number in range(5))
    for number, buffers in enumerate([*shared(1), *shared(1)], start=5):
        kept.put(Named(number, kept=None), buffers)
    assert [kept.get(Named(number, kept=None)) is not None for number in range(7)] == [False] * 6 + [True]


def test_memory_that_values_share_is_free_once_the_last_of_them_is_gone() -> None:
    kept = Store(memory=1500)
    base = np.zeros(1000, np.uint8)
    for number in range(2):
        kept.put(Named(number), Numbers(base[number:]))
    for _ in range(3):
        kept.put(Named(2), of(2, 500))
        kept.put(Named(1), of(1, 500))
        kept.put(Named(0), of(0, 500))
    assert [text_at(kept, Named(number)) for number in range(3)] == ["0", "1", "2"]


@pytest.mark.parametrize("kept_type", [Numbers, None])
def test_without_a_folder_nothing_is_lost_that_cannot_be_computed_again(kept_type: type[Kept] | None) -> None:
    kept = Store(memory=3000)
    for number in range(6):
        kept.put(Named(number, again=number % 2 == 0, kept=kept_type), of(number))
    there = [kept.get(Named(number, again=number % 2 == 0, kept=kept_type)) is not None for number in range(6)]
    assert there == [False, True, False, True, False, True]


def test_what_is_in_the_folder_leaves_memory_and_comes_back(folder: Path) -> None:
    with Store(folder, memory=1500) as kept:
        first = of(0)
        kept.put(Named(0, again=False), first)
        assert kept.in_memory(Named(0, again=False)) is first
        kept.put(Named(1, again=False), of(1))
        assert kept.in_memory(Named(0, again=False)) is None
        assert kept.get(Named(0, again=False)) is not first
        assert text_at(kept, Named(0, again=False)) == "0"


def test_what_can_be_computed_again_leaves_the_folder_before_what_cannot(folder: Path) -> None:
    with Store(folder, disk=5500) as kept:
        kept.put(Named(0, again=False), of(0))
        for number in range(1, 5):
            kept.put(Named(number), of(number))
        assert f"numbers-0{UNIQUE}" in files(folder)
        assert len(files(folder)) < 5
        assert kept.messages() == []


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("released", [False, True])
def test_the_least_recently_used_leaves_the_folder_first(folder: Path, reopened: bool, released: bool) -> None:
    kept = Store(folder, disk=5500)
    for number in range(3):
        kept.put(Named(number), of(number))
    if released:
        kept.release()
    assert text_at(kept, Named(0)) == "0"
    if reopened:
        kept.close()
        kept = Store(folder, disk=5500)
    kept.put(Named(3), of(3, 2000))
    assert files(folder) == {f"numbers-{number}{SUFFIX}" for number in (0, 2, 3)}
    kept.put(Named(4), of(4, 2500))
    assert files(folder) == {f"numbers-{number}{SUFFIX}" for number in (3, 4)}
    assert kept.messages() == []
    kept.close()


def test_values_that_waited_for_space_are_as_old_as_they_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(folder, disk=5500) as kept:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fails)
            for number in range(2):
                kept.put(Named(number), of(number))
        for number, size in (2, 1000), (3, 2000):
            kept.put(Named(number), of(number, size))
        assert files(folder) == {f"numbers-{number}{SUFFIX}" for number in (1, 2, 3)}


def test_a_look_up_is_remembered_by_the_files_time_if_the_program_is_killed(folder: Path) -> None:
    with Store(folder) as kept:
        kept.put(Named(0), of(0))
        os.utime(folder / ("numbers-0" + SUFFIX), (0, 0))
        kept.release()
        kept.get(Named(0))
        assert (folder / ("numbers-0" + SUFFIX)).stat().st_mtime > time.time() - 1000


def test_it_is_said_if_what_cannot_be_computed_again_is_dropped(folder: Path) -> None:
    with Store(folder, disk=2500) as kept:
        kept.write_note(b"history")
        for number in range(3):
            kept.put(Named(number, again=number != 0), of(number))
        (message,) = kept.messages()
        assert message.code == "value-dropped"
        assert "numbers-0" in str(message)
        assert kept.messages() == []
        assert text_at(kept, Named(0, again=False)) == "0"  # from memory, where it stays
        kept.release()
        assert text_at(kept, Named(0, again=False)) == "0"
        assert kept.note() == b"history"
        assert files(folder) == {"note-0" + UNIQUE, "numbers-2" + SUFFIX}


def test_a_large_value_is_written_only_if_it_cannot_be_computed_again(folder: Path) -> None:
    with Store(folder) as kept:
        for again in (True, False):
            kept.put(Named(1, again), of(1))
            kept.put(Named(1, again), of(2, LARGEST + 1))
            kept.put(Named(2, again), of(2, LARGEST))
        assert files(folder) == {"numbers-2" + SUFFIX, "numbers-1" + UNIQUE, "numbers-2" + UNIQUE}
        kept.release()
        assert [text_at(kept, Named(1, again)) for again in (True, False)] == ["2", "2"]


@pytest.mark.skipif(os.name == "nt", reason="there the user's own folder keeps others out")
def test_nobody_else_may_read_the_folder(folder: Path) -> None:
    before = os.umask(0)
    try:
        Store(folder).close()
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_has_one_store_at_a_time(folder: Path) -> None:
    with Store(folder) as kept:
        with pytest.raises(UserError, match=r"in use by another .*: close that one") as caught:
            Store(folder)
        assert caught.value.message.code == "folder-in-use"
        kept.put(Named(1), of(1))
    with Store(folder) as kept:
        assert text_at(kept, Named(1)) == "1"


def test_a_closed_store_has_memory_only(folder: Path) -> None:
    kept = Store(folder)
    kept.put(Named(1), of(1))
    kept.put(Named(2), of(2))
    kept.release()
    kept.get(Named(1))
    kept.close()
    kept.put(Named(3), of(3))
    assert [text_at(kept, Named(number)) for number in (1, 2, 3)] == ["1", None, "3"]
    assert files(folder) == {"numbers-1" + SUFFIX, "numbers-2" + SUFFIX}


@pytest.mark.parametrize("place", [(os, "fsync"), (os, "replace"), (Path, "open")], ids=lambda place: place[1])
def test_a_full_disk_is_said_once_and_nothing_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[object, str]
) -> None:
    keys = [Named(number, again=False) for number in range(6)]
    with Store(folder, memory=1500) as kept:
        kept.put(keys[0], of(0))
        with monkeypatch.context() as patch:
            patch.setattr(*place, fails)
            for key in keys[:3]:
                kept.put(key, of(10 + key.number))
            (message,) = kept.messages()
            assert message.code == "store-not-written"
            assert "no space left on device): free some space" in str(message)
            kept.release()
            assert [text_at(kept, key) for key in keys[:3]] == ["10", "11", "12"]
            kept.write_note(b"new")
            assert kept.note() == b"new"
            assert kept.messages() == []
        assert files(folder) == {"numbers-0" + UNIQUE}
        kept.put(keys[3], of(13))  # now there is space, also for those that wait
        assert len(files(folder)) == 5
        kept.release()
        assert [text_at(kept, key) for key in keys[:4]] == ["10", "11", "12", "13"]
        assert kept.messages() == []
        monkeypatch.setattr(*place, fails)
        kept.put(keys[4], of(14))
        assert codes(kept) == ["store-not-written"]
        monkeypatch.undo()
    with Store(folder) as kept:
        assert [text_at(kept, key) for key in keys[:5]] == ["10", "11", "12", "13", "14"]  # the last when it was closed


def test_on_a_full_disk_the_old_state_of_a_training_stays_and_an_old_result_goes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is given back for results that can be computed again; an old one must not appear in their place."""
    kept = Store(folder, memory=1500)
    for again in (True, False):
        kept.put(Named(1, again), of(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        for again in (True, False):
            kept.put(Named(1, again), of(2))
        kept.put(Named(2), of(3))
        assert text_at(kept, Named(1)) is None
        assert text_at(kept, Named(1, again=False)) == "2"
        kept.close()
    with Store(folder) as kept:  # as after a kill
        assert text_at(kept, Named(1, again=False)) == "1"


def test_a_home_that_takes_no_files_leaves_a_store_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    read_only = OSError(errno.EROFS, "Read-only file system")

    def refused(*_: object, **__: object) -> None:
        raise read_only

    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "elsewhere"):
        with monkeypatch.context() as patch:
            if folder.name == "elsewhere":
                patch.setattr(Path, "mkdir", refused)
            with Store(folder) as kept:
                (message,) = kept.messages()
                assert message.code == "store-not-written"
                assert str(folder) in str(message)
                assert "choose another folder" in str(message)
                kept.put(Named(1), of(1))
                kept.write_note(b"new")
                kept.release()
                assert (text_at(kept, Named(1)), kept.note()) == ("1", b"new")
                assert kept.messages() == []
    assert files(tmp_path) == {"file"}


def test_a_folder_that_becomes_read_only_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(folder) as kept:

        def refused(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", refused)
            patch.setattr(Path, "unlink", refused)
            kept.put(Named(1), of(1))
        assert codes(kept) == ["store-not-written"]
        assert text_at(kept, Named(1)) == "1"


def damage(path: Path, place: int) -> None:
    contents = bytearray(path.read_bytes())
    contents[place] ^= 1
    path.write_bytes(contents)


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("place", [0, 20, 200, -1, None], ids=["length", "header", "texts", "numbers", "empty"])
def test_a_damaged_file_is_missing_said_once_and_deleted(folder: Path, place: int | None, again: bool) -> None:
    key = Named(1, again)
    with Store(folder) as kept:
        kept.put(key, of(1))
        (name,) = files(folder)
        if place is None:
            (folder / name).write_bytes(b"")
        else:
            damage(folder / name, place)
        kept.release()
        assert kept.get(key) is None
        assert kept.get(key) is None
        (message,) = kept.messages()
        assert message.code == "value-damaged"
        assert name in str(message)
        assert ("cannot be computed" in str(message)) == (not again)
        assert files(folder) == set()
        kept.put(key, of(2))
        kept.release()
        assert text_at(kept, key) == "2"


def test_a_damaged_note_is_missing(folder: Path) -> None:
    with Store(folder) as kept:
        kept.write_note(b"history")
    damage(folder / ("note-0" + UNIQUE), -1)
    with Store(folder) as kept:
        assert kept.note() is None
        assert codes(kept) == ["note-damaged"]
        assert files(folder) == {"note-0" + UNIQUE}  # until its reader gives it up


def test_the_file_of_another_key_or_of_a_value_that_its_type_refuses_counts_as_damaged(folder: Path) -> None:
    with Store(folder) as kept:
        kept.put(Named(1), of(1))
        kept.put(Named(3), Numbers(np.zeros(3), "refused"))
    os.rename(folder / ("numbers-1" + SUFFIX), folder / ("numbers-2" + SUFFIX))
    with Store(folder) as kept:
        assert [kept.get(Named(number)) for number in (1, 2, 3)] == [None, None, None]
        assert codes(kept) == ["value-damaged", "value-damaged"]


def test_the_file_of_another_version_is_left_alone(folder: Path) -> None:
    with Store(folder) as kept, pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "FORMAT", "score-playground value 2")
        kept.put(Named(1), of(1))
    with Store(folder) as kept:
        assert kept.get(Named(1)) is None
        assert kept.messages() == []
        assert files(folder) == {"numbers-1" + SUFFIX}


def test_a_file_that_cannot_be_read_is_not_deleted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(folder) as kept, monkeypatch.context() as patch:
        kept.put(Named(1), of(1))
        kept.release()

        def unreachable(_: Path) -> None:
            raise OSError(errno.EIO, "Input/output error")

        patch.setattr(checked_file, "read", unreachable)
        assert [kept.get(Named(1)) for _ in range(2)] == [None, None]
        assert codes(kept) == ["value-not-read"]

    def too_large(*_: object, **__: object) -> None:
        raise MemoryError

    with Store(folder) as kept:
        with monkeypatch.context() as patch:
            patch.setattr(safetensors, "safe_open", too_large)
            with pytest.raises(MemoryError):
                kept.get(Named(1))
        assert text_at(kept, Named(1)) == "1"


def test_a_file_names_its_program_and_is_plain_numbers(folder: Path) -> None:
    with Store(folder) as kept:
        kept.put(Named(1), of(1))
    with safetensors.safe_open(folder / ("numbers-1" + SUFFIX), framework="numpy") as file:
        assert file.metadata()["program"] == __version__
        assert list(file.keys()) == ["array"]


def test_opening_a_folder_removes_leftovers_and_nothing_else(folder: Path) -> None:
    folder.mkdir()
    (folder / ".numbers-1.unique-0123456789ab.safetensors").write_bytes(b"half")
    others = {"model.safetensors", ".numbers-1.txt", "numbers-1.toml"}
    for name in others:
        (folder / name).write_bytes(b"user's")
    with Store(folder, disk=1) as kept:
        kept.put(Named(1), of(1))
    assert files(folder) == {*others, "numbers-1" + SUFFIX}


def test_a_note_comes_back(folder: Path) -> None:
    with Store(folder) as kept:
        assert kept.note() is None
        for contents in (b"one", b"", b"\x00\xff"):
            kept.write_note(contents)
            kept.release()
            assert kept.note() == contents
    with Store(folder) as kept:
        assert kept.note() == b"\x00\xff"
    memory = Store()
    memory.write_note(b"two")
    assert memory.note() == b"two"


def test_a_look_up_does_not_wait_for_a_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, may_end = threading.Event(), threading.Event()

    def slow(_: int) -> None:
        writing.set()
        assert may_end.wait(60)

    with Store(folder) as kept:
        kept.put(Named(1), of(1))
        monkeypatch.setattr(os, "fsync", slow)
        thread = threading.Thread(target=kept.put, args=(Named(2), of(2)))
        thread.start()
        assert writing.wait(60)
        found: list[str | None] = []
        reader = threading.Thread(target=lambda: found.extend(text_at(kept, Named(number)) for number in (1, 2, 3)))
        reader.start()
        reader.join(20)
        meanwhile = list(found)
        may_end.set()
        thread.join()
        reader.join()
        assert meanwhile == ["1", "2", None]


def test_threads_share_a_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    wrong: list[object] = []

    def work(seed: int) -> None:
        draws = np.random.default_rng(seed)
        try:
            for _ in range(60):
                key = Named(int(draws.integers(6)), again=bool(draws.integers(2)))
                kept.put(key, of(key.number, 300))
                key = Named(int(draws.integers(6)), again=bool(draws.integers(2)))
                if text_at(kept, key) not in (None, str(key.number)):
                    wrong.append(key)
                if draws.random() < 0.1:
                    kept.release()
        except BaseException as error:
            wrong.append(error)

    with Store(folder, memory=1500, disk=6000) as kept:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert {message.code for message in kept.messages()} <= {"value-dropped"}


KEYS = [Named(0), Named(1), Named(2), Named(3, again=False), Named(4, again=False), Named(5, kept=None)]
STEPS = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(KEYS), st.integers(0, 2000)),
    st.tuples(st.just("get"), st.sampled_from(KEYS)),
    st.sampled_from([("release",), ("reopen",), ("full",), ("space",)]),
)


@settings(max_examples=80)
@given(st.lists(STEPS, max_size=40), st.booleans(), st.booleans())
def test_what_comes_back_is_what_was_put_last(steps: list[tuple[Any, ...]], small: bool, first_full: bool) -> None:
    """With large bounds nothing is lost; with small ones only what can be computed again, or what was said to be dropped."""
    bounds = (2500, 5000) if small else (store.MEMORY, store.DISK)
    model: dict[Named, Numbers] = {}  # everything
    dropped: set[str] = set()

    def check(key: Named) -> None:
        found = kept.get(key)
        listen()
        if found is None:
            may_be_missing = key not in model or (small and key.again) or key.file in dropped
            assert may_be_missing, key
        else:
            assert found.text == model[key].text
            np.testing.assert_array_equal(found.array, model[key].array)

    def listen() -> None:
        for message in kept.messages():
            assert message.code in {"value-dropped", "store-not-written"}
            if message.code == "value-dropped":
                assert small
                dropped.add(str(message.values[1]).partition(".")[0])

    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        folder = Path(place)
        patch.setattr(os, "fsync", fails if first_full else lambda _: None)
        kept = Store(folder, *bounds)
        for count, step in enumerate([*steps, *(("get", key) for key in KEYS)]):
            if step[0] == "put":
                model[step[1]] = of(count, step[2])
                dropped.discard(step[1].file)
                kept.put(step[1], model[step[1]])
                check(step[1])
            elif step[0] == "get":
                check(step[1])
            elif step[0] == "release":
                kept.release()
            elif step[0] == "reopen":
                patch.setattr(os, "fsync", lambda _: None)  # closing writes what waits
                kept.close()
                listen()
                kept = Store(folder, *bounds)
                model = {key: value for key, value in model.items() if key.kept is not None}
            else:
                patch.setattr(os, "fsync", fails if step[0] == "full" else lambda _: None)
            sizes = sorted(path.stat().st_size for path in folder.iterdir())
            assert sum(sizes) <= bounds[1] or len(sizes) == 2  # the lock and one that is larger
            listen()
        kept.close()


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_store import Named, Numbers, Store
import numpy as np
kept = Store(Path(sys.argv[1]))
for number in range(1, 10**9):
    kept.put(Named(1, again=False), Numbers(np.full(500_000, number), str(number)))
    print(number, flush=True)
"""


@pytest.mark.claims
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_the_old_value_or_the_new(folder: Path, seed: int) -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    with at_work(WRITER, folder, Path(__file__).parent, PYTHONPATH=paths) as (_, writer):
        assert writer.stdout is not None
        for _ in range(2):
            assert writer.stdout.readline()
        time.sleep(float(np.random.default_rng(seed).uniform(0, 0.05)))  # a moment of no meaning
        writer.kill()
        said = [3, *map(int, writer.stdout.read().split())]
    with Store(folder) as kept:
        value: Any = kept.get(Named(1, again=False))
        assert kept.messages() == []
        assert int(value.text) in (said[-1], said[-1] + 1)
        assert (value.array == int(value.text)).all()
        assert files(folder) == {"numbers-1" + UNIQUE}


def test_no_torch_is_needed() -> None:
    assert "torch" not in loaded("import playground.lab.store")
