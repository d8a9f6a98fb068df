"""The charts of a sweep: lines with bands of standard errors."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from playground.drawing.chart_pictures import paint_chart
from playground.drawing.palette import LIGHT
from playground.drawing.render import PictureError, headless, save_painting
from playground.drawing.vectors import SUFFIXES
from playground.lab.chart import Axis, Chart, Series
from playground.lab.experiment import SEEDS
from playground.lab.figures import FIGURES
from playground.lab.measured import floor_name
from playground.lab.sweep import folder as folders
from playground.lab.sweep.description import Cell, Plot, Sweep
from playground.lab.sweep.table import Row, write_tables
from playground.lab.table_cells import is_number
from playground.user_errors import cannot_write

PLOTS = "plots"
SIZE = (760, 440)  # painter units of a file
TEXT = 12.0  # px, of the letters

SIGMA, LOSS = "sigma", "loss"
CURVES = {"train_loss": "training", "held_out_loss": "held-out"}
NAMES = {SIGMA: "σ", LOSS: "denoising loss per dimension"}
DISTANCES = ("wasserstein2", "sliced_wasserstein2", "nearest_neighbour_distance")
MOST_LINES = 8


def pictures(sweep: Sweep, rows: Sequence[Row]) -> dict[str, Chart]:
    """The pictures that a sweep's file asks for, or the default ones, by the stems of their files; those without any
    number are left out."""
    found: dict[str, Chart] = {}
    for plot in sweep.plots or default_plots(sweep, rows):
        chosen = [row for row in rows if all(row.values.get(axis) == value for axis, value in plot.where.items())]
        picture = _lines(sweep, plot, chosen)
        if picture is not None:
            found[_stem(plot)] = picture
    return found


def write_results(sweep: Sweep, cells: Sequence[Cell], folder: Path) -> tuple[list[Row], list[Path]]:
    """Write the tables and the pictures of a sweep into its folder.

    Returns:
        The means over the seeds, and the PNG files.

    Raises:
        PictureError: the folder cannot be written or the disk is full.
    """
    rows, written = write_tables(folder, cells), folders.everything(folder, cells)
    return rows, save_pictures(pictures(sweep, rows), folder / PLOTS, provenance=folders.provenance(written.values()))


def save_pictures(pictures: Mapping[str, Chart], folder: Path, provenance: str = "") -> list[Path]:
    """Write each picture as PNG, SVG and PDF into a folder, and return the PNG files.

    Args:
        provenance: what made the sweep, one line of ASCII.

    Raises:
        PictureError: the folder cannot be written or the disk is full.
    """
    application = headless()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PictureError(cannot_write(folder, error)) from None
    for name, picture in pictures.items():

        def paint(painter: QPainter, painted: Chart = picture) -> None:
            painter.fillRect(QRectF(0, 0, *SIZE), LIGHT.color("background"))
            paint_chart(painter, QRectF(16, 14, SIZE[0] - 32, SIZE[1] - 28), painted, LIGHT, TEXT)

        for suffix in (".png", *SUFFIXES):
            save_painting(paint, SIZE, folder / f"{name}{suffix}", name, provenance=provenance)
    del application
    return [folder / f"{name}.png" for name in pictures]


def default_plots(sweep: Sweep, rows: Sequence[Row]) -> list[Plot]:
    """Distance against evaluations if these vary, and along the axis with the most values, of numbers if there is one; losses."""
    figure = next((key for key in DISTANCES if any(key in row.mean for row in rows)), None)
    varied = (axis for axis in sweep.axes if axis not in SEEDS)  # there is no line along a seed
    counts = {axis: len({str(row.values.get(axis)) for row in rows}) for axis in varied}
    axes = [axis for axis in counts if counts[axis] > 1]
    numeric = [axis for axis in axes if not _names(axis, rows)]
    plots = []
    if figure is not None:
        if len({row.mean.get("nfe_mean") for row in rows}) > 1:
            plots.append(Plot("nfe_mean", figure, log=["x", "y"]))
        if axes:
            plots.append(Plot(max(numeric or axes, key=lambda axis: counts[axis]), figure, log=["y"]))
    if any(row.curves for row in rows):
        plots.append(Plot(SIGMA, LOSS, log=["x", "y"]))
    return plots


def name_of(key: str) -> str:
    """A figure in words, with its unit; a setting by its key."""
    if key in FIGURES:
        return FIGURES[key].axis
    return NAMES.get(key, key if "." in key else key.replace("_", " "))


def _names(axis: str, rows: Sequence[Row]) -> tuple[str, ...]:
    """The values of an axis, unless they are numbers, in their order; none of a figure."""
    values = [row.values[axis] for row in rows if axis in row.values]
    return () if all(map(is_number, values)) else tuple(dict.fromkeys(map(shown, values)))


def _value(row: Row, key: str) -> float:
    """The figure or the axis of a row; nan if it is unknown."""
    value = row.values.get(key, row.mean.get(key))
    return float(value) if is_number(value) else math.nan


def shown(value: Any) -> str:
    """A value of an axis as text."""
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _stem(plot: Plot) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in f"{plot.y}-against-{plot.x}")


def _lines(sweep: Sweep, plot: Plot, rows: Sequence[Row]) -> Chart | None:
    axes = [plot.lines] if plot.lines else [axis for axis in sweep.axes if axis not in (plot.x, *plot.where)]
    if plot.x == "nfe_mean" and not plot.lines:  # the steps change the evaluations: they are points of a line
        axes = [axis for axis in axes if axis != "sampling.steps"]
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        name = ", ".join(_named(axis, row.values.get(axis)) for axis in axes)
        grouped.setdefault(name, []).append(row)
    names = _names(plot.x, rows)
    lines: list[Series] = []
    for category, (name, members) in enumerate(list(grouped.items())[:MOST_LINES]):
        lines += _losses(name, members, category) if plot.x == SIGMA else _line(plot, name, members, category, names)
    if not lines:
        return None
    floor = floor_name(plot.y)
    floors = [row.mean[floor] for row in rows if floor in row.mean]
    if floors:
        ends = np.array([min(line.x.min() for line in lines), max(line.x.max() for line in lines)])
        lines.append(Series("floor", ends, np.full(2, np.mean(floors)), "exact", "dashed"))
    log_x, log_y = (axis in plot.log and all((getattr(line, axis) > 0).all() for line in lines) for axis in ("x", "y"))
    left_out = len(grouped) - MOST_LINES
    note = f"and {left_out} more" if left_out > 0 else ""
    top = math.inf if plot.top is None else plot.top
    chart = Chart.around("", (name_of(plot.x), name_of(plot.y)), lines, (log_x, log_y), top, note)
    return replace(chart, x=Axis(chart.x.name, -0.5, len(names) - 0.5, names=names)) if names else chart


def _named(axis: str, value: Any) -> str:
    """A value of an axis; names speak for themselves."""
    return f"{axis.rpartition('.')[2]} {shown(value)}" if is_number(value) else str(value)


def _line(plot: Plot, name: str, rows: Sequence[Row], category: int, names: Sequence[str]) -> list[Series]:
    """The means over the seeds along x, with their standard errors; an unknown error is 0."""
    places = [names.index(shown(row.values[plot.x])) if names else _value(row, plot.x) for row in rows]
    heights = [(_value(row, plot.y), row.error.get(plot.y, 0.0)) for row in rows]
    points = [(place, *height) for place, height in zip(places, heights, strict=True)]
    points = sorted(point for point in points if all(map(math.isfinite, point)))
    if not points:
        return []
    x, y, error = np.array(points).T
    return [_series(name or name_of(plot.y), x, y, error, category)]


def _losses(name: str, rows: Sequence[Row], category: int) -> list[Series]:
    """The two losses along sigma of one combination, or of the last of several, in one colour."""
    found = []
    for row in [row for row in rows if SIGMA in row.curves][-1:]:
        for key, title in CURVES.items():
            x, y, error = (np.array(part) for part in (row.curves[SIGMA], row.curves[key], row.curve_errors[key]))
            words = f"{name}, {title}" if name else title
            found.append(_series(words, x, y, error, category, "dashed" if key == "train_loss" else "points"))
    return found


def _series(name: str, x: np.ndarray, y: np.ndarray, error: np.ndarray, category: int, kind: str = "points") -> Series:
    return Series(name, x, y, "", kind, error=error if error.any() else None, category=category)
