"""Trains the columns that need a score of their own, in turn, as far as the main training has come."""

import time
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

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
PAUSE = 1e-4  # seconds between two blocks of training, so that other threads get the interpreter


def column_key(experiment: Experiment, digests: Digests, main: TrainingKey, fair: Fair) -> TrainingKey:
    """The training of a column with these settings and files, which begins anew with the main training."""
    by_settings = TrainingKey.of(experiment, digests)
    return TrainingKey.of(experiment, digests, f"{main.name}, equal {fair}, {by_settings.file}")


def done(workspace: Workspace, fair: Fair) -> float:
    """How far a training has come, in steps or in seconds."""
    return float(workspace.trained_steps if fair == "steps" else workspace.trainer.seconds)


class ColumnTrainings:
    """The trainings of columns: the one that is farthest behind is next.

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

    def put(self, workspaces: Sequence[Workspace], fair: Fair, target: float) -> None:
        """Train these from now on, up to the target; none of those before goes on to it."""
        self._workspaces = ()
        self.aim(fair, target)
        self._workspaces = tuple(workspaces)

    def aim(self, fair: Fair, target: float) -> None:
        """Train up to this target."""
        self.fair, self.target = fair, target

    def is_behind(self, workspace: Workspace) -> bool:
        """Whether a training is to go on to reach the target: not if it stopped early, diverged or failed."""
        if workspace.training in ENDED or workspace.key in self.failures:
            return False
        return workspace.training == "training" or done(workspace, self.fair) < self.target

    @property
    def behind(self) -> list[Workspace]:
        """Those that are to go on."""
        return [one for one in self._workspaces if self.is_behind(one)]

    def fail(self, why: Message) -> None:
        """Say why none of those that are behind can go on."""
        self.failures |= {one.key: why for one in self.behind}

    def train(self) -> Iterator[tuple[None, None]]:
        """Train until all have reached the target; a thread may end it between two blocks of training."""
        running: dict[TrainingKey | None, tuple[Workspace, Generator[TrainingProgress]]] = {}
        try:
            while behind := self.behind:
                workspaces = self._workspaces
                for key in [key for key, (one, _) in running.items() if all(one is not other for other in workspaces)]:
                    _rest(*running.pop(key))
                one = min(behind, key=lambda one: done(one, self.fair))
                if one.key not in running:
                    one.become("training")
                    running[one.key] = one, one.train(one.trainer.problem.experiment)
                if not self._advance(*running[one.key]):
                    _rest(*running.pop(one.key))
                yield None, None
                time.sleep(PAUSE)
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
