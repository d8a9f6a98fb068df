"""What was measured, when the weights in view become others."""

from typing import Protocol

from PySide6.QtCore import Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.replaying import Replaying
from playground.app.model.live_training import LiveTraining
from playground.app.model.state import State


class Measures(Protocol):
    """Measures something with the weights in view."""

    def remove(self) -> tuple[set[str], set[str]]:
        """Remove what is of other weights; returns the measurements that were in progress, and those that were in view."""

    def measure(self, job: str) -> None:
        """Begin a measurement."""


class Remeasuring(Controller):
    """Has what was measured removed when the weights in view become others, and measured again.

    What is in progress when training begins or pauses, or when likelihoods use another score, starts again at once. After another
    training step was chosen, what was in progress or in view is measured once the step has stayed for a moment.

    Args:
        while_playing: whether a step is measured though another comes at once.
    """

    def __init__(
        self,
        state: State,
        replaying: Replaying,
        measures: Measures,
        while_playing: bool = False,
    ) -> None:
        super().__init__(state)
        self._replaying, self._measures = replaying, measures
        self._while_playing = while_playing
        self._waiting = set[str]()
        self._training: LiveTraining | None = None
        self._step: int | None = None
        self._seen: tuple[object, ...] = ()
        state.weights_chosen.connect(self._follow)
        state.ticked.connect(self._look)

    @Slot()
    def _look(self) -> None:
        """Remove what is of other weights, and measure it again when that is worth it."""
        self._follow()
        if self._replaying.is_settled and (self._while_playing or not self._replaying.is_playing):
            while self._waiting:
                self._measures.measure(self._waiting.pop())

    @Slot()
    def _follow(self) -> None:
        """Remove what is of other weights than those in view. Of another training, all was removed as it came."""
        if self._state.is_outdated:
            return  # the model of other work is about to come
        model = self._state.model
        training, step = (None, None) if model is None else (model.training, model.weights.step)
        seen: tuple[object, ...] = ()
        if model is not None:
            version = None if model.is_training else model.weights.version
            seen = model.problem.experiment.likelihood.source, version
        if training is not self._training:
            self._waiting.clear()
        elif step != self._step and model is not None and not model.is_training:
            self._waiting.update(*self._measures.remove())
        elif seen != self._seen:
            self._waiting.clear()
            for job in self._measures.remove()[0]:
                self._measures.measure(job)
        self._training, self._step, self._seen = training, step, seen
