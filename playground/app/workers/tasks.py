"""Long work outside the GUI thread: its name, progress, time left, result and end."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

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
class TaskStatus:
    """The state of one task."""

    label: str
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
class _Task(Generic[Item]):
    worker: Worker[Any]
    label: str
    started: float
    on_item: Callable[[Item], None]
    on_failure: Callable[[BaseException], None] | None
    on_end: Callable[[], None] = lambda: None
    wanted: Wanted | None = None


class Tasks(QObject):
    """Computes wanted values in threads, and runs iterators of ``(fraction, item)``, whose newest item comes to the GUI thread.

    A new task replaces a running one with the same name.

    Signals:
        changed(str, TaskStatus): name and state of a task.
        failed(str, BaseException): a task ended with an error, and has no `on_failure`.
        arrived(Key): a store has a value that was wanted.
    """

    changed = Signal(str, object)
    failed = Signal(str, object)
    arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: dict[str, _Task[Any]] = {}  # each with its own type of item
        self._retired: list[Worker[Any]] = []
        self._urgencies: tuple[tuple[int, Worker[Any]], ...] = ()  # of the threads that compute wanted values
        self._timer = QTimer(self, interval=LOOK, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.poll)

    def start(
        self,
        name: str,
        label: str,
        make: Callable[[], Iterator[tuple[float | None, Item | None]]],
        on_item: Callable[[Item], None],
        on_failure: Callable[[BaseException], None] | None = None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Run `make()` in a thread; `on_item` gets the newest item that is not None, in the GUI thread.

        Args:
            on_failure: gets an error in place of :attr:`failed`.
            on_end: called when it has ended without an error, also after :meth:`interrupt`.
        """
        worker = Worker(make, name)
        self._begin(name, _Task(worker, label, time.monotonic(), on_item, on_failure, on_end))

    def want(
        self,
        name: str,
        label: str,
        wanted: Wanted,
        show: Callable[[Key, Any], object] = lambda key, told: None,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Compute values in a thread, in place of those that were wanted by this name and are wanted no more.

        Less urgent ones wait meanwhile, between two steps of their iterators.

        Args:
            show: gets a key with its newest progress, which has a `fraction`, and at last with its value.
            on_failure: gets an error in place of :attr:`failed`.
        """
        running = self._tasks.get(name)
        if running is not None and running.wanted == wanted:
            return
        values = deque[tuple[Key, Any]]()  # those that were not shown yet

        def waits() -> bool:
            return any(urgency < wanted.urgency and not other.isFinished() for urgency, other in self._urgencies)

        def take(told: tuple[Key, Any]) -> None:
            while values:
                key, value = values.popleft()
                show(key, value)
                self.arrived.emit(key)
            if told[1] is not None:
                show(*told)

        worker = Worker(lambda: _computed(wanted, values, waits), name)
        others = [pair for pair in self._urgencies if not pair[1].isFinished()]
        self._begin(name, _Task(worker, label, time.monotonic(), take, on_failure, wanted=wanted))
        self._urgencies = (*others, (wanted.urgency, worker))

    def _begin(self, name: str, task: _Task[Any]) -> None:
        if name in self._tasks:
            self.retire(self._tasks.pop(name).worker)
        self._tasks[name] = task
        task.worker.start()
        self._timer.start()
        self.changed.emit(name, TaskStatus(task.label, running=True))

    def call(
        self,
        name: str,
        function: Callable[[], Item],
        on_result: Callable[[Item], None],
        on_failure: Callable[[BaseException], None],
    ) -> bool:
        """Call a slow function in a thread, unless one of this name is running; `on_result` gets what it returns.

        Returns:
            Whether it is called.
        """
        if self.running(name):
            return False

        def once() -> Iterator[tuple[None, tuple[Item]]]:
            yield None, (function(),)

        self.start(name, name, once, lambda result: on_result(*result), on_failure)
        return True

    def running(self, name: str) -> bool:
        return name in self._tasks

    @property
    def busy(self) -> bool:
        """Whether a task is running."""
        return bool(self._tasks)

    @property
    def idle(self) -> bool:
        """Whether no thread is running, not even one that was cancelled."""
        return not self._tasks and not self._retired

    def interrupt(self, name: str | None = None) -> None:
        """Ask a task, or all, to end at the next step; the end is still delivered."""
        for task in self._tasks.values() if name is None else filter(None, [self._tasks.get(name)]):
            task.worker.requestInterruption()

    def cancel(self, name: str) -> None:
        """Ask a task to end, and deliver nothing more of it."""
        task = self._tasks.pop(name, None)
        if task is not None:
            self.retire(task.worker)
            self.changed.emit(name, TaskStatus(task.label, running=False))

    def retire(self, worker: Worker[Any]) -> None:
        """Ask a thread to end, and keep the object until it has."""
        worker.requestInterruption()
        self._retired.append(worker)
        self._timer.start()

    @Slot()
    def poll(self) -> None:
        """Deliver the results of the threads."""
        self._retired = [worker for worker in self._retired if not worker.isFinished()]
        for name, task in list(self._tasks.items()):
            if self._tasks.get(name) is task:
                self._look(name, task)
        if self.idle:
            self._timer.stop()

    def _look(self, name: str, task: _Task[Any]) -> None:
        finished = task.worker.isFinished()  # checked first, so that no item can follow it
        fraction, item = task.worker.latest.take() or (None, None)
        if finished:
            del self._tasks[name]
        if item is not None:
            task.on_item(item)
        if not finished:
            if self._tasks.get(name) is task and (fraction is not None or item is not None):
                self.changed.emit(name, _status(task, fraction))
            return
        error = task.worker.error
        if error is None:
            task.on_end()
        elif task.on_failure is not None:
            task.on_failure(error)
        if name not in self._tasks:  # it is not yet followed by another
            said = None if error is None else message_of(error)
            self.changed.emit(name, TaskStatus(task.label, running=False, error=said))
        if error is not None and task.on_failure is None:
            self.failed.emit(name, error)

    def wait(self, seconds: float) -> bool:
        """Wait until all tasks have ended, when quitting; their results are delivered, and those that follow are waited for.

        Returns:
            Whether they ended in time.
        """
        deadline = time.monotonic() + seconds
        while self._tasks:
            if not all(_ended(task.worker, deadline) for task in self._tasks.values()):
                return False
            self.poll()
        return True

    def shutdown(self, seconds: float) -> bool:
        """Stop everything.

        Returns:
            Whether all threads ended in time.
        """
        for task in self._tasks.values():
            self.retire(task.worker)
        self._tasks.clear()
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
                yield (place + reached) / len(wanted.keys), (key, progress)
                while waits() and not interrupted():
                    time.sleep(PAUSE)
        except StopIteration as end:
            values.append((key, end.value))
        finally:
            work.close()
        yield (place + 1) / len(wanted.keys), (key, None)


def without_fraction(make: Callable[[], Iterator[Item]]) -> Callable[[], Iterator[tuple[None, Item]]]:
    """For :meth:`Tasks.start`: the items of an iterator that does not say how far it is."""

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


def _status(task: _Task[Any], fraction: float | None) -> TaskStatus:
    left = None
    if fraction:
        elapsed = time.monotonic() - task.started
        left = elapsed * (1 - fraction) / fraction
    return TaskStatus(task.label, running=True, fraction=fraction, seconds_left=left)
