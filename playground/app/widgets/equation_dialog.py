"""An equation in large type, with the meaning of each of its symbols."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from PySide6.QtCore import Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QTextBrowser, QVBoxLayout, QWidget

from playground.app.style import theme
from playground.app.style.labels import capital
from playground.app.style.theme import UNIT
from playground.app.style.wrapping import with_indices
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption, named, show_text, text_line
from playground.app.widgets.controls import ChoiceBox
from playground.app.widgets.dialog import Dialog
from playground.app.widgets.equation_view import EquationView
from playground.app.widgets.file_prompts import close_buttons
from playground.lab.equation_symbols import explained

LARGE = 34  # px, height of the letters
NAME = "equationDialog"


@dataclass(frozen=True)
class NamedEquation:
    """An equation with its name and a sentence about it."""

    name: str
    meaning: str
    latex: str


@runtime_checkable
class WithEquations(Protocol):
    """A control or figure that has equations; the first is the current one."""

    def equations(self) -> list[NamedEquation]:
        """The equations that can be opened; empty if there are none."""


class EquationDialog(Dialog):
    """Shows one of several equations in large type, with its symbols below in order of appearance."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(NAME, "Equation", parent, (620, 500))
        self._equations: tuple[NamedEquation, ...] = ()
        self.choice = ChoiceBox(())
        named(self.choice, "Equation", "Which equation is shown.")
        self.choice.currentIndexChanged.connect(self._show)
        self.heading, self.meaning = text_line(role="heading"), caption()
        self.view = EquationView(LARGE)
        ground = QFrame()
        theme.set_role(ground, "card")
        QVBoxLayout(ground).addWidget(self.view)
        self.symbols = QTextBrowser()
        named(self.symbols, "Symbols and their meanings", "Each symbol with its meaning, as in the glossary.")
        copy = button(
            "&Copy LaTeX",
            "Copy the equation as LaTeX, to paste into a text",
            lambda: QGuiApplication.clipboard().setText(self.view.latex),
        )
        buttons = close_buttons(self, copy)
        layouts.down(
            self.choice, self.heading, self.meaning, ground, (self.symbols, 1), buttons, within=self, spacing=UNIT
        )

    def show_equations(self, equations: Sequence[NamedEquation]) -> None:
        """Show the first of several equations; the others can be chosen."""
        self._equations = tuple(equations)
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems([capital(one.name) for one in equations])
        self.choice.blockSignals(False)
        self.choice.setVisible(len(equations) > 1)
        self.heading.setVisible(len(equations) == 1)
        self._show(0)
        self.show()
        self.raise_()
        self.activateWindow()

    @Slot(int)
    def _show(self, place: int) -> None:
        one = self._equations[place]
        self.heading.setText(capital(one.name))
        show_text(self.meaning, one.meaning)
        self.view.show_equation(one.latex)
        rows = (
            (in_rich_text(symbol), html.escape(entry.term), in_rich_text(entry.meaning))
            for symbol, entry in explained(one.latex)
        )
        self.symbols.setHtml(table(rows))


def in_rich_text(text: str) -> str:
    """A symbol or a sentence of the glossary, with its indices as subscripts.

    >>> in_rich_text("|s_θ − ∇ log p_σ| < 1")
    '|s<sub>θ</sub> − ∇ log p<sub>σ</sub>| &lt; 1'
    """
    return with_indices(html.escape(text))


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows of rich text as a table, with a bold first column."""
    lines = []
    for first, *others in rows:
        cells = "".join(f"<td>{cell}</td>" for cell in others)
        lines.append(f'<tr><td style="white-space: nowrap"><b>{first}</b></td>{cells}</tr>')
    return f'<table cellspacing="0" cellpadding="4">{"".join(lines)}</table>'


def open_equations(asker: QWidget, equations: Sequence[NamedEquation]) -> None:
    """Open equations in a dialog over the window of this widget; the first one is shown."""
    window = asker.window()
    dialog = window.findChild(EquationDialog, NAME) or EquationDialog(window)
    dialog.show_equations(equations)
