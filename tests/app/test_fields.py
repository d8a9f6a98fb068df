import html
import re

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QImage, QKeySequence, QShortcut, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QVBoxLayout, QWidget

from playground.app.model.state import State
from playground.app.panels import SamplingPanel
from playground.app.style.wrapping import BREAK
from playground.app.widgets.controls import ChoiceBox, Slider
from playground.app.widgets.equation import equation_image, equation_tag
from playground.app.widgets.fields import ChoiceField, SwitchField, make_field
from playground.app.widgets.number_rows import NumberField, RangeField
from playground.kinds.setting import Field
from playground.lab.boltzmann.settings import Boltzmann
from playground.lab.experiment import SEEDS, Experiment, every_field, fields, owners, replace
from tests.app.conftest import wait
from tests.own_process import ran


def describe() -> list[tuple[dict[str, str], Field]]:
    """Every setting of every kind, as each kind says it; and the kind to choose for it."""
    kinds = [(key, kind) for key, field in fields().items() if key.endswith(".kind") for kind in field.choices]
    found: list[tuple[dict[str, str], Field]] = []
    for chosen in ({}, *({key: kind} for key, kind in kinds)):
        for field in fields(replace(Experiment(), chosen)).values():
            if field not in [known for _, known in found]:
                found.append((chosen, field))
    return found


DESCRIBED = describe()
FIELDS = [field for _, field in DESCRIBED]
ROWS = [key for key, field in fields().items() if field.kind not in ("list", "text")]
"""Those of the kinds that an experiment has by default."""
EVERY_ROW = [key for key, field in every_field().items() if field.kind not in ("list", "text")]


def choose(state: State, key: str) -> None:
    """Choose a kind that has a setting, where the present one lacks it."""
    if key not in state.fields():
        assert state.edit({f"{key.split('.')[0]}.kind": owners(key)[0]})


@pytest.fixture
def state(qapp):
    return State()


@pytest.fixture
def form(qtbot):
    """Puts rows below each other in a window of their own, and keeps it."""
    window = QWidget()
    qtbot.addWidget(window)

    def put(*rows: QWidget) -> QWidget:
        layout = QVBoxLayout(window)
        for row in rows:
            layout.addWidget(row)
        window.setFixedWidth(264)
        with qtbot.waitExposed(window):
            window.show()
        return window

    return put


def write(edit, text: str, end: Qt.Key = Qt.Key.Key_Return) -> None:
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, end)


def slide(slider: Slider, start: float, end: float) -> None:
    """Drag from one share of the width to another."""
    y = slider.height() // 2
    places = [QPoint(round(slider.width() * (start + (end - start) * step / 4)), y) for step in range(5)]
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(slider, place)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=places[-1])


def ask_tooltip(widget: QWidget) -> str:
    place = widget.rect().center()
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, place, widget.mapToGlobal(place)))
    return widget.toolTip()


def test_every_setting_has_a_row_that_can_be_used(form):
    rows = {}
    for key in EVERY_ROW:
        state = State()  # of its own, since not all of them are of one experiment
        choose(state, key)
        rows[key] = make_field(state, key)
    form(*rows.values())
    for key, row in rows.items():
        field = row.field
        assert row.controls(), key
        for control in [*row.controls(), row.label]:
            tip = control.toolTip()
            assert html.escape(field.description) in tip or "automatic" in control.accessibleName(), key
            if field.kind in ("int", "float") and control is row.label:
                assert field.bound.split(" or ")[0].capitalize() in tip, key
        for control in row.controls():
            assert control.accessibleName(), key
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus or isinstance(row, ChoiceField), key
        assert ("needs new training" in row.label.toolTip()) == field.resets, key


def test_tab_reaches_every_row_in_order(form, state):
    rows = [make_field(state, key) for key in ROWS]
    window = form(*rows)
    controls = [[*row.controls()] for row in rows]
    first = controls[0][0]
    reached: list[int] = []
    window.setFocus()
    first.setFocus()
    for _ in range(200):
        now = QApplication.focusWidget()
        place = next(index for index, group in enumerate(controls) if now in group)
        if reached and place < reached[-1]:
            break
        reached.append(place)
        QTest.keyClick(now, Qt.Key.Key_Tab)
    assert sorted(set(reached)) == list(range(len(rows)))
    # A number's row is reached once for each of its controls, a choice only once.
    for index, row in enumerate(rows):
        expected = len(row.controls()) if isinstance(row, NumberField) else 1
        assert reached.count(index) == expected, row.key


def test_lists_and_texts_have_no_row(state):
    for key in every_field().keys() - set(EVERY_ROW):
        choose(state, key)
        with pytest.raises(ValueError, match="no row"):
            make_field(state, key)


def test_every_choice_has_a_title_and_a_meaning():
    for field in FIELDS:
        assert set(field.options) <= set(field.choices), field.key
        for choice in field.choices:
            assert field.title_of(choice), f"{field.key} = {choice}"
            assert field.meaning_of(choice), f"{field.key} = {choice}"


def test_no_two_choices_of_a_setting_are_called_the_same():
    for field in FIELDS:
        titles = [field.title_of(choice) for choice in field.choices]
        assert len(set(titles)) == len(titles), field.key


# Typing


def test_typing_takes_any_number_within_the_bounds(form, state):
    row = make_field(state, "training.learning_rate")
    form(row)
    for text, value in (("3e-3", 3e-3), ("0,01", 0.01), ("5e-7", 5e-7), ("1", 1.0), (".02", 0.02)):
        write(row.number, text)
        assert state.experiment.training.learning_rate == value
        assert row.note.isHidden()
    # Beyond the slider's end the handle rests there, and the number stays.
    write(row.number, "2e-7")
    assert row.slider.position() == 0
    assert state.experiment.training.learning_rate == 2e-7
    write(row.number, "0.012345", Qt.Key.Key_Tab)
    assert state.experiment.training.learning_rate == 0.012345
    assert row.number.text() == "0.0123"
    row.number.setFocus()
    assert row.number.text() == "0.012345"


def test_undo_and_redo_are_the_windows_until_something_is_typed(form, state):
    """Qt keeps both for the box, whose text alone went back: the setting stayed, and nothing was taken back."""
    row = make_field(state, "training.batch")
    window = form(row)
    window.activateWindow()
    undo, redo = map(QKeySequence, (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo))
    QShortcut(undo, window, state.undo)
    QShortcut(redo, window, state.redo)
    for text in ("64", "32"):
        write(row.number, text)
    for key, left in ((undo, 64), (redo, 32), (undo, 64)):
        QTest.keySequence(row.number, key)
        assert state.experiment.training.batch == left
        assert row.number.text() == str(left)
    QTest.keyClicks(row.number, "5")
    QTest.keySequence(row.number, undo)
    assert row.number.text() == "64"
    assert state.experiment.training.batch == 64
    QTest.keySequence(row.number, redo)
    assert row.number.text().endswith("5")
    assert state.experiment.training.batch == 64


def test_a_number_that_is_being_typed_stays_when_the_problem_is_built(form, state):
    row = make_field(state, "network.width")
    form(row)
    row.number.setFocus()
    row.number.selectAll()
    QTest.keyClicks(row.number, "77")
    row.set_resolved(128.0)  # known as soon as the problem is built, in another thread
    assert row.number.text() == "77"
    QTest.keyClick(row.number, Qt.Key.Key_Return)
    assert state.experiment.network.width == 77


def test_a_refused_number_stays_until_it_is_mended_or_escaped(form, state):
    row = make_field(state, "network.width")
    other = make_field(state, "network.depth")
    form(row, other)
    write(row.number, "99999")
    assert state.experiment.network.width == 128
    assert row.number.text() == "99999"
    assert "from 4 to 2048" in row.note.text()
    assert not row.note.isHidden()
    QTest.keyClick(row.number, Qt.Key.Key_Tab)
    assert row.number.text() == "99999"
    assert not row.note.isHidden()
    state.edit({"network.depth": 4})
    assert row.number.text() == "99999"
    write(row.number, "64")
    assert state.experiment.network.width == 64
    assert row.note.isHidden()
    write(row.number, "many")
    assert "“many” is not a number" in row.note.text()
    QTest.keyClick(row.number, Qt.Key.Key_Escape)
    assert row.number.text() == "64"
    assert row.note.isHidden()
    write(row.number, "6.5")
    assert "whole number" in row.note.text()
    # An undo elsewhere that changes this value shows it.
    state.undo()
    assert row.number.text() == "128"
    assert row.note.isHidden()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("1e99", "Width = 1e99 is not allowed: it must be a whole number from 4 to 2048."),
        ("9" * 300, "Width = 1e300 is not allowed: it must be a whole number from 4 to 2048."),
        ("-1", "Width = -1 is not allowed: it must be a whole number from 4 to 2048."),
        ("W" * 300, f"“{'W' * 32}…” is not a number: type a whole number from 4 to 2048, as in 128."),
    ],
)
def test_no_number_however_large_is_wider_than_its_card(form, state, typed, said):
    row = make_field(state, "network.width")
    form(row)
    write(row.number, typed)
    assert row.note.text().replace(BREAK, "") == said
    metrics = row.note.fontMetrics()
    assert max(metrics.horizontalAdvance(part) for part in re.split(rf"[ {BREAK}]", row.note.text())) < 280


def test_escape_is_the_windows_where_nothing_was_typed(form, state):
    row = make_field(state, "network.width")
    place, heard_above = form(row), []
    write(row.number, "many")
    place.keyPressEvent = lambda event: heard_above.append(event.key())
    for _ in range(2):  # the first takes the word back
        QTest.keyClick(row.number, Qt.Key.Key_Escape)
    assert heard_above == [Qt.Key.Key_Escape]


def test_a_choice_without_a_label_has_a_name_of_its_own_for_a_screen_reader(form, state):
    rows = [make_field(state, key, None) for key in ("noise.kind", "sampling.kind")]
    form(*rows)
    assert [row.control.accessibleName() for row in rows] == ["noise", "sampler"]


@pytest.mark.parametrize(
    ("key", "stands_for", "said"),
    [
        ("training.steps", None, 'a whole number from 0 to 1000000000 or "auto", as in 100.'),
        ("data.pixels", None, 'a whole number from 8 to 64 or "auto", as in 64.'),
        ("training.batch", 512, 'a whole number from 1 to 65536 or "auto", as in 512.'),
        ("training.learning_rate", None, "a number from 1e-7 to 1, as in 0.003."),
    ],
)
def test_the_example_of_a_number_is_one_that_would_be_taken(form, state, key, stands_for, said):
    choose(state, key)
    row = make_field(state, key)
    if stands_for is not None:
        row.set_resolved(stands_for)
    form(row)
    write(row.number, "abc")
    assert row.note.text() == f"“abc” is not a number: type {said}"


@pytest.mark.parametrize("way", ["undo", "redo", "load", "data"])
@pytest.mark.parametrize("text", ["99999", "many"])
def test_a_refused_number_gives_way_once_all_is_replaced(form, state, way, text):
    """The box shows the value in force, though it is not this one that an undo, a file or other data have changed."""
    row = make_field(state, "network.width")
    span = RangeField(state, "noise.sigma_max", "noise.sigma_min", label="range")
    form(row, span)
    state.edit({"network.depth": 4})
    if way == "redo":
        state.undo()
    write(row.number, text)
    upper = span.numbers["noise.sigma_max"]
    write(upper, "-1" if text == "99999" else text)
    assert row.number.text() == text
    assert upper.property("refused")
    {
        "undo": state.undo,
        "redo": state.redo,
        "load": lambda: state.load(state.experiment),
        "data": lambda: state.edit({"data.kind": "rings"}),
    }[way]()
    assert row.number.text() == "128"
    assert not row.number.property("refused")
    assert row.note.isHidden()
    assert upper.text() in ("", "auto")
    assert not upper.property("refused")
    assert span.note.isHidden()


def test_arrow_keys_step_a_number(form, state):
    row = make_field(state, "network.depth")
    form(row)
    row.number.setFocus()
    QTest.keyClick(row.number, Qt.Key.Key_Up)
    assert state.experiment.network.depth == 4
    QTest.keyClick(row.number, Qt.Key.Key_Down)
    QTest.keyClick(row.number, Qt.Key.Key_Down)
    assert state.experiment.network.depth == 2
    # Presses in a row are one step of undo.
    state.undo()
    assert state.experiment.network.depth == 3


# Sliding


def test_a_drag_is_one_undo_step_and_two_drags_are_two(form, state):
    state.edit({"sampling.steps": 500})
    row = make_field(state, "sampling.steps")
    form(row)
    slide(row.slider, 0.5, 0.8)
    first = state.experiment.sampling.steps
    assert first > 500
    slide(row.slider, 0.8, 0.3)
    assert state.experiment.sampling.steps < 500
    state.undo()
    assert state.experiment.sampling.steps == first
    state.undo()
    assert state.experiment.sampling.steps == 500
    state.undo()
    assert state.experiment.sampling.steps == "auto"
    assert not state.stack.canUndo()


def test_a_slider_follows_the_hand_while_it_is_dragged(form, state):
    row = make_field(state, "training.learning_rate")
    form(row)
    seen = []
    state.changed.connect(lambda keys: seen.append(state.experiment.training.learning_rate))
    slide(row.slider, 0.9, 0.1)
    assert len(seen) >= 3
    assert seen == sorted(seen, reverse=True)


def test_setting_a_value_by_program_echoes_nothing(form, state):
    rows = [make_field(state, key) for key in ROWS]
    form(*rows)
    edits = []
    original = state.edit
    state.edit = lambda changes, merge="": edits.append(changes) or original(changes, merge=merge)
    original(
        {
            "sampling.particles": 777,
            "training.lr_schedule": "none",
            "sampling.final_denoising": False,
            "noise.sigma_max": 9.0,
        }
    )
    for row in rows:
        row.refresh()
    assert edits == []
    shown = {row.key: row for row in rows}
    assert shown["sampling.particles"].number.text() == "777"
    assert shown["training.lr_schedule"].control.value() == "none"
    assert not shown["sampling.final_denoising"].switch.isChecked()


@pytest.mark.parametrize("key", SEEDS)
def test_a_seed_is_written_and_has_no_slider(form, state, key):
    row = make_field(state, key)
    form(row)
    assert row.slider is None
    QTest.keyClicks(row.number, "7")
    QTest.keyClick(row.number, Qt.Key.Key_Return)
    assert state.value(key) == 7


@pytest.mark.parametrize("key", [key for key in EVERY_ROW if every_field()[key].kind == "int" and key not in SEEDS])
def test_an_arrow_key_moves_every_slider_of_whole_numbers_there_and_back(form, state, key):
    choose(state, key)
    row = make_field(state, key)
    form(row)
    state.edit({key: row.field.minimum + 1})
    QTest.keyClick(row.slider, Qt.Key.Key_Home)
    first = state.value(key)
    QTest.keyClick(row.slider, Qt.Key.Key_Right)
    more = state.value(key)
    assert more > first
    QTest.keyClick(row.slider, Qt.Key.Key_Left)
    assert state.value(key) < more
    for beyond in (Qt.Key.Key_End, Qt.Key.Key_Right):
        QTest.keyClick(row.slider, beyond)
        assert row.note.text() == ""


def test_the_keyboard_moves_a_slider_and_the_wheel_does_not(form, state):
    row = make_field(state, "sampling.steps")
    form(row)
    row.slider.setFocus()
    QTest.keyClick(row.slider, Qt.Key.Key_Right)
    after = state.experiment.sampling.steps
    assert after > 500
    wheel = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(row.slider, wheel)
    assert state.experiment.sampling.steps == after


# What a change costs


def test_a_change_that_starts_training_anew_says_so_and_waits_for_the_hand(form, state, monkeypatch):
    monkeypatch.setattr(state, "unsaved_steps", lambda: 12_400)
    row = make_field(state, "network.width")
    form(row)
    middle = QPoint(row.slider.width() // 4, row.slider.height() // 2)
    QTest.mousePress(row.slider, Qt.MouseButton.LeftButton, pos=middle)
    assert row.note.text() == "This discards 12\u202f400 training steps. Ctrl+Z brings them back."
    assert not row.note.isHidden()
    QTest.mouseMove(row.slider, middle + QPoint(5, 0))
    assert state.experiment.network.width == 128
    assert row.number.text() != "128"
    QTest.mouseRelease(row.slider, Qt.MouseButton.LeftButton, pos=middle + QPoint(5, 0))
    assert state.experiment.network.width < 128
    assert row.note.isHidden()


def test_the_cost_is_said_when_the_keyboard_arrives_and_in_the_tooltip(form, state, monkeypatch):
    monkeypatch.setattr(state, "unsaved_steps", lambda: 500)
    row = make_field(state, "network.activation")
    free = make_field(state, "training.batch")
    form(free, row)
    row.controls()[0].setFocus(Qt.FocusReason.TabFocusReason)
    assert "discards 500 training steps" in row.note.text()
    free.number.setFocus(Qt.FocusReason.TabFocusReason)
    assert row.note.isHidden()
    assert free.note.isHidden()
    assert "discards 500 training steps" in ask_tooltip(row.controls()[0])
    assert "discards" not in ask_tooltip(free.slider)


def test_nothing_is_said_where_nothing_would_be_lost(form, state):
    row = make_field(state, "network.width")
    form(row)
    row.number.setFocus(Qt.FocusReason.TabFocusReason)
    assert row.note.isHidden()


# Automatic values and defaults


def test_auto_shows_its_value_and_can_be_left_and_taken_again(form, state):
    state.edit({"noise.kind": "single"})
    row = make_field(state, "noise.sigma", "σ")
    form(row)
    row.set_resolved(0.2437)
    assert row.chip.isChecked()
    assert row.number.text() == "0.244"
    QTest.mouseClick(row.chip, Qt.MouseButton.LeftButton)
    assert state.experiment.noise.sigma == 0.244
    assert not row.chip.isChecked()
    write(row.number, "0.5")
    assert state.experiment.noise.sigma == 0.5
    QTest.mouseClick(row.chip, Qt.MouseButton.LeftButton)
    assert state.experiment.noise.sigma == "auto"
    write(row.number, "0.7")
    write(row.number, "auto")
    assert state.experiment.noise.sigma == "auto"
    assert row.number.text() in ("0.2437", "0.244")


def test_auto_without_a_value_waits_for_a_number(form, state):
    row = NumberField(state, "training.steps")
    form(row)
    assert row.number.text() == "no limit"
    QTest.mouseClick(row.chip, Qt.MouseButton.LeftButton)
    assert state.experiment.training.steps == "auto"
    assert row.number.hasFocus()
    write(row.number, "5000")
    assert state.experiment.training.steps == 5000


@pytest.mark.parametrize(
    ("key", "changes", "before", "after"),
    [
        ("sampling.particles", {"data.kind": "digits"}, "2\u202f000", "96"),
        ("training.seconds", {"training.steps": 100}, "20", "no limit"),
        ("data.noise", {"data.kind": "two-gaussians"}, "0.1", "1"),
    ],
)
def test_resolved_values_are_shown_at_once(form, state, key, changes, before, after):
    row = NumberField(state, key)
    form(row)
    assert row.number.text() == before
    state.edit(changes)
    assert row.number.text() == after
    assert row.chip.isChecked()


def test_a_double_click_on_the_label_brings_the_default_back(form, state):
    state.edit({"sampling.snr": 0.5})
    row = make_field(state, "sampling.snr")
    form(row)
    QTest.mouseDClick(row.label, Qt.MouseButton.LeftButton)
    assert state.experiment.sampling.snr == 0.16


def test_the_menu_follows_too(form, state):
    state.edit({"sampling.snr": 0.5})
    row = make_field(state, "sampling.snr")
    form(row)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), row.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(row, event)
    menu = row.findChild(QMenu)
    assert menu.actions()[0].text() == "Default: 0.16"
    menu.actions()[0].trigger()
    menu.close()
    assert state.experiment.sampling.snr == 0.16


# Choices, switches, ranges


def test_segments_by_mouse_and_keyboard(form, state):
    row = make_field(state, "objective.kind", None)
    form(row)
    QTest.mouseClick(row.control.buttons["sliced"], Qt.MouseButton.LeftButton)
    assert state.experiment.objective.kind == "sliced"
    row.control.buttons["sliced"].setFocus()
    QTest.keyClick(row.control.buttons["sliced"], Qt.Key.Key_Left)
    assert state.experiment.objective.kind == "exact"
    assert row.control.buttons["exact"].isChecked()
    state.undo()
    assert row.control.buttons["sliced"].isChecked()


def test_a_long_choice_is_a_list(form, state):
    row = make_field(state, "network.activation")
    form(row)
    assert isinstance(row.control, ChoiceBox)
    row.control.setFocus()
    QTest.keyClick(row.control, Qt.Key.Key_Down)
    assert state.experiment.network.activation == "gelu"


def test_choices_passed_by_arrow_keys_are_one_undo_step(form, state):
    state.edit({"noise.kind": "ve"})
    before = state.experiment
    row = make_field(state, "noise.kind")
    form(row)
    assert isinstance(row.control, ChoiceBox)
    row.control.setFocus()
    passed = [before.noise.kind]
    for _ in range(3):
        QTest.keyClick(row.control, Qt.Key.Key_Up)
        passed.append(state.experiment.noise.kind)
    assert len(set(passed)) == 4
    state.undo()
    assert state.experiment == before
    state.redo()
    assert state.experiment.noise.kind == passed[-1]


def test_a_letter_chooses_in_the_same_undo_step_as_the_arrows(form, state):
    before = state.experiment
    row = make_field(state, "network.activation")
    form(row)
    row.control.setFocus()
    QTest.keyClick(row.control, Qt.Key.Key_Down)
    QTest.keyClick(row.control, Qt.Key.Key_T)
    assert row.control.currentText().lower().startswith("t")
    assert state.experiment.network.activation == row.control.value()
    state.undo()
    assert state.experiment == before


def test_arrows_begin_a_new_undo_step_once_the_focus_was_elsewhere(form, state):
    row, other = make_field(state, "network.activation"), make_field(state, "sampling.final_denoising")
    form(row, other)
    row.control.setFocus()
    QTest.keyClick(row.control, Qt.Key.Key_Down)
    first = state.experiment
    other.switch.setFocus()
    row.control.setFocus()
    QTest.keyClick(row.control, Qt.Key.Key_Down)
    assert state.experiment != first
    state.undo()
    assert state.experiment == first


@pytest.mark.parametrize("opener", [Qt.Key.Key_Space, None])
def test_a_choice_from_the_open_list_is_an_undo_step_of_its_own(form, state, qtbot, opener):
    row = make_field(state, "network.activation")
    form(row)
    box = row.control
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    steps = [state.experiment]
    if opener is None:
        QTest.mousePress(box, Qt.MouseButton.LeftButton)
    else:
        QTest.keyPress(box, opener)
    qtbot.waitUntil(box.view().isVisible)
    QTest.keyClick(box.view(), Qt.Key.Key_Down)
    QTest.keyClick(box.view(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not box.view().isVisible())
    steps.append(state.experiment)
    QTest.keyClick(box, Qt.Key.Key_Up)
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert len({step.network.activation for step in (*steps, state.experiment)}) == 3
    for step in reversed(steps):
        state.undo()
        assert state.experiment == step
    state.undo()
    assert state.experiment == Experiment()


def test_arrows_along_segments_are_one_undo_step_and_clicks_are_not(form, state):
    row = make_field(state, "objective.kind", label=None)
    form(row)
    buttons = row.control.buttons
    before = state.experiment
    buttons["denoising"].setFocus()
    QTest.keyClick(buttons["denoising"], Qt.Key.Key_Left)
    QTest.keyClick(buttons["sliced"], Qt.Key.Key_Left)
    assert state.experiment.objective.kind == "exact"
    by_keys = state.experiment
    QTest.mouseClick(buttons["sliced"], Qt.MouseButton.LeftButton)
    by_click = state.experiment
    QTest.mouseClick(buttons["denoising"], Qt.MouseButton.LeftButton)
    for step in (by_click, by_keys, before):
        state.undo()
        assert state.experiment == step


@pytest.mark.parametrize("key", ["sampling.kind", "noise.kind", "network.kind", "data.kind"])
def test_undo_of_a_walk_down_a_list_gives_back_every_setting(form, state, key):
    state.edit({"sampling.steps": 77, "noise.kind": "ve", "noise.sigma_max": 9.0})
    before = state.experiment
    row = make_field(state, key)
    form(row)
    box = row.controls()[0]
    box.setFocus()
    for _ in range(len(row.field.choices)):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Up)
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
    assert state.experiment != before
    state.undo()
    assert state.experiment == before


def test_a_switch(form, state):
    row = make_field(state, "sampling.final_denoising")
    form(row)
    assert isinstance(row, SwitchField)
    QTest.mouseClick(row.switch, Qt.MouseButton.LeftButton)
    assert state.experiment.sampling.final_denoising is False
    row.switch.setFocus()
    QTest.keyClick(row.switch, Qt.Key.Key_Space)
    assert state.experiment.sampling.final_denoising is True


def test_a_range_takes_both_ends(form, state):
    row = RangeField(state, "noise.sigma_max", "noise.sigma_min", label="σ range")
    form(row)
    row.set_resolved(3.4, 0.0081)
    high, low = row.numbers.values()
    assert [high.text(), low.text()] == ["3.4", "8.1e-3"]
    write(high, "8")
    assert state.experiment.noise.sigma_max == 8.0
    assert state.experiment.noise.sigma_min == "auto"
    write(low, "0.05")
    assert state.experiment.noise.sigma_min == 0.05
    write(low, "9")
    assert "must lie below" in row.note.text()
    assert low.text() == "9"
    QTest.keyClick(low, Qt.Key.Key_Escape)
    assert low.text() == "0.05"
    QTest.mouseClick(row.chip, Qt.MouseButton.LeftButton)
    assert (state.experiment.noise.sigma_max, state.experiment.noise.sigma_min) == ("auto", "auto")
    QTest.mouseClick(row.chip, Qt.MouseButton.LeftButton)
    assert (state.experiment.noise.sigma_max, state.experiment.noise.sigma_min) == (3.4, 0.0081)
    assert all(control.accessibleName() and control.toolTip() for control in row.controls())
    assert [number.accessibleDescription().split()[0] for number in (high, low)] == ["Coarsest", "Finest"]


# Tooltips


def test_the_equation_is_drawn_when_the_tooltip_is_asked_for(form, state):
    state.edit({"sampling.kind": "langevin"})
    row = make_field(state, "sampling.step")
    form(row)
    assert "<img" not in row.slider.toolTip()
    text = ask_tooltip(row.slider)
    assert "data:image/png;base64," in text
    assert "ε" in text


OWN = [
    (chosen, field, choice)
    for chosen, field in DESCRIBED
    if any(option.equation for option in field.options.values())
    for choice in field.choices
]


@pytest.mark.parametrize(
    ("chosen", "field", "choice"), OWN, ids=lambda part: getattr(part, "key", part if isinstance(part, str) else "")
)
def test_each_choice_shows_its_own_equation(form, state, chosen, field, choice):
    """In the box or on the segment, in its open list, and on the label: that of another choice would be a wrong statement."""
    state.edit(chosen)
    row = make_field(state, field.key)
    assert row.field == field
    form(row)
    state.edit({field.key: choice})
    own, others = (
        {equation_tag(latex, row) for latex in equations if latex}
        for equations in ([field.equation_of(choice)], map(field.equation_of, field.choices))
    )
    asked = [row.label]
    if isinstance(row.control, ChoiceBox):
        asked.append(row.control)
        row.control.showPopup()
        view = row.control.view()
        place = view.visualRect(view.model().index(field.choices.index(choice), 0)).center()
        QApplication.sendEvent(view.viewport(), QHelpEvent(QEvent.Type.ToolTip, place, view.mapToGlobal(place)))
        entry = row.control.itemData(field.choices.index(choice), Qt.ItemDataRole.ToolTipRole)
        assert {tag for tag in others if tag in entry} == own
        row.control.hidePopup()
    else:
        asked.append(row.control.buttons[choice])
    for widget in asked:
        tip = ask_tooltip(widget)
        assert {tag for tag in others if tag in tip} == own
        if widget is not row.label:
            assert html.escape(field.meaning_of(choice)) in tip


def test_auto_names_what_it_stands_for(state, form):
    form(prediction := make_field(state, "network.prediction"))
    assert prediction.control.currentText() == "Auto: v"
    assert state.edit({"noise.kind": "flow-matching"})
    assert prediction.control.currentText() == "Auto: Velocity"
    assert prediction.control.value() == "auto"


def test_no_two_choices_share_an_equation_and_few_have_none():
    """ "Auto" and "none" stand for others, or for nothing."""
    for _, field in DESCRIBED:
        own = [option.equation for option in field.options.values() if option.equation]
        if not own:
            continue
        assert len(set(own)) == len(own), field.key
        missing = {choice for choice in field.choices if not field.options[choice].equation} - {"auto"}
        assert missing == ({"mlp", "u-net"} if field.key == "network.kind" else set()), field.key


EQUATIONS = dict.fromkeys(
    field.equation_of(choice) for field in (*FIELDS, *fields(Boltzmann).values()) for choice in field.choices or [None]
)


@pytest.mark.parametrize("latex", [latex for latex in EQUATIONS if latex])
def test_every_equation_can_be_drawn(latex):
    image = equation_image(latex, "#ffffff", 1.0).convertToFormat(QImage.Format.Format_ARGB32)
    inked = sum(image.pixelColor(x, y).alpha() > 128 for x in range(image.width()) for y in range(image.height()))
    assert inked > 20
    assert image.width() < 480  # no tooltip is wider


def test_an_equation_that_cannot_be_read_is_an_error():
    with pytest.raises(ValueError, match="cannot be drawn"):
        equation_image(r"\frac{1", "#ffffff", 1.0)


def test_threads_that_first_draw_an_equation_at_once_draw_the_same_and_leave_warnings_as_they_are():
    assert ran(AT_ONCE) == "True 9\n"


AT_ONCE = """
import sys, threading, warnings
from playground.app.widgets.equation import equation_svg

before, drawn, together = list(warnings.filters), [], threading.Barrier(8)

def draw():
    together.wait()
    drawn.extend(equation_svg(rf"x^{number} + \\sigma_{number}", "black") for number in range(9))

sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=draw) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(before == list(warnings.filters), len(set(drawn)))
"""


@pytest.mark.parametrize("steps", [999_999, 1_000_000, 1_234_567])
def test_a_large_number_is_not_cut(form, state, steps):
    row = make_field(state, "training.steps", "steps")
    form(row)
    state.edit({"training.steps": steps})
    edit = row.number
    assert edit.fontMetrics().horizontalAdvance(edit.text()) <= edit.width() - 4  # 2 px at each side


def test_a_long_name_takes_its_width_beside_its_chip(form, state):
    row = make_field(state, "sampling.corrector_steps", "steps of the corrector")
    form(row)
    assert row.chip is not None
    assert row.label.width() >= row.label.sizeHint().width() > 54


def test_what_was_typed_goes_with_the_row_of_its_kind(window):
    window.state.edit({"noise.kind": "ve", "sampling.kind": "edm"})
    rows = window.panel(SamplingPanel).findChildren(NumberField)
    number = next(row for row in rows if row.key == "sampling.churn").number
    window.panel(SamplingPanel).set_folded(False)
    number.setFocus()
    number.selectAll()
    QTest.keyClicks(number, "3")
    assert number.dirty
    window.state.undo()
    wait()  # a KeyError in a slot fails the test
    assert window.state.experiment.sampling.kind != "edm"
