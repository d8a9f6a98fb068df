"""``score-playground sweep``: an experiment over axes and seeds; a stopped sweep can be resumed."""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from playground.app.style.figure_words import in_words
from playground.app.style.number_formats import without_typography
from playground.cli.reporting import note, say, stage, warn
from playground.cli.stopping import if_stopped
from playground.drawing.sweep_pictures import PLOTS, write_results
from playground.kinds import plugins
from playground.lab import sweep as sweeps
from playground.lab.atomic import write_whole
from playground.lab.sweep import folder as folders
from playground.lab.sweep.slurm import HIGHEST, job_array, ranges
from playground.lab.sweep.table import CELLS_TABLE, MEANS_TABLE, Row
from playground.messages import how_many
from playground.user_errors import UserError
from playground.version import __version__

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from playground.lab.sweep.executors import Workers

    Place = AbstractContextManager[Workers | None]

SHOWN = ("sliced_wasserstein2_over_floor", "classifier_accuracy", "kl", "nfe_mean")
"""The figures that are printed; the tables have all figures."""


def on_this_machine(workers: int | None) -> "Place":
    """So many processes of this machine, by default one for each core; this process alone for one."""
    return contextlib.nullcontext() if workers == 1 else sweeps.processes(workers)


def run_sweep(source: Path, folder: Path, place: "Place", device: str) -> bool:
    """Compute the unfinished cells of a sweep, and write its tables and pictures.

    Args:
        place: what yields the workers.

    Returns:
        Whether no cell failed.

    Raises:
        UserError: the file is not a sweep, or another process computes it now.
    """
    sweep, cells = sweeps.load(source)
    with if_stopped(lambda: _complete(folder, cells)):
        return _run(sweep, cells, folder, place, device)


def _run(sweep: sweeps.Sweep, cells: Sequence[sweeps.Cell], folder: Path, place: "Place", device: str) -> bool:
    warn(folders.replaced(sweep, folder))
    waiting = len(folders.waiting(folder, cells))
    if len(cells) > waiting:
        note(f"{len(cells) - waiting} of {len(cells)} cells are there already")
    warn(folders.of_broken(folders.broken(folder, cells)))
    warn(_of_versions(folders.versions(folders.everything(folder, cells)), waiting > 0))
    warn(sweeps.BY_TIME if waiting and any(cell.depends_on_speed for cell in cells) else None)
    if waiting:
        count = how_many(waiting, "cell")
        with stage(f"Sweep of {count}") as update, place as workers:
            for progress in sweeps.run(sweep, cells, folder, workers, device):
                done, left = progress.done - (len(cells) - waiting), progress.seconds_left
                update(done / waiting, f"{done} of {count}" + ("" if left is None else f", about {left:.0f} s left"))
    else:
        folders.prepare(sweep, folder)  # its pictures may be others
    rows, shown = write_results(sweep, cells, folder)
    _print(rows)
    failed = {cell.number: why for cell in cells if (why := sweeps.failure(folder, cell)) is not None}
    warn(*(f"cell {number} failed: {why}" for number, why in failed.items()))
    say(f"The tables are {folder / MEANS_TABLE} and {folder / CELLS_TABLE}")
    if shown:
        say(f"The pictures are in {folder / PLOTS}: " + ", ".join(path.stem for path in shown))
    return not failed


def _complete(folder: Path, cells: Sequence[sweeps.Cell]) -> str:
    """What a sweep that is stopped says."""
    waiting = len(folders.waiting(folder, cells))
    rest = "goes on with the others" if waiting else "writes the tables and pictures"
    return f"{len(cells) - waiting} of {len(cells)} cells are complete in {folder}. The same command {rest}."


def _of_versions(versions: Mapping[str, Sequence[int]], more: bool) -> str | None:
    """That cells of one table are computed by several versions of the program; None if they are not.

    Args:
        versions: the numbers of the finished cells by version.
        more: whether this program computes others.
    """
    if len({*versions, __version__} if more else versions) < 2:
        return None
    told = "; ".join(f"version {version}: {ranges(numbers)}" for version, numbers in versions.items())
    others = f", and version {__version__} computes the others" if more else ""
    return (
        f"Cells were computed by several versions of the program ({told}{others}): what changed between them may show."
    )


def compute_cell(source: Path, folder: Path, number: int, device: str) -> bool:
    """``--cell``: compute one cell, as a job of an array does.

    Returns:
        Whether it did not fail.
    """
    sweep, cells = sweeps.load(source)
    warn(folders.of_broken(folders.broken(folder, cells[number : number + 1] if number >= 0 else [])))
    with if_stopped(lambda: f"cell {number} is not computed. The same command computes it."):
        failed = sweeps.run_cell(sweep, cells, folder, number, device)
    if failed is not None:
        warn(f"cell {number} failed: {failed}")
    else:
        say(f"Cell {number} of {len(cells)} is there")
    return failed is None


def write_job_array(source: Path, folder: Path, script: Path, device: str) -> bool:
    """``--slurm``: write a script for sbatch that computes the unfinished cells."""
    sweep, cells = sweeps.load(source)
    folders.prepare(sweep, folder)
    waiting = folders.waiting(folder, cells)
    if not waiting:
        raise UserError(f"All cells are there: run score-playground sweep {source} --out {folder} for the tables.")
    files = [word for path in plugins.loaded for word in ("--plugin", str(path))]
    text = job_array(source, folder, waiting, [sys.executable, "-m", "playground", *files], device)
    write_whole(script, text)
    if waiting[-1].number > HIGHEST:
        warn(f"Slurm refuses tasks above {HIGHEST} unless its MaxArraySize is higher: ask scontrol show config.")
    say(f"The job array of {len(waiting)} cells is {script}: give it to sbatch.")
    return True


def _print(rows: Sequence[Row]) -> None:
    """Print the means of the main figures, a line for each combination."""
    for row in rows:
        words = ", ".join(f"{axis} {value}" for axis, value in row.values.items())
        figures = "  ".join(f"{key} {in_words(row.figures, key)}" for key in SHOWN if key in row.mean)
        say(f"{words}:  {without_typography(figures)}")
