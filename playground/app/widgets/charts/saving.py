"""The menu of a chart, and what it copies and saves."""

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QMenu, QWidget

from playground.app.model.preferences import Preferences
from playground.app.widgets import file_prompts
from playground.app.widgets.charts.scales import Scales
from playground.app.widgets.charts.series import Series
from playground.drawing.charts import Axis
from playground.drawing.render import PROVENANCE
from playground.drawing.vectors import SUFFIXES, drawing
from playground.lab.atomic import atomic_write
from playground.lab.csv_table import write_rows

if TYPE_CHECKING:
    from playground.app.widgets.charts.plot import Plot

FILES = {"png": "Pictures", "svg": "Drawings", "pdf": "Documents", "csv": "Comma-separated values"}


class Saved(Protocol):
    """The part of a chart that is copied and saved."""

    plot: "Plot | None"
    series: Sequence[Series]
    scales: Scales

    @property
    def axes(self) -> tuple[Axis, Axis] | None: ...
    def set_log(self, side: int, log: bool) -> None: ...
    def paint_still(self, painter: QPainter) -> None: ...
    def provenance(self) -> str: ...
    def accessibleName(self) -> str: ...
    def devicePixelRatioF(self) -> float: ...
    def size(self) -> QSize: ...


def menu_of(chart: Saved) -> QMenu:
    """The context menu of the chart."""
    assert isinstance(chart, QWidget)
    plot, axes = chart.plot, chart.axes
    assert plot is not None
    assert axes is not None
    menu = QMenu(chart)
    menu.addAction("Copy picture", functools.partial(copy, chart))
    for suffix in FILES:
        menu.addAction(f"Save {suffix.upper()}…", functools.partial(ask_and_save, chart, suffix))
    menu.addSeparator()
    for side, given in enumerate(axes if plot.scaled else ()):
        action = menu.addAction(f"Logarithmic {given.name}")
        action.setCheckable(True)
        action.setChecked(given.log)
        action.setEnabled(chart.scales.can_be_log(side, chart.series))
        action.triggered.connect(lambda log, side=side: chart.set_log(side, log))
    menu.addSeparator()
    menu.addAction("Show all", plot.show_all).setEnabled(plot.zoomed)
    return menu


def picture(chart: Saved) -> QImage:
    """The whole chart at twice the pixels of the screen, without cross-hair or focus."""
    ratio = 2 * chart.devicePixelRatioF()
    image = QImage(chart.size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    with QPainter(image) as painter:
        chart.paint_still(painter)
    return image


def copy(chart: Saved) -> None:
    """Copy the picture."""
    QGuiApplication.clipboard().setImage(picture(chart))


def ask_and_save(chart: Saved, suffix: str) -> None:
    """Ask for a name, and save in the format of its suffix."""
    assert isinstance(chart, QWidget)
    name = f"{chart.accessibleName().lower().replace(' ', '-')}.{suffix}"
    preferences = Preferences()
    proposed = str(preferences.propose(None, name))
    chosen, _ = file_prompts.save_name(chart, "Save chart", proposed, f"{FILES[suffix]} (*.{suffix})")
    path = file_prompts.completed(chart, chosen, [f".{suffix}"], f".{suffix}") if chosen else None
    if path is not None:
        save(chart, path)
        preferences.remember_folder(path)


def save(chart: Saved, path: Path) -> None:
    """Write the picture as PNG, SVG or PDF, or the numbers as CSV. An incomplete file is never left.

    Raises:
        OSError: the folder is not writable or the disk is full.
    """
    with atomic_write(path) as temporary:
        if path.suffix.lower() == ".csv":
            with temporary.open("w", newline="", encoding="utf-8") as file:
                write_rows(file, rows(chart))
        elif path.suffix.lower() in SUFFIXES:
            size = chart.size().width(), chart.size().height()
            name, told = chart.accessibleName(), chart.provenance()
            temporary.write_bytes(drawing(path.suffix.lower(), chart.paint_still, size, size, name, told))
        else:
            image = picture(chart)
            image.setText(PROVENANCE, chart.provenance())
            image.save(str(temporary))


def rows(chart: Saved) -> list[list[object]]:
    """The numbers of all series as rows of a table; the first row names the columns."""
    axes = chart.axes
    assert axes is not None
    errors = any(one.error is not None for one in chart.series)
    rows: list[list[object]] = [["series", *(axis.name for axis in axes), *["standard error"] * errors]]
    for one in chart.series:
        columns = [one.x, one.y] + [np.full(len(one.x), math.nan) if one.error is None else one.error] * errors
        rows += [[one.name, *row] for row in np.stack(columns, axis=1).tolist()]
    return rows
