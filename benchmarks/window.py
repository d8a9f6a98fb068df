"""How smooth the window is while it trains: ``python benchmarks/window.py``.

The real window, with a field of arrows, trails and the asked number of particles, samples and trains at once, once the
first run of so many particles is recorded. Printed are the time to the first paint, the gaps between paints while the
playhead moves (it rests for 0.8 s at the end of a run), the time of one paint, and training speed with the window and
without one, both in this run. Use a display, or QT_QPA_PLATFORM=offscreen.
"""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import typer
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from playground.app.errors import Log
from playground.app.main import process_age
from playground.app.settings import Settings
from playground.app.window import MainWindow


def speed_without_window(seconds: float) -> float:
    """Steps a second of the default experiment on one thread."""
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


def main(particles: int = 10_000, seconds: float = 8.0) -> None:
    application = QApplication([])
    paints: list[tuple[float, float, bool]] = []  # when, milliseconds, whether the playhead moves on
    with TemporaryDirectory() as folder:
        window = MainWindow(Settings(Path(folder) / "settings.ini"), Log())
        window.on_first_paint = lambda: print(f"first paint after {1000 * process_age():.0f} ms")
        window.resize(1440, 900)
        window.show()
        begun: list[tuple[int, float]] = []

        def start() -> None:
            window.state.edit({"sampling.particles": particles, "training.seconds": 3600})
            QTimer.singleShot(500, train)

        def train() -> None:
            engine = window.engine
            trajectory = engine.trajectory
            if trajectory is None or trajectory.positions.shape[1] != particles or not trajectory.finished:
                QTimer.singleShot(100, train)
                return
            print(f"{len(trajectory)} frames of {particles:,} particles recorded")
            engine.train()
            QTimer.singleShot(2500, measure)

        def painted(milliseconds: float) -> None:
            engine = window.engine
            paints.append((time.perf_counter(), milliseconds, engine.frame < engine.recorded - 1))

        def measure() -> None:
            begun.append((window.engine.trained_steps, time.perf_counter()))
            window.canvas.painted.connect(painted)
            QTimer.singleShot(int(seconds * 1000), end)

        def end() -> None:
            steps, since = begun[0]
            begun.append((window.engine.trained_steps - steps, time.perf_counter() - since))
            window.leave()

        window.engine.ready.connect(start)
        application.exec()
    with_window = begun[1][0] / begun[1][1]
    moments, costs, moving = np.array(paints).T
    gaps = np.diff(moments)[moving[:-1] > 0] * 1000
    without = statistics.median(speed_without_window(seconds / 3) for _ in range(3))
    print(f"{particles:,} particles, {len(paints)} paints in {seconds:g} s")
    print(f"gap between paints: median {np.median(gaps):.1f} ms, 99 % {np.percentile(gaps, 99):.1f} ms")
    print(f"one paint of the canvas: median {np.median(costs):.1f} ms, 99 % {np.percentile(costs, 99):.1f} ms")
    print(f"training: {with_window:.0f} steps/s, without a window {without:.0f}: {with_window / without:.0%}")


if __name__ == "__main__":
    typer.run(main)
