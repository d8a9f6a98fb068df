"""The folder of a sweep: a file for each finished cell, and one for each trained network. This module imports no torch."""

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from playground.lab.atomic import hold, write_whole
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.session import Session
from playground.lab.sweep import description
from playground.lab.sweep.description import NOTE, Cell, Sweep
from playground.lab.sweep.orders import CellResult
from playground.lab.sweep.slurm import ranges
from playground.messages import Message
from playground.user_errors import UserError
from playground.version import __version__

CELLS, MODELS, LOCK = "cells", "models", "sweep.lock"


def prepare(sweep: Sweep, folder: Path) -> None:
    """Create the folder of a sweep. What another sweep has computed there stays, and counts where cells are the same.

    Raises:
        UserError: it cannot be created.
    """
    try:
        for part in (CELLS, MODELS):
            (folder / part).mkdir(parents=True, exist_ok=True)
        write_whole(folder / NOTE, msgspec.json.encode(sweep))
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}.") from None


def replaced(sweep: Sweep, folder: Path) -> Message | None:
    """That the tables and pictures of another sweep in the folder will be replaced; None if there is none.

    Args:
        sweep: as :func:`playground.lab.sweep.load` returns it; its plots may differ.
    """
    with contextlib.suppress(ExperimentError):
        if (folder / NOTE).exists() and msgspec.structs.replace(description.read(folder), plots=sweep.plots) != sweep:
            text = "{} had another sweep: its cells stay and count where they are the same, its tables and pictures are replaced."
            return Message("replaced-sweep", text, (str(folder),))
    return None


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes from computing the same sweep.

    Raises:
        UserError: another process computes it now.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold(folder / LOCK))
        except BlockingIOError:
            raise UserError(f"{folder} is being computed by another process: wait for its end.") from None
        yield


def result(folder: Path, cell: Cell) -> dict[str, float] | None:
    """The figures of a cell; None if it is not finished or failed."""
    found = read(folder, cell)
    return found.metrics if found is not None and found.error is None else None


def failure(folder: Path, cell: Cell) -> str | None:
    """Why a cell failed; None if it did not."""
    found = read(folder, cell)
    return None if found is None else found.error


def read(folder: Path, cell: Cell) -> CellResult | None:
    """What is written of a cell; None if it is not finished or its file is broken."""
    found = _written(folder, cell)
    return found if found is not None and _is_of(found, cell) else None


def _written(folder: Path, cell: Cell) -> CellResult | None:
    with contextlib.suppress(OSError, ValueError, OverflowError, RecursionError):
        return msgspec.convert(json.loads(_path(folder, cell).read_text(encoding="utf-8")), CellResult)
    return None


def _is_of(found: CellResult, cell: Cell) -> bool:
    """Whether settings that are written are those of the cell, whose key does not have what was a default for another version."""
    own = json.loads(json.dumps(cell.settings))
    sections = ((told, own.get(section)) for section, told in found.experiment.items())
    both = [(told, now) for told, now in sections if isinstance(told, dict) and isinstance(now, dict)]
    return all(now.get(name, value) == value for told, now in both for name, value in told.items())


def broken(folder: Path, every: Sequence[Cell]) -> list[Cell]:
    """The cells whose files are there but broken, so that they are computed anew."""
    return [cell for cell in every if _path(folder, cell).exists() and _written(folder, cell) is None]


def of_broken(cells: Sequence[Cell]) -> Message | None:
    """That files of cells are broken; None if there is no such cell."""
    if not cells:
        return None
    text = "The file of cell {} is broken, so the cell is computed anew."
    if len(cells) > 1:
        text = "The files of cells {} are broken, so the cells are computed anew."
    return Message("broken-cells", text, (ranges([cell.number for cell in cells]),))


def log_path(folder: Path, cell: Cell) -> Path:
    """The place of a cell's log, which has the traceback of an error that should not have happened."""
    return _path(folder, cell).with_suffix(".log")


def write(folder: Path, cell: Cell, found: CellResult, log: str = "") -> None:
    """Write the figures of a cell, or why it failed, with its settings; and its log if it has one."""
    path, error = log_path(folder, cell), found.error
    if log:
        write_whole(path, log)
        error = f"{str(error).removesuffix('.')}: see {CELLS}/{path.name}."
    else:
        path.unlink(missing_ok=True)  # of an earlier try
    own = {"values": dict(cell.values), "experiment": cell.settings, "version": __version__, "error": error}
    whole = msgspec.structs.replace(found, **own)
    write_whole(_path(folder, cell), json.dumps(msgspec.structs.asdict(whole)))


def everything(folder: Path, every: Sequence[Cell]) -> dict[int, CellResult]:
    """What is written of each cell that is finished or failed, by its number."""
    found = ((cell.number, read(folder, cell)) for cell in every)
    return {number: one for number, one in found if one is not None}


def versions(written: Mapping[int, CellResult]) -> dict[str, list[int]]:
    """The versions of the program by which finished cells were computed, each with the numbers of its cells.

    Args:
        written: as :func:`everything` returns it.
    """
    found: dict[str, list[int]] = {}
    for number, one in written.items():
        if one.error is None:
            found.setdefault(one.version, []).append(number)
    return found


def provenance(written: Iterable[CellResult]) -> str:
    """What made finished cells, as a list in one line of JSON: an entry for all that differ in their seeds alone."""
    found: dict[str, dict[str, Any]] = {}
    for of_cell in written:
        one = of_cell.provenance
        if isinstance(one.get("seeds"), dict):
            others = {name: value for name, value in one.items() if name != "seeds"}
            seeds = found.setdefault(json.dumps(others), {"seeds": {}, **others})["seeds"]
            for key, seed in one["seeds"].items():
                if seed not in seeds.setdefault(key, []):
                    seeds[key].append(seed)
    return json.dumps(list(found.values()))


def waiting(folder: Path, every: Sequence[Cell]) -> list[Cell]:
    """The cells that are not finished or failed."""
    return [cell for cell in every if result(folder, cell) is None]


def model_path(folder: Path, cell: Cell) -> Path:
    """The place of the session with the network of a cell."""
    return folder / MODELS / f"{cell.training}.safetensors"


def opened(folder: Path, cell: Cell) -> Session | Experiment:
    """A cell's settings with the network that was trained for it; the settings alone if it needed none.

    Raises:
        SessionError: the network's file is damaged.
    """
    path = model_path(folder, cell)
    if not path.exists():
        return cell.experiment
    return dataclasses.replace(Session.load(path), experiment=cell.experiment)


def _path(folder: Path, cell: Cell) -> Path:
    return folder / CELLS / f"{cell.key}.json"
