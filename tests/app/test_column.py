"""What was pressed stays under the pointer, whatever comes and goes around it."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from playground.app.panels import DataPanel, NoisePanel, ObjectivePanel, SamplingPanel
from playground.app.widgets.column import Cards, Column
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
    settle(window)
    assert notice.height() > 30
    assert button.mapToGlobal(QPoint()).y() == before
    notice.say("warning", "")
    settle(window)
    assert button.mapToGlobal(QPoint()).y() == before


def test_a_switch_at_the_end_of_the_column_stays_as_rows_above_go(window, column):
    card = window.panel(SamplingPanel)
    notice, chip = window.panel(NoisePanel).notice, card.sampler.rows["sampling.particles"].chip
    notice.say("warning", "What is said here takes two lines or three of a card that lies above the one in use.")
    wait(milliseconds=100)
    column.verticalScrollBar().setValue(column.verticalScrollBar().maximum())
    wait()
    before = press(window, chip)
    notice.say("warning", "")
    settle(window)
    assert chip.mapToGlobal(QPoint()).y() == before
    column.release()  # as when the pointer leaves
    wait(milliseconds=100)
    assert column.widget().minimumHeight() == 0


def test_a_tile_at_the_top_stays_as_a_card_above_goes(window, column):
    """There is nothing to scroll by: room is left instead."""
    button = window.panel(ObjectivePanel).kind.control.buttons["sliced"]
    notice = window.panel(DataPanel).notice
    notice.say("info", "What is said here takes two lines or three of a card that lies above the one in use.")
    wait(milliseconds=100)
    column.verticalScrollBar().setValue(0)
    wait()
    if not window.rect().contains(button.mapTo(window, button.rect().center())):
        pytest.fail("the window is too low for this test")
    before = press(window, button)
    notice.say("info", "")
    settle(window)
    assert button.mapToGlobal(QPoint()).y() == before
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
    settle(window)
    assert control.mapToGlobal(QPoint()).y() == before


def test_scrolling_lets_go(window, column):
    button = window.panel(ObjectivePanel).kind.control.buttons["sliced"]
    show(column, button)
    press(window, button)
    assert column.held
    column.ensureWidgetVisible(window.panel(DataPanel).header)
    assert not column.held


def test_a_part_above_whose_height_changes_with_every_fit_is_fitted_once(qtbot):
    """A margin brings the bar, which takes width; the next height takes the bar away again."""

    class Alternating(QVBoxLayout):
        asked = 0

        def totalHeightForWidth(self, width: int) -> int:
            self.asked += 1
            return 40 + 20 * (self.asked % 2)

    column, above, card = Column(), Cards(), QWidget()
    qtbot.addWidget(column)
    card.setMinimumHeight(900)
    column.setWidget(card)
    content = QWidget()
    layout = Alternating(content)
    layout.addWidget(QLabel("a question"))
    above.setWidget(content)
    column.put_above(above)
    column.resize(300, 600)
    column.show()
    before = layout.asked
    column.resize(300, 610)
    qtbot.wait(50)
    assert 0 < layout.asked - before < 10


def test_the_bars_of_the_cards_and_of_a_long_part_above_stand_in_one_line(qtbot):
    column, above = Column(), QScrollArea()
    qtbot.addWidget(column)
    for area, count in ((column, 40), (above, 40)):
        inside = QWidget()
        rows = QVBoxLayout(inside)
        for number in range(count):
            line = QLabel(f"Line {number}.")
            line.setWordWrap(True)
            rows.addWidget(line)
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
    column.resize(300, 400)
    column.put_above(above)
    column.show()

    def bars() -> list[QRect]:
        found = column.verticalScrollBar(), above.verticalScrollBar()
        assert all(bar.isVisible() for bar in found)
        return [QRect(bar.mapTo(column, QPoint()), bar.size()) for bar in found]

    qtbot.waitUntil(lambda: bars()[0].top() >= bars()[1].bottom())
    cards, lesson = bars()
    assert (cards.left(), cards.right()) == (lesson.left(), lesson.right())
    assert above.viewport().width() == column.viewport().width()
    rows = above.widget().layout()
    while rows.count() > 2:
        rows.takeAt(0).widget().deleteLater()
    qtbot.waitUntil(lambda: above.height() < 100 and above.width() == column.viewport().width())
