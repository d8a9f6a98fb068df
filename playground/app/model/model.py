"""A problem with weights, as the window uses it for sampling, display and measurements."""

import dataclasses
from typing import TYPE_CHECKING, Self

from playground.app.model.live_training import LiveTraining, Weights, torch_threads, versions
from playground.app.model.problem_views import problem_view
from playground.app.model.views import ProblemView
from playground.data.dataset import held_out_count
from playground.lab.experiment import Experiment, reset_key
from playground.lab.keys import ModelKey, RunKey, TrainingKey
from playground.lab.points import Points
from playground.lab.recovery import run_key
from playground.messages import how_many
from playground.records import record

if TYPE_CHECKING:
    import torch

    from playground.lab.problem import Problem


@record
class Model:
    """A problem with weights that do not change, for computations during training."""

    problem: "Problem"
    weights: Weights
    view: ProblemView

    @property
    def newest(self) -> Weights:
        """The newest weights of its training, which a run follows; here none come."""
        return self.weights

    def under(self, experiment: Experiment) -> Self:
        """The model with settings that do not change data and network."""
        return dataclasses.replace(self, problem=dataclasses.replace(self.problem, experiment=experiment))

    @staticmethod
    def of(problem: "Problem", network: "torch.nn.Module | None") -> "Model":
        """The model of a trained network, or of no network if only a known score is followed."""
        tensors = {} if network is None else network.state_dict()
        count = 0 if network is None else sum(weight.numel() for weight in network.parameters())
        return Model(problem, Weights(next(versions), tensors, untrained=network is None), problem_view(problem, count))


@record
class LiveModel(Model):
    """A model whose training may go on. It does not change: another one replaces it after an edit, or with other weights.

    Attributes:
        weights: those of the chosen training step, or the newest when it was made.
    """

    training: LiveTraining
    points: Points

    @property
    def newest(self) -> Weights:
        return self.training.now.newest

    @property
    def key(self) -> TrainingKey | None:
        """The training; None of one that nothing leads back to."""
        return self.training.key

    @property
    def status(self) -> str:
        """That of the training: "untrained", "training", "paused", "finished" or "diverged"."""
        return self.training.now.status

    @property
    def is_training(self) -> bool:
        """Whether its training goes on, so that its weights change."""
        return self.status == "training"

    def at(self, step: int | None) -> Self:
        """The model with the weights of a training step; with the newest for None, and if none of the step are kept."""
        weights = self.training.now.weights_at(step)
        return self if weights is self.weights else dataclasses.replace(self, weights=weights)

    def fits(self, experiment: Experiment) -> bool:
        """Whether it was built for data, network and seeds of these settings, and for as many held-out points."""
        built = self.problem.experiment
        same_points = built.likelihood.points == experiment.likelihood.points
        return same_points and reset_key(built) == reset_key(experiment)

    def told_labels(self) -> Self:
        """The model with what its training has shown of labels; the same if that is known."""
        shown = self.training.now.hidden_labels
        if shown == self.problem.hidden_labels:
            return self
        problem = dataclasses.replace(self.problem, hidden_labels=shown)
        view = dataclasses.replace(self.view, conditions=problem.conditions)
        return dataclasses.replace(self, problem=problem, view=view)

    def weights_of_column(self, step: int | None) -> Weights:
        """The weights of a column's step; the newest if none of it are kept; those in use for None."""
        return self.weights if step is None else self.training.now.weights_at(step)

    @property
    def model_key(self) -> ModelKey | None:
        """The key of the weights in use; None while training changes them, and if nothing leads back here."""
        return None if self.is_training else self.key_after(self.weights.made)

    def key_after(self, step: int) -> ModelKey | None:
        """The key of the weights after a step."""
        if self.key is None:
            return None
        held_out = None if self.problem.density is not None else len(self.problem.dataset.held_out)
        return ModelKey.after(self.key, step, self.problem.experiment, held_out)

    def run_key(self, weights: Weights) -> RunKey:
        """The key of a run with these weights. Raises AssertionError if nothing leads back here."""
        assert self.key is not None
        return run_key(self.key, self.problem.experiment, weights.made)

    @property
    def could_hold_out_more(self) -> bool:
        """Whether finite data were split, when training began, for fewer test points than are requested now."""
        total = len(self.problem.train) + len(self.problem.test)
        then, now = (
            held_out_count(total, experiment.likelihood.points)
            for experiment in (self.training.now.experiment, self.problem.experiment)
        )
        return self.problem.density is None and then < now

    @property
    def device_text(self) -> str:
        """The device and its threads, for the status bar."""
        kind, threads = self.problem.device.type, torch_threads(self.problem)
        if kind != "cpu":
            return kind.upper()
        return f"CPU, {how_many(threads, 'thread')}"
