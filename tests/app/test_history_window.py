"""View > History: the undo stack as a list."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from playground.app.dialogs.history_window import START, HistoryWindow
from playground.app.model.state import State
from playground.drawing.palette import PALETTES
from tests.app.conftest import apply_theme


@pytest.fixture
def listed(qtbot):
    state = State()
    state.edit({"noise.sigma_max": 8})
    state.edit({"data.kind": "rings"})
    state.edit({"sampling.seed": 3})
    history = HistoryWindow(state.stack)
    qtbot.addWidget(history)
    history.show()
    return state, history


def rows(history):
    model = history.view.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def click(history, row):
    place = history.view.visualRect(history.view.model().index(row, 0)).center()
    QTest.mouseClick(history.view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_every_change_is_listed_in_plain_words_below_what_was_opened(listed):
    state, history = listed
    assert rows(history) == [START, "σ max: auto → 8", "Data: Two moons → Rings", "Seed: 0 → 3"]
    state.edit({"sampling.seed": 4}, merge="spin")
    state.edit({"sampling.seed": 5}, merge="spin")
    assert rows(history)[-1] == "Seed: 3 → 5"


def test_a_click_goes_there_and_back(listed):
    state, history = listed
    click(history, 1)
    assert (state.value("noise.sigma_max"), state.value("data.kind"), state.value("sampling.seed")) == (
        8,
        "two-moons",
        0,
    )
    click(history, 0)
    assert not state.stack.canUndo()
    click(history, 3)
    assert (state.value("data.kind"), state.value("sampling.seed")) == ("rings", 3)


def test_arrow_keys_go_through_the_history(listed):
    state, history = listed
    QTest.keyClick(history.view, Qt.Key.Key_Up)
    assert (state.value("data.kind"), state.value("sampling.seed")) == ("rings", 0)


@pytest.mark.parametrize("name", PALETTES)
def test_what_was_taken_back_is_muted(qtbot, name):
    application, before = QGuiApplication.instance(), QGuiApplication.palette()
    apply_theme(application, PALETTES[name])
    try:
        state = State()
        for seed in range(1, 4):
            state.edit({"sampling.seed": seed})
        state.stack.setIndex(1)
        history = HistoryWindow(state.stack)
        qtbot.addWidget(history)
        history.show()
        picture = history.view.viewport().grab().toImage()

        def contrast(row):
            """The largest difference of lightness between a row's text and what lies behind it."""
            area = history.view.visualRect(history.view.model().index(row, 0)).adjusted(4, 2, -4, -2)
            behind = picture.pixelColor(area.topRight()).lightness()
            places = ((x, y) for x in range(area.left(), area.left() + 80) for y in range(area.top(), area.bottom()))
            return max(abs(picture.pixelColor(*place).lightness() - behind) for place in places)

        muted, background = (PALETTES[name].color(token).lightness() for token in ("muted", "background"))
        assert contrast(2) == pytest.approx(abs(muted - background), abs=12)
        assert contrast(0) > contrast(2) + 30
    finally:
        application.setPalette(before)


def test_the_window_shows_its_own_history(window):
    window.actions_by_key.trigger("view.history")
    history = window.dialogs.made["history"]
    assert history.isVisible()
    assert (
        history.windowFlags() & Qt.WindowType.Tool == Qt.WindowType.Tool
    )  # in which Ctrl+Z goes on being the window's
    before = len(rows(history))
    window.state.edit({"sampling.steps": 77})
    assert rows(history)[before] == "Steps: 60 → 77"
    click(history, before - 1)
    assert window.state.experiment.sampling.steps == 60
    history.close()
