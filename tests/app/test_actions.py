"""Every command of the registry: it is well described, it can be reached, and it does something without an error."""

import itertools

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QMenu, QPushButton
from pytestqt.exceptions import capture_exceptions

from playground.app.actions import ACTIONS, LAYERS, LESSONS, MENUS, RECENT
from playground.app.bars import TOP_BAR
from playground.app.canvas.legend import KEYS
from playground.app.panels import SamplingPanel
from playground.app.style.wrapping import wrapped
from playground.app.widgets import file_prompts
from tests.app.conftest import wait


def test_every_command_is_described():
    for key, command in ACTIONS.items():
        assert command.text, key
        assert command.tip, key
        assert not command.tip.endswith("."), key
        assert not (command.shortcut and command.key), key


def test_menus_and_top_bar_hold_only_known_keys_and_every_command_once():
    listed = [key for groups in MENUS.values() for group in groups for key in group if key not in (RECENT, LESSONS)]
    assert len(listed) == len(set(listed))
    assert set(listed) | {"file.recent.clear"} == set(ACTIONS)
    assert set(TOP_BAR) <= set(ACTIONS)


def test_no_two_commands_share_a_key(qapp):  # standard keys are the platform's, which an application knows
    sequences = [
        QKeySequence(command.shortcut or command.key).toString()
        for command in ACTIONS.values()
        if command.shortcut or command.key
    ]
    doubles = [key for key, group in itertools.groupby(sorted(sequences)) if len(list(group)) > 1]
    assert doubles == []


def test_every_shortcut_has_keys_on_this_desktop(qapp):  # some desktops have none for a standard one
    without = [
        name for name, command in ACTIONS.items() if command.shortcut and not QKeySequence(command.shortcut).toString()
    ]
    assert without == []


def test_every_layer_of_the_canvas_has_its_command():
    assert tuple(LAYERS) == KEYS
    assert all(f"view.layer.{name}" in ACTIONS for name in KEYS)


@pytest.mark.parametrize("key", [key for key in ACTIONS if key != "file.quit"])
def test_triggering_it_raises_nothing(key, window, monkeypatch):
    monkeypatch.setattr(file_prompts, "open_name", lambda *_: "")
    monkeypatch.setattr(file_prompts, "save_name", lambda *_: ("", ""))
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: isinstance(url, QUrl))
    window.state.mark_saved()
    action = window.actions_by_key[key]
    action.setEnabled(True)
    with capture_exceptions() as raised:
        action.trigger()
        wait()
        for other in QApplication.topLevelWidgets():
            if other.isVisible() and other is not window:
                other.close()
    assert raised == []


@pytest.mark.parametrize("key", [key for key, command in ACTIONS.items() if command.checked])
def test_a_switch_shows_its_state(key, window):
    action = window.actions_by_key[key]
    before = ACTIONS[key].checked(window, window.controllers)
    action.trigger()
    assert action.isChecked() == ACTIONS[key].checked(window, window.controllers)
    if key not in ("view.system_theme", "view.dark", "view.light"):
        assert action.isChecked() != before
        action.trigger()


def test_plain_keys_work_where_nothing_else_wants_them(window):
    window.canvas.setFocus()
    playing = window.controllers.playing.is_playing
    QTest.keyClick(window.canvas.focusProxy(), Qt.Key.Key_Space)
    assert window.controllers.playing.is_playing != playing
    QTest.keyClick(window.canvas.focusProxy(), Qt.Key.Key_Space)
    assert window.controllers.playing.is_playing == playing


def test_a_key_refuses_what_the_panel_refuses_and_says_why(window, connect, qtbot, monkeypatch):
    """Images have no plane for a map, and samples that were given a part of a point are not to be compared with the data."""
    said = []
    add = window.toasts.add
    monkeypatch.setattr(window.toasts, "add", lambda *words: (said.append(words[1]), add(*words))[1])
    connect(window.state.notified, lambda notification: said.append(notification.message))
    actions = window.actions_by_key
    window.state.edit({"sampling.inpainting_mask": "left"})
    actions.refresh()
    assert not actions["measure.samples"].isEnabled()
    assert "choose inpainting mask “None”" in actions["measure.samples"].toolTip()
    window.state.edit({"sampling.inpainting_mask": "none", "data.kind": "digits", "network.width": 8})
    qtbot.waitUntil(lambda: window.controllers.state.problem.is_image)
    qtbot.keyClick(window.canvas.surface, Qt.Key.Key_D)
    assert not window.controllers.jobs.running("density")
    assert [message.code for message in said] == ["no-plane"]
    window.state.edit({"data.kind": "two-moons"})
    qtbot.waitUntil(lambda: not window.controllers.state.problem.is_image)
    window.toasts.review()
    assert not window.toasts.shown  # it holds no longer


def test_space_presses_the_focused_button_and_does_not_play(window):
    button = window.findChild(QPushButton, "train.toggle.button")
    button.setFocus()
    wait(lambda: not window.controllers.building.busy)
    playing = window.controllers.playing.is_playing
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert window.controllers.training.status == "training"
    assert window.controllers.playing.is_playing == playing
    window.controllers.training.pause()


def test_letters_can_be_typed_into_a_field(window):
    loop = window.controllers.playing.loop
    window.exports.picture()
    field = window.exports.dialog.form.path
    field.clear()
    QTest.keyClicks(field, "loop")
    assert field.text() == "loop"
    assert window.controllers.playing.loop == loop
    window.exports.dialog.close()


def test_undo_names_what_it_takes_back_and_redo_what_it_does_again(window):
    undo, redo = (window.actions_by_key[f"edit.{way}"] for way in ("undo", "redo"))
    step = f"batch B: {window.state.value('training.batch')} → 77"
    window.state.edit({"training.batch": 77})
    window.actions_by_key.refresh()
    assert undo.isEnabled()
    assert (undo.text(), redo.text()) == (f"Undo {step}", "Redo")
    window.actions_by_key.trigger("edit.undo")
    assert window.state.experiment.training.batch != 77
    assert redo.isEnabled()
    assert redo.text() == f"Redo {step}"


def test_undo_of_an_opened_file_names_the_file(window, tmp_path):
    path = tmp_path / "moons & co.csv"
    path.write_text("x,y\n" + "".join(f"{number},{number**2}\n" for number in range(300)))
    window.state.mark_saved()
    window.opening.open(path)
    wait(lambda: window.state.experiment.data.file == str(path))
    window.actions_by_key.refresh()
    assert window.actions_by_key["edit.undo"].text() == "Undo opening of moons && co.csv"
    window.state.undo()
    window.actions_by_key.refresh()
    assert window.actions_by_key["edit.redo"].text() == "Redo opening of moons && co.csv"


def test_recent_files_fill_their_menu(window, tmp_path):
    window.documents.clear_recent()
    recent = next(menu for menu in window.findChildren(QMenu) if menu.title() == "Open recent")
    recent.aboutToShow.emit()
    assert [action.text() for action in recent.actions()] == ["None yet"]
    path = tmp_path / "points.csv"
    path.write_text("x")
    window.preferences.add_recent(path)
    recent.aboutToShow.emit()
    assert recent.actions()[0].text() == "points.csv"
    runs = [tmp_path / run / "model.safetensors" for run in ("moons", "rings & co")]
    for path in runs:
        path.parent.mkdir()
        path.write_text("x")
        window.preferences.add_recent(path)
    recent.aboutToShow.emit()
    assert [action.text() for action in recent.actions()[:2]] == [
        "rings && co/model.safetensors",
        "moons/model.safetensors",
    ]
    assert recent.toolTipsVisible()
    assert recent.actions()[0].toolTip() == wrapped(str(runs[1]))


def test_the_list_of_keys_has_a_key_in_every_row_and_the_menu_s(window):
    window.actions_by_key.trigger("help.keys")
    dialog = window.findChild(QDialog, "keysDialog")
    labels = dialog.findChildren(QLabel)
    assert all(label.text() for label in labels)
    assert {"All menus", "F10", "Zoom", "Shift+Enter"} <= {label.text() for label in labels}
    dialog.close()


def test_ctrl_c_copies_the_canvas_but_for_text_that_is_edited(window, monkeypatch):
    copied = []
    monkeypatch.setattr(window.exports, "copy_picture", lambda: copied.append(True))
    window.activateWindow()
    window.canvas.setFocus()
    QTest.keyClick(window.canvas.focusWidget() or window.canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert copied == [True]
    edit = next(edit for edit in window.panel(SamplingPanel).findChildren(QLineEdit) if edit.isVisible())
    edit.setFocus()
    edit.selectAll()
    QTest.keyClick(edit, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert copied == [True]
    assert QApplication.clipboard().text() == edit.text()


def test_an_edit_touches_no_command_that_stays_as_it_is(window, connect):
    command = window.actions_by_key["sample.play"]
    window.state.edit({"sampling.steps": 40})
    wait()
    told: list[None] = []
    connect(command.changed, lambda: told.append(None))
    window.state.edit({"sampling.steps": 41})
    window.actions_by_key.refresh()
    assert told == []
    window.state.edit({"data.kind": "drawn"})  # nothing is to be played
    assert told
    assert not command.isEnabled()
