"""A training that may go on, and what has come of it so far. This module imports no torch."""

import contextlib
import dataclasses
import itertools
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from playground.app.model.training_process import ProcessEnded, RemoteTrainer, TrainingProcess, restore
from playground.app.workers.worker import Mailbox
from playground.lab.experiment import Experiment
from playground.lab.keys import TrainingKey
from playground.lab.loss_identity import loss_identity
from playground.lab.points import Points
from playground.lab.progress import TrainingProgress
from playground.lab.recovery import keep_training
from playground.lab.store import Store
from playground.lab.trained import Trained
from playground.messages import Message
from playground.records import record

if TYPE_CHECKING:
    from torch import Tensor

    from playground.lab.problem import Problem
    from playground.lab.training import Trainer

logger = logging.getLogger("playground")

KEPT_LOSSES = 2_000  # points of the loss curve in a session
WEIGHTS_SECONDS = 0.15  # greatest age of the published weights while training goes on
versions = itertools.count(1)
"""The version of the next weights."""


@record
class Weights:
    """Averaged weights of the network; `version` grows with every snapshot.

    Attributes:
        step: the training step for which they are kept; None for the newest weights.
        earlier: the weights that are kept of steps of the same training, by their step, for autoguidance.
        made: the training steps made.
    """

    version: int
    tensors: Mapping[str, "Tensor"]
    untrained: bool
    step: int | None = None
    earlier: "Mapping[int, Mapping[str, Tensor]]" = field(default_factory=dict)
    made: int = 0


@record
class Snapshot:
    """What has come of a training. It never changes: after each block of training there is another one.

    Attributes:
        newest: the newest averaged weights, at most 0.15 s old while training goes on.
        kept: the weights of earlier steps, by their step, ascending.
        experiment: the settings with which it was trained last, or will be first.
        hidden_labels: what it has shown of labels, see :class:`playground.lab.problem.Problem`.
        seconds: the time spent training.
        finished: whether it has reached its limit, diverged or stopped early.
        stopped: whether it stopped early.
        status: "untrained", "training", "paused", "finished" or "diverged".
        progress: the last report.
        losses, held_out: (2, C) and (2, H): steps with their losses and held-out losses, all by the objective of `experiment`.
    """

    newest: Weights
    kept: Mapping[int, Weights]
    experiment: Experiment
    hidden_labels: tuple[float, float] | None
    seconds: float
    finished: bool
    stopped: bool
    status: str
    progress: TrainingProgress | None
    losses: np.ndarray
    held_out: np.ndarray

    @property
    def step(self) -> int:
        """Steps of the last report, or of weights that came without one."""
        return self.newest.made if self.progress is None else self.progress.step

    @property
    def moment(self) -> tuple[int, str]:
        """Differs whenever the training has learned something, or its status has changed."""
        return self.step, self.status

    @property
    def kept_steps(self) -> tuple[int, ...]:
        """The steps before the newest whose weights are kept, ascending."""
        return tuple(step for step in self.kept if step < self.step)

    @property
    def shown_steps(self) -> tuple[int, ...]:
        """The steps that can be shown, ascending; the last one is the newest. Empty before training."""
        return (*self.kept_steps, self.step) if self.step else ()

    @property
    def shown_weights(self) -> list[Weights]:
        """The weights of each step that can be shown, the newest last."""
        return [*map(self.weights_at, self.kept_steps), dataclasses.replace(self.newest, step=self.step)]

    def weights_at(self, step: int | None) -> Weights:
        """The weights of a step; the newest for None, and if none of the step are kept."""
        return self.kept[step] if step is not None and step in self.kept_steps else self.newest

    def at_rest(self, is_main: bool = False) -> str:
        """The status when training rests. A column's training goes on beyond its limit, as far as the document's own has come."""
        if self.progress is not None and self.progress.diverged is not None:
            return "diverged"
        return "finished" if self.stopped or (is_main and self.finished) else "paused"

    @property
    def course(self) -> dict[str, Any]:
        """How the training went, see :class:`playground.lab.trained.Trained`."""
        every = max(self.losses.shape[1] // KEPT_LOSSES, 1)
        steps, losses = self.losses[:, ::-every][:, ::-1]  # including the last one
        return {
            "state": "paused" if self.status == "training" else self.status,
            "progress": None if self.progress is None else self.progress.to_json(),
            "objective": msgspec.to_builtins(self.experiment.objective),  # the objective of these losses
            "training": msgspec.to_builtins(self.experiment.training),
            "steps": steps.astype(int).tolist(),
            "losses": losses.tolist(),
            "held_out": [(int(step), loss) for step, loss in self.held_out.T.tolist()],
        }


class FairLock:
    """A lock that the same thread cannot take twice in a row while another waits.

    The trainer takes it again every 60 ms, and Python's own lock may give it to the same thread each time.
    """

    def __init__(self) -> None:
        self._next, self._lock = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._next:  # a waiting thread holds this, so that the last owner comes after it
            self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


class LiveTraining:
    """Trains in one thread, or in a process that this drives. Other threads read :attr:`now`, and ask for :meth:`trained` to save it.

    Args:
        key: the training; None of one that nothing leads back to.
        course: how it went before, see :class:`playground.lab.trained.Trained`; shown as far as it is valid.

    Attributes:
        trainer: what trains, unless it is away in another process; then it is as far as it was when it went there.
        now: what has come of it so far.
        lost: why it went back to an earlier step, if it did, for the window to say.
        stored: the moment of the training that the store has; None if that is not known.
    """

    def __init__(self, trainer: "Trainer", key: TrainingKey | None = None, course: Mapping[str, Any] | None = None):
        self.trainer, self.key = trainer, key
        self.stored: tuple[int, str] | None = None
        self.lost = Mailbox[Message]()
        self._wanted: tuple[Experiment] | None = (
            None  # the settings to go on with, another object each time they are set
        )
        self._taken: tuple[Experiment] | None = None  # those that it goes on with already
        self._away: RemoteTrainer | None = None  # what trains meanwhile
        self._safe: tuple[Experiment, Trained] | None = (
            None  # what had been learned when it went, or was saved since then
        )
        self._stays = False  # whether it cannot go there
        self._published = 0.0  # when weights were, by the monotonic clock
        self._block = FairLock()  # held while the trainer works, about 60 ms
        self._publishing = threading.Lock()  # the window publishes too when training begins and rests
        self.now = Snapshot(**trainer.facts, **self._remembered(course or {}), **self._weights({}))

    def publish(self, **changes: Any) -> None:
        """Put a snapshot with these changes in the place of the last one."""
        with self._publishing:
            self.now = dataclasses.replace(self.now, **changes)

    def set_hyperparameters(self, experiment: Experiment) -> None:
        """Go on with other settings from the next block on; data, noise, network and seeds stay those of the trainer."""
        self._wanted = (experiment,)

    def advance(self, more: bool, process: TrainingProcess | None = None) -> None:
        """Train for 30 to 60 ms, unless the limit is reached. Takes new settings, and publishes weights from time to time.

        Args:
            more: continue beyond the limit if it was reached before.
            process: trains from now on if it can.
        """
        with self._block, self._kept_if_lost():
            goes = self._away is None and not self._stays and self.trainer.step
            if goes and process is not None and process.takes(self.trainer.problem):
                self._send_to(process)
            self._train(more)

    def _send_to(self, process: TrainingProcess) -> None:
        """Let another process train; if it cannot, for example without a plug-in, training stays here."""
        safe = self._trained()
        try:
            self._away, self._safe = RemoteTrainer(process, self.trainer, safe.state), (self.now.experiment, safe)
        except Exception:  # nothing is lost
            self._stays = True
            logger.warning("Training goes on in the window's process", exc_info=True)

    def _train(self, more: bool) -> None:
        import torch

        torch.set_num_threads(torch_threads(self.trainer.problem))
        self._take_settings()
        if more and self._at_work.finished:
            self._at_work.extend()
        progress, now = next(self._at_work, None), self.now
        changes = dict(self._at_work.facts)
        if progress is not None:
            changes |= {"progress": progress, "losses": _with(now.losses, progress.step, progress.loss)}
            if progress.held_out_loss is not None:
                changes["held_out"] = _with(now.held_out, progress.step, progress.held_out_loss)
            if time.monotonic() - self._published > WEIGHTS_SECONDS:
                changes |= self._weights(now.kept)
        self.publish(**changes)

    @property
    def _at_work(self) -> "Trainer | RemoteTrainer":
        return self._away or self.trainer

    @contextlib.contextmanager
    def _kept_if_lost(self) -> Iterator[None]:
        """Go back to what was saved last, or sent away, if the other process ends meanwhile."""
        try:
            yield
        except ProcessEnded:
            lost, safe = self._away, self._safe
            assert lost is not None
            assert safe is not None
            self._away = self._safe = self._taken = None
            experiment, saved = safe
            restore(self.trainer, experiment, saved.state, lost.kept)
            step = self.trainer.step
            losses, held_out = (curve[:, curve[0] <= step] for curve in (self.now.losses, self.now.held_out))
            told = {"progress": saved.last, "losses": losses, "held_out": held_out}
            self.publish(**self.trainer.facts, **told, **self._weights(self.now.kept))
            text = "The system ended the process that trained: training goes on from step {:,}."
            self.lost.put(Message("process-ended", text, (step,)))
            logger.warning("The process that trained has ended; training goes on from step %d", step)

    def bring_back(self) -> None:
        """Go on in this process, with all that was learned in another."""
        with self._block, self._kept_if_lost():
            if self._away is not None:
                self._away.return_to(self.trainer)
                self._away = self._safe = None

    def _take_settings(self) -> None:
        """Go on with other settings, if any are wanted."""
        wanted = self._wanted
        if wanted is None or wanted is self._taken:
            return
        (experiment,), made_for = wanted, self._at_work.facts["experiment"]
        training = msgspec.structs.replace(experiment.training, seed=made_for.training.seed)
        self._at_work.set_hyperparameters(
            msgspec.structs.replace(made_for, objective=experiment.objective, training=training)
        )
        self._taken = wanted
        if loss_identity(experiment) != loss_identity(made_for):  # the two losses have no common scale
            self.publish(losses=_curve([]), held_out=_curve([]))

    def rest(self, **changes: Any) -> None:
        """Publish the newest weights, and these changes."""
        with self._block:
            with self._kept_if_lost():
                self.publish(**self._weights(self.now.kept))
            self.publish(**changes)

    def trained(self) -> Trained:
        """What came of the training so far; available only between two blocks of training."""
        with self._block:  # so that both are of one moment
            with self._kept_if_lost():
                found = self._trained()
                if self._away is not None:
                    self._safe = self.now.experiment, found
                return found
            return self._trained()

    def _trained(self) -> Trained:
        state = self._at_work.state() if self._at_work.step else {}
        return Trained(state, self.now.course, str(self.trainer.problem.device))

    def keep_in(self, store: Store, points: Points) -> None:
        """Keep what came of the training so far, and its points; waits for the end of a block of training."""
        assert self.key is not None
        moment = self.now.moment
        keep_training(store, self.key, self.trained(), points)
        self.stored = moment

    @property
    def is_stored(self) -> bool:
        """Whether the store has all that was trained."""
        return not self.now.step or self.now.moment == self.stored

    def _weights(self, known: Mapping[int, Weights]) -> dict[str, Any]:
        """The newest averaged weights, and those of earlier steps.

        Args:
            known: those that were published before. They stay of one version, so that their runs and figures are found again.
        """
        made, earlier, kept = self._at_work.step, self._at_work.kept, {}
        newest = Weights(next(versions), self._at_work.snapshot(), untrained=not made, earlier=earlier, made=made)
        self._published = time.monotonic()
        for step, tensors in earlier.items():
            one = known.get(step)
            if one is None or one.tensors is not tensors:
                one = Weights(next(versions), tensors, untrained=not step, step=step, earlier=earlier, made=step)
            kept[step] = one
        return {"newest": newest, "kept": kept}

    def _remembered(self, course: Mapping[str, Any]) -> dict[str, Any]:
        """The parts of a snapshot that say how the training went, as far as they are valid; never used for computing."""
        trainer, status = self.trainer, course.get("state")
        untold = "untrained" if not trainer.step else "finished" if trainer.finished else "paused"
        steps, losses = _valid(course.get("steps"), int), _valid(course.get("losses"), float | None)
        known = [pair for pair in zip(steps, losses, strict=False) if pair[1] is not None]
        progress = TrainingProgress.from_json(course.get("progress"))
        if progress is not None and progress.optimal_loss is not None and progress.optimal_loss_error is None:
            progress = trainer.with_optimal_loss(progress)
        return {
            "status": status if status in ("paused", "finished", "diverged") else untold,
            "progress": progress,
            "losses": _curve(known if len(steps) == len(losses) else []),
            "held_out": _curve(_valid(course.get("held_out"), tuple[int, float])),  # a file without them is read
        }


def _curve(pairs: list[Any]) -> np.ndarray:
    """Steps and losses, (2, C), of pairs."""
    return np.array(pairs, dtype=float).reshape(-1, 2).T


def _with(curve: np.ndarray, step: int, loss: float) -> np.ndarray:
    """A curve with one more point. After an hour of training the copy takes 1 ms of a block of 30 to 60."""
    return np.append(curve, [[step], [loss]], axis=1)


def _valid(told: object, kind: Any) -> list[Any]:
    """A list whose values are all of a kind; empty if they are not."""
    try:
        return msgspec.convert(told, list[kind])
    except msgspec.ValidationError:
        return []


def torch_threads(problem: "Problem") -> int:
    """The number of threads for torch, for this problem on this machine."""
    from playground.lab.training import recommended_threads

    return recommended_threads(problem, os.cpu_count() or 1)
