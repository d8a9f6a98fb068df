"""The trajectory of a sampler, frame by frame, as plain arrays.

This module imports no torch, so that the window can play a saved trajectory before torch is loaded.
"""

import itertools
import json
import math
import os
import time
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.data.units import Units
from playground.lab.atomic import atomic_write
from playground.lab.csv_table import write_rows

if typing.TYPE_CHECKING:
    from playground.theory.samplers import Step

MEMORY_LIMIT = 800_000_000
"""Most bytes for the positions of one trajectory; if they would take more, only every k-th step is kept."""


NAMES = frozenset(
    (
        "positions",
        "step",
        "sigma",
        "time",
        "step_size",
        "accepted",
        "nfe_mean",
        "nfe_max",
        "shape",
        "axes",
        "provenance",
    )
)
"""The arrays of a trajectory."""
PIECE = 512
"""Numbers of a CSV file that are written at once, in about 0.2 ms."""


class Trajectory:
    """The trajectory of a sampler, frame by frame, in user units.

    One thread may append while another reads: a frame counts in `len` only once it is complete, and complete frames
    never move or change. If all steps of the sampler would exceed `MEMORY_LIMIT`, the frames are every `stride`-th step,
    and always the first and the last.

    Positions are float32, or float64 if the data's offset is so much larger than their spread that float32 is too coarse.
    """

    def __init__(
        self, units: Units, shape: tuple[int, ...], particles: int, steps: int, axes: tuple[str, str] = ("x", "y")
    ) -> None:
        self.units, self.shape, self.axes = units, shape, axes
        far = float(np.max(np.abs(units.offset) / units.scale, initial=0.0)) > 1e4
        dtype = np.dtype(np.float64 if far else np.float32)
        frame_bytes = particles * math.prod(shape) * dtype.itemsize
        kept = max(2, MEMORY_LIMIT // max(frame_bytes, 1))
        self.steps = steps
        """The index of the sampler's last step."""
        self.stride = max(1, -(-steps // (kept - 1)))
        self.total = -(-steps // self.stride) + 1
        """Frames of the complete trajectory."""
        # Memory that is not yet written takes no space: the system provides pages as frames arrive.
        self._positions = np.empty((self.total, particles, *shape), dtype)
        self._sigma, self._time, self._step_size, self._accepted = (np.full(self.total, np.nan) for _ in range(4))
        self._nfe_mean, self._nfe_max = (np.full(self.total, np.nan) for _ in range(2))
        self._step = np.zeros(self.total, dtype=np.int64)
        self._length = 0
        self.seconds = 0.0
        """The seconds that the sampler took so far; nan if that is not known."""
        self.provenance = ""
        """What made it, see :class:`playground.lab.provenance.Provenance`; "" if that is not known."""

    def append(self, step: "Step", nfe: tuple[float, int] | None = None) -> bool:
        """Write a step of the sampler, unless the stride leaves it out; return whether it was written.

        Args:
            nfe: score evaluations of one particle so far, mean and maximum.
        """
        if step.index % self.stride and step.index != step.total:
            return False
        frame, units = self._length, self.units
        self._positions[frame] = units.to_user(step.positions.detach().cpu().numpy())
        self._step[frame], self._sigma[frame] = step.index, units.sigma_to_user(step.sigma)
        if step.time is not None:
            self._time[frame] = step.time
        along_process = not math.isnan(self._time[0])
        self._step_size[frame] = step.step_size * (1.0 if along_process else units.sigma_to_user(1.0) ** 2)
        if step.accepted is not None:
            self._accepted[frame] = step.accepted
        if nfe is not None:
            self._nfe_mean[frame], self._nfe_max[frame] = nfe
        self._length = frame + 1
        return True

    def __len__(self) -> int:
        return self._length

    @property
    def finished(self) -> bool:
        """Whether the last frame is there."""
        return self._length == self.total

    @property
    def positions(self) -> NDArray[np.floating]:
        """``(frames, particles, *shape)``, a view that stays valid while more frames arrive."""
        return self._positions[: self._length]

    @property
    def step(self) -> NDArray[np.int64]:
        """(frames,) the sampler's step of each frame."""
        return self._step[: self._length]

    @property
    def sigma(self) -> NDArray[np.float64]:
        """(frames,) noise level of each frame."""
        return self._sigma[: self._length]

    @property
    def time(self) -> NDArray[np.float64]:
        """(frames,) t of the process; nan in data coordinates, that is in all Langevin frames and in each last frame."""
        return self._time[: self._length]

    @property
    def step_size(self) -> NDArray[np.float64]:
        """(frames,) the Langevin step in squared user units, or the step in t of a process.

        It is 0 in frames without a step, and nan if each particle has a step of its own.
        """
        return self._step_size[: self._length]

    @property
    def accepted(self) -> NDArray[np.float64]:
        """(frames,) share of the particles whose step was accepted; nan for samplers that reject none."""
        return self._accepted[: self._length]

    @property
    def nfe_mean(self) -> NDArray[np.float64]:
        """(frames,) score evaluations of one particle up to each frame, mean over particles; nan if not known."""
        return self._nfe_mean[: self._length]

    @property
    def nfe_max(self) -> NDArray[np.float64]:
        """(frames,) score evaluations up to each frame of the particle with most of them; nan if not known."""
        return self._nfe_max[: self._length]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The trajectory as plain arrays, positions (frames, particles, dims); :meth:`from_arrays` reads them."""
        sometimes = {"accepted": self.accepted, "nfe_mean": self.nfe_mean, "nfe_max": self.nfe_max}
        return {
            "positions": self.positions.reshape(*self.positions.shape[:2], -1),
            "step": self.step,
            "sigma": self.sigma,
            "time": self.time,
            "step_size": self.step_size,
            "shape": np.array(self.shape, dtype=np.int64),
            "axes": np.array(self.axes),
            **({"provenance": np.array(self.provenance)} if self.provenance else {}),
            **{name: values for name, values in sometimes.items() if not np.isnan(values).all()},
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]]) -> "Trajectory":
        """A finished trajectory from :meth:`arrays`.

        `accepted`, `nfe_mean`, `nfe_max`, `step` and `provenance` may be missing, and for points of the plane `shape` and `axes` too.
        Without `step`, the frames count as steps.

        Raises:
            ValueError: an array is missing or does not fit the others.
        """
        missing = [name for name in ("positions", "sigma", "time", "step_size") if name not in arrays]
        if missing:
            raise ValueError(f"The trajectory lacks {', '.join(missing)}.")
        positions = np.asarray(arrays["positions"])
        shape = tuple(int(side) for side in arrays["shape"]) if "shape" in arrays else positions.shape[2:]
        if positions.ndim != 3 or positions.dtype.kind != "f" or math.prod(shape) != positions.shape[2]:
            raise ValueError("The trajectory's positions must be numbers, frames x particles x dims.")
        if not positions.size:
            raise ValueError("The trajectory has no frames, or no particles.")
        first, second = (str(name) for name in arrays["axes"]) if "axes" in arrays else ("x", "y")
        length, particles = positions.shape[:2]
        loaded = cls.__new__(cls)
        loaded.units = Units(np.zeros(shape), np.ones(shape))
        loaded.shape, loaded.axes, loaded.total = shape, (first, second), length
        loaded._step = np.asarray(arrays.get("step", np.arange(length)))
        if (
            loaded._step.shape != (length,)
            or loaded._step.dtype.kind != "i"
            or (np.diff(loaded._step, prepend=-1) < 1).any()
        ):
            raise ValueError("The trajectory's steps must be whole numbers that rise, one a frame.")
        loaded.steps = int(loaded._step[-1])
        # Half precision is for files only: positions in memory have at least single precision.
        stored = np.promote_types(positions.dtype, np.float32)
        loaded._positions = np.ascontiguousarray(positions, dtype=stored).reshape(length, particles, *shape)
        for name in ("sigma", "time", "step_size", "accepted", "nfe_mean", "nfe_max"):
            values = np.asarray(arrays.get(name, np.full(length, np.nan)), dtype=np.float64)
            if values.shape != (length,):
                raise ValueError(f"The trajectory has {length} frames but its {name} has shape {values.shape}.")
            if np.isinf(values).any():
                raise ValueError(f"The trajectory's {name} is infinite.")
            setattr(loaded, f"_{name}", values)
        loaded._length, loaded.seconds = length, math.nan
        told = str(arrays.get("provenance", ""))
        loaded.provenance = told if told.isascii() and told.isprintable() else ""  # other files could not hold it
        return loaded

    def packed(self) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
        """The texts and arrays of a file, see :class:`playground.lab.store.Kept`."""
        arrays = self.arrays()
        texts = {"axes": json.dumps(self.axes), "provenance": self.provenance, "seconds": repr(self.seconds)}
        return texts, {name: array for name, array in arrays.items() if array.dtype.kind != "U"}

    @classmethod
    def unpacked(cls, texts: Mapping[str, str], arrays: Mapping[str, NDArray[Any]]) -> "Trajectory":
        """What :meth:`packed` returned.

        Raises:
            ValueError: it is damaged.
        """
        try:
            told = {"axes": np.array(json.loads(texts["axes"])), "provenance": np.array(texts["provenance"])}
            loaded = cls.from_arrays({**arrays, **told})
            loaded.seconds = float(texts["seconds"])
        except KeyError as error:
            raise ValueError("The trajectory is incomplete.") from error
        return loaded

    def last_frame(self) -> "Trajectory":
        """A trajectory of the last frame only: the final points, with the sampler's values for them."""
        whole = ("shape", "axes", "provenance")
        return type(self).from_arrays(
            {name: array if name in whole else array[-1:] for name, array in self.arrays().items()}
        )

    def save_npz(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`arrays`, in user units, atomically.

        Raises:
            OSError: the file cannot be written.
        """
        arrays: dict[str, Any] = {**self.arrays()}
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load_npz(cls, path: str | os.PathLike[str]) -> "Trajectory":
        """Read what :meth:`save_npz` wrote.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds no trajectory.
        """
        try:
            # Opened here, because numpy does not close a file that is not an archive.
            with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                unpacked = sum(member.file_size for member in file.zip.infolist())
                if unpacked > max(2 * MEMORY_LIMIT, os.fstat(opened.fileno()).st_size):
                    raise ValueError(
                        f"{os.fspath(path)} holds no trajectory: unpacked it would take {unpacked:,} bytes."
                    )
                return cls.from_arrays({name: file[name] for name in file.files})
        except (OSError, MemoryError, ValueError):
            raise
        except Exception as error:  # zipfile, zlib and numpy's header parser have their own exceptions
            raise ValueError(f"{os.fspath(path)} holds no trajectory: {error}.") from None

    def writing_csv(self, path: str | os.PathLike[str]) -> Iterator[float]:
        """Write frame,particle,x,y,sigma row by row, yielding the fraction done. No file is left if iteration stops early.

        The two columns x and y carry the names of the data's axes; images have pixel_0, pixel_1, ... instead.

        Other threads keep running. The writer sleeps briefly every millisecond, because a thread that waits for Python's
        global lock would get it only after 5 ms, each time. It makes no list for each particle, because thousands of lists
        start the garbage collector, which stops every thread for 40 ms and more.

        Raises:
            OSError: the file cannot be written.
        """
        dims, frames = math.prod(self.shape), self._length
        names = list(self.axes) if dims == 2 else [f"pixel_{index}" for index in range(dims)]
        digits = 9 if self._positions.dtype == np.float32 else 17  # the fewest from which a number is read back exactly
        step = max(1, PIECE // dims) * dims
        rested = time.monotonic()
        with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            write_rows(file, [["frame", "particle", *names, "sigma"]])
            for frame in range(frames):
                row = ",".join([f"{frame},%d", *[f"%.{digits}g"] * dims, f"{self._sigma[frame]:.9g}\n"])
                numbers = self._positions[frame].reshape(-1)
                for start in range(0, len(numbers), step):
                    piece = iter(numbers[start : start + step].tolist())
                    particles = zip(itertools.count(start // dims), *[piece] * dims, strict=False)
                    file.write("".join([row % values for values in particles]))
                    if time.monotonic() - rested > 1e-3:
                        time.sleep(1e-6)
                        rested = time.monotonic()
                yield (frame + 1) / frames

    def save_csv(self, path: str | os.PathLike[str]) -> None:
        """:meth:`writing_csv` to the end."""
        for _ in self.writing_csv(path):
            pass
