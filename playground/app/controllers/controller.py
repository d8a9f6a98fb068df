"""What every controller of the work has."""

from PySide6.QtCore import QObject

from playground.app.model.state import State


class Controller(QObject):
    """Does one part of the work. It belongs to the state, and has things computed by its jobs."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._state, self._jobs = state, state.jobs
