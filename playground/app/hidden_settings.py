"""Chips of the settings that act and are not seen: behind a fold, with another value than the one they begin with."""

import collections
import functools
import itertools
from collections.abc import Iterable

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QPushButton, QWidget

from playground.app.canvas.chips import Flow
from playground.app.controllers.lessons import Lessons
from playground.app.model.edit_text import value_text
from playground.app.model.state import State
from playground.app.style import theme
from playground.app.style.wrapping import wrapped
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.field_row import FieldRow, warning
from playground.app.widgets.throttle import Throttle
from playground.lab import experiment as description

LOOKS = 30  # ms between two looks at the cards


class HiddenSettings(QWidget):
    """A chip for each setting whose row is not in view and that differs from its default or, in a lesson or scene, from what
    that has set; a click sets this again.

    Args:
        lessons: the lesson or scene in view.
        panels: the cards with the rows.
        card: the one below whose title they stand.
    """

    def __init__(
        self, state: State, lessons: Lessons, panels: Iterable[CollapsiblePanel], card: CollapsiblePanel
    ) -> None:
        super().__init__()
        self._state, self._lessons, self._panels, self._card = state, lessons, tuple(panels), card
        card.put_below_title(self)
        self._all = True
        self._shown: dict[str, str] = {}
        self._usual: dict[str, object] = {}  # what each chip sets back to
        self._chips: list[QPushButton] = []
        self._flow = Flow(self)
        self._flow.setContentsMargins(0, 0, 0, 2)
        look = Throttle(LOOKS, self._look, self)
        for changed in (state.changed, lessons.changed):
            changed.connect(look.ask)
        for panel in self._panels:
            panel.arranged.connect(look.ask)
        self.hide()

    @Slot(bool)
    def show_all(self, on: bool) -> None:
        """Show no chip, because all cards are in view with everything on them, or those of what is hidden."""
        self._all = on
        self._look()

    @Slot()
    def _look(self) -> None:
        fields, usual = self._state.fields(), self._before()
        titles, labels = self._hidden(), collections.Counter(field.label for field in fields.values())
        found = {
            key: ("" if labels[fields[key].label] == 1 else f"{titles[key]} ")
            + f"{fields[key].label} {value_text(fields[key], self._state.value(key))}"
            for key in (() if self._all else titles.keys() & usual.keys())
            if self._state.value(key) != usual[key]
        }
        if (found, usual) == (self._shown, self._usual):
            return
        self._shown, self._usual = found, usual
        for old in self._chips:
            old.hide()
            self._flow.removeWidget(old)
            old.deleteLater()
        self._chips = [self._chip(key, text) for key, text in sorted(found.items())]
        for before, chip in itertools.pairwise([self._card.disclosure, *self._chips]):
            self._flow.addWidget(chip)
            QWidget.setTabOrder(before, chip)  # otherwise Tab would reach it after all older widgets
        self.setVisible(bool(found))
        self.updateGeometry()

    def _hidden(self) -> dict[str, str]:
        """The settings with an effect whose rows are behind a fold, or on a card that is not in view, with the card's title."""
        return {
            key: panel.title
            for panel in self._panels
            for row in panel.findChildren(FieldRow)
            if not row.isHidden() and (panel.isHidden() or not row.isVisibleTo(panel))
            for key in row.keys
        }

    def _chip(self, key: str, text: str) -> QPushButton:
        field = self._state.field(key)
        chip = QPushButton(f"{text}  ✕", self)
        theme.set_role(chip, "chip")
        chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        chip.setAccessibleName(text)
        default = f"Set {field.label} back to {value_text(field, self._before()[key])}."
        cost = warning(self._state.unsaved_steps()) if field.resets else ""
        chip.setToolTip(wrapped(f"{field.description}.", default, *([cost] if cost else [])))
        chip.setAccessibleDescription(default)
        chip.clicked.connect(functools.partial(self._set_back, key))
        return chip

    def _set_back(self, key: str) -> None:
        self._state.edit({key: self._before()[key]})

    def _before(self) -> dict[str, object]:
        """What each setting was before the user changed it."""
        given = self._lessons.given
        usual = {key: field.default for key, field in self._state.fields().items()}
        if given is not None:
            usual |= {key: description.value(given, key) for key in usual.keys() & description.fields(given)}
        return usual
