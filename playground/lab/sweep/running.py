"""A sweep as an iterator: each item says how far it is; stop iterating to cancel. Finished cells are never computed again."""

import collections
import concurrent.futures
import contextlib
import itertools
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from playground.lab.atomic import hold, write_whole
from playground.lab.autoguidance import asks_checkpoint
from playground.lab.checkpoints import kept_steps
from playground.lab.experiment import Experiment
from playground.lab.session import Session
from playground.lab.sweep import folder as folders
from playground.lab.sweep.description import Cell, Sweep
from playground.lab.sweep.executors import Workers, here
from playground.lab.sweep.orders import CellResult, Delivery, Order, for_sampling, unpacked
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


Task = tuple[Cell, Order]
"""A cell with the work that it needs now."""


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
    untrained, ready = collections.deque(groups), collections.deque[Task]()
    pending: dict[Future[Delivery], tuple[Cell, Sequence[Cell]]] = {}
    before, begun, done = len(cells) - len(waiting), time.monotonic(), 0
    newest = begun  # when the last cell was finished
    yield Progress((), before, len(cells))
    try:
        while untrained or ready or pending:
            while len(pending) < workers.at_once and (ready or untrained):
                if not ready:
                    group = untrained.popleft()
                    tasks, rest = _first(cells, group, folder, device)
                    ready.extend(tasks)
                else:
                    rest = ()
                cell, order = ready.popleft()
                pending[workers.executor.submit(compute, order)] = cell, rest
            completed, _ = concurrent.futures.wait(
                pending, timeout=HEARTBEAT, return_when=concurrent.futures.FIRST_COMPLETED
            )
            finished: list[Cell] = []
            for future in completed:
                first, rest = pending.pop(future)
                delivery = _delivered(future, workers)
                # If the training failed, all cells of its network did.
                ended = [first, *(rest if delivery.model is None else ())]
                for cell in ended:
                    _deliver(folder, cell, delivery)
                finished += ended
                if delivery.model is not None and rest:
                    model = for_sampling(unpacked(delivery.model), [cell.experiment for cell in rest])
                    ready.extend(_sampled(rest, model, device))
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
    if folders.waiting(folder, [cell]):
        with _alone(folders.model_path(folder, cell).with_suffix(".lock")):
            ((_, order),), _ = _first(cells, [cell], folder, device)
            if order.trains:
                _deliver(folder, cell, compute(order))
        if not order.trains:
            _deliver(folder, cell, compute(order))
    return folders.failure(folder, cell)


def _deliver(folder: Path, cell: Cell, delivery: Delivery) -> None:
    if delivery.model is not None:
        write_whole(folders.model_path(folder, cell), delivery.model)
    folders.write(folder, cell, delivery.found, delivery.log)


def _delivered(future: Future[Delivery], workers: Workers) -> Delivery:
    try:
        return future.result()
    except workers.one_cell:
        said = "Each worker that computed this cell was killed, perhaps for lack of memory: take fewer at once."
        return Delivery(CellResult(error=said))


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
) -> tuple[Sequence[Task], Sequence[Cell]]:
    """The tasks that a group of cells with one network begins with, and the cells that wait for the first task."""
    first = group[0]
    needed = first.measure == "all" or first.losses
    if not needed and all(cell.experiment.sampling.follows != "learned" for cell in group):
        return _sampled(group, None, device), ()
    model = _trained(folders.model_path(folder, first), [cell.experiment for cell in group])
    if model is not None:
        return _sampled(group, model, device), ()
    sharing = [cell for cell in cells if cell.training == first.training]  # those of other jobs too
    keeps = any(asks_checkpoint(cell.experiment) for cell in sharing)
    order = Order(first.settings, first.measure, first.losses, trains=True, keeps_checkpoints=keeps, device=device)
    return [(first, order)], group[1:]


def _sampled(group: Sequence[Cell], model: bytes | None, device: str) -> Sequence[Task]:
    """The tasks of cells whose network is there, or which need none."""
    return [(cell, Order(cell.settings, cell.measure, cell.losses, model=model, device=device)) for cell in group]


def _trained(path: Path, experiments: Sequence[Experiment]) -> bytes | None:
    """The bytes of a trained network that is there already; None if there is none, a damaged one, or one without earlier steps that
    are asked for.
    """
    with contextlib.suppress(UserError):
        session = Session.load(path)
        if kept_steps(session.weights or {}) or not any(asks_checkpoint(one) for one in experiments):
            return for_sampling(session, experiments)
    return None


def compute(order: Order) -> Delivery:
    """Train a network if that is asked for, sample and measure. A cell that fails says why in its delivery.

    Raises:
        UserError: this process runs another version of the program, or a plug-in cannot be loaded.
    """
    from playground.lab.sweep.work import deliver  # loads torch

    return deliver(order)
