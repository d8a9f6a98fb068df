"""What came of a training. This module imports no torch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Self

import numpy as np

from playground.lab.progress import TrainingProgress
from playground.records import record

Arrays = Mapping[str, np.ndarray]


@record
class Trained:
    """What came of a training, and all that is needed to continue it.

    Attributes:
        state: what :meth:`playground.lab.training.Trainer.state` returned: live and averaged weights, optimizer, generator, limits,
            early stopping, pairs, hidden labels and checkpoints. Empty before the first step.
        course: how it went, as in :class:`playground.lab.session.Session`: its last progress, its loss curve, and the settings
            with which it ended; JSON values. May be empty.
        device: on which it ran, if that is known.
        points: the digest of its points, if its key does not say which they are.
    """

    state: Arrays
    course: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None
    points: str = ""

    @property
    def last(self) -> TrainingProgress | None:
        """Its last progress; None if nothing was trained, or if that is not known."""
        return TrainingProgress.from_json(self.course.get("progress"))

    @property
    def digest(self) -> str:
        """A name for its content."""
        return digest_of(self.state)

    def packed(self) -> tuple[dict[str, str], dict[str, np.ndarray]]:
        """The texts and arrays of a file."""
        texts = {"course": dict(self.course), "device": self.device, "points": self.points}
        return {name: json.dumps(told) for name, told in texts.items()}, dict(self.state)

    @classmethod
    def unpacked(cls, texts: Mapping[str, str], arrays: Arrays) -> Self:
        """What :meth:`packed` returned.

        Raises:
            ValueError: it is damaged.
        """
        if arrays and "step" not in arrays:
            raise ValueError("The training has no step.")
        course, device, points = (json.loads(texts.get(name, "null")) for name in ("course", "device", "points"))
        return cls(
            dict(arrays),
            course if isinstance(course, dict) else {},
            device if isinstance(device, str) else None,
            points if isinstance(points, str) else "",
        )


def course_of(last: TrainingProgress | None) -> dict[str, Any]:
    """How a training went of which only the last progress is known."""
    return {} if last is None else {"progress": last.to_json()}


def digest_of(arrays: Arrays) -> str:
    """SHA-256 of the names and contents of arrays."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
