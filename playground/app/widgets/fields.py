"""One row for each setting, made from the experiment's description: label, control, number, sentence.

Every change goes through :meth:`State.edit`, and the row then shows the state's value again, so the two never differ.
Settings that restart training say so before the change, and take effect when the control is released.
"""

import html
import itertools
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from playground.app.model.state import State
from playground.app.style import theme
from playground.app.style.number_formats import Scale, format_number, round_to_slider, slider_scale
from playground.app.style.text_size import px
from playground.app.widgets.controls import ChoiceBox, NumberEdit, SegmentedControl, Slider, Switch
from playground.app.widgets.equation import ItemTooltips, Tooltip, words
from playground.app.widgets.field_row import (
    CHIP_WIDTH,
    EDIT_WIDTH,
    LABEL_WIDTH,
    FieldRow,
    NotANumber,
    UnsavedSteps,
    no_unsaved_steps,
    read,
)
from playground.lab import experiment as description
from playground.lab.defaults import resolve
from playground.lab.experiment import SEEDS

UNKNOWN = dict.fromkeys(("training.seconds", "training.steps"), "no limit")
"""The words for "auto", if its number is not known and it is not just that."""
LONGEST_NAME = 24  # characters of a file's name on its button


class NumberField(FieldRow):
    """A slider and a number; if there is an automatic value, a chip returns to it. A seed has no slider, where no position
    means more than another.
    """

    def __init__(
        self,
        state: State,
        key: str,
        label: str | None = "",
        unsaved_steps: UnsavedSteps = no_unsaved_steps,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, key, label, unsaved_steps, parent)
        self._resolved: float | None = None
        self._scale = slider_scale(self.field, None)
        self._last = self.field.maximum
        self._pending: float | int | None = None
        self.chip: QPushButton | None = None
        self.slider: Slider | None = None
        if self.field.auto:
            if self.label is not None:
                self.label.widen(LABEL_WIDTH - CHIP_WIDTH - theme.UNIT)
            self.chip = self._add_chip(f"<b>{self.name}</b>", "the number", self._chip_clicked)
        if key not in SEEDS:
            self.slider = Slider(self)
            self.slider.moved.connect(self._slid)
            self.slider.settled.connect(self._settled)
            self.slider.sliderPressed.connect(self._pressed)
            self._adopt(self.slider, f"{self.name}, slider", stretch=1)
        else:
            self.row.addStretch(1)
        self.number = NumberEdit(self._display, self)
        self.number.setFixedWidth(px(EDIT_WIDTH))
        self.number.committed.connect(self._typed)
        self.number.stepped.connect(self._stepped)
        self.number.abandoned.connect(self._abandoned)
        self._adopt(self.number, self.name)
        self.refresh()

    def controls(self) -> list[QWidget]:
        return [control for control in (self.chip, self.slider, self.number) if control is not None]

    def set_resolved(self, value: float | None) -> None:
        """Set the number for "auto" on the current data, if other settings do not determine it."""
        if value != self._resolved:
            self._resolved = value
            # The range of a slider does not change while it is dragged.
            if self.slider is None or not self.slider.isSliderDown():
                self._scale = slider_scale(self.field, value)
            self.refresh()

    def set_last(self, last: int) -> None:
        """Limit the slider and the arrow keys by the size of the data; a larger number can be typed and is refused."""
        if last != self._last and (self.slider is None or not self.slider.isSliderDown()):
            self._last = last
            self._scale = Scale(self._scale.low, last)
            self.refresh()

    def shown_value(self) -> float | None:
        """The number in view; None while that of "auto" is not known."""
        given = self.state.value(self.key)
        if given == "auto":
            given = description.value(resolve(self.state.experiment), self.key)
        return self._resolved if given == "auto" else given

    def refresh(self) -> None:
        automatic = self.state.value(self.key) == "auto"
        if self.chip is not None:
            self.chip.setChecked(automatic)
        theme.set_state(self.number, "auto", "true" if automatic else "false")
        number = self.shown_value()
        if not (self.number.dirty and self._refused()):
            self.number.show_value(number, UNKNOWN.get(self.key, "auto"))
        if self.slider is not None:
            self.slider.set_known(number is not None)
            self.slider.set_position(0.5 if number is None else self._scale.position(number))
            self.slider.setAccessibleDescription(f"{self.number.text()}. {self.field.description}")

    def say(self, sentence: str, is_error: bool = False) -> None:
        super().say(sentence, is_error)
        theme.set_state(self.number, "refused", "true" if is_error else "false")

    def _display(self, value: float) -> str:
        return format_number(value)

    def _refused(self) -> bool:
        return bool(self.number.property("refused") == "true")

    @Slot(bool)
    def _chip_clicked(self, checked: bool) -> None:
        if checked:
            self.edit("auto")
            return
        number = self.shown_value()
        if number is None or not self.edit(self._whole(float(f"{number:.3g}"))):
            # Without a number to keep, the only way is to type one.
            self.refresh()
            self.number.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _pressed(self) -> None:
        self._gesture += 1
        self.announce()

    @Slot(float)
    def _slid(self, position: float) -> None:
        assert self.slider is not None
        self._pending = self._moved_to(position)
        number, way = self.shown_value(), self.slider.way(position)
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

    @Slot(int)
    def _stepped(self, count: int) -> None:
        number = self.shown_value()
        if number is None:
            return
        new = self._moved_to(self._scale.position(number) + count * 0.01)
        if new == number or (new > number) != (count > 0):
            # The scale's end, or a whole number that one step of the slider does not change.
            new = number + count if self.field.kind == "int" else number
        low, high = self.field.minimum, self._last
        assert low is not None
        assert high is not None
        self.edit(self._whole(min(max(new, low), high)), merge=f"{self.key} {self._gesture}")

    @Slot(str)
    def _typed(self, text: str) -> None:
        try:
            value = read(self.field, text, self._example())
        except NotANumber as error:
            self.say(str(error), is_error=True)
            return
        if self.state.edit({self.key: value}):
            self.say("")
            self.number.show_value(None)  # it was taken: show it in the state's format
            self.refresh()

    @Slot()
    def _abandoned(self) -> None:
        self.say("")
        self.refresh()

    @Slot(object)
    def _state_changed(self, keys: frozenset[str]) -> None:
        if self.key in keys:
            self.say("")  # before the refresh, so that the new value replaces a refused text
            self.refresh()
        elif self.state.value(self.key) == "auto":
            self.refresh()  # the number for "auto" may have changed

    def _moved_to(self, position: float) -> float | int:
        return self._whole(round_to_slider(self._scale.value(position), self._scale, self.field.kind == "int"))

    def _whole(self, value: float) -> float | int:
        return round(value) if self.field.kind == "int" else float(value)

    def _example(self) -> float:
        if self.field.default != "auto":
            return float(self.field.default)
        number, whole = self.shown_value(), self.field.kind == "int"
        if number is None:
            assert self.field.maximum is not None
            return min(100, self.field.maximum) if whole else 3e-3
        return number if whole else float(f"{number:.2g}")


class ChoiceField(FieldRow):
    """Segments side by side, or a list if the row is too narrow for them.

    Choices by keys while the focus stays are one undo step, because keys pass unwanted values on their way. A click or a
    choice from the open list is a step of its own.
    """

    def __init__(
        self,
        state: State,
        key: str,
        label: str | None = "",
        unsaved_steps: UnsavedSteps = no_unsaved_steps,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, key, label, unsaved_steps, parent)
        self._room = 44 if label is None else 20
        self.control: SegmentedControl | ChoiceBox
        self._by_key, self._stay = False, 0
        self._offer()
        state.kinds_changed.connect(self._offer_again)
        self.refresh()

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
            self.control = ChoiceBox(options, self)
            ItemTooltips(self.control, self._meaning, self.field.equation_of)
        self.control.chosen.connect(self._chosen)
        self._tooltip = self._adopt(self.control, self.name, stretch=1)

    @Slot()
    def _offer_again(self) -> None:
        """Make the control anew if a plug-in has added a kind."""
        if self.key not in self.state.fields() or self.state.field(self.key).choices == self.field.choices:
            return
        self.field = self.state.field(self.key)
        old, focus = self.control, self.controls()[0].focusPolicy()
        before = old.previousInFocusChain()
        self.row.removeWidget(old)
        old.hide()
        old.deleteLater()
        self._offer()
        for control in self.controls():
            control.setFocusPolicy(focus)
        chain = [*([] if before is None else [before]), *self.controls()]
        for first, second in itertools.pairwise(chain):
            QWidget.setTabOrder(first, second)
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
        title, choice = self.field.title_of("auto"), description.value(resolve(self.state.experiment), self.key)
        return title if choice == "auto" else f"{title}: {self.field.title_of(choice)}"

    @Slot(object)
    def _state_changed(self, keys: frozenset[str]) -> None:
        super()._state_changed(keys)
        if self.key not in keys and self.state.value(self.key) == "auto":
            self.refresh()  # it may stand for another choice

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

    def __init__(
        self,
        state: State,
        key: str,
        label: str | None = "",
        unsaved_steps: UnsavedSteps = no_unsaved_steps,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, key, label, unsaved_steps, parent)
        if self.label is not None:
            self.label.free()
        self.row.addStretch(1)
        self.switch = Switch(self)
        self.switch.flipped.connect(self.edit)
        self._adopt(self.switch, self.name)
        self.refresh()

    def controls(self) -> list[QWidget]:
        return [self.switch]

    def refresh(self) -> None:
        self.switch.setChecked(self.state.value(self.key))


class FileField(FieldRow):
    """A button with the name of a file, which opens another.

    Args:
        choose: asks for a file, and opens the one that was chosen.
    """

    def __init__(
        self,
        state: State,
        key: str,
        choose: Callable[[], None],
        unsaved_steps: UnsavedSteps = no_unsaved_steps,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, key, "", unsaved_steps, parent)
        self.button = QPushButton(self)
        self.button.clicked.connect(choose)
        self._adopt(self.button, self.name, stretch=1)
        self.refresh()

    def controls(self) -> list[QWidget]:
        return [self.button]

    def refresh(self) -> None:
        path = self.state.value(self.key)
        name = PurePath(path).name
        self.button.setText(f"{name[:LONGEST_NAME]}…" if len(name) > LONGEST_NAME else name or "Open…")
        self.button.setAccessibleName(f"{self.name}: {name or 'none'}")


def make_field(
    state: State,
    key: str,
    label: str | None = "",
    unsaved_steps: UnsavedSteps = no_unsaved_steps,
    parent: QWidget | None = None,
) -> FieldRow:
    """The row that suits a setting's type.

    Raises:
        ValueError: a list or a text, which is edited on the canvas or by opening a file.
    """
    kinds: dict[str, Callable[..., FieldRow]] = {
        "int": NumberField,
        "float": NumberField,
        "choice": ChoiceField,
        "bool": SwitchField,
    }
    kind = state.field(key).kind
    if kind not in kinds:
        raise ValueError(f"{key} is a {kind}: it has no row")
    return kinds[kind](state, key, label, unsaved_steps, parent=parent)


def plain_row(state: State, key: str, unsaved_steps: UnsavedSteps = no_unsaved_steps) -> FieldRow | None:
    """The row by :func:`make_field`; None for a list or a text."""
    return None if state.field(key).kind in ("list", "text") else make_field(state, key, unsaved_steps=unsaved_steps)
