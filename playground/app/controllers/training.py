"""Trains the network of the current model: starts, pauses and continues. Requests wait until they are possible."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from msgspec import structs
from PySide6.QtCore import Signal, Slot

from playground.app.controllers.building import Building, key_of, new_name
from playground.app.controllers.controller import Controller
from playground.app.controllers.notification import notify, notify_conflict, notify_stopped
from playground.app.model.history import shared
from playground.app.model.live_training import Snapshot
from playground.app.model.model import LiveModel
from playground.app.model.state import State
from playground.lab.columns import Columns
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


class Training(Controller):
    """Runs one thread that trains the network of the current model; nothing else changes its weights.

    Signals:
        changed(str): "untrained", "waiting" (data or network are being built), "training", "paused", "finished" or
            "diverged". It is emitted again for another training, when the last block after a pause is done, and if the network
            has seen something new, for example points without a label.
        progress(TrainingProgress): the progress of training.
    """

    changed = Signal(str)
    progress = Signal(object)

    def __init__(self, state: State, building: Building) -> None:
        super().__init__(state)
        self._building = building
        self._trainings = building.trainings
        self._more = True  # whether to train more, if training has ended, when the model is built
        self._given: tuple[object, ...] = ()  # the settings with which training goes on
        self._told: tuple[object, ...] = ()  # of what `changed` told last
        self._told_progress: TrainingProgress | None = None
        self._told_at = 0.0
        state.ticked.connect(self.poll)

    # What the window may read

    @property
    def _now(self) -> Snapshot | None:
        """What has come of the current training; None while there is none."""
        model = self._state.model
        return None if model is None else model.training.now

    @property
    def status(self) -> str:
        """See :attr:`changed`."""
        if self._trainings.waits:
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
        now, model = self._now, self._state.model
        if now is None or model is None or loss_identity(now.experiment) != loss_identity(model.problem.experiment):
            return np.zeros(0), np.zeros(0)
        steps, losses = getattr(now, which)
        return steps, losses

    @property
    def trained_steps(self) -> int:
        return 0 if self._now is None else self._now.step

    @property
    def untrained(self) -> bool:
        model = self._state.model
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

    def teach(
        self, experiment: Experiment, lesson: LessonPlace, weights: Path | None = None, columns: Columns = ()
    ) -> None:
        """Take the experiment of a scene or of a lesson's step, with weights of its own, as one step of the history; and train to
        the end if its particles follow a learned score. Weights that a step with these settings has learned stay: the steps of a
        lesson share their weights, and two scenes do not.

        Args:
            weights: a session that ships with the program, whose weights take the place of a training.
        """
        state = self._state
        settings = shared(state.experiment, experiment)
        wanted = structs.replace(state.document, experiment=settings, lesson=lesson, columns=columns, clicked=())
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
        model = self._state.model
        if self.is_running:
            return
        if self._building.busy:
            self._more = more
            self._trainings.wait(True)
            self._tell()
            return
        if model is None:
            return
        if self._conflict() is not None:
            notify_conflict(self._state, self._conflict, "error")
            return
        failure = self._state.failure
        if failure is not None:
            notify(self._state, "error", failure, is_current=lambda: self._state.failure == failure)
            return
        self._state.choose(None)
        self._give(model)
        self._trainings.start(more)
        self._state.mark_modified()
        model.training.publish(status="training")
        self._tell()

    def pause(self) -> None:
        """Pause training, or withdraw the request to train."""
        self._trainings.wait(False)
        model = self._state.model
        if self.is_running and model is not None:
            self._trainings.pause()
            model.training.publish(status="paused")
        self._tell()

    @Slot()
    def toggle(self) -> None:
        """Pause training or withdraw the request if there is one; otherwise start or continue."""
        if self.wanted:
            self.pause()
        else:
            self.start()

    @property
    def is_running(self) -> bool:
        """Whether a thread trains, and was not paused."""
        return self._trainings.goes_on

    @property
    def is_resting(self) -> bool:
        """Whether training was paused, and the block in progress is not done yet."""
        return not self._trainings.is_settled and not self.is_running

    # How it proceeds

    def _conflict(self) -> Message | None:
        """Why the current settings cannot be trained."""
        return training_conflict(self._state.experiment, self._state.conditions)

    @Slot()
    def poll(self) -> None:
        """Start training that was waiting, drive the thread that trains, and tell how far it is."""
        trainings = self._trainings
        if trainings.waits and not self._building.busy:
            trainings.wait(False)
            self.start(more=self._more)
        self._follow_settings()
        lost = None if trainings.main is None else trainings.main.lost.take()
        if lost is not None:
            notify(self._state, "warning", lost)
        if trainings.wanted and not self._jobs.running(JOB):
            self._jobs.start(JOB, trainings.train, lambda _: None, self._failed)
        if self.is_resting and trainings.main not in trainings.running:
            self._settle()
        elif not self.is_running or time.monotonic() - self._told_at > PROGRESS_SECONDS:
            self._tell_progress()
        self._tell()

    def _give(self, model: LiveModel) -> None:
        """Train with the settings of a model from the next block on."""
        experiment = model.problem.experiment
        self._given = experiment.training, experiment.objective
        model.training.set_hyperparameters(experiment)

    def _follow_settings(self) -> None:
        """Continue training with other settings, if they can be trained."""
        model = self._state.model
        if model is None or not self.is_running:
            return
        experiment = model.problem.experiment
        if self._given == (experiment.training, experiment.objective):
            return
        if self._conflict() is None:
            self._give(model)
        else:
            self.pause()
            notify_conflict(self._state, self._conflict)

    def _tell(self) -> None:
        """Tell the status if it is another one, or of another training, or at rest by now."""
        model = self._state.model
        of = () if model is None else (model.training, model.problem.hidden_labels)
        now = self.status, self._trainings.is_settled, *of
        if now != self._told:
            self._told = now
            self.changed.emit(self.status)

    def _tell_progress(self) -> None:
        """Tell how far training is, unless that was told."""
        told, self._told_progress = self._told_progress, self.last_progress
        if self._told_progress is None or self._told_progress is told:
            return
        self._told_at = time.monotonic()
        if not self._trainings.is_settled and not self._state.modified:
            self._state.mark_modified()  # a file saved since then lacks these steps
        self.progress.emit(self._told_progress)

    def _settle(self) -> None:
        """Tell the last progress and how training ended."""
        main = self._trainings.main
        assert main is not None
        self._tell_progress()  # the block that ran during a pause counts too
        self._trainings.settle()
        main.publish(status=main.now.at_rest(is_main=True))
        progress = main.now.progress
        if main.now.status == "diverged" and progress is not None and progress.diverged is not None:
            notify(
                self._state,
                "error",
                progress.diverged,
                is_current=lambda: self.status == "diverged" and self.last_progress is progress,
            )

    def _failed(self, error: BaseException) -> None:
        main, name = self._trainings.main, "Training of columns"
        if main is not None and self._trainings.failures.get(main.key) is error:
            self._settle()
            name = "Training"
        notify_stopped(self._state, name, error)
