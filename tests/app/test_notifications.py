"""Toasts: what they say, how long they stay, and that they can be reached and dismissed."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QToolButton, QWidget

from playground.app.widgets import toasts as module
from playground.app.widgets.toasts import MOST, WIDTH, Toasts


@pytest.fixture
def window(qtbot):
    window = QWidget()
    window.resize(1280, 600)
    qtbot.addWidget(window)
    window.show()
    return window


@pytest.fixture
def over(window):
    """A part at the window's top."""
    over = QWidget(window)
    over.setGeometry(16, 0, 700, 52)
    over.show()
    return over


@pytest.fixture
def toasts(window, over):
    QCursor.setPos(window.mapToGlobal(window.rect().bottomLeft()))  # a toast does not leave from under the pointer
    instead = QWidget(window)
    instead.setGeometry(300, 100, 900, 400)
    instead.show()
    return Toasts(over, instead)


def test_toast_covers_its_part_of_the_window_and_nothing_else(toasts, over, qtbot):
    toasts.add("info", "Saved two-moons.spg.")
    assert over.geometry().contains(toasts.geometry())
    assert toasts.width() == over.width()
    over.resize(1200, 52)
    qtbot.waitUntil(lambda: toasts.width() == WIDTH)
    assert over.geometry().contains(toasts.geometry())


def test_without_that_part_a_toast_stands_at_the_lower_edge_of_another(toasts, over, qtbot):
    over.hide()
    toasts.add("info", "Escape leaves the presenter mode.")
    instead = QRect(300, 100, 900, 400)
    qtbot.waitUntil(lambda: toasts.geometry().bottom() == instead.bottom())
    assert instead.contains(toasts.geometry())


def test_long_sentence_is_wrapped_not_cut(toasts, qtbot):
    toast = toasts.add("error", "points.csv cannot be read: line 17 has three columns, not two. " * 4)
    qtbot.wait(20)
    label = toast.label
    assert label.height() >= label.heightForWidth(label.width())


def test_a_toast_takes_little_height_and_its_button_goes_below_only_where_there_is_no_room(toasts, over, qtbot):
    toast = toasts.add("error", "Something went wrong; the log has the details.", LOG)
    qtbot.waitUntil(lambda: toast.height() < 50)
    assert toast.button.y() < toast.label.geometry().bottom()
    over.resize(380, 52)
    qtbot.waitUntil(lambda: toast.button.y() > toast.label.geometry().bottom())
    assert over.window().rect().contains(toasts.geometry())


LOG = ("Copy log", "Copy the log", lambda: None)


def test_what_the_user_can_mend_goes_by_itself_and_errors_of_the_program_stay(toasts, qtbot, monkeypatch):
    assert module.MILLISECONDS["error"] == 12_000
    for level in ("info", "error"):
        monkeypatch.setitem(module.MILLISECONDS, level, 30)
    toasts.add("info", "Saved.")
    toasts.add("error", "points.csv, line 17: three columns, not two.")
    failure = toasts.add("error", "It broke.", LOG)
    qtbot.waitUntil(lambda: toasts.shown == [failure])
    qtbot.wait(60)
    assert toasts.shown == [failure]


def test_an_error_of_the_program_gives_way_to_those_that_wait_and_comes_back(toasts, qtbot, monkeypatch):
    monkeypatch.setitem(module.MILLISECONDS, "error", 30)
    note = toasts.add("info", "Saved.")
    failure = toasts.add("error", "It broke.", LOG)
    assert failure.isVisible()
    qtbot.waitUntil(note.isVisible)
    assert not failure.isVisible()
    note.dismiss()
    assert failure.isVisible()


def test_an_error_goes_once_its_cause_is_gone(toasts):
    note = toasts.add("info", "Saved.")
    toasts.add("error", "points.csv, line 17: three columns, not two.")
    failure = toasts.add("error", "It broke.", LOG)
    toasts.settle()
    assert toasts.shown == [failure, note]


def close(toast) -> None:
    toast.findChild(QToolButton, "toastClose").click()


def test_closing_an_error_brings_nothing_older_back(toasts):
    toasts.add("info", "Saved a.spg.")
    for sentence in ("a.csv cannot be read.", "b.csv cannot be read."):
        toasts.add("error", sentence)
    close(toasts.shown[0])
    assert toasts.shown == []


def test_closing_a_note_brings_the_older_error_back_but_no_older_note(toasts):
    toasts.add("info", "The run has not ended yet.")
    error = toasts.add("error", "a.csv cannot be read.")
    toasts.add("info", "This run is pinned.")
    close(toasts.shown[0])
    assert toasts.shown == [error]
    assert error.isVisible()


def test_closing_an_older_error_leaves_the_newer_one(toasts, qtbot, monkeypatch):
    monkeypatch.setitem(module.MILLISECONDS, "error", 30)
    old = toasts.add("error", "It broke.", LOG)
    new = toasts.add("error", "It broke again.", LOG)
    qtbot.waitUntil(old.isVisible)  # the new one gave way to it
    monkeypatch.setitem(module.MILLISECONDS, "error", 60_000)
    close(old)
    assert toasts.shown == [new]


def test_a_click_dismisses(toasts, qtbot):
    toast = toasts.add("error", "It broke.")
    close = toast.findChild(QToolButton, "toastClose")
    assert close.accessibleName() == "Dismiss"
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert toasts.shown == []
    assert not toasts.isVisible()


def test_the_offer_runs_once_and_the_toast_goes(toasts, qtbot):
    done = []
    toast = toasts.add("warning", "Training diverged.", ("Reset", "Forget the weights", lambda: done.append(1)))
    assert "Forget the weights" in toast.button.toolTip()
    qtbot.mouseClick(toast.button, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert done == [1]
    assert toasts.shown == []


def test_the_same_sentence_is_counted_not_piled_up(toasts):
    first = toasts.add("warning", "Slow disk.")
    assert toasts.add("warning", "Slow disk.") is first
    assert first.title.text() == "Warning ×2"
    assert len(toasts.shown) == 1


def test_at_most_a_few_at_once_newest_on_top_and_errors_of_the_program_last_longest(toasts):
    toasts.add("error", "It broke.", LOG)
    for number in range(MOST + 2):
        toasts.add("error", f"Error {number}.")
    assert [toast.sentence for toast in toasts.shown] == ["Error 4.", "Error 3.", "It broke."]


def test_reader_hears_level_and_sentence(toasts):
    assert toasts.add("error", "It broke.").accessibleName() == "Error: It broke."


def test_the_newest_is_shown_and_an_older_one_in_the_rest_of_its_time(toasts, qtbot, monkeypatch):
    monkeypatch.setitem(module.MILLISECONDS, "info", 300)
    old = toasts.add("error", "pts.npz holds no array of images: save one of shape (N, height, width).")
    new = toasts.add("info", "Training was reset: 12 000 steps are put aside.", LOG)
    assert new.isVisible()
    assert not old.isVisible()
    qtbot.waitUntil(old.isVisible)
    assert toasts.shown == [old]


@pytest.mark.parametrize("times", [1, 2])
def test_a_note_ends_behind_an_error_and_does_not_come_back_minutes_later(toasts, qtbot, monkeypatch, times):
    monkeypatch.setitem(module.MILLISECONDS, "info", 30)
    for _ in range(times):
        toasts.add("info", "Saved a.spg.")
    error = toasts.add("error", "b.csv cannot be read.")
    qtbot.waitUntil(lambda: toasts.shown == [error])
    assert error.isVisible()
