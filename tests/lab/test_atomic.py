"""Files that are written whole or not at all, and locks: on every system, with what only one of them does stood in for."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.lab import atomic
from playground.lab.atomic import atomic_write, hold, is_held, size_so_far
from tests.own_process import at_work

pytestmark = pytest.mark.files

HOLDS = "with atomic.hold(sys.argv[1]):"
WRITES = "with atomic.atomic_write(sys.argv[1]) as temporary:\n    temporary.write_text('half')"


@contextlib.contextmanager
def process(block: str, path: Path) -> Iterator[None]:
    """Another process that stands in a block of code while this block runs, and is then killed."""
    code = (
        f"import sys\nfrom playground.lab import atomic\n{block}\n    print('inside', flush=True)\n    sys.stdin.read()"
    )
    with at_work(code, path) as (first, _):
        assert first == "inside"
        yield


def on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "fcntl", None)


def windows_error(code: int) -> OSError:
    """A refusal of Windows, whose errno is the same for a file that is open and for one that may not be written."""
    error = PermissionError(errno.EACCES, "Access is denied")
    error.winerror = code  # type: ignore[attr-defined, unused-ignore]  # only Windows has it
    return error


def test_a_lock_is_seen_by_other_processes_and_ends_with_its_own(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert is_held(path) is False
    with process(HOLDS, path):
        assert is_held(path) is True
        with pytest.raises(BlockingIOError), hold(path):
            pass
    assert is_held(path) is False
    with hold(path):
        pass


def test_a_file_that_may_only_be_read_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    path.chmod(0o444)
    assert is_held(path) is False
    path.chmod(0o644)  # Windows would not delete it


@pytest.mark.parametrize(
    ("error", "held"),
    [
        (None, False),
        (FileNotFoundError(errno.ENOENT, "No such file"), False),
        (windows_error(atomic.SHARING_VIOLATION), True),
        (windows_error(atomic.ACCESS_DENIED), None),  # in a folder that takes no files
    ],
)
def test_on_windows_a_file_is_held_where_it_is_open(
    error: OSError | None, held: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(source: Path, target: Path) -> None:
        if error:
            raise error

    on_windows(monkeypatch)
    monkeypatch.setattr(os, "rename", rename)
    assert is_held(tmp_path / "lock") is held
    with pytest.raises(BlockingIOError) if held else contextlib.nullcontext(), hold(tmp_path / "lock"):
        pass


@pytest.mark.parametrize("name", ["one.spg", "video.mp4", "odd [name] +.png", "none"])
def test_leftovers_of_a_killed_process_are_removed_at_the_next_write(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for _ in range(2):
        with process(WRITES, path):
            pass
        assert len(list(tmp_path.iterdir())) == 1  # the second write removes the leftovers of the first
    others = {path.with_name(f".{path.stem}-notes{path.suffix}"), path.with_name(f".other-0123456789ab{path.suffix}")}
    for other in others:
        other.touch()
    with atomic_write(path) as held:
        held.write_text("first")
        with atomic_write(path) as temporary:  # of a running process, which is still writing
            temporary.write_text("second")
        assert held.exists()
    assert path.read_text() == "first"
    assert set(tmp_path.iterdir()) == {path, *others}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_without_locks_temporary_files_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", without)
    path = tmp_path / "one.spg"
    with atomic_write(path) as held:
        held.write_text("first")
        with atomic_write(path) as temporary:
            temporary.write_text("second")
        assert held.exists()
    assert path.read_text() == "first"


@pytest.mark.parametrize("code", [atomic.ACCESS_DENIED, atomic.SHARING_VIOLATION])
def test_a_file_that_another_program_reads_is_replaced_once_it_is_closed(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses by itself; elsewhere a stand-in does."""
    path, replace = tmp_path / "one.spg", os.replace
    path.write_text("old")
    reader = path.open()

    def replaced(source: Path, target: Path) -> None:
        if not reader.closed and sys.platform != "win32":
            raise windows_error(code)
        replace(source, target)

    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            reader.close()

    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr("time.sleep", pause)
    with atomic_write(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert tuple(pauses) == atomic.PAUSES[:3]
    assert list(tmp_path.iterdir()) == [path]


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def refused(*_: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def stays_open(*_: object) -> None:
    raise windows_error(atomic.SHARING_VIOLATION)


@pytest.mark.parametrize(
    ("function", "fails", "expected", "tries"),
    [
        ("fsync", no_space, errno.ENOSPC, 1),
        ("replace", no_space, errno.ENOSPC, 1),
        ("replace", refused, errno.EACCES, 1),
        ("replace", stays_open, errno.EACCES, 1 + len(atomic.PAUSES)),
    ],
)
def test_a_failure_leaves_the_old_file_and_names_it(
    function: str, fails: object, expected: int, tries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, pauses = tmp_path / "one.spg", list[float]()
    path.write_text("old")
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setattr(os, function, fails)
    with pytest.raises(OSError, match=r"No space|denied") as caught, atomic_write(path) as temporary:
        temporary.write_text("new")
    assert (caught.value.errno, caught.value.filename) == (expected, str(path))
    assert len(pauses) == tries - 1
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_writes_nothing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_text("old")
    with pytest.raises(OSError, match="nothing was written") as caught, atomic_write(path):
        pass
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_too_long_is_refused_by_the_name_that_was_given(tmp_path: Path) -> None:
    path = tmp_path / (250 * "n" + ".spg")  # a temporary file beside it would have too long a name
    with pytest.raises(OSError, match="File name too long") as caught, atomic_write(path) as temporary:
        temporary.touch()
    assert caught.value.filename == str(path)


def test_a_folder_that_takes_no_files_is_told_by_the_users_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not by the temporary one; by a stand-in, since root may write everywhere."""

    def refused(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("playground.lab.atomic.hold", refused)
    with pytest.raises(PermissionError) as caught, atomic_write(tmp_path / "moons.csv"):
        pass
    assert caught.value.filename == str(tmp_path / "moons.csv")


def test_the_size_of_a_file_is_known_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    path.write_text("an older and longer file")
    assert size_so_far(path) == 0
    with atomic_write(path) as temporary:
        temporary.write_text("1 2 3")
        assert size_so_far(path) == 5
    assert size_so_far(path) == size_so_far(tmp_path / "no folder" / "numbers.txt") == 0
