"""Long work with a name, progress, time left and an end."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Signal

from playground.app.workers.worker import Worker
from playground.messages import Message
from playground.user_errors import message_of

Item = TypeVar("Item")


@dataclass(frozen=True)
class TaskStatus:
    """The state of one task."""

    label: str
    running: bool
    fraction: float | None = None
    seconds_left: float | None = None
    error: Message | None = None


@dataclass
class _Task(Generic[Item]):
    worker: Worker[tuple[float | None, Item | None]]
    label: str
    started: float
    on_item: Callable[[Item], None]
    on_failure: Callable[[BaseException], None] | None


class Tasks(QObject):
    """Runs iterators of ``(fraction, item)`` in threads and delivers the newest item in the GUI thread.

    A new task replaces a running one with the same name. Call :meth:`poll` from a timer.

    Signals:
        changed(str, TaskStatus): name and state of a task.
        failed(str, BaseException): a task ended with an error, and has no `on_failure`.
    """

    changed = Signal(str, object)
    failed = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: dict[str, _Task[Any]] = {}  # each with its own type of item
        self._retired: list[Worker[Any]] = []

    def start(
        self,
        name: str,
        label: str,
        make: Callable[[], Iterator[tuple[float | None, Item | None]]],
        on_item: Callable[[Item], None],
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Run `make()` in a thread; `on_item` gets the newest item that is not None, in the GUI thread."""
        if name in self._tasks:
            self.retire(self._tasks.pop(name).worker)
        worker = Worker(make, name)
        self._tasks[name] = _Task(worker, label, time.monotonic(), on_item, on_failure)
        worker.start()
        self.changed.emit(name, TaskStatus(label, running=True))

    def running(self, name: str) -> bool:
        return name in self._tasks

    @property
    def idle(self) -> bool:
        """Whether no thread is running, not even one that was cancelled."""
        return not self._tasks and not self._retired

    def cancel(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            self.retire(task.worker)
            self.changed.emit(name, TaskStatus(task.label, running=False))

    def retire(self, worker: Worker[Any]) -> None:
        """Ask a thread to end, and keep the object until it has."""
        worker.requestInterruption()
        self._retired.append(worker)

    def poll(self) -> None:
        """Deliver the results of the threads. Call it from the GUI thread."""
        self._retired = [worker for worker in self._retired if not worker.isFinished()]
        for name, task in list(self._tasks.items()):
            finished = task.worker.isFinished()
            item = task.worker.latest.take()
            if item is not None:
                fraction, payload = item
                if payload is not None:
                    task.on_item(payload)
                if not finished:
                    self.changed.emit(name, _status(task, fraction))
            if finished and self._tasks.get(name) is task:
                del self._tasks[name]
                error = task.worker.error
                if error is not None and task.on_failure is not None:
                    task.on_failure(error)  # before the end is told, as the last item is
                self.changed.emit(
                    name, TaskStatus(task.label, running=False, error=None if error is None else message_of(error))
                )
                if error is not None and task.on_failure is None:
                    self.failed.emit(name, error)

    def shutdown(self, seconds: float) -> bool:
        """Stop everything.

        Returns:
            Whether all threads ended in time.
        """
        for task in self._tasks.values():
            self.retire(task.worker)
        self._tasks.clear()
        deadline = time.monotonic() + seconds
        for worker in self._retired:
            worker.wait(max(int((deadline - time.monotonic()) * 1000), 0))
        return all(worker.isFinished() for worker in self._retired)


def _status(task: _Task[Any], fraction: float | None) -> TaskStatus:
    left = None
    if fraction:
        elapsed = time.monotonic() - task.started
        left = elapsed * (1 - fraction) / fraction
    return TaskStatus(task.label, running=True, fraction=fraction, seconds_left=left)
