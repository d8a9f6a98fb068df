"""Tools > Sweep: vary settings of the experiment over seeds, and watch table and pictures grow."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QProgressBar,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from playground.app.controllers.sweeping import CANCELLED, Sweeping
from playground.app.dialogs.sweep.form import SweepForm
from playground.app.dialogs.sweep.table import columns
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count, format_duration
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, named, text_line
from playground.app.widgets.charts.tall import TallChart
from playground.app.widgets.controls import ChoiceBox, SegmentedControl
from playground.app.widgets.dialog import Dialog
from playground.app.widgets.table import Table
from playground.lab.chart import Chart
from playground.lab.experiment import Experiment
from playground.lab.sweep import folder as folders
from playground.lab.sweep.description import NOTE, Cell
from playground.lab.sweep.table import Row
from playground.version import __version__

SIZE = 1180, 700  # px
LEFT = 320  # px
EMPTY = "Pictures appear here as cells are finished."
ABOUT = "<p>Means over the seeds, each in a band of one standard error to either side.</p>"


class SweepWindow(Dialog):
    """The window of a sweep. It is not modal, and a sweep continues while it is closed.

    Args:
        sweeping: computes the sweep.
        shown: returns the experiment of the main window.
        folder: returns the folder for new sweeps.
    """

    def __init__(
        self,
        sweeping: Sweeping,
        shown: Callable[[], Experiment],
        folder: Callable[[], Path],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("sweepWindow", "Sweep", parent, SIZE, Qt.WindowType.Window)
        self.sweeping = sweeping
        sweeping.setParent(self)
        self.form = SweepForm(shown, folder)
        self._lay_out()
        sweeping.changed.connect(self._show_state)
        sweeping.was_read.connect(self.form.load)
        sweeping.reported.connect(self._show_report)
        self.form.changed.connect(self._show_state)
        self.form.read_wanted.connect(sweeping.read)
        self.form.show_description()

    # --- layout

    def _lay_out(self) -> None:
        self.chart = TallChart("Chart of the sweep", ABOUT, 200)
        self.chart.set_provenance(self._provenance)
        self.start_button = button("&Start", "Compute what is not finished yet", self._start, "startSweep")
        set_role(self.start_button, "primary")
        self.cancel_button = button(
            "&Cancel", "Stop. What is finished stays, and Resume goes on.", self.sweeping.cancel, "cancelSweep"
        )
        buttons = layouts.across((self.start_button, 1), self.cancel_button, spacing=UNIT)
        left = layouts.down((self.form, 1), buttons, spacing=UNIT)
        layouts.across(left, (self._right(), 1), within=self, spacing=2 * UNIT, margins=2 * UNIT)

    def _right(self) -> QVBoxLayout:
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName("Progress of the sweep")
        self.status = text_line()
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setAccessibleName("State of the sweep")
        self.choice = ChoiceBox(())
        self.choice.setMinimumContentsLength(30)
        named(self.choice, "Picture", "Which picture is shown")
        self.choice.chosen.connect(self.show_picture)
        self.choice.hide()
        self.lines = SegmentedControl([("means", "Means"), ("cells", "Cells")])
        self.lines.set_value("means")
        self.lines.setMinimumWidth(px(150))
        for name, tip in (("means", "A line for each combination, over its seeds"), ("cells", "A line for each cell")):
            self.lines.buttons[name].setToolTip(tip)
        self.lines.chosen.connect(self._show_table)
        self.run_button = button(
            "Open &run", "Open the run of the chosen line in the main window (Return)", self._open_chosen, "openRun"
        )
        self.table = Table("Table of the sweep", lambda row: row.cell.number)
        self.table.activated.connect(self._open_chosen)
        self.table.chosen.connect(self._show_state)
        below = QWidget()
        layouts.down(
            layouts.across(self.lines, None, self.run_button, spacing=UNIT),
            (self.table, 1),
            within=below,
            spacing=UNIT,
            margins=(0, UNIT, 0, 0),
        )
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(self.chart)
        parts.addWidget(below)
        parts.setStretchFactor(0, 3)
        parts.setStretchFactor(1, 2)
        parts.setChildrenCollapsible(False)
        return layouts.down(
            layouts.across(self.choice, (self.status, 1), spacing=UNIT), self.bar, (parts, 1), spacing=UNIT
        )

    def showEvent(self, event: QShowEvent) -> None:
        if not self.sweeping.running:
            self.form.follow()
        super().showEvent(event)

    @Slot()
    def _start(self) -> None:
        if self.form.problem() is None:
            self.sweeping.compute(self.form.sweep(), self.form.folder, self.form.workers())

    # --- results

    @Slot()
    def _show_report(self) -> None:
        report = self.sweeping.report
        assert report is not None
        chosen = self.choice.currentData()
        names = list(report.pictures)
        if names != [self.choice.itemData(place) for place in range(self.choice.count())]:
            self.choice.clear()
            for name, picture in report.pictures.items():
                self.choice.addItem(_title(picture), name)
            self.choice.setVisible(bool(names))
            self.choice.setCurrentIndex(max(self.choice.findData(chosen), 0 if names else -1))
        self.show_picture()
        self._show_table()
        self._show_state()

    @Slot()
    def show_picture(self) -> None:
        report, name = self.sweeping.report, self.choice.currentData()
        shown = None if report is None else report.pictures.get(name)
        if shown is None:
            self.chart.show_empty(EMPTY)
        else:
            self.chart.show_chart(shown, f"Chart of {_title(shown)}")

    def _provenance(self) -> str:
        report = self.sweeping.report
        return "" if report is None or report.folder is None else folders.provenance(report.found.values())

    @Slot()
    def _show_table(self) -> None:
        report, cells = self.sweeping.report, self.lines.value() == "cells"
        if report is not None:
            self.table.show_rows(columns(report, cells), report.each if cells else report.rows)

    @Slot()
    def _show_state(self) -> None:
        """Show the progress, and which buttons are enabled."""
        running, computing = self.sweeping.running, self.sweeping.computing
        there = (self.form.folder / NOTE).is_file()
        self.start_button.setText("&Resume" if there else "&Start")
        self.start_button.setEnabled(not running and self.form.problem() is None)
        self.cancel_button.setEnabled(computing and self.sweeping.error is None)
        self.form.set_computing(computing)
        report = self.sweeping.report
        if report is not None:
            self.bar.setRange(0, len(report.cells))
            self.bar.setValue(report.done)
        self.status.setText(self._status())
        self.run_button.setEnabled(self._cell is not None)

    def _status(self) -> str:
        sweeping, report = self.sweeping, self.sweeping.report
        if sweeping.error not in (None, CANCELLED):
            return worded(sweeping.error)
        if report is None or not (report.done or sweeping.running):
            return "Starting…" if sweeping.computing else ""
        text = f"{format_count(report.done)} of {format_count(len(report.cells))} cells"
        if report.failures:
            text += f", {format_count(report.failures)} failed: see Cells"
        if broken := folders.of_broken(report.broken):
            text += f". {worded(broken).removesuffix('.')}"
        versions = sorted(folders.versions(report.found))
        if versions not in ([], [__version__]):
            text += f", by version {' and '.join(versions)}"
        if sweeping.error is not None:
            return f"Stopping… {text}" if sweeping.running else f"Cancelled: {text} are kept"
        if sweeping.computing and report.seconds_left is not None:
            text += f", about {format_duration(report.seconds_left)} left"
        return text

    # --- runs

    @property
    def _cell(self) -> Cell | None:
        """The finished cell of the chosen row; of several seeds the first."""
        row: Row | None = self.table.row
        return None if row is None or row.failure else row.cell

    @Slot()
    def _open_chosen(self) -> None:
        if self._cell is not None:
            self.sweeping.open_cell(self._cell)

    # --- the end

    def shutdown(self, seconds: float) -> bool:
        return self.sweeping.shutdown(seconds)


def _title(picture: Chart) -> str:
    return f"{picture.y.name} against {picture.x.name}"
