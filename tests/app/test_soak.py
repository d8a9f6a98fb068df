"""Two minutes of a random user, as `benchmarks/soak.py` has an hour of: no error and no thread left."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "soak.py"


@pytest.mark.timeout(600)
def test_two_minutes_of_a_random_user_end_without_an_error():
    # Memory has not settled after a minute: it is held against itself in the hour's soak.
    command = [sys.executable, str(SCRIPT), "--minutes", "2", "--seed", "3", "--growth", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "no error, no thread left" in ended.stdout
