"""An uncaught error is a sentence and a log; the program goes on."""

import faulthandler
import logging
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer, qWarning
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QPushButton

from playground.app.dialogs.log import LogDialog
from playground.app.dialogs.report import ReportDialog
from playground.app.model import errors, log_file
from playground.app.model.errors import ExceptionHook, Log
from playground.app.model.log_file import LogFile, last_crash, log_folder, without_home
from playground.user_errors import UserError
from playground.version import ISSUES


@pytest.fixture
def log(qapp):
    log = Log()
    hook = ExceptionHook(log)
    yield log
    hook.remove()


def test_error_in_another_thread_reaches_the_gui_thread(log, qtbot):
    def fail():
        raise ValueError("no such thing\nsecond line")

    receivers = []
    log.failed.connect(lambda text: receivers.append((text, threading.current_thread() is threading.main_thread())))
    with qtbot.waitSignal(log.failed):
        thread = threading.Thread(target=fail, name="worker 7")
        thread.start()
        thread.join()
    (sentence, in_gui_thread), *more = receivers
    assert not more
    assert in_gui_thread
    assert "ValueError: no such thing)" in sentence
    assert "second line" not in sentence
    text = log.text()
    assert "worker 7" in text
    assert "Traceback" in text
    assert "second line" in text


def test_error_in_a_slot_leaves_the_loop_running(log, qtbot):
    before = sys.excepthook
    # pytest-qt looks for errors in slots by its own hook; what is tested here is ours.
    sys.excepthook = errors.uncaught
    try:
        sentences = []
        log.failed.connect(sentences.append)
        QTimer.singleShot(0, lambda: 1 / 0)
        with qtbot.captureExceptions():
            sys.excepthook = errors.uncaught
            qtbot.waitUntil(lambda: bool(sentences))
        assert "ZeroDivisionError" in sentences[0]
        done = []
        QTimer.singleShot(0, lambda: done.append(True))
        qtbot.waitUntil(lambda: bool(done))
    finally:
        sys.excepthook = before


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "There is not enough memory: take fewer"),
        (OSError(28, "No space left on device"), "A file cannot be written (no space left on device): free some space"),
        (UserError("a.csv is empty."), "a.csv is empty."),
    ],
)
def test_a_user_error_is_no_fault_of_the_program(log, error, words):
    failed, refused = [], []
    log.failed.connect(failed.append)
    log.refused.connect(refused.append)
    errors.report(error, "the self-test broke off")
    assert not failed
    assert str(refused[0]).startswith(words)
    assert "the self-test broke off" in log.text()


def test_qt_messages_are_in_the_log(log):
    qWarning("the plugin is missing")
    assert "WARNING qt: the plugin is missing" in log.text()


def test_an_error_about_an_error_ends(log, monkeypatch, capsys):
    def broken(line):
        logging.getLogger("playground").error("again", extra={"sentence": "again"})
        raise RuntimeError("the log is broken")

    monkeypatch.setattr(log, "add", broken)
    errors.report(ValueError("first"))  # would recurse for ever
    assert log.text().count("\n") == 0


def test_the_exception_hook_puts_back_what_was_there(qapp):
    before = sys.excepthook, threading.excepthook, sys.unraisablehook, list(logging.getLogger().handlers)
    hook = ExceptionHook(Log())
    assert sys.excepthook is not before[0]
    hook.remove()
    assert before == (sys.excepthook, threading.excepthook, sys.unraisablehook, list(logging.getLogger().handlers))


def test_log_keeps_only_its_last_lines(log):
    for number in range(errors.LINES + 10):
        log.add(f"line {number}.")
    assert "line 9." not in log.text()
    assert f"line {errors.LINES + 9}." in log.text()


def test_log_window_follows_and_copies(log, qtbot):
    dialog = LogDialog(log)
    qtbot.addWidget(dialog)
    dialog.show()
    errors.report(ValueError("seen late"))
    shown = dialog.findChild(QPlainTextEdit)
    qtbot.waitUntil(lambda: "seen late" in shown.toPlainText())
    dialog.findChild(QPushButton, "copyLog").click()
    assert QGuiApplication.clipboard().text() == log.text()


def test_the_report_can_be_shortened_and_copied_and_only_the_tracker_is_opened(log, qtbot, monkeypatch):
    """It has the versions, the last lines and the last crash; the home folder is ~."""
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    log_folder().mkdir(parents=True)
    trace = "Fatal Python error: Aborted\n\nCurrent thread:\n  File {} in old\n"
    (log_folder() / log_file.CRASHES).write_text(trace.format("first") + trace.format(Path.home() / "mine.py"))
    errors.report(ValueError(f"{Path.home() / 'secret.csv'} is bad"))
    for number in range(500):
        log.add(f"line {number}.")
    errors.report(ValueError(f"{Path.home() / 'data.csv'} is bad"))
    dialog = ReportDialog(log)
    qtbot.addWidget(dialog)
    dialog.show()
    text = dialog.text.toPlainText()
    assert text.startswith("Score Playground")
    assert f"torch {version('torch')}" in text
    assert "data.csv is bad" in text
    assert "secret.csv" not in text
    assert "~/mine.py" in text.replace("\\", "/")
    assert "first" not in text
    assert str(Path.home()) not in text
    dialog.text.setPlainText(80 * "long line " + 300 * "x")
    assert dialog.text.horizontalScrollBar().maximum() == 0
    dialog.text.setPlainText("shorter")
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == "shorter"
    assert opened == []
    dialog.tracker.click()
    assert opened == [ISSUES]


@pytest.mark.parametrize(
    ("home", "text", "said"),
    [
        ("/home/ada", "/home/ada /home/ada/x, /home/adam, '/home/ada-2'", "~ ~/x, /home/adam, '/home/ada-2'"),
        ("/home/ada", "/home/ada.bak/x is not in /home/ada.", "/home/ada.bak/x is not in ~."),
        ("/", "/usr/lib", "/usr/lib"),
    ],
)
def test_only_the_home_folder_is_hidden(home, text, said):
    assert without_home(text, Path(home)) == said


def test_the_log_on_disk_is_bounded_and_ends_with_the_program(tmp_path, monkeypatch, log):
    monkeypatch.setattr(log_file, "MOST_BYTES", 2_000)
    before, enabled = list(logging.getLogger().handlers), faulthandler.is_enabled()
    file = LogFile(tmp_path)
    for number in range(200):
        errors.report(ValueError(f"number {number}"))
    file.remove()
    assert logging.getLogger().handlers == before
    assert faulthandler.is_enabled() == enabled
    kept = sorted(path.name for path in tmp_path.glob("score-playground.log*"))
    assert kept == ["score-playground.log", "score-playground.log.1", "score-playground.log.2"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3 * 2_000 + 1_000
    assert "number 199" in (tmp_path / "score-playground.log").read_text(encoding="utf-8")
    assert last_crash(tmp_path) == ""


@pytest.mark.files
def test_without_a_folder_for_it_there_is_no_log_on_disk(tmp_path, log):
    (tmp_path / "file").touch()
    file = LogFile(tmp_path / "file")
    errors.report(ValueError("seen"))
    assert "seen" in log.text()
    file.remove()
