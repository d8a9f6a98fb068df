"""Starting and quitting as a process: the first paint is quick, and nothing is left of it once it is told to go."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from playground.app.model.log_file import NAME, last_crash
from playground.app.workers.signals import ending_signals
from playground.lab.store import NOTE
from playground.version import __version__
from tests.machine import slowness

BUSY = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from playground.app import main, window

def keep_busy(self):
    self.state.edit({"training.seconds": 600.0, "likelihood.points": 100_000, "sampling.particles": 5_000})
    self.controllers.state.problem_changed.connect(lambda: QTimer.singleShot(600, lambda: start(self)))
    paint(self)

def start(self):
    self.controllers.training.start()
    self.controllers.measuring.measure("test-set")
    self.controllers.mapping.compute()
    self.exports.video()
    dialog = self.exports.dialog
    dialog.form.path.setText(str(Path(sys.argv[1]) / "film.mp4"))
    dialog.form.seconds.setValue(120)
    dialog.start_button.click()
    QTimer.singleShot(1500, lambda: tell(self))

def tell(self):
    if self.controllers.training.status == "training" and self.exports.busy:
        print("busy", flush=True)
    else:  # on a busy machine
        QTimer.singleShot(50, lambda: tell(self))

paint, window.MainWindow._painted = window.MainWindow._painted, keep_busy
sys.exit(main.launch())
"""


def start(tmp_path: Path, code: str, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **variables}
    (tmp_path / "out").mkdir()
    return subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "out")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def closed_by(sent: str, places: Path) -> bool:
    """Whether the window was open when the signal came, and ended by it: one that had ended before has exit code 0 too."""
    (log,) = places.rglob(NAME)
    lines = log.read_text(encoding="utf-8").splitlines()
    return any(line.endswith(f"{sent} closes the window") for line in lines) and lines[-1].endswith("ends, exit code 0")


@pytest.mark.parametrize(
    ("lines", "closed"),
    [
        (["starts", "SIGTERM closes the window", "ends, exit code 0"], True),
        (["starts", "ends, exit code 0"], False),  # by itself, before
        (["starts", "SIGTERM closes the window"], False),  # killed meanwhile
        (["starts", "SIGHUP closes the window", "ends, exit code 0"], False),
        (["SIGTERM closes the window", "ends, exit code 1"], False),
    ],
)
def test_a_window_that_ended_by_itself_was_not_closed(lines, closed, tmp_path):
    (tmp_path / NAME).write_text("\n".join(lines), encoding="utf-8")
    assert closed_by("SIGTERM", tmp_path) is closed


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no polite kill")
@pytest.mark.alone
def test_quit_in_the_middle_of_everything(tmp_path, own_places):
    process = start(tmp_path, BUSY)
    assert process.stdout is not None
    assert process.stdout.readline() == "busy\n"
    before, began = slowness(), time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    seconds = time.monotonic() - began
    assert process.returncode == 0, err
    assert closed_by("SIGTERM", own_places)
    assert "Traceback" not in err
    assert "QThread" not in err
    assert list((tmp_path / "out").iterdir()) == []
    assert seconds < 2.0 * max(before, slowness()), f"{seconds:.1f} s, {out}"


EDITED = """
import sys
from PySide6.QtCore import QTimer
from playground.app import main, window

def wait(self):
    self.controllers.state.problem_changed.connect(lambda: QTimer.singleShot(0, lambda: edit(self)))
    paint(self)

def edit(self):
    if not self.state.modified:
        self.state.edit({"sampling.steps": 77})
        print("edited", flush=True)

paint, window.MainWindow._painted = window.MainWindow._painted, wait
sys.exit(main.launch())
"""


@pytest.mark.claims
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no polite kill")
@pytest.mark.parametrize("sent", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_unsaved_work_is_kept_when_the_system_or_the_terminal_ends(tmp_path, own_places, sent):
    process = start(tmp_path, EDITED)
    assert process.stdout is not None
    assert process.stdout.readline() == "edited\n"
    assert not list(own_places.rglob(NOTE))
    process.send_signal(getattr(signal, sent))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert len(list(own_places.rglob(NOTE))) == 1
    assert closed_by(sent, own_places)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no nohup")
def test_a_program_that_nohup_started_goes_on_without_its_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert ending_signals() == [signal.SIGTERM]
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert ending_signals() == [signal.SIGTERM, signal.SIGHUP]
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.claims
def test_a_crash_leaves_a_trace_and_the_log(tmp_path, own_places):
    code = """
import faulthandler
from PySide6.QtCore import QTimer
from playground.app import main, window
paint = window.MainWindow._painted
window.MainWindow._painted = lambda self: (paint(self), QTimer.singleShot(0, crash_here))
def crash_here():
    faulthandler._sigsegv()
main.launch()
"""
    process = start(tmp_path, code, PYTHONFAULTHANDLER="")
    _, err = process.communicate(timeout=60)
    assert process.returncode not in (0, 1), err
    (log,) = own_places.rglob(NAME)
    lines = log.read_text(encoding="utf-8")
    assert f"Score Playground {__version__} starts" in lines
    assert "exit code" not in lines
    crash = last_crash(log.parent)
    assert crash.startswith("Crash, 2")
    assert "in crash_here" in crash


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no polite kill")
@pytest.mark.alone
def test_quit_while_torch_is_being_loaded(tmp_path, own_places):
    process = start(
        tmp_path, "import sys; from playground.app import main; sys.exit(main.launch())", SCORE_PLAYGROUND_READY="1"
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    seconds = time.monotonic() - began
    assert process.returncode == 0, err
    assert closed_by("SIGTERM", own_places)
    assert seconds < 2.5 * slowness()


@pytest.mark.alone
def test_first_paint_comes_within_a_second_and_before_torch(tmp_path):
    """The least of six starts counts, the later ones with the bytecode that installing leaves: other work can only add to it."""
    code = """
import os, sys
from playground.app import main
say = main._say_ready
def ready():
    say()
    print("torch" in sys.modules, flush=True)
    os._exit(0)
main._say_ready = ready
main.launch()
"""
    times = []
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode")}
    for number in range(6):
        before = slowness()
        folder = tmp_path / str(number)
        folder.mkdir()
        process = start(folder, code, SCORE_PLAYGROUND_READY="1", **bytecode)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        line, torch = out.splitlines()
        assert torch == "False"
        times.append(int(re.fullmatch(r"ready (\d+) ms", line)[1]) / max(before, slowness()))
    assert min(times) < 1000, times
