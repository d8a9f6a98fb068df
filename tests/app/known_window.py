"""One window for all tests of a process: each finds it in the state that is known, or a window that was just built."""

import difflib
import functools
import gc
import inspect
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMetaMethod, QObject, QSize
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QDialog, QLabel, QLineEdit, QMessageBox, QWidget

from playground.app.canvas.legend import LEGEND
from playground.app.model.figures import MEASUREMENTS
from playground.app.model.preferences import KEYS
from playground.app.panels import SamplingPanel
from playground.app.panels.data import Brush
from playground.app.style import theme
from playground.lab.experiment import Experiment, replace

SIZE = (1280, 720)
WORK = {"document", "steps of the history", "modified", "title", "training", "failure"}
"""What another experiment in the window puts back; the rest is the layout, and how things are looked at."""


class KnownWindow:
    """Builds the window when a test first asks for it, and puts it back after each.

    Args:
        settings: its experiment, as changes of the default one.

    Attributes:
        folder: where its preferences and unsaved work are.
    """

    def __init__(self, settings: Mapping[str, object]) -> None:
        self.folder, self._settings = Path(), settings
        self._window = None
        self._known: dict[str, object] = {}
        self._size, self._style = QSize(), ""

    @property
    def is_built(self) -> bool:
        return self._window is not None

    def get(self):
        """The window in its known state."""
        from tests.app.conftest import make_window, wait

        if self._window is not None and QApplication.instance().styleSheet() != self._style:
            self.end()  # a test without it gave the program another look
        if self._window is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()
            self._window = window = make_window(self.folder)
            window.show()
            wait(lambda: plays(window))
            window.resize(*SIZE)  # now that it was kept on a screen that is smaller
            wait()
            self._known, self._size, self._style = seen(window), window.size(), QApplication.instance().styleSheet()
        self._window.activateWindow()
        self._window.canvas.setFocus()
        return self._window

    def put_back(self) -> None:
        """Put it back. What cannot be put back fails this test alone: the next one gets another window."""
        from tests.app.conftest import wait

        window = self._window
        try:
            leave(window)
            left = self._changes()
            for step in (self._load, self._forget) if left.keys() & WORK else (self._forget, self._load):
                if left:
                    window.centralWidget().setUpdatesEnabled(False)  # nobody looks at it meanwhile
                    step()
                    wait(lambda: plays(window))
                    window.centralWidget().setUpdatesEnabled(True)
                    left = self._changes()
            if left:
                pytest.fail(f"The window could not be put back: {left}", pytrace=False)
        except BaseException:
            self.end()
            raise

    def _changes(self) -> dict[str, object]:
        """What is not as it is known, by what it is."""
        now = seen(self._window)
        return {name: changes(was, now[name]) for name, was in self._known.items() if now[name] != was}

    def _load(self) -> None:
        """Put its experiment into the window, as File > New does with the program's."""
        window, experiment = self._window, replace(Experiment(), self._settings)
        window.documents.take(lambda: window.controllers.sessions.begin(experiment), None)
        window.building.build()

    def _forget(self) -> None:
        forget(self._window)
        self._window.resize(self._size)
        left, right = self._known["columns"]
        self._window.columns.setSizes([left, self._size.width() - left - right, right])
        self._window.canvas.surface.look_at(self._known["viewport"])

    def end(self) -> None:
        """End it, if there is one."""
        from tests.app.conftest import end

        if self._window is not None:
            window, self._window = self._window, None
            end(window)
            gc.unfreeze()  # so that it is collected


def changes(was: object, now: object) -> object:
    """The lines that came and went, or both values."""
    if isinstance(was, list) and isinstance(now, list):
        return list(difflib.unified_diff([*map(str, was)], [*map(str, now)], n=1, lineterm=""))
    return was, now


def plays(window) -> bool:
    """Whether its data are those of the settings, and a run of them plays."""
    building = window.building
    return not building.busy and window.playing.is_of_now and window.playing.recorded > 5


def leave(window) -> None:
    """Close what was opened, and stop what goes on."""
    for box in window.findChildren(QMessageBox):
        box.close()
    while (popup := QApplication.activePopupWidget()) is not None:
        popup.close()
    window.exports.cancel()
    for job in MEASUREMENTS:
        window.controllers.jobs.cancel(job)
    assert window.exports.shutdown(30)
    assert window.dialogs.shutdown(30)
    for dialog in window.findChildren(QDialog):
        dialog.close()
        dialog.deleteLater()
    window.dialogs.made.clear()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QApplication.sendEvent(window.canvas.surface, QEvent(QEvent.Type.Leave))
    window.presenter.leave()
    window.tour.end()
    window.controllers.inspecting.clear()
    window.controllers.comparing.set_equal("own")
    assert window.controllers.lessons.progress.shutdown(30)
    assert window.documents.finish(30)
    assert window.autosaving.background.wait(30)


def forget(window) -> None:
    """Forget the layout, what is remembered, and how things are looked at."""
    preferences, canvas, playing, lessons = (
        window.preferences,
        window.canvas,
        window.playing,
        window.controllers.lessons,
    )
    window.reset_layout()
    preferences.clear()
    window.look.set_all_cards(True)
    preferences.set("tour_offered", True)
    for panel in window.panels:
        panel.set_folded(False)
    for entry in LEGEND:
        canvas.layers.set_visible(entry.key, entry.on)
        for option in entry.options:
            canvas.layers.set_option(entry.key, option.name, option.values[0][0])
    canvas.brush.radius_changed.emit(Brush().brush_radius)  # as if it was turned
    playing.set_speed(1.0)
    playing.set_loop(True)
    playing.set_playing(True)
    for file in preferences.beside("lessons").glob("*"):
        file.unlink()
    lessons.look()
    for toast in list(window.toasts.shown):
        toast.dismiss()
    QApplication.clipboard().clear()


def seen(window) -> dict[str, object]:
    """All of the window that a test may change and the next one may see."""
    state, controllers, canvas, playing = window.state, window.controllers, window.canvas, window.playing
    widgets = [one for one in window.findChildren(QWidget) if one.isVisible()]
    labels = [one for one in widgets if isinstance(one, QLabel)]
    own = {id(part): part for part in parts(window, 2)}.values()
    return {
        "document": state.document,
        "steps of the history": state.stack.count(),
        "modified": state.modified,
        "title": window.windowTitle(),
        "training": (controllers.training.status, controllers.training.trained_steps),
        "failure": controllers.state.failure,
        "preferences": {key: window.preferences.get(key) for key in KEYS},
        "look": (theme.palette().name, window.look.text_percent, window.look.time_to_data, window.look.all_cards),
        "layers": dict(canvas.layers.visible),
        "options": dict(canvas.layers.options),
        "viewport": canvas.surface.wanted,
        "brush": canvas.brush.radius,
        "playing": (playing.is_playing, playing.loop, playing.speed, playing.is_held),
        "lessons": sorted(file.name for file in window.preferences.beside("lessons").glob("*")),
        "size": (window.width(), window.height(), window.windowState()),
        "columns": window.columns.sizes()[::2],  # the canvas has what they leave
        "toasts": [toast.sentence for toast in window.toasts.shown],
        "windows": sorted(
            f"{type(one).__name__} {one.windowTitle()}" for one in QApplication.topLevelWidgets() if one.isVisible()
        ),
        "dialogs": [type(one).__name__ for one in window.findChildren(QDialog)],
        "buttons": [
            (type(one).__name__, one.text(), one.isChecked()) for one in widgets if isinstance(one, QAbstractButton)
        ],
        "texts": [
            one.text()
            for panel in window.panels
            if not isinstance(panel, SamplingPanel)  # which counts the frames so far
            for one in labels
            if panel.isAncestorOf(one)
        ],
        # The methods that something else stands for.
        "replaced": sorted(
            f"{type(one).__name__}.{name}" for one in own for name in vars(one).keys() & methods(type(one))
        ),
        "receivers": receivers(own),
        "fields": [one.text() for one in widgets if isinstance(one, QLineEdit)],
        "choices": [one.currentText() for one in widgets if isinstance(one, QComboBox)],
        # Its own alone: a chart makes others when it is first painted.
        "visible": [type(one).__name__ for one in widgets if type(one).__module__.startswith("playground")],
    }


def parts(part: object, depth: int) -> Iterator[object]:
    """An object, and the program's own among its attributes."""
    yield part
    for value in vars(part).values() if depth else ():
        if type(value).__module__.startswith("playground.app") and hasattr(value, "__dict__"):
            yield from parts(value, depth - 1)


@functools.cache
def methods(kind: type) -> set[str]:
    return {name for name, value in vars(kind).items() if inspect.isfunction(value)}


def receivers(found: Iterable[object]) -> list[str]:
    """The signals of some objects, each with the number of slots that it is connected to."""
    return sorted(
        f"{type(part).__name__}.{signal}: {part.receivers(f'2{signal}')}"
        for part in found
        if isinstance(part, QObject)
        for signal in signals(type(part))
        if signal != "kinds_changed()"  # the rows of a kind follow it from when they are first shown
    )


@functools.cache
def signals(kind: type[QObject]) -> list[str]:
    """The signals that a class has besides those of Qt's class above it, as Qt writes them."""
    above = next(one for one in kind.__mro__ if not one.__module__.startswith("playground"))
    meta = kind.staticMetaObject
    own = map(meta.method, range(above.staticMetaObject.methodCount(), meta.methodCount()))
    return [str(one.methodSignature(), "ascii") for one in own if one.methodType() == QMetaMethod.MethodType.Signal]
