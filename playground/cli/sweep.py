"""``score-playground sweep``: an experiment over axes and seeds, on all processors; a stopped sweep can be resumed."""

import concurrent.futures
import functools
import multiprocessing
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playground.cli.reporting import say, stage, warn, with_error
from playground.cli.results import write_csv
from playground.kinds import plugins
from playground.lab import sweep as sweeps
from playground.lab.atomic import hold
from playground.lab.sweep import Cell, Row
from playground.user_errors import UserError

CELLS_TABLE, MEANS_TABLE, LOCK = "cells.csv", "means.csv", "sweep.lock"
SHOWN = ("sliced_wasserstein2_over_floor", "classifier_accuracy", "kl", "nfe_mean")
"""The figures that are printed; the tables have all figures."""


def run_sweep(source: Path, folder: Path, workers: int | None, device: str) -> bool:
    """Compute the unfinished cells of a sweep, and write its tables.

    Args:
        workers: number of processes; None for one per core.

    Returns:
        Whether no cell failed.

    Raises:
        UserError: the file is not a sweep, the folder has another sweep, or another process computes it now.
    """
    sweep, cells = sweeps.load(source)
    sweeps.prepare(sweep, folder)
    try:
        with hold(folder / LOCK):
            _compute(folder, cells, sweep.measure, workers or os.cpu_count() or 1, device)
            rows = _write_tables(folder, cells)
    except BlockingIOError:
        raise UserError(f"{folder} is being computed by another process: wait for its end.") from None
    _print(rows)
    failed = {cell.number: why for cell in cells if (why := sweeps.failure(folder, cell)) is not None}
    warn(*(f"cell {number} failed: {why}" for number, why in failed.items()))
    say(f"The tables are {folder / MEANS_TABLE} and {folder / CELLS_TABLE}")
    return not failed


def _compute(folder: Path, cells: Sequence[Cell], measure: str, workers: int, device: str) -> None:
    groups = sweeps.groups(folder, cells)
    waiting = sum(map(len, groups))
    if len(cells) > waiting:
        say(f"{len(cells) - waiting} of {len(cells)} cells are there already")
    if not groups:
        return
    work = functools.partial(_work, folder, measure, device)
    with stage(f"Sweep of {waiting} cells") as update:
        if workers == 1 or len(groups) == 1:
            done = 0
            for group in groups:
                for _ in sweeps.compute(folder, group, measure, device):
                    done += 1
                    update(done / waiting, f"{done} cells")
            return
        # New processes, because a fork of a process with threads may hang.
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(
            min(workers, len(groups)), context, plugins.load_all, (plugins.loaded,)
        ) as pool:
            futures = [pool.submit(work, group) for group in groups]
            try:
                begun, left_over = time.monotonic(), [cell for group in groups for cell in group]
                while concurrent.futures.wait(futures, timeout=1.0).not_done:
                    left_over = [cell for cell in left_over if sweeps.result(folder, cell) is None]
                    done = waiting - len(left_over)
                    left = (time.monotonic() - begun) * (waiting - done) / done if done else 0.0
                    update(done / waiting, f"{done} cells" + (f", about {left:.0f} s left" if done else ""))
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _work(folder: Path, measure: str, device: str, group: Sequence[Cell]) -> None:
    """Compute one training with its cells, in a process of its own."""
    import torch

    torch.set_num_threads(1)
    for _ in sweeps.compute(folder, group, measure, device):
        pass


def _write_tables(folder: Path, cells: Sequence[Cell]) -> list[Row]:
    axes = list(cells[0].values)
    found = [(cell, metrics) for cell in cells if (metrics := sweeps.result(folder, cell)) is not None]
    figures = list(dict.fromkeys(key for _, metrics in found for key in metrics))
    write_csv(
        folder / CELLS_TABLE,
        ["cell", *axes, *figures],
        ([cell.number, *cell.values.values(), *_in_order(metrics, figures)] for cell, metrics in found),
    )
    rows = sweeps.table(folder, cells)
    columns = [name for key in figures for name in (key, f"{key}_standard_error")]
    write_csv(
        folder / MEANS_TABLE,
        [*axes[:-1], "seeds", *columns],
        ([*row.values.values(), row.count, *_in_order({**row.mean, **_named(row.error)}, columns)] for row in rows),
    )
    return rows


def _named(errors: Mapping[str, float]) -> dict[str, float]:
    return {f"{key}_standard_error": value for key, value in errors.items()}


def _in_order(figures: Mapping[str, Any], columns: Sequence[str]) -> list[Any]:
    return [figures.get(column, "") for column in columns]


def _print(rows: Sequence[Row]) -> None:
    """Print the means of the main figures, a line for each combination."""
    for row in rows:
        words = ", ".join(f"{axis} {value}" for axis, value in row.values.items())
        figures = "  ".join(
            f"{key} {with_error(row.mean[key], row.error[key]) if row.error.get(key) else f'{row.mean[key]:.4g}'}"
            for key in SHOWN
            if key in row.mean
        )
        say(f"{words}:  {figures}")
