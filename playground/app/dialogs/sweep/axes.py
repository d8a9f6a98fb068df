"""The axes of a sweep as rows: a setting, and its values."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLineEdit, QWidget

from playground.app.style.theme import UNIT, set_role
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, named
from playground.app.widgets.controls import ChoiceBox
from playground.lab.experiment import Experiment, fields
from playground.lab.sweep.description import Range
from playground.lab.sweep.values import Values, read_values, write_values

EXAMPLES = "5, 10, 20   or   5 to 50, 4 values, log"
VALUES = f"The values of this setting: {EXAMPLES}."


class AxisRow(QWidget):
    """The row of one axis.

    Args:
        keys: the settings to choose from, with their labels.
        values: values that are named combinations of settings, which cannot be changed here.

    Signals:
        edited(): its setting or its values changed.
        removed(): the user asked to remove it.
    """

    edited = Signal()
    removed = Signal()

    def __init__(
        self,
        keys: Mapping[str, str],
        key: str,
        text: str,
        values: Sequence[Any] | None = None,
    ) -> None:
        super().__init__()
        self._named = values
        self.setting = ChoiceBox([(key, key)] if values is not None else [(one, one) for one in keys])
        named(self.setting, "Setting of this axis", "The setting that varies. Typing goes to the one that begins so.")
        for place, label in enumerate(keys.values() if values is None else ()):
            self.setting.setItemData(place, label, Qt.ItemDataRole.ToolTipRole)
        self.setting.set_value(key)
        self.remove = named(button("×", "", self.removed.emit), f"Remove the axis {key}", "Remove this axis")
        set_role(self.remove, "quiet")
        self.values = QLineEdit(text, placeholderText=EXAMPLES)
        named(self.values, "Values of this axis", VALUES)
        if values is not None:
            self.setting.setEnabled(False)
            self.values.setReadOnly(True)
            self.values.setToolTip(wrapped("Named combinations of settings, from the sweep's file."))
        self.values.setCursorPosition(0)
        top = layouts.across((self.setting, 1), self.remove, spacing=UNIT // 2)
        layouts.down(top, self.values, within=self, spacing=UNIT // 2, margins=0)
        self.setting.currentTextChanged.connect(self._changed)
        self.values.textChanged.connect(lambda _: self.edited.emit())

    @property
    def key(self) -> str:
        return self.setting.value()

    def read(self, base: Experiment) -> Values | list[Any]:
        """Read the values.

        Raises:
            ExperimentError: the values do not fit the setting.
        """
        if self._named is not None:
            return list(self._named)
        return read_values(self.key, self.values.text(), base)

    @Slot(str)
    def _changed(self, key: str) -> None:
        self.remove.setAccessibleName(f"Remove the axis {key}")
        self.edited.emit()


class Axes(QWidget):
    """The list of axes.

    Signals:
        edited(): an axis was changed, added or removed.
    """

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[AxisRow] = []
        self.keys: dict[str, str] = {}
        self.add = button("&Add axis", "Vary one more setting", self.add_axis)
        set_role(self.add, "quiet")
        self._layout = layouts.down(within=self, spacing=UNIT, margins=0)
        self._layout.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)

    def set_base(self, base: Experiment) -> None:
        """Offer the settings of an experiment."""
        self.keys = {key: field.label for key, field in fields(base).items()}

    def load(self, axes: Mapping[str, Range | list[Any]]) -> None:
        """Show the axes of a sweep."""
        for row in list(self.rows):
            self._take(row)
        for key, values in axes.items():
            named = values if isinstance(values, list) and any(isinstance(one, dict) for one in values) else None
            self._put(AxisRow(self.keys, key, write_values(values), named))
        self.edited.emit()

    def read(self, base: Experiment) -> dict[str, Range | list[Any]]:
        """Read the values by axis.

        Raises:
            ExperimentError: values do not fit their setting.
        """
        return {row.key: row.read(base) for row in self.rows}

    @Slot()
    def add_axis(self) -> None:
        """Add an axis for a setting that has none yet."""
        taken = {row.key for row in self.rows}
        key = next((key for key in ("sampling.steps", "training.steps", *self.keys) if key not in taken), "")
        row = AxisRow(self.keys, key, "")
        self._put(row)
        row.values.setFocus(Qt.FocusReason.OtherFocusReason)
        self.edited.emit()

    def _put(self, row: AxisRow) -> None:
        self.rows.append(row)
        self._layout.insertWidget(self._layout.count() - 1, row)
        row.edited.connect(self.edited)
        row.removed.connect(lambda: self._remove(row))

    def _remove(self, row: AxisRow) -> None:
        self._take(row)
        self.edited.emit()

    def _take(self, row: AxisRow) -> None:
        self.rows.remove(row)
        self._layout.removeWidget(row)
        row.hide()
        row.deleteLater()
