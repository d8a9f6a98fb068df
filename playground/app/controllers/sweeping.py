"""Computes a sweep in processes of this machine or on a cluster, and reports its table and its pictures."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from playground.app.workers.jobs import Jobs, without_fraction
from playground.drawing.sweep_pictures import Picture, pictures, save_pictures
from playground.lab import sweep as sweeps
from playground.lab.experiment import Experiment
from playground.lab.session import Session
from playground.lab.sweep import folder as folders
from playground.lab.sweep.description import Cell, Sweep
from playground.lab.sweep.executors import Workers
from playground.lab.sweep.table import Row, rows_of, write_tables
from playground.messages import Message
from playground.user_errors import message_of

Place = AbstractContextManager[Workers]

JOB = "sweep"
REDRAWN = 1.0  # s between two updates of the table
PLOTS = "plots"


@dataclass(frozen=True, eq=False)
class SweepReport:
    """The state of a sweep.

    Attributes:
        folder: the folder of its results; None if it was only read from its file.
        found: the results of each finished or failed cell, by its number.
        broken: the cells whose files are broken, or were before they were computed anew.
        seconds_left: an estimate; None before there is one.
    """

    sweep: Sweep
    cells: Sequence[Cell]
    folder: Path | None
    found: Mapping[int, Mapping[str, Any]]
    rows: Sequence[Row]
    pictures: Mapping[str, Picture]
    broken: Sequence[Cell] = ()
    seconds_left: float | None = None

    @property
    def done(self) -> int:
        """The number of cells that are finished or failed."""
        return len(self.found)

    @property
    def failures(self) -> dict[int, str]:
        """Why cells failed, by their numbers."""
        return {number: str(one["error"]) for number, one in self.found.items() if one.get("error") is not None}

    @property
    def versions(self) -> list[str]:
        """The versions of the program by which finished cells were computed."""
        return sorted({str(one.get("version") or "unknown") for one in self.found.values() if "metrics" in one})


class Sweeping(QObject):
    """Runs one sweep at a time in a thread, which gives the cells to processes or to a cluster.

    Args:
        open_made: takes a function for a thread, which makes a session or an experiment, and opens the result.

    Signals:
        changed(): the sweep began, ended or failed.
        reported(SweepReport): there are more results.

    Attributes:
        report: the newest report.
        error: why the last work failed.
    """

    changed = Signal()
    reported = Signal(object)

    def __init__(
        self, open_made: Callable[[Callable[[], Session | Experiment]], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._open_made = open_made
        self._jobs = Jobs(self)
        self.report: SweepReport | None = None
        self.error: Message | None = None
        self.cancelled = self.computing = False

    @property
    def running(self) -> bool:
        return self._jobs.busy

    def compute(self, sweep: Sweep, folder: Path, place: Callable[[], Place], device: str = "auto") -> None:
        """Compute the cells of a sweep that are not finished; does nothing during another computation.

        Args:
            place: makes what yields the workers, in the thread.
        """
        self._start(lambda: _computed(sweep, folder, place, device), "sweep")
        self.computing = True
        self.changed.emit()

    def read(self, path: Path) -> None:
        """Read a sweep's file, or the folder of a sweep with its results."""
        self._start(lambda: iter([_read(path)]), "sweep file")

    def cancel(self) -> None:
        """Stop. Finished cells stay, and :meth:`compute` continues with the others."""
        if self.running:
            self._jobs.interrupt(JOB)
            self.cancelled = True
            self.changed.emit()

    def open_cell(self, cell: Cell) -> bool:
        """Open a finished cell in the window, with its trained network.

        Returns:
            Whether the cell is finished.
        """
        report = self.report
        if report is None or report.folder is None or report.found.get(cell.number, {}).get("metrics") is None:
            return False
        folder = report.folder
        self._open_made(lambda: folders.opened(folder, cell))
        return True

    def shutdown(self, seconds: float) -> bool:
        """End the thread and its processes, when quitting.

        Returns:
            Whether they ended in time.
        """
        return self._jobs.shutdown(seconds)

    def _start(self, make: Callable[[], Iterator[SweepReport]], label: str) -> None:
        """Drive an iterator in a thread."""
        if self.running:
            return
        self.error, self.cancelled, self.computing = None, False, False
        self._jobs.start(JOB, label, without_fraction(make), self._take, self._failed, self.changed.emit)
        self.changed.emit()

    def _take(self, report: SweepReport) -> None:
        self.report = report
        self.reported.emit(report)

    def _failed(self, error: BaseException) -> None:
        self.error = None if self.cancelled else message_of(error)  # what was waited for says that it was stopped
        self.changed.emit()


def _computed(sweep: Sweep, folder: Path, place: Callable[[], Place], device: str) -> Iterator[SweepReport]:
    sweep, cells = sweeps.settled(sweep)
    folders.prepare(sweep, folder)
    found = _found(folder, cells)
    for number in [number for number, one in found.items() if one.get("error") is not None]:
        del found[number]  # it is tried again
    broken = folders.broken(folder, cells)
    report = _report(sweep, cells, folder, found, broken)
    yield report
    drawn = time.monotonic()
    with place() as workers:
        for progress in sweeps.run(sweep, cells, folder, workers, device):
            for cell in progress.finished:
                found[cell.number] = folders.read(folder, cell)
            if progress.finished and time.monotonic() - drawn > REDRAWN:
                report, drawn = _report(sweep, cells, folder, found, broken), time.monotonic()
            yield dataclasses.replace(report, found=dict(found), seconds_left=progress.seconds_left)
    report = _report(sweep, cells, folder, found, broken)
    write_tables(folder, cells)
    save_pictures(report.pictures, folder / PLOTS, provenance=folders.provenance(folder, cells))
    yield report


def _read(path: Path) -> SweepReport:
    sweep, cells = sweeps.load(path)
    folder = path if path.is_dir() else None
    if folder is None:
        return _report(sweep, cells, None, {})
    folders.adopt(folder)
    return _report(sweep, cells, folder, _found(folder, cells), folders.broken(folder, cells))


def _found(folder: Path, cells: Sequence[Cell]) -> dict[int, Mapping[str, Any]]:
    found = ((cell.number, folders.read(folder, cell)) for cell in cells)
    return {number: one for number, one in found if one}


def _report(
    sweep: Sweep,
    cells: Sequence[Cell],
    folder: Path | None,
    found: Mapping[int, Mapping[str, Any]],
    broken: Sequence[Cell] = (),
) -> SweepReport:
    rows = rows_of([(cell, found.get(cell.number, {})) for cell in cells])
    return SweepReport(sweep, cells, folder, dict(found), rows, pictures(sweep, rows), broken)
