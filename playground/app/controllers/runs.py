"""Runs of the sampler."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
    path: "BrownianPath | None" = None
    column: Column = field(default_factory=Column)
    place: int = 0
    training: LiveTraining | None = None
    notices: list[Message] = field(default_factory=list)
    curve: "DistanceCurve | Message | None" = None

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
        """The problem of its model, with its settings."""
        assert self.model is not None
        return self.model.problem

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

    def is_outdated(self, model: LiveModel) -> bool:
        """Whether one with the newest weights would be another run.

        Args:
            model: that of the main experiment.
        """
        if self.model is None or self.experiment.sampling.follows != "learned":
            return False
        newest = model.weights_of_column(self.column.step) if self.training is None else self.training.now.newest
        return self.version != newest.version

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


@dataclass(eq=False)
class RunsInView:
    """Runs that play in lockstep, and those that come after them: the main run alone, or the columns of a comparison.

    Attributes:
        runs: those in view, from left to right.
        coming: those that are sampled and not yet in view.
        comes_after: whether they come when those in view have played to their end, and they are sampled to theirs.
    """

    runs: tuple[Run, ...] = ()
    coming: tuple[Run, ...] = ()
    comes_after: bool = False
    _begin: Callable[[bool], None] = field(default=lambda _: None, init=False)
    _failed: dict[Run, Message] = field(default_factory=dict, init=False)

    def begun_by(self, begin: Callable[[bool], None]) -> None:
        """Take what begins to sample newer ones; if told so, while those in view play on."""
        self._begin = begin

    @property
    def newest(self) -> tuple[Run, ...]:
        """Those that were begun last."""
        return self.coming or self.runs

    @property
    def lags(self) -> bool:
        """Whether those in view belong to other weights than the chosen ones."""
        return any(run.replaces for run in self.coming)

    @property
    def is_replacing(self) -> bool:
        """Whether runs with the chosen weights are being sampled and will replace those in view."""
        return any(run.replaces and run.failure is None for run in self.coming)

    def new_failures(self) -> list[Message]:
        """Why of those begun last some have ended early since this was asked last."""
        before, self._failed = self._failed, {run: run.failure for run in self.newest if run.failure is not None}
        return [why for run, why in self._failed.items() if run not in before]

    def put(self, runs: Sequence[Run]) -> None:
        """Show these, and let none come."""
        self.runs = tuple(runs)
        self.let_come(())

    def let_come(self, runs: Sequence[Run], after: bool = False) -> None:
        """Let these come, if told so after those in view."""
        self.coming, self.comes_after = tuple(runs), after

    def end(self, model: LiveModel | None, keeps_up: bool) -> None:
        """At their end let those come that waited for it, or begin newer ones if there are newer weights.

        Args:
            model: that of the main experiment.
            keeps_up: whether they are sampled as fast as they play; slow ones play on meanwhile.
        """
        if self.comes_after:
            self.comes_after = not all(run.finished or run.failure is not None for run in self.coming)
        elif model is not None and any(run.is_outdated(model) for run in self.newest):
            self._begin(not keeps_up)
