"""Chooses the training step whose weights are used for sampling, display and measurements."""

from PySide6.QtCore import Signal, Slot

from playground.app.controllers.controller import Controller
from playground.app.model.live_training import LiveTraining
from playground.app.model.state import State

SETTLE = 0.25  # seconds that a chosen step must stay before its weights are measured
HOLD = 0.5  # seconds that each step is shown while the training is played, once its particles are there


class Replaying(Controller):
    """The timeline of the training: the steps whose weights are kept, and the chosen one.

    Attributes:
        is_playing: whether one step is shown after another.

    Signals:
        steps_changed(): the kept steps changed, or the training did.
        playing_changed(bool)
    """

    steps_changed = Signal()
    playing_changed = Signal(bool)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._told: tuple[LiveTraining | None, bool, tuple[int, ...]] = None, False, ()  # what was emitted last
        self._step: int | None = None  # the step that was shown last
        self.is_playing = False
        self._stayed = 0.0  # seconds for which a step is shown, once its particles are there

    # What the window may read

    @property
    def steps(self) -> tuple[int, ...]:
        """The training steps that can be shown, ascending; the last one is the newest. Empty before training."""
        return () if self._state.model is None else self._state.model.training.now.shown_steps

    @property
    def step(self) -> int | None:
        """The training step whose weights are shown; None if they are the newest."""
        model = self._state.model
        return None if model is None else model.weights.step

    @property
    def place(self) -> int:
        """The index of the step that is shown."""
        steps, step = self.steps, self.step
        return steps.index(step) if step in steps else max(len(steps) - 1, 0)

    @property
    def can_choose(self) -> bool:
        """Whether there are earlier weights to show, and no training in progress."""
        model = self._state.model
        return model is not None and not model.is_training and len(self.steps) > 1

    @property
    def is_settled(self) -> bool:
        """Whether a step has stayed for a moment with its run in view, and is worth measuring. Not while training goes on."""
        return self._stayed >= SETTLE and self.step == self._step

    # What the window may ask for

    @Slot(int)
    def choose(self, place: int) -> None:
        """Show the weights of the step with this index; beyond the last one, the newest weights."""
        if self.can_choose:
            steps = self.steps
            self._state.choose(None if place >= len(steps) - 1 else steps[max(place, 0)])

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
        self.is_playing, self._stayed = playing, 0.0
        self.playing_changed.emit(playing)
        if playing and self.step is None:
            self.choose(0)

    # Called by the clock

    def advance(self, passed: float, ready: bool) -> None:
        """Let the seconds pass for which a step is shown.

        Args:
            ready: whether its particles are in view.
        """
        self._tell_steps()
        before, self._step = self._step, self.step
        stays = ready and self.can_choose and self._step == before
        self._stayed = self._stayed + passed if stays else 0.0
        if self.is_playing and self._stayed >= HOLD:
            self._stayed = 0.0
            self.choose(self.place + 1)
            if self.step is None:
                self.set_playing(False)

    def _tell_steps(self) -> None:
        """Tell of other steps that can be chosen. Training itself reports the newest step."""
        model = self._state.model
        now = None if model is None else model.training, self.can_choose, self.steps[:-1]
        if now != self._told:
            if now[0] is not self._told[0] or not self.can_choose:
                self.set_playing(False)
            self._told = now
            self.steps_changed.emit()
