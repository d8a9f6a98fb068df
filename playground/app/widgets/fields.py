"""One row for each setting, made from the experiment's description: label, control, number, sentence.

Every change goes through :meth:`State.edit`, and the row then shows the state's value again, so the two never differ.
Settings that restart training say so before the change, and take effect when the control is released.
"""

import html
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from playground.app.model.state import State
from playground.app.widgets import layouts
from playground.app.widgets.controls import ChoiceBox, SegmentedControl, Switch
from playground.app.widgets.equation import ItemTooltips, Tooltip, words
from playground.app.widgets.field_row import FieldRow
from playground.app.widgets.number_rows import NumberField
from playground.lab import experiment as description

LONGEST_NAME = 24  # characters of a file's name on its button


class ChoiceField(FieldRow):
    """Segments side by side, or a list if the row is too narrow for them.

    Choices by keys while the focus stays are one undo step, because keys pass unwanted values on their way. A click or a
    choice from the open list is a step of its own.
    """

    def fill(self) -> None:
        self._room = 44 if self.label is None else 20
        self.control: SegmentedControl | ChoiceBox
        self._by_key, self._stay = False, 0
        self._offer()
        self.state.kinds_changed.connect(self._offer_again)

    def _offer(self) -> None:
        """Make the control with all choices."""
        options = [(choice, self.field.title_of(choice)) for choice in self.field.choices]
        if sum(len(title) + 2 for _, title in options) <= self._room:
            segments = SegmentedControl(options, self)
            for choice, button in segments.buttons.items():
                button.setAccessibleName(f"{self.name}: {self.field.title_of(choice)}")
                button.setAccessibleDescription(self.field.meaning_of(choice))
                Tooltip(button, self._words_of(choice), self.field.equation_of(choice), self._cost)
                button.installEventFilter(self)
            self.control = segments
        else:
            self.control = ChoiceBox(options)
            ItemTooltips(self.control, self._meaning, self.field.equation_of)
        self.control.chosen.connect(self._chosen)
        self._tooltip = self._adopt(self.control, self.name, stretch=1)

    @Slot()
    def _offer_again(self) -> None:
        """Make the control anew if a plug-in has added a kind."""
        if self.key not in self.state.fields() or self.state.field(self.key).choices == self.field.choices:
            return
        self.field = self.state.field(self.key)
        old, before = self.control, self.controls()[0]
        self.row.removeWidget(old)
        old.hide()
        old.deleteLater()
        self._offer()
        for control in self.controls():
            control.setFocusPolicy(before.focusPolicy())
        layouts.tab_through(before, *self.controls())  # it keeps its place until it is gone
        self.refresh()

    def _meaning(self, choice: str) -> str:
        return f"<p>{html.escape(self.field.meaning_of(choice))}</p>"

    def _words_of(self, choice: str) -> str:
        return self._meaning(choice) + words(self.field)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress):
            self._by_key = event.type() == QEvent.Type.KeyPress
        elif event.type() == QEvent.Type.FocusOut:
            # The focus also moves to the opening list and between segments; neither ends the undo step.
            if isinstance(event, QFocusEvent) and event.reason() == Qt.FocusReason.PopupFocusReason:
                self._by_key = False
            elif QApplication.focusWidget() not in self.controls():
                self._stay += 1
        return super().eventFilter(watched, event)

    def controls(self) -> list[QWidget]:
        if isinstance(self.control, SegmentedControl):
            return list(self.control.buttons.values())
        return [self.control]

    def refresh(self) -> None:
        choice = self.state.value(self.key)
        if isinstance(self.control, ChoiceBox) and "auto" in self.field.choices:
            self.control.set_title("auto", self._title_of_auto())
        self.control.set_value(choice)
        self._tooltip.set_words(self._words_of(choice))

    def _title_of_auto(self) -> str:
        """The word for "auto" with the choice that it stands for, if other settings determine that."""
        title, choice = self.field.title_of("auto"), description.value(self.state.resolved, self.key)
        return title if choice == "auto" else f"{title}: {self.field.title_of(choice)}"

    def edit(self, value: Any, merge: str = "") -> bool:
        taken = super().edit(value, merge)
        if not taken:
            self.refresh()
        return taken

    @Slot(str)
    def _chosen(self, value: str) -> None:
        self.edit(value, merge=f"{self.key} {self._stay}" if self._by_key else "")


class SwitchField(FieldRow):
    """Yes or no."""

    def fill(self) -> None:
        if self.label is not None:
            self.label.free()
        self.row.addStretch(1)
        self.switch = Switch()
        self.switch.clicked.connect(self.edit)
        self._adopt(self.switch, self.name)

    def controls(self) -> list[QWidget]:
        return [self.switch]

    def refresh(self) -> None:
        self.switch.setChecked(self.state.value(self.key))


class FileField(FieldRow):
    """A button with the name of a file, which opens another.

    Args:
        choose: asks for a file, and opens the one that was chosen.
    """

    def __init__(self, state: State, key: str, choose: Callable[[], None]) -> None:
        super().__init__(state, key)
        self.button.clicked.connect(choose)

    def fill(self) -> None:
        self.button = QPushButton(self)
        self._adopt(self.button, self.name, stretch=1)

    def controls(self) -> list[QWidget]:
        return [self.button]

    def refresh(self) -> None:
        path = self.state.value(self.key)
        name = PurePath(path).name
        self.button.setText(f"{name[:LONGEST_NAME]}…" if len(name) > LONGEST_NAME else name or "Open…")
        self.button.setAccessibleName(f"{self.name}: {name or 'none'}")


KINDS: dict[str, type[FieldRow]] = {
    "int": NumberField,
    "float": NumberField,
    "choice": ChoiceField,
    "bool": SwitchField,
}
"""The row of each sort of value. A list or a text has none: it is edited on the canvas or by opening a file."""


def make_field(state: State, key: str, label: str | None = "") -> FieldRow:
    """The row that suits a setting's type.

    Raises:
        ValueError: a list or a text.
    """
    kind = state.field(key).kind
    if kind not in KINDS:
        raise ValueError(f"{key} is a {kind}: it has no row")
    return KINDS[kind](state, key, label=label)


def plain_row(state: State, key: str) -> FieldRow | None:
    """The row by :func:`make_field`; None for a list or a text."""
    return make_field(state, key) if state.field(key).kind in KINDS else None
