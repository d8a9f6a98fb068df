"""Finds calls that hold up the GUI thread."""

import linecache
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QObject, Qt, QTimer

from tests.machine import slowness

BEAT = 5  # ms
LIMIT = 0.050  # s
LOOK = 0.010  # s
BLOCKING = re.compile(r"\b(wait|join|acquire|sleep|stop|shutdown)\(")


class Watchdog(QObject):
    """Beats in the GUI thread; `calls` tell, at the end, what took too long between two beats.

    A late beat alone proves nothing on a busy machine, or while another thread keeps the interpreter. What counts is that
    the GUI thread itself computed for longer than the limit, or that it slept as long in a line that waits; on a slower machine
    as much longer as that machine needs, before and after. Its stack is read by a thread that looks whether a beat is late.
    (faulthandler's thread, which reads without the interpreter's lock, crashes on Python 3.13.)
    """

    def __init__(self) -> None:
        super().__init__()
        self._late: list[tuple[float, str]] = []  # s that a call took
        self.longest = 0.0  # s that the thread computed between two beats
        self.beats = 0
        self._stack: list[tuple[str, int, str]] = []  # of a late beat, innermost line first
        self._ended = threading.Event()
        self._main = threading.get_ident()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT)
        self._timer.timeout.connect(self._beat)

    @property
    def limit(self) -> float:
        """Seconds that a call may take."""
        return LIMIT * self._slowness

    @property
    def calls(self) -> list[str]:
        return [
            f"{call}\n  ({1e3 * self.limit:.0f} ms are allowed)" for seconds, call in self._late if seconds > self.limit
        ]

    def __enter__(self) -> "Watchdog":
        self._slowness = slowness()
        self._last = _clocks()
        self._timer.start()
        self._thread = threading.Thread(target=self._look, name="watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()
        self._ended.set()
        self._thread.join()
        self._slowness = max(self._slowness, slowness())
        assert self.beats, "the watchdog saw nothing: the event loop did not run"

    def _look(self) -> None:
        while not self._ended.wait(LOOK):
            if not self._stack and time.perf_counter() - self._last[0] > LIMIT:
                self._stack = _lines(sys._current_frames()[self._main])  # noqa: SLF001 - there is no other way

    def _beat(self) -> None:
        self.beats += 1
        wall, computed, queued = (now - before for now, before in zip(_clocks(), self._last, strict=True))
        slept = wall - computed - queued
        self.longest = max(self.longest, computed)
        stack = self._stack
        waits = bool(stack) and BLOCKING.search(linecache.getline(*stack[0][:2]))
        took = max(computed, slept if waits else 0.0)
        if took > LIMIT:
            text = "\n".join(f"  {path}:{line} in {name}" for path, line, name in stack[:6])
            told = f"computed {1e3 * computed:.0f} ms, slept {1e3 * slept:.0f} ms, at {LIMIT * 1e3:.0f} ms in\n{text}"
            self._late.append((took, told))
        self._last = _clocks()
        self._stack = []  # after it: until then the beat itself looks late


def assert_holds_up_nothing(work: Callable[[], object]) -> None:
    """Let a user work up to five times; at most two of them may have a slow call, and the first none of four times the limit.

    A beat counts all that was due at once, and a busy sibling of this core slows it down by half: the median counts. What is
    done for the first time may take longer, but does it once only.
    """
    slow: list[str] = []
    for attempt in range(5):
        with Watchdog() as dog:
            work()
        slow += ["\n".join(dog.calls)] if dog.calls else []
        assert attempt or dog.longest < 4 * dog.limit, slow[0]
        if attempt + 1 - len(slow) == 3:
            break
    assert len(slow) < 3, "\n\n".join(slow)


def _lines(frame: FrameType | None) -> list[tuple[str, int, str]]:
    """Path, line and function of a frame and those around it. No frame is kept: its objects would be destroyed in this thread."""
    found = []
    while frame is not None:
        # A frame between two instructions of a line may have no line number.
        found.append((frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_name))
        frame = frame.f_back
    return found


def _clocks() -> tuple[float, float, float]:
    """Seconds on the clock, computed by this thread, and waited by it for a free core (0 where that is not known)."""
    try:
        queued = int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        queued = 0.0
    return time.perf_counter(), time.thread_time(), queued
