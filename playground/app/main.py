"""Starts the program with a window."""

import os
import signal
import sys
import tempfile
import time
import typing
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtWidgets import QApplication

import playground
from playground.app.model.errors import ExceptionHook, Log, logger
from playground.app.model.log_file import LogFile
from playground.app.model.preferences import Preferences
from playground.app.style import theme
from playground.app.window import MainWindow
from playground.app.workers.garbage import GarbageCollector
from playground.app.workers.memory import limit_memory
from playground.app.workers.signals import ending_signals
from playground.drawing.no_display import NO_DISPLAY, instead_of_abort
from playground.drawing.palette import DARK

if typing.TYPE_CHECKING:
    from playground.lab.claims import Claim

READY = "SCORE_PLAYGROUND_READY"  # if set, one line is printed when the window has been painted


def launch(path: Path | None = None, device: str = "auto", kept_plugins: bool = True) -> int:
    """Open the window and return when it is closed.

    Args:
        path: a session, experiment or data file to open.
        device: "auto", "cpu", "cuda" or "mps".
        kept_plugins: whether the plug-ins of the preferences are loaded.

    Returns:
        The process's exit code.
    """
    application = make_application()
    GarbageCollector(application)
    log = Log()
    hook, log_file = ExceptionHook(log), LogFile()
    logger.info("Score Playground %s starts", playground.__version__)
    window = MainWindow(Preferences(), log, path, device, kept_plugins)
    window.controllers.train_in_process()
    if os.environ.get(READY):
        window.first_painted.connect(_say_ready)
    _close_on_signals(window)
    window.show()
    code = application.exec()
    logger.info("Score Playground ends, exit code %d", code)  # without this line it was killed or has crashed
    hook.remove()
    log_file.remove()
    if not window.ended:
        # A thread is in a call that cannot be interrupted, such as importing torch; the user has waited long enough.
        sys.stdout.flush()
        os._exit(code)
    return code


def make_application() -> QApplication:
    """The application that windows need, with the program's name; keep a reference to the result."""
    limit_memory()
    with instead_of_abort(NO_DISPLAY):
        application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    QCoreApplication.setApplicationName("score-playground")
    QCoreApplication.setApplicationVersion(playground.__version__)
    application.setApplicationDisplayName("Score Playground")
    application.setDesktopFileName("score-playground")
    application.setWindowIcon(theme.icon("data-two-moons", DARK.particles, 64))
    return application


def run_end_to_end_check(application: QApplication, report: Callable[["Claim"], None]) -> bool:
    """Open the window, go through everything that a lesson needs and close it; see
    :mod:`playground.app.end_to_end_check`.

    Args:
        application: from :func:`make_application`.
        report: called with each step when it ends.

    Returns:
        Whether every step went well and every thread ended.
    """
    from playground.app.end_to_end_check import EndToEndCheck

    log = Log()
    hook = ExceptionHook(log)
    with tempfile.TemporaryDirectory() as folder:
        preferences = Preferences(Path(folder) / "settings.ini")
        preferences.set("tour_offered", True)
        window = MainWindow(preferences, log)
        window.controllers.train_in_process()
        GarbageCollector(window)
        check = EndToEndCheck(window, Path(folder), report, process_age)
        _close_on_signals(window)
        window.show()
        application.exec()
        hook.remove()
        window.deleteLater()  # with its toasts, whose time is not over
        return check.complete and window.ended


def _close_on_signals(window: MainWindow) -> None:
    """Let Ctrl+C in the terminal, its end, and SIGTERM close the window without asking; unsaved work is kept."""

    def close(number: int, _: object) -> None:
        QTimer.singleShot(0, lambda: window.interrupt(signal.Signals(number).name))

    for number in (signal.SIGINT, *ending_signals()):  # Python's handler may interrupt a line that is being logged
        signal.signal(number, close)


def _say_ready() -> None:
    print(f"ready {1000 * process_age():.0f} ms", flush=True)


def process_age() -> float:
    """Seconds since this process began; on systems other than Linux, seconds of processor time."""
    try:
        ticks = float(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return time.process_time()
    return uptime - ticks / os.sysconf("SC_CLK_TCK")
