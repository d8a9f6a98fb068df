"""The loop that trains whatever trainings are asked for: the document's own, and those that columns need."""

import time
from collections.abc import Iterator, Sequence
from typing import Literal

from playground.app.model.live_training import LiveTraining
from playground.app.model.training_process import TrainingProcess
from playground.lab.experiment import Experiment
from playground.lab.keys import Digests, TrainingKey

Fair = Literal["steps", "seconds"]
"""What is equal in all trainings: their steps or their seconds."""
ENDED = ("finished", "diverged")
PAUSE = 1e-4  # seconds between two blocks of training, so that other threads get the interpreter


def column_key(experiment: Experiment, digests: Digests, main: TrainingKey, fair: Fair) -> TrainingKey:
    """The training of a column with these settings and files, which begins anew with the main training."""
    by_settings = TrainingKey.of(experiment, digests)
    return TrainingKey.of(experiment, digests, f"{main.name}, equal {fair}, {by_settings.file}")


def done(training: LiveTraining, fair: Fair) -> float:
    """How far a training has come, in steps or in seconds."""
    return float(training.now.step if fair == "steps" else training.now.seconds)


class TrainingLoop:
    """Trains the document's training and those of columns in turn. Of columns, the one that is farthest behind is next.

    Attributes:
        main: the document's training; columns are trained as far as it has come.
        goes_on: whether it is to be trained further; the loop ends that when it has finished, diverged or failed.
        waits: whether that of the model which is being built is to be trained.
        is_settled: whether the end of its last training was told.
        fair: the unit in which trainings are equal.
        failures: why a training cannot continue.
        process: trains in place of the thread, once it can; None if the thread trains always.
        running: those of which the thread has trained a block and not yet published the last weights.
    """

    def __init__(self) -> None:
        self.main: LiveTraining | None = None
        self.goes_on, self.waits, self.is_settled = False, False, True
        self.fair: Fair = "steps"
        self.failures: dict[TrainingKey | None, Exception] = {}
        self.process: TrainingProcess | None = None
        self.running: list[LiveTraining] = []
        self._begun: set[LiveTraining] = set()  # by the thread that trains now
        self._more = True
        self._columns: tuple[LiveTraining, ...] = ()

    def train_in(self, process: TrainingProcess) -> None:
        """Let a process train in place of the thread, once it can."""
        self.process = process

    def put(self, main: LiveTraining | None) -> None:
        """Take another training of the document, which is at rest. Nothing goes on of those before."""
        self._end()
        self._columns, self.main = (), main

    def wait(self, waits: bool) -> None:
        """Set whether the training of the model that is being built is wanted."""
        self.waits = waits

    def settle(self) -> None:
        """Note that the end of the document's training was told."""
        self.is_settled = True

    def stop(self) -> None:
        """Train the document's training no further, nor the one that waits: other work replaces this."""
        self.waits = False
        self._end()

    def _end(self) -> None:
        self.goes_on, self.is_settled = False, True
        if self.main is not None and self.main.now.status == "training":
            self.main.publish(status=self.main.now.at_rest(is_main=True))

    def start(self, more: bool) -> None:
        """Train the document's training to its limit.

        Args:
            more: if the limit was reached before, train as far again.
        """
        assert self.main is not None
        self.failures.pop(self.main.key, None)
        self._more, self.goes_on, self.is_settled = more, True, False

    def pause(self) -> None:
        """Train the document's training no further than the block in progress."""
        self.goes_on = False

    def put_columns(self, trainings: Sequence[LiveTraining], fair: Fair) -> None:
        """Train these beside the document's training, up to where it is, and no other columns."""
        self._columns, self.fair = (), fair
        self._columns = tuple(trainings)

    @property
    def target(self) -> float:
        """How far the document's training has come."""
        return 0.0 if self.main is None else done(self.main, self.fair)

    def is_behind(self, column: LiveTraining) -> bool:
        """Whether a training of a column is to go on: not if it stopped early, diverged or failed."""
        if column.now.status in ENDED or column.key in self.failures:
            return False
        return column.now.status == "training" or done(column, self.fair) < self.target

    @property
    def behind(self) -> list[LiveTraining]:
        """The trainings of columns that are to go on, the one that is farthest behind first."""
        return sorted(filter(self.is_behind, self._columns), key=lambda one: done(one, self.fair))

    @property
    def wanted(self) -> list[LiveTraining]:
        """All trainings that are to go on, the document's first."""
        main = [self.main] if self.goes_on and self.main is not None else []
        return main + self.behind

    def train(self) -> Iterator[tuple[None, None]]:
        """Train while anything is to go on, the document's training every other time; a thread may end it between two blocks."""
        last = None
        try:
            while wanted := self.wanted:
                for one in [one for one in self.running if one not in wanted]:
                    self._rest(one)
                last = wanted[self.goes_on and last is self.main and len(wanted) > 1]
                self._advance(last)
                yield None, None
                time.sleep(PAUSE)
        except Exception as error:
            if last is not None:
                self.failures[last.key] = error
            if last is self.main:
                self.goes_on = False
            raise
        finally:
            for one in tuple(self.running):
                self._rest(one)
            while self._begun:
                self._begun.pop().bring_back()

    def _advance(self, one: LiveTraining) -> None:
        """Train for 30 to 60 ms, and end what has come to its limit."""
        is_main, begins = one is self.main, one not in self.running
        if begins:
            self.running.append(one)
            self._begun.add(one)
            if not is_main:
                one.publish(status="training")
        one.advance(begins and (self._more or not is_main), self.process)
        if one.now.finished and one is self.main:  # not if another was put, and perhaps started, during the block
            self.goes_on = False
        if one.now.finished or (not is_main and done(one, self.fair) >= self.target):
            self._rest(one, is_main)

    def _rest(self, one: LiveTraining, was_main: bool = False) -> None:
        """Publish the newest weights of a training that rests. How the document's own ended is told in the GUI thread."""
        try:
            one.rest(**({} if one is self.main else {"status": one.now.at_rest(was_main)}))
        finally:
            self.running.remove(one)
