"""Trainings of columns whose score the main experiment's training does not give: in turn, and as far as that has come."""

import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from playground.app.controllers.sampling_worker import IDLE
from playground.app.model.weights import Weights
from playground.app.model.workspace import SNAPSHOT_SECONDS, new_weights
from playground.messages import Message
from playground.user_errors import UserError, message_of

if TYPE_CHECKING:
    from playground.lab.problem import Problem
    from playground.lab.training import Trainer

Fair = Literal["steps", "seconds"]
"""What is equal in all trainings: their steps or their seconds."""


class ColumnTraining:
    """One column's training, which is kept while columns are compared.

    Attributes:
        weights: the newest that it left; None before the first.
        failure: why it cannot go on.
        ended: whether it stopped by itself, early or diverged.
        diverged: why, where it diverged; its weights are the last good ones.
    """

    def __init__(self, problem: "Problem") -> None:
        self.problem = problem
        self.weights: Weights | None = None
        self.failure: Message | None = None
        self.ended = False
        self.diverged: Message | None = None
        self.step, self.seconds = 0, 0.0
        self._trainer: Trainer | None = None
        self._moment: dict[Fair, float] | None = None  # where the last moment of training began
        self._published = 0.0  # when

    def done(self, fair: Fair) -> float:
        """How far it has come, in steps or in seconds."""
        return float(self.step if fair == "steps" else self.seconds)

    def is_behind(self, fair: Fair, target: float) -> bool:
        """Whether it has still to go on."""
        return not self.ended and self.failure is None and self.done(fair) < target

    def is_beyond(self, fair: Fair, target: float) -> bool:
        """Whether it was trained for longer than that, by more than the moment in which it came there."""
        return self._moment is not None and self._moment[fair] >= target

    def advance(self, fair: Fair, target: float) -> None:
        """Train for a moment, 30 to 60 ms, and leave weights now and then and at the end."""
        from playground.lab.training import Trainer

        try:
            if self._trainer is None:
                self._trainer = Trainer(self.problem)
            trainer = self._trainer
            self._moment = {"steps": float(trainer.step), "seconds": trainer.seconds}
            progress = next(trainer, None)
            if progress is None and not trainer.stopping.stopped:
                trainer.extend()  # the main experiment was trained beyond its limit too
                progress = next(trainer, None)
            self.step, self.seconds = trainer.step, trainer.seconds
            self.diverged = None if progress is None else progress.diverged
            self.ended = progress is None or self.diverged is not None or trainer.stopping.stopped
            now = time.monotonic()
            if now - self._published > SNAPSHOT_SECONDS or not self.is_behind(fair, target):
                self._published = now
                self.weights = new_weights(trainer.snapshot(), untrained=not trainer.step)
        except UserError as error:
            self.failure = message_of(error)


class ColumnTrainer:
    """The thread's loop that trains the column that lies farthest behind.

    Attributes:
        fair: by what the trainings are measured.
        target: how far the main experiment's training has come, in steps or seconds.
    """

    def __init__(self) -> None:
        self.fair: Fair = "steps"
        self.target = 0.0
        self._trainings: tuple[ColumnTraining, ...] = ()
        self._wake = threading.Event()

    def put(self, trainings: Sequence[ColumnTraining]) -> None:
        """Train these from now on."""
        self._trainings = tuple(trainings)
        self._wake.set()

    def aim(self, fair: Fair, target: float) -> None:
        """Train as far as this."""
        if (fair, target) != (self.fair, self.target):
            self.fair, self.target = fair, target
            self._wake.set()

    def loop(self) -> Iterator[None]:
        """Go on for ever; the thread ends it between two moments of training."""
        while True:
            fair, target = self.fair, self.target
            behind = [one for one in self._trainings if one.is_behind(fair, target)]
            if behind:
                min(behind, key=lambda one: one.done(fair)).advance(fair, target)
            else:
                self._wake.wait(IDLE)
                self._wake.clear()
            yield None
