"""The menu of a chart, and what it copies and saves."""

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QMenu, QWidget

from playground.app.model.preferences import Preferences
from playground.app.widgets import file_prompts
from playground.drawing.render import painted, save_painting
from playground.lab.chart import Chart
from playground.lab.csv_table import write_csv

if TYPE_CHECKING:
    from playground.drawing.plot import Plot

FILES = {"png": "Pictures", "svg": "Drawings", "pdf": "Documents", "csv": "Comma-separated values"}


class Saved(Protocol):
    """The part of a shown chart that is copied and saved."""

    plot: "Plot | None"
    chart: Chart | None

    def set_log(self, side: int, log: bool) -> None: ...
    def paint_still(self, painter: QPainter) -> None: ...
    def provenance(self) -> str: ...
    def accessibleName(self) -> str: ...
    def devicePixelRatioF(self) -> float: ...
    def size(self) -> QSize: ...


def menu_of(view: Saved) -> QMenu:
    """The context menu of a chart."""
    assert isinstance(view, QWidget)
    plot, chart = view.plot, view.chart
    assert plot is not None
    assert chart is not None
    menu = QMenu(view)
    menu.addAction("Copy picture", functools.partial(copy, view))
    for suffix in FILES:
        menu.addAction(f"Save {suffix.upper()}…", functools.partial(ask_and_save, view, suffix))
    menu.addSeparator()
    for side, given in enumerate(chart.axes if plot.scaled else ()):
        action = menu.addAction(f"Logarithmic {given.name}")
        action.setCheckable(True)
        action.setChecked(given.log)
        action.setEnabled(chart.can_be_log(side))
        action.triggered.connect(lambda log, side=side: view.set_log(side, log))
    menu.addSeparator()
    menu.addAction("Show all", plot.show_all).setEnabled(plot.zoomed)
    return menu


def picture(view: Saved) -> QImage:
    """The whole chart at twice the pixels of the screen, without cross-hair or focus."""
    return painted(view.paint_still, view.size().toTuple(), 2 * view.devicePixelRatioF())


def copy(view: Saved) -> None:
    """Copy the picture."""
    QGuiApplication.clipboard().setImage(picture(view))


def ask_and_save(view: Saved, suffix: str) -> None:
    """Ask for a name, and save in the format of its suffix."""
    assert isinstance(view, QWidget)
    name = f"{view.accessibleName().lower().replace(' ', '-')}.{suffix}"
    preferences = Preferences()
    proposed = str(preferences.propose(None, name))
    chosen, _ = file_prompts.save_name(view, "Save chart", proposed, f"{FILES[suffix]} (*.{suffix})")
    path = file_prompts.completed(view, chosen, [f".{suffix}"], f".{suffix}") if chosen else None
    if path is not None:
        save(view, path)
        preferences.remember_folder(path)


def save(view: Saved, path: Path) -> None:
    """Write the picture as PNG, SVG or PDF, or the numbers as CSV. An incomplete file is never left.

    Raises:
        OSError, PictureError: the folder is not writable or the disk is full.
    """
    if path.suffix.lower() == ".csv":
        names, *table = rows(view)
        write_csv(path, names, table)
    else:
        size, ratio = view.size().toTuple(), 2 * view.devicePixelRatioF()
        save_painting(view.paint_still, size, path, view.accessibleName(), ratio, view.provenance())


def rows(view: Saved) -> list[list[object]]:
    """The numbers of all series as rows of a table; the first row names the columns."""
    chart = view.chart
    assert chart is not None
    errors = any(one.error is not None for one in chart.series)
    rows: list[list[object]] = [["series", *(axis.name for axis in chart.axes), *["standard error"] * errors]]
    for one in chart.series:
        columns = [one.x, one.y] + [np.full(len(one.x), math.nan) if one.error is None else one.error] * errors
        rows += [[one.name, *row] for row in np.stack(columns, axis=1).tolist()]
    return rows
