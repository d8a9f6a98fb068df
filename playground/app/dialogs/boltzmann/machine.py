"""The machine of the window: its settings, and training, sampling and measuring in threads."""

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.model import errors
from playground.app.model.state import State
from playground.app.workers.jobs import Jobs, without_fraction
from playground.lab.boltzmann.settings import Boltzmann, training_conflict

if TYPE_CHECKING:
    from playground.lab.boltzmann.cost import Cost
    from playground.lab.boltzmann.training import MostProbable, Progress

PICTURE = 1 / 30  # s between two pictures, so that the user can follow how nine pixels are learned
LIKELY = 18  # number of most probable states shown
TRAIN, SAMPLE, COST = "boltzmann training", "boltzmann samples", "boltzmann cost"


@dataclass(frozen=True, eq=False)
class MachineState:
    """The values to show at one step."""

    progress: "Progress"
    likely: "MostProbable"
    samples: np.ndarray  # (N, rows, columns)


class Machine(QObject):
    """Learns the patterns of its settings, and starts again if they change.

    Args:
        jobs: run the work; whoever made them ends it.

    Signals:
        changed(): there is another state or another cost to show, or work began or ended.

    Attributes:
        view: the values to show; None if nothing is learned yet.
        cost: the newest measurement of the time of Z.
    """

    changed = Signal()

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = State(Boltzmann(), self)  # type: ignore[arg-type]
        self.view: MachineState | None = None
        self.cost: Cost | None = None
        self._wanted = True  # whether changed patterns are learned at once
        self.jobs = jobs
        jobs.failed.connect(lambda _, error: errors.report(error, "the Boltzmann machine broke off"))
        jobs.changed.connect(lambda *_: self.changed.emit())
        self.state.changed.connect(self._edited)

    @property
    def settings(self) -> Boltzmann:
        return self.state.experiment  # type: ignore[return-value]

    @property
    def training(self) -> bool:
        return self.jobs.running(TRAIN)

    @property
    def finished(self) -> bool:
        """Whether all requested steps have been made."""
        return self.view is not None and self.view.progress.step >= self.settings.steps

    @property
    def conflict(self) -> str:
        """Why there is nothing to learn; "" if there is something."""
        conflict = training_conflict(self.settings)
        return "" if conflict is None else str(conflict)

    def train(self) -> None:
        """Begin training, or continue after a pause."""
        self._wanted = True
        if not self.conflict:
            self.jobs.cancel(SAMPLE)
            settings, start = self.settings, None if self.view is None else self.view.progress
            self.jobs.start(TRAIN, TRAIN, without_fraction(lambda: _training(settings, start)), self._see)

    def pause(self) -> None:
        self._wanted = False
        self.jobs.cancel(TRAIN)

    def reset(self) -> None:
        """Forget what was learned; if training was in progress, start it again."""
        learning = self.training
        self.jobs.cancel(TRAIN)
        self.jobs.cancel(SAMPLE)
        self.view = None
        if learning:
            self.train()
        self.changed.emit()

    def sample(self) -> None:
        """Draw samples with the current weights: exact ones at once, Gibbs samples sweep by sweep."""
        if self.view is not None and not self.training:
            settings = self.settings
            rested = itertools.repeat(self.view.progress, settings.sweeps if settings.sampler == "gibbs" else 1)
            self.jobs.start(SAMPLE, SAMPLE, without_fraction(lambda: _shown(settings, rested)), self._see)

    def measure(self) -> None:
        """Measure the time of Z, from two units on."""
        self.jobs.start(COST, COST, without_fraction(lambda: _measuring()), self._see_cost)

    def _see(self, view: MachineState) -> None:
        self.view = view

    def _see_cost(self, cost: "Cost") -> None:
        self.cost = cost

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if any(self.state.field(key).resets for key in keys):
            self.reset()
            if self._wanted and not self.training:
                self.train()
        elif self.training:
            self.train()  # continue with the new settings
        else:
            if keys & {"sampler", "samples", "sweeps", "seed"}:
                self.sample()
            self.changed.emit()


def _training(settings: Boltzmann, start: "Progress | None") -> Iterator[MachineState]:
    from playground.lab.boltzmann.training import train

    return _shown(settings, train(settings, start))


def _shown(settings: Boltzmann, steps: "Iterable[Progress]") -> Iterator[MachineState]:
    """The values to show at each step, with samples that follow."""
    import torch

    from playground.lab.boltzmann.training import Samples, most_probable

    torch.set_num_threads(1)  # more threads would wait for each other in work this small
    samples = Samples(settings)
    for progress in steps:
        weights = progress.weights
        yield MachineState(progress, most_probable(settings, weights, LIKELY), samples.follow(weights))
        time.sleep(PICTURE)


def _measuring() -> "Iterator[Cost]":
    from playground.lab.boltzmann.cost import measure_cost

    return measure_cost()
