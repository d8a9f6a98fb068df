"""The table of a sweep: means over the seeds with their standard errors, and its files. This module imports no torch."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.lab.csv_table import write_csv
from playground.lab.measured import Figures
from playground.lab.sweep import folder as folders
from playground.lab.sweep.description import Cell
from playground.lab.sweep.orders import CellResult

CELLS_TABLE, MEANS_TABLE = "cells.csv", "means.csv"
ERROR, WITHIN = "_standard_error", "_standard_error_within_cells"

Curves = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Row:
    """The cells of one combination, over the seeds; or one cell alone.

    Attributes:
        cell: the first of them.
        values: the values by axis.
        count: the number of finished seeds.
        mean: the mean over the seeds, by figure.
        error: its standard error, from the scatter of the seeds and the errors of the cells; missing for one seed without one.
        within: the part of the error that those of the cells explain, of figures that have one.
        curves, curve_errors: mean and error of the curves along sigma, if they were measured.
        failure: why the cell failed; "" if it did not.
    """

    cell: Cell
    values: Mapping[str, Any]
    count: int
    mean: Mapping[str, float]
    error: Mapping[str, float]
    within: Mapping[str, float]
    curves: Curves
    curve_errors: Curves
    failure: str = ""

    @property
    def figures(self) -> Figures:
        """The means and their errors."""
        return Figures.of(_named_figures(self))


def rows(folder: Path, every: Sequence[Cell]) -> list[Row]:
    """The means over the seeds, for each combination with a finished cell."""
    return rows_of([(cell, folders.read(folder, cell)) for cell in every])


def rows_of(every: Sequence[tuple[Cell, CellResult | None]]) -> list[Row]:
    """The means over the seeds, from what is written of each cell."""
    combined: dict[str, tuple[Cell, list[CellResult]]] = {}
    for cell, found in every:
        if found is not None and found.error is None:
            combined.setdefault(json.dumps(_varied(cell), default=str), (cell, []))[1].append(found)
    made = []
    for cell, results in combined.values():
        mean, error, within = _over_seeds([one.metrics for one in results])
        curves: dict[str, list[float]] = {}
        curve_errors: dict[str, list[float]] = {}
        every_curves = [one.curves for one in results]
        for name in every_curves[0]:
            if all(len(one.get(name, ())) == len(every_curves[0][name]) for one in every_curves):
                points = [
                    _over_seeds([{name: at} for at in drawn])
                    for drawn in zip(*(one[name] for one in every_curves), strict=True)
                ]
                curves[name] = [at[name] for at, _, _ in points]
                curve_errors[name] = [off.get(name, 0.0) for _, off, _ in points]
        made.append(Row(cell, _varied(cell), len(results), mean, error, within, curves, curve_errors))
    return made


def rows_of_cells(every: Sequence[tuple[Cell, CellResult | None]]) -> list[Row]:
    """A row for each cell that is finished or failed."""
    made = []
    for cell, found in every:
        made += rows_of([(cell, found)])
        if found is not None and found.error is not None:
            made.append(Row(cell, _varied(cell), 0, {}, {}, {}, {}, {}, found.error))
    return made


def _varied(cell: Cell) -> Mapping[str, Any]:
    return {axis: value for axis, value in cell.values.items() if axis != "seed"}


def _over_seeds(results: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """The mean of each figure that all seeds have, its standard error, and the part of it that is due to errors within the cells.

    The scatter of the seeds contains the errors within them. So the variance of a cell is the scatter's, but at least the mean of
    the cells' own: few seeds may agree by chance (the random-effects estimate of DerSimonian & Laird 1986, cut at 0).
    """
    shared = [key for key in results[0] if all(key in one for one in results)]
    drawn = {key: [float(one[key]) for one in results] for key in shared}
    root = math.sqrt(len(results))
    mean: dict[str, float] = {}
    error: dict[str, float] = {}
    within: dict[str, float] = {}
    for key, numbers in drawn.items():
        if key.endswith(ERROR) and key.removesuffix(ERROR) in drawn:
            continue  # no figure of its own
        mean[key] = statistics.fmean(numbers)
        found = [statistics.stdev(numbers) / root] if len(numbers) > 1 else []
        if key + ERROR in drawn:
            within[key] = math.sqrt(statistics.fmean(one**2 for one in drawn[key + ERROR])) / root
            found.append(within[key])
        if found:
            error[key] = max(found)
    return mean, error, within


def write_tables(folder: Path, cells: Sequence[Cell]) -> list[Row]:
    """Write a table of all cells, finished or failed, and one of the means, as CSV.

    Returns:
        The rows of the means.
    """
    axes = list(cells[0].values)
    every = [(cell, folders.read(folder, cell)) for cell in cells]
    computed = [(cell, one) for cell, one in every if one is not None]
    figures = list(dict.fromkeys(key for _, one in computed for key in one.metrics))
    write_csv(
        folder / CELLS_TABLE,
        ["cell", *axes, "version", "error", *figures],
        [
            [
                *(cell.number, *cell.values.values(), one.version, one.error or ""),
                *_in_order(one.metrics, figures),
            ]
            for cell, one in computed
        ],
    )
    made = rows_of(every)
    figures = list(dict.fromkeys(key for row in made for key in row.mean))
    within = {key for row in made for key in row.within}
    columns = [name for key in figures for name in (key, key + ERROR, *([key + WITHIN] if key in within else []))]
    write_csv(
        folder / MEANS_TABLE,
        [*axes[:-1], "seeds", *columns],
        [[*row.values.values(), row.count, *_in_order(_named_figures(row), columns)] for row in made],
    )
    return made


def _named_figures(row: Row) -> dict[str, float]:
    """The means and their errors by the names of their columns."""
    named = {
        f"{key}{end}": value for end, part in ((ERROR, row.error), (WITHIN, row.within)) for key, value in part.items()
    }
    return {**row.mean, **named}


def _in_order(figures: Mapping[str, Any], columns: Sequence[str]) -> list[Any]:
    return [figures.get(column) for column in columns]
