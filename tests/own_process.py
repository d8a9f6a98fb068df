"""Python in a process of its own: what it prints counts only where it came to its end with the program that is tested."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
END = f"came to its end with {ROOT / 'playground'}\n"
PROOF = "\nimport os, playground\nprint('came to its end with', os.path.dirname(playground.__file__), flush=True)\n"


def ran(code: str, *arguments: object, **variables: str) -> str:
    """What lines of code print to standard output, with further variables in the environment.

    Raises:
        AssertionError: the process ended with another code than 0, before the last line, or with another `playground`.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, "-c", code + PROOF, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(END), f"it ended early, or with another program: {done.stdout}{done.stderr}"
    return done.stdout.removesuffix(END)


def loaded(code: str) -> set[str]:
    """The modules that are there once lines of code have run."""
    return set(ran(f"{code}\nimport sys\nprint('\\n' + ' '.join(list(sys.modules)))").splitlines()[-1].split())
