"""A random user in the real window: ``python benchmarks/soak.py --minutes 60 [--seed 0]``.

He edits every setting, trains, samples, scrubs, undoes, opens scenes and lessons, pins runs. Each minute he ends what he does by
File > New, and the memory of the process is read once nothing is at work: what undo keeps is of the work before. Printed are errors
(uncaught ones, and every warning of Qt), memory as it went, threads that are left at the end. Exits with 1 where something is wrong,
or no setting was changed, no training begun or no frame played.

Memory may grow by 10 % from the first reading after five minutes, or after half of the time, to the mean of the last three. What
was freed is given back before a reading, where the system's library can do that.
"""

import contextlib
import ctypes
import gc
import logging
import math
import os
import random
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["QT_QPA_PLATFORM"] = os.environ.get("QT_QPA_PLATFORM") or "offscreen"  # before Qt is imported

import shiboken6
import typer
from PySide6.QtCore import QEventLoop, QThread, QTimer

from playground.app.main import make_application
from playground.app.model.errors import ExceptionHook, Log, report
from playground.app.model.preferences import Preferences
from playground.app.window import MainWindow
from playground.app.workers.garbage import GarbageCollector

sys.path.insert(0, str(Path(__file__).parent))
from random_user import RandomUser

PAUSE = (30, 400)  # ms between two things that are done
LACKS = "This plugin does not support"  # what Qt says of itself where there is no display
GROWTH = 1.10
SETTLED = 300.0  # seconds, or half of the whole time
REST = 60.0  # seconds in which the work after File > New comes to an end: what is in progress takes 30 to 100 MB


DONE = CHANGED, TRAINED, PLAYED = "no setting was changed", "no training was begun", "no frame was played"
"""What would mean that nothing was tried."""


class Errors(logging.Handler):
    """Collects what went wrong: errors, and whatever Qt says above information."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []
        self.last: list[str] = []  # what was done last
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "qt" and record.getMessage().startswith(LACKS):
            return
        expected = getattr(record, "mistake", False) or (record.name == "playground" and record.exc_info is None)
        if record.levelno >= logging.ERROR or record.name == "qt" or not expected:
            self.found.append(f"{self.format(record)}\n  after {', '.join(self.last[-6:])}")


def resident() -> float:
    """Megabytes of this process that are in memory."""
    with contextlib.suppress(OSError, AttributeError):  # another system's library
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def running() -> list[str]:
    """The threads of Qt that work still, without this one."""
    kinds = {QThread}
    while more := {kind for known in kinds for kind in known.__subclasses__()} - kinds:
        kinds |= more
    gc.unfreeze()  # what was there when torch was loaded may be a thread too
    # Not by gc.get_objects(): it also holds the tuples that other threads have half built, which then fail to grow.
    threads = [one for one in gc.get_referrers(*kinds) if isinstance(one, QThread) and shiboken6.isValid(one)]
    return [thread.objectName() for thread in threads if thread.isRunning() and thread is not QThread.currentThread()]


def wait(milliseconds: float) -> None:
    """Run the event loop for a while."""
    loop = QEventLoop()
    QTimer.singleShot(int(milliseconds), loop.quit)
    loop.exec()


def _at_rest(window: MainWindow) -> bool:
    """Whether the data are built, the run is sampled as far as it is played, and nothing is measured."""
    run, building = window.playing.trajectory, window.building
    sampled = run is not None and (run.finished or not window.playing.is_playing)
    return sampled and not building.busy and not window.state.is_replacing and window.controllers.jobs.idle


class Soak:
    """Runs a window for a time.

    Args:
        folder: for its settings.
        seconds: how long.
        seed: of what is done.
        chapter: seconds from one reading of memory to the next.
    """

    def __init__(self, folder: Path, seconds: float, seed: int, chapter: float = 60.0, verbose: bool = False) -> None:
        self._folder, self._seconds, self._seed, self._chapter = folder, seconds, seed, chapter
        self._verbose = verbose
        self.errors = Errors()
        self.memory: list[tuple[float, float]] = []  # seconds and megabytes
        self.actions = 0
        self.done: Counter[str] = Counter(dict.fromkeys(DONE, 0))
        self.threads: list[str] = []  # left at the end
        self.ended = False

    def run(self) -> None:
        """Do it; takes the time that was asked for."""
        log = Log()
        hook = ExceptionHook(log)
        logging.getLogger().addHandler(self.errors)
        try:
            window = MainWindow(Preferences(self._folder / "settings.ini"), log, device="cpu")
            window.controllers.train_in_process()
            window.resize(1280, 720)
            window.show()
            while window.state.model is None:
                wait(20)
            self._use(window)
            window.leave()
            self.ended = window.ended
            window.deleteLater()
            wait(200)
        finally:
            logging.getLogger().removeHandler(self.errors)
            hook.remove()
        self.threads = running()

    def _use(self, window: MainWindow) -> None:
        done = self.done
        window.training.changed.connect(lambda status: done.update([TRAINED] if status == "training" else []))
        window.playing.frame_changed.connect(lambda _: done.update([PLAYED]))
        user, begun = RandomUser(window, self._seed), time.monotonic()
        pauses, chapter = random.Random(self._seed + 1), time.monotonic()
        while time.monotonic() - begun < self._seconds:
            before = window.state.experiment
            try:
                self.errors.last.append(user.act())
            except Exception as error:
                report(error, "an action failed")
            del self.errors.last[:-10]
            self.actions += 1
            done.update([CHANGED] if window.state.experiment != before else [])
            wait(pauses.uniform(*PAUSE))
            if time.monotonic() - chapter > self._chapter:
                self._read_memory(window, time.monotonic() - begun)
                chapter = time.monotonic()
        self._read_memory(window, time.monotonic() - begun)

    def _read_memory(self, window: MainWindow, seconds: float) -> None:
        window.state.leave_lesson()
        window.state.mark_saved()
        window.opening.new()
        deadline = time.monotonic() + REST
        while not _at_rest(window) and time.monotonic() < deadline:
            wait(50)
        gc.collect()
        rests, megabytes = _at_rest(window), resident()
        if rests:
            self.memory.append((seconds, megabytes))
        if self._verbose:
            state = "" if rests else ", still at work, so it does not count"
            print(f"{seconds:6.0f} s {megabytes:6.0f} MB, {self.actions} actions{state}", flush=True)

    @property
    def growth(self) -> float:
        """Memory at the end by that once it had settled; nan where it was not read at rest since."""
        settled = [megabytes for seconds, megabytes in self.memory if seconds >= min(SETTLED, self._seconds / 2)]
        return statistics.fmean(settled[-3:]) / settled[0] if settled else math.nan

    def problems(self, most: float = GROWTH) -> list[str]:
        """What went wrong, in words; memory may grow by the factor `most`."""
        found = [*self.errors.found, *(f"in {self.actions} actions {what}" for what in DONE if not self.done[what])]
        if not self.ended or self.threads:
            found.append(f"threads are left: {', '.join(self.threads)}")
        if math.isnan(self.growth) and self._seconds > SETTLED:
            found.append("memory was never read at rest")
        if self.growth > most:
            found.append(f"memory grew by {100 * (self.growth - 1):.0f} %")
        return found


def main(minutes: float = 60.0, seed: int = 0, chapter: float = 60.0, growth: float = GROWTH) -> None:
    """Run the soak and say what it found."""
    application = make_application()
    GarbageCollector(application)
    with TemporaryDirectory() as folder:
        soak = Soak(Path(folder), 60 * minutes, seed, chapter, verbose=True)
        soak.run()
    problems = soak.problems(growth)
    print(f"{soak.actions:,} actions in {minutes:g} minutes, seed {seed}; memory {soak.growth - 1:+.1%}")
    print("\n".join(problems) if problems else "no error, no thread left")
    del application
    raise typer.Exit(1 if problems else 0)


if __name__ == "__main__":
    typer.run(main)
