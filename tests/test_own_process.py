"""The harness of code in a process of its own."""

from pathlib import Path

import pytest
from own_process import loaded, ran

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


def test_what_is_printed_and_loaded_comes_back() -> None:
    assert ran("import sys; print(sys.argv[1:])", 3) == "['3']\n"
    assert ran("pass") == ""
    assert {"sys", "playground.version"} <= loaded("import playground.version")
