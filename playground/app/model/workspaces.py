"""Workspaces and points in memory, so that undo neither reads a file again nor builds a network again."""

import dataclasses
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING

from playground.app.model.workspace import Workspace
from playground.lab.bounded_memory import BoundedMemory, parts_of
from playground.lab.document import DATA_FILE
from playground.lab.experiment import Experiment
from playground.lab.keys import TrainingKey

if TYPE_CHECKING:
    from playground.data import Dataset
    from playground.lab.problem import Problem

KEPT, KEPT_POINTS = 2**30, 2**29  # bytes of all workspaces, and of all points of files, that undo can reach


class Workspaces(BoundedMemory[TrainingKey, Workspace]):
    """The workspaces by their trainings. What was trained goes only once the window's store has it."""

    def __init__(self) -> None:
        super().__init__(KEPT)

    def keep(self, key: TrainingKey, workspace: Workspace) -> None:
        """Keep a workspace, and let go of others."""
        self.put(key, workspace, parts_of(workspace))
        safe = {old for old, kept in self.items() if kept.is_stored}
        self.shrink(lambda old: old != key and old in safe)

    def problem(self, experiment: Experiment, key: TrainingKey, dataset: "Dataset | None") -> "Problem | None":
        """The problem of a workspace with the same points, to be shared.

        Args:
            dataset: the points, if they were read already.
        """
        wanted = _points_of(experiment)
        same = (kept.trainer.problem for of, kept in reversed(self.items()) if of.points == key.points)
        return next(
            (
                problem
                for problem in same
                if _points_of(problem.experiment) == wanted
                and (dataset is None or problem.dataset.points is dataset.points)
            ),
            None,
        )


class FilePoints(BoundedMemory[tuple[str, Hashable, Hashable], "Dataset"]):
    """The points that were read from files, because a file may become unreadable."""

    def __init__(self) -> None:
        super().__init__(KEPT_POINTS)

    def keep(self, experiment: Experiment, digest: str, dataset: "Dataset") -> None:
        """Keep the points that were read from a file with this digest, and let go of others."""
        if all(dataset is not kept for _, kept in self.items()):
            self.put((digest, *_points_of(experiment)), dataset)

    def find(self, experiment: Experiment, key: TrainingKey) -> "Dataset | None":
        """The points of a file that was read before: split as the settings say, or unchanged if it is unreadable. A start set is
        read again.
        """
        found = self.get((digest_of(key), *_points_of(experiment)))
        if found is None and not Path(experiment.data.file).exists():
            read = reversed(self.items())
            found = next((kept for (_, data, _), kept in read if data == experiment.data), None)
        return None if found is None else dataclasses.replace(found, start=None)


def digest_of(key: TrainingKey) -> str:
    """The digest of the file of data; "" if it was not opened here."""
    return dict(key.digests).get(DATA_FILE, "")


def _points_of(experiment: Experiment) -> tuple[Hashable, Hashable]:
    """The settings that all points depend on, those for training and those for tests."""
    return experiment.data, experiment.likelihood.points
