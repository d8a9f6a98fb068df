"""A sweep as an iterator: each item says how far it is; stop iterating to cancel. Finished cells are never computed again."""

import collections
import concurrent.futures
import contextlib
import itertools
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.lab.atomic import atomic_write, hold
from playground.lab.autoguidance import asks_checkpoint
from playground.lab.checkpoints import kept_steps
from playground.lab.experiment import Experiment
from playground.lab.session import Session
from playground.lab.sweep import folder as folders
from playground.lab.sweep.description import Cell, Sweep
from playground.lab.sweep.executors import Workers, here
from playground.lab.sweep.orders import Delivery, Order, for_sampling, unpacked
from playground.user_errors import UserError

HEARTBEAT = 0.5
"""Seconds after which an item comes even if no cell is finished, so that a sweep can be cancelled."""


@dataclass(frozen=True)
class Progress:
    """A report of a sweep.

    Attributes:
        finished: the cells that were finished, or failed, since the last report.
        done: the number of cells that are finished or failed, with those of earlier runs.
        total: the number of cells.
        seconds_left: an estimate; None before there is one.
    """

    finished: tuple[Cell, ...]
    done: int
    total: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class _Task:
    cell: Cell
    order: Order


def run(
    sweep: Sweep, cells: Sequence[Cell], folder: Path, workers: Workers | None = None, device: str = "auto"
) -> Iterator[Progress]:
    """Compute the unfinished cells of a sweep, and write each into its folder as soon as it is finished.

    Only this process writes there, so workers need no access to the folder. A cell that fails is written with the reason.

    Args:
        sweep, cells: as :func:`playground.lab.sweep.load` returns them.
        folder: where the cells are written; those that it has already, of this sweep or another, are not computed again.
        workers: as :func:`playground.lab.sweep.processes` yields them; by default this thread.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        UserError: another process computes in the folder now, or a worker has another version.
    """
    folders.prepare(sweep, folder)
    with folders.held(folder), contextlib.ExitStack() as stack:
        chosen = stack.enter_context(here()) if workers is None else workers
        yield from _run(cells, folder, chosen, device)


def _run(cells: Sequence[Cell], folder: Path, workers: Workers, device: str) -> Generator[Progress, None, None]:
    waiting = sorted(folders.waiting(folder, cells), key=lambda cell: (cell.training, cell.number))
    groups = [list(group) for _, group in itertools.groupby(waiting, key=lambda cell: cell.training)]
    groups.sort(key=lambda group: group[0].number)
    # Cells whose network is there go first, so that few networks are in memory.
    untrained, ready = collections.deque(groups), collections.deque[_Task]()
    pending: dict[Future[Delivery], tuple[_Task, Sequence[Cell]]] = {}
    before, begun, done = len(cells) - len(waiting), time.monotonic(), 0
    newest = begun  # when the last cell was finished
    yield Progress((), before, len(cells))
    try:
        while untrained or ready or pending:
            while len(pending) < workers.at_once and (ready or untrained):
                if not ready:
                    group = untrained.popleft()
                    tasks, rest = _first(cells, group, folder, device)
                    if rest:
                        pending[workers.executor.submit(compute, tasks[0].order)] = tasks[0], rest
                        continue
                    ready.extend(tasks)
                task = ready.popleft()
                pending[workers.executor.submit(compute, task.order)] = task, ()
            completed, _ = concurrent.futures.wait(
                pending, timeout=HEARTBEAT, return_when=concurrent.futures.FIRST_COMPLETED
            )
            finished: list[Cell] = []
            for future in completed:
                task, rest = pending.pop(future)
                delivery = _delivered(future, workers)
                # If the training failed, all cells of its network did.
                ended = [task.cell, *(rest if delivery.model is None else ())]
                for cell in ended:
                    _deliver(folder, cell, delivery)
                finished += ended
                if delivery.model is not None and rest:
                    model = for_sampling(unpacked(delivery.model), _experiments(rest))
                    ready.extend(_Task(cell, _order(cell, model, device)) for cell in rest)
            done += len(finished)
            now = time.monotonic()
            newest = now if finished else newest
            expected = (newest - begun) / done * (len(waiting) - done) if done else None
            left = None if expected is None else max(expected - (now - newest), 0.0)
            yield Progress(tuple(finished), before + done, len(cells), left)
    finally:
        for future in pending:
            future.cancel()


def run_cell(sweep: Sweep, cells: Sequence[Cell], folder: Path, number: int, device: str = "auto") -> str | None:
    """Compute one cell, unless it is finished, as a job of an array does. Other processes may compute others meanwhile.

    Returns:
        Why the cell failed; None if it did not.

    Raises:
        UserError: there is no such cell, or the folder cannot be made.
    """
    if not 0 <= number < len(cells):
        raise UserError(f"There is no cell {number}: this sweep has the cells 0 to {len(cells) - 1}.")
    cell = cells[number]
    folders.prepare(sweep, folder)
    if folders.result(folder, cell) is None:
        with _alone(folders.model_path(folder, cell).with_suffix(".lock")):
            (task,), _ = _first(cells, [cell], folder, device)
            if task.order.trains:
                _deliver(folder, cell, compute(task.order))
        if not task.order.trains:
            _deliver(folder, cell, compute(task.order))
    return folders.failure(folder, cell)


def _deliver(folder: Path, cell: Cell, delivery: Delivery) -> None:
    if delivery.model is not None:
        with atomic_write(folders.model_path(folder, cell)) as temporary:
            temporary.write_bytes(delivery.model)
    folders.write(folder, cell, delivery.found, delivery.log)


def _delivered(future: Future[Delivery], workers: Workers) -> Delivery:
    try:
        return future.result()
    except workers.one_cell:
        return Delivery(
            {"error": "Each worker that computed this cell was killed, perhaps for lack of memory: take fewer at once."}
        )


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process holds a file. Without locks two processes may train the same network, which harms nothing."""
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(hold(path))
                break
            except BlockingIOError:
                time.sleep(HEARTBEAT)
        yield


def _first(
    cells: Sequence[Cell], group: Sequence[Cell], folder: Path, device: str
) -> tuple[list[_Task], Sequence[Cell]]:
    """The tasks that a group of cells with one network begins with, and the cells that wait for the first task."""
    needed = group[0].measure == "all" or group[0].losses
    if not needed and all(cell.experiment.sampling.follows != "learned" for cell in group):
        return [_Task(cell, _order(cell, None, device)) for cell in group], ()
    model = _trained(folders.model_path(folder, group[0]), group)
    if model is not None:
        return [_Task(cell, _order(cell, model, device)) for cell in group], ()
    sharing = [cell for cell in cells if cell.training == group[0].training]  # those of other jobs too
    keeps = any(asks_checkpoint(one) for one in _experiments(sharing))
    return [_Task(group[0], _order(group[0], None, device, trains=True, keeps_checkpoints=keeps))], group[1:]


def _experiments(cells: Sequence[Cell]) -> list[Experiment]:
    return [cell.experiment for cell in cells]


def _trained(path: Path, group: Sequence[Cell]) -> bytes | None:
    """The bytes of a trained network that is there already; None if there is none, a damaged one, or one without earlier steps that
    are asked for.
    """
    experiments = _experiments(group)
    with contextlib.suppress(UserError):
        session = Session.load(path)
        if kept_steps(session.weights or {}) or not any(asks_checkpoint(one) for one in experiments):
            return for_sampling(session, experiments)
    return None


def _order(
    cell: Cell,
    model: bytes | None,
    device: str,
    trains: bool = False,
    keeps_checkpoints: bool = False,
) -> Order:
    settings: Mapping[str, Any] = cell.settings
    return Order(settings, cell.measure, cell.losses, trains, keeps_checkpoints, model, device)


def compute(order: Order) -> Delivery:
    """Train a network if that is asked for, sample and measure. A cell that fails says why in its delivery.

    Raises:
        UserError: this process runs another version of the program, or a plug-in cannot be loaded.
    """
    from playground.lab.sweep.work import deliver  # loads torch

    return deliver(order)
