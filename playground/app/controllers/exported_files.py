"""The files that are exported without a dialog of choices: settings, runs, trajectories and scripts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from playground.app.model.pinned_runs import KnownRun
from playground.app.model.run_table import table_text
from playground.drawing.frames import completed
from playground.lab import experiment as experiments
from playground.lab.atomic import write_whole
from playground.lab.compute import Shares, passed_on
from playground.lab.experiment import Experiment
from playground.lab.provenance import Provenance
from playground.records import record

if TYPE_CHECKING:
    from playground.data import Dataset
    from playground.lab.trajectory import Trajectory

SCRIPTS = (
    "Short script (*.py)",
    "Short notebook (*.ipynb)",
    "Stand-alone folder of torch and numpy (*.zip)",
)


@record
class ExportedFile:
    """A file to be exported.

    Attributes:
        title: the title of the dialog that asks for its name.
        types: what it may be, as "Images (*.png)"; a name without a suffix gets that of the chosen type.
        write: writes it, in a thread, and yields the fraction done.
    """

    title: str
    types: Sequence[str]
    write: Callable[[Path], Iterable[float]]


def settings(experiment: Experiment) -> ExportedFile:
    """The settings as TOML, for File > Open and ``score-playground run``."""

    def write(path: Path) -> Iterable[float]:
        relative = experiments.with_relative_paths(experiment, path.parent)
        experiments.save(relative, path, Provenance.of(experiment))
        return ()

    return ExportedFile("Export settings", ("Experiments (*.toml)",), write)


def runs(known: Sequence[KnownRun]) -> ExportedFile:
    """The pinned runs as CSV, one row each."""

    def write(path: Path) -> Iterable[float]:
        write_whole(path, table_text(known))
        return ()

    return ExportedFile("Export runs", ("Comma-separated values (*.csv)",), write)


def script(experiment: Experiment, dataset: "Dataset | None") -> ExportedFile:
    """A script or a notebook that trains and samples this experiment, or a stand-alone folder as a .zip.

    Args:
        dataset: the data, if they are there.
    """

    def write(path: Path) -> Iterable[float]:
        from playground.lab import script_files  # loads torch

        standalone = path.suffix.lower() == script_files.ARCHIVE
        (script_files.save_standalone if standalone else script_files.save)(experiment, path, dataset)
        return ()

    return ExportedFile("Save as script", SCRIPTS, write)


def trajectory(complete: "Callable[[], Iterator[Trajectory]]") -> ExportedFile:
    """Every frame of a run as .npz or .csv.

    Args:
        complete: makes an iterator that yields the growing run until its last frame.
    """

    def write(path: Path) -> Iterator[float]:
        shares = Shares()
        run = yield from passed_on(completed(complete()), shares.part(0.5))
        if path.suffix.lower() == ".npz":
            run.save_npz(path)
        else:
            told = shares.part()
            for done in run.writing_csv(path):
                yield told(done)

    return ExportedFile("Export trajectory", ("NumPy archive (*.npz)", "Comma-separated values (*.csv)"), write)
