"""Trains the network of the current model: starts, pauses and continues. Requests wait until they are possible."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from msgspec import structs
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.building import Building, key_of, new_name, restarts
from playground.app.controllers.notification import Notification, conflict, stopped
from playground.app.controllers.reading import Reading
from playground.app.model.history import shared
from playground.app.model.live_training import LiveTraining, Snapshot
from playground.app.model.model import LiveModel
from playground.app.model.state import State
from playground.app.workers.jobs import Jobs
from playground.lab.conflicts import training_conflict
from playground.lab.document import LessonPlace
from playground.lab.experiment import Experiment
from playground.lab.loss_identity import loss_identity
from playground.lab.session import Session
from playground.messages import Message, setting

if TYPE_CHECKING:
    from playground.lab.training import TrainingProgress

JOB = "training"
PROGRESS_SECONDS = 1 / 15  # between two reports of progress, which update two charts and a dozen numbers


class Training(QObject):
    """Runs one thread that trains the network of the current model; nothing else changes its weights.

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
        self._is_settled = True  # whether the end of the last training was told
        self._waiting = False  # whether to train when the model is built
        self._more = True  # whether to train more then if training has ended
        self._trainings = building.trainings
        self._told: TrainingProgress | None = None
        self._told_at = 0.0
        state.changed.connect(self._edited)
        building.withdrawn.connect(lambda: self._wait(False))
        building.resetting.connect(self.stop)
        building.leaving.connect(self._leave)
        building.taken.connect(self._take)
        building.settings_changed.connect(self._take_settings)

    # What the window may read

    @property
    def _now(self) -> Snapshot | None:
        """What has come of the current training; None while there is none."""
        model = self._building.model
        return None if model is None else model.training.now

    @property
    def status(self) -> str:
        """See :attr:`changed`."""
        if self._waiting:
            return "waiting"
        return "untrained" if self._now is None else self._now.status

    @property
    def wanted(self) -> bool:
        """Whether training runs, or will when it can."""
        return self.status in ("waiting", "training")

    @property
    def last_progress(self) -> "TrainingProgress | None":
        return None if self._now is None else self._now.progress

    @property
    def loss_history(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps and losses of the training so far, (C,) each; empty if the current objective is not the one that was minimized.
        Choosing the old objective and noise-level distribution again restores them."""
        return self._of_objective("losses")

    @property
    def held_out_history(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps and held-out losses, (H,) each, of the same training as :attr:`loss_history`."""
        return self._of_objective("held_out")

    def _of_objective(self, which: Literal["losses", "held_out"]) -> tuple[np.ndarray, np.ndarray]:
        now, model = self._now, self._building.model
        if now is None or model is None or loss_identity(now.experiment) != loss_identity(model.problem.experiment):
            return np.zeros(0), np.zeros(0)
        steps, losses = getattr(now, which)
        return steps, losses

    @property
    def trained_steps(self) -> int:
        return 0 if self._now is None else self._now.step

    @property
    def untrained(self) -> bool:
        model = self._building.model
        return model is None or model.weights.untrained

    @property
    def other_objective(self) -> Message | None:
        """A message that the weights at rest were trained with another objective than the chosen one; None if not."""
        now = self._now
        if now is None or not now.step or self.wanted:
            return None
        trained = now.experiment.objective.kind
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
        """Start or continue training; a model that is being built is waited for.

        Args:
            more: after the end of training, train more.
        """
        model = self._building.model
        if self.is_running:
            return
        if self._building.busy:
            self._more = more
            self._wait(True)
            return
        if model is None:
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
        model.training.set_hyperparameters(self._state.experiment)
        self._trainings.start(more)
        self._is_settled = False
        self._state.mark_modified()
        self._become(model.training, "training")

    def pause(self) -> None:
        """Pause training, or withdraw the request to train."""
        self._wait(False)
        model = self._building.model
        if self.is_running and model is not None:
            self._trainings.pause()
            self._become(model.training, "paused")

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
        return self._trainings.goes_on

    @property
    def is_resting(self) -> bool:
        """Whether training was paused, and the block in progress is not done yet."""
        return not self._is_settled and not self.is_running

    # How it proceeds

    def _conflict(self) -> Message | None:
        """Why the current settings cannot be trained."""
        return training_conflict(self._state.experiment, self._building.conditions)

    def _wait(self, waiting: bool) -> None:
        """Set whether to train when the model is built."""
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
        model = self._building.model
        if model is None or not self.is_running or not any(key.startswith(("training.", "objective.")) for key in keys):
            return
        if self._conflict() is None:
            model.training.set_hyperparameters(self._state.experiment)
        else:
            self.pause()
            self._state.notified.emit(conflict(self._conflict))

    @Slot(object)
    def _leave(self, model: LiveModel | None) -> None:
        """Leave the current model. Training continues if only the measurements changed."""
        if model is None:
            self._wait(False)
        before, comes = (None if one is None else one.training for one in (self._building.model, model))
        if comes is not before:
            self._end()
            self._trainings.put(comes)

    @Slot()
    def _take(self) -> None:
        self.changed.emit(self.status)
        if self.last_progress is not None:
            self.progress.emit(self.last_progress)

    def _end(self) -> None:
        self._trainings.pause()
        self._is_settled = True
        model = self._building.model
        if model is not None and model.is_training:
            model.training.publish(status=model.training.now.at_rest(is_main=True))

    def _become(self, training: LiveTraining, status: str) -> None:
        training.publish(status=status)
        self.weights_changed.emit()
        self.changed.emit(self.status)

    def poll(self) -> None:
        """Start training that was waiting, drive the thread that trains, and tell how far it is."""
        if self._waiting and not self._building.busy:
            self._waiting = False
            self.start(more=self._more)
            if not self.is_running:  # the model that came cannot be trained
                self.changed.emit(self.status)
        if self._trainings.wanted and not self._jobs.running(JOB):
            self._jobs.start(JOB, "Training", self._trainings.train, lambda _: None, self._failed)
        model = self._building.model
        if model is None or self._is_settled:
            return
        if self.is_resting and model.training not in self._trainings.running:
            self._settle(model.training)
        elif self.is_running and time.monotonic() - self._told_at > PROGRESS_SECONDS:
            self._tell(model.training.now.progress)

    def _tell(self, progress: "TrainingProgress | None") -> None:
        if progress is None or progress is self._told:
            return
        self._told, self._told_at = progress, time.monotonic()
        if not self._state.modified:
            self._state.mark_modified()  # a file saved since then lacks these steps
        if self._building.follow_labels():
            self.changed.emit(self.status)
        self.progress.emit(progress)

    def _settle(self, training: LiveTraining) -> None:
        """Tell the last progress and how training ended."""
        self._is_settled, progress, status = True, training.now.progress, training.now.at_rest(is_main=True)
        self._tell(progress)  # the block that ran during a pause counts too
        self._become(training, status)
        if status == "diverged" and progress is not None and progress.diverged is not None:
            self._state.notified.emit(
                Notification(
                    "error",
                    progress.diverged,
                    is_current=lambda: self.status == "diverged" and self.last_progress is progress,
                )
            )

    def _failed(self, error: BaseException) -> None:
        main, name = self._trainings.main, "Training of columns"
        if main is not None and self._trainings.failures.get(main.key) is error:
            self._settle(main)
            name = "Training"
        self._state.notified.emit(stopped(self._state, name, error))
