"""Tools > Audit and Help > Self-test: any kind, the experiment's own settings, a table, charts, cancelling and what cannot be audited."""

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from playground.app.dialogs.audit_dialog import SELFTEST, AuditDialog
from playground.app.model.state import State
from playground.drawing import selftest
from playground.kinds.kind import registered
from playground.lab import audit as audits
from playground.lab import lessons, step_measuring
from playground.lab.audit import Audit, Claim
from playground.lab.audit.chart import chart, line
from playground.lab.experiment import Experiment, replace
from playground.lab.lessons import MeasuredStep

INF = float("inf")
CHART = chart("One", "n", "error", [line("own", [1.0, 2.0], [0.5, 0.25])], log_y=True)


@pytest.fixture
def dialog(qtbot) -> Iterator[AuditDialog]:
    dialog = AuditDialog(State(replace(Experiment(), {"sampling.solver": "shark"})))
    qtbot.addWidget(dialog)
    dialog.show()
    yield dialog
    assert dialog.shutdown(10)


def put(monkeypatch: pytest.MonkeyPatch, *claims: Claim) -> list[Experiment]:
    """These claims in place of any kind's; returns the experiments that are asked for."""
    asked = list[Experiment]()

    def made(experiment: Experiment, section: str) -> Audit:
        asked.append(experiment)
        return Audit("", "", claims, lambda: (CHART,))

    monkeypatch.setattr(audits, "audit", made)
    return asked


def cells(dialog: AuditDialog) -> list[list[str]]:
    areas = [dialog.table.topLevelItem(row) for row in range(dialog.table.topLevelItemCount())]
    items = [area.child(row) for area in areas for row in range(area.childCount())]
    return [[item.text(column) for column in range(4)] for item in items]


def words(dialog: AuditDialog) -> list[str]:
    """What stands below the claims."""
    areas = [dialog.table.topLevelItem(row) for row in range(dialog.table.topLevelItemCount())]
    items = [area.child(row) for area in areas for row in range(area.childCount())]
    return [item.child(row).text(0) for item in items for row in range(item.childCount())]


def test_it_lists_every_kind_and_begins_with_the_sampler(dialog: AuditDialog) -> None:
    assert dialog.kinds.count() == len(registered()) + 1  # and the self-test
    assert dialog.kinds.currentData() == "sampling.reverse-sde"
    assert dialog.kinds.currentText() == "Sample: Reverse SDE"
    dialog.choose("noise.vp")
    assert dialog.kinds.currentData() == "noise.vp"


def test_an_empty_table_says_what_fills_it(dialog: AuditDialog) -> None:
    picture = dialog.table.viewport().grab()
    dialog.table.empty = ""
    assert dialog.table.viewport().grab().toImage() != picture.toImage()
    assert dialog.table.accessibleDescription().startswith("Run measures")


def test_claims_measurements_and_charts(dialog: AuditDialog, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = put(
        monkeypatch,
        Claim("law", "one", lambda: 0.5, 1.0),
        Claim("law", "two", lambda: 7.0, INF),
        Claim("cost", "three", lambda: 2.0, INF, 3.0),
    )
    QTest.mouseClick(dialog.run_button, Qt.MouseButton.LeftButton)
    assert not dialog.run_button.isEnabled()
    qtbot.waitUntil(lambda: not dialog.running)
    assert cells(dialog) == [
        ["one", "0.5", "at most 1", "yes"],
        ["two", "7", "none", "–"],
        ["three", "2", "at least 3", "NO"],
    ]
    assert dialog.status.text() == "1 of 2 claims hold"
    assert [box.isVisible() for box in dialog.boxes] == [True, False]
    assert dialog.titles[0].text() == "One"
    assert [series.name for series in dialog.charts[0].series] == ["own"]
    assert asked[0].sampling.solver == "shark"
    dialog.choose("sampling.mala")
    dialog.run()
    qtbot.waitUntil(lambda: not dialog.running)
    assert asked[1].sampling.kind == "mala"


def test_cancel_stops_after_the_claim_it_is_at(dialog: AuditDialog, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Event(), threading.Event()

    def wait() -> float:
        begun.set()
        go.wait()
        return 0.0

    put(monkeypatch, Claim("a", "slow", wait, 1.0), Claim("a", "never", lambda: 0.0, 1.0))
    dialog.run()
    qtbot.waitUntil(begun.is_set)
    QTest.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
    go.set()
    qtbot.waitUntil(lambda: not dialog.running)
    assert dialog.status.text() == "Cancelled after 1 of 2"
    assert dialog.isVisible()


def test_what_has_no_data_gets_a_sentence(dialog: AuditDialog, qtbot) -> None:
    dialog.choose("data.drawn")
    dialog.run()
    qtbot.waitUntil(lambda: not dialog.running)
    assert dialog.status.text().startswith("Nothing is drawn yet")
    assert dialog.run_button.isEnabled()


def test_return_presses_close_where_it_has_the_focus_and_run_elsewhere(dialog: AuditDialog, qtbot, monkeypatch) -> None:
    put(monkeypatch, Claim("law", "one", lambda: 0.5, 1.0))
    dialog.kinds.setFocus()
    QTest.keyClick(dialog.kinds, Qt.Key.Key_Return)
    assert dialog.running
    qtbot.waitUntil(lambda: not dialog.running)
    dialog.cancel_button.setFocus()
    QTest.keyClick(dialog.cancel_button, Qt.Key.Key_Return)
    assert not dialog.running
    assert not dialog.isVisible()


def test_the_real_audit_of_a_noise(dialog: AuditDialog, qtbot) -> None:
    dialog.choose("noise.single")
    dialog.run()
    qtbot.waitUntil(lambda: not dialog.running)
    assert dialog.status.text() == "1 of 1 claims hold"
    assert not any(box.isVisible() for box in dialog.boxes)


def test_it_runs_again_from_the_first_claim(dialog: AuditDialog, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, Claim("law", "one", lambda: 0.5, 1.0), Claim("cost", "two", lambda: 1 / 0, 1.0))
    for _ in range(2):
        dialog.run()
        qtbot.waitUntil(lambda: not dialog.running)
        assert [line[1] for line in cells(dialog)] == ["0.5", ""]
        assert words(dialog) == ["ZeroDivisionError: division by zero"]
        assert dialog.bar.value() == dialog.bar.maximum() == 2


def test_help_begins_the_self_test_in_the_same_dialog_and_the_window_ends_it(bare_window, monkeypatch) -> None:
    claims = tuple(Claim("noise", str(number), lambda: 0.0, 1.0) for number in range(50_000))
    monkeypatch.setattr(selftest, "selftest", lambda: Audit(SELFTEST, "", claims))
    bare_window.show()
    bare_window.actions_by_key.trigger("tools.audit")
    bare_window.actions_by_key.trigger("help.selftest")
    bare_window.actions_by_key.trigger("help.selftest")
    (dialog,) = bare_window.findChildren(AuditDialog)
    assert dialog.running
    assert dialog.kinds.value() == SELFTEST
    bare_window.dialogs.show_audit("noise.vp")  # while it runs
    assert dialog.kinds.value() == SELFTEST
    bare_window.leave()
    assert bare_window.ended
    assert not dialog.running
    assert not dialog.isVisible()


def test_the_lesson_in_view_is_checked_by_a_press(window, qtbot) -> None:
    action = window.actions_by_key["learn.check"]
    assert not action.isEnabled()
    window.controllers.lessons.begin(lessons.load_all()["01-score"])
    qtbot.waitUntil(action.isEnabled)
    action.trigger()
    dialog = window.dialogs.made["audit"]
    assert dialog.running
    assert dialog.kinds.currentText() == "Lesson: What a score is"
    qtbot.waitUntil(lambda: not dialog.running)
    rows = cells(dialog)
    assert dialog.status.text() == f"{len(rows)} of {len(rows)} claims hold"
    assert [row[3] for row in rows] == ["yes"] * len(rows)
    assert any("Measured -6.56" in text for text in words(dialog))


def test_a_step_of_a_lesson_that_is_not_measured_to_its_end_has_no_row(dialog, qtbot, monkeypatch) -> None:
    begun = threading.Event()

    def endless(step) -> Iterator[tuple[float, MeasuredStep]]:
        begun.set()
        while True:
            yield 0.5, MeasuredStep(step, {})

    monkeypatch.setattr(step_measuring, "measure", endless)
    dialog.check(lessons.load_all()["01-score"])
    qtbot.waitUntil(begun.is_set)
    dialog.reject()
    qtbot.waitUntil(lambda: not dialog.running)
    assert cells(dialog) == [] or all(row[3] == "yes" for row in cells(dialog))  # equations were drawn before
    assert dialog.status.text().startswith("Cancelled after")
