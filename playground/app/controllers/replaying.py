"""Chooses the training step whose weights are used for sampling, display and measurements."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.training import Training

if TYPE_CHECKING:
    from playground.lab.session import Session

VIEWED = "training_step"  # in a session's view: the step whose weights were shown, if it was not the newest
SETTLE = 0.25  # seconds that a chosen step must stay before its weights are measured
HOLD = 0.5  # seconds that each step is shown while the training is played, once its particles are there


class Replaying(QObject):
    """The timeline of the training: the steps whose weights are kept, and the chosen one.

    Attributes:
        is_playing: whether one step is shown after another.

    Signals:
        steps_changed(): the kept steps changed, or the training did.
        chosen(): another step of this training was chosen; its weights are in use.
        playing_changed(bool)
        settled(bool): a step has stayed for a moment with its run in view, and is worth measuring; whether one step is still
            played after another. Not while training goes on.
    """

    steps_changed = Signal()
    chosen = Signal()
    playing_changed = Signal(bool)
    settled = Signal(bool)

    def __init__(self, building: Building, training: Training, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._building, self._training = building, training
        self._told: tuple[bool, tuple[int, ...]] = False, ()  # what was emitted last
        self.is_playing, self._held = False, 0.0
        self._stayed: float | None = None  # seconds since the step was chosen; None once it is settled
        training.weights_changed.connect(self._take_weights)
        training.changed.connect(self._take_steps)
        training.progress.connect(self._take_steps)
        self._viewed: object = None  # the step that was shown when the work was saved that is opened
        building.opened.connect(self._open)
        building.taken.connect(self._take)

    # What the window may read

    @property
    def steps(self) -> tuple[int, ...]:
        """The training steps that can be shown, ascending; the last one is the newest. Empty before training."""
        return () if self._building.model is None else self._building.model.training.now.shown_steps

    @property
    def step(self) -> int | None:
        """The training step whose weights are shown; None if they are the newest."""
        model = self._building.model
        return None if model is None else model.weights.step

    @property
    def place(self) -> int:
        """The index of the step that is shown."""
        steps, step = self.steps, self.step
        return steps.index(step) if step in steps else max(len(steps) - 1, 0)

    @property
    def can_choose(self) -> bool:
        """Whether there are earlier weights to show, and no training in progress."""
        model = self._building.model
        return model is not None and not model.is_training and len(self.steps) > 1

    # What the window may ask for

    @Slot(int)
    def choose(self, place: int) -> None:
        """Show the weights of the step with this index; beyond the last one, the newest weights."""
        if self.can_choose:
            steps = self.steps
            self._choose(None if place >= len(steps) - 1 else steps[max(place, 0)])

    @Slot(int)
    def move(self, places: int) -> None:
        """Move by some steps, and stop playing."""
        self.set_playing(False)
        self.choose(self.place + places)

    @Slot(bool)
    def set_playing(self, playing: bool) -> None:
        """Play the steps one after another, from the first if the last is in view; or stop."""
        if playing == self.is_playing or (playing and not self.can_choose):
            return
        self.is_playing, self._held, self._stayed = playing, 0.0, 0.0
        self.playing_changed.emit(playing)
        if playing and self.step is None:
            self.choose(0)

    # How it proceeds

    def _choose(self, step: int | None) -> None:
        if self._building.model is not None and step != self.step:
            self._building.choose(step)
            self._stayed = 0.0
            self.chosen.emit()

    @Slot()
    def _take_weights(self) -> None:
        """Show the newest weights while training continues."""
        model = self._building.model
        if model is not None and model.is_training:
            self.set_playing(False)
            self._choose(None)

    @Slot()
    def _take_steps(self) -> None:
        """Emit the steps that can be chosen, if they changed. Training itself reports the newest step."""
        if self._choice != self._told:
            self._told = self._choice
            self.steps_changed.emit()

    @property
    def _choice(self) -> tuple[bool, tuple[int, ...]]:
        return self.can_choose, self.steps[:-1]

    @Slot(object)
    def _open(self, session: "Session | None") -> None:
        self._viewed = None if session is None else session.view.get(VIEWED)

    @Slot()
    def _take(self) -> None:
        """Take another training; for a session choose the step that was shown when it was saved."""
        self.set_playing(False)
        self._told = self._choice
        self.steps_changed.emit()
        step, self._viewed = self._viewed, None
        if step in self.steps[:-1]:
            QTimer.singleShot(0, self, lambda: self._choose(step))  # when all have the model

    def advance(self, passed: float, ready: bool) -> None:
        """Let the seconds pass for which a step is shown.

        Args:
            ready: whether its particles are in view.
        """
        self._settle(passed, ready)
        if not self.is_playing:
            return
        self._held = self._held + passed if ready else 0.0
        if self._held < HOLD:
            return
        self._held = 0.0
        self.choose(self.place + 1)
        if self.step is None:
            self.set_playing(False)

    def _settle(self, passed: float, ready: bool) -> None:
        self._stayed = None if self._stayed is None else self._stayed + passed
        if self._stayed is None or self._stayed < SETTLE:
            return
        model = self._building.model
        resting = model is not None and not model.is_training
        self._stayed = None if ready or not resting else 0.0
        if ready and resting:
            self.settled.emit(self.is_playing)
