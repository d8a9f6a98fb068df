"""The controls of a sweep: its base, its axes, its seeds, and where it is computed."""

import functools
import math
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFormLayout, QLabel, QLineEdit, QMenu, QScrollArea, QSpinBox, QWidget

from playground.app.controllers.sweeping import Place, SweepReport
from playground.app.dialogs.sweep.axes import Axes
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.style.wrapping import breakable, wrapped
from playground.app.widgets import file_prompts, layouts
from playground.app.widgets.captions import caption, named, number_box
from playground.app.widgets.controls import ChoiceBox, Switch
from playground.app.widgets.menu_button import MenuButton
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.experiment import from_tree as experiment_of
from playground.lab.sweep.cluster import check, cluster
from playground.lab.sweep.description import BY_TIME, MOST_CELLS, Cell, Range, Sweep
from playground.lab.sweep.executors import processes
from playground.lab.sweep.values import read_seeds
from playground.resources import resource
from playground.user_errors import UserError

LEFT = 320  # px
SHIPPED = {
    "samplers": "Five samplers by steps",
    "evaluations": "Error against evaluations",
    "memorization": "Memorization",
}
ABOUT = "Each combination of the axes' values is trained, sampled and measured once for each seed."


class SweepForm(QWidget):
    """Describes a sweep.

    Args:
        shown: returns the experiment of the main window.
        folder: returns the folder for new sweeps.

    Signals:
        changed(): the description is another one.
        read_wanted(Path): read a sweep's file, or a folder with its results.

    Attributes:
        folder: of the results.
    """

    changed = Signal()
    read_wanted = Signal(object)

    def __init__(self, shown: Callable[[], Experiment], folder: Callable[[], Path]) -> None:
        super().__init__()
        self._shown, self._new_folder = shown, folder
        self._loaded: Sweep | None = None  # whose base and plots are used; None takes the main window's experiment
        self._origin, self.folder = "", Path()
        self._lay_out()
        self.axes.edited.connect(self.show_description)
        for edit in (self.seeds, self.scheduler):
            edit.textChanged.connect(self.show_description)
        self.measure.chosen.connect(self.show_description)
        self.losses.toggled.connect(self.show_description)
        self._take_shown()

    def _lay_out(self) -> None:
        about = caption(ABOUT)
        menu = QMenu(self)
        menu.addAction("What the window shows", self._take_shown)
        menu.addSeparator()
        for name, title in SHIPPED.items():
            menu.addAction(title, functools.partial(self.read, resource(f"sweeps/{name}.toml")))
        menu.addSeparator()
        menu.addAction("A sweep's file…", self._ask_file)
        menu.addAction("A sweep's folder…", lambda: self._ask_folder("Open the folder of a sweep", self.read))
        self.source = MenuButton(menu)
        named(self.source, "Base of the sweep", "The experiment whose settings vary. A folder goes on with its sweep.")
        self.axes = Axes()
        inside = QWidget()
        layouts.down(self.axes, None, within=inside, margins=0)
        tip = "How many seeds, such as 3; or the seeds, such as 0, 7, 12."
        self.seeds = named(QLineEdit("3"), "Seeds", tip)
        tip = "Processes that compute at once. One less than cores leaves one for the window."
        self.processes = number_box(QSpinBox(), 1, 1024, (os.cpu_count() or 2) - 1, "Processes", tip)
        self.scheduler = named(
            QLineEdit(placeholderText="none: processes of this machine"),
            "Scheduler",
            "Address of a dask scheduler, tls://HOST:PORT, on whose workers the cells are computed. The certificates are "
            "those of dask's configuration.",
        )
        self.measure = ChoiceBox((("samples", "Samples"), ("all", "Samples and likelihoods")))
        named(self.measure, "What is measured", "Likelihoods take far longer than the figures of samples.")
        self.losses = Switch()
        named(
            self.losses,
            "Loss along σ",
            "Measure the loss at each noise level, at training points and at held-out points.",
        )
        places = QMenu(self)
        places.addAction("A new folder", self._take_new_place)
        places.addAction("Choose a folder…", lambda: self._ask_folder("Folder of the results", self.set_place))
        self.place = MenuButton(places)
        self.place.setAccessibleName("Folder of the results")
        self.said = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.said.setAccessibleName("What would be computed")
        self.setFixedWidth(px(LEFT))
        rows = QFormLayout()
        rows.setSpacing(UNIT)
        for name, control in (
            ("Base", self.source),
            ("Seeds", self.seeds),
            ("Processes", self.processes),
            ("Scheduler", self.scheduler),
            ("Measure", self.measure),
            ("Loss along σ", self.losses),
            ("Folder", self.place),
        ):
            rows.addRow(name, control)
            set_role(rows.labelForField(control), "caption")
        area = layouts.scrolled(inside, QScrollArea())
        layouts.down(about, rows, (area, 1), self.said, within=self, spacing=UNIT, margins=0)

    def follow(self) -> None:
        """Take the settings of the main window as they are now, unless a sweep was read."""
        if self._loaded is None:
            self._show_base()

    def load(self, report: SweepReport) -> None:
        """Show the sweep that was read."""
        sweep = self._loaded = report.sweep
        self.axes.set_base(self.experiment)
        self.axes.load(sweep.axes)
        self.seeds.setText(f"{sweep.seeds}" if isinstance(sweep.seeds, int) else ", ".join(map(str, sweep.seeds)))
        self.measure.set_value(sweep.measure)
        self.losses.setChecked(sweep.losses)
        if report.folder is None:
            self._take_new_place()
        else:
            self.set_place(report.folder)

    def set_computing(self, computing: bool) -> None:
        """Enable the controls, unless a sweep is computed."""
        for control in (self.axes, self.seeds, self.scheduler, self.measure, self.losses, self.place, self.source):
            control.setEnabled(not computing)
        self.processes.setEnabled(not computing and not self._address)

    @Slot()
    def show_description(self) -> None:
        """Show what would be computed, or why it cannot be."""
        self.source.show_words(self._origin or "What the window shows")
        problem = self.problem()
        self.said.setText(problem or self._counted())
        set_role(self.said, "refusal" if problem else "caption")
        self.changed.emit()

    def workers(self) -> Callable[[], Place]:
        """What yields the workers that compute."""
        address = self._address
        return functools.partial(cluster, address) if address else functools.partial(processes, self.processes.value())

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

    @Slot()
    def _take_shown(self) -> None:
        """Take the experiment of the main window."""
        self._loaded, self._origin = None, ""
        self._show_base()
        self.axes.load({"sampling.steps": Range(5, 50, 4, log=True)} if "sampling.steps" in self.axes.keys else {})
        self._take_new_place()

    def _show_base(self) -> None:
        """Offer the settings of the base, after it changed."""
        self.axes.set_base(self.experiment)
        self.show_description()

    @Slot()
    def _ask_file(self) -> None:
        name = file_prompts.open_name(self, "Open a sweep", str(self._new_folder()), "Sweeps (*.toml)")
        if name:
            self.read(Path(name))

    def _ask_folder(self, title: str, take: Callable[[Path], None]) -> None:
        name = file_prompts.folder_name(self, title, str(self._new_folder()))
        if name:
            take(Path(name))

    @Slot()
    def _take_new_place(self) -> None:
        self.set_place(_unused(self._new_folder(), self._origin.removesuffix(".toml") or "sweep"))

    def set_place(self, folder: Path) -> None:
        """Choose the folder of the results."""
        self.folder = folder
        self.place.show_words(f"{folder.name}, in {folder.parent}")
        self.place.setToolTip(wrapped(f"{breakable(str(folder))}. A folder that is half done is gone on with."))
        self.show_description()

    def problem(self) -> str | None:
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
        return None

    @property
    def _address(self) -> str:
        return self.scheduler.text().strip()

    def _counted(self) -> str:
        sweep = self.sweep()
        cells = _count(sweep)
        text = f"{format_count(cells)} {'cell' if cells == 1 else 'cells'}"
        if "training.steps" not in sweep.axes and Cell(0, {}, self.experiment).depends_on_speed:
            text += f". {BY_TIME}"
        return text

    def read(self, path: Path) -> None:
        """Ask for a sweep's file, or a folder with its results, to be read."""
        self._origin = path.name
        self.read_wanted.emit(path)


def _count(sweep: Sweep) -> int:
    seeds = sweep.seeds if isinstance(sweep.seeds, int) else len(sweep.seeds)
    return seeds * math.prod(
        len(values.values()) if isinstance(values, Range) else len(values) for values in sweep.axes.values()
    )


def _unused(folder: Path, name: str) -> Path:
    """A folder name that does not exist yet."""
    number = 1
    while (found := folder / f"{name}-{number}").exists():
        number += 1
    return found
