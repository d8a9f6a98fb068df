"""The harness of code in a process of its own."""

import contextlib
import subprocess
from pathlib import Path

import pytest

from tests.own_process import KILLED, at_work, loaded, ran

OTHER = "import sys; sys.path.insert(0, sys.argv[1]); import playground"


@pytest.mark.claims  # starts processes
@pytest.mark.parametrize(
    "victim",
    [
        "raise SystemExit(3)",
        "raise SystemExit",
        "import os; os._exit(0)",
        "import os; os.abort()",
        "assert 1 == 2",
        OTHER,
    ],
)
def test_a_process_that_ends_early_or_loads_another_program_is_no_success(victim: str, tmp_path: Path) -> None:
    (tmp_path / "playground.py").touch()
    with pytest.raises(AssertionError):
        ran(victim, tmp_path)


AT_WORK = "import sys; print('at work', flush=True); sys.stdin.read()"


@pytest.mark.claims  # starts processes
@pytest.mark.parametrize(
    ("victim", "is_other"),
    [
        ("raise SystemExit(3)", False),
        ("import os; os.abort()", False),
        ("import time; time.sleep(600)", False),
        ("print('at work', flush=True)", False),
        (AT_WORK, True),
    ],
    ids=["ends", "aborts", "does nothing", "ends by itself", "another program"],
)
def test_a_process_that_is_not_at_work_with_the_program_is_no_victim(
    victim: str, is_other: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "playground.py").touch()
    monkeypatch.chdir(tmp_path)
    paths = {"PYTHONPATH": str(tmp_path)} if is_other else {}
    with (
        pytest.raises(AssertionError),
        at_work(victim, patience=5.0, **paths) as (_, process),
        contextlib.suppress(subprocess.TimeoutExpired),
    ):
        process.wait(5)


@pytest.mark.claims  # starts a process
def test_a_process_at_work_is_killed() -> None:
    with at_work(AT_WORK) as (first, process):
        assert first == "at work"
    assert process.returncode == KILLED


def test_what_is_printed_and_loaded_comes_back() -> None:
    assert ran("import sys; print(sys.argv[1:])", 3) == "['3']\n"
    assert ran("pass") == ""
    assert {"sys", "playground.version"} <= loaded("import playground.version")
