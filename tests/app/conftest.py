"""The real window, small enough for a test, with everything it starts ended afterwards."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from tests import fewer
from tests.app.known_window import SIZE, KnownWindow, plays

if TYPE_CHECKING:
    from playground.app.controllers.comparing import Comparing
    from playground.lab.experiment import Experiment
    from playground.lab.pinned_run import PinnedRun

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
        first_start: nothing is remembered yet; else all cards are in view, and no tour is offered.
    """
    from playground.app import window as module
    from playground.app.model.errors import Log
    from playground.app.model.preferences import Preferences
    from playground.lab.experiment import Experiment, replace

    preferences = Preferences(folder / "settings.ini")
    if not first_start and not preferences.get("tour_offered"):
        preferences.set("all_cards", True)
        preferences.set("tour_offered", True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "resource", lambda name: folder / "none" / name)
        window = module.MainWindow(preferences, Log(), device="cpu")
    window.state.load(replace(Experiment(), SMALL))
    return window


def put_pin(state, run) -> None:
    """Pin a run under the name that it has."""
    state.put(pins=(*state.document.pins, run))


def pinned_run(number: int, name: str, experiment: "Experiment | None" = None, **more: Any) -> "PinnedRun":
    """A run of a network that no training has made."""
    from playground.app.model.pinned_runs import unknown_model
    from playground.lab.experiment import Experiment
    from playground.lab.pinned_run import PinnedRun

    experiment = experiment or Experiment()
    return PinnedRun(number, name, experiment, unknown_model(experiment), **more)


def with_figures(store, run, found):
    """The run, of which a store has figures from now on, given as a table has them."""
    from playground.app.model.pinned_runs import COST, hold
    from playground.lab.measured import Figures
    from playground.lab.pinned_run import KL

    figures = Figures.of(dict.fromkeys(found.get("reasons", ())) | found)
    named = {"Sampling": {*COST.values()}, "Likelihoods": {*KL}}
    named["Distances"] = figures.keys() - named["Sampling"] - named["Likelihoods"]
    parts = {part: Figures({name: figures[name] for name in figures if name in names}) for part, names in named.items()}
    hold(run, store, **{part: figures for part, figures in parts.items() if figures})
    return run


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


@pytest.fixture(autouse=True, scope="module")
def little_is_computed(pytestconfig: pytest.Config) -> Iterator[None]:
    """Tests of time have all frames."""
    from playground.app.controllers import controllers

    with pytest.MonkeyPatch.context() as patch:
        fewer.points_of_optimal_losses(patch)
        if pytestconfig.option.markexpr != "alone":
            fewer.cells_of_views(patch)
            patch.setattr(controllers, "TICK", 3 * controllers.TICK)
        yield


@pytest.fixture(autouse=True, scope="module")
def maps_of_few_cells() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        fewer.cells_of_maps(patch)
        yield


@pytest.fixture(autouse=True)
def known_look(qapp) -> Iterator[None]:
    """The program's font and dark palette, and no style sheet but that of the known window, before each test and after it."""
    from playground.app.style import theme
    from playground.drawing.palette import DARK

    if qapp.font() != theme.text_font():
        theme.prepare(qapp, DARK)
    yield
    if theme.palette() is not DARK:
        theme.show_palette(qapp, DARK)
    if not KNOWN.is_built and qapp.styleSheet():
        qapp.setStyleSheet("")


@pytest.fixture
def bare_window(qtbot, tmp_path) -> Iterator:
    """Another window before its first paint, for a test of what comes before it, of another window's end, or of kinds that are
    loaded: they stay in the cards.
    """
    window = make_window(tmp_path)
    yield window
    end(window)


KNOWN = KnownWindow(SMALL)


@pytest.fixture(scope="session")
def known_window(everyones_places) -> Iterator[KnownWindow]:
    KNOWN.folder = everyones_places / "known"
    yield KNOWN
    KNOWN.end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that use the window come first, one after another, so that it is built once."""
    USING.update(item.path for item in items if "known_window" in getattr(item, "fixturenames", ()))
    items.sort(key=lambda item: item.path not in USING)


USING: set[Path] = set()
"""The files that use the window."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End the window where the next test has no use for it: what is built without it has no style sheet, and is faster."""
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path not in USING:
            KNOWN.end()


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
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.start()
    return controllers


def heard(signal) -> list[object]:
    """What a signal says from now on; of several values all of them."""
    words: list[object] = []
    signal.connect(lambda *values: words.append(values if len(values) != 1 else values[0]))
    return words


def apply_theme(app, palette, more: str = "") -> None:
    """Give the whole program its look, as the window does when it opens."""
    from playground.app.style import theme

    theme.prepare(app, palette)
    theme.apply_style_sheet(app, more)


@pytest.fixture
def recolor(qapp, monkeypatch):
    """Shows all widgets in the colours of a palette, as a change of the theme does, until the test ends."""

    from playground.app.style import theme

    def recolored(palette) -> None:
        monkeypatch.setattr(theme.Shown, "palette", palette)
        theme.recolor(qapp.allWidgets())

    return recolored


def is_sampled(comparing: "Comparing") -> bool:
    """Whether every run that can be sampled has ended."""
    runs = [run for run in comparing.runs if run.failure is None]
    return bool(runs) and all(run.finished for run in runs)


def wait(until: Callable[[], bool] | None = None, milliseconds: int = 30) -> None:
    """Run the event loop until something holds, or without that for a while; what does not come to hold fails the test.

    The loop sleeps between events and looks 100 times a second; processEvents with a maximum time would spin instead.
    """
    from PySide6.QtCore import QEventLoop, QTimer

    if until is not None and until():
        return
    loop, look, end = QEventLoop(), QTimer(interval=10), QTimer(singleShot=True)
    end.setInterval(milliseconds if until is None else PATIENCE)
    look.timeout.connect(lambda: until is not None and until() and loop.exit(1))
    end.timeout.connect(loop.quit)
    look.start()
    end.start()
    came = loop.exec()  # what held at that look need not hold any more
    look.stop()
    end.stop()
    assert until is None or came, f"waited {PATIENCE / 1000:.0f} s in vain"


@pytest.fixture
def window(qtbot, known_window, monkeypatch) -> Iterator:
    """The window of this process, with its first problem built and frames running. It is put back after the test."""
    yield known_window.get()
    monkeypatch.undo()
    known_window.put_back()


@pytest.fixture
def connect(window) -> Iterator[Callable[..., None]]:
    """Connects a signal of the window to a slot until the test ends."""
    made = []

    def connect(signal, slot: Callable[..., object]) -> None:
        made.append((signal, signal.connect(slot)))

    yield connect
    for signal, connection in made:
        signal.disconnect(connection)


@pytest.fixture
def own_window(bare_window):
    """As :func:`window`, for a test that ends it or that replaces what it is built of."""
    bare_window.resize(*SIZE)
    bare_window.show()
    wait(lambda: plays(bare_window))
    return bare_window
