"""Where the cells of a sweep are computed: executors of `concurrent.futures`, with the number of cells that keep them busy."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from playground.user_errors import UserError

NICENESS = 5  # of a process, so that a window beside a sweep stays quick
AHEAD = 2
"""Cells that a worker is given at once, so that it never waits for the next."""


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


@contextlib.contextmanager
def processes(count: int | None = None) -> Iterator[Workers]:
    """Processes of this machine, by default one for each core. They end with the block, and when this process is killed.

    Raises:
        UserError: a process was killed.
    """
    count = count or os.cpu_count() or 1
    # New processes, because a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    pool = concurrent.futures.ProcessPoolExecutor(count, context, _end_with, (receiving,))
    try:
        yield Workers(pool, AHEAD * count)
    except concurrent.futures.BrokenExecutor:
        raise UserError(
            "A process of the sweep was killed, perhaps for lack of memory: take fewer processes, then go on."
        ) from None
    finally:
        sending.close()  # ends the processes, in the middle of a cell too
        pool.shutdown(wait=True, cancel_futures=True)
        receiving.close()


def _end_with(parent: Connection) -> None:
    """Let other programs go first, and end this process as soon as the other end of a pipe is closed, which the system does if its process is killed."""

    def wait() -> None:
        with contextlib.suppress(EOFError, OSError):
            parent.recv_bytes()
        os._exit(0)

    if sys.platform != "win32":
        os.nice(NICENESS)
    threading.Thread(target=wait, name="end with the sweep", daemon=True).start()
