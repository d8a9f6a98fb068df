"""The map of the model's density over the canvas, on request."""

from PySide6.QtCore import Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.following import Following
from playground.app.controllers.measurements import MapKey, ways
from playground.app.controllers.notification import notify_stopped, refused
from playground.app.controllers.overlay_timing import FOLLOWING
from playground.app.model.state import State
from playground.app.model.views import DensityView
from playground.app.workers.jobs import CLICKED, Wanted
from playground.lab.conflicts import likelihood_conflict

JOB = "density"


class Mapping(Controller):
    """Computes the density map, with the weights in view; it can be cancelled."""

    def __init__(self, state: State, following: Following) -> None:
        super().__init__(state)
        self._following = following
        self._finished: DensityView | None = None  # shown when the map in progress was requested
        state.model_changed.connect(self._stop)

    def compute(self) -> None:
        """Compute the model's density at the finest level over the canvas; it stays until the playhead moves."""
        model = self._state.model
        if model is None or refused(self._state, likelihood_conflict):
            return
        if not self._following.pinned or not self._jobs.running(JOB):
            self._finished = None if not self._following.pinned else self._following.seen_density
        self._following.pin()
        key, given = model.key_after(model.weights.made), ways(model.problem, model.weights)
        assert key is not None
        wanted = Wanted((MapKey.of(key, self._following.bounds),), self._state.store, given, CLICKED)
        self._jobs.want(JOB, wanted, lambda _, view: self._following.show_density(view), self._failed)

    def _failed(self, error: BaseException) -> None:
        self._leave()
        notify_stopped(self._state, "Density", error)

    def _leave(self) -> None:
        """Show the last complete map again, or else the density of the frame. An incomplete map shows blocks."""
        if self._following.pinned and self._finished is not None:
            self._following.show_density(self._finished)
        else:
            self._following.unpin()

    def cancel(self, job: str = JOB) -> None:
        """Stop, and show what was shown before."""
        if self._jobs.running(job):
            self._leave()
        self._jobs.cancel(job)

    def measure(self, _job: str) -> None:
        """Compute the map again that was in progress."""
        self.compute()

    def remove(self) -> tuple[set[str], set[str]]:
        """Remove the map of other weights.

        Returns:
            The map, if it was in progress: one that is finished is computed again on request only.
        """
        running = self._following.pinned and self._jobs.running(JOB)  # otherwise the map will not be shown
        shown = self._following.seen_density
        if running or (shown is not None and shown.asked and shown.source == "learned"):
            self._following.unpin()
        self._stop()
        return {JOB} if running else set(), set()

    @Slot()
    def _stop(self) -> None:
        for job in (JOB, FOLLOWING):
            self._jobs.cancel(job)
