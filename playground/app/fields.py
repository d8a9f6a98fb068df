"""One row a setting, made from the experiment's own description of it: label, control, number, sentence.

Every change goes through :meth:`State.edit`; what the state then holds is shown again, so the two never differ.
Settings whose change starts training anew say so before it happens, and are taken when the hand lets go.
"""

from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from playground.app import choices, theme
from playground.app.controls import ChoiceBox, NumberEdit, SegmentedControl, Slider, Switch
from playground.app.equation import Tooltip, words
from playground.app.field_row import LABEL_WIDTH, FieldRow, Stake, nothing_at_stake
from playground.app.numbers import exactly, rounded, shown, slider_scale, typed
from playground.app.state import State
from playground.lab.experiment import Field, fields

EDIT_WIDTH = 58
CHIP_WIDTH = 34


class NotANumber(ValueError):
    """What was typed is none; the message says what would be one."""


def read(field: Field, text: str, example: float) -> Any:
    """The value that someone typed for a setting; its bounds are checked by the experiment.

    Raises:
        NotANumber: with a sentence for the user.
    """
    if field.auto and text.strip().lower() in ("auto", ""):
        return "auto"
    value = typed(text, field.kind == "int")
    if value is None:
        shown_text = f"“{text.strip()}” is no number" if text.strip() else "A number is missing"
        raise NotANumber(f"{shown_text}: type {field.bound}, as in {exactly(example)}.")
    return value


class NumberField(FieldRow):
    """A slider and a number; a chip returns to the automatic value where there is one."""

    def __init__(
        self,
        state: State,
        key: str,
        label: str | None = "",
        stake: Stake = nothing_at_stake,
        slider: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, key, label, stake, parent)
        self._resolved: float | None = None
        self._scale = slider_scale(self.field, None)
        self._pending: float | int | None = None
        self._automatic_word = "auto"
        self.chip: QPushButton | None = None
        self.slider: Slider | None = None
        if self.field.auto:
            if self.label is not None:
                self.label.setFixedWidth(LABEL_WIDTH - CHIP_WIDTH - theme.UNIT)
            self.chip = QPushButton("auto", self)
            self.chip.setCheckable(True)
            self.chip.setFixedWidth(CHIP_WIDTH)
            theme.set_role(self.chip, "chip")
            self.chip.clicked.connect(self._chip_clicked)
            text = f"<p>Let the program choose <b>{self.name}</b> from the data; press again to keep the number.</p>"
            self._adopt(self.chip, f"{self.name}, automatic", text)
        if slider:
            self.slider = Slider(self)
            self.slider.moved.connect(self._slid)
            self.slider.settled.connect(self._settled)
            self.slider.sliderPressed.connect(self._pressed)
            self._adopt(self.slider, f"{self.name}, slider", stretch=1)
        else:
            self.row.addStretch(1)
        self.number = NumberEdit(self._display, self)
        self.number.setFixedWidth(EDIT_WIDTH)
        self.number.committed.connect(self._typed)
        self.number.stepped.connect(self._stepped)
        self.number.abandoned.connect(self._abandoned)
        self._adopt(self.number, self.name)
        self.refresh()

    def controls(self) -> list[QWidget]:
        return [control for control in (self.chip, self.slider, self.number) if control is not None]

    def set_resolved(self, value: float | None, word: str = "auto") -> None:
        """Tell what "auto" stands for now, or the word for it where it is no number."""
        if value != self._resolved or word != self._automatic_word:
            self._resolved, self._automatic_word = value, word
            # A slider that is being dragged keeps its ends.
            if self.slider is None or not self.slider.isSliderDown():
                self._scale = slider_scale(self.field, value)
            self.refresh()

    def shown_value(self) -> float | None:
        """The number that stands there, or None while "auto" is not worked out."""
        value = self.state.value(self.key)
        return self._resolved if value == "auto" else value

    def refresh(self) -> None:
        automatic = self.state.value(self.key) == "auto"
        if self.chip is not None:
            self.chip.setChecked(automatic)
        theme.set_state(self.number, "auto", "true" if automatic else "false")
        number = self.shown_value()
        if not (self.number.dirty and self._refused()):
            self.number.show_value(number, self._automatic_word)
        if self.slider is not None:
            self.slider.set_known(number is not None)
            self.slider.set_position(0.5 if number is None else self._scale.position(number))

    def say(self, sentence: str, refusal: bool = False) -> None:
        super().say(sentence, refusal)
        theme.set_state(self.number, "refused", "true" if refusal else "false")

    def _display(self, value: float) -> str:
        return shown(value)

    def _refused(self) -> bool:
        return self.number.property("refused") == "true"

    @Slot(bool)
    def _chip_clicked(self, checked: bool) -> None:
        if checked:
            self.edit("auto")
        elif self._resolved is None or not self.edit(self._whole(float(f"{self._resolved:.3g}"))):
            # Without a number to keep there is only one thing to do: let it be typed.
            self.refresh()
            self.number.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _pressed(self) -> None:
        self._gesture += 1
        self.announce()

    @Slot(float)
    def _slid(self, position: float) -> None:
        self._pending = self._moved_to(position)
        self.number.show_value(self._pending)
        if not self.field.resets:
            self.edit(self._pending, merge=f"{self.key} {self._gesture}")

    @Slot()
    def _settled(self) -> None:
        if self._pending is not None and self.field.resets:
            self.edit(self._pending, merge=f"{self.key} {self._gesture}")
        self._pending = None
        self.refresh()

    @Slot(int)
    def _stepped(self, count: int) -> None:
        number = self.shown_value()
        if number is None:
            return
        new = self._moved_to(self._scale.position(number) + count * 0.01)
        if new == number or (new > number) != (count > 0):
            # The scale's end, or a whole number that one step of the slider does not change.
            new = number + count if self.field.kind == "int" else number
        limits = self.field.minimum, self.field.maximum
        self.edit(self._whole(min(max(new, limits[0]), limits[1])), merge=f"{self.key} {self._gesture}")

    @Slot(str)
    def _typed(self, text: str) -> None:
        try:
            value = read(self.field, text, self._example())
        except NotANumber as error:
            self.say(str(error), refusal=True)
            return
        if self.state.edit({self.key: value}):
            self.say("")
            self.number.show_value(None)  # taken: show it as the state has it
            self.refresh()

    @Slot()
    def _abandoned(self) -> None:
        self.say("")
        self.refresh()

    @Slot(object)
    def _state_changed(self, keys: frozenset[str]) -> None:
        if self.key in keys:
            self.say("")  # before the refresh: a refused text gives way to the new value
            self.refresh()

    def _moved_to(self, position: float) -> float | int:
        return self._whole(rounded(self._scale.value(position), self._scale, self.field.kind == "int"))

    def _whole(self, value: float) -> float | int:
        return round(value) if self.field.kind == "int" else float(value)

    def _example(self) -> float:
        if self.field.default != "auto":
            return float(self.field.default)
        return 3e-3 if self._resolved is None else float(f"{self._resolved:.2g}")


class ChoiceField(FieldRow):
    """Segments side by side, or a list where there are too many for the row."""

    def __init__(
        self,
        state: State,
        key: str,
        label: str | None = "",
        stake: Stake = nothing_at_stake,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, key, label, stake, parent)
        options = choices.titles(key, self.field.choices)
        room = 44 if label is None else 20
        self.control: SegmentedControl | ChoiceBox
        if sum(len(title) + 2 for _, title in options) <= room:
            segments = SegmentedControl(options, self)
            for choice, button in segments.buttons.items():
                button.setAccessibleName(f"{self.name}: {choices.title(key, choice)}")
                button.setAccessibleDescription(choices.meaning(key, choice))
                text = f"<p>{choices.meaning(key, choice)}</p>" + words(self.field)
                Tooltip(button, text, self.field.equation, self._cost)
                button.installEventFilter(self)
            self.control = segments
        else:
            self.control = ChoiceBox(options, self)
        self.control.chosen.connect(self.edit)
        self._adopt(self.control, self.name, stretch=1)
        self.refresh()

    def controls(self) -> list[QWidget]:
        if isinstance(self.control, SegmentedControl):
            return list(self.control.buttons.values())
        return [self.control]

    def refresh(self) -> None:
        self.control.set_value(self.state.value(self.key))

    def edit(self, value: Any, merge: str = "") -> bool:
        taken = super().edit(value, merge)
        if not taken:
            self.refresh()
        return taken


class SwitchField(FieldRow):
    """Yes or no."""

    def __init__(
        self,
        state: State,
        key: str,
        label: str | None = "",
        stake: Stake = nothing_at_stake,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, key, label, stake, parent)
        if self.label is not None:
            self.label.setMinimumWidth(LABEL_WIDTH)
            self.label.setMaximumWidth(16777215)
        self.row.addStretch(1)
        self.switch = Switch(self)
        self.switch.flipped.connect(self.edit)
        self._adopt(self.switch, self.name)
        self.refresh()

    def controls(self) -> list[QWidget]:
        return [self.switch]

    def refresh(self) -> None:
        self.switch.setChecked(self.state.value(self.key))


class RangeField(FieldRow):
    """The coarse and the fine end of a range in one row, for a chart whose ends are dragged above it.

    Args:
        keys: of the upper and the lower end, both of which may be "auto".
    """

    def __init__(
        self,
        state: State,
        keys: tuple[str, str],
        label: str,
        stake: Stake = nothing_at_stake,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, keys[0], label, stake, parent)
        self.keys = keys
        self._resolved: dict[str, float | None] = dict.fromkeys(keys)
        assert self.label is not None
        self.label.setFixedWidth(self.label.sizeHint().width())
        self.chip = QPushButton("auto", self)
        self.chip.setCheckable(True)
        self.chip.setFixedWidth(CHIP_WIDTH)
        theme.set_role(self.chip, "chip")
        self.chip.clicked.connect(self._chip_clicked)
        text = f"<p>Let the program choose the <b>{label}</b> from the data; press again to keep the numbers.</p>"
        self._adopt(self.chip, f"{label}, automatic", text)
        self.row.addStretch(1)
        self.numbers: dict[str, NumberEdit] = {}
        for key in keys:
            field = fields()[key]
            number = NumberEdit(shown, self)
            number.setFixedWidth(EDIT_WIDTH)
            number.committed.connect(lambda text, key=key: self._typed(key, text))
            number.stepped.connect(lambda count, key=key: self._stepped(key, count))
            number.abandoned.connect(self._abandoned)
            if self.numbers:
                arrow = QLabel("→", self)
                theme.set_role(arrow, "caption")
                self.row.addWidget(arrow)
            self._adopt(number, f"{label}, {field.symbol}", words(field), equation=field.equation)
            self.numbers[key] = number
        self.refresh()

    def controls(self) -> list[QWidget]:
        return [self.chip, *self.numbers.values()]

    def set_resolved(self, *values: float | None) -> None:
        """Tell what "auto" stands for now, upper end first."""
        self._resolved = dict(zip(self.keys, values, strict=True))
        self.refresh()

    def preview(self, *values: float) -> None:
        """Show numbers that are not yet taken, upper end first."""
        for number, value in zip(self.numbers.values(), values, strict=True):
            number.show_value(value)

    def value(self, key: str) -> float | None:
        """The number that a key stands for now."""
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
        self.state.edit({key: fields()[key].default for key in self.keys})

    def say(self, sentence: str, refusal: bool = False) -> None:
        super().say(sentence, refusal)
        for number in self.numbers.values():
            theme.set_state(number, "refused", "true" if refusal and number.dirty else "false")

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
            value = read(fields()[key], text, float(f"{self.value(key) or 0.05:.2g}"))
        except NotANumber as error:
            self.say(str(error), refusal=True)
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

    @Slot(str, str)
    def _state_refused(self, key: str, sentence: str) -> None:
        if key in self.keys:
            self.say(sentence, refusal=True)


def make_field(
    state: State,
    key: str,
    label: str | None = "",
    stake: Stake = nothing_at_stake,
    parent: QWidget | None = None,
) -> FieldRow:
    """The row that suits a setting's kind.

    Raises:
        ValueError: lists and texts are edited on the canvas or by opening a file, not in a row.
    """
    kinds = {"int": NumberField, "float": NumberField, "choice": ChoiceField, "bool": SwitchField}
    kind = fields()[key].kind
    if kind not in kinds:
        raise ValueError(f"{key} is a {kind}: it has no row")
    return kinds[kind](state, key, label, stake, parent=parent)
