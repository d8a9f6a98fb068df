"""Columns of a comparison: what may differ between them, and the distances that are measured of each."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from playground.lab import experiment as description
from playground.lab.experiment import Experiment, ExperimentError
from playground.records import record

FEWEST, MOST = 2, 4
"""Runs that are compared at a time."""
SECTIONS = frozenset({"noise", "objective", "network", "training", "sampling"})
"""The sections that may differ between compared runs."""
TRAINED = frozenset({"objective", "network", "training"})
Value = bool | int | float | str | None | tuple[float | tuple[float, ...], ...]
"""A value of a setting that may differ."""


class Column(msgspec.Struct, frozen=True):
    """The settings that one column changes in the main experiment.

    Attributes:
        edits: dotted keys with their new values.
        step: the training step of its weights; None for the weights in view on the main canvas.
    """

    edits: tuple[tuple[Annotated[str, msgspec.Meta(max_length=100)], Value], ...] = ()
    step: int | None = None

    @classmethod
    def of(cls, edits: Mapping[str, Any], step: int | None = None) -> "Column":
        """The column with these values by dotted key."""
        return cls(tuple(edits.items()), step)


Columns = Annotated[tuple[Column, ...], msgspec.Meta(max_length=MOST)]
"""The columns of a comparison; none if nothing is compared."""


def may_differ(key: str) -> bool:
    """Whether a setting may differ between compared runs. Their noise may not, so they have one seed of sampling."""
    return key.partition(".")[0] in SECTIONS and key != "sampling.seed"


def with_edits(experiment: Experiment, column: Column) -> Experiment:
    """The experiment of a column: the main one with a few settings changed.

    Raises:
        ExperimentError: the experiment cannot take a value, or the data would differ.
    """
    others = [key for key, _ in column.edits if not may_differ(key)]
    if others:
        raise ExperimentError(f"{others[0]} cannot differ between runs that are compared: change it for all of them.")
    return description.replace(experiment, dict(column.edits))


def needs_training(main: Experiment, other: Experiment) -> bool:
    """Whether a run with other settings needs a network of its own, which the main experiment does not train."""
    if other.sampling.follows != "learned":
        return False
    return main.noise != other.noise or any(getattr(main, name) != getattr(other, name) for name in TRAINED)


@record
class DistanceCurve:
    """Sliced W2 between particles and data along a run, in user units.

    Attributes:
        frames: (K,) frames of the trajectory.
        evaluations: (K,) score evaluations of one particle up to each frame, mean over particles.
        distances: (K,)
        floor, floor_std: the distance of a perfect sampler, and its standard deviation.
    """

    frames: NDArray[np.int64]
    evaluations: NDArray[np.float64]
    distances: NDArray[np.float64]
    floor: float
    floor_std: float

    def at(self, evaluations: float) -> tuple[float, float]:
        """The place of so many evaluations on the curve: they, and the distance."""
        return evaluations, float(np.interp(evaluations, self.evaluations, self.distances))
