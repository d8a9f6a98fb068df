"""The glossary: every symbol and term with its meaning, found by a few letters."""

import html
import itertools

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLineEdit, QTextBrowser, QWidget

from playground.app.style.theme import UNIT
from playground.app.widgets import layouts
from playground.app.widgets.captions import named, text_line
from playground.app.widgets.dialog import Dialog
from playground.app.widgets.equation_dialog import in_rich_text, table
from playground.app.widgets.file_prompts import close_buttons
from playground.lab.glossary import GlossaryEntry, found


class GlossaryDialog(Dialog):
    """A line to type into, and the entries that contain all of its words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("glossaryDialog", "Glossary", parent, (760, 600))
        self.line = QLineEdit(placeholderText="Find a symbol or a term")
        named(self.line, "Find a symbol or a term", "Type some letters of a symbol, a term, its meaning or a label.")
        self.line.setClearButtonEnabled(True)
        self.line.textChanged.connect(self._find)
        self.entries = QTextBrowser()
        named(self.entries, "Symbols and terms", "Symbol, term, meaning, and where it is seen.")
        self.count = text_line()
        buttons = close_buttons(self)
        layouts.down(self.line, (self.entries, 1), self.count, buttons, within=self, spacing=UNIT)
        self._find("")

    def start(self) -> None:
        """Select the line's text, ready to type."""
        self.line.setFocus()
        self.line.selectAll()

    @Slot(str)
    def _find(self, query: str) -> None:
        entries = found(query)
        groups = itertools.groupby(entries, key=lambda entry: entry.section)
        self.entries.setHtml("".join(_section(title, tuple(group)) for title, group in groups))
        count = len(entries)
        self.count.setText(f"{count} entries" if count != 1 else "1 entry")


def _section(title: str, entries: tuple[GlossaryEntry, ...]) -> str:
    rows = (
        (
            in_rich_text(entry.symbol),
            f"<b>{html.escape(entry.term)}</b>",
            in_rich_text(entry.meaning),
            in_rich_text(entry.place),
        )
        for entry in entries
    )
    return f"<h4>{html.escape(title)}</h4>{table(rows)}"
