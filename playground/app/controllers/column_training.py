"""Trainings of the columns that need a score of their own. They run in turn, as far as the main training has come."""

import threading
import time
from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from playground.app.controllers.sampling_worker import IDLE
from playground.app.model.weights import Weights
from playground.app.model.workspace import SNAPSHOT_SECONDS, weights_of
from playground.app.workers.worker import Worker
from playground.lab.experiment import Experiment
from playground.messages import Message
from playground.user_errors import UserError, message_of

if TYPE_CHECKING:
    from playground.data import Dataset
    from playground.lab.problem import Problem
    from playground.lab.training import Trainer

Fair = Literal["steps", "seconds"]
"""What is equal in all trainings: their steps or their seconds."""


class ColumnTraining:
    """The training of one column, kept during the comparison.

    Attributes:
        weights: the newest weights; None before the first.
        failure: why training cannot continue.
        ended: whether training stopped early or diverged.
        diverged: why it diverged, if it did; the weights are the last good ones.
    """

    def __init__(self, problem: "Problem") -> None:
        self.problem = problem
        self.weights: Weights | None = None
        self.failure: Message | None = None
        self.ended = False
        self.diverged: Message | None = None
        self.step, self.seconds = 0, 0.0
        self._trainer: Trainer | None = None
        self._moment: dict[Fair, float] | None = None  # steps and seconds at the start of the last block
        self._advancing = threading.Lock()  # a comparison that begins again may meet the thread of the one before
        self._published = 0.0  # time.monotonic at the newest weights

    def done(self, fair: Fair) -> float:
        """How far training has come, in steps or in seconds."""
        return float(self.step if fair == "steps" else self.seconds)

    def is_behind(self, fair: Fair, target: float) -> bool:
        """Whether training must continue to reach the target."""
        return not self.ended and self.failure is None and self.done(fair) < target

    def is_beyond(self, fair: Fair, target: float) -> bool:
        """Whether training has passed the target by more than the block that reached it."""
        return self._moment is not None and self._moment[fair] >= target

    def advance(self, fair: Fair, target: float) -> None:
        """Train for 30 to 60 ms, and publish weights now and then and at the end."""
        with self._advancing:
            self._advance(fair, target)

    def _advance(self, fair: Fair, target: float) -> None:
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
                self.weights = weights_of(trainer)
        except UserError as error:
            self.failure = message_of(error)


class ColumnTrainings:
    """Keeps the trainings of columns by the settings that they depend on, and continues in one thread the one that is
    farthest behind.

    Attributes:
        fair: the unit in which trainings are equal.
        target: how far the main experiment's training has come, in steps or seconds.
        thread: the thread; None while none is needed. Quitting waits for it.
    """

    def __init__(self) -> None:
        self.fair: Fair = "steps"
        self.target = 0.0
        self.thread: Worker[None] | None = None
        self._kept: dict[Hashable, ColumnTraining] = {}
        self._trained: tuple[ColumnTraining, ...] = ()
        self._wake = threading.Event()

    def weights(self, experiment: Experiment, problem: "Problem") -> Weights | None:
        """The newest weights with these settings; None before the first."""
        training = self._kept.get(_key(experiment, problem))
        return None if training is None else training.weights

    def of(self, experiment: Experiment, problem: "Problem") -> ColumnTraining:
        """The training with these settings, which may not have begun."""
        return self._kept.setdefault(_key(experiment, problem), ColumnTraining(problem))

    def put(self, trainings: Sequence[ColumnTraining]) -> None:
        """Train these from now on, up to the target."""
        self._trained = tuple(trainings)
        self._wake.set()

    def start(self) -> None:
        """Start the thread, if there is something to train."""
        if self._trained and self.thread is None:
            self.thread = Worker(self.loop, "training of columns", pause=1e-4)
            self.thread.start()

    def aim(self, fair: Fair, target: float) -> None:
        """Train up to this target."""
        if (fair, target) != (self.fair, self.target):
            self.fair, self.target = fair, target
            self._wake.set()

    def stop(self) -> Worker[None] | None:
        """Train nothing more.

        Returns:
            The thread, which has to be ended; None if there is none.
        """
        thread, self.thread, self._trained = self.thread, None, ()
        return thread

    def loop(self) -> Iterator[None]:
        """Run forever; the thread ends it between two blocks of training."""
        while True:
            fair, target = self.fair, self.target
            behind = [one for one in self._trained if one.is_behind(fair, target)]
            if behind:
                min(behind, key=lambda one: one.done(fair)).advance(fair, target)
            else:
                self._wake.wait(IDLE)
                self._wake.clear()
            yield None

    def keep(self, trainings: Collection[ColumnTraining | None]) -> None:
        """Forget all others."""
        self._kept = {key: one for key, one in self._kept.items() if one in trainings}

    def keep_those_of(self, dataset: "Dataset") -> None:
        """Forget the trainings on other data."""
        self._kept = {key: one for key, one in self._kept.items() if one.problem.dataset is dataset}

    def forget_beyond(self) -> bool:
        """Forget those that have passed the target, and return whether there were any."""
        before, fair, target = len(self._kept), self.fair, self.target
        self._kept = {key: one for key, one in self._kept.items() if not one.is_beyond(fair, target)}
        return len(self._kept) < before


def _key(experiment: Experiment, problem: "Problem") -> Hashable:
    """What a training depends on, including the data set itself: a file that was opened again may hold other points."""
    return (
        problem.dataset,
        experiment.noise,
        experiment.network,
        experiment.objective,
        experiment.training,
    )
