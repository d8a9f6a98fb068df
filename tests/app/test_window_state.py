"""Where things lie: the first window inside the screen, an opened part of a card inside its column, buttons that stay put."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from playground.app import panels, window_state
from playground.app.panels import SamplingPanel, TrainingPanel
from playground.app.panels.training import BUTTON
from playground.app.window import MainWindow
from tests.app.conftest import end, make_window, wait
from tests.app.known_window import plays

LEFT = Qt.MouseButton.LeftButton
FRAMES = {"of this system": None, "high and wide": (6, 70, 6, 6)}  # px at the left, above, at the right, below


def opened(qtbot, folder, monkeypatch, screen, frame):
    """The first window on a screen of this size, once it has been painted."""
    monkeypatch.setattr(window_state.WindowState, "available", lambda state: QRect(0, 0, *screen))
    if frame is not None:
        left, above, right, below = frame
        framed = lambda window: window.geometry().adjusted(-left, -above, right, below)  # noqa: E731
        monkeypatch.setattr(MainWindow, "frameGeometry", framed)
        moved = lambda window, x, y: window.setGeometry(x + left, y + above, window.width(), window.height())  # noqa: E731
        monkeypatch.setattr(MainWindow, "move", moved)
    window = make_window(folder, first_start=True)
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        window.show()
    return window


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("screen", [(1440, 900), (1366, 768), (1280, 720)])
def test_the_first_window_lies_inside_the_screen_with_its_frame(qtbot, tmp_path, monkeypatch, screen, frame):
    window = opened(qtbot, tmp_path, monkeypatch, screen, FRAMES[frame])
    try:
        around = window.frameGeometry()
        assert around != window.geometry()
        assert QRect(0, 0, *screen).contains(around)
        assert around.width() >= screen[0] - 20  # and makes use of it
        assert around.height() >= screen[1] - 40
    finally:
        end(window)


def test_each_card_says_in_plain_words_what_it_is_for(window):
    lines = {panel.title: panel.purpose.text() for panel in window.panels}
    assert len(lines) >= 10
    for title, line in lines.items():
        assert line.endswith("."), title
        assert 4 <= len(line.split()) <= 8, line
    shown = [panel for panel in window.panels if panel.isVisible()]
    assert all(panel.purpose.isVisible() for panel in shown)
    for line in (panel.purpose for panel in shown):
        assert line.fontMetrics().horizontalAdvance(line.text()) <= line.width()
        assert 0 < line.height() < 2 * line.fontMetrics().height(), line.text()
    shown[0].set_folded(True)
    assert shown[0].purpose.isVisible()  # of a folded card too
    shown[0].set_folded(False)


def test_on_a_large_screen_it_does_not_fill_it(qtbot, tmp_path, monkeypatch):
    window = opened(qtbot, tmp_path, monkeypatch, (3840, 2160), None)
    assert (window.width(), window.height()) == window_state.FIRST
    end(window)


def in_view(part) -> bool:
    return part.visibleRegion().boundingRect() == part.rect()


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("kind", ["DataPanel", "ObjectivePanel", "TrainingPanel", "SamplingPanel", "LikelihoodPanel"])
def test_an_advanced_part_that_is_opened_comes_into_view(window, kind, by_key):
    card = window.panel(getattr(panels, kind))
    window.resize(1280, 720)
    window.activateWindow()
    wait()
    column = card.column()
    column.ensureWidgetVisible(card.disclosure, 0, 0)  # its header at the lower edge, the worst place
    if by_key:
        card.disclosure.setFocus()
        QTest.keyClick(card.disclosure, Qt.Key.Key_Space)
    else:
        QTest.mouseClick(card.disclosure, LEFT)
    part = card.advanced().parentWidget()
    rows = [row for row in part.children() if row.isWidgetType() and row.isVisible()]
    wait(lambda: in_view(rows[0]) and in_view(rows[-1]))
    seen, high = (in_view(rows[0]), in_view(rows[-1])), part.height() > column.viewport().height()
    card.hide_advanced()
    assert seen in ((True, True), (True, not high))


def test_a_card_that_is_unfolded_comes_into_view(window):
    card = window.panel(SamplingPanel)
    window.resize(1280, 720)
    column = card.column()
    bar, before = column.verticalScrollBar(), column.verticalScrollBar().maximum()
    card.set_folded(True)
    wait(lambda: bar.maximum() < before)
    bar.setValue(bar.maximum())
    QTest.mouseClick(card.header, LEFT, pos=QPoint(40, 12))
    wait(milliseconds=100)  # what is laid out anew looks whole before it is
    wait(lambda: in_view(card.sampler.rows["sampling.particles"]))
    assert in_view(card.sampler.rows["sampling.particles"])


def test_the_cards_buttons_stay_where_they_are_as_training_begins_and_ends(window, monkeypatch):
    card = window.panel(TrainingPanel)
    wait()
    places = {}
    for training in BUTTON:
        monkeypatch.setattr(type(window.controllers.training), "status", training)
        window.controllers.training.changed.emit(training)
        QApplication.sendPostedEvents()
        wait()
        places[training] = [button.mapTo(card, QPoint(0, 0)) for button in (card.button, card.reset)]
    monkeypatch.undo()
    window.controllers.training.changed.emit(window.controllers.training.status)
    assert set(map(str, places.values())) == {str(places["untrained"])}, places


def test_a_window_without_a_model_yet_does_not_call_its_network_untrained(bare_window):
    card = bare_window.panel(TrainingPanel)
    assert bare_window.state.model is None
    assert card.header.state == ""
    bare_window.show()
    wait(lambda: plays(bare_window))
    assert card.header.state == "untrained"
