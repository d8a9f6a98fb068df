"""Equations in large type, and the glossary: opened by mouse and by keyboard, each symbol explained."""

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox

from playground.app.dialogs.glossary_dialog import GlossaryDialog
from playground.app.panels import LikelihoodPanel, NoisePanel, RunsPanel, SamplingPanel
from playground.app.widgets.equation_dialog import EquationDialog
from playground.lab.experiment import every_field
from playground.lab.glossary import found
from tests.app.conftest import wait

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def opened(window):
    """The shared window and the dialog that is open over it."""
    yield lambda: window.findChild(EquationDialog)
    dialog = window.findChild(EquationDialog)
    if dialog is not None:
        dialog.close()


def test_a_click_opens_the_equation_of_the_chosen_sampler_with_its_symbols(window, opened):
    card = window.panel(SamplingPanel)
    QTest.mouseClick(card.equation_button, LEFT)
    dialog = opened()
    assert dialog.isVisible()
    assert not dialog.isModal()
    assert dialog.choice.currentText() == "Sampler: Reverse SDE"
    assert dialog.view.latex == every_field()["sampling.kind"].equation_of("reverse-sde")
    assert dialog.view.sizeHint().height() > 40
    text = dialog.symbols.toPlainText()
    for word in ("drift", "diffusion coefficient", "score", "Brownian motion"):
        assert word in text
    copy = next(one for one in dialog.findChild(QDialogButtonBox).buttons() if "LaTeX" in one.text())
    copy.setFocus()
    QTest.keyClick(copy, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert QGuiApplication.clipboard().text() == dialog.view.latex


def test_the_glossary_writes_every_index_below_the_line_and_nothing_else(window):
    window.dialogs.show("glossary")
    dialog = window.findChild(GlossaryDialog)
    dialog.line.clear()
    try:
        shown = dialog.entries.toHtml()
        low = set(re.findall(r"vertical-align:sub;[^>]*>([^<]*)<", shown))
        assert {"θ", "σ", "min", "k+1", "data", "churn"} <= low
        assert max(map(len, low)) <= 5
        assert "_" not in dialog.entries.toPlainText()
    finally:
        dialog.close()


def test_enter_opens_it_too_and_every_equation_of_the_card_can_be_chosen(window, opened):
    card = window.panel(SamplingPanel)
    window.activateWindow()
    card.equation_button.setFocus(Qt.FocusReason.TabFocusReason)
    wait(card.equation_button.hasFocus)
    QTest.keyClick(card.equation_button, Qt.Key.Key_Return)
    dialog, seen = opened(), set()
    assert dialog.isVisible()
    for place in range(dialog.choice.count()):
        dialog.choice.setCurrentIndex(place)
        seen.add(dialog.view.latex)
        assert dialog.symbols.toPlainText().strip()
        assert not dialog.view.grab().isNull()
    assert {option.equation for option in every_field()["sampling.kind"].options.values()} <= seen
    assert len(seen) > 12


def test_shift_f1_opens_the_equation_of_the_setting_that_has_the_focus(window, opened):
    row = window.panel(NoisePanel).kind
    row.control.setFocus()
    QTest.keyClick(row.control, Qt.Key.Key_F1, Qt.KeyboardModifier.ShiftModifier)
    assert opened().isVisible()
    assert opened().view.latex == every_field()["noise.kind"].equation_of("ve")


def test_figures_have_equations_and_cards_without_any_have_no_button(window):
    names = [one.name for one in window.panel(LikelihoodPanel).equations()]
    assert any(name.startswith("test NLL") for name in names)
    assert not window.panel(RunsPanel).equation_button.isVisible()


def test_the_glossary_finds_what_is_typed(window):
    window.actions_by_key.trigger("help.glossary")
    dialog = window.dialogs.made["glossary"]
    assert dialog.isVisible()
    assert "entries" in dialog.count.text()
    QTest.keyClicks(dialog.line, "brownian")
    assert "w" in dialog.entries.toPlainText()
    assert dialog.count.text() == f"{len(found('brownian'))} entries"
    assert "Brownian motion" in dialog.entries.toPlainText()
    assert "mode weights" not in dialog.entries.toPlainText()
    dialog.line.clear()
    assert "finest noise level" in dialog.entries.toPlainText()
    dialog.close()
