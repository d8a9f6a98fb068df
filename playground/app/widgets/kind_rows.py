"""The rows of a section: one for each setting of the chosen kind, made from the registry."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLayout, QVBoxLayout, QWidget

from playground.app.model.state import State
from playground.app.widgets import layouts
from playground.app.widgets.field_row import FieldRow
from playground.app.widgets.fields import plain_row
from playground.app.widgets.number_rows import NumberRow
from playground.kinds.setting import Field

MakeRow = Callable[[State, str], FieldRow | None]


class KindRows(QObject):
    """Keeps a row for every setting of a section's chosen kind, in the order in which the kind declares them.

    A row stays while the chosen kinds have its setting. Rows of settings without effect are hidden. Lists and texts have no
    row: they are edited on the canvas or by opening a file.

    Args:
        state: the state with the settings.
        section: the section of the experiment.
        body, advanced: layouts for the rows, each made by :func:`column`, in the order of the card, which Tab follows.
        rest: such a layout between both, for rows that are not `first`; by default the body.
        make: makes the rows of settings that have one of their own; by default :func:`plain_row` makes it.
        first: settings whose rows are in the body if there is a rest.
        last: settings whose rows come last, in this order.
        shown_elsewhere: returns whether something else shows a setting, so that it has no row now.
        applies: returns whether the data let a setting have an effect; called by refresh.
    """

    def __init__(
        self,
        state: State,
        section: str,
        body: QVBoxLayout,
        advanced: QVBoxLayout,
        make: Mapping[str, MakeRow] | None = None,
        rest: QVBoxLayout | None = None,
        first: tuple[str, ...] = (),
        last: tuple[str, ...] = (),
        shown_elsewhere: Callable[[str], bool] = lambda key: False,
        applies: Callable[[str], bool] = lambda key: True,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._section, self._last = state, section, last
        self._shown_elsewhere, self._applies = shown_elsewhere, applies
        self._make = make or {}
        self._columns = (body, advanced) if rest is None else (body, rest, advanced)
        self._first = first
        self.rows: dict[str, FieldRow] = {}
        self._fields: dict[str, Field] = {}
        state.changed.connect(self._changed)
        self.refresh()

    @Slot(object)
    def _changed(self, keys: frozenset[str]) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Make the rows of the chosen kind, and show those with an effect."""
        experiment = self._state.experiment
        wanted = self._wanted()
        if wanted != self._fields:
            self._rebuild(wanted)
        for key, row in self.rows.items():
            when = self._fields[key].when
            row.setVisible((when is None or when(experiment)) and self._applies(key))
        for place in self._columns:  # an empty part would still have spacing around it
            _part(place).setVisible(any(not self.rows[key].isHidden() for key in self._keys(place)))

    def _keys(self, place: QVBoxLayout) -> list[str]:
        """The settings whose rows are in a column."""
        return [key for key in self.rows if self._column_of(key) is place]

    def _column_of(self, key: str) -> QVBoxLayout:
        if self._fields[key].advanced:
            return self._columns[-1]
        return self._columns[0 if key in self._first else -2]

    def resolve(self, numbers: Mapping[str, object]) -> None:
        """Set the numbers for "auto" on the current data, as far as they are known, by the keys of their settings."""
        for row in self.rows.values():
            if isinstance(row, NumberRow):
                found = map(numbers.get, row.keys)
                row.set_resolved(*(one if isinstance(one, int | float) else None for one in found))

    @property
    def has_advanced(self) -> bool:
        """Whether an advanced row is shown."""
        return any(self._fields[key].advanced and not row.isHidden() for key, row in self.rows.items())

    def controls(self) -> list[QWidget]:
        """The controls in the tab order, the advanced ones last."""
        return [control for place in self._columns for control in self._controls(place)]

    def _controls(self, place: QVBoxLayout) -> list[QWidget]:
        return [control for key in self._keys(place) for control in self.rows[key].controls()]

    def _wanted(self) -> dict[str, Field]:
        known: Mapping[str, Field] = self._state.fields()
        own = [key for key in known if key.startswith(f"{self._section}.") and key != f"{self._section}.kind"]
        own = [key for key in own if key not in self._last] + [key for key in self._last if key in own]
        return {key: known[key] for key in own if not self._shown_elsewhere(key)}

    def _rebuild(self, wanted: dict[str, Field]) -> None:
        for key in list(self.rows):
            if wanted.get(key) != self._fields[key]:
                self.rows.pop(key).leave()
        rows: dict[str, FieldRow] = {}
        self._fields = wanted
        places = dict.fromkeys(self._columns, 0)
        for key in wanted:
            row = self.rows.get(key) or self._make.get(key, plain_row)(self._state, key)
            if row is None:
                continue
            place = self._column_of(key)
            if place.indexOf(row) != places[place]:
                place.insertWidget(places[place], row)
            row.raise_()  # the last of its siblings: they are in the order of the card, as its equations are
            for control in row.controls():
                # As in CentralWidget, which does not see later controls.
                if isinstance(control, QAbstractButton | QComboBox):
                    control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            places[place] += 1
            rows[key] = row
        self.rows = rows
        for place in reversed(self._columns):  # Qt moves nothing past what takes no focus, as the other columns
            _tab_through(_part(place), self._controls(place))


def column(layout: QLayout) -> QVBoxLayout:
    """A layout inside another one, in which rows come and go between its neighbours."""
    part = QWidget()
    rows = layouts.down(within=part, spacing=layout.spacing(), margins=0)
    layout.addWidget(part)
    return rows


def _part(rows: QVBoxLayout) -> QWidget:
    """The widget of a :func:`column`."""
    part = rows.parentWidget()
    assert part is not None
    return part


def _tab_through(part: QWidget, controls: list[QWidget]) -> None:
    """Put the controls of a column at their place in the tab order."""
    part.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # Qt puts nothing after what takes no focus
    layouts.tab_through(part, *controls)
    part.setFocusPolicy(Qt.FocusPolicy.NoFocus)
