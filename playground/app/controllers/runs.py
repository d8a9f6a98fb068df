"""Runs of the sampler, and those that are kept to be shown again."""

import dataclasses
import functools
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from playground.app.controllers.sampling_worker import SamplingRun
from playground.app.model.weights import Weights
from playground.app.model.workspace import Workspace
from playground.kinds.inpainting import known_pixels
from playground.lab.bounded_memory import BoundedMemory
from playground.lab.experiment import Experiment
from playground.lab.trajectory import Trajectory

KEPT = 2**28  # bytes of finished runs of other training steps, which can be shown at once


@dataclass(frozen=True, eq=False)
class Run:
    """A sampling run, during and after recording.

    Attributes:
        number: counts runs.
        experiment: the settings with which it was sampled.
        workspace: its workspace; None while that of an opened session is being built.
        weights: the weights at its start; None if it was recorded earlier.
        replaces: whether it replaces another run at the playhead, and does not start from its first frame.
        trajectory: its frames so far; None before the first.
    """

    number: int
    experiment: Experiment
    workspace: Workspace | None
    weights: Weights | None = None
    replaces: bool = False
    trajectory: Trajectory | None = None

    @property
    def seed(self) -> int:
        """The seed of its noise."""
        return self.experiment.sampling.seed

    @property
    def version(self) -> int:
        """The version of its weights; -1 if they are not known."""
        return -1 if self.weights is None else self.weights.version

    @property
    def key(self) -> Hashable:
        """What its frames depend on."""
        return self.version, self.experiment.sampling, self.experiment.likelihood.points

    @functools.cached_property
    def sampled(self) -> SamplingRun | None:
        """The run as it is sampled, with the weights at its start."""
        workspace = self.workspace
        if workspace is None:
            return None
        problem = dataclasses.replace(workspace.problem, experiment=self.experiment)
        return SamplingRun(workspace, problem, self.seed, self.number, self.weights or workspace.weights)

    @property
    def is_of_its_weights(self) -> bool:
        """Whether no newer weights have come since it began."""
        kept = self.weights is not None and self.weights.step is not None
        return kept or (self.workspace is not None and self.workspace.newest is self.weights)

    @property
    def known(self) -> np.ndarray | None:
        """For images: (H, W), True at the pixels that are given."""
        if self.trajectory is None or len(self.trajectory.shape) < 3:
            return None
        return known_pixels(self.experiment.sampling.mask, *self.trajectory.shape[-2:])


class KeptRuns(BoundedMemory[Hashable, Trajectory]):
    """Finished runs by what their frames depend on, so that a training step is shown again without sampling."""

    def __init__(self) -> None:
        super().__init__(KEPT)
        self._opened: tuple[Run, Weights] | None = None  # a file's own run, and the newest weights when it came

    def open(self, run: Run, newest: Weights) -> None:
        """Keep a file's own run, whose weights are the newest of its workspace."""
        self._opened = run, newest

    def keep(self, run: Run) -> None:
        """Keep a run when it is finished, unless newer weights have come since it began."""
        trajectory = run.trajectory
        if trajectory is not None and trajectory.finished and run.is_of_its_weights and run.key not in self:
            self.put(run.key, trajectory)

    def find(self, run: Run) -> Run | None:
        """A finished run with the weights and settings of another; None if none is kept."""
        if self._opened is not None and run.weights is not None:
            opened, newest = self._opened
            same = opened.workspace is run.workspace and opened.experiment.sampling == run.experiment.sampling
            if same and newest.version == run.weights.version:
                return opened
        kept = self.get(run.key)
        return None if kept is None else dataclasses.replace(run, trajectory=kept)
