"""A session in one file: experiment, data points, weights and trajectory.

The file is a safetensors file: a JSON header, then plain numbers. Opening one runs no code, whoever made it. The window
saves a ``.spg`` file; ``model.safetensors`` in a run's folder has the same format without a trajectory. The data points
are inside, so a session of a CSV file opens on a machine without that file.

Tensors are named ``data/points``, ``data/held_out``, ``data/start``, ``weights/...`` and ``trajectory/...``. The header's metadata holds
the experiment as TOML, the rest as JSON, and a checksum of the whole file. This module imports no torch, because the
window opens sessions before torch is loaded.
"""

import contextlib
import json
import os
import typing
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from playground.data.dataset import MOST_CLASS_NAMES
from playground.lab import checked_file
from playground.lab import experiment as experiments
from playground.lab.columns import FEWEST, Column, Columns
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.points import Points
from playground.lab.provenance import Provenance
from playground.lab.trained import Trained
from playground.lab.trajectory import NAMES, Trajectory
from playground.messages import Message, setting
from playground.records import record
from playground.user_errors import UserError, cannot_write
from playground.version import __version__

if typing.TYPE_CHECKING:
    from playground.data import Dataset

SUFFIX = ".spg"
MODEL, METRICS, TRAJECTORY = "model.safetensors", "metrics.json", "trajectory.npz"
"""The session, the figures and the particles in the folder of a run."""
FORMAT = "score-playground session"
VERSION = 2
"""The first version whose files have a checksum."""
LONGEST_CLASS_NAME = 255  # the longest folder name that file systems allow
LONGEST_RUNS = 10_000_000  # characters of the pinned runs, each of which may have its own drawing
LONGEST_COLUMNS = 100_000  # characters of the columns of a comparison

Arrays = Mapping[str, np.ndarray]
Values = dict[str, Any]
Coordinate = Annotated[float, msgspec.Meta(gt=-1e300, lt=1e300)]  # integers in JSON have no limit
ClassNames = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_CLASS_NAME)], ...],
    msgspec.Meta(max_length=MOST_CLASS_NAMES),
]
"""Names of classes, not more and not longer than names of folders can be."""


class SessionError(UserError, ValueError):
    """A session file cannot be read or written; the message is one sentence for the user."""


@record
class Session:
    """A saved session: everything that is needed to continue the work.

    Args:
        experiment: the settings, each "auto" included.
        points: the training set in the user's units, (N, 2) or (N, C, H, W), finite.
        held_out: the test set, in the same form.
        labels: (N,) the class of each of `points` if their file has labels; int64.
        class_names: the name of each class, in the order of their numbers, if known.
        axes: the names of the two axes.
        start: the points of a file from which the flow starts, (M, 2) in the user's units, or None.
        weights: the trainer's state by name, or None before any training.
        trajectory: the result of ``Trajectory.arrays()``, or None.
        training: the progress of training, e.g. step and seconds; JSON values.
        view: the chosen layers and viewport; JSON values.
        clicked: the point whose likelihood was shown, and a second point for an interpolation: (x, y) in the user's
            units, or an image's number in the last frame of `trajectory`. Their figures are measured again.
        measurements: figures of these weights with these settings, by their kind; JSON values. May be empty.
        columns: those of a comparison; may be empty.
        runs: the pinned runs, with their settings and figures; JSON values. May be empty.
        device: the device on which its weights were trained, if known.
    """

    experiment: Experiment
    points: np.ndarray
    held_out: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    axes: tuple[str, str] = ("x", "y")
    start: np.ndarray | None = None
    weights: Arrays | None = None
    trajectory: Arrays | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    view: Mapping[str, Any] = field(default_factory=dict)
    clicked: tuple[tuple[float, float] | int, ...] = ()
    measurements: Mapping[str, Any] = field(default_factory=dict)
    columns: Columns = ()
    runs: Sequence[Any] = ()
    device: str | None = None

    def __repr__(self) -> str:
        chosen = self.experiment
        kinds = (chosen.data.kind, chosen.noise.kind, chosen.objective.kind, chosen.network.kind)
        trained = "not trained" if self.weights is None else f"step {self.step:,}"
        return (
            f"<Session of {', '.join(kinds)}: {len(self.points):,} points, {len(self.held_out):,} held out, {trained}>"
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the session atomically: until the new file is complete, the old one stays.

        Raises:
            SessionError: the file cannot be written, for instance because the disk is full.
        """
        tensors = {"data/points": self.points, "data/held_out": self.held_out}
        if self.labels is not None:
            tensors["data/labels"] = self.labels
        if self.start is not None:
            tensors["data/start"] = self.start
        for group, arrays in (("weights", self.weights), ("trajectory", self.trajectory)):
            # The trajectory's texts are in the metadata. The tensors hold only numbers.
            tensors |= {f"{group}/{name}": array for name, array in (arrays or {}).items() if array.dtype.kind != "U"}
        provenance = Provenance.of(self.experiment, self.device)
        metadata = {
            "format": FORMAT,
            "version": str(VERSION),
            "program": provenance.version,
            "provenance": str(provenance),
            "experiment": experiments.dump(experiments.without_places(self.experiment)),
            "axes": json.dumps(self.axes),
            "training": json.dumps(dict(self.training)),
            "view": json.dumps(dict(self.view)),
            "clicked": json.dumps(self.clicked),
            "measurements": json.dumps(dict(self.measurements)),
        }
        if self.trajectory and "provenance" in self.trajectory:  # its noise may be another than that of the settings
            metadata["trajectory"] = str(self.trajectory["provenance"])
        if self.columns:
            metadata["columns"] = msgspec.json.encode([_without_places(column) for column in self.columns]).decode()
        if self.runs:
            metadata["runs"] = json.dumps(list(self.runs))
        with contextlib.suppress(msgspec.ValidationError):  # of more or longer names than are read
            if msgspec.convert(self.class_names, ClassNames):
                metadata["class_names"] = json.dumps(self.class_names)
        try:
            checked_file.write(path, metadata, tensors)
        except OSError as error:
            kept = " The old file is kept." if os.path.exists(path) else ""
            raise SessionError(cannot_write(path, error) + kept) from None

    @classmethod
    def of(cls, experiment: Experiment, dataset: "Dataset", **others: Any) -> "Session":
        """A session of a data set."""
        return cls.of_points(experiment, Points.of(dataset), **others)

    @classmethod
    def of_points(
        cls, experiment: Experiment, points: Points, trained: Trained | None = None, **others: Any
    ) -> "Session":
        """A session of points, and of what came of a training on them, if there was one."""
        saved = points.saved
        told: dict[str, Any] = {}
        if trained is not None:
            told = {"weights": trained.state or None, "training": trained.course, "device": trained.device}
        return cls(
            experiment=experiment,
            points=saved.points,
            held_out=saved.held_out,
            labels=saved.labels,
            class_names=saved.class_names,
            axes=saved.axes,
            start=points.start,
            **(told | others),
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Session":
        """Read a session that :meth:`save` wrote.

        Raises:
            SessionError: the file cannot be read, is not a session, is damaged, or comes from a newer program.
        """
        path = Path(path)
        metadata, tensors = _read(path)
        _check_format(path, metadata)
        _check_checksum(path, metadata)
        groups: dict[str, dict[str, np.ndarray]] = {"data": {}, "weights": {}, "trajectory": {}}
        for name, array in tensors.items():
            group, slash, rest = name.partition("/")
            if not slash or group not in groups:
                raise _damaged(path, f"it holds an unknown array {name[:40]!r}")
            groups[group][rest] = array
        data, weights, trajectory = groups["data"], groups["weights"], groups["trajectory"]
        labels, start = data.pop("labels", None), data.pop("start", None)
        if set(data) != {"points", "held_out"}:
            raise _damaged(path, "its data points are missing")
        experiment, shape = _experiment(path, metadata), data["points"].shape[1:]
        for array in data.values():
            if array.dtype.kind != "f" or array.shape[1:] != shape or not experiment.data.fits_shape(shape):
                kind = setting("data.kind", experiment.data.kind)
                raise _damaged(path, Message("other-data", "its data do not fit {}", (kind,)))
        if not len(data["points"]):
            raise _damaged(path, "its data points are missing")
        if labels is not None and (
            labels.shape != (len(data["points"]),) or labels.dtype != np.int64 or (labels < 0).any()
        ):
            raise _damaged(path, "its labels do not fit its data")
        if start is not None and (start.dtype.kind != "f" or start.shape[1:] != (2,) or not len(start)):
            raise _damaged(path, "its start set has no points of the plane")
        for name, array in tensors.items():
            numeric = array.dtype.kind in "fiub"
            # A sampler without time has t = nan, and training without a limit has limit inf. Elsewhere both are damage.
            free = name.startswith("trajectory/") or name == "weights/limits"
            if not numeric or not (free or np.isfinite(array).all()):
                raise _damaged(path, f"{name[:60]} holds numbers that are not finite")
        if trajectory:
            _check_trajectory(path, trajectory, shape)
        axes = _json(path, metadata, "axes", tuple[str, str], wrong="its axes have no names")
        if trajectory:
            trajectory["axes"] = np.array(axes)
            if "trajectory" in metadata:
                trajectory["provenance"] = np.array(metadata["trajectory"])
        device = _json(path, metadata, "provenance", Values, "{}").get("device")
        return cls(
            experiment=experiment,
            points=data["points"],
            held_out=data["held_out"],
            labels=labels,
            class_names=_class_names(path, metadata, labels),
            axes=axes,
            start=start,
            weights=weights or None,
            trajectory=trajectory or None,
            training=_json(path, metadata, "training", Values),
            view=_json(path, metadata, "view", Values),
            clicked=_clicked(path, metadata, shape, trajectory),
            measurements=_json(path, metadata, "measurements", Values, "{}"),
            columns=_columns(path, metadata),
            runs=_runs(path, metadata),
            device=device if isinstance(device, str) else None,
        )

    @property
    def step(self) -> int:
        """The training step of its weights; 0 without any."""
        return int((self.weights or {}).get("step", 0))

    @property
    def trained(self) -> Trained:
        """What came of its training."""
        return Trained(self.weights or {}, self.training, self.device)

    @property
    def kept_points(self) -> Points:
        """Its points."""
        return Points.kept(self.points, self.held_out, self.axes, self.labels, self.class_names, self.start)

    def dataset(self) -> "Dataset":
        """The data set as it was saved; toys and drawings get their known density back.

        Raises:
            DataError: the experiment's data cannot be made.
        """
        return self.kept_points.dataset(self.experiment)


def _read(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Read the header and the arrays."""
    try:
        if path.stat().st_size == 0:
            raise SessionError(f"{path.name} is empty: it is not a session of Score Playground.")
        if path.is_dir():
            raise SessionError(f"{path} cannot be read: it is a folder.")
        return checked_file.read(path)
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}.") from None
    except SessionError:
        raise
    except (ValueError, MemoryError):
        raise SessionError(
            f"{path.name} is not a session of Score Playground, or a damaged one: open another {SUFFIX} file."
        ) from None


def _check_format(path: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT:
        raise SessionError(
            f"{path.name} is a safetensors file, but not a session of Score Playground: open a {SUFFIX} file."
        )
    version = metadata.get("version", "")
    if not (version.isascii() and version.isdigit() and len(version) < 9 and int(version) > 0):
        raise _damaged(path, "its version is not a number")
    if int(version) > VERSION:
        program = metadata.get("program", "")[:20]
        raise SessionError(
            f"{path.name} was saved by a newer Score Playground ({program}): this one ({__version__}) reads format {VERSION}, the file has format {int(version)}; update the program to open it."
        )


def _check_checksum(path: Path, metadata: Mapping[str, str]) -> None:
    """Compare the file with the CRC-32 that was saved in it; files of the first version have none.

    Raises:
        SessionError: the checksum is another one, or missing.
    """
    if int(metadata["version"]) == 1 and "checksum" not in metadata:
        return
    try:
        intact = checked_file.is_intact(path, metadata)
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}.") from None
    if not intact:
        raise _damaged(path, "its contents do not match its checksum")


def _check_trajectory(path: Path, trajectory: Arrays, shape: tuple[int, ...]) -> None:
    for name in trajectory.keys() - NAMES:
        raise _damaged(path, f"its trajectory has an unknown array {name[:40]!r}")
    told = trajectory.get("shape")
    if told is None or told.tolist() != list(shape):
        raise _damaged(path, "its trajectory is of other data")
    try:
        Trajectory.from_arrays(dict(trajectory))
    except ValueError as error:
        said = str(error).rstrip(".")
        raise _damaged(path, said[0].lower() + said[1:]) from None
    if not np.isfinite(trajectory["positions"]).all():
        raise _damaged(path, "its trajectory's positions are not finite")


def _experiment(path: Path, metadata: Mapping[str, str]) -> Experiment:
    if "experiment" not in metadata:
        raise _damaged(path, "its experiment is missing")
    try:
        return experiments.parse(metadata["experiment"], f"the experiment in {path.name}")
    except ExperimentError as error:
        said = Message(
            "unusable-settings", "{} holds an experiment that cannot be used: {}", (path.name, error.message)
        )
        raise SessionError(said) from None


def _json(
    path: Path, metadata: Mapping[str, str], name: str, kind: Any, missing: str = "", wrong: str | None = None
) -> Any:
    """An entry that was written as JSON, as a value of a type, or what stands for a missing one; without that it is damage.

    Args:
        wrong: what is wrong with a list that has other values.
    """
    said = f"its {name} cannot be read"
    try:
        found = json.loads(metadata.get(name, missing))
        if wrong and isinstance(found, list):
            said = wrong
        return msgspec.convert(found, kind)
    except (ValueError, RecursionError, msgspec.ValidationError):
        raise _damaged(path, said) from None


def _runs(path: Path, metadata: Mapping[str, str]) -> tuple[Any, ...]:
    """The pinned runs; none without an entry."""
    if len(metadata.get("runs", "")) > LONGEST_RUNS:
        raise _damaged(path, "its pinned runs are longer than any that are saved")
    found: tuple[Any, ...] = _json(path, metadata, "runs", tuple[Any, ...], "[]")
    return found


def _columns(path: Path, metadata: Mapping[str, str]) -> Columns:
    """The columns of a comparison; none without an entry."""
    told = metadata.get("columns", "[]")
    try:
        found: Columns = msgspec.json.decode(told[: LONGEST_COLUMNS + 1], type=Columns)
    except (msgspec.MsgspecError, RecursionError):
        raise _damaged(path, "its compared columns cannot be read") from None
    if 0 < len(found) < FEWEST:
        raise _damaged(path, "its compared columns cannot be read")
    return tuple(map(_without_places, found))


def _without_places(column: Column) -> Column:
    """The column with only the names of files on network shares and devices, as :func:`experiments.without_places`."""
    return Column.of(
        {
            key: experiments.without_place(str(value)) if key in experiments.FILES else value
            for key, value in column.edits
        },
        column.step,
    )


def _class_names(path: Path, metadata: Mapping[str, str], labels: np.ndarray | None) -> tuple[str, ...]:
    """Read the names of the labels' classes; none without an entry."""
    found: ClassNames = _json(
        path, metadata, "class_names", ClassNames, "[]", "its classes have no names that can be used"
    )
    if found and (labels is None or labels.max() >= len(found)):
        raise _damaged(path, "the names of its classes do not fit its labels")
    return found


def _clicked(
    path: Path, metadata: Mapping[str, str], shape: tuple[int, ...], trajectory: Arrays
) -> tuple[tuple[float, float] | int, ...]:
    """The clicked points; none without an entry."""
    images = trajectory["positions"].shape[1] if trajectory else 0
    image = Annotated[int, msgspec.Meta(ge=0, lt=images)]
    kind = tuple[tuple[Coordinate, Coordinate], ...] if shape == (2,) else tuple[image, ...]
    wrong = "its clicked points do not fit its data"
    found: tuple[tuple[float, float] | int, ...] = _json(path, metadata, "clicked", kind, "[]", wrong)
    if len(found) > 2:
        raise _damaged(path, "more than two points are clicked")
    return found


def _damaged(path: Path, reason: Message | str) -> SessionError:
    text = "{} is a damaged session: {}; open a copy of it or start again."
    return SessionError(Message("damaged", text, (path.name, reason)))
