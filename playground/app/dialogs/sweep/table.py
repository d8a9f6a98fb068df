"""The columns of a sweep's table: a row for each combination of the axes' values, or for each cell."""

from collections.abc import Callable, Sequence

from playground.app.controllers.sweeping import SweepReport
from playground.app.style.figure_words import beside_floor
from playground.app.widgets.table import TableColumn
from playground.drawing.sweep_pictures import name_of, shown
from playground.lab.figures import FIGURES
from playground.lab.measured import floor_name
from playground.lab.sweep.table import Row

COLUMNS = (
    *(key for key, spec in FIGURES.items() if spec.of_runs and key != floor_name("wasserstein2")),
    *("memorized_share", "test_nll", "nfe_mean"),
)
"""The figures of the table, each with its floor; the files have all."""


def columns(report: SweepReport, each_cell: bool) -> list[TableColumn]:
    """The columns of the means over the seeds, or of each cell."""
    found = [_axis(axis, report.each) for axis in report.sweep.axes]
    if not each_cell:
        found.append(_column("seeds", lambda row: str(row.count), lambda row: row.count))
    else:
        found.append(_column("seed", lambda row: str(row.cell.values["seed"]), lambda row: row.cell.values["seed"]))
        if report.failures:
            found.append(_column("error", lambda row: row.failure, lambda row: row.failure or None, True))
    return found + [_figure(key) for key in COLUMNS if any(key in row.mean for row in report.rows)]


def _column(
    title: str, text: Callable[[Row], str], order: Callable[[Row], float | str | None], has_words: bool = False
) -> TableColumn:
    return TableColumn(title, text, order, tip=text, has_words=has_words)


def _axis(axis: str, rows: Sequence[Row]) -> TableColumn:
    """The values of an axis, in the order in which the rows have them."""

    def text(row: Row) -> str:
        return shown(row.values[axis])

    places = {value: place for place, value in enumerate(dict.fromkeys(map(text, rows)))}
    has_words = not all(isinstance(row.values[axis], int | float) for row in rows)
    return _column(name_of(axis), text, lambda row: places.get(text(row)), has_words)


def _figure(key: str) -> TableColumn:
    """A mean with its error, and its floor if it has one."""
    return _column(name_of(key), lambda row: beside_floor(row.figures, key), lambda row: row.mean.get(key))
