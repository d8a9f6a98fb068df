"""What came of a training. This module imports no torch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from playground.lab.progress import TrainingProgress

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of a training, and all that is needed to continue it.

    Attributes:
        state: what :meth:`playground.lab.training.Trainer.state` returned: live and averaged weights, optimizer, generator, limits,
            early stopping, pairs, hidden labels and checkpoints.
        last: its last progress; None if nothing was trained, or if that is not known.
        device: on which it ran, if that is known.
    """

    state: Arrays
    last: TrainingProgress | None = None
    device: str | None = None

    @property
    def digest(self) -> str:
        """A name for its content."""
        return digest_of(self.state)

    def packed(self) -> tuple[dict[str, str], dict[str, np.ndarray]]:
        """The texts and arrays of a file."""
        last = None if self.last is None else self.last.to_json()
        return {"last": json.dumps(last), "device": json.dumps(self.device)}, dict(self.state)

    @classmethod
    def unpacked(cls, texts: Mapping[str, str], arrays: Arrays) -> Self:
        """What :meth:`packed` returned.

        Raises:
            ValueError: it is damaged.
        """
        if "step" not in arrays:
            raise ValueError("The training has no step.")
        device = json.loads(texts.get("device", "null"))
        last = TrainingProgress.from_json(json.loads(texts.get("last", "null")))
        return cls(dict(arrays), last, device if isinstance(device, str) else None)


def digest_of(arrays: Arrays) -> str:
    """SHA-256 of the names and contents of arrays."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
