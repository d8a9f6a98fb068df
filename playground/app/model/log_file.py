"""The log on disk, so that there is a trace after the process has crashed."""

import faulthandler
import logging
import logging.handlers
import os
import re
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import platformdirs

NAME, CRASHES = "score-playground.log", "crash.log"
MOST_BYTES, KEPT = 500_000, 2  # of a file of the log, and older ones beside it
SHOWN = 20_000  # most characters of a crash that a report has


def log_folder() -> Path:
    """The user's folder of logs."""
    return platformdirs.user_log_path("score-playground")


class _QuietHandler(logging.handlers.RotatingFileHandler):
    """A full disk must not become an error of the program, nor a rotation while another window writes."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


class LogFile:
    """Writes the lines of :mod:`logging`, and where each thread was at a crash, to the user's log folder, until :meth:`remove`.

    Without a folder that can be written there is none, and the program works all the same.

    Args:
        folder: the folder; by default the user's.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or log_folder()
        self._restoring = ExitStack()
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write_lines()
            self._write_crashes()

    def _write_lines(self) -> None:
        handler = _QuietHandler(self.folder / NAME, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8", delay=True)
        handler.setLevel(logging.INFO)
        handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
        root = logging.getLogger()
        root.addHandler(handler)
        self._restoring.callback(handler.close)
        self._restoring.callback(root.removeHandler, handler)

    def _write_crashes(self) -> None:
        if faulthandler.is_enabled():  # the user asked for it on the terminal
            return
        path = self.folder / CRASHES
        if path.exists() and path.stat().st_size > MOST_BYTES:
            path.unlink()
        file = path.open("a", encoding="utf-8")
        faulthandler.enable(file)
        self._restoring.enter_context(file)
        self._restoring.callback(faulthandler.disable)

    def remove(self) -> None:
        """Stop writing."""
        self._restoring.close()


def last_crash(folder: Path | None = None) -> str:
    """Where the threads were at the last crash, below its time; "" if there was none."""
    path = (folder or log_folder()) / CRASHES
    try:
        text, when = path.read_text(encoding="utf-8", errors="replace"), path.stat().st_mtime
    except OSError:
        return ""
    crash = re.split(r"(?m)^(?=Fatal Python error|Windows fatal exception)", text)[-1].strip()[:SHOWN]
    return f"Crash, {time.strftime('%Y-%m-%d %H:%M', time.localtime(when))}:\n{crash}" if crash else ""


def without_home(text: str, home: Path | None = None) -> str:
    r"""A text in which the user's home folder is ~, as a report has it.

    >>> without_home("File '/home/ada/a.csv', not /home/adam", Path("/home/ada"))
    "File '~/a.csv', not /home/adam"
    """
    home = home or Path.home()
    written = {str(home), home.as_posix(), os.path.realpath(home)}
    written |= {one.replace("\\", "\\\\") for one in written}
    for one in sorted(written, key=len, reverse=True):
        if len(one.strip("/\\")) > 1:  # not the root folder
            flags = re.IGNORECASE if os.name == "nt" else 0
            # Another folder's name may go on with a letter, a hyphen or an ending: /home/ada.bak.
            text = re.sub(re.escape(one) + r"(?![\w-]|\.\w)", "~", text, flags=flags)
    return text
