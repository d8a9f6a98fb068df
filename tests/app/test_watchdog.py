"""No call over 50 ms in the GUI thread while a user works."""

import time

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer

from playground.app.style import theme
from tests.app.watchdog import LIMIT, Watchdog, assert_holds_up_nothing
from tests.machine import slowness

pytestmark = pytest.mark.alone


def test_the_watchdog_sees_a_slow_call(qtbot):
    long = 4 * LIMIT * slowness()  # the machine may be slower a moment later

    def slow() -> None:
        until = time.thread_time() + long
        while time.thread_time() < until:
            pass

    with Watchdog() as dog:
        QTimer.singleShot(20, slow)
        qtbot.wait(100 + int(1e3 * long))
    assert len(dog.calls) == 1


def test_the_watchdog_sees_a_call_that_waits(qtbot):
    long = 4 * LIMIT * slowness()
    with Watchdog() as dog:
        QTimer.singleShot(20, lambda: time.sleep(long))
        qtbot.wait(100 + int(1e3 * long))
    (call,) = dog.calls
    assert "test_watchdog.py" in call


def test_the_watchdog_is_silent_when_nothing_happens(qtbot):
    with Watchdog() as dog:
        qtbot.wait(300)
    assert dog.calls == []
    assert dog.beats > 20


def test_a_watchdog_that_saw_nothing_is_an_error(qtbot):
    with pytest.raises(AssertionError, match="saw nothing"), Watchdog():
        pass


def test_no_call_holds_up_the_window(window, qtbot):
    window.state.edit({"sampling.particles": 10_000, "training.steps": 100_000})
    qtbot.waitUntil(lambda: window.controllers.playing.recorded > 20)
    assert_holds_up_nothing(lambda: work(window, qtbot))


def work(window, qtbot) -> None:
    """Train, point, click, scrub and change settings."""
    centre = window.canvas.surface.rect().center()
    window.controllers.training.start()
    qtbot.wait(500)
    for step in range(20):  # hover
        qtbot.mouseMove(window.canvas.surface, centre + QPoint(5 * step, 3 * step))
        qtbot.wait(10)
    qtbot.mouseClick(window.canvas.surface, Qt.MouseButton.LeftButton, pos=centre)
    qtbot.wait(300)
    assert window.state.document.clicked  # on the canvas itself such a click does nothing
    for frame in (5, 30, 12, 18):  # scrub
        window.controllers.playing.seek(frame)
        qtbot.wait(50)
    for name in ("exact", "trails", "density", "learned"):
        window.canvas.layers.toggle(name)
        qtbot.wait(60)
    window.controllers.playing.set_playing(True)
    window.state.edit({"training.learning_rate": 1e-3})
    window.state.edit({"sampling.steps": 80})
    qtbot.wait(300)
    window.controllers.training.pause()
    qtbot.wait(100)
    assert window.training.trained_steps > 0
    assert window.playing.recorded > 0
    window.state.edit({"training.learning_rate": "auto", "sampling.steps": 60})


def test_a_change_of_theme_does_not_hold_up_the_window(window, qtbot):
    for panel in window.panels:
        panel.set_folded(False)
    qtbot.wait(100)

    def change() -> None:
        for name in ("light", "dark"):
            QTimer.singleShot(10, lambda name=name: window.look.set_theme(name))
            qtbot.waitUntil(lambda name=name: theme.palette().name == name)
            qtbot.waitUntil(lambda: not window.look.restyling.running)
            qtbot.wait(100)

    assert_holds_up_nothing(change)
