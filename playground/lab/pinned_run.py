"""A pinned run: a finished run of the sampler that is kept for comparison."""

import functools
from typing import Any

import msgspec

from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment
from playground.lab.keys import FiguresKey, ModelKey, RunKey
from playground.lab.measured import Figures
from playground.lab.store import Store

KL = ("kl", "kl_of_smoothing")
"""Figures of the model whose score a run follows, measured on the test set."""


class PinnedRun(msgspec.Struct, frozen=True, dict=True):
    """A pinned run with its settings. A store has its cost, its figures and its particles.

    Attributes:
        number: identifies the run.
        name: the one that the user gives it.
        experiment: the settings with which it was sampled, including "auto".
        model: the network that it was sampled with.
        resolved: the value of each "auto", by dotted key.
        sampler_steps: steps of the sampler; None if each particle takes steps of its own.
        trained_steps: the training step of its weights; None for a known score, or if weights changed during sampling.
        trained_from: the training step at its start, if weights changed during sampling; else None.
    """

    number: int
    name: str
    experiment: Experiment
    model: ModelKey
    resolved: tuple[tuple[str, Any], ...] = ()
    sampler_steps: int | None = None
    trained_steps: int | None = None
    trained_from: int | None = None

    @functools.cached_property
    def run(self) -> RunKey:
        """The key of its particles."""
        return RunKey.of(self.model)

    @functools.cached_property
    def keys(self) -> dict[str, FiguresKey]:
        """The keys of its figures by part; of its model only if the score that it follows is that of the likelihoods."""
        parts = ["Sampling", "Distances"]
        if self.experiment.sampling.follows == self.experiment.likelihood.source:
            parts.append("Likelihoods")
        return {part: FiguresKey.of(part, self.model) for part in parts}

    def figures(self, store: Store) -> Figures:
        """What a store has of its cost, its samples and its model."""
        parts = {part: store.get(key) or {} for part, key in self.keys.items()}
        of_model = parts.pop("Likelihoods", {})
        return Figures.union([*parts.values(), {name: of_model[name] for name in KL if name in of_model}])

    def setting(self, key: str) -> Any:
        """The value of a setting, with "auto" replaced.

        Raises:
            AttributeError: the run's kinds have no such setting.
        """
        resolved = dict(self.resolved)
        return resolved[key] if key in resolved else experiments.value(self.experiment, key)

    @functools.cached_property
    def length(self) -> int:
        """Characters of its settings, which a drawing can make long."""
        return len(experiments.dump(self.experiment))
