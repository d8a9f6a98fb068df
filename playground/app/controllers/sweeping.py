"""Computes a sweep in processes of this machine or on a cluster, and reports its table and its pictures."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from playground.app.workers.jobs import Jobs, without_fraction
from playground.drawing.sweep_pictures import pictures, write_results
from playground.lab import sweep as sweeps
from playground.lab.chart import Chart
from playground.lab.experiment import Experiment
from playground.lab.session import Session
from playground.lab.sweep import folder as folders
from playground.lab.sweep.description import Cell, Sweep
from playground.lab.sweep.executors import Workers
from playground.lab.sweep.orders import CellResult
from playground.lab.sweep.table import Row, rows_of, rows_of_cells
from playground.messages import Message, plain
from playground.records import record
from playground.user_errors import message_of

Place = AbstractContextManager[Workers]

JOB, FILE = "sweep", "sweep file"
CANCELLED = plain("The sweep was cancelled.")
REDRAWN = 1.0  # s between two updates of the table


@record
class SweepReport:
    """The state of a sweep.

    Attributes:
        folder: the folder of its results; None if it was only read from its file.
        found: what became of each finished or failed cell, by its number.
        rows, each: the table of the means over the seeds, and that of the cells.
        broken: the cells whose files are broken, or were before they were computed anew.
        seconds_left: an estimate; None before there is one.
    """

    sweep: Sweep
    cells: Sequence[Cell]
    folder: Path | None
    found: Mapping[int, CellResult]
    rows: Sequence[Row]
    each: Sequence[Row]
    pictures: Mapping[str, Chart]
    broken: Sequence[Cell] = ()
    seconds_left: float | None = None

    @property
    def done(self) -> int:
        """The number of cells that are finished or failed."""
        return len(self.found)

    @property
    def failures(self) -> int:
        """The number of cells that failed."""
        return sum(bool(row.failure) for row in self.each)


class Sweeping(QObject):
    """Runs one sweep at a time in a thread, which gives the cells to processes or to a cluster.

    Args:
        open_made: takes a function for a thread, which makes a session or an experiment, and opens the result.

    Signals:
        changed(): the sweep began, ended or failed.
        was_read(SweepReport): a file or a folder was read.
        reported(): there are more results; read :attr:`report`.

    Attributes:
        report: the newest report.
        error: why the last work failed, or CANCELLED if the user stopped it.
    """

    changed = Signal()
    was_read = Signal(object)
    reported = Signal()

    def __init__(self, open_made: Callable[[Callable[[], Session | Experiment]], None]) -> None:
        super().__init__()
        self._open_made = open_made
        self._jobs = Jobs(self)
        self.report: SweepReport | None = None
        self.error: Message | None = None

    @property
    def running(self) -> bool:
        return self._jobs.busy

    @property
    def computing(self) -> bool:
        """Whether cells are computed, and not a file read."""
        return self._jobs.running(JOB)

    def compute(self, sweep: Sweep, folder: Path, place: Callable[[], Place], device: str = "auto") -> None:
        """Compute the cells of a sweep that are not finished; does nothing during another computation.

        Args:
            place: makes what yields the workers, in the thread.
        """
        self._start(JOB, lambda: _computed(sweep, folder, place, device), self._take)

    def read(self, path: Path) -> None:
        """Read a sweep's file, or the folder of a sweep with its results."""
        self._start(FILE, lambda: iter([_read(path)]), self._take_read)

    def cancel(self) -> None:
        """Stop. Finished cells stay, and :meth:`compute` continues with the others."""
        if self.running:
            self._jobs.interrupt(JOB)
            self.error = CANCELLED
            self.changed.emit()

    def open_cell(self, cell: Cell) -> None:
        """Open a finished cell in the window, with its trained network."""
        folder = None if self.report is None else self.report.folder
        if folder is not None:
            self._open_made(lambda: folders.opened(folder, cell))

    def shutdown(self, seconds: float) -> bool:
        """End the thread and its processes, when quitting.

        Returns:
            Whether they ended in time.
        """
        return self._jobs.shutdown(seconds)

    def _start(
        self, job: str, make: Callable[[], Iterator[SweepReport]], on_report: Callable[[SweepReport], None]
    ) -> None:
        """Drive an iterator in a thread."""
        if not self.running:
            self.error = None
            self._jobs.start(job, without_fraction(make), on_report, self._failed, self.changed.emit)
            self.changed.emit()

    def _take(self, report: SweepReport) -> None:
        self.report = report
        self.reported.emit()

    def _take_read(self, report: SweepReport) -> None:
        self.was_read.emit(report)
        self._take(report)

    def _failed(self, error: BaseException) -> None:
        self.error = self.error or message_of(error)  # what was waited for says that it was stopped
        self.changed.emit()


def _computed(sweep: Sweep, folder: Path, place: Callable[[], Place], device: str) -> Iterator[SweepReport]:
    sweep, cells = sweeps.settled(sweep)
    folders.prepare(sweep, folder)
    written = folders.everything(folder, cells)
    found = {number: one for number, one in written.items() if one.error is None}  # the others are tried again
    broken = folders.broken(folder, cells)
    report = _report(sweep, cells, folder, found, broken)
    yield report
    drawn = time.monotonic()
    with place() as workers:
        for progress in sweeps.run(sweep, cells, folder, workers, device):
            found |= folders.everything(folder, progress.finished)
            if progress.finished and time.monotonic() - drawn > REDRAWN:
                report, drawn = _report(sweep, cells, folder, found, broken), time.monotonic()
            yield dataclasses.replace(report, found=dict(found), seconds_left=progress.seconds_left)
    report = _report(sweep, cells, folder, found, broken)
    write_results(sweep, cells, folder)
    yield report


def _read(path: Path) -> SweepReport:
    sweep, cells = sweeps.load(path)
    folder = path if path.is_dir() else None
    if folder is None:
        return _report(sweep, cells, None, {})
    return _report(sweep, cells, folder, folders.everything(folder, cells), folders.broken(folder, cells))


def _report(
    sweep: Sweep,
    cells: Sequence[Cell],
    folder: Path | None,
    found: Mapping[int, CellResult],
    broken: Sequence[Cell] = (),
) -> SweepReport:
    every = [(cell, found.get(cell.number)) for cell in cells]
    rows = rows_of(every)
    return SweepReport(sweep, cells, folder, dict(found), rows, rows_of_cells(every), pictures(sweep, rows), broken)
