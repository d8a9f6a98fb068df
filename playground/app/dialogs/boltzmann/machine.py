"""The machine of the window: its settings, and training, sampling and measuring in threads."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.model import errors
from playground.app.model.state import State
from playground.app.workers.jobs import Jobs, JobStatus
from playground.lab.boltzmann.settings import Boltzmann, patterns_of, training_conflict

if TYPE_CHECKING:
    from playground.lab.boltzmann.cost import Cost
    from playground.lab.boltzmann.training import MostProbable, Progress, Samples

PICTURE = 1 / 30  # s between two pictures, so that the user can follow how nine pixels are learned
LIKELY = 18  # number of most probable states shown
TRAIN, SAMPLE, COST = "boltzmann training", "boltzmann samples", "boltzmann cost"


@dataclass(frozen=True, eq=False)
class MachineState:
    """The values to show at one step."""

    progress: "Progress"
    likely: "MostProbable"
    samples: np.ndarray  # (N, rows, columns)
    learned: float  # fraction of the samples that are patterns


class Machine(QObject):
    """Learns the patterns of its settings, and starts again if they change.

    Args:
        jobs: run the work; whoever made them ends it.

    Signals:
        changed(): there is another state to show, or work began or ended.
        measured(Cost): the time for one more number of units was measured.
    """

    changed = Signal()
    measured = Signal(object)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = State(Boltzmann(), self)  # type: ignore[arg-type]
        self.view: MachineState | None = None
        self._wanted = True  # whether changed patterns are learned at once
        self.jobs = jobs
        jobs.failed.connect(lambda _, error: errors.report(error, "the Boltzmann machine broke off"))
        jobs.changed.connect(self._job_changed)
        self.state.changed.connect(self._edited)

    @property
    def settings(self) -> Boltzmann:
        return self.state.experiment  # type: ignore[return-value]

    @property
    def training(self) -> bool:
        return self.jobs.running(TRAIN)

    @property
    def measuring(self) -> bool:
        return self.jobs.running(COST)

    @property
    def finished(self) -> bool:
        """Whether all requested steps have been made."""
        return self.view is not None and self.view.progress.step >= self.settings.steps

    @property
    def conflict(self) -> str:
        """Why there is nothing to learn; "" if there is something."""
        conflict = training_conflict(self.settings)
        return "" if conflict is None else str(conflict)

    def patterns(self) -> np.ndarray:
        """(N, rows, columns) the patterns to learn."""
        return patterns_of(self.settings)

    def train(self) -> None:
        """Begin training, or continue after a pause."""
        self._wanted = True
        if not self.conflict:
            self.jobs.cancel(SAMPLE)
            settings, start = self.settings, None if self.view is None else self.view.progress
            self.jobs.start(TRAIN, TRAIN, lambda: _training(settings, start), self._see)

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
            settings, view = self.settings, self.view
            self.jobs.start(SAMPLE, SAMPLE, lambda: _sampling(settings, view), self._see)

    def measure(self) -> None:
        """Measure the time of Z, from two units on."""
        self.jobs.start(COST, COST, lambda: _measuring(), self.measured.emit)

    @Slot(str, object)
    def _job_changed(self, name: str, status: JobStatus) -> None:
        if not status.running or status.fraction is None:  # it has begun or ended
            self.changed.emit()

    def _see(self, view: MachineState) -> None:
        self.view = view
        self.changed.emit()

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


def _training(settings: Boltzmann, start: "Progress | None") -> Iterator[tuple[float, MachineState]]:
    import torch

    from playground.lab.boltzmann.training import Samples, Trainer

    torch.set_num_threads(1)  # more threads would wait for each other in work this small
    samples = Samples(settings)
    for progress in Trainer(settings, start):
        yield progress.fraction, _view(settings, progress, samples)
        time.sleep(PICTURE)


def _sampling(settings: Boltzmann, view: MachineState) -> Iterator[tuple[float, MachineState]]:
    import torch

    from playground.lab.boltzmann.training import Samples

    torch.set_num_threads(1)
    samples = Samples(settings)
    sweeps = settings.sweeps if settings.sampler == "gibbs" else 1
    for sweep in range(sweeps):
        yield (sweep + 1) / sweeps, _view(settings, view.progress, samples)
        time.sleep(PICTURE)


def _view(settings: Boltzmann, progress: "Progress", samples: "Samples") -> MachineState:
    from playground.lab.boltzmann.training import are_patterns, most_probable

    drawn = samples.follow(progress.weights)
    return MachineState(
        progress,
        most_probable(settings, progress.weights, LIKELY),
        drawn,
        float(are_patterns(settings, drawn).mean()),
    )


def _measuring() -> Iterator[tuple[float, "Cost"]]:
    from playground.lab.boltzmann.cost import measure_cost

    for cost in measure_cost():
        yield cost.fraction, cost
