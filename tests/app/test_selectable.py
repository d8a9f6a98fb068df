"""What is copied from the window can be pasted into a table or a program."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QClipboard, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu

from playground.app.style.wrapping import BREAK, breakable
from playground.app.widgets.selectable import SelectableLabel

SHOWN = "−3.92 − 3.21 of 20\u202f000"
COPIED = "-3.92 - 3.21 of 20000"


@pytest.fixture
def label(qtbot) -> Iterator[SelectableLabel]:
    made = SelectableLabel(SHOWN)
    qtbot.addWidget(made)
    made.show()
    QApplication.clipboard().clear()
    yield made
    QApplication.clipboard().clear()


def menu_of(label: SelectableLabel) -> QMenu:
    middle = label.rect().center()
    QApplication.sendEvent(label, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, middle, label.mapToGlobal(middle)))
    return label.findChildren(QMenu)[-1]


def test_by_key(label):
    label.setSelection(0, 5)
    QTest.keyClick(label, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "-3.92"
    assert not QApplication.clipboard().mimeData().hasHtml()  # of which a table would take the other sign
    QTest.keyClick(label, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(label, Qt.Key.Key_Insert, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == COPIED
    assert label.text() == SHOWN


def test_by_menu(label):
    copy, everything = menu_of(label).actions()
    assert not copy.isEnabled()  # nothing is selected
    everything.trigger()
    label.findChild(QMenu).close()
    copy, _ = menu_of(label).actions()
    copy.trigger()
    assert QApplication.clipboard().text() == COPIED


def test_by_selecting_where_the_system_copies_then(label, monkeypatch):
    said = []
    monkeypatch.setattr(QClipboard, "supportsSelection", lambda _: True)
    monkeypatch.setattr(QClipboard, "setText", lambda _, text, mode: said.append((text, mode)))
    start, end = QPoint(0, label.height() // 2), QPoint(label.width() - 1, label.height() // 2)
    QTest.mousePress(label, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(label, end)
    QTest.mouseRelease(label, Qt.MouseButton.LeftButton, pos=end)
    assert said == [(COPIED, QClipboard.Mode.Selection)]


def test_a_long_name_is_copied_without_its_breaks(label):
    label.setText(breakable(80 * "n"))
    assert BREAK in label.text()
    label.setSelection(0, len(label.text()))
    QTest.keyClick(label, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == 80 * "n"


def test_every_text_that_can_be_selected_is_copied_so(window):
    window.notices.notify("warning", "A sentence.")  # which settling dismisses
    by_mouse = Qt.TextInteractionFlag.TextSelectableByMouse
    selectable = [label for label in window.findChildren(QLabel) if label.textInteractionFlags() & by_mouse]
    assert len(selectable) > 20
    assert all(isinstance(label, SelectableLabel) for label in selectable)
    window.toasts.settle()
