"""Where the cells of a sweep are computed: executors of `concurrent.futures`, with the number of cells that keep them busy."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

NICENESS = 5  # of a process, so that a window beside a sweep stays quick
AHEAD = 2
"""Cells that a worker is given at once, so that it never waits for the next."""
TRIES = 2
"""Times that a cell is computed whose process is killed."""


@dataclass(frozen=True)
class Workers:
    """An executor and its size.

    Attributes:
        at_once: the number of cells that are given to it at once.
        one_cell: the error by which the executor says that it gives up one cell and goes on with the others.
    """

    executor: Executor
    at_once: int
    one_cell: type[Exception] | tuple[()] = ()


class _Here(Executor):
    """Computes each cell at once, in the thread that asks."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:  # as the other executors do
            future.set_exception(error)
        return future


@contextlib.contextmanager
def here() -> Iterator[Workers]:
    """Compute one cell after another in this thread; nothing can be cancelled while a cell is computed."""
    yield Workers(_Here(), 1)


class CellKilled(Exception):
    """Two processes were killed while they computed the same cell, or one was as the sweep ended."""


class _Processes(concurrent.futures.ThreadPoolExecutor):
    """Threads with a process each, so that a killed process takes one cell with it; it is replaced, and the cell tried once more."""

    def __init__(self, count: int) -> None:
        super().__init__(count, "sweep")
        # New processes, because a fork of a process with threads may hang.
        self._context = multiprocessing.get_context("spawn")
        self._receiving, self._sending = self._context.Pipe(duplex=False)
        self._idle: queue.SimpleQueue[concurrent.futures.ProcessPoolExecutor] = queue.SimpleQueue()
        self._ended = threading.Event()
        for _ in range(count):
            self._idle.put(self._process())

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(self._computed, function, *args, **kwargs)

    def end(self) -> None:
        """End the processes, in the middle of a cell too."""
        self._ended.set()
        self._sending.close()
        self.shutdown(wait=True, cancel_futures=True)
        while not self._idle.empty():
            self._idle.get().shutdown(wait=True)
        self._receiving.close()

    def _process(self) -> concurrent.futures.ProcessPoolExecutor:
        return concurrent.futures.ProcessPoolExecutor(1, self._context, _end_with, (self._receiving,))

    def _computed(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        process = self._idle.get()
        try:
            for _ in range(TRIES):
                try:
                    return process.submit(function, *args, **kwargs).result()
                except concurrent.futures.BrokenExecutor:
                    process.shutdown(wait=True)
                    process = self._process()
                    if self._ended.is_set():
                        break
            raise CellKilled
        finally:
            self._idle.put(process)


@contextlib.contextmanager
def processes(count: int | None = None) -> Iterator[Workers]:
    """Processes of this machine, by default one for each core. They end with the block, and when this process is killed."""
    count = count or os.cpu_count() or 1
    pool = _Processes(count)
    try:
        yield Workers(pool, AHEAD * count, CellKilled)
    finally:
        pool.end()


def _end_with(parent: Connection) -> None:
    """Let other programs go first, and end this process as soon as the other end of a pipe is closed, which the system does if its process is killed."""

    def wait() -> None:
        with contextlib.suppress(EOFError, OSError):
            parent.recv_bytes()
        os._exit(0)

    if sys.platform != "win32":
        os.nice(NICENESS)
    threading.Thread(target=wait, name="end with the sweep", daemon=True).start()
