"""A copy of the work, on which scenes and lessons are shown: steps of the history that are taken back together."""

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoCommand

from playground.app.controllers.building import Building
from playground.app.controllers.training import Training
from playground.app.model.state import State
from playground.lab import experiment as description
from playground.lab.experiment import Experiment


class WorkCopy(QObject):
    """Puts experiments on the workspace with weights of their own; the work that was there comes back untouched.

    Signals:
        undone(): undo, or a file that was opened, has taken back all that was put.
    """

    undone = Signal()

    def __init__(self, state: State, building: Building, training: Training, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._building, self._training = state, building, training
        self._first: QUndoCommand | None = None  # step of the history
        state.history_changed.connect(self._look)

    @property
    def place(self) -> int | None:
        """The place of the history at which the own work stands; None where nothing was put."""
        return None if self._first is None else self._state.place_of(self._first)

    @Slot()
    def _look(self) -> None:
        if self._first is not None and not self._state.is_done(self._first):
            self.undone.emit()

    def put(self, experiment: Experiment) -> bool:
        """Take an experiment as a step of the history, and train where its particles follow a score that is to be learned.

        Returns:
            Whether it could be taken.
        """
        state = self._state
        begun = None if self._first is None else state.place_of(self._first)
        place = state.stack.index() if begun is None else begun
        changes = {key: description.value(experiment, key) for key in description.fields(experiment)}
        if experiment != state.experiment and not state.edit(changes):
            return False
        self._building.begin_anew(place)
        self._first = state.steps_since(place)[0]
        if experiment.sampling.follows == "learned":
            self._training.start()
        return True

    def discard(self) -> None:
        """Bring back the work as it was."""
        first = self._first
        self.forget()
        if first is not None:
            self._state.undo_from(first)

    def forget(self) -> None:
        """Leave all as it is; nothing can be brought back from here on."""
        self._first = None
