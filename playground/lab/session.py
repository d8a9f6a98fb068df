"""A session in one file: experiment, data points, weights and trajectory.

The file is a safetensors file: a JSON header, then plain numbers, so that opening one runs no code, whoever made it.
A ``.spg`` file is what the window saves; ``model.safetensors`` in a run's folder is the same without a trajectory.
The data points are inside, so a session of a CSV file opens on a machine that has no such file.

Tensors are named ``data/points``, ``data/held_out``, ``weights/...`` and ``trajectory/...``; the header's metadata
holds the experiment as TOML and the rest as JSON, and a checksum of the whole file. This module imports no torch: the window opens sessions before torch.
"""

import json
import math
import os
import typing
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from playground import __version__
from playground.data.dataset import MOST_CLASS_NAMES
from playground.kinds.datasets.data_source import Saved
from playground.lab import experiment as experiments
from playground.lab.atomic import atomic_write
from playground.lab.experiment import Experiment, ExperimentError
from playground.messages import Message, setting
from playground.user_errors import UserError, cannot_write

if typing.TYPE_CHECKING:
    from playground.data import Dataset

SUFFIX = ".spg"
MODEL = "model.safetensors"
"""The session in the folder of a run."""
FORMAT = "score-playground session"
VERSION = 2
"""The version from which on a file has a checksum."""
NO_CHECKSUM = "00000000"  # stands in its place while it is computed
LONGEST_CLASS_NAME = 255  # file systems allow no longer names of folders
LONGEST_RUNS = 10_000_000  # characters of the pinned runs, each of which may have a drawing of its own

Arrays = Mapping[str, np.ndarray]


class SessionError(UserError, ValueError):
    """A session file that cannot be read or written: the message is one sentence for the user."""


@dataclass(frozen=True, eq=False)
class Session:
    """A saved session: all that is needed to go on where one stopped.

    Args:
        experiment: the settings, "auto" included.
        points: the training set in the user's units, (N, 2) or (N, C, H, W), finite.
        held_out: the test set, likewise.
        labels: (N,) the class of each of `points`, where the file they came from says it; int64.
        class_names: what each class is called, in the order of their numbers, where that is known.
        axes: the names of the two axes.
        weights: the trainer's state by name, or None before any training.
        trajectory: what ``Trajectory.arrays()`` gives, or None.
        training: where training stands, e.g. step and seconds; JSON values.
        view: the chosen layers and viewport; JSON values.
        clicked: the point whose likelihood was asked for, and a second one to which a way was: (x, y) in the user's units, or
            an image's number among the last frame of `trajectory`. What was measured of them is measured again.
        measurements: figures of these weights by these settings, by what was measured; JSON values. None in files of earlier versions.
        runs: the pinned runs, with their settings and figures; JSON values. None in files of earlier versions.
    """

    experiment: Experiment
    points: np.ndarray
    held_out: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    axes: tuple[str, str] = ("x", "y")
    weights: Arrays | None = None
    trajectory: Arrays | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    view: Mapping[str, Any] = field(default_factory=dict)
    clicked: tuple[tuple[float, float] | int, ...] = ()
    measurements: Mapping[str, Any] = field(default_factory=dict)
    runs: Sequence[Any] = ()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the session atomically: until the new file is complete, the old one stays.

        Raises:
            SessionError: the file cannot be written, for instance because the disk is full.
        """
        tensors = {"data/points": self.points, "data/held_out": self.held_out}
        if self.labels is not None:
            tensors["data/labels"] = self.labels
        for group, arrays in (("weights", self.weights), ("trajectory", self.trajectory)):
            # The trajectory's axes are text and the session's own; the file holds only numbers.
            tensors |= {f"{group}/{name}": array for name, array in (arrays or {}).items() if array.dtype.kind != "U"}
        metadata = {
            "format": FORMAT,
            "version": str(VERSION),
            "program": __version__,
            "experiment": experiments.dump(self.experiment),
            "axes": json.dumps(self.axes),
            "checksum": NO_CHECKSUM,
            "training": json.dumps(dict(self.training)),
            "view": json.dumps(dict(self.view)),
            "clicked": json.dumps(self.clicked),
            "measurements": json.dumps(dict(self.measurements)),
        }
        if self.runs:
            metadata["runs"] = json.dumps(list(self.runs))
        if self.class_names and _are_names(self.class_names):
            metadata["class_names"] = json.dumps(self.class_names)
        head, numbers = _ordered(
            safetensors.numpy.save({name: _plain(array) for name, array in tensors.items()}, metadata)
        )
        checksum = f"{zlib.crc32(numbers, zlib.crc32(head)):08x}"
        contents = _with_checksum(head, NO_CHECKSUM, checksum), numbers
        try:
            with atomic_write(path) as temporary, temporary.open("wb") as file:
                file.writelines(contents)
        except OSError as error:
            kept = " The old file is kept." if os.path.exists(path) else ""
            raise SessionError(cannot_write(path, error) + kept) from None

    @classmethod
    def of(cls, experiment: Experiment, dataset: "Dataset", **others: Any) -> "Session":
        """One with a data set as it is, whose labels are kept where no name of it says them."""
        return cls(
            experiment=experiment,
            points=dataset.points,
            held_out=dataset.held_out,
            labels=dataset.labels if experiment.data.kind == "images" else None,
            class_names=dataset.class_names,
            axes=dataset.axes,
            **others,
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Session":
        """Read a session that :meth:`save` wrote.

        Raises:
            SessionError: the file cannot be read, is no session, is damaged, or comes from a newer program.
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
        labels = data.pop("labels", None)
        if set(data) != {"points", "held_out"}:
            raise _damaged(path, "its data points are missing")
        shape = data["points"].shape[1:]
        for array in data.values():
            if array.dtype.kind != "f" or array.shape[1:] != shape or not _known_shape(shape):
                raise _damaged(path, "its data are neither points of the plane nor images of 8 to 64 pixels")
        if not len(data["points"]):
            raise _damaged(path, "its data points are missing")
        if labels is not None and (
            labels.shape != (len(data["points"]),) or labels.dtype != np.int64 or (labels < 0).any()
        ):
            raise _damaged(path, "its labels do not fit its data")
        for name, array in tensors.items():
            numeric = array.dtype.kind in "fiub"
            # A sampler without time has nan for t, and training without a limit an infinite one; elsewhere it is damage.
            free = name.startswith("trajectory/") or name == "weights/limits"
            if not numeric or not (free or np.isfinite(array).all()):
                raise _damaged(path, f"{name[:60]} holds numbers that are not finite")
        if trajectory:
            _check_trajectory(path, trajectory, shape)
        axes = _json(path, metadata, "axes", list)
        if len(axes) != 2 or not all(isinstance(axis, str) for axis in axes):
            raise _damaged(path, "its axes have no names")
        if trajectory:
            trajectory["axes"] = np.array(axes)
        experiment = _experiment(path, metadata)
        if not _of_kind(experiment.data.kind, shape):
            kind = setting("data.kind", experiment.data.kind)
            raise _damaged(path, Message("other-data", "its data do not fit {}", (kind,)))
        return cls(
            experiment=experiment,
            points=data["points"],
            held_out=data["held_out"],
            labels=labels,
            class_names=_class_names(path, metadata, labels),
            axes=(axes[0], axes[1]),
            weights=weights or None,
            trajectory=trajectory or None,
            training=_json(path, metadata, "training", dict),
            view=_json(path, metadata, "view", dict),
            clicked=_clicked(path, metadata, shape, trajectory),
            measurements=_json(path, {"measurements": "{}"} | dict(metadata), "measurements", dict),
            runs=_runs(path, metadata),
        )

    def dataset(self) -> "Dataset":
        """The data set as it was saved; a toy or a drawing has its known density again.

        Raises:
            DataError: the experiment's data cannot be made.
        """
        saved = Saved(self.points, self.held_out, self.axes, self.labels, self.class_names)
        return self.experiment.data.restored(saved, self.experiment.seed)


def _plain(array: np.ndarray) -> np.ndarray:
    """Contiguous and little-endian, as safetensors stores numbers; scalars keep their empty shape."""
    array = np.asarray(array)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)


def _ordered(contents: bytes) -> tuple[bytes, memoryview]:
    """Return the file with its metadata in a fixed order, for the library writes them in another each time: head, and
    numbers.

    The numbers are not copied: with a large set of images they are most of the memory that saving takes.
    """
    end = 8 + int.from_bytes(contents[:8], "little")
    header = json.loads(contents[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text, memoryview(contents)[end:]


def _read(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Header and arrays. The library checks lengths, offsets and shapes against the file's size before any allocation."""
    try:
        if path.stat().st_size == 0:
            raise SessionError(f"{path.name} is empty: it is not a session of Score Playground.")
        if path.is_dir():
            raise SessionError(f"{path} cannot be read: it is a folder.")
        with safetensors.safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {}), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}.") from None
    except SessionError:
        raise
    except Exception as error:  # the library's own error, or numpy's for a dtype it lacks (bfloat16)
        detail = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise SessionError(
            f"{path.name} is not a session of Score Playground, or a damaged one ({detail.rstrip('.')}): open another {SUFFIX} file."
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


def _with_checksum(head: bytes, old: str, new: str) -> bytes:
    """The head of a file with another checksum; a quote within any other text of it has a backslash before."""
    return head.replace(f'"checksum":"{old}"'.encode(), f'"checksum":"{new}"'.encode(), 1)


def _check_checksum(path: Path, metadata: Mapping[str, str]) -> None:
    """Compare the file with the CRC-32 that it was saved with; the first files had none.

    Raises:
        SessionError: it is another one, or missing.
    """
    if int(metadata["version"]) == 1 and "checksum" not in metadata:
        return
    stated = metadata.get("checksum", "")
    try:
        with path.open("rb") as file:
            length = file.read(8)
            head = length + file.read(int.from_bytes(length, "little"))
            found = zlib.crc32(_with_checksum(head, stated, NO_CHECKSUM))
            while piece := file.read(2**20):
                found = zlib.crc32(piece, found)
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}.") from None
    if stated != f"{found:08x}":
        raise _damaged(path, "its checksum is not that of what it holds")


def _known_shape(shape: tuple[int, ...]) -> bool:
    """Whether points of this shape are ones of the plane, or images as settings.Data allows them."""
    return shape == (2,) or (len(shape) == 3 and shape[0] in (1, 3) and shape[1] == shape[2] and 8 <= shape[1] <= 64)


def _of_kind(kind: str, shape: tuple[int, ...]) -> bool:
    """Whether points of this known shape can be of such data; what their source would say, without its torch."""
    if kind == "digits":
        return shape == (1, 8, 8)
    return (kind == "images") == (len(shape) == 3)


def _check_trajectory(path: Path, trajectory: Arrays, shape: tuple[int, ...]) -> None:
    optional = {"accepted", "nfe_mean", "nfe_max", "step"}
    if set(trajectory) - optional != {"positions", "sigma", "time", "step_size", "shape"}:
        raise _damaged(path, "its trajectory is incomplete")
    positions = trajectory["positions"]
    fits = positions.ndim == 3 and positions.size > 0 and positions.shape[2] == math.prod(shape)
    if positions.dtype.kind != "f" or not fits or not np.isfinite(positions).all():
        raise _damaged(path, "its trajectory has no positions")
    if trajectory["shape"].dtype.kind != "i" or trajectory["shape"].tolist() != list(shape):
        raise _damaged(path, "its trajectory is of other data")
    for name in set(trajectory) - {"positions", "shape"}:
        kind = "i" if name == "step" else "f"
        if trajectory[name].dtype.kind != kind or trajectory[name].shape != positions.shape[:1]:
            raise _damaged(path, f"its trajectory's {name} does not fit its frames")
        if np.isinf(trajectory[name]).any():
            raise _damaged(path, f"its trajectory's {name} is infinite")
    # Before the first lies what would be step -1.
    if "step" in trajectory and (np.diff(trajectory["step"], prepend=-1) < 1).any():
        raise _damaged(path, "its trajectory's steps do not rise")


def _experiment(path: Path, metadata: Mapping[str, str]) -> Experiment:
    if "experiment" not in metadata:
        raise _damaged(path, "its experiment is missing")
    try:
        return experiments.parse(metadata["experiment"], f"the experiment in {path.name}")
    except ExperimentError as error:
        raise SessionError(f"{path.name} holds an experiment that cannot be used: {error}") from None


def _json(path: Path, metadata: Mapping[str, str], name: str, kind: type) -> Any:
    try:
        found = json.loads(metadata.get(name, ""))
    except (ValueError, RecursionError):
        raise _damaged(path, f"its {name} cannot be read") from None
    if not isinstance(found, kind):
        raise _damaged(path, f"its {name} cannot be read")
    return found


def _runs(path: Path, metadata: Mapping[str, str]) -> tuple[Any, ...]:
    """The pinned runs; none in files of earlier versions."""
    if len(metadata.get("runs", "")) > LONGEST_RUNS:
        raise _damaged(path, "its pinned runs are longer than any that are saved")
    return tuple(_json(path, {"runs": "[]"} | dict(metadata), "runs", list))


def _class_names(path: Path, metadata: Mapping[str, str], labels: np.ndarray | None) -> tuple[str, ...]:
    """Read the names of the labels' classes; none in files of earlier versions."""
    found = _json(path, {"class_names": "[]"} | dict(metadata), "class_names", list)
    if not _are_names(found):
        raise _damaged(path, "its classes have no names that can be used")
    if found and (labels is None or labels.max() >= len(found)):
        raise _damaged(path, "the names of its classes do not fit its labels")
    return tuple(found)


def _are_names(found: Sequence[Any]) -> bool:
    """Whether they are no more and no longer than names of folders are."""
    return len(found) <= MOST_CLASS_NAMES and all(
        isinstance(name, str) and 0 < len(name) <= LONGEST_CLASS_NAME for name in found
    )


def _clicked(
    path: Path, metadata: Mapping[str, str], shape: tuple[int, ...], trajectory: Arrays
) -> tuple[tuple[float, float] | int, ...]:
    """The clicked points; none in files of earlier versions."""
    found = _json(path, {"clicked": "[]"} | dict(metadata), "clicked", list)
    images = trajectory["positions"].shape[1] if trajectory and len(shape) == 3 else 0
    places: list[tuple[float, float] | int] = []
    if len(found) > 2:
        raise _damaged(path, "more than two points are clicked")
    for place in found:
        if len(shape) == 3 and type(place) is int and 0 <= place < images:
            places.append(place)
        elif shape == (2,) and isinstance(place, list) and len(place) == 2 and all(map(_is_number, place)):
            places.append((float(place[0]), float(place[1])))
        else:
            raise _damaged(path, "its clicked points do not fit its data")
    return tuple(places)


def _is_number(value: Any) -> bool:
    """Whether it is one that a float can hold; JSON's integers have no end."""
    return type(value) in (int, float) and abs(value) < 1e300


def _damaged(path: Path, reason: Message | str) -> SessionError:
    text = "{} is a damaged session: {}; open a copy of it or start again."
    return SessionError(Message("damaged", text, (path.name, reason)))
