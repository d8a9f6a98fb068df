"""The program is killed at random moments, as `benchmarks/kills.py` does fifty times: nothing is corrupt, and it is offered."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCRIPT = BENCHMARKS / "kills.py"
pytestmark = pytest.mark.claims  # kills processes

BEGINS = """
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[sys.argv.index("--user") + 1])
print(json.dumps({"offered": False}), flush=True)
journal = open(folder / "journal.jsonl", "w")
for number in range(200):
    print(json.dumps([time.time(), STEPS, STEPS, 7]), file=journal, flush=True)
    time.sleep(0.05)
"""
"""A victim whose history grows as told, and that writes no work to disk."""


@pytest.fixture(scope="module")
def kills():
    """The harness; modules of the benchmarks find each other in their folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import kills

        yield kills


@pytest.mark.parametrize(
    ("victim", "said"),
    [
        ("", "it did not start"),
        ("raise SystemExit(3)", "it did not start"),
        ("print('{\"offered\": false}')", "it ended by itself, with 0"),
        ("print('{\"offered\": false}', flush=True); raise SystemExit(3)", "it ended by itself, with 3"),
        (BEGINS.replace("range(200)", "range(3)").replace("STEPS", "number"), "it ended by itself, with 0"),
        (BEGINS.replace("STEPS", "1"), "the user changed nothing"),
        (BEGINS.replace("STEPS", "number"), "no step is on disk"),
        (BEGINS.replace("STEPS", "number").replace("false", "true").replace("False", "True"), "offered: True"),
    ],
)
def test_a_victim_that_does_nothing_is_no_success(kills, tmp_path, victim, said):
    killing = kills.Killing(tmp_path, 0, 1.0, (sys.executable, "-c", victim), patience=2.0)
    assert said in killing.round(1).problem


@pytest.mark.parametrize(("number", "said"), [(1, "no step came back"), (3, "")])
def test_work_that_was_on_disk_comes_back_unless_the_kill_was_early(kills, tmp_path, monkeypatch, number, said):
    monkeypatch.setattr(kills.Killing, "_has_written_a_step", lambda _: number == 1)
    killing = kills.Killing(tmp_path, 0, 0.5, (sys.executable, "-c", BEGINS.replace("STEPS", "number")))
    assert killing.round(number).problem == said


@pytest.mark.timeout(600)
def test_two_kills_lose_no_file_and_seconds_at_most():
    command = [sys.executable, str(SCRIPT), "--rounds", "2", "--seconds", "8", "--seed", "4"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 kills: 0 went wrong" in ended.stdout
