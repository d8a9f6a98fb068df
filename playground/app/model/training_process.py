"""A process that trains beside the window, so that training does not wait for the interpreter. This module imports torch only once it trains.

A training step hands the interpreter over at each of its hundred operations, and beside a busy thread of the window each costs it a
wait. Only arrays and plain values cross; a trainer goes there and comes back as its state.
"""

import contextlib
import itertools
import multiprocessing
import signal
import threading
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from playground.app.workers.memory import limit_memory
from playground.kinds import plugins
from playground.lab import experiment as description
from playground.lab.experiment import Experiment
from playground.lab.points import Points
from playground.lab.progress import TrainingProgress
from playground.messages import Message
from playground.user_errors import UserError, user_error

if TYPE_CHECKING:
    from torch import Tensor

    from playground.lab.problem import Problem
    from playground.lab.training import Trainer

BEGIN, END = "begin", "end"
_numbers = itertools.count(1)


class ProcessEnded(Exception):
    """The process that trains has ended, as when the system is short of memory."""


class TrainingProcess:
    """A process that trains. Threads call it, one at a time. Once it has ended it is not started again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._is_ready = self._has_ended = False

    def takes(self, problem: "Problem") -> bool:
        """Whether it can train this now: points of the plane on the processor. It is started when it is asked for the first time,
        and is ready seconds later."""
        return problem.device.type == "cpu" and len(problem.shape) == 1 and self._ready()

    def _ready(self) -> bool:
        with self._lock, contextlib.suppress(EOFError, OSError):
            if self._has_ended:
                return False
            if self._process is None:
                self._start()
            assert self._connection is not None
            if not self._is_ready and self._connection.poll():
                self._connection.recv()
                self._is_ready = True
            return self._is_ready
        self._has_ended = True
        return False

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), name="training", daemon=True)
        self._process.start()
        theirs.close()

    def call(self, name: str, number: int, *arguments: Any) -> Any:
        """Call a method of a :class:`_Served` there; BEGIN makes it, END returns its state and lets go of it.

        Raises:
            ProcessEnded: it is not there any more.
            UserError: the method raised one, or another error that the user can mend.
            RuntimeError: the method raised any other error.
        """
        answer = None
        with self._lock, contextlib.suppress(EOFError, OSError):
            if self._connection is not None and not self._has_ended:
                self._connection.send((name, number, arguments))
                answer = self._connection.recv()
        if answer is None:  # raised here, since the frames of an error while sending would keep what was sent
            self._has_ended = True
            raise ProcessEnded
        reply, said, trace = answer
        if said is not None:
            raise UserError(said)
        if trace:
            raise RuntimeError(f"In the process that trains:\n{trace}")
        return reply

    def end(self) -> None:
        """End the process, when quitting, even in the middle of a call, which then raises ProcessEnded."""
        self._has_ended = True
        if self._process is not None:
            self._process.kill()
            self._process.join(1.0)


class RemoteTrainer:
    """A trainer in another process, as far as the window needs it.

    Attributes:
        step: the steps made.
        facts: see :attr:`playground.lab.training.Trainer.facts`.
        kept: the weights that are kept of earlier steps, by their step; another mapping whenever they change.

    Args:
        trainer: the one that it goes on from; :meth:`return_to` brings back what was learned.
        state: that of the trainer.

    Raises:
        ProcessEnded: as all its methods.
        UserError: a plug-in cannot be loaded there.
    """

    def __init__(self, process: TrainingProcess, trainer: "Trainer", state: Mapping[str, np.ndarray]) -> None:
        self._process, self._number = process, next(_numbers)
        self.step, self.facts, self.kept = trainer.step, trainer.facts, trainer.kept
        problem = trainer.problem
        files = {path: one.checksum for path, one in plugins.loaded.items()}
        points = Points.of(problem.dataset).packed()
        self._call(BEGIN, msgspec.to_builtins(problem.experiment), files, points, state)

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call a method of the :class:`_Served` there, and note how far it is."""
        reply, (self.step, facts, kept) = self._process.call(name, self._number, *arguments)
        self.facts = self.facts | facts
        if kept is not None:
            self.kept = {step: self.kept[step] if new is None else _tensors(new) for step, new in kept.items()}
        return reply

    @property
    def finished(self) -> bool:
        return bool(self.facts["finished"])

    def set_hyperparameters(self, experiment: Experiment) -> None:
        self._call("set_hyperparameters", msgspec.to_builtins(experiment))
        self.facts |= {"experiment": experiment}

    def extend(self) -> None:
        self._call("extend")

    def __next__(self) -> TrainingProgress:
        progress = self._call("advance")
        if progress is None:
            raise StopIteration
        return progress  # type: ignore[no-any-return]

    def snapshot(self) -> "dict[str, Tensor]":
        return _tensors(self._call("snapshot"))

    def state(self) -> dict[str, np.ndarray]:
        return self._call("state")  # type: ignore[no-any-return]

    def return_to(self, trainer: "Trainer") -> None:
        """Give a trainer all that was learned there, and end this one."""
        state = self._call(END)
        restore(trainer, self.facts["experiment"], state, self.kept)


def restore(
    trainer: "Trainer",
    experiment: Experiment,
    state: Mapping[str, np.ndarray],
    kept: "Mapping[int, Mapping[str, Tensor]]",
) -> None:
    """Give a trainer the settings and the state of another of the same problem, with the very weights that are known of its steps."""
    trainer.set_hyperparameters(experiment)
    trainer.restore(state)
    trainer.checkpoints.share(kept)


class _Served:
    """A trainer in the process that trains. What the methods return crosses to the window."""

    def __init__(self, settings: Any, files: Any, points: Any, state: Mapping[str, np.ndarray]) -> None:
        from playground.lab.problem import Problem
        from playground.lab.training import Trainer

        plugins.load_all(files)
        experiment = description.from_tree(settings, Experiment())
        self._trainer = Trainer(Problem.build(experiment, Points.unpacked(*points).dataset(experiment)))
        self._trainer.restore(state)
        self._known = self._trainer.kept

    def set_hyperparameters(self, settings: Any) -> None:
        self._trainer.set_hyperparameters(description.from_tree(settings, Experiment()))

    def extend(self) -> None:
        self._trainer.extend()

    def advance(self) -> TrainingProgress | None:
        return next(self._trainer, None)

    def snapshot(self) -> dict[str, np.ndarray]:
        return _arrays(self._trainer.snapshot())

    def state(self) -> dict[str, np.ndarray]:
        return self._trainer.state()

    def end(self) -> dict[str, np.ndarray]:
        return self.state()

    def now(self) -> tuple[Any, ...]:
        """The steps, what is known of the trainer but its settings, and its kept weights if they have changed, None for known ones."""
        trainer, known = self._trainer, self._known
        kept = None
        if trainer.kept is not known:
            self._known = trainer.kept
            kept = {step: None if known.get(step) is one else _arrays(one) for step, one in trainer.kept.items()}
        facts = {name: value for name, value in trainer.facts.items() if name != "experiment"}
        return trainer.step, facts, kept


def _answered(served: dict[int, _Served], name: str, number: int, arguments: Any) -> tuple[Any, tuple[Any, ...]]:
    """What a method returns, and how far its trainer is. The first call makes the trainer, the last lets go of it."""
    if name == BEGIN:
        served[number] = _Served(*arguments)
        return None, served[number].now()
    one = served.pop(number) if name == END else served[number]
    return getattr(one, name)(*arguments), one.now()


def _serve(connection: Connection) -> None:
    """Answer calls until the window ends this process, or the system closes the connection because the window was killed."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # sent to both, and the window still saves what was learned
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    limit_memory()
    import torch

    torch.set_num_threads(1)
    served: dict[int, _Served] = {}
    with contextlib.suppress(EOFError, OSError):
        connection.send(None)
        while True:
            asked = connection.recv()
            try:
                reply: tuple[Any, Message | None, str] = _answered(served, *asked), None, ""
            except Exception as error:  # the process's edge: the thread that asked reports it
                reply = None, user_error(error), traceback.format_exc()
            connection.send(reply)


def _arrays(weights: "Mapping[str, Tensor]") -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in weights.items()}


def _tensors(weights: Mapping[str, np.ndarray]) -> "dict[str, Tensor]":
    import torch

    return {name: torch.from_numpy(array) for name, array in weights.items()}
