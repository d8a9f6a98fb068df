"""A trained network with the problem it was trained on, for sampling and likelihoods."""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from playground.lab.autoguidance import with_weaker
from playground.lab.checkpoints import Checkpoints
from playground.lab.experiment import SEED, Experiment, replace
from playground.lab.problem import Problem
from playground.lab.session import MODEL, Arrays, Session, SessionError
from playground.lab.settings import AFTER_TRAINING
from playground.lab.weights import hidden_labels, load_weights
from playground.messages import Message, setting
from playground.theory.guidance import LabelledScore
from playground.theory.networks import ScoreNetwork
from playground.theory.noise import ScoreFunction

if TYPE_CHECKING:
    from playground.lab.training import Trainer


def changes_after_training(changes: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Changes of the settings of a trained model, and the first key that would need a new training, or None.

    The key "seed" changes the seed of sampling alone, as the weights belong to the other two.
    """
    own = {"sampling.seed": changes[SEED]} if SEED in changes else {}
    own |= {key: value for key, value in changes.items() if key != SEED}
    return own, next((key for key in own if not key.startswith(AFTER_TRAINING)), None)


@dataclass(frozen=True, eq=False)
class Model:
    """A network with the problem that it was trained on.

    Attributes:
        network: None if it was not trained; then only a known score can be followed.
        checkpoints: the weights of earlier steps of its training.
        step: the training step of the network's weights.
        recorded: the run of a session, which :meth:`Trajectory.from_arrays` reads; None if the session has none.
        path: the path of its file, if it has one.
    """

    problem: Problem
    network: ScoreNetwork | None
    recorded: Arrays | None = None
    path: Path | None = None
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    step: int = 0

    @property
    def learned(self) -> ScoreFunction:
        """The network's score.

        Raises:
            SessionError: the network was not trained.
        """
        return self._learned("sampling.source")

    def _learned(self, source: str) -> ScoreFunction:
        """The network's score; an error names the setting `source`, by which a known score is followed instead."""
        if self.network is None:
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
        return self.network

    @functools.cached_property
    def score(self) -> LabelledScore:
        """The score that the experiment's sampler follows: the learned one or a known one.

        If guidance asks for an earlier training step, the score of that step is beside it.
        """
        known = self.problem.known_score()
        if known is not None or self.network is None:
            return known or self.learned
        return with_weaker(self.problem, self.network, self.checkpoints.weights, self.step)

    @property
    def likelihood_score(self) -> ScoreFunction:
        """The score that the experiment's likelihoods use: the learned one or a known one."""
        return self._known_likelihood_score or self._learned("likelihood.source")

    @property
    def evaluated_score(self) -> ScoreFunction | None:
        """The score that an evaluation measures: that of the likelihoods, or None if it is learned and the network is not trained."""
        return self._known_likelihood_score or self.network

    @property
    def _known_likelihood_score(self) -> LabelledScore | None:
        return self.problem.known_score(self.problem.experiment.likelihood.source)

    def with_likelihood_seed(self, seed: int | None) -> "Model":
        """The model with another seed of what its likelihoods draw; None leaves it.

        They draw by the seed of the data, which are there already: the trace probes, and of many training points those by which
        warnings judge a point.
        """
        if seed is None:
            return self
        experiment = replace(self.problem.experiment, {"data.seed": seed})
        return dataclasses.replace(self, problem=dataclasses.replace(self.problem, experiment=experiment))

    @classmethod
    def trained(cls, trainer: "Trainer") -> "Model":
        """The averaged weights of a training that has ended."""
        network = trainer.ema.requires_grad_(False)
        return cls(trainer.problem, network, checkpoints=trainer.checkpoints, step=trainer.step)

    @classmethod
    def of(
        cls,
        session: Session,
        experiment: Experiment | None = None,
        device: str | torch.device = "cpu",
        path: Path | None = None,
    ) -> "Model":
        """The model of a session.

        Args:
            experiment: settings instead of the session's, with the same data, noise and network.
            path: the path of the session's file, for errors.

        Raises:
            ExperimentError: the weights belong to another network.
            DataError: the experiment's data cannot be made.
        """
        problem = Problem.build(experiment or session.experiment, session.dataset(), device)
        if session.weights is None:
            return cls(problem, None, session.trajectory, path)
        network = problem.network().requires_grad_(False)
        load_weights(network, dict(session.weights))
        problem = dataclasses.replace(problem, hidden_labels=hidden_labels(dict(session.weights)))
        checkpoints = Checkpoints()
        checkpoints.restore(session.weights, network.state_dict())
        return cls(problem, network, session.trajectory, path, checkpoints, int(session.weights["step"]))
