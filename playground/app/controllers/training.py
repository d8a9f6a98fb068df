"""Trains what lies on the workspace: begins, rests, goes on; what is asked for too early is kept until it can be done."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.measuring import Measuring
from playground.app.model.state import State
from playground.app.model.workspace import Workspace
from playground.app.workers.worker import Worker
from playground.lab.conflicts import training_conflict

if TYPE_CHECKING:
    from playground.lab.training import TrainingProgress

PROGRESS_SECONDS = 1 / 15  # between two reports of training, which two charts and a dozen numbers follow


class Training(Measuring):
    """One thread trains the network of the present workspace; nothing else changes its weights.

    Signals:
        training_changed(str): "untrained", "waiting" for the data and the network that are being built, "training",
            "paused", "finished" or "diverged"; the same again once training has shown the network something new, for
            example points without their label.
        progress(TrainingProgress): how far it is.
    """

    training_changed = Signal(str)
    progress = Signal(object)

    def __init__(self, state: State, parent: QObject | None = None) -> None:
        super().__init__(state, parent)
        self.failure = ""  # why the settings give no problem; nothing where they do, or may
        self._training: Worker | None = None
        self._resting: Worker | None = None  # the last one to pause, until its block is done
        self._waiting = False  # whether to train as soon as what is being built is there
        self._progress_time = 0.0

    @property
    def building(self) -> bool:
        """Whether other data or another network are on their way to the workspace."""
        raise NotImplementedError

    # What the window may read

    @property
    def training(self) -> str:
        """See :attr:`training_changed`."""
        if self._waiting:
            return "waiting"
        return "untrained" if self._workspace is None else self._workspace.training

    @property
    def training_wanted(self) -> bool:
        """Whether it trains, or will as soon as it can."""
        return self.training in ("waiting", "training")

    @property
    def last_progress(self) -> "TrainingProgress | None":
        return None if self._workspace is None else self._workspace.progress

    @property
    def loss_history(self) -> tuple[np.ndarray, np.ndarray]:
        """See :attr:`playground.app.model.workspace.Workspace.loss_history`."""
        return (np.zeros(0), np.zeros(0)) if self._workspace is None else self._workspace.loss_history

    @property
    def held_out_history(self) -> tuple[np.ndarray, np.ndarray]:
        """See :attr:`playground.app.model.workspace.Workspace.held_out_history`."""
        return (np.zeros(0), np.zeros(0)) if self._workspace is None else self._workspace.held_out_history

    @property
    def trained_steps(self) -> int:
        return 0 if self._workspace is None else self._workspace.trained_steps

    @property
    def untrained(self) -> bool:
        return self._workspace is None or self._workspace.weights.untrained

    # What the window may ask for

    def train(self) -> None:
        """Begin, go on, or train more after the end; what is being built is waited for."""
        workspace = self._workspace
        if self._training is not None:
            return
        if self.building:
            self._wait(True)
            return
        if workspace is None:
            return
        conflict = training_conflict(self._state.experiment, workspace.view.conditions)
        why_disabled = self.failure if conflict is None else str(conflict)
        if why_disabled:
            self.message.emit("error", why_disabled, "")
            return
        experiment = self._state.experiment
        self._training, self._resting = Worker(lambda: workspace.train(experiment), "training"), None
        self._training.start()
        self._state.mark_modified()
        self._become(workspace, "training")

    def pause_training(self) -> None:
        """Let training rest, or take back that it shall begin."""
        self._wait(False)
        resting = self._training
        if resting is not None and self._workspace is not None:
            self._end_training()
            self._resting = resting
            self._become(self._workspace, "paused")

    @Slot()
    def toggle_training(self) -> None:
        """Let training rest, or take back that it shall begin, where it is wanted; else begin or go on."""
        if self.training_wanted:
            self.pause_training()
        else:
            self.train()

    # How it goes

    def _wait(self, waiting: bool) -> None:
        """Begin to train once nothing is being built any more, or not."""
        if waiting != self._waiting:
            self._waiting = waiting
            self.training_changed.emit(self.training)

    def _stop_training(self) -> None:
        """Other work takes the place of what is trained, or was to be."""
        self._wait(False)
        self._end_training()

    def _end_training(self) -> None:
        self._resting = None
        if self._training is not None:
            self._tasks.retire(self._training)
            self._training = None
            if self._workspace is not None and self._workspace.training == "training":
                self._workspace.training = "paused"

    def _become(self, workspace: Workspace, training: str) -> None:
        workspace.training = training
        if workspace is self._workspace:
            self._forget_weights()
            self.training_changed.emit(self.training)

    def _poll_training(self, now: float) -> None:
        """Take what the thread has for us, and begin what was waited for."""
        if self._waiting and not self.building:
            self._waiting = False
            self.train()
            if self._training is None:  # what came cannot be trained
                self.training_changed.emit(self.training)
        worker, workspace = self._training, self._workspace
        if workspace is not None and workspace.learned_of_labels():
            self.training_changed.emit(self.training)
        if workspace is not None and self._resting is not None and self._resting.isFinished():
            self._resting = None  # the block that ran at the pause has counted too
            self.progress.emit(workspace.progress)
            self._become(workspace, "paused")
        if workspace is None or worker is None:
            return
        finished = worker.isFinished()
        if not finished and now - self._progress_time < PROGRESS_SECONDS:
            return
        self._progress_time = now
        progress = worker.latest.take()
        if progress is not None:
            if not self._state.modified:
                self._state.mark_modified()  # a file saved since then lacks these steps
            self.progress.emit(progress)
        if finished:
            self._training = None
            if worker.error is not None:
                self._become(workspace, "paused")
                self._say_stopped("Training", worker.error)
            elif workspace.progress is not None and workspace.progress.diverged:
                self._become(workspace, "diverged")
                self.message.emit("error", workspace.progress.diverged, "")
            else:
                self._become(workspace, "finished")
