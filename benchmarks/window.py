"""The smoothness of the window, and its speed of sampling, while it trains: ``python benchmarks/window.py``.

The real window, with arrows, trails and the exact density, plays a number of particles under three conditions: without
training, with training, and with training while another program keeps a core busy. A run is sampled while it is played.

The machine's load before is printed first. On a loud machine gaps are those of other programs, and only the GUI thread's
processor time says something about the window.

These figures are printed for each condition: the sampler's steps/s while a run is recorded (the playhead takes 62.5, and the
sampler waits when it is 40 frames ahead; of columns those of all together, while any is sampled); the gaps between frames, except for the rest of 0.8 s at the end of a run; the time
of one paint; the GUI thread's processor time for each frame, which a busy machine changes less than gaps; the training's
steps/s. A frame counts once every canvas in view is painted with it: a repaint for arrows that came later is none. With
``--columns 4`` four runs are compared side by side. With ``--recorded`` the run at rest is sampled before it is played:
else gaps are those of the sampler where that is slower. Training without a window is timed last, in the same process. Use
a display, or QT_QPA_PLATFORM=offscreen.
"""

import itertools
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import typer
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from playground.app.main import process_age
from playground.app.model.errors import Log
from playground.app.model.preferences import Preferences
from playground.app.window import MainWindow
from playground.lab.columns import Column

SETTLE = 2000  # ms from the beginning of a condition to its measurement
COLUMN_STEPS = 120  # of each column: two seconds of playback
CONDITIONS = ("at rest", "training", "training, one core busy")
QUIET = 0.25  # load for each core up to which a machine is quiet
WRITTEN = 60  # seconds at most until a write of unsaved work has ended, after which its folder is removed
BUSY = [sys.executable, "-c", "while True: pass"]


@dataclass(frozen=True)
class Recorded:
    """The sampler's progress at one moment.

    Attributes:
        moment: time in seconds.
        run: tells the run that is being recorded, or the first of several, from others.
        frames: the frames so far.
        finished: whether these are all frames.
    """

    moment: float
    run: int
    frames: int
    finished: bool


@dataclass
class Counter:
    """The records of a condition: progress of the sampler, milliseconds of paints, and frames.

    Attributes:
        frames: of each frame that every canvas has painted, when that was, and whether it is the run's last.
        behind: the canvases that have yet to paint the frame in view.
    """

    recorded: list[Recorded] = field(default_factory=list)
    paints: list[float] = field(default_factory=list)
    frames: list[tuple[float, bool]] = field(default_factory=list)
    behind: set[int] = field(default_factory=set)

    def look(self, recorded: Sequence[tuple[object, Sized | None, bool]], moment: float) -> None:
        """Note the progress of the runs that are sampled: each with its frames so far, and whether these are all."""
        begun = [(run, frames, finished) for run, frames, finished in recorded if run is not None]
        if begun:
            count = sum(len(frames) for _, frames, _ in begun if frames is not None)
            self.recorded.append(Recorded(moment, id(begun[0][0]), count, all(finished for *_, finished in begun)))

    def change(self, canvases: int) -> None:
        """Another frame is in view, which so many canvases are to paint."""
        self.behind = set(range(canvases))

    def paint(self, canvas: int, milliseconds: float, moment: float, at_end: bool) -> None:
        """A canvas has painted the frame in view."""
        self.paints.append(milliseconds)
        if canvas in self.behind:
            self.behind.discard(canvas)
            if not self.behind:
                self.frames.append((moment, at_end))

    def sampler_rate(self) -> float:
        """Recorded frames per second, over the time in which a run was being recorded; nan if there was none."""
        frames, seconds = 0, 0.0
        for before, after in itertools.pairwise(self.recorded):
            if not before.finished:
                frames += after.frames - (before.frames if after.run == before.run else 0)
                seconds += after.moment - before.moment
        return frames / seconds if seconds else float("nan")

    def gaps(self) -> np.ndarray:
        """Milliseconds from each frame to the next, except after a run's end, where the playhead rests."""
        moments, at_end = (np.array(column) for column in zip(*self.frames, strict=True))
        gaps: np.ndarray = 1000 * np.diff(moments)[~at_end[:-1]]
        return gaps


def problem(counter: Counter, trained: int | None, ended: bool) -> str:
    """Why the figures of a condition say nothing; "" if they do.

    Args:
        counter: what was painted and sampled.
        trained: training steps; None where none are expected.
        ended: whether the program that is to keep a core busy has ended.
    """
    if len(counter.frames) < 2:
        return "the window painted no frames"
    if trained == 0:
        return "no training step was made"
    return "the program that was to keep a core busy has ended" if ended else ""


def speed_without_window(seconds: float) -> float:
    """Training steps per second of the default experiment on one thread."""
    import torch

    from playground.lab.experiment import Experiment
    from playground.lab.problem import Problem
    from playground.lab.training import Trainer

    torch.set_num_threads(1)
    trainer = Trainer(Problem.build(Experiment()))
    next(trainer)
    steps, start = trainer.step, time.perf_counter()
    while time.perf_counter() - start < seconds:
        next(trainer)
    return (trainer.step - steps) / (time.perf_counter() - start)


class Measurement:
    """Measures a window under each condition, and prints the figures.

    Args:
        window: the window, already shown.
        particles: the number of particles.
        seconds: the length of each condition.
        columns: how many runs are compared side by side; 1 measures the main canvas.
        recorded: whether the run at rest is sampled to its end before it is played.
    """

    def __init__(
        self, window: MainWindow, particles: int, seconds: float, columns: int = 1, recorded: bool = False
    ) -> None:
        self._window, self._particles, self._milliseconds = window, particles, int(1000 * seconds)
        self._columns, self._replays = columns, recorded
        self._painters = [window.canvas]
        self._counter, self._used = Counter(), 0.0
        self._busy: subprocess.Popen[bytes] | None = None
        self._look = QTimer(window, interval=16)
        self._look.timeout.connect(self._looked)
        self.speeds: dict[str, float] = {}  # of training, by condition
        self.problem = ""
        window.controllers.playing.frame_changed.connect(self._changed)
        window.canvas.surface.painted.connect(lambda milliseconds: self._painted(0, milliseconds))
        window.controllers.state.problem_changed.connect(self._start)

    def _start(self) -> None:
        changes = {"sampling.particles": self._particles, "training.seconds": 3600}
        if self._columns > 1:
            changes["sampling.steps"] = COLUMN_STEPS
        self._window.state.edit(changes)
        self._wait()

    def _wait(self) -> None:
        trajectory = self._window.controllers.playing.trajectory
        if trajectory is None or trajectory.positions.shape[1] != self._particles:
            QTimer.singleShot(100, self._wait)
        elif self._columns > 1:
            kinds = ("reverse-sde", "probability-flow", "edm", "reverse-sde")[: self._columns]
            solvers: tuple[dict[str, object], ...] = ({}, {}, {}, {"sampling.solver": "shark"})
            self._window.controllers.column_edits.begin(
                [Column.of({"sampling.kind": kind, **more}) for kind, more in zip(kinds, solvers, strict=False)]
            )
            self._wait_for_columns()
        elif self._replays and not trajectory.finished:
            self._window.playing.seek(trajectory.total)  # it plays on once it is there
            QTimer.singleShot(200, self._wait)
        else:
            self._measure(0)

    def _wait_for_columns(self) -> None:
        """Measure what is painted once the columns are sampled; before, the playhead waits for the slowest of them."""
        runs = self._window.controllers.comparing.runs
        if runs and all(run.finished for run in runs):
            self._painters = [view.canvas for view in self._window.run_views.views]
            for place, canvas in enumerate(self._painters[1:], 1):
                canvas.surface.painted.connect(lambda milliseconds, place=place: self._painted(place, milliseconds))
            self._measure(0)
        else:
            QTimer.singleShot(200, self._wait_for_columns)

    def _measure(self, number: int) -> None:
        if number == len(CONDITIONS):
            self.end()
            self._window.leave()
            return
        if number == 1:
            self._window.controllers.training.start()
        elif number == 2:
            self._busy = subprocess.Popen(BUSY)
        QTimer.singleShot(SETTLE, lambda: self._begin(number))

    def _begin(self, number: int) -> None:
        if number == 0 and not self._replays:
            self._window.controllers.sampling.restart()
        self._counter = Counter()
        self._look.start()
        used = time.thread_time()
        steps, start = self._window.controllers.training.trained_steps, time.perf_counter()

        def end() -> None:
            self._look.stop()
            self._used = 1000 * (time.thread_time() - used)
            made, seconds = self._window.controllers.training.trained_steps - steps, time.perf_counter() - start
            self.speeds[CONDITIONS[number]] = made / seconds
            ended = self._busy is not None and self._busy.poll() is not None
            self.problem = problem(self._counter, made if number else None, ended)
            if self.problem:
                self._measure(len(CONDITIONS))
                return
            self._print(CONDITIONS[number])
            self._measure(number + 1)

        QTimer.singleShot(self._milliseconds, end)

    def _print(self, condition: str) -> None:
        counter = self._counter
        gaps, costs, rate = counter.gaps(), counter.paints, counter.sampler_rate()
        sampled = "nothing sampled" if math.isnan(rate) else f"{rate:.1f} sampler steps/s"
        print(
            f"{condition}: {sampled}; "
            f"{len(counter.frames)} frames, gap {np.median(gaps):.1f} ms, 99 % {np.percentile(gaps, 99):.1f} ms; "
            f"one paint {np.median(costs):.1f} ms, 99 % {np.percentile(costs, 99):.1f} ms; "
            f"GUI thread {self._used / len(counter.frames):.1f} ms of the processor a frame; "
            f"training {self.speeds[condition]:.0f} steps/s",
            flush=True,
        )

    def _looked(self) -> None:
        sampled = self._window.controllers.playing.in_view.newest
        ended = [(run, run.trajectory, run.finished) for run in sampled]
        self._counter.look(ended, time.perf_counter())

    def _changed(self) -> None:
        self._counter.change(len(self._painters))

    def _painted(self, canvas: int, milliseconds: float) -> None:
        playing = self._window.controllers.playing
        at_end = playing.trajectory is not None and playing.frame == playing.total - 1
        self._counter.paint(canvas, milliseconds, time.perf_counter(), at_end)

    def end(self) -> None:
        """Stop the busy program."""
        if self._busy is not None:
            self._busy.kill()
            self._busy.wait()


def main(
    particles: int = 2_000, seconds: float = 12.0, columns: int = 1, recorded: bool = False, apart: bool = True
) -> None:
    load, cores = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan"), os.cpu_count() or 1
    application = QApplication([])
    with TemporaryDirectory() as folder:
        preferences = Preferences(Path(folder) / "settings.ini")
        preferences.set("tour_offered", True)
        window = MainWindow(preferences, Log())
        if apart:
            window.controllers.train_in_process()
        window.first_painted.connect(lambda: print(f"first paint after {1000 * process_age():.0f} ms"))
        window.show()
        # After it was painted: before, its size is limited to the screen, which is small offscreen.
        QTimer.singleShot(1000, lambda: window.resize(1440, 900))
        measurement = Measurement(window, particles, seconds, columns, recorded)
        print(f"load before: {load:.1f} on {cores} cores, {'loud' if load > QUIET * cores else 'quiet'}")
        shown = f", {columns} columns side by side" if columns > 1 else ""
        print(f"{particles:,} particles{shown}, {seconds:g} s each")
        try:
            application.exec()
        finally:
            measurement.end()
            window.autosaving.end(False, WRITTEN)
    if measurement.problem:
        print(measurement.problem, file=sys.stderr)
        raise typer.Exit(1)
    without = statistics.median(speed_without_window(2) for _ in range(3))
    shares = (f"{condition} {speed / without:.0%}" for condition, speed in measurement.speeds.items() if speed)
    print(f"training without a window: {without:.0f} steps/s; {', '.join(shares)}")


if __name__ == "__main__":
    typer.run(main)
