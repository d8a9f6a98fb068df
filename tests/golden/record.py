"""Writes the golden values anew: of all experiments and sessions, or of the named ones. CONTRIBUTING.md says when that is right.

python -m tests.golden.record [NAME ...]
"""

import contextlib
import dataclasses
import io
import sys
import tempfile
from pathlib import Path

import torch

from tests.golden.comparing import differences, write
from tests.golden.measuring import BY_COMMAND, EXPERIMENTS, SESSIONS, by_command, from_python, of_session


def record(name: str) -> None:
    """Measure twice, and write what is the same twice.

    Raises:
        SystemExit: an array or a metric is another one at the second time.
    """
    measure = of_session if name in SESSIONS else from_python
    once, again = measure(name), measure(name)
    command = None
    if name in BY_COMMAND:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            command = by_command(name, Path(folder) / "out")
    unsteady = differences(once, again, 0.0)
    if unsteady:
        raise SystemExit(f"{name} gives other values each time:\n" + "\n".join(unsteady))
    # A report comes when enough time has passed, and besides at some steps that are always the same.
    assert once.losses is not None
    assert again.losses is not None
    steady = {step: loss for step, loss in once.losses.items() if step in again.losses}
    write(name, dataclasses.replace(once, losses=steady), command)


if __name__ == "__main__":
    torch.set_num_threads(1)  # as in the tests
    for chosen in sys.argv[1:] or [*EXPERIMENTS, *SESSIONS]:
        record(chosen)
        print(chosen)
