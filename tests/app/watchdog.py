"""Finds calls that hold up the GUI thread."""

import faulthandler
import linecache
import re
import tempfile
import time
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer

BEAT = 5  # ms
LIMIT = 0.050  # s
BLOCKING = re.compile(r"\b(wait|join|acquire|sleep|stop|shutdown)\(")
_LINE = re.compile(r'File "(.+)", line (\d+) in ')


class Watchdog(QObject):
    """Beats in the GUI thread; `calls` are what took too long between two beats.

    A late beat alone proves nothing on a busy machine, or while another thread keeps the interpreter. What counts is that
    the GUI thread itself computed for longer than the limit, or that it slept as long in a line that waits. The stack is
    written by faulthandler's own thread, which holds no frame: a frame kept by another thread would keep the objects in
    it alive, and destroy them there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.beats = 0
        self._stacks = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the watchdog
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT)
        self._timer.timeout.connect(self._beat)

    def __enter__(self) -> "Watchdog":
        self._last = _clocks()
        self._timer.start()
        faulthandler.dump_traceback_later(LIMIT, file=self._stacks)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()
        faulthandler.cancel_dump_traceback_later()
        self._stacks.close()
        assert self.beats, "the watchdog saw nothing: the event loop did not run"

    def _beat(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        self.beats += 1
        wall, computed, queued = (now - before for now, before in zip(_clocks(), self._last, strict=True))
        slept = wall - computed - queued
        stack = self._take_stack()
        place = _LINE.search(stack)
        waits = place is not None and BLOCKING.search(linecache.getline(place[1], int(place[2])))
        if computed > LIMIT or (slept > LIMIT and waits):
            self.calls.append(
                f"computed {1e3 * computed:.0f} ms, slept {1e3 * slept:.0f} ms, at {LIMIT * 1e3:.0f} ms in\n{stack}"
            )
        self._last = _clocks()
        faulthandler.dump_traceback_later(LIMIT, file=self._stacks)

    def _take_stack(self) -> str:
        """The GUI thread's stack at the limit, innermost line first; empty where the beat was in time."""
        self._stacks.seek(0)
        text = self._stacks.read()
        self._stacks.seek(0)
        self._stacks.truncate()
        stacks = re.split(r"\n\n", text)
        # The GUI thread is Python's main thread, which faulthandler writes last.
        return "\n".join(stacks[-1].strip().splitlines()[1:7])


def _clocks() -> tuple[float, float, float]:
    """Seconds on the clock, computed by this thread, and waited by it for a free core (0 where that is not known)."""
    try:
        queued = int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        queued = 0.0
    return time.perf_counter(), time.thread_time(), queued
