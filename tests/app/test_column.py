"""What was pressed stays under the pointer, whatever comes and goes around it."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from playground.app.panels import DataPanel, NoisePanel, ObjectivePanel, SamplingPanel
from playground.app.style.theme import UNIT
from playground.app.widgets.column import Column
from tests.app.conftest import wait

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def column(window):
    window.resize(1280, 720)
    wait(milliseconds=60)
    column = window.panel(DataPanel).column()
    column.release()
    yield column
    for panel in window.panels:
        for notice in (getattr(panel, "notice", None),):
            if notice is not None:
                notice.say("info", "")
    column.release()


def press(window, control) -> int:
    """A real click at the middle of a control, by way of the window; where it was on the screen."""
    before = control.mapToGlobal(QPoint()).y()
    middle = control.mapTo(window, control.rect().center())
    assert window.rect().contains(middle)
    assert window.childAt(middle) is control
    QTest.mouseClick(window.windowHandle(), LEFT, pos=middle)
    return before


def settle(window) -> None:
    wait(lambda: not window.building.busy)
    wait(milliseconds=120)


def stays(window, control, before) -> None:
    """Wait until everything is done, and the control is where it was."""
    settle(window)
    wait(lambda: control.mapToGlobal(QPoint()).y() == before)


def show(column, control) -> None:
    """Bring a control to the middle of its column."""
    bar = column.verticalScrollBar()
    bar.setValue(control.mapTo(column.widget(), QPoint()).y() - column.viewport().height() // 2)
    wait()


@pytest.mark.parametrize("kind", ["sliced", "exact", "denoising"])
def test_a_segment_stays_as_notices_come_above_it_and_go(window, column, kind):
    card = window.panel(ObjectivePanel)
    notice, button = window.panel(NoisePanel).notice, card.kind.control.buttons[kind]
    show(column, button)
    before = press(window, button)
    notice.say("warning", "What is said here takes two lines or three of a card that lies above the one in use.")
    stays(window, button, before)
    assert notice.height() > 30
    notice.say("warning", "")
    stays(window, button, before)


def test_a_switch_at_the_end_of_the_column_stays_as_rows_above_go(window, column):
    card = window.panel(SamplingPanel)
    notice, chip = window.panel(NoisePanel).notice, card.sampler.rows["sampling.particles"].chip
    notice.say("warning", "What is said here takes two lines or three of a card that lies above the one in use.")
    wait(lambda: notice.height() > 30)
    column.verticalScrollBar().setValue(column.verticalScrollBar().maximum())
    wait()
    before = press(window, chip)
    notice.say("warning", "")
    stays(window, chip, before)
    column.release()  # as when the pointer leaves
    wait(milliseconds=100)
    assert column.widget().minimumHeight() == 0


def test_a_tile_at_the_top_stays_as_a_card_above_goes(window, column):
    """There is nothing to scroll by: room is left instead."""
    button = window.panel(ObjectivePanel).kind.control.buttons["sliced"]
    notice = window.panel(DataPanel).notice
    notice.say("info", "What is said here takes two lines or three of a card that lies above the one in use.")
    wait(lambda: notice.height() > 30)
    column.verticalScrollBar().setValue(0)
    wait()
    if not window.rect().contains(button.mapTo(window, button.rect().center())):
        pytest.fail("the window is too low for this test")
    before = press(window, button)
    notice.say("info", "")
    stays(window, button, before)
    column.release()
    wait(milliseconds=100)
    assert column.widget().layout().contentsMargins().top() < 20


@pytest.mark.parametrize("kind", ["none", "discrete", "vp"])
def test_a_choice_of_real_settings_moves_nothing_under_the_pointer(window, column, kind):
    """Other kinds have other rows, and may not fit the objective and the sampler, which say so."""
    card = window.panel(SamplingPanel)
    control = card.sampler.rows["sampling.particles"].chip
    show(column, control)
    before = press(window, control)
    window.state.edit({"noise.kind": kind})
    stays(window, control, before)


def test_scrolling_lets_go(window, column):
    button = window.panel(ObjectivePanel).kind.control.buttons["sliced"]
    show(column, button)
    press(window, button)
    assert column.held
    column.ensureWidgetVisible(window.panel(DataPanel).header)
    assert not column.held


@pytest.fixture
def with_first(qtbot):
    """A column whose first card, of so many lines, stays above 40 lines."""

    def make(lines: int, height: int = 400) -> tuple[Column, QWidget]:
        column, first, inside = Column(), QWidget(), QWidget()
        qtbot.addWidget(column)
        rows = QVBoxLayout(inside)
        for layout, count in ((rows, 40), (QVBoxLayout(first), lines)):
            for number in range(count):
                layout.addWidget(QLabel(f"Line {number}.", wordWrap=True))
        column.setWidget(inside)
        column.setWidgetResizable(True)
        column.resize(300, height)
        column.put_first(first)
        column.show()
        return column, first

    return make


def test_a_first_card_stays_above_the_others_and_where_it_is_too_high_scrolls_with_them(qtbot, with_first):
    column, first = with_first(3)
    bar, stays = column.verticalScrollBar(), lambda: first.parentWidget() is column
    qtbot.waitUntil(lambda: stays() and bar.mapTo(column, QPoint()).y() >= first.geometry().bottom())
    bar.setValue(bar.maximum())
    assert first.y() == UNIT
    field = first.findChild(QLabel)
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.setFocus()
    more = [QLabel(f"Another line {number}.") for number in range(20)]
    for line in more:
        first.layout().addWidget(line)
    qtbot.waitUntil(lambda: not stays() and bar.mapTo(column, QPoint()).y() < UNIT)
    assert field.hasFocus()
    column.keep_in_view(more[-1])
    assert column.rect().contains(more[-1].mapTo(column, more[-1].rect().center()))
    column.resize(300, 1200)
    qtbot.waitUntil(stays)
    assert field.hasFocus()
    first.hide()
    qtbot.waitUntil(lambda: column.viewport().height() == column.height())
    assert first.isHidden()
