"""Long work outside the GUI thread: its name, progress, time left, result and end."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from playground.app.workers.timers import timer
from playground.app.workers.worker import Worker, close, interrupted
from playground.lab.compute import Way, compute
from playground.lab.keys import Key
from playground.lab.store import Store
from playground.messages import Message
from playground.user_errors import message_of

Item = TypeVar("Item")

LOOK = 16  # ms between two looks at running work
PAUSE = 0.02  # seconds between two looks at more urgent work
CLICKED, ASKED, BACKGROUND = range(3)
"""How urgent values are: what was clicked, figures that the user asked for, and what nobody waits for."""


@dataclass(frozen=True)
class JobStatus:
    """The state of one job."""

    running: bool
    fraction: float | None = None
    seconds_left: float | None = None
    error: Message | None = None


@dataclass(frozen=True)
class Wanted:
    """Values that are wanted now.

    Attributes:
        keys: theirs, in order of need.
        store: takes them.
        given: how the window has what they need, see :func:`playground.lab.compute.compute`.
        urgency: CLICKED, ASKED or BACKGROUND.
    """

    keys: tuple[Key, ...]
    store: Store
    given: Mapping[type[Key], Way] = field(compare=False)
    urgency: int = ASKED


@dataclass
class _Job(Generic[Item]):
    worker: Worker[Any]
    started: float
    on_item: Callable[[Item], None]
    on_failure: Callable[[BaseException], None] | None
    on_end: Callable[[], None] = lambda: None
    wanted: Wanted | None = None


class Jobs(QObject):
    """Computes wanted values in threads, and runs iterators of ``(fraction, item)``, whose newest item comes to the GUI thread.

    A new job replaces a running one with the same name.

    Signals:
        changed(str, JobStatus): name and state of a job.
        failed(str, BaseException): a job ended with an error, and has no `on_failure`.
        arrived(Key): a store has a value that was wanted.
    """

    changed = Signal(str, object)
    failed = Signal(str, object)
    arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: dict[str, _Job[Any]] = {}  # each with its own type of item
        self._retired: list[Worker[Any]] = []
        self._timer = timer(self, self.poll, interval=LOOK, timerType=Qt.TimerType.PreciseTimer)

    def start(
        self,
        name: str,
        make: Callable[[], Iterator[tuple[float | None, Item | None]]],
        on_item: Callable[[Item], None],
        on_failure: Callable[[BaseException], None] | None = None,
        on_end: Callable[[], None] = lambda: None,
        watched: bool = False,
    ) -> None:
        """Run `make()` in a thread; `on_item` gets the newest item that is not None, in the GUI thread.

        Args:
            on_failure: gets an error in place of :attr:`failed`.
            on_end: called when it has ended without an error, also after :meth:`interrupt`.
            watched: see :class:`Worker`.
        """
        worker = Worker(make, name, watched)
        self._begin(name, _Job(worker, time.monotonic(), on_item, on_failure, on_end))

    def want(
        self,
        name: str,
        wanted: Wanted,
        show: Callable[[Key, Any], object] = lambda key, known: None,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Compute values in a thread, in place of those that were wanted by this name and are wanted no more.

        Less urgent ones wait meanwhile, between two steps of their iterators.

        Args:
            show: gets a key with what is known of its value so far, and at last with the value.
            on_failure: gets an error in place of :attr:`failed`.
        """
        running = self._jobs.get(name)
        if running is not None and running.wanted == wanted:
            return
        values = deque[tuple[Key, Any]]()  # those that were not shown yet

        def waits() -> bool:
            others = [job.wanted for job in list(self._jobs.values())]  # which another thread changes
            return any(other is not None and other.urgency < wanted.urgency for other in others)

        def take(told: tuple[Key, Any]) -> None:
            while values:
                key, value = values.popleft()
                show(key, value)
                self.arrived.emit(key)
            if told[1] is not None:
                show(*told)

        worker = Worker(lambda: _computed(wanted, values, waits), name)
        self._begin(name, _Job(worker, time.monotonic(), take, on_failure, wanted=wanted))

    def _begin(self, name: str, job: _Job[Any]) -> None:
        if name in self._jobs:
            self.retire(self._jobs.pop(name).worker)
        self._jobs[name] = job
        job.worker.start()
        self._timer.start()
        self.changed.emit(name, JobStatus(running=True))

    def call(
        self,
        name: str,
        function: Callable[[], Item],
        on_result: Callable[[Item], None],
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Call a slow function in a thread; `on_result` gets what it returns."""

        def once() -> Iterator[tuple[None, tuple[Item]]]:
            yield None, (function(),)

        self.start(name, once, lambda result: on_result(*result), on_failure)

    def running(self, name: str) -> bool:
        return name in self._jobs

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return bool(self._jobs)

    @property
    def idle(self) -> bool:
        """Whether no thread is running, not even one that was cancelled."""
        return not self._jobs and not self._retired

    def interrupt(self, name: str | None = None) -> None:
        """Ask a job, or all, to end at the next step; the end is still delivered."""
        for job in self._jobs.values() if name is None else filter(None, [self._jobs.get(name)]):
            job.worker.requestInterruption()

    def cancel(self, name: str) -> None:
        """Ask a job to end, and deliver nothing more of it."""
        job = self._jobs.pop(name, None)
        if job is not None:
            self.retire(job.worker)
            self.changed.emit(name, JobStatus(running=False))

    def retire(self, worker: Worker[Any]) -> None:
        """Ask a thread to end, and keep the object until it has."""
        worker.requestInterruption()
        self._retired.append(worker)
        self._timer.start()

    @Slot()
    def poll(self) -> None:
        """Deliver the results of the threads."""
        self._retired = [worker for worker in self._retired if not worker.isFinished()]
        for name, job in list(self._jobs.items()):
            if self._jobs.get(name) is job:
                self._look(name, job)
        if self.idle:
            self._timer.stop()

    def _look(self, name: str, job: _Job[Any]) -> None:
        finished = job.worker.isFinished()  # checked first, so that no item can follow it
        fraction, item = job.worker.latest.take() or (None, None)
        if finished:
            del self._jobs[name]
        if item is not None:
            job.on_item(item)
        if not finished:
            if self._jobs.get(name) is job and (fraction is not None or item is not None):
                self.changed.emit(name, _status(job, fraction))
            return
        error = job.worker.error
        if error is None:
            job.on_end()
        elif job.on_failure is not None:
            job.on_failure(error)
        if name not in self._jobs:  # it is not yet followed by another
            said = None if error is None else message_of(error)
            self.changed.emit(name, JobStatus(running=False, error=said))
        if error is not None and job.on_failure is None:
            self.failed.emit(name, error)

    def wait(self, seconds: float) -> bool:
        """Wait until all jobs have ended, when quitting; their results are delivered, and those that follow are waited for.

        Returns:
            Whether they ended in time.
        """
        deadline = time.monotonic() + seconds
        while self._jobs:
            if not all(_ended(job.worker, deadline) for job in self._jobs.values()):
                return False
            self.poll()
        return True

    def shutdown(self, seconds: float) -> bool:
        """Stop everything.

        Returns:
            Whether all threads ended in time.
        """
        for job in self._jobs.values():
            self.retire(job.worker)
        self._jobs.clear()
        self._timer.stop()
        deadline = time.monotonic() + seconds
        ended = [_ended(worker, deadline) for worker in self._retired]
        return all(ended)


def _computed(
    wanted: Wanted, values: deque[tuple[Key, Any]], waits: Callable[[], bool]
) -> Iterator[tuple[float, tuple[Key, Any]]]:
    """Compute values one after another; while `waits` says so, something else goes first."""
    for place, key in enumerate(wanted.keys):
        work, reached = compute(key, wanted.store, given=wanted.given), 0.0
        try:
            while True:
                progress = next(work)
                reached = max(reached, progress.fraction)  # that of what it needs comes before its own
                yield (place + reached) / len(wanted.keys), (key, progress.known)
                while waits() and not interrupted():
                    time.sleep(PAUSE)
        except StopIteration as end:
            values.append((key, end.value))
        finally:
            work.close()
        yield (place + 1) / len(wanted.keys), (key, None)


def without_fraction(make: Callable[[], Iterator[Item]]) -> Callable[[], Iterator[tuple[None, Item]]]:
    """For :meth:`Jobs.start`: the items of an iterator that does not say how far it is."""

    def steps() -> Iterator[tuple[None, Item]]:
        made = make()
        try:
            for item in made:
                yield None, item
        finally:
            close(made)

    return steps


def _ended(worker: Worker[Any], deadline: float) -> bool:
    """Wait for the end of a thread; returns whether it came in time."""
    return worker.wait(max(int((deadline - time.monotonic()) * 1000), 1))


def _status(job: _Job[Any], fraction: float | None) -> JobStatus:
    left = None
    if fraction:
        elapsed = time.monotonic() - job.started
        left = elapsed * (1 - fraction) / fraction
    return JobStatus(running=True, fraction=fraction, seconds_left=left)
