"""A sweep's file: a base experiment, axes of settings, and seeds; and the cells that they make.

A cell is one combination of the axes' values with one seed. This module imports no torch.
"""

import functools
import hashlib
import itertools
import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.settings import AFTER_TRAINING
from playground.messages import alternatives

MOST_CELLS = 100_000
NOTE = "sweep.json"
"""The sweep, in the folder in which it is computed."""


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
        whole = float(self.first).is_integer() and float(self.last).is_integer()  # an int has no such method in 3.11
        return list(dict.fromkeys(round(value) if whole else float(f"{value:.6g}") for value in spaced))


class Plot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"lines": "for"}):
    """A chart of a sweep's table.

    Attributes:
        x: an axis, or a figure such as "nfe_mean".
        y: the figure of the lines.
        lines: an axis whose values have a line each; by default all axes but `x`.
        where: the values of other axes to which the picture is limited.
        log: which of "x" and "y" are logarithmic.
        top: the end of the y axis; larger values of lines are marked there with their numbers.
        color: of a heat map, which earlier versions drew: its figure, with the axis of the lines as `y`.
    """

    x: str
    y: str
    lines: str = ""
    where: dict[str, Any] = {}
    log: list[Literal["x", "y", "color"]] = []
    top: float | None = None
    color: str = ""

    def __post_init__(self) -> None:
        if self.color:
            log = ["y" if one == "color" else one for one in self.log]
            for name, value in {"y": self.color, "log": log, "color": ""}.items():
                msgspec.structs.force_setattr(self, name, value)


class Sweep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of a sweep's file.

    Attributes:
        base: an experiment file, relative to the folder of the sweep's file; the default experiment if empty.
        experiment: settings by section that differ from the base.
        axes: the values of each axis. An axis with the key of a setting has a list or a :class:`Range`. An axis with any
            other name has a list of tables, each with several settings and a ``name``.
        seeds: the seeds, or their number, counted from 0. Each sets the three seeds of an experiment, except those that are axes.
        measure: "samples" for the figures of samples; "all" for likelihoods too.
        losses: whether the loss along sigma is measured, at training points and at held-out points.
        plots: the pictures; by default the program chooses them.
    """

    axes: dict[str, Range | list[Any]]
    base: str = ""
    experiment: dict[str, Any] = {}
    seeds: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | list[int] = 1
    measure: Literal["samples", "all"] = "samples"
    losses: bool = False
    plots: list[Plot] = []


@dataclass(frozen=True)
class Cell:
    """One experiment of a sweep.

    Attributes:
        number: its index.
        values: the values by axis, as in the table.
        measure, losses: what is measured, see :class:`Sweep`.
    """

    number: int
    values: Mapping[str, Any]
    experiment: Experiment
    measure: Literal["samples", "all"] = "samples"
    losses: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """All settings by section."""
        return dict(msgspec.to_builtins(self.experiment))

    @property
    def depends_on_speed(self) -> bool:
        """Whether its network is trained for a time, so that a faster or idle machine trains it further."""
        return self.experiment.training.steps == "auto" and self.experiment.sampling.follows == "learned"

    @functools.cached_property
    def key(self) -> str:
        """A name for what it computes, which is the same in every sweep: settings, seeds and figures decide it, not its number.

        Like :attr:`training` it leaves out defaults, so that a setting that a later version adds does not change it.
        """
        return _digest([experiments.changed(self.experiment), self.measure, self.losses])

    @functools.cached_property
    def training(self) -> str:
        """A name that is the same for cells that share one trained network.

        The number of held-out points is a part of it, as it decides which rows are trained on.
        """
        told = experiments.changed(self.experiment).items()
        own = {key: value for key, value in told if not key.startswith(AFTER_TRAINING) or key == "likelihood.points"}
        return _digest(own)


def _digest(tree: Any) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:16]


def load(path: Path) -> tuple[Sweep, list[Cell]]:
    """Read a sweep and make its cells.

    Args:
        path: a sweep's file, or a folder in which a sweep was computed.

    Returns:
        The sweep, which holds all settings of its base, and its cells.

    Raises:
        ExperimentError: the file cannot be read or is not a sweep, or a value cannot be used; the sentence says which.
    """
    return settled(read(path))


def read(path: Path) -> Sweep:
    """Read a sweep as :func:`load` does, without making its cells.

    Raises:
        ExperimentError: as :func:`load`.
    """
    file = path / NOTE if path.is_dir() else path
    decode = msgspec.json.decode if path.is_dir() else tomllib.loads
    try:
        sweep = from_tree(decode(file.read_text(encoding="utf-8-sig")))
    except OSError as error:
        if path.is_dir():
            raise ExperimentError(f"{path} holds no sweep: choose a folder in which one was computed.") from None
        raise ExperimentError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise ExperimentError(f"{path.name} is no sweep: {str(error).splitlines()[0].rstrip('.')}.") from None
    return with_base(sweep, file.parent)


def from_tree(tree: Any) -> Sweep:
    """A sweep from the tree of its file. A count may be a whole float, as in ``seeds = 1e2``.

    Raises:
        msgspec.ValidationError: the tree is not that of a sweep.
    """
    return msgspec.convert(tree, Sweep, strict=False)


def settled(sweep: Sweep, folder: Path = Path()) -> tuple[Sweep, list[Cell]]:
    """A sweep with all settings of its base inside, and its cells.

    Args:
        folder: the base's path is relative to it.

    Raises:
        ExperimentError: as :func:`load`.
    """
    sweep = with_base(sweep, folder)
    return sweep, cells(sweep, experiments.from_file(sweep.experiment, Experiment()))


def with_base(sweep: Sweep, folder: Path = Path()) -> Sweep:
    """A sweep with all settings of its base inside; the base's path is relative to the folder.

    Raises:
        ExperimentError: the base cannot be read, or a setting cannot be used.
    """
    base = experiments.load(folder / sweep.base) if sweep.base else Experiment()
    whole = experiments.from_file(sweep.experiment, base)
    return msgspec.structs.replace(sweep, base="", experiment=msgspec.to_builtins(whole))


def cells(sweep: Sweep, base: Experiment) -> list[Cell]:
    """Every combination of the axes' values, for every seed.

    Raises:
        ExperimentError: a value cannot be used or is given twice, or there are too many cells.
    """
    axes = {name: _choices(name, values) for name, values in sweep.axes.items()}
    seeds = list(range(sweep.seeds)) if isinstance(sweep.seeds, int) else sweep.seeds
    if repeated := _repeated(seeds):
        raise ExperimentError(f"The seed {repeated} is given twice: its cells would count as two draws and are one.")
    count = math.prod(len(choices) for choices in axes.values()) * len(seeds)
    if not 0 < count <= MOST_CELLS:
        raise ExperimentError(f"The sweep has {count:,} cells: it can have from 1 to {MOST_CELLS:,}.")
    found = []
    for number, (seed, *chosen) in enumerate(itertools.product(seeds, *axes.values())):
        changes = {key: value for _, settings in chosen for key, value in settings.items()} | {experiments.SEED: seed}
        values = dict(zip(axes, (shown for shown, _ in chosen), strict=True)) | {experiments.SEED: seed}
        found.append(Cell(number, values, experiments.replace(base, changes), sweep.measure, sweep.losses))
    if len({cell.experiment for cell in found}) < count:
        raise ExperimentError(
            "Two cells would be the same experiment and count as two draws: give seeds = 1 if each seed is an axis, and no two tables "
            "of an axis the same settings."
        )
    return found


BY_TIME = (
    "Networks are trained for a time, which depends on the machine's speed: set training.steps to compare machines."
)


def _choices(name: str, values: Range | list[Any]) -> list[tuple[Any, Mapping[str, Any]]]:
    """The values of an axis as in the table, each with its settings."""
    if isinstance(values, Range):
        try:
            values = values.values()
        except ValueError as error:
            raise ExperimentError(f"The axis {name}: {error}.") from None
    if not values:
        raise ExperimentError(f"The axis {name} has no values: give a list, or a range from, to, count.")
    if name == experiments.SEED:
        raise ExperimentError(
            f"seed is no axis: give seeds = 3, or a list of them, for all seeds; or an axis {alternatives(list(experiments.SEEDS))}."
        )
    choices: list[tuple[Any, Mapping[str, Any]]] = []
    field = experiments.every_field().get(name)
    for value in values if field is None else (experiments.counted(field, one) for one in values):
        if not isinstance(value, dict):
            choices.append((value, {name: value}))
        elif not isinstance(value.get("name"), str):
            raise ExperimentError(f"The axis {name}: each of its tables needs a name.")
        else:
            choices.append((value["name"], {key: one for key, one in value.items() if key != "name"}))
    if repeated := _repeated([shown for shown, _ in choices]):
        raise ExperimentError(f"The axis {name} has {repeated} twice: each of its values is a row of the table.")
    return choices


def _repeated(values: Sequence[Any]) -> str:
    """The first value that comes twice, as the table shows it; empty if none does."""
    told = [json.dumps(value, default=str) for value in values]
    return next((one for place, one in enumerate(told) if one in told[:place]), "")
