"""A copy of the work for scenes and lessons: steps of the history that are undone together."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoCommand

from playground.app.controllers.building import Building
from playground.app.controllers.training import Training
from playground.app.model.state import State
from playground.lab.experiment import Experiment
from playground.lab.session import Session


class WorkCopy(QObject):
    """Puts experiments with weights of their own on the workspace; the work from before can be restored unchanged.

    Signals:
        undone(): undo or an opened file has removed everything that was put.
    """

    undone = Signal()

    def __init__(
        self,
        state: State,
        building: Building,
        training: Training,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self.building, self.training = state, building, training
        self._first: QUndoCommand | None = None  # the first step of the history that was put
        self._unchanged: int | None = None  # the number of saves of work that had no changes
        state.history_changed.connect(self._look)

    @property
    def place(self) -> int | None:
        """The position of the user's own work in the history; None if nothing was put."""
        return None if self._first is None else self._state.place_of(self._first)

    @Slot()
    def _look(self) -> None:
        if self._first is not None and not self._state.is_done(self._first):
            self._restore_saved()
            self.undone.emit()

    def _restore_saved(self) -> None:
        """Mark the work as saved again if it was before, and has not changed: what was put is no unsaved work."""
        before, self._unchanged = self._unchanged, None
        if before == self._state.saves:
            self._state.mark_saved()

    def put(self, experiment: Experiment, owner: str, weights: Path | None = None) -> None:
        """Take an experiment as one step of the history, and train to the end if its particles follow a learned score.

        Args:
            owner: the name of the scene or lesson, whose weights are its own.
            weights: a session that ships with the program, whose weights take the place of a training.
        """
        state = self._state
        if self._first is None:
            self._unchanged = None if state.modified else state.saves
        begun = None if self._first is None else state.place_of(self._first)
        place = state.stack.index() if begun is None else begun
        trained = None if weights is None else lambda: Session.load(weights)
        self.building.begin_anew(experiment, place, owner, trained)
        self._first = state.steps_since(place)[0]
        if experiment.sampling.follows == "learned" and weights is None:
            self.training.start(more=False)

    def discard(self) -> None:
        """Restore the work; the runs that are pinned stay."""
        first, pins = self._first, self._state.document.pins
        self.forget()
        if first is not None:
            self._state.undo_from(first)
            self._restore_saved()
            if pins != self._state.document.pins:
                self._state.put(pins=pins)

    def forget(self) -> None:
        """Keep the workspace as it is; the work from before can no longer be restored."""
        self._first = None
