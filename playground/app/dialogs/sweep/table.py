"""The table of a sweep: a row for each combination of the axes' values, or for each cell."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from playground.app.controllers.sweeping import SweepReport
from playground.app.style.number_formats import format_measured, format_number
from playground.app.style.wrapping import wrapped
from playground.drawing.sweep_pictures import name_of, shown
from playground.lab.figures import FIGURES
from playground.lab.measured import floor_name
from playground.lab.sweep.description import Cell
from playground.lab.sweep.table import Row

Index = QModelIndex | QPersistentModelIndex
Column = tuple[str, Callable[[Row], str]]
"""A title, and the text of a row."""

COLUMNS = (
    *(key for key, spec in FIGURES.items() if spec.of_runs and key != floor_name("wasserstein2")),
    *("memorized_share", "test_nll", "nfe_mean"),
)
"""The figures of the table, each with its floor; the files have all."""


class SweepTable(QAbstractTableModel):
    """Shows rows, each with a cell whose run it opens. Texts are made when they are shown: a sweep may have thousands."""

    columns: Sequence[Column] = ()
    rows: Sequence[Row] = ()

    def show_report(self, report: SweepReport, each_cell: bool) -> None:
        """Show the means over the seeds, or each cell."""
        rows = report.each if each_cell else report.rows
        columns = _columns(report, each_cell)
        same = [title for title, _ in columns] == [title for title, _ in self.columns] and len(rows) == len(self.rows)
        if not same:
            self.beginResetModel()
        self.columns, self.rows = columns, rows
        if not same:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(columns) - 1))

    def cell_of(self, line: int) -> Cell | None:
        """The finished cell of a row; of several seeds the first."""
        return None if self.rows[line].failure else self.rows[line].cell

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        _, text = self.columns[index.column()]
        said = text(self.rows[index.row()])
        return said if role == Qt.ItemDataRole.DisplayRole else wrapped(said)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section][0]
        return None


def _columns(report: SweepReport, each_cell: bool) -> list[Column]:
    found: list[Column] = [(name_of(axis), functools.partial(_value, axis)) for axis in report.sweep.axes]
    if not each_cell:
        found.append(("seeds", lambda row: str(row.count)))
    else:
        found.append(("seed", lambda row: str(row.cell.values["seed"])))
        if report.failures:
            found.append(("error", lambda row: row.failure))
    figures = (key for key in COLUMNS if any(key in row.mean for row in report.rows))
    return found + [(name_of(key), functools.partial(_figure, key)) for key in figures]


def _value(axis: str, row: Row) -> str:
    return shown(row.values[axis])


def _figure(key: str, row: Row) -> str:
    """A mean with its error, and its floor if it has one."""
    if key not in row.mean:
        return "–"
    error, floor = row.error.get(key), row.mean.get(floor_name(key))
    said = format_measured(row.mean[key], error) if error else format_number(row.mean[key])
    return said if floor is None else f"{said}  (floor {format_number(floor, 2)})"
