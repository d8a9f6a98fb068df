"""What made a file: version, seeds, digests of the files that were read, device and plug-ins. This module imports no torch.

It has no times, so that the same run writes the same files, and no folders, so that they can be shared.
"""

import dataclasses
import errno
import functools
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

import msgspec

from playground.data.pictures import SUFFIXES
from playground.data.places import is_remote_or_device
from playground.kinds import plugins
from playground.kinds.datasets.from_file import ARRAY
from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment
from playground.version import __version__


@dataclass(frozen=True)
class Provenance:
    """What made a file.

    Attributes:
        version: of the program.
        seeds: by setting.
        files: by setting, the `name` of the file and its `sha256`, or None and the `reason`. The digest of a folder is that of the
            lines which ``sha256sum`` prints for its pictures and those of its sub-folders, sorted by name.
        device: that computed; None if nothing was computed, or if it is not known.
        plugins: `name` and `sha256` of each plug-in that was loaded from a file.
    """

    version: str
    seeds: Mapping[str, int]
    files: Mapping[str, Mapping[str, str | None]]
    device: str | None
    plugins: tuple[Mapping[str, str], ...]

    @classmethod
    def of(cls, settings: msgspec.Struct, device: object = None) -> "Provenance":
        """The provenance of what is made from these settings now; of a file that has changed meanwhile, it has the new digest.

        Args:
            settings: an experiment, or a Boltzmann machine.
        """
        seeds = {
            key: experiments.value(settings, key)
            for key in experiments.fields(settings)
            if key in (experiments.SEED, *experiments.SEEDS)
        }
        files = experiments.files(settings) if isinstance(settings, Experiment) else {}
        loaded = sorted((path.name, one.checksum) for path, one in plugins.loaded.items())
        return cls(
            __version__,
            seeds,
            {key: _described(file) for key, file in files.items()},
            None if device is None else str(device),
            tuple({"name": name, "sha256": checksum} for name, checksum in loaded),
        )

    def as_json(self) -> dict[str, Any]:
        """As values for JSON, without a device that is None."""
        return {key: value for key, value in dataclasses.asdict(self).items() if value is not None}

    def __str__(self) -> str:
        """One line of JSON in ASCII, which every format can hold."""
        return json.dumps(self.as_json())


def digests(experiment: Experiment) -> tuple[tuple[str, str], ...]:
    """What the values of an experiment depend on besides its settings: SHA-256 of the files that they name and of the plug-ins of its
    kinds, by setting. That of a file which cannot be read is "".
    """
    found = {key: _described(file)["sha256"] or "" for key, file in experiments.files(experiment).items()}
    for name in experiment.__struct_fields__:
        kind = type(getattr(experiment, name))
        of_plugin = (one.checksum for one in plugins.loaded.values() if kind in one.kinds)
        found |= {f"{name}.kind": checksum for checksum in of_plugin}
    return tuple(sorted(found.items()))


def _described(file: str) -> dict[str, str | None]:
    """The name of a file, and its digest if it can be read."""
    name = re.split(r"[\\/]", file.rstrip("\\/"))[-1]
    if file == ARRAY:
        return {"name": name, "sha256": None, "reason": "The data were given as an array."}
    if is_remote_or_device(file):
        return {"name": name, "sha256": None, "reason": "The file is on a network share or a device."}
    try:
        return {"name": name, "sha256": _digest(Path(file))}
    except OSError as error:
        return {"name": name, "sha256": None, "reason": f"The file cannot be read: {error.strerror}."}


def _digest(path: Path) -> str:
    stat = path.stat()
    if S_ISREG(stat.st_mode):
        return _sha256(path, stat.st_size, stat.st_mtime_ns)
    if not S_ISDIR(stat.st_mode):  # a pipe, of which reading might never end
        raise OSError(errno.EINVAL, "it is neither a file nor a folder")
    found = (one for pattern in ("*", "*/*") for one in path.glob(pattern) if one.name.lower().endswith(SUFFIXES))
    pictures = {one.relative_to(path).as_posix(): one for one in found if one.name[0] != "." and one.is_file()}
    lines = [f"{_digest(pictures[name])}  {name}\n" for name in sorted(pictures)]
    return hashlib.sha256(os.fsencode("".join(lines))).hexdigest()


@functools.lru_cache(maxsize=100_000)
def _sha256(path: Path, _size: int, _changed: int) -> str:
    """The digest of a file, which is read again only once its size or time has changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
