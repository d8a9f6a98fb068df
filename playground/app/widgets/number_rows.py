"""Rows with numbers that are typed: one beside a slider, or both ends of a range."""

from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QPushButton, QWidget

from playground.app.style import theme
from playground.app.style.number_formats import (
    format_exactly,
    format_number,
    parse_number,
    round_to_slider,
    slider_axis,
)
from playground.app.style.text_size import px
from playground.app.style.wrapping import LONGEST
from playground.app.widgets.captions import text_line
from playground.app.widgets.controls import NumberEdit, Slider
from playground.app.widgets.equation import words
from playground.app.widgets.field_row import LABEL_WIDTH, FieldRow
from playground.lab import experiment as description
from playground.lab.chart import Axis
from playground.lab.experiment import SEEDS

EDIT_WIDTH = 58
CHIP_WIDTH = 34
UNKNOWN = dict.fromkeys(("training.seconds", "training.steps"), "no limit")
"""The words for "auto", if its number is not known and it is not just that."""


def no_number(text: str, bound: str, example: float) -> str:
    """Why a typed text is not a number, and what would be one."""
    typed = text.strip() if len(text.strip()) <= LONGEST else f"{text.strip()[:LONGEST]}…"
    shown_text = f"“{typed}” is not a number" if typed else "A number is missing"
    return f"{shown_text}: type {bound}, as in {format_exactly(example)}."


class NumberRow(FieldRow):
    """The common part: each key has a number to type, and a chip returns all to their automatic values."""

    def fill(self) -> None:
        self.numbers: dict[str, NumberEdit] = {}
        self.chip: QPushButton | None = None
        self._resolved: dict[str, float | None] = dict.fromkeys(self.keys)

    def controls(self) -> list[QWidget]:
        return [*([] if self.chip is None else [self.chip]), *self.numbers.values()]

    def _add_chip(self, what: str, kept: str) -> None:
        """Add the switch between the program's values and the user's own."""
        self.chip = QPushButton("auto", self)
        self.chip.setCheckable(True)
        self.chip.setFixedWidth(px(CHIP_WIDTH))
        theme.set_role(self.chip, "chip")
        self.chip.clicked.connect(self._chip_clicked)
        text = f"<p>Let the program choose {what} from the data; press again to keep {kept}.</p>"
        self._adopt(self.chip, f"{self.name}, automatic", text)

    def _add_number(self, key: str, name: str) -> NumberEdit:
        field = self.state.field(key)
        self.numbers[key] = number = NumberEdit(format_number)
        number.setFixedWidth(px(EDIT_WIDTH))
        number.committed.connect(lambda text: self._typed(key, text))
        number.stepped.connect(lambda count: self._stepped(key, count))
        number.abandoned.connect(self.show_anew)
        self._adopt(number, name, words(field), equation=field.equation_of(None))
        number.setAccessibleDescription(field.description)
        return number

    def set_resolved(self, *values: float | None) -> None:
        """Set the numbers for "auto" on the current data, if other settings do not determine them."""
        found = dict(zip(self.keys, values, strict=True))
        if found != self._resolved:
            self._resolved = found
            self.refresh()

    def number_of(self, key: str) -> float | None:
        """The number in view; None while that of "auto" is not known."""
        given = self.state.value(key)
        if given == "auto":
            given = description.value(self.state.resolved, key)
        return self._resolved[key] if given == "auto" else given

    def refresh(self) -> None:
        automatic = {key: self.state.value(key) == "auto" for key in self.keys}
        if self.chip is not None:
            self.chip.setChecked(all(automatic.values()))
        for key, number in self.numbers.items():
            theme.set_state(number, "auto", automatic[key])
            if not number.dirty:
                number.show_value(self.number_of(key), UNKNOWN.get(key, "auto"))

    def show_anew(self) -> None:
        for number in self.numbers.values():
            number.forget_typed()
        super().show_anew()

    def say(self, sentence: str, is_error: bool = False) -> None:
        super().say(sentence, is_error)
        for number in self.numbers.values():
            theme.set_state(number, "refused", is_error and number.dirty)

    @Slot(bool)
    def _chip_clicked(self, checked: bool) -> None:
        numbers = {key: self.number_of(key) for key in self.keys}
        kept: dict[str, Any] = {
            key: "auto" if checked else self._whole(float(f"{number:.3g}"))
            for key, number in numbers.items()
            if checked or number is not None
        }
        if len(kept) < len(self.keys) or not self.state.edit(kept):
            # Without a number to keep, the only way is to type one.
            self.refresh()
            self.numbers[self.key].setFocus(Qt.FocusReason.OtherFocusReason)

    def _typed(self, key: str, text: str) -> None:
        field = self.state.field(key)
        value: Any = "auto"
        if not (field.auto and text.strip().lower() in ("auto", "")):
            value = parse_number(text, field.kind == "int")
        if value is None:
            self.say(no_number(text, field.bound, self._example(key)), is_error=True)
        elif self.state.edit({key: value}):
            self.show_anew()  # in the state's format

    def _stepped(self, key: str, count: int) -> None:
        raise NotImplementedError

    def _whole(self, value: float) -> float | int:
        return round(value) if self.field.kind == "int" else float(value)

    def _example(self, key: str) -> float:
        field, number, whole = self.state.field(key), self.number_of(key), self.field.kind == "int"
        if field.default != "auto":
            return float(field.default)
        if number is None:
            assert field.maximum is not None
            return min(100, field.maximum) if whole else 3e-3
        return number if whole else float(f"{number:.2g}")


class RangeField(NumberRow):
    """The coarse and the fine end of a range in one row, for a chart above whose ends are dragged; both may be "auto"."""

    def fill(self) -> None:
        super().fill()
        assert self.label is not None
        self.label.widen(0)
        self.row.setSpacing(theme.UNIT - 2)  # else the row is wider than a column with a scroll bar
        self._add_chip(f"the <b>{self.name}</b>", "the numbers")
        self.row.addStretch(1)
        for key in self.keys:
            if self.numbers:
                self.row.addWidget(text_line("→"))
            self._add_number(key, f"{self.name}, {self.state.field(key).symbol}")

    def preview(self, *values: float) -> None:
        """Show numbers that are not taken yet, the upper end first."""
        for number, value in zip(self.numbers.values(), values, strict=True):
            number.show_value(value)

    def _stepped(self, key: str, count: int) -> None:
        value = self.number_of(key)
        if value is not None:
            self.state.edit({key: float(f"{value * 1.05**count:.3g}")}, merge=f"{key} {self._gesture}")


class NumberField(NumberRow):
    """A slider and a number; if there is an automatic value, a chip returns to it. A seed has no slider, where no position
    means more than another.
    """

    def fill(self) -> None:
        super().fill()
        self._axis = slider_axis(self.field, None)
        self._last = self.field.maximum
        self._pending: float | int | None = None
        self.slider: Slider | None = None
        if self.field.auto:
            if self.label is not None:
                self.label.widen(LABEL_WIDTH - CHIP_WIDTH - theme.UNIT)
            self._add_chip(f"<b>{self.name}</b>", "the number")
        if self.key not in SEEDS:
            self.slider = Slider()
            self.slider.moved.connect(self._slid)
            self.slider.settled.connect(self._settled)
            self.slider.sliderPressed.connect(self._pressed)
            self._adopt(self.slider, f"{self.name}, slider", stretch=1)
        else:
            self.row.addStretch(1)
        self.number = self._add_number(self.key, self.name)

    def controls(self) -> list[QWidget]:
        return [control for control in (self.chip, self.slider, self.number) if control is not None]

    @property
    def _is_dragged(self) -> bool:
        """Whether the slider is held, so that its range may not change."""
        return self.slider is not None and self.slider.isSliderDown()

    def set_resolved(self, *values: float | None) -> None:
        if values != (self._resolved[self.key],) and not self._is_dragged:
            self._axis = slider_axis(self.field, *values)
        super().set_resolved(*values)

    def set_last(self, last: int) -> None:
        """Limit the slider and the arrow keys by the size of the data; a larger number can be typed and is refused."""
        if last != self._last and not self._is_dragged:
            self._last = last
            self._axis = Axis("", self._axis.low, last)
            self.refresh()

    def refresh(self) -> None:
        super().refresh()
        if self.slider is not None:
            number = self.number_of(self.key)
            self.slider.set_known(number is not None)
            self.slider.set_position(0.5 if number is None else self._axis.clipped(number))
            self.slider.setAccessibleDescription(f"{self.number.text()}. {self.field.description}")

    @Slot()
    def _pressed(self) -> None:
        self._gesture += 1
        self.announce()

    @Slot(float)
    def _slid(self, position: float) -> None:
        assert self.slider is not None
        self._pending = self._moved_to(position)
        number, way = self.number_of(self.key), self.slider.way(position)
        if self.field.kind == "int" and number is not None and way and (self._pending - number) * way <= 0:
            # A key's step of less than one slider step would be rounded back, and the slider could never leave.
            self._pending = self._whole(number + way)
        self.number.show_value(self._pending)
        if not self.field.resets:
            self.edit(self._pending, merge=f"{self.key} {self._gesture}")

    @Slot()
    def _settled(self) -> None:
        if self._pending is not None and self.field.resets:
            self.edit(self._pending, merge=f"{self.key} {self._gesture}")
        self._pending = None
        self.refresh()

    def _stepped(self, key: str, count: int) -> None:
        number = self.number_of(key)
        if number is None:
            return
        new = self._moved_to(self._axis.clipped(number) + count * 0.01)
        if new == number or (new > number) != (count > 0):
            # The scale's end, or a whole number that one step of the slider does not change.
            new = number + count if self.field.kind == "int" else number
        low, high = self.field.minimum, self._last
        assert low is not None
        assert high is not None
        self.edit(self._whole(min(max(new, low), high)), merge=f"{key} {self._gesture}")

    def _moved_to(self, position: float) -> float | int:
        value = self._axis.value(min(max(position, 0.0), 1.0))
        return self._whole(round_to_slider(value, self._axis, self.field.kind == "int"))
