"""The table of a sweep: a row for each combination of the axes' values, or for each cell."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from playground.app.controllers.sweeping import SweepReport
from playground.app.style.number_formats import format_measured, format_number
from playground.app.style.wrapping import wrapped
from playground.drawing.sweep_pictures import name_of
from playground.lab.figures import FIGURES
from playground.lab.measured import floor_name
from playground.lab.sweep.description import Cell
from playground.lab.sweep.table import Row

Index = QModelIndex | QPersistentModelIndex

COLUMNS = tuple(
    (key, floor_name(key))
    for key in (
        *(key for key, spec in FIGURES.items() if spec.of_runs and key != floor_name("wasserstein2")),
        *("memorized_share", "test_nll", "nfe_mean"),
    )
)
"""The figures of the table, each with the figure that is shown beside it as its floor; the files have all."""


@dataclass(frozen=True)
class _Line:
    """A row; its texts are made when it is first shown, because a sweep may have thousands."""

    cell: Cell | None
    write: Callable[[], tuple[str, ...]]

    @functools.cached_property
    def texts(self) -> tuple[str, ...]:
        return self.write()


class SweepTable(QAbstractTableModel):
    """Shows a report. Each row has a cell whose run it opens."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._titles: tuple[str, ...] = ()
        self._lines: list[_Line] = []

    def show_report(self, report: SweepReport | None, each_cell: bool) -> None:
        """Show the means over the seeds, or each cell."""
        titles, lines = ((), []) if report is None else _table(report, each_cell)
        if titles == self._titles and len(lines) == len(self._lines):
            self._lines = lines
            if lines:
                self.dataChanged.emit(self.index(0, 0), self.index(len(lines) - 1, len(titles) - 1))
            return
        self.beginResetModel()
        self._titles, self._lines = titles, lines
        self.endResetModel()

    def cell_of(self, line: int) -> Cell | None:
        """The finished cell of a row; of several seeds the first."""
        return self._lines[line].cell if 0 <= line < len(self._lines) else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._titles)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        text = self._lines[index.row()].texts[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == Qt.ItemDataRole.ToolTipRole:
            return wrapped(text)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        return None


def _table(report: SweepReport, each_cell: bool) -> tuple[tuple[str, ...], list[_Line]]:
    axes = [*report.sweep.axes]
    shown = [pair for pair in COLUMNS if any(pair[0] in row.mean for row in report.rows)]
    counted = (("seed", "error") if report.failures else ("seed",)) if each_cell else ("seeds",)
    titles = (*map(name_of, axes), *counted, *(name_of(key) for key, _ in shown))
    return titles, _cells(report, axes, shown) if each_cell else _means(report, axes, shown)


def _means(report: SweepReport, axes: Sequence[str], shown: Sequence[tuple[str, str]]) -> list[_Line]:
    first: dict[str, Cell] = {}
    for cell in report.cells:
        if report.found.get(cell.number, {}).get("metrics") is not None:
            first.setdefault(_key(cell.values, axes), cell)

    def write(row: Row) -> tuple[str, ...]:
        values = (*(_value(row.values[axis]) for axis in axes), str(row.count))
        return (*values, *(_figure(row.mean, row.error, *pair) for pair in shown))

    return [_Line(first.get(_key(row.values, axes)), functools.partial(write, row)) for row in report.rows]


def _cells(report: SweepReport, axes: Sequence[str], shown: Sequence[tuple[str, str]]) -> list[_Line]:
    failures = report.failures

    def write(cell: Cell, found: Mapping[str, Any]) -> tuple[str, ...]:
        values = (*(_value(cell.values[axis]) for axis in axes), str(cell.values["seed"]))
        why = (failures.get(cell.number, ""),) if failures else ()
        return (*values, *why, *(_figure(found.get("metrics", {}), {}, *pair) for pair in shown))

    numbered = ((cell, report.found[cell.number]) for cell in report.cells if cell.number in report.found)
    return [
        _Line(None if cell.number in failures else cell, functools.partial(write, cell, found))
        for cell, found in numbered
    ]


def _key(values: Mapping[str, Any], axes: Sequence[str]) -> str:
    return repr([values[axis] for axis in axes])


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _figure(mean: Mapping[str, float], error: Mapping[str, float], key: str, floor: str) -> str:
    """A mean with its error, and its floor if it has one."""
    if key not in mean:
        return "–"
    said = format_measured(mean[key], error[key]) if error.get(key) else format_number(mean[key])
    return said + (f"  (floor {format_number(mean[floor], 2)})" if floor in mean else "")
