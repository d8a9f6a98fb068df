"""The program is killed at random moments, as `benchmarks/kills.py` does fifty times: nothing is corrupt, and it is offered."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.mark.timeout(600)
def test_two_kills_lose_no_file_and_seconds_at_most():
    command = [sys.executable, str(SCRIPT), "--rounds", "2", "--seconds", "8", "--seed", "4"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 kills: 0 went wrong" in ended.stdout
