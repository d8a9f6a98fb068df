"""Chips of the settings that act and are not seen: behind a fold, with another value than the one they begin with."""

import collections
import functools
from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from playground.app.controllers.lessons import Lessons
from playground.app.model.edit_text import value_text
from playground.app.model.state import State
from playground.app.style import theme
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.field_row import FieldRow, warning
from playground.app.widgets.throttle import Throttle
from playground.lab import experiment as description

LOOKS = 30  # ms between two looks at the cards
CROSS = "  ✕"


class HiddenSettings(QWidget):
    """A chip for the settings whose rows are not in view and that differ from their default or, in a lesson or scene, from what
    that has set; a click sets this again. It is one line: a second chip counts the others, which its menu sets back.

    Args:
        lessons: the lesson or scene in view.
        panels: the cards with the rows.
        card: the one beside whose title they stand, where they move no other part.
    """

    def __init__(
        self, state: State, lessons: Lessons, panels: Iterable[CollapsiblePanel], card: CollapsiblePanel
    ) -> None:
        super().__init__()
        self._state, self._lessons, self._panels, self._card = state, lessons, tuple(panels), card
        card.header.put_in_place_of_state(self)
        self._all = True
        self._shown: dict[str, str] = {}
        self._usual: dict[str, object] = {}  # what each chip sets back to
        self._changes: dict[str, int] = {}  # with which of the changes each setting was changed last
        self._chips: list[QPushButton] = []
        self._row = layouts.across(None, within=self, spacing=theme.UNIT // 2, margins=0)
        state.changed.connect(self._count)
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

    @Slot(object)
    def _count(self, keys: frozenset[str]) -> None:
        self._changes |= dict.fromkeys(keys, max(self._changes.values(), default=0) + 1)

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
        order = sorted(found, key=lambda key: (-self._changes.get(key, 0), key))  # what changed last comes first
        self._shown, self._usual = found, usual
        for old in self._chips:
            old.hide()
            self._row.removeWidget(old)
            old.deleteLater()
        first, others = order[:1], order[1:]
        self._chips = [*map(self._chip, first), *([self._others(others)] if others else [])]
        for chip in self._chips:
            self._row.addWidget(chip)
        # Otherwise Tab would reach them after all older widgets.
        layouts.tab_through(self._card.header, *self._chips, self._card.disclosure)
        self.setVisible(bool(found))
        self._elide()
        self._card.header.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._elide()

    def apply_text_size(self) -> None:
        self._elide()

    def _elide(self) -> None:
        """Show as much of the first chip's text as there is room for beside the number of the others."""
        if self._chips:
            chip = self._chips[0]
            chip.setText(CROSS)
            room = self.width() - sum(one.sizeHint().width() + self._row.spacing() for one in self._chips)
            said = QFontMetrics(chip.font()).elidedText(chip.accessibleName(), Qt.TextElideMode.ElideRight, room)
            chip.setText(said + CROSS)

    def _hidden(self) -> dict[str, str]:
        """The settings with an effect whose rows are behind a fold, or on a card that is not in view, with the card's title."""
        return {
            key: panel.title
            for panel in self._panels
            for row in panel.findChildren(FieldRow)
            if not row.isHidden() and (panel.isHidden() or not row.isVisibleTo(panel))
            for key in row.keys
        }

    def _chip(self, key: str) -> QPushButton:
        text = self._shown[key]
        chip = _button(text, self)
        chip.setToolTip(wrapped(f"{text}.", f"{self._state.field(key).description}.", *self._ways_back(key)))
        chip.setAccessibleDescription(self._ways_back(key)[0])
        chip.clicked.connect(functools.partial(self._set_back, key))
        return chip

    def _others(self, keys: Sequence[str]) -> QPushButton:
        chip = _button(f"{len(keys)} more hidden settings", self)
        menu = QMenu(chip, toolTipsVisible=True)
        for key in keys:
            action = menu.addAction(self._shown[key] + CROSS, functools.partial(self._set_back, key))
            action.setToolTip(wrapped(*self._ways_back(key)))
        chip.setMenu(menu)
        chip.setText(f"+{len(keys)}")
        chip.setToolTip(wrapped(*(f"{self._shown[key]}." for key in keys)))
        return chip

    def _ways_back(self, key: str) -> list[str]:
        """What a click does, and what it costs."""
        field = self._state.field(key)
        cost = warning(self._state.unsaved_steps()) if field.resets else ""
        return [f"Set {field.label} back to {value_text(field, self._before()[key])}.", *([cost] if cost else [])]

    def _set_back(self, key: str) -> None:
        self._state.edit({key: self._before()[key]})

    def _before(self) -> dict[str, object]:
        """What each setting was before the user changed it."""
        given = self._lessons.given
        usual = {key: field.default for key, field in self._state.fields().items()}
        if given is not None:
            usual |= {key: description.value(given, key) for key in usual.keys() & description.fields(given)}
        return usual


def _button(name: str, parent: QWidget) -> QPushButton:
    chip = QPushButton(parent)
    theme.set_role(chip, "chip")
    chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    chip.setAccessibleName(name)
    return chip
