"""Sweeps: one experiment with some settings varied and several seeds. Each combination is trained, sampled and measured.

A cell is one combination with one seed. Cells that differ only in sampling share one training, and cells of one seed share
the start and the noise of their samplers. Each finished cell is a file, so a stopped sweep resumes where it was.
"""

import collections
import contextlib
import functools
import hashlib
import itertools
import json
import math
import statistics
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np

from playground.lab import evaluation
from playground.lab import experiment as experiments
from playground.lab.atomic import atomic_write
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.model import AFTER_TRAINING, Model
from playground.lab.problem import Problem, choose_device
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.lab.training import Trainer
from playground.user_errors import UserError

Done = TypeVar("Done")
CELLS, MODELS = "cells", "models"
MOST_CELLS = 100_000
FLOORS = {"sliced_wasserstein2": "sliced_wasserstein2_floor", "wasserstein2": "wasserstein2_floor"}
"""Distances and the distances of a perfect sampler; their ratios are figures of the table too."""


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    """Numbers from a first to a last number, equally spaced or at equal ratios."""

    first: float
    last: float
    count: Annotated[int, msgspec.Meta(ge=2, le=1000)]
    log: bool = False

    def values(self) -> list[float]:
        """The numbers; they are whole if both ends are whole.

        Raises:
            ValueError: the ratios are to be equal, but an end is not above 0.
        """
        if self.log and min(self.first, self.last) <= 0:
            raise ValueError("a range at equal ratios needs ends above 0")
        spaced = (np.geomspace if self.log else np.linspace)(self.first, self.last, self.count)
        whole = self.first.is_integer() and self.last.is_integer()
        return list(dict.fromkeys(round(value) if whole else float(f"{value:.6g}") for value in spaced))


class Sweep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of a sweep's file.

    Attributes:
        base: an experiment file, relative to the folder of the sweep's file; the default experiment if empty.
        experiment: settings by section that differ from the base.
        axes: the values of each axis. An axis with the key of a setting has a list or a :class:`Range`. An axis with any
            other name has a list of tables, each with several settings and a ``name``.
        seeds: the seeds, or their number, counted from 0.
        measure: "samples" for the figures of samples; "all" for likelihoods too.
    """

    axes: dict[str, Range | list[Any]]
    base: str = ""
    experiment: dict[str, Any] = {}
    seeds: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | list[int] = 1
    measure: Literal["samples", "all"] = "samples"


@dataclass(frozen=True)
class Cell:
    """One experiment of a sweep.

    Attributes:
        number: its index.
        values: the values by axis, as in the table.
    """

    number: int
    values: Mapping[str, Any]
    experiment: Experiment

    @property
    def training(self) -> str:
        """A name that is the same for cells that share one trained network."""
        tree = msgspec.to_builtins(self.experiment)
        kept = {section: tree[section] for section in tree if not f"{section}.".startswith(AFTER_TRAINING[:2])}
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def load(path: Path) -> tuple[Sweep, list[Cell]]:
    """Read a sweep and make its cells.

    Raises:
        ExperimentError: the file cannot be read or is not a sweep, or a value cannot be used; the sentence says which.
    """
    try:
        sweep = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Sweep)
    except OSError as error:
        raise ExperimentError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise ExperimentError(f"{path.name} is no sweep: {str(error).splitlines()[0].rstrip('.')}.") from None
    base = experiments.load(path.parent / sweep.base) if sweep.base else Experiment()
    return sweep, cells(sweep, experiments.from_tree(sweep.experiment, base))


def cells(sweep: Sweep, base: Experiment) -> list[Cell]:
    """Every combination of the axes' values, for every seed.

    Raises:
        ExperimentError: a value cannot be used, or there are too many cells.
    """
    axes = {name: _choices(name, values) for name, values in sweep.axes.items()}
    seeds = list(range(sweep.seeds)) if isinstance(sweep.seeds, int) else sweep.seeds
    count = math.prod(len(choices) for choices in axes.values()) * len(seeds)
    if not 0 < count <= MOST_CELLS:
        raise ExperimentError(f"The sweep has {count:,} cells: it can have from 1 to {MOST_CELLS:,}.")
    found = []
    for number, (seed, *chosen) in enumerate(itertools.product(seeds, *axes.values())):
        changes = {key: value for _, settings in chosen for key, value in settings.items()} | {"seed": seed}
        values = dict(zip(axes, (shown for shown, _ in chosen), strict=True)) | {"seed": seed}
        found.append(Cell(number, values, experiments.replace(base, changes)))
    return found


def _choices(name: str, values: Range | list[Any]) -> list[tuple[Any, Mapping[str, Any]]]:
    """The values of an axis as in the table, each with its settings."""
    if isinstance(values, Range):
        try:
            values = values.values()
        except ValueError as error:
            raise ExperimentError(f"The axis {name}: {error}.") from None
    if not values:
        raise ExperimentError(f"The axis {name} has no values: give a list, or a range from, to, count.")
    if name == "seed":
        raise ExperimentError("The seed is no axis: give seeds = 3, or a list of them.")
    choices: list[tuple[Any, Mapping[str, Any]]] = []
    for value in values:
        if not isinstance(value, dict):
            choices.append((value, {name: value}))
        elif not isinstance(value.get("name"), str):
            raise ExperimentError(f"The axis {name}: each of its tables needs a name.")
        else:
            choices.append((value["name"], {key: one for key, one in value.items() if key != "name"}))
    return choices


def prepare(sweep: Sweep, folder: Path) -> None:
    """Create the folder of a sweep, or make sure that it belongs to the same sweep.

    Raises:
        UserError: the folder has another sweep, or cannot be created.
    """
    note, text = folder / "sweep.json", msgspec.json.encode(sweep).decode()
    if note.exists() and note.read_text(encoding="utf-8") != text:
        raise UserError(f"{folder} holds another sweep: give another folder.")
    try:
        for part in (CELLS, MODELS):
            (folder / part).mkdir(parents=True, exist_ok=True)
        with atomic_write(note) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}.") from None


def result(folder: Path, cell: Cell) -> dict[str, Any] | None:
    """The figures of a cell; None if it is not finished or failed."""
    found = _read(folder, cell)
    return None if found.get("error") is not None else found.get("metrics")


def failure(folder: Path, cell: Cell) -> str | None:
    """Why a cell failed; None if it did not."""
    error = _read(folder, cell).get("error")
    return None if error is None else str(error)


def _read(folder: Path, cell: Cell) -> dict[str, Any]:
    """What is written of a cell; nothing if it is not finished or its file is damaged."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(_path(folder, cell).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _path(folder: Path, cell: Cell) -> Path:
    return folder / CELLS / f"{cell.number:05}.json"


def groups(folder: Path, every: Sequence[Cell]) -> list[list[Cell]]:
    """The unfinished cells, grouped by their training."""
    waiting = sorted((cell for cell in every if result(folder, cell) is None), key=lambda cell: cell.training)
    return [list(group) for _, group in itertools.groupby(waiting, key=lambda cell: cell.training)]


def compute(folder: Path, group: Sequence[Cell], measure: str, device: str = "auto") -> Iterator[Cell]:
    """Train the network of some cells, unless it is there, then sample and measure each cell; yield each when it is written.

    A cell that fails is written too, with the reason.

    Args:
        measure: see :class:`Sweep`.
    """
    chosen, model = choose_device(device), functools.cache(lambda: _session(folder, group[0], device))
    for cell in group:
        found: dict[str, Any] = {"values": dict(cell.values), "experiment": msgspec.to_builtins(cell.experiment)}
        try:
            needed = measure == "all" or cell.experiment.sampling.follows == "learned"
            session = model() if needed else None
            if session is None:
                tried = Model(Problem.build(cell.experiment, device=chosen), None)
            else:
                tried = Model.of(session, cell.experiment, chosen)
            trajectory = _last(sample(tried.problem, tried.score))
            samples = trajectory.positions[-1]
            measuring = (
                evaluation.sample_distances(tried.problem, samples)
                if measure == "samples"
                else evaluation.evaluate(tried.problem, tried.likelihood_score, samples)
            )
            metrics = _last(measuring).metrics
            assert metrics is not None
            found["metrics"] = _numbers(metrics) | {
                "nfe_mean": float(trajectory.nfe_mean[-1]),
                "sampling_seconds": trajectory.seconds,
            }
        except UserError as error:
            found["error"] = str(error)
        with atomic_write(_path(folder, cell)) as temporary:
            temporary.write_text(json.dumps(found), encoding="utf-8")
        yield cell


def _last(work: Iterator[Done]) -> Done:
    """Do all of the work; its last item."""
    (last,) = collections.deque(work, maxlen=1)
    return last


def _session(folder: Path, cell: Cell, device: str) -> Session:
    """The trained network of a cell, read from its file if an earlier run of the sweep has written it."""
    path = folder / MODELS / f"{cell.training}.safetensors"
    if path.exists():
        with contextlib.suppress(UserError):
            return Session.load(path)
    trainer = Trainer(Problem.build(cell.experiment, device=choose_device(device)))
    for _ in trainer:
        pass
    session = Session.of(cell.experiment, trainer.problem.dataset, weights=trainer.state())
    session.save(path)
    return session


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The figures that are numbers, and the ratio of each distance to its floor."""
    found = {
        key: float(value)
        for key, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
    for key, floor in FLOORS.items():
        if found.get(floor):
            found[f"{key}_over_floor"] = found[key] / found[floor]
    return found


@dataclass(frozen=True)
class Row:
    """The cells of one combination, over the seeds.

    Attributes:
        values: the values by axis.
        count: the number of finished seeds.
        mean, error: the mean over the seeds and its standard error, by figure; one seed has no error.
    """

    values: Mapping[str, Any]
    count: int
    mean: Mapping[str, float]
    error: Mapping[str, float]


def table(folder: Path, every: Sequence[Cell]) -> list[Row]:
    """The means over the seeds, for each combination with a finished cell."""
    combined: dict[str, tuple[Mapping[str, Any], list[dict[str, Any]]]] = {}
    for cell in every:
        found = result(folder, cell)
        values: Mapping[str, Any] = {axis: value for axis, value in cell.values.items() if axis != "seed"}
        if found is not None:
            combined.setdefault(json.dumps(values, default=str), (values, []))[1].append(found)
    rows = []
    for values, results in combined.values():
        shared = [key for key in results[0] if all(key in one for one in results)]
        drawn = {key: [float(one[key]) for one in results] for key in shared}
        mean = {key: statistics.fmean(numbers) for key, numbers in drawn.items()}
        error = (
            {key: statistics.stdev(numbers) / math.sqrt(len(numbers)) for key, numbers in drawn.items()}
            if len(results) > 1
            else {}
        )
        rows.append(Row(values, len(results), mean, error))
    return rows
