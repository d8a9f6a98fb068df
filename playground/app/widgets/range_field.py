"""Both ends of a range in one row, below a chart on which they can be dragged."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QWidget

from playground.app.model.state import State
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_number
from playground.app.style.text_size import px
from playground.app.widgets.controls import NumberEdit
from playground.app.widgets.equation import words
from playground.app.widgets.field_row import EDIT_WIDTH, FieldRow, NotANumber, UnsavedSteps, no_unsaved_steps, read
from playground.messages import Message


class RangeField(FieldRow):
    """The coarse and the fine end of a range in one row, for a chart above whose ends are dragged.

    Args:
        keys: keys of the upper and the lower end, both of which may be "auto".
    """

    def __init__(
        self,
        state: State,
        keys: tuple[str, str],
        label: str,
        unsaved_steps: UnsavedSteps = no_unsaved_steps,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, keys[0], label, unsaved_steps, parent)
        self.keys = keys
        self._resolved: dict[str, float | None] = dict.fromkeys(keys)
        assert self.label is not None
        self.label.widen(0)
        self.row.setSpacing(theme.UNIT - 2)  # else the row is wider than a column with a scroll bar
        self.chip = self._add_chip(f"the <b>{label}</b>", "the numbers", self._chip_clicked)
        self.row.addStretch(1)
        self.numbers: dict[str, NumberEdit] = {}
        for key in keys:
            field = self.state.field(key)
            number = NumberEdit(format_number, self)
            number.setFixedWidth(px(EDIT_WIDTH))
            number.committed.connect(lambda text, key=key: self._typed(key, text))
            number.stepped.connect(lambda count, key=key: self._stepped(key, count))
            number.abandoned.connect(self._abandoned)
            if self.numbers:
                arrow = QLabel("→", self)
                theme.set_role(arrow, "caption")
                self.row.addWidget(arrow)
            self._adopt(number, f"{label}, {field.symbol}", words(field), equation=field.equation_of(None))
            number.setAccessibleDescription(field.description)
            self.numbers[key] = number
        self.refresh()

    def controls(self) -> list[QWidget]:
        return [self.chip, *self.numbers.values()]

    def set_resolved(self, *values: float | None) -> None:
        """Set the numbers for "auto", the upper end first."""
        self._resolved = dict(zip(self.keys, values, strict=True))
        self.refresh()

    def preview(self, *values: float) -> None:
        """Show numbers that are not taken yet, the upper end first."""
        for number, value in zip(self.numbers.values(), values, strict=True):
            number.show_value(value)

    def value(self, key: str) -> float | None:
        """The current number of a key."""
        value = self.state.value(key)
        return self._resolved[key] if value == "auto" else value

    def refresh(self) -> None:
        self.chip.setChecked(all(self.state.value(key) == "auto" for key in self.keys))
        for key, number in self.numbers.items():
            theme.set_state(number, "auto", "true" if self.state.value(key) == "auto" else "false")
            if not (number.dirty and number.property("refused") == "true"):
                number.show_value(self.value(key))

    @Slot()
    def reset(self) -> None:
        self.state.edit({key: self.state.field(key).default for key in self.keys})

    def say(self, sentence: str, is_error: bool = False) -> None:
        super().say(sentence, is_error)
        for number in self.numbers.values():
            theme.set_state(number, "refused", "true" if is_error and number.dirty else "false")

    @Slot(bool)
    def _chip_clicked(self, checked: bool) -> None:
        if checked:
            self.reset()
        elif None in self._resolved.values():
            self.refresh()
        else:
            self.state.edit({key: float(f"{self.value(key):.3g}") for key in self.keys})

    def _typed(self, key: str, text: str) -> None:
        try:
            value = read(self.state.field(key), text, float(f"{self.value(key) or 0.05:.2g}"))
        except NotANumber as error:
            self.say(str(error), is_error=True)
            return
        if self.state.edit({key: value}):
            self.numbers[key].show_value(None)
            self.say("")
            self.refresh()

    def _stepped(self, key: str, count: int) -> None:
        value = self.value(key)
        if value is not None:
            self.state.edit({key: float(f"{value * 1.05**count:.3g}")}, merge=f"{key} {self._gesture}")

    @Slot()
    def _abandoned(self) -> None:
        self.say("")
        self.refresh()

    @Slot(object)
    def _state_changed(self, keys: frozenset[str]) -> None:
        if not keys.isdisjoint(self.keys):
            self.say("")
            self.refresh()

    @Slot(str, object)
    def _state_refused(self, key: str, message: Message) -> None:
        if key in self.keys:
            self.say(worded(message, own=key), is_error=True)
