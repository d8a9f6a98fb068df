"""A document with the store that has what it reaches: what the command line and Python work on."""

import functools
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from msgspec import structs

from playground.lab.compute import compute, result
from playground.lab.document import Document
from playground.lab.experiment import Experiment
from playground.lab.keys import Key, TrainingKey
from playground.lab.model import Model
from playground.lab.points import Points
from playground.lab.problem import Problem, choose_device
from playground.lab.session import Session
from playground.lab.store import Store
from playground.lab.trained import Trained
from playground.records import record


@record
class Opened:
    """A document with its store and device.

    Attributes:
        device: "cpu", "cuda" or "mps".
        path: of the file that was opened, if there is one.
        recorded: the run in that file, if there is one.
        pinned: the pinned runs in that file, as a session has them.
    """

    document: Document
    store: Store
    device: str
    path: Path | None = None
    recorded: Mapping[str, np.ndarray] | None = None
    pinned: Sequence[Any] = ()

    @classmethod
    def of(cls, experiment: Experiment, device: str = "auto", points: Points | None = None) -> Self:
        """The document of settings, before any training.

        Args:
            points: in place of those that the settings say.

        Raises:
            ExperimentError: there is no such device.
        """
        store = Store(memory=sys.maxsize)  # which ends with the work that needs its values
        document = Document.of(experiment, None if points is None else points.digest)
        if points is not None:
            store.put(document.points, points)
        return cls(document, store, str(choose_device(device, experiment)))

    @classmethod
    def session(cls, session: Session, device: str = "auto", path: Path | None = None) -> Self:
        """The document that reaches what a session has."""
        found = cls.of(session.experiment, device, session.kept_points)
        found = replace(found, document=structs.replace(found.document, clicked=session.clicked))
        if session.weights is not None:
            found = found.begun(session.trained)
        return replace(found, path=path, recorded=session.trajectory, pinned=session.runs)

    def begun(self, trained: Trained | None = None) -> Self:
        """The document after a training with its settings has begun.

        Args:
            trained: what came of it, if settings alone do not decide that.
        """
        document = self.document.begun("" if trained is None else trained.digest)
        found = replace(self, document=document)
        if trained is not None:
            found.store.put(found.training, trained)
        return found

    @property
    def training(self) -> TrainingKey:
        """The training that was begun."""
        key = self.document.training
        assert key is not None
        return key

    def compute(self, key: Key) -> Generator[Any, None, Any]:
        """See :func:`playground.lab.compute.compute`."""
        return compute(key, self.store, self.device)

    @functools.cached_property
    def model(self) -> Model:
        """The network with its problem.

        Raises:
            DataError, ExperimentError: the data cannot be made, or the weights belong to another network.
        """
        found: Model = result(self.compute(self.document.model))
        return replace(found, path=self.path)

    @property
    def problem(self) -> Problem:
        """The problem of the settings, on the points of the training."""
        return self.model.problem

    def saved(self) -> Session:
        """What the document reaches, as a session: its points, its weights if they are there, and its run likewise."""
        training = self.document.training
        trained: Trained | None = None if training is None else result(self.compute(training))
        run = self.store.get(self.document.run)
        return Session.of_points(
            self.document.experiment,
            Points.of(self.problem.dataset),
            trained,
            trajectory=run and run.arrays(),
            device=self.device,
            clicked=self.document.clicked,
            runs=self.pinned,
        )
