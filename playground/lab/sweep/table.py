"""The table of a sweep: means over the seeds with their standard errors, and its files. This module imports no torch."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playground.lab.atomic import atomic_write
from playground.lab.csv_table import write_csv
from playground.lab.sweep import folder as folders
from playground.lab.sweep.description import Cell
from playground.user_errors import UserError

CELLS_TABLE, MEANS_TABLE = "cells", "means"
FORMATS = (".csv", ".parquet")
NO_PARQUET = "Parquet needs a package: pip install 'score-playground[parquet]'."
ERROR = "_standard_error"

Curves = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Row:
    """The cells of one combination, over the seeds.

    Attributes:
        values: the values by axis.
        count: the number of finished seeds.
        mean, error: the mean over the seeds and its standard error, by figure; one seed has no error.
        curves, curve_errors: the same of the curves along sigma, if they were measured.
    """

    values: Mapping[str, Any]
    count: int
    mean: Mapping[str, float]
    error: Mapping[str, float]
    curves: Curves
    curve_errors: Curves


def rows(folder: Path, every: Sequence[Cell]) -> list[Row]:
    """The means over the seeds, for each combination with a finished cell."""
    return rows_of([(cell, folders.read(folder, cell)) for cell in every])


def rows_of(every: Sequence[tuple[Cell, Mapping[str, Any]]]) -> list[Row]:
    """The means over the seeds, from what is written of each cell."""
    combined: dict[str, tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = {}
    for cell, found in every:
        values: Mapping[str, Any] = {axis: value for axis, value in cell.values.items() if axis != "seed"}
        if found.get("error") is None and found.get("metrics") is not None:
            combined.setdefault(json.dumps(values, default=str), (values, []))[1].append(found)
    made = []
    for values, results in combined.values():
        mean, error = _over_seeds([one["metrics"] for one in results])
        curves: dict[str, list[float]] = {}
        curve_errors: dict[str, list[float]] = {}
        every_curves = [one.get("curves", {}) for one in results]
        for name in every_curves[0]:
            if all(len(one.get(name, ())) == len(every_curves[0][name]) for one in every_curves):
                points = [
                    _over_seeds([{name: at} for at in drawn]) for drawn in zip(*_named(every_curves, name), strict=True)
                ]
                curves[name] = [at[name] for at, _ in points]
                curve_errors[name] = [off.get(name, 0.0) for _, off in points]
        made.append(Row(values, len(results), mean, error, curves, curve_errors))
    return made


def _named(curves: Sequence[Curves], name: str) -> list[Sequence[float]]:
    return [one[name] for one in curves]


def _over_seeds(results: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float], dict[str, float]]:
    """The mean of each figure that all seeds have, and its standard error."""
    shared = [key for key in results[0] if all(key in one for one in results)]
    drawn = {key: [float(one[key]) for one in results] for key in shared}
    mean = {key: statistics.fmean(numbers) for key, numbers in drawn.items()}
    if len(results) == 1:
        return mean, {}
    return mean, {key: statistics.stdev(numbers) / math.sqrt(len(numbers)) for key, numbers in drawn.items()}


def write_tables(folder: Path, cells: Sequence[Cell], parquet: bool = False) -> list[Row]:
    """Write a table of all cells, finished or failed, and one of the means, as CSV and, if asked for, as Parquet.

    Returns:
        The rows of the means.

    Raises:
        UserError: the package for Parquet is missing.
    """
    axes = list(cells[0].values)
    every = [(cell, folders.read(folder, cell)) for cell in cells]
    computed = [(cell, one) for cell, one in every if one]
    figures = list(dict.fromkeys(key for _, one in computed for key in one.get("metrics", {})))
    write_table(
        folder / CELLS_TABLE,
        ["cell", *axes, "version", "error", *figures],
        [
            [
                *(cell.number, *cell.values.values(), str(one.get("version", "")), one.get("error") or ""),
                *_in_order(one.get("metrics", {}), figures),
            ]
            for cell, one in computed
        ],
        parquet,
    )
    made = rows_of(every)
    figures = list(dict.fromkeys(key for row in made for key in row.mean))
    columns = [name for key in figures for name in (key, key + ERROR)]
    write_table(
        folder / MEANS_TABLE,
        [*axes[:-1], "seeds", *columns],
        [[*row.values.values(), row.count, *_in_order({**row.mean, **_errors(row)}, columns)] for row in made],
        parquet,
    )
    return made


def _errors(row: Row) -> dict[str, float]:
    return {key + ERROR: value for key, value in row.error.items()}


def _in_order(figures: Mapping[str, Any], columns: Sequence[str]) -> list[Any]:
    return [figures.get(column) for column in columns]


def write_table(path: Path, header: Sequence[str], lines: Sequence[Sequence[Any]], parquet: bool = False) -> None:
    """Write a table beside its name: as CSV and, if asked for, as Parquet too, both atomically.

    Raises:
        UserError: the package for Parquet is missing.
    """
    write_csv(path.with_suffix(".csv"), header, lines)
    if not parquet:
        return
    if not has_parquet():
        raise UserError(NO_PARQUET)
    import pandas
    from fastparquet import write

    columns = {name: [line[place] for line in lines] for place, name in enumerate(header)}
    frame = pandas.DataFrame({name: pandas.Series(*_typed(values)) for name, values in columns.items()})
    with atomic_write(path.with_suffix(".parquet")) as temporary:
        write(str(temporary), frame, compression="UNCOMPRESSED")


def has_parquet() -> bool:
    """Whether the packages that write Parquet are installed."""
    return all(find_spec(name) is not None for name in ("pandas", "fastparquet"))


def _typed(values: Sequence[Any]) -> tuple[list[Any], None, str]:
    """The values of a column with its type: whole numbers, numbers, or texts; a missing number is nan."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int} and None not in values:
        return list(values), None, "int64"
    if kinds <= {int, float}:
        return [math.nan if value is None else value for value in values], None, "float64"
    return ["" if value is None else str(value) for value in values], None, "object"
