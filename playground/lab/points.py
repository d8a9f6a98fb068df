"""The points of an experiment as they are kept, in sessions and in a store. This module imports no torch."""

import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import Self

import numpy as np

from playground.data.dataset import Dataset, StartPoints
from playground.lab.settings import Experiment
from playground.lab.trained import digest_of
from playground.records import record


@record
class Points:
    """The points of an experiment, in the user's units.

    Attributes:
        saved: the training set and the held-out points.
        start: the points from which a flow starts, (M, 2), or None.
        known: the data set itself, unless the points were read from a file that was written before.
    """

    saved: Dataset
    start: np.ndarray | None = None
    known: Dataset | None = None

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """The points of a data set."""
        return cls(dataset, None if dataset.start is None else dataset.start.points, dataset)

    @classmethod
    def kept(
        cls,
        points: np.ndarray,
        held_out: np.ndarray,
        axes: tuple[str, str],
        labels: np.ndarray | None,
        class_names: tuple[str, ...],
        start: np.ndarray | None,
    ) -> Self:
        """The points of a file, in the fields of :class:`Dataset`."""
        return cls(Dataset("", points, None, points.shape[1:], axes, held_out, labels, class_names), start)

    @functools.cached_property
    def digest(self) -> str:
        """A name for its content."""
        return digest_of(self.packed()[1])

    def dataset(self, experiment: Experiment) -> Dataset:
        """The data set; toys and drawings get their known density back.

        Raises:
            DataError: the experiment's data cannot be made.
        """
        if self.known is not None:
            return self.known
        dataset = experiment.data.restored(self.saved)
        if self.start is None or not experiment.noise.file:
            return dataset
        return dataclasses.replace(dataset, start=StartPoints(experiment.noise.file, self.start))

    def packed(self) -> tuple[dict[str, str], dict[str, np.ndarray]]:
        """The texts and arrays of a file."""
        saved = self.saved
        arrays = {"points": saved.points, "held_out": saved.held_out, "labels": saved.labels, "start": self.start}
        texts = {"axes": json.dumps(saved.axes), "class_names": json.dumps(saved.class_names)}
        return texts, {name: array for name, array in arrays.items() if array is not None}

    @classmethod
    def unpacked(cls, texts: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> Self:
        """What :meth:`packed` returned.

        Raises:
            ValueError: it is damaged.
        """
        try:
            first, second = json.loads(texts["axes"])
            names = tuple(json.loads(texts["class_names"]))
            own = arrays["points"], arrays["held_out"], (first, second), arrays.get("labels"), names
        except (KeyError, TypeError) as error:
            raise ValueError("The points are incomplete.") from error
        return cls.kept(*own, arrays.get("start"))
