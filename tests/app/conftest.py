"""The real window, small enough for a test, with everything it starts ended afterwards."""

import dataclasses
import gc
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

SMALL = {
    "data.points": 2_000,
    "network.width": 32,
    "training.steps": 400,
    "training.batch": 128,
    "sampling.particles": 200,
    "sampling.steps": 60,
    "likelihood.points": 50,
    "likelihood.tolerance": 1e-3,
}


PATIENCE = 90_000
"""Milliseconds until a wait counts as a hang: on a busy machine a thread in the background gets a tenth of a core."""


class PatientBot(QtBot):
    """Gives whatever a test waits for time enough to come true."""

    def waitUntil(self, callback):
        super().waitUntil(callback, timeout=PATIENCE)

    def waitSignal(self, signal, *, timeout=PATIENCE, **more):
        return super().waitSignal(signal, timeout=timeout, **more)


@pytest.fixture
def qtbot(qapp, request) -> QtBot:
    return PatientBot(request)


def make_window(folder: Path, first_start: bool = False):
    """The window with a small experiment in place of the bundled session.

    Args:
        first_start: nothing is remembered yet; else no card is folded, and no tour is offered.
    """
    from playground.app import window as module
    from playground.app.model.errors import Log
    from playground.app.model.preferences import Preferences
    from playground.lab.experiment import Experiment, replace

    preferences = Preferences(folder / "settings.ini")
    if not first_start and preferences.get("folded") is None:
        preferences.set("folded", {})
        preferences.set("tour_offered", True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "resource", lambda name: folder / "none" / name)
        window = module.MainWindow(preferences, Log(), device="cpu")
    window.state.load(replace(Experiment(), SMALL))
    return window


def put_pin(state, pinned, run) -> None:
    """Pin a run under the name that it has."""
    from playground.lab.document import Pin

    pinned.put(run)
    state.put(pins=(*state.document.pins, Pin(run.number, run.name)))


def with_figures(run, found):
    """A pinned run that comes with figures, given as a table has them."""
    from playground.app.model.pinned_runs import KL
    from playground.lab.measured import Figures

    figures = Figures.of(dict.fromkeys(found.get("reasons", ())) | found)
    parts = {}
    for part, named in (("distances", figures.keys() - {*KL}), ("likelihoods", figures.keys() & {*KL})):
        if named:
            parts[part] = Figures({name: figures[name] for name in figures if name in named})
    return dataclasses.replace(run, **parts)


def end(window) -> None:
    from playground.app import window as module

    for box in window.findChildren(QMessageBox):
        box.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "QUIT_SECONDS", PATIENCE / 1000)  # how soon it quits has a test of its own
        window.leave()
    assert window.ended
    window.deleteLater()
    others = [other for other in QApplication.topLevelWidgets() if isinstance(other, module.MainWindow)]
    if others == [window]:
        # The next one is built as a program's first is, before there is a style sheet: in half of the time.
        QApplication.instance().setStyleSheet("")


@pytest.fixture(autouse=True)
def optimal_losses_of_few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of 80,000 points take longer than most trainings here."""
    from playground.theory.objectives import Objective

    of_few = partialmethod(Objective.optimal_loss_with_error, parts=4, count=512)
    monkeypatch.setattr(Objective, "optimal_loss_with_error", of_few)


@pytest.fixture(autouse=True, scope="module")
def views_of_few_frames_and_cells(pytestconfig: pytest.Config) -> Iterator[None]:
    """While a test waits, windows paint: sixty frames a second, each with a density of 12,000 cells, took a third of the time
    of all their tests. Tests of time have them.
    """
    with pytest.MonkeyPatch.context() as patch:
        if pytestconfig.option.markexpr != "alone":
            from playground.app.controllers import controllers
            from playground.lab import fields

            shape = fields.grid_shape
            patch.setattr(controllers, "TICK", 3 * controllers.TICK)
            patch.setattr(
                fields, "grid_shape", lambda problem, bounds, cells=600: shape(problem, bounds, min(cells, 600))
            )
        yield


@pytest.fixture(autouse=True)
def maps_of_few_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of 25,600 and 4,096 cells take seconds; of a few hundred they are refined by the same passes, if fewer."""
    from playground.app.controllers import measurements, video_frames

    for module in (measurements, video_frames):
        monkeypatch.setattr(module, "ASKED_CELLS", 40)
        monkeypatch.setattr(module, "MAP_CELLS", 24)


@pytest.fixture
def bare_window(qtbot, tmp_path) -> Iterator:
    """The window before its first paint."""
    window = make_window(tmp_path)
    yield window
    end(window)


@pytest.fixture(scope="module")
def shared_window(request, tmp_path_factory) -> Iterator:
    """A running window for tests that leave it as it was; they use :func:`wait` in place of qtbot.

    Building one takes longer than most of these tests, and a search for what they left behind finds only the window itself.
    """
    request.getfixturevalue("qapp")
    window = make_window(tmp_path_factory.mktemp("shared"))
    window.resize(1280, 720)
    window.show()
    wait(lambda: window.controllers.playing.recorded > 5)
    assert window.controllers.building.problem is not None
    yield window
    end(window)
    gc.unfreeze()  # so that it is collected


TINY = {
    "data.points": 500,
    "network.width": 8,
    "network.depth": 1,
    "training.steps": 40,
    "training.batch": 64,
    "sampling.particles": 60,
    "sampling.steps": 10,
    "likelihood.points": 20,
    "likelihood.tolerance": 1e-1,
}
"""An experiment whose training and run take a moment."""


def started(qtbot, **data: object):
    """Controllers of a tiny experiment, with its problem. End them by their `shutdown`.

    Args:
        data: settings of its data.
    """
    from playground.app.controllers.controllers import Controllers
    from playground.app.model.state import State
    from playground.lab.experiment import Experiment, replace

    settings = TINY | {f"data.{name}": value for name, value in data.items()}
    controllers = Controllers(State(replace(Experiment(), settings)), device="cpu")
    with qtbot.waitSignal(controllers.building.ready):
        controllers.start()
    return controllers


def apply_theme(app, palette, more: str = "") -> None:
    """Give the whole program its look, as the window does when it opens."""
    from playground.app.style import theme

    theme.prepare(app, palette)
    theme.apply_style_sheet(app, more)


def wait(until: Callable[[], bool] | None = None, milliseconds: int = 30) -> None:
    """Run the event loop until something holds, or without that for a while.

    The loop sleeps between events and looks 100 times a second; processEvents with a maximum time would spin instead.
    """
    from PySide6.QtCore import QEventLoop, QTimer

    if until is None:
        until = lambda: False  # noqa: E731
    else:
        milliseconds = PATIENCE
    if until():
        return
    loop, look, end = QEventLoop(), QTimer(interval=10), QTimer(interval=milliseconds, singleShot=True)
    look.timeout.connect(lambda: until() and loop.quit())
    end.timeout.connect(loop.quit)
    look.start()
    end.start()
    loop.exec()


@pytest.fixture
def window(bare_window, qtbot):
    """The window with its first problem built and frames running."""
    bare_window.resize(1280, 720)
    with qtbot.waitSignal(bare_window.controllers.building.ready):
        bare_window.show()
    qtbot.waitUntil(lambda: bare_window.controllers.playing.recorded > 5)
    return bare_window
