"""Trains the network of the workspace: starts, pauses and continues. Requests wait until they are possible."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from msgspec import structs
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.building import Building, key_of, new_name, restarts
from playground.app.controllers.notification import Notification, conflict, stopped
from playground.app.controllers.reading import Reading
from playground.app.model.history import shared
from playground.app.model.state import State
from playground.app.model.workspace import Workspace
from playground.app.workers.jobs import Jobs, without_fraction
from playground.lab.conflicts import training_conflict
from playground.lab.document import LessonPlace
from playground.lab.experiment import Experiment
from playground.lab.session import Session
from playground.messages import Message, setting

if TYPE_CHECKING:
    from playground.lab.training import TrainingProgress

JOB = "training"
PROGRESS_SECONDS = 1 / 15  # between two reports of progress, which update two charts and a dozen numbers


class Training(QObject):
    """Runs one thread that trains the network of the current workspace; nothing else changes its weights.

    Signals:
        changed(str): "untrained", "waiting" (data or network are being built), "training", "paused", "finished" or
            "diverged". It is emitted again if the network has seen something new, for example points without a label.
        weights_changed(): training has begun or paused, so that figures are of other weights; emitted before `changed`.
        progress(TrainingProgress): the progress of training.
    """

    changed = Signal(str)
    weights_changed = Signal()
    progress = Signal(object)

    def __init__(
        self, state: State, building: Building, reading: Reading, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self._building, self._reading, self._jobs = state, building, reading, jobs
        self.is_resting = False  # paused, while the block in progress is done
        self._waiting = False  # whether to train when the workspace is built
        self._more = True  # whether to train more then if training has ended
        self._progress_time = 0.0
        state.changed.connect(self._edited)
        building.withdrawn.connect(lambda: self._wait(False))
        building.resetting.connect(self.stop)
        building.leaving.connect(self._leave)
        building.taken.connect(self._take)
        building.settings_changed.connect(self._take_settings)

    # What the window may read

    @property
    def status(self) -> str:
        """See :attr:`changed`."""
        if self._waiting:
            return "waiting"
        workspace = self._building.workspace
        return "untrained" if workspace is None else workspace.training

    @property
    def wanted(self) -> bool:
        """Whether training runs, or will when it can."""
        return self.status in ("waiting", "training")

    @property
    def last_progress(self) -> "TrainingProgress | None":
        workspace = self._building.workspace
        return None if workspace is None else workspace.progress

    @property
    def loss_history(self) -> tuple[np.ndarray, np.ndarray]:
        """See :attr:`playground.app.model.workspace.Workspace.loss_history`."""
        workspace = self._building.workspace
        return (np.zeros(0), np.zeros(0)) if workspace is None else workspace.loss_history

    @property
    def held_out_history(self) -> tuple[np.ndarray, np.ndarray]:
        """See :attr:`playground.app.model.workspace.Workspace.held_out_history`."""
        workspace = self._building.workspace
        return (np.zeros(0), np.zeros(0)) if workspace is None else workspace.held_out_history

    @property
    def trained_steps(self) -> int:
        workspace = self._building.workspace
        return 0 if workspace is None else workspace.trained_steps

    @property
    def untrained(self) -> bool:
        workspace = self._building.workspace
        return workspace is None or workspace.weights.untrained

    @property
    def other_objective(self) -> Message | None:
        """A message that the weights at rest were trained with another objective than the chosen one; None if not."""
        workspace = self._building.workspace
        if workspace is None or not workspace.trained_steps or self.wanted:
            return None
        trained = workspace.trainer.problem.experiment.objective.kind
        if trained == self._state.experiment.objective.kind:
            return None
        said = "These weights were trained with the {}. Training would go on from them; Reset begins with new ones."
        return Message("other-objective", said, (setting("objective.kind", trained),), "objective.kind")

    # What the window may ask for

    def teach(self, experiment: Experiment, lesson: LessonPlace, weights: Path | None = None) -> None:
        """Take the experiment of a scene or of a lesson's step, with weights of its own, as one step of the history; and train to
        the end if its particles follow a learned score. Weights that a step with these settings has learned stay: the steps of a
        lesson share their weights, and two scenes do not.

        Args:
            weights: a session that ships with the program, whose weights take the place of a training.
        """
        state = self._state
        settings = shared(state.experiment, experiment)
        wanted = structs.replace(state.document, experiment=settings, lesson=lesson, columns=(), clicked=())
        key = wanted.training
        if key is None or key in state.own.trainings or key.name.rpartition(" ")[0] != lesson.name:
            wanted = wanted.begun(new_name(lesson.name))
            if weights is not None:
                self._building.given[key_of(wanted)] = lambda: Session.load(weights)
        state.push(wanted)
        if experiment.sampling.follows == "learned" and weights is None:
            self.start(more=False)

    def start(self, *, more: bool = True) -> None:
        """Start or continue training; a workspace that is being built is waited for.

        Args:
            more: after the end of training, train more.
        """
        workspace = self._building.workspace
        if self.is_running:
            return
        if self._building.busy:
            self._more = more
            self._wait(True)
            return
        if workspace is None:
            return
        if self._conflict() is not None:
            self._state.notified.emit(conflict(self._conflict, "error"))
            return
        failure = self._building.failure
        if failure is not None:
            self._state.notified.emit(
                Notification("error", failure, is_current=lambda: self._building.failure == failure)
            )
            return
        experiment = self._state.experiment
        self.is_resting = False
        steps = without_fraction(lambda: workspace.train(experiment, more))
        self._jobs.start(JOB, "Training", steps, self._progressed, self._ended, self._ended)
        self._state.mark_modified()
        self._become(workspace, "training")

    def pause(self) -> None:
        """Pause training, or withdraw the request to train."""
        self._wait(False)
        workspace = self._building.workspace
        if self.is_running and workspace is not None:
            self._jobs.interrupt(JOB)
            self.is_resting = True
            self._become(workspace, "paused")

    @Slot()
    def toggle(self) -> None:
        """Pause training or withdraw the request if there is one; otherwise start or continue."""
        if self.wanted:
            self.pause()
        else:
            self.start()

    @Slot()
    def stop(self) -> None:
        """Stop training and withdraw the request: other work replaces this."""
        self._wait(False)
        self._end()

    @property
    def is_running(self) -> bool:
        """Whether a thread trains, and was not paused."""
        return self._jobs.running(JOB) and not self.is_resting

    # How it proceeds

    def _conflict(self) -> Message | None:
        """Why the current settings cannot be trained."""
        return training_conflict(self._state.experiment, self._building.conditions)

    def _wait(self, waiting: bool) -> None:
        """Set whether to train when the workspace is built."""
        if waiting != self._waiting:
            self._waiting = waiting
            self.changed.emit(self.status)

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        """End training if a change restarts it; it starts again only on request."""
        if restarts(keys) and not self._reading.is_adopting:
            self._wait(False)

    @Slot(object)
    def _take_settings(self, keys: frozenset[str]) -> None:
        """Continue training with other settings, if they can be trained."""
        workspace = self._building.workspace
        if (
            workspace is None
            or not self.is_running
            or not any(key.startswith(("training.", "objective.")) for key in keys)
        ):
            return
        if self._conflict() is None:
            workspace.pending_hyperparameters.put(self._state.experiment)
        else:
            self.pause()
            self._state.notified.emit(conflict(self._conflict))

    @Slot(object)
    def _leave(self, workspace: Workspace | None) -> None:
        """Leave the current workspace. Training continues if only the measurements changed."""
        before, trained = self._building.workspace, self.is_running
        if workspace is None:
            self.stop()
        elif workspace is not before:
            self._end()
            if before is not None and workspace.trainer is before.trainer:
                workspace.go_on_from(before)
                self._waiting |= trained and not self._building.is_behind(workspace)

    @Slot()
    def _take(self) -> None:
        workspace = self._building.workspace
        self.changed.emit(self.status)
        if workspace is not None and workspace.progress is not None:
            self.progress.emit(workspace.progress)

    def _end(self) -> None:
        self.is_resting = False
        self._jobs.cancel(JOB)
        workspace = self._building.workspace
        if workspace is not None and workspace.training == "training":
            workspace.become("paused")

    def _become(self, workspace: Workspace, training: str) -> None:
        workspace.become(training)
        if workspace is self._building.workspace:
            self.weights_changed.emit()
            self.changed.emit(self.status)

    def poll(self) -> None:
        """Start training that was waiting."""
        if self._waiting and not self._building.busy:
            self._waiting = False
            self.start(more=self._more)
            if not self.is_running:  # the workspace that came cannot be trained
                self.changed.emit(self.status)

    def _progressed(self, progress: "TrainingProgress") -> None:
        now = time.monotonic()
        if self.is_running and now - self._progress_time > PROGRESS_SECONDS:
            self._progress_time = now
            self._tell(progress)

    def _tell(self, progress: "TrainingProgress") -> None:
        if not self._state.modified:
            self._state.mark_modified()  # a file saved since then lacks these steps
        workspace = self._building.workspace
        if workspace is not None and workspace.learned_of_labels():
            self.changed.emit(self.status)
        self.progress.emit(progress)

    def _ended(self, error: BaseException | None = None) -> None:
        rested, self.is_resting = self.is_resting, False
        workspace = self._building.workspace
        if workspace is None:
            return
        progress = workspace.progress
        if progress is not None:
            self._tell(progress)  # the block that ran during a pause counts too
        if error is not None:
            self._become(workspace, "paused")
            self._state.notified.emit(stopped(self._state, "Training", error))
        elif rested:
            self._become(workspace, "paused")
        elif progress is not None and progress.diverged:
            self._become(workspace, "diverged")
            self._state.notified.emit(
                Notification(
                    "error",
                    progress.diverged,
                    is_current=lambda: self.status == "diverged" and self.last_progress is progress,
                )
            )
        else:
            self._become(workspace, "finished")
