"""Shows an uncaught error as a sentence and a log to copy, and lets the program continue.

Python's own hooks (main thread, other threads, destructors) and Qt's messages all end in :mod:`logging`; a
:class:`Log` keeps the last lines for the log window and reports new errors to the window.
"""

import collections
import logging
import platform
import sys
import threading
import traceback
from contextlib import ExitStack
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler, qVersion

import playground
from playground.messages import Message
from playground.user_errors import user_error

LINES = 2_000
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}

logger = logging.getLogger("playground")


class Log(QObject):
    """The last lines of the log, and a sentence for each error, in the thread of this object.

    Signals:
        failed(str): an error of the program; the log has the details.
        refused(Message): an error that the user can correct; the log has no more than the sentence.
        grew(): there are new lines.
    """

    failed = Signal(str)
    refused = Signal(object)
    grew = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: collections.deque[str] = collections.deque(maxlen=LINES)
        self._handler = _Handler(self)

    def text(self) -> str:
        """All kept lines, below the versions that a bug report needs."""
        head = f"Score Playground {playground.__version__}, Python {platform.python_version()}, Qt {qVersion()}, {platform.platform()}"
        return "\n".join([head, *list(self._lines)])

    def newest(self) -> str:
        """The last line, as of a traceback; empty if there is none."""
        return self._lines[-1].splitlines()[-1] if self._lines else ""

    def add(self, line: str) -> None:
        """Append a line, from any thread."""
        self._lines.append(line)
        self.grew.emit()


class _Handler(logging.Handler):
    """Feeds the log. It drops its own failures, because an error about an error could repeat forever."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.INFO)
        self._log = log
        self._busy = threading.local()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            self._log.add(self.format(record))
            sentence: Message | str = getattr(record, "sentence", "")
            if sentence:
                (self._log.refused if getattr(record, "mistake", False) else self._log.failed).emit(sentence)
        except Exception:
            self.handleError(record)
        finally:
            self._busy.now = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Print the failure on the terminal, if there is one; never raise."""
        if sys.__stderr__ is not None:
            traceback.print_exc(file=sys.__stderr__)


def sentence(error: BaseException) -> str:
    """The sentence about an unexpected error."""
    text = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    return f"Something went wrong ({reason.rstrip('.')}). Your work is kept; the log has the details."


def report(error: BaseException, where: str = "") -> None:
    """Log an error with its traceback and report it to the user; from any thread."""
    mistake = user_error(error)
    logger.error(
        "%s",
        where or "uncaught error",
        exc_info=(type(error), error, error.__traceback__),
        extra={"sentence": mistake or sentence(error), "mistake": mistake is not None},
    )


class ExceptionHook:
    """Routes every uncaught error and every Qt message into a log, until :meth:`remove`."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._restoring = ExitStack()
        root = logging.getLogger()
        root.addHandler(log._handler)
        self._restoring.callback(root.removeHandler, log._handler)
        self._restoring.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.INFO)
        hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, _uncaught_in_thread, _unraisable
        previous = qInstallMessageHandler(_qt_message)

        def restore() -> None:
            sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
            qInstallMessageHandler(previous)

        self._restoring.callback(restore)

    def remove(self) -> None:
        """Restore the previous hooks."""
        self._restoring.close()


def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Report an error that nothing has caught, as `sys.excepthook`."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    report(error)


def _uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        report(arguments.exc_value, f"uncaught error in {arguments.thread.name if arguments.thread else 'a thread'}")


def _unraisable(arguments: "sys.UnraisableHookArgs") -> None:
    if arguments.exc_value is not None:
        report(arguments.exc_value, arguments.err_msg or "error in a destructor")


def _qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    logging.getLogger("qt").log(_LEVELS.get(kind, logging.WARNING), "%s", message)
