"""Python in a process of its own. It counts only with the program that is tested: run to its end, or at work until it is killed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
KILLED = 1 if sys.platform == "win32" else -signal.SIGKILL
END = f"came to its end with {ROOT / 'playground'}\n"
BEGIN = f"began with {ROOT / 'playground'}\n"
PROOF = "\nimport os, playground\nprint('%s with', os.path.dirname(playground.__file__), flush=True)\n"


def ran(code: str, *arguments: object, **variables: str) -> str:
    """What lines of code print to standard output, with further variables in the environment.

    Raises:
        AssertionError: the process ended with another code than 0, before the last line, or with another `playground`.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, "-c", code + PROOF % "came to its end", *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(END), f"it ended early, or with another program: {done.stdout}{done.stderr}"
    return done.stdout.removesuffix(END)


@contextlib.contextmanager
def at_work(
    code: str, *arguments: object, patience: float = 110.0, **variables: str
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A process in the midst of lines of code while a block runs, which is then killed.

    Yields:
        The first line that the code prints, once it is at work, and the process.

    Raises:
        AssertionError: it has another `playground`, said nothing for `patience` seconds, or ended before it was killed.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, "-c", PROOF % "began" + code, *map(str, arguments)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        silence = threading.Timer(patience, process.kill)
        silence.start()
        try:
            assert process.stdout.readline() == BEGIN, "it ended at once, or is another program"
            first = process.stdout.readline()
            silence.cancel()
            assert first, "it said nothing"
            yield first.strip(), process
            process.kill()
            assert process.wait() == KILLED, "it ended before it was killed"
        finally:
            silence.cancel()
            process.kill()


def loaded(code: str) -> set[str]:
    """The modules that are there once lines of code have run."""
    return set(ran(f"{code}\nimport sys\nprint('\\n' + ' '.join(list(sys.modules)))").splitlines()[-1].split())
