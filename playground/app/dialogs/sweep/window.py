"""Tools > Sweep: vary settings of the experiment over seeds, and watch table and pictures grow."""

import functools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec
from PySide6.QtCore import QModelIndex, QSize, Qt, Slot
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from playground.app.controllers.sweeping import Sweeping, SweepReport
from playground.app.dialogs.sweep.axes import Axes
from playground.app.dialogs.sweep.picture import SweepPicture
from playground.app.dialogs.sweep.table import SweepTable
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count, format_duration
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.style.wrapping import breakable, wrapped
from playground.app.widgets.controls import ChoiceBox, SegmentedControl, Switch
from playground.app.widgets.menu_button import MenuButton
from playground.drawing.palette import Palette
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.experiment import from_tree as experiment_of
from playground.lab.sweep import folder as folders
from playground.lab.sweep.cluster import check, cluster
from playground.lab.sweep.description import BY_TIME, MOST_CELLS, NOTE, Cell, Range, Sweep
from playground.lab.sweep.executors import processes
from playground.lab.sweep.plots import HeatMap, name_of
from playground.lab.sweep.values import read_seeds
from playground.resources import resource
from playground.user_errors import UserError
from playground.version import __version__

SIZE = QSize(1180, 700)
LEFT = 320  # px
WIDEST = 360  # px, of a column; the error of a cell would be wider
SHIPPED = {
    "samplers": "Five samplers by steps",
    "evaluations": "Error against evaluations",
    "memorization": "Memorization map",
}
ABOUT = "Each combination of the axes' values is trained, sampled and measured once for each seed."


class Prompts(Protocol):
    """Questions for a file or a folder."""

    def open_name(self, title: str, folder: str, filters: str) -> str: ...
    def folder_name(self, title: str, folder: str) -> str: ...


class SweepWindow(QDialog):
    """The window of a sweep. It is not modal, and a sweep continues while it is closed.

    Args:
        sweeping: computes the sweep.
        shown: returns the experiment of the main window.
        folder: returns the folder for new sweeps.
        prompts: asks for files and folders.
    """

    def __init__(
        self,
        sweeping: Sweeping,
        shown: Callable[[], Experiment],
        folder: Callable[[], Path],
        prompts: Prompts,
        palette: Palette,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("sweepWindow")
        self.setWindowTitle("Sweep")
        self.setWindowFlags(Qt.WindowType.Window)
        self.sweeping, self._shown, self._folder, self._prompts = sweeping, shown, folder, prompts
        self._loaded: Sweep | None = None  # whose base and plots are used; None takes the main window's experiment
        self._origin, self._place = "", Path()
        sweeping.setParent(self)
        self._lay_out(palette)
        sweeping.changed.connect(self._show_state)
        sweeping.reported.connect(self._show_report)
        self.axes.edited.connect(self._show_state)
        for edit in (self.seeds, self.processes, self.scheduler):
            edit.textChanged.connect(self._show_state)
        self.measure.chosen.connect(self._show_state)
        self.losses.toggled.connect(self._show_state)
        self._take_shown()
        self.resize(SIZE)

    # --- layout

    def _lay_out(self, palette: Palette) -> None:
        self.table, self.picture = SweepTable(self), SweepPicture(palette)
        both = QHBoxLayout(self)
        both.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        both.setSpacing(2 * UNIT)
        both.addWidget(self._left())
        both.addLayout(self._right(), 1)

    def _left(self) -> QWidget:
        about = QLabel(ABOUT)
        about.setWordWrap(True)
        set_role(about, "caption")
        menu = QMenu(self)
        menu.addAction("What the window shows", self._take_shown)
        menu.addSeparator()
        for name, title in SHIPPED.items():
            menu.addAction(title, functools.partial(self.read, resource(f"sweeps/{name}.toml")))
        menu.addSeparator()
        menu.addAction("A sweep's file…", self._ask_file)
        menu.addAction("A sweep's folder…", self._ask_folder)
        self.source = MenuButton(menu)
        self.source.setAccessibleName("Base of the sweep")
        self.source.setToolTip(wrapped("The experiment whose settings vary. A folder goes on with its sweep."))
        self.axes = Axes()
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.axes)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.seeds = _edit("3", "Seeds", "How many seeds, such as 3; or the seeds, such as 0, 7, 12.")
        cores = max(1, (os.cpu_count() or 2) - 1)
        self.processes = _edit(
            f"{cores}", "Processes", "Processes that compute at once. This leaves a core for the window."
        )
        self.scheduler = _edit(
            "",
            "Scheduler",
            "Address of a dask scheduler, tls://HOST:PORT, on whose workers the cells are computed. The certificates are "
            "those of dask's configuration.",
        )
        self.scheduler.setPlaceholderText("none: processes of this machine")
        self.measure = ChoiceBox((("samples", "Samples"), ("all", "Samples and likelihoods")))
        self.measure.setAccessibleName("What is measured")
        self.measure.setToolTip(wrapped("Likelihoods take far longer than the figures of samples."))
        self.losses = Switch()
        self.losses.setAccessibleName("Loss along σ")
        self.losses.setToolTip(
            wrapped("Measure the loss at each noise level, at training points and at held-out points.")
        )
        places = QMenu(self)
        places.addAction("A new folder", self._take_new_place)
        places.addAction("Choose a folder…", self._ask_place)
        self.place = MenuButton(places)
        self.place.setAccessibleName("Folder of the results")
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setAccessibleName("What would be computed")
        self.start_button = _button("&Start", "Compute what is not finished yet", self._start)
        self.start_button.setObjectName("startSweep")
        set_role(self.start_button, "primary")
        self.cancel_button = _button(
            "&Cancel", "Stop. What is finished stays, and Resume goes on.", self.sweeping.cancel
        )
        self.cancel_button.setObjectName("cancelSweep")
        left = QWidget()
        left.setFixedWidth(px(LEFT))
        rows = QGridLayout(left)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT)
        rows.setColumnStretch(1, 1)

        def add(*named: tuple[str, QWidget]) -> None:
            """Add a line of one or two controls with their names; the names are below each other."""
            line = rows.rowCount()
            for column, (text, part) in zip((0, 2), named, strict=False):
                rows.addWidget(_label(text), line, column)
                rows.addWidget(part, line, column + 1, 1, 3 if len(named) == 1 else 1)

        rows.addWidget(about, 0, 0, 1, 4)
        add(("Base", self.source))
        rows.addWidget(area, rows.rowCount(), 0, 1, 4)
        rows.setRowStretch(rows.rowCount() - 1, 1)
        add(("Seeds", self.seeds), ("Processes", self.processes))
        add(("Scheduler", self.scheduler))
        add(("Measure", self.measure), ("Loss along σ", self.losses))
        add(("Folder", self.place))
        rows.addWidget(self.said, rows.rowCount(), 0, 1, 4)
        rows.addLayout(_row(self.start_button, self.cancel_button, stretched=0), rows.rowCount(), 0, 1, 4)
        return left

    def _right(self) -> QVBoxLayout:
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the sweep")
        self.status = QLabel()
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setAccessibleName("State of the sweep")
        set_role(self.status, "caption")
        self.choice = ChoiceBox(())
        self.choice.setMinimumContentsLength(30)
        self.choice.setAccessibleName("Picture")
        self.choice.setToolTip("Which picture is shown")
        self.choice.chosen.connect(self.show_picture)
        self.choice.hide()
        self.lines = SegmentedControl([("means", "Means"), ("cells", "Cells")])
        self.lines.set_value("means")
        self.lines.setMinimumWidth(px(150))
        for name, tip in (("means", "A line for each combination, over its seeds"), ("cells", "A line for each cell")):
            self.lines.buttons[name].setToolTip(tip)
        self.lines.chosen.connect(self._show_table)
        self.run_button = _button(
            "Open &run", "Open the run of the chosen line in the main window (Return)", self._open_chosen
        )
        self.run_button.setObjectName("openRun")
        self.parquet_button = _button(
            "Save as &Parquet",
            "Write the tables into the folder as Parquet too. As CSV they are there when a sweep ends.",
            self.sweeping.write_parquet,
        )
        self.view = QTableView()
        self.view.setModel(self.table)
        self.view.setAccessibleName("Table of the sweep")
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setTabKeyNavigation(False)
        self.view.setShowGrid(False)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(px(24))
        self.view.horizontalHeader().setHighlightSections(False)
        self.view.horizontalHeader().setMaximumSectionSize(px(WIDEST))
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.view.activated.connect(self._open_line)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._show_state())
        self.view.horizontalHeader().setResizeContentsPrecision(50)  # lines that are looked at
        for changed in (self.table.modelReset, self.table.dataChanged):  # errors come with the second seed
            changed.connect(lambda *_: self.view.resizeColumnsToContents())
        self.picture.chosen.connect(self._open_place)
        below = QWidget()
        rows = QVBoxLayout(below)
        rows.setContentsMargins(0, UNIT, 0, 0)
        rows.setSpacing(UNIT)
        rows.addLayout(_row(self.lines, QLabel(), self.parquet_button, self.run_button, stretched=1))
        rows.addWidget(self.view, 1)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(self.picture)
        parts.addWidget(below)
        parts.setStretchFactor(0, 3)
        parts.setStretchFactor(1, 2)
        parts.setChildrenCollapsible(False)
        right = QVBoxLayout()
        right.setSpacing(UNIT)
        right.addLayout(_row(self.choice, self.status, stretched=1))
        right.addWidget(self.bar)
        right.addWidget(parts, 1)
        return right

    def apply_palette(self, palette: Palette) -> None:
        self.picture.apply_palette(palette)

    # --- the sweep to compute

    def read(self, path: Path) -> None:
        """Read a sweep's file, or a folder with its results."""
        self._origin = path.name
        self.sweeping.read(path)

    @property
    def experiment(self) -> Experiment:
        """The base of the sweep."""
        return self._shown() if self._loaded is None else experiment_of(self._loaded.experiment, Experiment())

    def sweep(self) -> Sweep:
        """The sweep that the controls describe.

        Raises:
            ExperimentError: a value does not fit; the sentence says which.
        """
        base = self.experiment
        axes = self.axes.read(base)
        if not axes:
            raise ExperimentError("Add an axis: a setting with several values.")
        if len(axes) < len(self.axes.rows):
            raise ExperimentError("Two axes have the same setting: remove one.")
        plots = [] if self._loaded is None or axes != self._loaded.axes else self._loaded.plots
        return Sweep(
            axes,
            experiment=msgspec.to_builtins(base),
            seeds=read_seeds(self.seeds.text()),
            measure="all" if self.measure.value() == "all" else "samples",
            losses=self.losses.isChecked(),
            plots=plots,
        )

    def showEvent(self, event: QShowEvent) -> None:
        if self._loaded is None and not self.sweeping.running:
            self.show_base()
        super().showEvent(event)

    @Slot()
    def _take_shown(self) -> None:
        """Take the experiment of the main window."""
        self._loaded, self._origin = None, ""
        self.show_base()
        self.axes.load({"sampling.steps": Range(5, 50, 4, log=True)} if "sampling.steps" in self.axes.keys else {})
        self._take_new_place()

    def show_base(self) -> None:
        """Offer the settings of the base, after it changed."""
        self.axes.set_base(self.experiment)
        self._show_state()

    @Slot()
    def _ask_file(self) -> None:
        name = self._prompts.open_name("Open a sweep", str(self._folder()), "Sweeps (*.toml)")
        if name:
            self.read(Path(name))

    @Slot()
    def _ask_folder(self) -> None:
        name = self._prompts.folder_name("Open the folder of a sweep", str(self._folder()))
        if name:
            self.read(Path(name))

    @Slot()
    def _ask_place(self) -> None:
        name = self._prompts.folder_name("Folder of the results", str(self._folder()))
        if name:
            self.set_place(Path(name))

    @Slot()
    def _take_new_place(self) -> None:
        self.set_place(_unused(self._folder(), self._origin.removesuffix(".toml") or "sweep"))

    def set_place(self, folder: Path) -> None:
        """Choose the folder of the results."""
        self._place = folder
        self.place.show_words(f"{folder.name}, in {folder.parent}")
        self.place.setToolTip(wrapped(f"{breakable(str(folder))}. A folder that is half done is gone on with."))
        self._show_state()

    @Slot()
    def _start(self) -> None:
        try:
            sweep = self.sweep()
        except ExperimentError as error:
            self.said.setText(worded(error.message))
            return
        address = self._address
        place = functools.partial(cluster, address) if address else functools.partial(processes, self._processes)
        self.sweeping.compute(sweep, self._place, place)

    # --- results

    @Slot(object)
    def _show_report(self, report: SweepReport) -> None:
        if not self.sweeping.computing:  # read from a file: the controls show it
            self._loaded = report.sweep
            self.axes.set_base(self.experiment)
            self.axes.load(report.sweep.axes)
            seeds = report.sweep.seeds
            self.seeds.setText(f"{seeds}" if isinstance(seeds, int) else ", ".join(map(str, seeds)))
            self.measure.set_value(report.sweep.measure)
            self.losses.setChecked(report.sweep.losses)
            if report.folder is None:
                self._take_new_place()
            else:
                self.set_place(report.folder)
        chosen = self.choice.currentData()
        names = [picture.name for picture in report.pictures]
        if names != [self.choice.itemData(place) for place in range(self.choice.count())]:
            self.choice.clear()
            for picture in report.pictures:
                title = (
                    f"{picture.color} over {picture.x} and {picture.y}"
                    if isinstance(picture, HeatMap)
                    else f"{picture.y} against {picture.x}"
                )
                self.choice.addItem(title, picture.name)
            self.choice.setVisible(bool(names))
            self.choice.setCurrentIndex(max(self.choice.findData(chosen), 0 if names else -1))
        self.show_picture()
        self._show_table()
        self._show_state()

    @Slot()
    def show_picture(self) -> None:
        report, name = self.sweeping.report, self.choice.currentData()
        found = [] if report is None else [picture for picture in report.pictures if picture.name == name]
        self.picture.show_picture(found[0] if found else None)

    @Slot()
    def _show_table(self) -> None:
        self.table.show_report(self.sweeping.report, self.lines.value() == "cells")

    @Slot()
    def _show_state(self) -> None:
        """Show what would be computed, the progress, and which buttons are enabled."""
        running, computing = self.sweeping.running, self.sweeping.running and self.sweeping.computing
        problem = self._problem()
        there = (self._place / NOTE).is_file()
        self.start_button.setText("&Resume" if there else "&Start")
        self.start_button.setEnabled(not running and problem is None)
        self.cancel_button.setEnabled(computing and not self.sweeping.cancelled)
        for control in (self.axes, self.seeds, self.scheduler, self.measure, self.losses, self.place, self.source):
            control.setEnabled(not computing)
        self.processes.setEnabled(not computing and not self._address)
        self.source.show_words(self._origin or "What the window shows")
        self.said.setText(problem or self._counted())
        set_role(self.said, "refusal" if problem else "caption")
        report = self.sweeping.report
        self.parquet_button.setEnabled(
            not running and report is not None and report.folder is not None and bool(report.rows)
        )
        if report is not None:
            self.bar.setRange(0, len(report.cells))
            self.bar.setValue(report.done)
        self.status.setText(self._status())
        chosen = self.view.selectionModel().selectedRows()
        self.run_button.setEnabled(bool(chosen) and self.table.cell_of(chosen[0].row()) is not None)

    def _problem(self) -> str | None:
        """Why the sweep cannot start; None if it can."""
        try:
            cells = _count(self.sweep())
        except ExperimentError as error:
            return worded(error.message)
        if cells > MOST_CELLS:
            return (
                f"These are {format_count(cells)} cells: take fewer values, at most {format_count(MOST_CELLS)} cells."
            )
        if self._address:
            try:
                check(self._address)
            except UserError as error:
                return worded(error.message)
        elif self._processes is None:
            return "Processes: write a whole number from 1 to 1024."
        return None

    @property
    def _address(self) -> str:
        return self.scheduler.text().strip()

    @property
    def _processes(self) -> int | None:
        """The number of processes; None if it is not one from 1 to 1024."""
        text = self.processes.text().strip()
        number = int(text) if text.isdecimal() and len(text) <= 4 else 0  # Python refuses more than 4,300 digits
        return number if 1 <= number <= 1024 else None

    def _counted(self) -> str:
        sweep = self.sweep()
        cells = _count(sweep)
        text = f"{format_count(cells)} {'cell' if cells == 1 else 'cells'}"
        if "training.steps" not in sweep.axes and Cell(0, {}, self.experiment).depends_on_speed:
            text += f". {BY_TIME}"
        return text

    def _status(self) -> str:
        sweeping, report = self.sweeping, self.sweeping.report
        if sweeping.error is not None:
            return worded(sweeping.error)
        if sweeping.said:
            return sweeping.said
        if report is None or not (report.done or sweeping.running):
            return "Starting…" if sweeping.running and sweeping.computing else ""
        text = f"{format_count(report.done)} of {format_count(len(report.cells))} cells"
        if failed := report.failures:
            text += f", {format_count(len(failed))} failed: see Cells"
        if broken := folders.of_broken(report.broken):
            text += f". {worded(broken).removesuffix('.')}"
        if {*report.versions} - {__version__}:
            text += f", by version {' and '.join(report.versions)}"
        if sweeping.cancelled:
            return f"Stopping… {text}" if sweeping.running else f"Cancelled: {text} are kept"
        if sweeping.running and sweeping.computing and report.seconds_left is not None:
            text += f", about {format_duration(report.seconds_left)} left"
        return text

    # --- runs

    @Slot()
    def _open_chosen(self) -> None:
        for index in self.view.selectionModel().selectedRows():
            self._open_line(index)

    @Slot(QModelIndex)
    def _open_line(self, index: QModelIndex) -> None:
        cell = self.table.cell_of(index.row())
        if cell is not None:
            self.sweeping.open_cell(cell)

    @Slot(object, object)
    def _open_place(self, picture: HeatMap, place: tuple[int, int]) -> None:
        """Open the first finished run of a heat map's cell."""
        report = self.sweeping.report
        wanted = {picture.x: picture.columns[place[1]], picture.y: picture.rows[place[0]]}
        for cell in () if report is None else report.cells:
            shown = {name_of(axis): value for axis, value in cell.values.items()}
            if all(_written(shown.get(axis)) == text for axis, text in wanted.items()) and self.sweeping.open_cell(
                cell
            ):
                return

    # --- the end

    def closeEvent(self, event: QCloseEvent) -> None:
        event.accept()  # the sweep continues

    def shutdown(self, seconds: float) -> bool:
        """End the sweep, when quitting.

        Returns:
            Whether it ended in time.
        """
        return self.sweeping.shutdown(seconds)


def _count(sweep: Sweep) -> int:
    seeds = sweep.seeds if isinstance(sweep.seeds, int) else len(sweep.seeds)
    return seeds * math.prod(
        len(values.values()) if isinstance(values, Range) else len(values) for values in sweep.axes.values()
    )


def _written(value: object) -> str:
    """A value as in a picture."""
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _unused(folder: Path, name: str) -> Path:
    """A folder name that does not exist yet."""
    number = 1
    while (found := folder / f"{name}-{number}").exists():
        number += 1
    return found


def _label(text: str) -> QLabel:
    label = QLabel(text)
    set_role(label, "caption")
    return label


def _edit(text: str, name: str, tip: str) -> QLineEdit:
    edit = QLineEdit(text)
    edit.setAccessibleName(name)
    edit.setToolTip(wrapped(tip))
    return edit


def _button(text: str, tip: str, act: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(wrapped(tip))
    button.setAutoDefault(False)
    button.clicked.connect(lambda: act())
    return button


def _row(*parts: QWidget, stretched: int) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(UNIT)
    for place, part in enumerate(parts):
        row.addWidget(part, 1 if place == stretched else 0)
    return row
