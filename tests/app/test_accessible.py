"""What assistive technology is told of every widget that takes the focus, and that the whole program works by keyboard."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QDialog, QWidget

from playground.app.actions import ACTIONS, MENUS
from playground.app.dialog_registry import DIALOGS
from playground.app.panels import SamplingPanel
from playground.app.widgets.controls import Slider
from tests.app.conftest import wait

ROLE, TEXT = QAccessible.Role, QAccessible.Text
UNTOLD = {ROLE.NoRole, ROLE.Client, ROLE.Window, ROLE.Pane}
VALUED = {ROLE.Slider, ROLE.SpinBox, ROLE.ProgressBar}
DESCRIBED = {ROLE.Canvas, ROLE.Chart, ROLE.List, ROLE.Table}


def focusable(root: QWidget) -> Iterator[QWidget]:
    """The widgets of one window that can take the focus and are seen; of a spin box not its own line."""
    for widget in (root, *root.findChildren(QWidget)):
        inner = isinstance(widget.parentWidget(), QAbstractSpinBox)
        takes = widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not inner
        if takes and widget.isVisible() and widget.window() is root.window():
            yield widget


def untold(widget: QWidget) -> str:
    """What is missing from what is told of a widget; nothing where all is told."""
    told = QAccessible.queryAccessibleInterface(widget)
    who = f"{type(widget).__name__} {widget.objectName()} {told.text(TEXT.Name)!r}, {told.role().name}"
    value, description = told.text(TEXT.Value), told.text(TEXT.Description)
    if not told.text(TEXT.Name).strip():
        return f"no name: {who}"
    if told.role() in UNTOLD:
        return f"no role: {who}"
    if told.role() in VALUED and told.valueInterface() is None and not value:
        return f"no value: {who}"
    if isinstance(widget, Slider) and not description:
        return f"a position alone, which is no value: {who}"
    if told.role() in DESCRIBED and type(widget).__module__.startswith("playground") and not description:
        return f"no state: {who}"
    return ""


@pytest.fixture
def open_window(window):
    return _opened(window)


def _opened(window):
    """The window with every card's advanced part."""
    window.resize(1440, 900)
    window.activateWindow()  # the last module's window may have been the active one
    wait(window.isActiveWindow)
    for panel in window.panels:
        if hasattr(panel, "disclosure"):
            panel.disclosure.setChecked(True)
    wait(milliseconds=100)
    return window


def test_every_widget_of_the_window_has_a_name_a_role_and_a_value(open_window):
    open_window.tour.start()
    widgets = list(focusable(open_window))
    assert len(widgets) > 90
    assert [missing for widget in widgets if (missing := untold(widget))] == []
    roles = {QAccessible.queryAccessibleInterface(widget).role() for widget in widgets}
    assert {ROLE.Canvas, ROLE.Chart, ROLE.Slider, ROLE.EditableText, ROLE.CheckBox, ROLE.ComboBox} <= roles
    open_window.tour.end()


@pytest.mark.parametrize("name", [*DIALOGS, "video", "keys", "equation"])
def test_every_widget_of_a_dialog_has_a_name_a_role_and_a_value(open_window, name):
    if name in DIALOGS:
        open_window.dialogs.show(name)
    elif name == "equation":
        open_window.panel(SamplingPanel).equation_button.click()
    else:
        open_window.actions_by_key.trigger({"video": "file.export_video", "keys": "help.keys"}[name])
    wait(milliseconds=100)
    shown = [dialog for dialog in open_window.findChildren(QDialog) if dialog.isVisible()]
    assert shown
    missing = [text for dialog in shown for widget in focusable(dialog) if (text := untold(widget))]
    for dialog in shown:
        dialog.close()
    assert missing == []


def test_a_checked_control_says_so(open_window):
    (chip,) = (chip for key, chip in open_window.chips.chips.items() if key == "trails")
    state = QAccessible.queryAccessibleInterface(chip).state()
    assert state.checkable
    assert bool(state.checked) is chip.isChecked()


def test_every_command_is_in_a_menu_and_the_menus_have_a_key(open_window):
    listed = {key for groups in MENUS.values() for group in groups for key in group}
    assert set(ACTIONS) - listed <= {"file.recent.clear"}  # which stands below the recent files
    assert open_window.findChild(QWidget, "menuButton").focusPolicy() & Qt.FocusPolicy.TabFocus


def _stops(window) -> list[QWidget]:
    """What Tab comes to, from the canvas on, until it is there again."""
    window.activateWindow()
    wait(window.isActiveWindow)
    window.canvas.setFocus()
    seen = [QApplication.focusWidget()]
    for _ in range(300):
        QTest.keyClick(seen[-1], Qt.Key.Key_Tab)
        if QApplication.focusWidget() is seen[0]:
            break
        seen.append(QApplication.focusWidget())
    return seen


def test_tab_comes_to_all_and_goes_from_left_to_right(own_window):
    window = _opened(own_window)  # one that has gone from few cards to all and back has the layers before the cards
    seen = _stops(window)
    tabbed = {one for one in focusable(window) if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isEnabled()}
    grouped = {one for one in tabbed if getattr(one, "group", lambda: None)() is not None}  # arrows go on in these
    assert {untold(one) or one.accessibleName() for one in tabbed - grouped - set(seen)} == set()
    left, centre, right = (window.columns.widget(number) for number in range(3))
    parts = (window.top_bar, left, centre, right, window.transport)
    order = [place for one in seen for place, part in enumerate(parts) if part.isAncestorOf(one)]
    start = order.index(0)  # Tab goes round: begin where the window does
    turned = order[start:] + order[:start]
    assert turned == sorted(turned)


def test_the_focus_is_seen_on_every_kind_of_control(open_window):
    window, kinds, unseen = open_window, dict[tuple, QWidget](), []
    window.controllers.playing.set_playing(False)
    for widget in focusable(window):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isEnabled():
            kinds.setdefault((type(widget), widget.property("role")), widget)
    assert len(kinds) > 12
    for widget in kinds.values():
        column = next((panel.column() for panel in window.panels if panel.isAncestorOf(widget)), None)
        if column is not None:
            column.ensureWidgetVisible(widget)
        around = QRect(widget.mapTo(window, QPoint(-3, -3)), widget.size() + QRect(0, 0, 6, 6).size())
        window.setFocus()
        wait(milliseconds=20)
        before = window.grab(around).toImage()
        wait(milliseconds=20)
        assert window.grab(around).toImage() == before, widget  # nothing else changes there
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        wait(milliseconds=20)
        if window.grab(around).toImage() == before:
            unseen.append(f"{type(widget).__name__} {widget.accessibleName()}")
    window.controllers.playing.set_playing(True)
    window.canvas.setFocus()
    assert unseen == []
