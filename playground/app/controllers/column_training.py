"""Trains the columns that need a score of their own, in turn, as far as the main training has come."""

import threading
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from playground.app.controllers.sampling_worker import IDLE
from playground.app.model.workspace import Workspace
from playground.lab.experiment import Experiment
from playground.lab.keys import Digests, TrainingKey
from playground.messages import Message
from playground.user_errors import UserError, message_of

if TYPE_CHECKING:
    from playground.lab.training import TrainingProgress

Fair = Literal["steps", "seconds"]
"""What is equal in all trainings: their steps or their seconds."""
ENDED = ("finished", "diverged")


def column_key(experiment: Experiment, digests: Digests, main: TrainingKey, fair: Fair) -> TrainingKey:
    """The training of a column with these settings and files, which begins anew with the main training."""
    by_settings = TrainingKey.of(experiment, digests)
    return TrainingKey.of(experiment, digests, f"{main.name}, equal {fair}, {by_settings.file}")


def done(workspace: Workspace, fair: Fair) -> float:
    """How far a training has come, in steps or in seconds."""
    return float(workspace.trained_steps if fair == "steps" else workspace.trainer.seconds)


class ColumnTrainings:
    """The loop of the thread that trains columns: the one that is farthest behind is next.

    Attributes:
        fair: the unit in which trainings are equal.
        target: how far the main experiment's training has come, in steps or seconds.
        failures: why a training cannot continue.
    """

    def __init__(self) -> None:
        self.fair: Fair = "steps"
        self.target = 0.0
        self.failures: dict[TrainingKey | None, Message] = {}
        self._workspaces: tuple[Workspace, ...] = ()
        self._wake = threading.Event()

    def put(self, workspaces: Sequence[Workspace], fair: Fair, target: float) -> None:
        """Train these from now on, up to the target; none of those before goes on to it."""
        self._workspaces = ()
        self.aim(fair, target)
        self._workspaces = tuple(workspaces)
        self._wake.set()

    def aim(self, fair: Fair, target: float) -> None:
        """Train up to this target."""
        if (fair, target) != (self.fair, self.target):
            self.fair, self.target = fair, target
            self._wake.set()

    def is_behind(self, workspace: Workspace) -> bool:
        """Whether a training is to go on to reach the target: not if it stopped early, diverged or failed."""
        if workspace.training in ENDED or workspace.key in self.failures:
            return False
        return workspace.training == "training" or done(workspace, self.fair) < self.target

    def loop(self) -> Iterator[None]:
        """Run forever; the thread ends it between two blocks of training."""
        running: dict[TrainingKey | None, tuple[Workspace, Generator[TrainingProgress]]] = {}
        try:
            while True:
                workspaces = self._workspaces
                for key in [key for key, (one, _) in running.items() if all(one is not other for other in workspaces)]:
                    _rest(*running.pop(key))
                behind = [one for one in workspaces if self.is_behind(one)]
                if behind:
                    one = min(behind, key=lambda one: done(one, self.fair))
                    if one.key not in running:
                        one.become("training")
                        running[one.key] = one, one.train(one.trainer.problem.experiment)
                    if not self._advance(*running[one.key]):
                        _rest(*running.pop(one.key))
                else:
                    self._wake.wait(IDLE)
                    self._wake.clear()
                yield None
        finally:
            for workspace, steps in running.values():
                _rest(workspace, steps)

    def _advance(self, workspace: Workspace, steps: "Generator[TrainingProgress]") -> bool:
        """Train for 30 to 60 ms; returns whether to go on."""
        try:
            next(steps, None)
        except UserError as error:
            self.failures[workspace.key] = message_of(error)
        ended = workspace.key in self.failures or workspace.trainer.finished
        return not ended and done(workspace, self.fair) < self.target


def _rest(workspace: Workspace, steps: "Generator[TrainingProgress]") -> None:
    """End the iterator of a training, which publishes its newest weights."""
    steps.close()
    progress, stopped = workspace.progress, workspace.trainer.stopping.stopped
    diverged = progress is not None and progress.diverged is not None
    workspace.become("diverged" if diverged else "finished" if stopped else "paused")
