"""The GUI thread's time for one edit, with many pinned runs and a long history: ``python benchmarks/edits.py``.

The real window has 60 pinned runs and 200 steps of history. Each kind of edit is made 15 times; its time is the GUI thread's
processor time for the edit and for all events that it posted, among them the layout and the next paint.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer

from playground.app.main import make_application
from playground.app.model.errors import Log
from playground.app.model.pinned_runs import MOST, hold, unknown_model
from playground.app.model.preferences import Preferences
from playground.app.window import MainWindow
from playground.lab.experiment import replace
from playground.lab.measured import Figures, Measured
from playground.lab.pinned_run import PinnedRun

STEPS, TIMES = 200, 15
COST = Figures({"nfe_mean": Measured(50.0), "nfe_max": Measured(50.0)})
FIGURES = Figures({"wasserstein2": Measured(1.31, floor=0.1, floor_std=0.01), "classifier_accuracy": Measured(0.64)})
SAMPLERS = "langevin", "reverse-sde"
DATA = "rings", "two-moons"


def wait(milliseconds: int) -> None:
    """Run the event loop for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def filled(window: MainWindow) -> None:
    """Pin runs and make a history."""
    state, runs = window.state, []
    for number in range(1, MOST + 1):
        experiment = replace(state.experiment, {"sampling.steps": number + 10, "sampling.seed": number})
        runs.append(PinnedRun(number, f"run {number}", experiment, unknown_model(experiment)))
        hold(runs[-1], window.state.store, Sampling=COST, Distances=FIGURES)
    state.put(pins=tuple(runs))
    for seed in range(STEPS):
        state.edit({"sampling.seed": seed + 1})


def milliseconds(change: Callable[[int], object]) -> list[float]:
    """The GUI thread's time for each of several changes."""
    found = []
    for number in range(TIMES):
        begun = time.thread_time()
        change(number)
        QCoreApplication.sendPostedEvents()
        QCoreApplication.processEvents()
        found.append(1e3 * (time.thread_time() - begun))
        wait(300)
    return found


def main() -> None:
    """Print the median and the largest time of each kind of edit."""
    make_application()
    with TemporaryDirectory() as folder:
        window = MainWindow(Preferences(Path(folder) / "settings.ini"), Log(), device="cpu")
        window.resize(1280, 720)
        window.show()
        wait(4_000)
        filled(window)
        window.playing.set_playing(False)
        wait(4_000)
        state, pinning = window.state, window.controllers.pinning
        changes: dict[str, Callable[[int], object]] = {
            "a slider of the sampler": lambda number: state.edit({"sampling.steps": 30 + number}, merge="drag"),
            "a slider of the noise": lambda number: state.edit({"noise.sigma_max": 5 + number / 10}, merge="drag"),
            "undo": lambda _: state.undo(),
            "redo": lambda _: state.redo(),
            "another sampler": lambda number: state.edit({"sampling.kind": SAMPLERS[number % 2]}),
            "other data": lambda number: state.edit({"data.kind": DATA[number % 2]}),
            "a clicked point": lambda number: window.clicking.inspect((number / 10, 0.0)),
            "a run's name": lambda number: pinning.rename(pinning.runs[4], f"name {number}"),
        }
        for name, change in changes.items():
            found = milliseconds(change)
            print(f"{name:24} {statistics.median(found):5.1f} ms, at most {max(found):5.1f}")
        window.leave()


if __name__ == "__main__":
    typer.run(main)
