"""Threads that drive iterators. They stop iterating to cancel.

A worker puts its newest progress in a mailbox, and a timer of the window takes it from there. Queued signals would pile up,
because they have no back-pressure.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from PySide6.QtCore import QThread

from playground.user_errors import UserError

T = TypeVar("T")

logger = logging.getLogger("playground")  # the log window shows its lines

NICENESS = 5  # of work beside the window, so that the window comes first
WATCHED = 2  # of work whose every step the window shows


class Mailbox(Generic[T]):
    """One value between two threads; a new value replaces one that was not taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: T | None = None

    def put(self, value: T) -> None:
        with self._lock:
            self._value = value

    def take(self) -> T | None:
        with self._lock:
            value, self._value = self._value, None
        return value


class Worker(QThread, Generic[T]):
    """Drives the iterator that `make` returns, in its own thread.

    The iterator is made and closed in the thread, so a generator's ``finally`` runs there too.

    Args:
        make: builds the iterator; called once, in the thread.
        watched: whether the window shows its every step, which gives it priority over other workers.
    """

    def __init__(self, make: Callable[[], Iterator[T]], name: str, watched: bool = False) -> None:
        super().__init__()
        self.setObjectName(name)
        self._make = make
        self._watched = watched
        self.latest: Mailbox[T] = Mailbox()
        self.error: BaseException | None = None

    def run(self) -> None:
        if sys.platform == "linux":
            # Qt's own priorities have no effect there, and a window that shares two cores with two busy threads waits
            # milliseconds for its turn. Elsewhere this call would affect the whole process.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), WATCHED if self._watched else NICENESS)
        elif not self._watched:
            self.setPriority(QThread.Priority.LowPriority)
        try:
            iterator = self._make()
            try:
                for item in iterator:
                    self.latest.put(item)
                    if self.isInterruptionRequested():
                        break
            finally:
                close(iterator)
        except Exception as error:  # the thread's edge: the code that started the work reports it
            self.error = error
            # Other errors, even of a full disk, may be the program's and keep their traceback.
            if isinstance(error, UserError):
                logger.warning("%s stopped: %s", self.objectName(), error)
            else:
                logger.warning("%s stopped", self.objectName(), exc_info=True)


def close(iterator: Iterator[object]) -> None:
    """End a generator, whose ``finally`` runs now; other iterators have no end."""
    end = getattr(iterator, "close", None)
    if end is not None:
        end()


def interrupted() -> bool:
    """Whether the current thread was asked to end; for long work between two items of a worker's iterator."""
    return QThread.currentThread().isInterruptionRequested()
