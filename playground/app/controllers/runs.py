"""Runs of the sampler."""

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from playground.app.model.live_training import LiveTraining, Weights
from playground.app.model.model import LiveModel, Model
from playground.kinds.inpainting import known_pixels
from playground.lab.columns import Column
from playground.lab.experiment import Experiment
from playground.lab.trajectory import Trajectory
from playground.messages import Message

if TYPE_CHECKING:
    from playground.lab.columns import DistanceCurve
    from playground.lab.problem import Problem
    from playground.theory.samplers import BrownianPath

FrameNoise = tuple[float, float | None]  # sigma, and the process's time if particles are in its coordinates

_numbers = itertools.count(1)


@dataclass(eq=False)
class Run:
    """A sampling run, during and after recording: that of the main experiment, or of one column of a comparison.

    Attributes:
        experiment: the settings with which it is sampled.
        model: its problem and weights: a `LiveModel` of the main run, a `Model` of a column; None while the model of an opened
            session is being built, and of a column whose settings do not fit.
        weights: the weights at its start; None if it was recorded earlier.
        replaces: whether it replaces another run at the playhead, and does not start from its first frame.
        trajectory: its frames so far, put there by the thread that samples; None before the first.
        failure: why there is no run, or why it ended early.
        number: counts runs.
        path: compared runs take the noise of their steps from one Brownian path.
        column, place: what the column changes, and its position, from 0 at the left.
        training: the column's own training; None if it follows the main experiment's weights or a known score.
        notices: warnings: the column cannot be made equal to the others, or equals one of them.
        curve: the measured distances of a column, or why they cannot be measured; None before.
    """

    experiment: Experiment
    model: Model | None = None
    weights: Weights | None = None
    replaces: bool = False
    trajectory: Trajectory | None = None
    failure: Message | None = None
    number: int = field(default_factory=_numbers.__next__)
    path: "BrownianPath | None" = None
    column: Column = field(default_factory=Column)
    place: int = 0
    training: LiveTraining | None = None
    notices: list[Message] = field(default_factory=list)
    curve: "DistanceCurve | Message | None" = None
    _problem: "Problem | None" = field(default=None, init=False)

    def take(
        self,
        experiment: Experiment,
        model: Model | None = None,
        weights: Weights | None = None,
        training: LiveTraining | None = None,
    ) -> None:
        """Take settings, and what is sampled with them."""
        self.experiment, self.model, self.weights, self.training = experiment, model, weights, training

    def draw_from(self, path: "BrownianPath") -> None:
        """Take the noise of the steps from a path that others share."""
        self.path = path

    def record(self, trajectory: Trajectory) -> None:
        """Take the frames so far, which grow."""
        self.trajectory = trajectory

    def fail(self, why: Message) -> None:
        """Say why there is no run, or why it ended early."""
        self.failure = why

    def take_curve(self, curve: "DistanceCurve | Message") -> None:
        """Take the measured distances, or why they cannot be measured."""
        self.curve = curve

    @property
    def seed(self) -> int:
        """The seed of its noise."""
        return self.experiment.sampling.seed

    @property
    def version(self) -> int:
        """The version of its weights; -1 if they are not known."""
        return -1 if self.weights is None else self.weights.version

    @property
    def problem(self) -> "Problem":
        """The problem with its settings."""
        assert self.model is not None
        if self._problem is None or self._problem.experiment is not self.experiment:
            given = self.model.problem
            shared = given.experiment is self.experiment
            self._problem = given if shared else replace(given, experiment=self.experiment)
        return self._problem

    @property
    def followed(self) -> Weights:
        """The weights that it follows now: those of a kept step, or the newest of its training."""
        assert self.model is not None
        kept = self.weights is not None and self.weights.step is not None
        return self.weights if kept and self.weights is not None else self.model.newest

    @property
    def is_of_its_weights(self) -> bool:
        """Whether no newer weights have come since it began."""
        return self.model is not None and self.weights is not None and self.followed is self.weights

    def is_of(self, model: LiveModel | None) -> bool:
        """Whether it is a run of the same training."""
        return isinstance(self.model, LiveModel) and model is not None and self.model.training is model.training

    @property
    def can_be_sampled(self) -> bool:
        """Whether its settings fit, and nothing has ended it early."""
        return self.model is not None and self.failure is None

    @property
    def finished(self) -> bool:
        """Whether all frames are there."""
        return self.trajectory is not None and self.trajectory.finished

    @property
    def known(self) -> np.ndarray | None:
        """For images: (H, W), True at the pixels that are given."""
        if self.trajectory is None or len(self.trajectory.shape) < 3:
            return None
        return known_pixels(self.experiment.sampling.mask, *self.trajectory.shape[-2:])

    def frame_at(self, frame: int, total: int) -> int:
        """Its own frame at frame `frame` of a common timeline with `total` frames."""
        if self.trajectory is None:
            return 0
        own = frame * (self.trajectory.total - 1) / max(total - 1, 1)
        return min(round(own), len(self.trajectory) - 1)

    def recorded(self, total: int) -> int:
        """The number of frames of the common timeline that it can show."""
        if self.trajectory is None or self.trajectory.finished:
            return 0 if self.trajectory is None else total
        return (len(self.trajectory) - 1) * (total - 1) // max(self.trajectory.total - 1, 1) + 1

    def noise_at(self, frame: int) -> FrameNoise | None:
        """Sigma and, if the particles are not in data coordinates, the process's time of a frame; None if there is none."""
        trajectory = self.trajectory
        if trajectory is None or not len(trajectory):
            return None
        frame = min(frame, len(trajectory) - 1)
        time = float(trajectory.time[frame])
        return float(trajectory.sigma[frame]), None if math.isnan(time) else time
