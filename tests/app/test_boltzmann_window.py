"""Tools > Boltzmann machine, as a user clicks and types in it."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QAccessible, QFont, QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QLabel,
    QListWidget,
    QScrollArea,
    QTableWidget,
    QWidget,
)

from playground.app.dialogs.boltzmann import machine as module
from playground.app.dialogs.boltzmann.pad import SIDE
from playground.app.dialogs.boltzmann.window import LEFT, SIZE, BoltzmannWindow
from playground.app.style import theme
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.controls import NumberEdit
from playground.drawing.boltzmann import ShownPattern
from playground.drawing.palette import DARK, LIGHT
from playground.lab.boltzmann.cost import Cost, measure_cost
from playground.lab.boltzmann.patterns import write_pattern
from playground.lab.boltzmann.settings import Boltzmann, are_patterns, patterns_of
from tests.app.conftest import wait
from tests.app.watchdog import assert_holds_up_nothing


@pytest.fixture(scope="module")
def one_window(request):
    """Building one and teaching it takes longer than most of these tests, so they share it."""
    request.getfixturevalue("qapp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_measuring", lambda: measure_cost(2, 7))
        window = BoltzmannWindow()
        window.resize(*SIZE)  # as on a screen that has room
        window.show()
        yield window
        window.close()
        assert window.shutdown(5.0)
    window.deleteLater()


@pytest.fixture
def window(one_window, monkeypatch):
    """It has learned 3 x 3 bars and stripes."""
    monkeypatch.setattr(module, "PICTURE", 0.0)
    one_window.show()
    one_window.activateWindow()
    if one_window.machine.settings != Boltzmann(steps=300) or not one_window.machine.finished:
        for name in (module.LEARN, module.COST):
            one_window.machine.jobs.cancel(name)
        one_window.machine.state.load(Boltzmann(steps=300))
        one_window.machine.reset()
        one_window.machine.train()
    one_window.pad.set_pattern(np.full((1, 1), -1))  # takes the cursor to the first pixel
    one_window.pad.set_pattern(np.full((3, 3), -1))
    learned(one_window)
    return one_window


def learned(window) -> None:
    wait(lambda: window.machine.finished and window.machine.jobs.idle)
    assert window.machine.finished


def shown(gallery) -> list[np.ndarray]:
    return [one.pixels for one in gallery.shown]


def press(button: QWidget) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def cell(view: QTableWidget | QListWidget, number: int) -> QRect:
    """The place of a pixel, row by row from 0, or of a pattern."""
    index = (
        view.model().index(number, 0)
        if isinstance(view, QListWidget)
        else view.model().index(*divmod(number, view.columnCount()))
    )
    return view.visualRect(index)


def click(view: QTableWidget | QListWidget, number: int) -> None:
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=cell(view, number).center())


def farthest(patterns: QListWidget) -> tuple[int, int]:
    """How far they reach, right and down."""
    boxes = [cell(patterns, number) for number in range(patterns.count())]
    return max((box.right() for box in boxes), default=0), max((box.bottom() for box in boxes), default=0)


def across(patterns: QListWidget) -> int:
    """How many patterns are beside each other."""
    return [cell(patterns, number).top() for number in range(patterns.count())].count(cell(patterns, 0).top())


def said(view: QAbstractItemView) -> str:
    """What is read of the current pixel or pattern."""
    return QAccessible.queryAccessibleInterface(view).focusChild().text(QAccessible.Text.Name)


def test_the_button_of_a_cards_equations_is_at_its_right(window):
    buttons = [(card, card.equation_button) for card in window.findChildren(CollapsiblePanel)]
    shown = [(card, button) for card, button in buttons if button.isVisible()]
    assert shown
    for card, button in shown:
        assert card.width() - button.mapTo(card, button.rect().topRight()).x() < 20


def texts(window) -> list[str]:
    return [write_pattern(pattern) for pattern in patterns_of(window.machine.settings)]


def test_it_opens_learning_bars_and_stripes(window):
    view = window.machine.view
    assert texts(window) == [write_pattern(one) for one in shown(window.patterns)]
    assert len(texts(window)) == 14
    assert [one.caption[-2:] for one in window.likely.shown] == 18 * [" %"]
    assert view.progress.nll_excess < 0.1
    assert window.figures["nll"].text() == f"{view.progress.nll:.4f}"
    assert window.figures["log_partition"].text() == f"{view.progress.log_partition:.4f}"
    assert window.figures["states"].text() == "2⁹ = 512"
    assert are_patterns(window.machine.settings, view.states)[:14].all()
    assert window.cards["Samples"].header.state.endswith("of 48 are patterns")
    window.machine.view = dataclasses.replace(view, of_patterns=0.25)  # of all, whatever those shown add up to
    window._show()
    window.machine.view = view
    assert window.cards["Most probable"].header.state == "25 % are patterns"
    assert window.train.text() == "&Train"
    assert not window.train.isEnabled()  # all steps are made
    assert '"seeds": {"seed": 0}' in window.curve.provenance()
    assert "above the optimum" in window.verdict.text()


def test_nothing_is_cut_at_its_smallest(window):
    before = window.size()
    window.resize(window.minimumSize())
    wait(lambda: window.machine.jobs.idle)
    wait()
    for words in (window.cost_label, window.verdict):
        assert words.height() >= words.heightForWidth(words.width()), words.text()
    assert window.cost.geometry().bottom() < window.cost_label.geometry().top()
    assert window.cards["Most probable"].header.state.endswith(" % are patterns")
    state, title = (
        QFontMetrics(font) for font in (theme.number_font(), theme.text_font(theme.FONT_PIXELS, QFont.Weight.DemiBold))
    )
    for card in (window.cards["Most probable"], window.cards["Samples"]):
        wanted = title.horizontalAdvance(card.title) + state.horizontalAdvance(card.header.state)
        assert card.header.width() >= wanted + 34, card.header.state  # with the chevron and the gaps
    for button in window.findChildren(QAbstractButton):
        if button.isVisible() and button.text():
            assert button.width() >= button.fontMetrics().horizontalAdvance(button.text()), button.text()
    window.resize(before)


def test_more_steps_go_on_from_where_it_was(window):
    before = window.machine.view.progress
    field = next(edit for edit in window.findChildren(NumberEdit) if edit.accessibleName() == "steps")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "400")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert window.machine.settings.steps == 400
    press(window.train)
    learned(window)
    after = window.machine.view.progress
    assert after.step == 400
    assert after.nll < before.nll
    assert np.array_equal(after.steps[: len(before.steps)], before.steps)


def test_patterns_are_drawn_by_mouse_and_learned(window):
    press(window.clear)
    assert texts(window) == []
    assert window.machine.view is None
    assert not window.train.isEnabled()
    assert not window.clear.isEnabled()  # there is nothing to clear
    assert "There are no patterns to learn" in window.curve.accessibleDescription()
    pad = window.pad
    pad.set_pattern(np.full((3, 3), -1))
    start, middle, end = (cell(pad, column).center() for column in range(3))
    QTest.mousePress(pad.viewport(), Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(pad.viewport(), middle)
    QTest.mouseMove(pad.viewport(), end)
    QTest.mouseRelease(pad.viewport(), Qt.MouseButton.LeftButton, pos=end)
    click(pad, 7)
    assert write_pattern(pad.pattern) == "###/.../.#."
    press(window.add)
    assert texts(window) == ["###/.../.#."]
    assert window.machine.settings.data == "drawn"
    assert not window.add.isEnabled()  # it is one of them now
    learned(window)
    assert window.machine.view.progress.optimal_nll == pytest.approx(np.log(2))
    assert "y and −y are always equally probable" in window.verdict.text()
    assert {write_pattern(one) for one in shown(window.likely)[:2]} == {"###/.../.#.", ".../###/#.#"}
    press(window.remove)
    assert texts(window) == []


def test_patterns_that_were_cleared_come_back_by_the_key_that_is_named_where_they_were(window):
    before = texts(window)
    assert "Ctrl+Z" in window.clear.toolTip()
    window.activateWindow()
    press(window.clear)
    assert texts(window) == []
    assert "Ctrl+Z brings back what was there." in window.patterns.accessibleDescription()
    wait()
    QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert texts(window) == before
    assert window.machine.settings.data == "bars-and-stripes"
    learned(window)
    window.machine.state.load(Boltzmann(steps=300, rows=2, columns=2, data="drawn"))
    assert "Ctrl+Z" not in window.patterns.accessibleDescription()  # there is nothing to bring back


def test_patterns_are_drawn_by_keys(window):
    pad = window.pad
    pad.set_pattern(np.full((3, 3), -1))
    pad.setFocus()
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Space, Qt.Key.Key_Up, Qt.Key.Key_Up):
        QTest.keyClick(pad, key)
    assert write_pattern(pad.pattern) == "#../.#./..."
    assert said(pad) == "Row 1, column 2 is off; 2 of 9 pixels are on."
    QTest.keyClick(pad, Qt.Key.Key_Return)
    assert texts(window)[-1] == "#../.#./..."
    assert len(texts(window)) == 15
    QTest.keyClick(pad, Qt.Key.Key_Return)
    assert len(texts(window)) == 15  # a pattern is learned once
    learned(window)

    QTest.keySequence(window, "Ctrl+Z")
    assert len(texts(window)) == 14
    assert window.machine.settings.data == "bars-and-stripes"


def test_a_pattern_is_chosen_and_removed_by_keys(window):
    window.patterns.setFocus()
    window.patterns.setCurrentRow(0)  # whatever a test before this one chose
    QTest.keyClick(window.patterns, Qt.Key.Key_Right)
    second = texts(window)[1]
    assert write_pattern(window.pad.pattern) == second
    QTest.keyClick(window.patterns, Qt.Key.Key_Delete)
    assert len(texts(window)) == 13
    assert second not in texts(window)


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_a_key_puts_the_chosen_pattern_on_the_pad_again(window, key):
    window.patterns.setFocus()
    window.patterns.setCurrentRow(2)
    window.pad.set_pattern(np.full((3, 3), -1))
    QTest.keyClick(window.patterns, key)
    assert write_pattern(window.pad.pattern) == texts(window)[2]
    assert len(texts(window)) == 14


def test_one_of_several_equal_patterns_is_removed(window):
    row = "###/.../..."
    window.machine.state.edit({"data": "drawn", "patterns": (row, "#../#../#..", row)})
    window.patterns.setFocus()
    window.patterns.setCurrentRow(2)
    QTest.keyClick(window.patterns, Qt.Key.Key_Delete)
    assert sorted(texts(window)) == ["###/.../...", "#../#../#.."]


def test_patterns_that_have_no_room_scroll_to_the_one_that_is_chosen(window):
    """With few pixels on, 14 patterns of 3 x 3 fill three rows; a list of one row shows any of them."""
    patterns, before = window.patterns, window.patterns.minimumHeight()
    patterns.setFixedHeight(50)
    wait(lambda: patterns.verticalScrollBar().maximum() > 0)
    patterns.setCurrentRow(13)
    assert patterns.viewport().rect().contains(cell(patterns, 13).center())
    patterns.setMinimumHeight(before)
    patterns.setMaximumHeight(16777215)


def test_keys_choose_the_first_and_the_last_pattern_and_the_one_below(window):
    patterns = window.patterns
    columns = across(patterns)
    patterns.setFocus()
    patterns.setCurrentRow(1)
    count, short = len(patterns.shown), len(patterns.shown) % columns
    assert 0 < short < columns < count
    keys = [
        (Qt.Key.Key_End, count - 1),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_PageDown, count - short),
        (Qt.Key.Key_PageUp, 0),
    ]
    for key, chosen in keys:
        QTest.keyClick(patterns, key)
        assert patterns.currentRow() == chosen
        assert write_pattern(window.pad.pattern) == texts(window)[chosen]
    patterns.setCurrentRow(count - columns - 1)  # above the last one
    QTest.keyClick(patterns, Qt.Key.Key_Down)
    assert patterns.currentRow() == count - 1
    window.pad.set_pattern(np.full((3, 3), -1))
    QTest.keyClick(patterns, Qt.Key.Key_Right)  # there is none, and the drawn pattern stays
    assert patterns.currentRow() == count - 1
    assert write_pattern(window.pad.pattern) == ".../.../..."


def test_keys_turn_pages_where_patterns_scroll(window):
    patterns, before = window.patterns, window.patterns.minimumHeight()
    patterns.setFixedHeight(90)  # two rows
    wait(lambda: patterns.verticalScrollBar().maximum() > 0)
    patterns.setCurrentRow(0)
    QTest.keyClick(patterns, Qt.Key.Key_PageDown)
    assert patterns.currentRow() == across(patterns)
    patterns.setMinimumHeight(before)
    patterns.setMaximumHeight(16777215)


@pytest.fixture
def resized(qapp):
    """Sets the size of the text."""
    yield lambda percent: theme.resize(qapp, percent / 100)
    theme.resize(qapp, 1.0)


def check_size(window: BoltzmannWindow, percent: int) -> None:
    """The pad fills its place, and patterns have room for all columns."""
    pad = window.pad
    wait(lambda: abs(pad.width() - percent * SIDE / 100) < 1)  # whole pixels
    wait(lambda: pad.height() - 5 < cell(pad, 8).bottom() < pad.height())
    assert pad.rect().contains(cell(pad, 8))
    assert window.cards["Draw"].width() == percent * LEFT // 100
    for gallery in (window.patterns, window.likely, window.samples):
        wait(lambda gallery=gallery: farthest(gallery)[0] <= gallery.viewport().width())


@pytest.mark.parametrize("percent", [80, 200])
def test_pad_and_patterns_grow_with_the_text_while_it_is_open(window, resized, percent):
    resized(percent)
    check_size(window, percent)
    resized(100)
    check_size(window, 100)


def test_each_pattern_of_a_row_is_painted_in_its_cell(window, resized):
    """Where keys and clicks choose it: a cell has whole pixels, which small text does not scale to."""
    resized(80)
    check_size(window, 80)
    gallery, several = window.samples, [ShownPattern(np.ones((3, 3)), "particles")] * 60
    before = gallery.shown
    gallery.show_patterns(several, "")
    image, columns = gallery.grab().toImage(), across(gallery)
    assert columns > 12
    for number in (0, columns - 1):
        box = cell(gallery, number)
        assert image.pixelColor(box.left() + 4, box.center().y()) == theme.color("particles")
    gallery.show_patterns(before, "")


def test_pad_and_patterns_have_the_size_of_the_text_as_it_opens(qtbot, resized, monkeypatch):
    monkeypatch.setattr(module, "_measuring", lambda: measure_cost(2, 7))
    resized(80)
    window = BoltzmannWindow()
    qtbot.addWidget(window)
    window.show()
    check_size(window, 80)
    assert window.shutdown(5.0)


def test_other_steps_draw_no_samples_and_another_seed_does(window):
    before = window.machine.view
    window.machine.state.edit({"steps": 400})
    assert window.machine.jobs.idle
    assert window.machine.view is before
    window.machine.state.edit({"seed": 7})
    assert not window.machine.jobs.idle
    wait(lambda: window.machine.jobs.idle)
    assert window.machine.view is not before


def test_a_click_beside_the_patterns_chooses_none(window):
    window.pad.set_pattern(np.full((3, 3), -1))
    beyond = cell(window.patterns, window.patterns.count() - 1).center()
    beyond.setX(beyond.x() + cell(window.patterns, 0).width())
    QTest.mouseClick(window.patterns.viewport(), Qt.MouseButton.LeftButton, pos=beyond)
    assert write_pattern(window.pad.pattern) == ".../.../..."


def test_the_drawn_pattern_has_its_probability_over_z(window):
    progress = window.machine.view.progress
    likely = window.likely
    click(likely, 0)
    assert np.array_equal(window.pad.pattern, shown(likely)[0])
    y = shown(likely)[0].reshape(-1)
    chance = np.exp(0.5 * y @ progress.weights @ y - progress.log_partition)
    assert chance == pytest.approx(window.machine.view.probabilities[0])
    assert window.pattern_label.text().endswith(f"{100 * chance:.3g} %")


def test_another_size_starts_anew(window):
    press(window.sizes.buttons["2×2"])
    assert window.pad.pattern.shape == (2, 2)
    learned(window)
    assert len(texts(window)) == 6
    assert window.machine.view.progress.weights.shape == (4, 4)
    assert window.figures["states"].text() == "2⁴ = 16"
    press(window.sizes.buttons["3×3"])
    learned(window)
    assert cell(window.map, 8).right() > cell(window.map, 0).right()


def test_pause_go_on_and_reset(window, monkeypatch):
    monkeypatch.setattr(module, "PICTURE", 0.02)
    press(window.reset)
    assert window.machine.view is None
    assert window.figures["partition"].text() == "–"
    press(window.train)
    wait(lambda: window.machine.view is not None and window.machine.view.progress.step > 3)
    assert window.train.text() == "&Pause"
    press(window.train)
    assert not window.machine.training
    step = window.machine.view.progress.step
    wait(milliseconds=100)
    assert window.machine.view.progress.step == step
    press(window.train)
    wait(lambda: window.machine.view.progress.step > step)
    assert window.machine.view.progress.steps[0] == 0


def test_gibbs_draws_sweep_by_sweep_and_again_with_other_numbers(window):
    window.machine.state.edit({"sweeps": 20})
    before = shown(window.samples)
    sampler = next(
        button for button in window.findChildren(QAbstractButton) if button.accessibleName().endswith("Gibbs")
    )
    press(sampler)
    assert window.machine.settings.sampler == "gibbs"
    wait(lambda: window.machine.jobs.idle)
    first = shown(window.samples)
    assert not np.array_equal(before, first)
    press(window.again)
    wait(lambda: window.machine.jobs.idle)
    assert not np.array_equal(first, shown(window.samples))
    assert window.machine.settings.seed == 1


def test_cost_is_measured_and_extrapolated(window, monkeypatch):
    press(window.measure)
    wait(lambda: not window.machine.jobs.running(module.COST))
    assert window.cost.series[0].x.tolist() == list(range(2, 8))
    assert window.cost_label.text().startswith("Z of 7 units takes ")
    units = np.arange(2, 21)
    found = Cost(units, 1e-4 + 1e-8 * 2.0**units, np.full(len(units), 1e-6), 1.0)
    monkeypatch.setattr(module, "_measuring", lambda: iter([found]))
    press(window.measure)
    assert not window.measure.isEnabled()
    wait(lambda: not window.machine.jobs.running(module.COST))
    assert window.measure.isEnabled()
    said = window.cost_label.text().replace("\u202f", " ")
    last = "20 units: 0.0106 seconds for Z and its gradient, 1e-6 for one state."
    assert window.cost.accessibleDescription().replace("\u202f", " ") == f"{last} {said}"
    assert said.startswith(f"Each further unit takes {found.growth()[0]:.2f} times as long. ")
    assert "Doubling as the states do, Z of an 8×8 digit would take 5 900 years, at every step." in said


def test_closing_in_the_middle_ends_its_threads_and_it_opens_again(window, monkeypatch):
    monkeypatch.setattr(module, "PICTURE", 0.02)
    press(window.reset)
    press(window.train)
    press(window.measure)
    wait(lambda: window.machine.view is not None)
    window.close()
    wait(lambda: window.machine.jobs.idle)
    assert not window.machine.training
    window.show()
    press(window.train)
    assert window.machine.training


def test_a_weight_is_read_out_by_pointer_and_by_keys(window):
    heat, progress = window.map, window.machine.view.progress
    QTest.mouseMove(heat.viewport(), cell(heat, 1).center())
    QApplication.processEvents()
    assert window.weight_label.text().startswith("(1,1)–(1,2): W ")
    assert f"{progress.weights[0, 1]:.3g}" in window.weight_label.text()
    assert said(heat) == window.weight_label.text()
    heat.setFocus()
    QTest.keyClick(heat, Qt.Key.Key_Down)
    assert said(heat) == "(1,2)–(1,2): a unit has no weight to itself"
    QTest.mouseMove(window.curve)
    QApplication.processEvents()
    assert window.weight_label.text().startswith("9 × 9, largest ")


def test_a_state_is_in_words(window):
    window.likely.setCurrentRow(0)
    assert said(window.likely).startswith(f"p = {100 * window.machine.view.probabilities[0]:.3g} %")
    assert "one of the patterns" in said(window.likely)
    assert window.likely.accessibleDescription() == "18 pictures"
    assert "one of the patterns" in window.likely.item(0).toolTip()


def test_every_control_has_name_and_tooltip_and_tab_reaches_it(window):
    controls = [
        child
        for child in window.findChildren(QWidget)
        if child.focusPolicy() & Qt.FocusPolicy.TabFocus and child.isVisible() and child.isEnabled()
    ]
    assert len(controls) > 20
    for control in controls:
        assert QAccessible.queryAccessibleInterface(control).text(QAccessible.Text.Name), control
        assert control.toolTip(), control.accessibleName()
    for figure in window.figures.values():
        assert figure.value.accessibleName() == figure.accessibleName() != ""
        assert figure.toolTip()
    window.activateWindow()
    window.pad.setFocus()
    reached = set()
    for _ in range(2 * len(controls)):
        reached.add(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    groups = {control for control in controls if control.property("role") != "segment"}
    assert groups <= reached


@pytest.mark.parametrize("size", [(1180, 700), (1600, 1000)])
@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
def test_nothing_is_cut_off(window, palette, size, recolor):
    recolor(palette)
    window.resize(*size)
    window.grab()
    for label in window.findChildren(QLabel):
        if label.isVisible() and label.text() and not label.wordWrap():
            assert label.width() >= label.sizeHint().width() - 1, label.text()
    for gallery in (window.patterns, window.likely, window.samples):
        right, bottom = farthest(gallery)
        assert bottom <= gallery.viewport().height()
        assert right <= gallery.viewport().width()


@pytest.mark.alone
def test_no_call_holds_up_the_window(window, monkeypatch):
    monkeypatch.setattr(module, "PICTURE", 1 / 30)

    def work() -> None:
        press(window.sizes.buttons["4×4"])
        wait(lambda: window.machine.view is not None)
        for number in range(8):
            click(window.pad, number % 4)
            wait(milliseconds=40)
        press(window.add)
        wait(milliseconds=300)
        press(window.sizes.buttons["3×3"])
        wait(milliseconds=200)

    assert_holds_up_nothing(work)


def test_the_main_window_opens_one_and_ends_it_on_leaving(bare_window, qtbot):
    with qtbot.waitSignal(bare_window.controllers.state.problem_changed):
        bare_window.show()
    QTest.keySequence(bare_window, "Ctrl+B")
    bare_window.actions_by_key.trigger("tools.boltzmann")
    (window,) = bare_window.findChildren(BoltzmannWindow)
    qtbot.waitUntil(lambda: window.machine.view is not None)
    assert window.machine.training
    bare_window.look.set_theme("light")
    qtbot.waitUntil(lambda: not bare_window.look.restyling.running)
    assert theme.palette() is LIGHT
    bare_window.leave()
    assert bare_window.ended
    assert not window.isVisible()


def test_its_columns_scroll_where_the_window_is_narrow(window):
    """With text of 200 % they are wider than many screens."""
    area, before = window.findChild(QScrollArea), window.size()
    bar = area.horizontalScrollBar()
    assert bar.maximum() == 0
    window.resize(620, before.height())
    wait(lambda: bar.maximum() > 0)
    assert window.width() == 620
    assert bar.maximum() > 0
    window.resize(before)
    wait(lambda: bar.maximum() == 0)
    assert bar.maximum() == 0
