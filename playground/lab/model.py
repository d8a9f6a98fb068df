"""A trained network with the problem it was trained on, for sampling and likelihoods."""

import dataclasses
import functools
from collections.abc import Generator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, NoReturn

from playground.lab.autoguidance import asks_checkpoint, with_weaker
from playground.lab.checkpoints import PREFIX, Checkpoints, Weights
from playground.lab.compute import computes
from playground.lab.experiment import ExperimentError
from playground.lab.keys import ModelKey, ProblemKey, TrainingKey, WeightsKey
from playground.lab.problem import Problem
from playground.lab.session import MODEL, SessionError
from playground.lab.trained import Arrays, Trained
from playground.lab.weights import hidden_labels, load_weights
from playground.messages import Message, setting
from playground.records import record
from playground.theory.guidance import LabelledScore
from playground.theory.networks import ScoreNetwork
from playground.theory.noise import ScoreFunction


@record
class Model:
    """A network with the problem that it was trained on.

    Attributes:
        network: None if it was not trained; then only a known score can be followed.
        state: what came of its training, see :class:`playground.lab.trained.Trained`; empty if there was none.
        path: the path of its file, if it has one.
        earlier: the weights of earlier steps of its training; None for those of `state`.
    """

    problem: Problem
    network: ScoreNetwork | None
    state: Arrays = field(default_factory=dict)
    path: Path | None = None
    earlier: Mapping[int, Weights] | None = None

    @property
    def step(self) -> int:
        """The training step of the network's weights."""
        return int(self.state["step"])

    @functools.cached_property
    def checkpoints(self) -> Mapping[int, Weights]:
        """The weights of earlier steps of its training, by step."""
        found = Checkpoints()
        if self.network is not None:
            found.restore(self.state, self.network.state_dict())
        return found.weights

    @property
    def learned(self) -> ScoreFunction:
        """The network's score.

        Raises:
            SessionError: the network was not trained.
        """
        return self.network or self._refuse("sampling.source")

    def _refuse(self, source: str) -> NoReturn:
        """Say that the network was not trained, and name the setting by which a known score is followed instead."""
        if self.path is None:
            text = "The session holds no trained weights: train it, or choose {}."
            raise SessionError(
                Message("session-without-weights", text, (setting(source, "exact", "empirical"),), source)
            )
        how = (
            "train it by score-playground run"
            if self.path.name == MODEL
            else "train it in the window and save it, or give score-playground run what File > Export settings writes of it"
        )
        raise SessionError(f"{self.path} holds no trained weights: {how}.")

    @functools.cached_property
    def score(self) -> LabelledScore:
        """The score that the experiment's sampler follows: the learned one or a known one.

        If guidance asks for an earlier training step, the score of that step is beside it.
        """
        known = self.problem.known_score()
        if known is not None or self.network is None:
            return known or self.learned
        if not asks_checkpoint(self.problem.experiment):
            return self.network
        kept = self.checkpoints if self.earlier is None else self.earlier
        return with_weaker(self.problem, self.network, kept, self.step)

    @property
    def likelihood_score(self) -> ScoreFunction:
        """The score that the experiment's likelihoods use: the learned one or a known one."""
        return self.evaluated_score or self._refuse("likelihood.source")

    @property
    def evaluated_score(self) -> ScoreFunction | None:
        """The score that an evaluation measures: that of the likelihoods, or None if it is learned and the network is not trained."""
        return self.problem.known_score(self.problem.experiment.likelihood.source) or self.network

    def with_likelihood_seed(self, seed: int | None) -> "Model":
        """The model with another seed of what its likelihoods draw; None leaves it.

        They draw by the seed of the data, which are there already: the trace probes, and of many training points those by which
        warnings judge a point.
        """
        if seed is None:
            return self
        return dataclasses.replace(self, problem=self.problem.edited({"data.seed": seed}))

    @classmethod
    def of(cls, problem: Problem, state: Arrays, weights: Arrays) -> "Model":
        """The model of a training.

        Args:
            state: see :class:`playground.lab.trained.Trained`.
            weights: the averaged weights by name.

        Raises:
            ExperimentError: the weights belong to another network.
        """
        network = problem.network().requires_grad_(False)
        load_weights(network, weights, "")
        problem = dataclasses.replace(problem, hidden_labels=hidden_labels(state))
        return cls(problem, network, state)


@computes(WeightsKey)
def _weights(key: WeightsKey, _device: str) -> Generator[TrainingKey, Trained, Arrays]:
    trained = yield key.training
    prefix = "ema." if key.step is None else f"{PREFIX}.{key.step}."
    found = {name.removeprefix(prefix): array for name, array in trained.state.items() if name.startswith(prefix)}
    if not found:
        raise ExperimentError(f"The training keeps no weights of step {key.step}.")
    return found


@computes(ModelKey)
def _model(key: ModelKey, _device: str) -> Generator[Any, Any, Model]:
    problem = (yield ProblemKey(key.points)).with_experiment(key.experiment)
    if key.weights is None:
        return Model(problem, None)
    trained, weights = (yield key.weights.training), (yield key.weights)
    return Model.of(problem, trained.state, weights)
