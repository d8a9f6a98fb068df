"""Who gets a key: the transport, wherever the mouse was last; a control, where Tab came to it; a text that is being typed."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox

from playground.app.panels import DataPanel, LikelihoodPanel, ObjectivePanel, SamplingPanel, TrainingPanel
from playground.app.widgets.collapsible_panel import Notice
from tests.app.conftest import wait

LEFT, SPACE = Qt.MouseButton.LeftButton, Qt.Key.Key_Space
CLICKED = {
    "the big button": lambda w: w.panel(TrainingPanel).button,
    "a button of the top bar": lambda w: w.findChild(QAbstractButton, "train.toggle.button"),
    "a tile": lambda w: w.panel(DataPanel).tiles["two-moons"],
    "a segment": lambda w: w.panel(ObjectivePanel).kind.control.buttons["denoising"],
    "a chip": lambda w: w.chips.chips["trails"],
    "a card's header": lambda w: w.panel(ObjectivePanel).header,
    "a disclosure": lambda w: w.panel(SamplingPanel).disclosure,
    "a switch": lambda w: w.panel(SamplingPanel).sampler.rows["sampling.final_denoising"].switch,
    "loop": lambda w: w.transport.loop,
}


def press(key: Qt.Key) -> None:
    QTest.keyClick(QApplication.focusWidget(), key)


def tab_to(window, control) -> None:
    """Press Tab until the focus is there."""
    window.canvas.setFocus()
    for _ in range(200):
        if QApplication.focusWidget() is control:
            return
        press(Qt.Key.Key_Tab)
    raise AssertionError(f"Tab does not come to {control.accessibleName()}")


@pytest.fixture
def steady(window):
    window.activateWindow()
    window.canvas.setFocus()
    window.panel(SamplingPanel).disclosure.setChecked(True)
    wait()
    return window


@pytest.mark.parametrize("what", CLICKED)
def test_space_plays_and_pauses_whatever_was_clicked_last(steady, what):
    window, control = steady, CLICKED[what](steady)
    QTest.mouseClick(control, LEFT, pos=QPoint(control.width() // 2, control.height() // 2))
    training, checked, playing = (
        window.controllers.training.status,
        control.isChecked(),
        window.controllers.playing.is_playing,
    )
    press(SPACE)
    assert window.controllers.playing.is_playing is not playing
    assert (window.controllers.training.status, control.isChecked()) == (training, checked)
    press(SPACE)
    assert window.controllers.playing.is_playing is playing


def test_space_plays_where_words_were_selected_or_a_slider_was_moved_last(steady):
    window, training = steady, steady.panel(TrainingPanel)
    for control in (window.panel(LikelihoodPanel).held_out.nll.value, training.rate.slider, window.transport.scrubber):
        QTest.mouseClick(control, LEFT, pos=QPoint(control.width() // 3, control.height() // 2))
        playing = window.controllers.playing.is_playing
        press(SPACE)
        assert window.controllers.playing.is_playing is not playing, control


def test_after_a_choice_by_mouse_keys_neither_open_the_list_nor_choose(steady):
    window, box = steady, steady.panel(SamplingPanel).kind.control
    QTest.mouseClick(box, LEFT)
    wait(box.view().isVisible)
    place = box.view().visualRect(box.model().index(box.findData("annealed-langevin"), 0)).center()
    # Sooner, Qt takes a release for that of the press which opened it.
    wait(milliseconds=QApplication.doubleClickInterval() + 50)
    QTest.mouseMove(box.view().viewport(), place)
    QTest.mouseClick(box.view().viewport(), LEFT, pos=place)
    wait(lambda: not box.view().isVisible())
    assert window.state.experiment.sampling.kind == "annealed-langevin"
    playing = window.controllers.playing.is_playing
    press(SPACE)
    assert window.controllers.playing.is_playing is not playing
    assert not box.view().isVisible()
    press(Qt.Key.Key_R)  # restarts, and does not find "Reverse SDE"
    assert window.controllers.playing.is_playing
    assert window.state.experiment.sampling.kind == "annealed-langevin"


@pytest.mark.parametrize("what", ["the big button", "a chip", "a switch", "loop"])
def test_space_presses_what_tab_came_to(steady, what):
    window, control = steady, CLICKED[what](steady)
    tab_to(window, control)
    trains, checked, playing = (
        window.controllers.training.wanted,
        control.isChecked(),
        window.controllers.playing.is_playing,
    )
    press(SPACE)
    assert (window.controllers.training.wanted, control.isChecked()) != (trains, checked)
    assert window.controllers.playing.is_playing is playing


def test_tab_comes_to_a_box_and_keys_choose_there(steady):
    window, box = steady, steady.panel(SamplingPanel).kind.control
    tab_to(window, box)
    press(Qt.Key.Key_Down)
    assert window.state.experiment.sampling.kind != "reverse-sde"


def test_what_is_being_typed_keeps_space_and_is_taken_before_a_button_acts(steady, connect):
    window, card = steady, steady.panel(TrainingPanel)
    edit, playing = card.rate.number, window.controllers.playing.is_playing
    QTest.mouseClick(edit, LEFT)
    press(SPACE)  # nothing was typed yet
    assert window.controllers.playing.is_playing is not playing
    QTest.keyClick(edit, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(edit, "0.0 1")
    assert window.controllers.playing.is_playing is not playing
    assert edit.text() == "0.0 1"
    press(Qt.Key.Key_Backspace)
    press(Qt.Key.Key_Backspace)
    QTest.keyClicks(edit, "2")
    rates = []
    connect(window.controllers.training.changed, lambda _: rates.append(window.state.experiment.training.learning_rate))
    QTest.mouseClick(card.button, LEFT)
    assert rates[0] == 0.02
    assert QApplication.focusWidget() is window.canvas.surface


def test_no_button_and_no_box_takes_the_focus_by_mouse(steady):
    """Also those that are made later: ways out of a notice, and what a toast offers."""
    window = steady
    notices = [notice for panel in window.panels for notice in panel.findChildren(Notice)]
    assert len(notices) >= len(window.panels) - 3  # a table of runs, a particle and the names of a field have none
    for notice in notices:
        notice.say("info", "A sentence.", ("Mend", "How", lambda: None))
    toast = window.toasts.add("info", "Another.", ("Undo", "Take it back", lambda: None))
    controls = (*window.findChildren(QAbstractButton), *window.findChildren(QComboBox))
    controls = [control for control in controls if control.window() is window]
    assert len(controls) > 60
    grabby = [f"{type(one).__name__} {one.accessibleName()}" for one in controls if one.focusPolicy() & Qt.ClickFocus]
    toast.dismiss()
    for notice in notices:
        notice.say("info", "")
    assert grabby == []
