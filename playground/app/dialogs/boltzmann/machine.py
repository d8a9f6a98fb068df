"""The machine of the window: its settings, and training, sampling and measuring in threads."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.model import errors
from playground.app.model.state import State
from playground.app.workers.jobs import Jobs, without_fraction
from playground.lab.boltzmann.settings import Boltzmann, training_conflict

if TYPE_CHECKING:
    from playground.lab.boltzmann.cost import Cost
    from playground.lab.boltzmann.training import Learned, Progress

PICTURE = 1 / 30  # s between two pictures, so that the user can follow how nine pixels are learned
SAMPLING = {"sampler", "samples", "sweeps", "seed"}  # settings that change the samples of the same weights
LEARN, COST = "boltzmann training", "boltzmann cost"


class Machine(QObject):
    """Learns the patterns of its settings, and starts again if they change.

    Args:
        jobs: run the work; whoever made them ends it.

    Signals:
        changed(): there is another state to show, or work began or ended.
        measured(Cost): the newest measurement of the time of Z.

    Attributes:
        view: the values to show; None if nothing is learned yet.
    """

    changed = Signal()
    measured = Signal(object)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = State(Boltzmann(), self)  # type: ignore[arg-type]
        self.view: Learned | None = None
        self._wanted = True  # whether changed patterns are learned at once
        self._steps = 0  # to be made; then only the samples change
        self.jobs = jobs
        jobs.failed.connect(lambda _, error: errors.report(error, "the Boltzmann machine broke off"))
        jobs.changed.connect(lambda *_: self.changed.emit())
        self.state.changed.connect(self._edited)

    @property
    def settings(self) -> Boltzmann:
        return self.state.experiment  # type: ignore[return-value]

    @property
    def training(self) -> bool:
        return self.jobs.running(LEARN) and (self.view is None or self.view.progress.step < self._steps)

    @property
    def finished(self) -> bool:
        """Whether all requested steps have been made."""
        return self.view is not None and self.view.progress.step >= self.settings.steps

    def train(self) -> None:
        """Begin training, or continue after a pause."""
        self._wanted = True
        if training_conflict(self.settings) is None:
            self._learn(self.settings.steps)

    def _learn(self, steps: int) -> None:
        """Make steps up to this number, and draw samples: exact ones at once, Gibbs samples sweep by sweep."""
        start, self._steps = None if self.view is None else self.view.progress, steps
        settings = msgspec.structs.replace(self.settings, steps=steps)
        self.jobs.start(LEARN, without_fraction(lambda: _learning(settings, start)), self._see)

    def pause(self) -> None:
        self._wanted = False
        self.jobs.cancel(LEARN)

    def reset(self) -> None:
        """Forget what was learned; if training was in progress, start it again."""
        learning = self.training
        self.jobs.cancel(LEARN)
        self.view = None
        if learning:
            self.train()
        self.changed.emit()

    def measure(self) -> None:
        """Measure the time of Z, from two units on."""
        self.jobs.start(COST, without_fraction(lambda: _measuring()), self.measured.emit)

    def _see(self, view: "Learned") -> None:
        self.view = view

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if any(self.state.field(key).resets for key in keys):
            self.reset()
            if self._wanted and not self.training:
                self.train()
        elif self.training:
            self.train()  # continue with the new settings
        elif self.view is not None and keys & SAMPLING:
            self._learn(self.view.progress.step)


def _learning(settings: Boltzmann, start: "Progress | None") -> "Iterator[Learned]":
    """The values to show, slowly enough to be followed."""
    import torch

    from playground.lab.boltzmann.training import learn

    torch.set_num_threads(1)  # more threads would wait for each other in work this small
    for learned in learn(settings, start):
        yield learned
        time.sleep(PICTURE)


def _measuring() -> "Iterator[Cost]":
    from playground.lab.boltzmann.cost import measure_cost

    return measure_cost()
