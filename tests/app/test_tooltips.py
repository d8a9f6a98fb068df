"""Tooltips: none is wider than a paragraph, whatever it says and wherever it stands."""

import re

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtWidgets import QComboBox, QMenu, QTreeView, QWidget

from playground.app.dialogs.audit_dialog import AuditDialog
from playground.app.dialogs.boltzmann.window import BoltzmannWindow
from playground.app.dialogs.export_dialog import ExportDialog
from playground.app.dialogs.runs_window import RunsWindow
from playground.app.style import theme
from playground.app.style.wrapping import wrapped
from playground.app.widgets.table import Table
from playground.lab.claims import Claim
from tests.app.conftest import pinned_run, put_pin, wait

RAW_INDEX = re.compile(r"(?<!\w)\w_\w")
WIDEST = 360  # px of a line that Qt does not break


def tooltips(window: QWidget) -> list[str]:
    """Of everything in a window: widgets, actions and the entries of lists and tables."""
    found = [widget.toolTip() for widget in (window, *window.findChildren(QWidget))]
    found += [action.toolTip() for action in window.findChildren(QAction)]
    for box in window.findChildren(QComboBox):
        found += [box.itemData(row, Qt.ItemDataRole.ToolTipRole) or "" for row in range(box.count())]
    for table in window.findChildren(QTreeView):
        model, parents = table.model(), [QModelIndex()]
        for parent in parents:
            rows, columns = range(model.rowCount(parent)), range(model.columnCount(parent))
            cells = [model.index(row, column, parent) for row in rows for column in columns]
            found += [cell.data(Qt.ItemDataRole.ToolTipRole) for cell in cells]
            parents += cells
        heads = range(model.columnCount())
        found += [model.headerData(head, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole) for head in heads]
        found.append(wrapped(table.tip_below) if isinstance(table, Table) else "")
    return [tip for tip in found if tip]


def too_wide(tips: list[str]) -> list[str]:
    metrics = QFontMetrics(theme.text_font())
    plain = [tip for tip in tips if not tip.startswith("<p>")]
    return [tip for tip in plain for line in tip.splitlines() if metrics.horizontalAdvance(line) > WIDEST]


@pytest.mark.parametrize("kind", ["points", "images"])
def test_no_tooltip_of_the_window_is_wider_than_a_paragraph(window, tmp_path, kind):
    before = window.state.experiment
    recent = tmp_path / f"{40 * 'long-'}.spg"
    recent.touch()
    window.preferences.add_recent(recent)
    for menu in window.findChildren(QMenu):
        menu.aboutToShow.emit()  # which fills that of the recent files
    if kind == "images":
        window.state.edit({"data.kind": "digits"})
        wait(
            lambda: window.controllers.state.problem is not None and window.controllers.state.problem.is_image,
        )
    window.actions_by_key.refresh()
    tips = tooltips(window)
    assert len(tips) > 200
    assert too_wide(tips) == []
    assert any("long-" in tip for tip in tips)
    assert [tip for tip in tips if RAW_INDEX.search(re.sub("<code>.*?</code>", "", tip))] == []
    assert any("s<sub>θ</sub>" in tip for tip in tips)
    window.state.load(before)
    wait(
        lambda: window.controllers.state.problem is not None and not window.controllers.state.problem.is_image,
    )


def test_no_tooltip_of_the_other_windows_is_wider_than_a_paragraph(window, tmp_path):
    dialogs = [ExportDialog(kind, tmp_path / "moons", window.preferences, window) for kind in ("video", "picture")]
    boltzmann = BoltzmannWindow(window)
    audit = AuditDialog(window.state, window)
    audit.table.add(
        Claim("scores", 20 * "a long claim, ", lambda: 0.0, words=20 * "a long failure, ", advice="Mend it.")
    )
    put_pin(window.state, pinned_run(1, 60 * "n"))
    runs = RunsWindow(window.controllers, lambda: None)
    window.dialogs.show("log")
    for dialog in (*dialogs, boltzmann, audit, runs, window.dialogs.made["log"]):
        assert too_wide(tooltips(dialog)) == [], dialog
    assert tooltips(boltzmann)
    assert any("a long claim" in tip for tip in tooltips(audit))
    assert any("a long failure" in tip for tip in tooltips(audit))
    for shown in (window, runs):
        tips = tooltips(shown)
        assert any("These samples were not measured." in tip for tip in tips)
        assert any("Click to sort." in tip for tip in tips)
        assert any("The settings that differ" in tip for tip in tips)
    assert boltzmann.shutdown(5)
    window.dialogs.made["log"].close()
    for dialog in (*dialogs, boltzmann, audit, runs):
        dialog.deleteLater()


def test_a_chip_of_a_layer_that_cannot_be_shown_wraps_too(window):
    chip = window.chips.chips["exact"]
    chip.set_available(False, "Its density is <unknown>.")
    assert "&lt;unknown&gt;" in chip.toolTip()
    assert "<unknown>" in chip.accessibleDescription()
    assert too_wide([chip.toolTip()]) == []
    chip.set_available(True)


def test_a_name_without_a_blank_is_broken():
    assert wrapped("n" * 80).count("\u200b") == 2
