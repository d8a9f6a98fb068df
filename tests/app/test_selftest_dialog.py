"""Help > Self-test: a table that fills itself, can be cancelled and run again, and ends with the window."""

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from playground.app.dialogs import selftest_dialog as module
from playground.app.dialogs.selftest_dialog import SelftestDialog
from playground.lab.selftest import Check

GOOD = Check("noise", "one", lambda: 1e-12, 1e-9)
BAD = Check("films", "two", lambda: 3.0, 2.3, 1.7)


@pytest.fixture
def dialog(qtbot, monkeypatch):
    monkeypatch.setattr(module, "CHECKS", (GOOD, BAD))
    dialog = SelftestDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    yield dialog
    assert dialog.shutdown(5.0)


def cells(dialog: SelftestDialog) -> list[list[str]]:
    areas = [dialog.table.topLevelItem(row) for row in range(dialog.table.topLevelItemCount())]
    items = [area.child(row) for area in areas for row in range(area.childCount())]
    return [[item.text(column) for column in range(4)] for item in items]


def test_it_shows_every_claim_with_its_bound_and_counts_those_that_hold(dialog, qtbot):
    dialog.start()
    assert not dialog.again.isEnabled()
    qtbot.waitUntil(lambda: not dialog.running)
    assert cells(dialog) == [["one", "1.0e-12", "at most 1.0e-09", "yes"], ["two", "3", "1.7 to 2.3", "NO"]]
    assert [dialog.table.topLevelItem(row).text(0) for row in (0, 1)] == ["Noise", "Films"]
    assert dialog.status.text() == "1 of 2 claims hold"
    assert dialog.bar.value() == dialog.bar.maximum() == 2
    assert dialog.cancel_button.text() == "&Close"


def test_it_runs_again_from_the_first_claim(dialog, qtbot):
    for _ in range(2):
        dialog.start()
        qtbot.waitUntil(lambda: not dialog.running)
        assert len(cells(dialog)) == 2
        assert dialog.again.isEnabled()


def held(monkeypatch) -> tuple[threading.Event, threading.Event]:
    """Three claims of which the second waits until it is let go."""
    begun, go = threading.Event(), threading.Event()

    def wait() -> float:
        begun.set()
        go.wait(10)
        return 0.0

    monkeypatch.setattr(module, "CHECKS", (GOOD, Check("noise", "slow", wait, 1.0), BAD))
    return begun, go


def test_cancel_stops_after_the_claim_it_is_at_and_the_dialog_stays(dialog, qtbot, monkeypatch):
    begun, go = held(monkeypatch)
    dialog.start()
    qtbot.waitUntil(begun.is_set)
    qtbot.waitUntil(lambda: dialog.status.text() == "1 of 3 claims measured")
    QTest.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
    assert dialog.status.text() == "Stopping…"
    go.set()
    qtbot.waitUntil(lambda: not dialog.running)
    assert dialog.status.text() == "Cancelled after 2 of 3 claims"
    assert len(cells(dialog)) == 2
    assert dialog.isVisible()
    QTest.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()


def test_closing_stops_it(dialog, qtbot, monkeypatch):
    begun, go = held(monkeypatch)
    dialog.start()
    qtbot.waitUntil(begun.is_set)
    dialog.close()
    go.set()
    qtbot.waitUntil(lambda: not dialog.running)
    assert len(dialog.rows) == 2


def test_the_window_opens_one_and_ends_it_on_leaving(bare_window, qtbot, monkeypatch):
    monkeypatch.setattr(module, "CHECKS", tuple(Check("noise", str(n), lambda: 0.0, 1.0) for n in range(50_000)))
    bare_window.show()
    bare_window.actions_by_key.trigger("help.selftest")
    bare_window.actions_by_key.trigger("help.selftest")
    (dialog,) = bare_window.findChildren(SelftestDialog)
    assert dialog.running
    bare_window.leave()
    assert bare_window.ended
    assert not dialog.running
    assert not dialog.isVisible()
