"""Follows one particle: the terms of its step in every frame, and the path from a start that is dragged."""

import typing

import numpy as np
from PySide6.QtCore import Signal, Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.following import Following
from playground.app.controllers.overlay_timing import FrameOverlays
from playground.app.controllers.playing import Playing
from playground.app.controllers.runs import Run
from playground.app.controllers.sampling_worker import FlowRequest
from playground.app.model.state import State
from playground.lab.inspection import InspectedParticle

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory


class Inspecting(Controller):
    """Chooses the particle whose steps are shown, and requests the path from a dragged start. Arrays are in the user's units.

    While columns are compared, the particle with the same number is followed in each: all have the same start noise.

    Attributes:
        number: the followed particle; None if there is none.
        place: the column whose values the card shows, from 0 at the left; 0 if nothing is compared.
        flow: (P, 2) the path from the dragged start; None if no start is dragged.

    Signals:
        changed(): the particle, the runs in view or the path changed.
        measured(): the values of the particle in a frame have come.
    """

    changed = Signal()
    measured = Signal()

    def __init__(
        self,
        state: State,
        playing: Playing,
        following: Following,
    ) -> None:
        super().__init__(state)
        self._playing, self._following = playing, following
        self.number: int | None = None
        self.place = 0
        self.flow: np.ndarray | None = None
        self._told: InspectedParticle | None = None  # the last values of which it was told
        self._shape: tuple[int, ...] | None = None  # of one particle
        self._run, self._columns = playing.run, tuple[Run, ...]()  # those that were in view last
        state.model_changed.connect(self._leave)
        state.ticked.connect(self._poll)

    @property
    def particle(self) -> InspectedParticle | None:
        """The values that the card shows; None until they are computed."""
        return None if self._overlays is None else self._overlays.particle

    @property
    def trajectory(self) -> "Trajectory | None":
        """The run that the card's values belong to; None if there is none."""
        return None if self._overlays is None else self._overlays.current.trajectory

    @property
    def _overlays(self) -> FrameOverlays | None:
        """Those of the run whose values the card shows."""
        return next(iter(self._following.in_view[self.place :]), None)

    @property
    def why_no_flow(self) -> str:
        """Why no start can be dragged now; "" if one can."""
        view = self._state.problem
        return "" if view is not None and view.has_process else "This noise has no path from noise to data."

    @property
    def weights_changed(self) -> bool:
        """Whether the run in view may have used newer weights than its first, with which the terms are computed."""
        run = self._playing.run if self._playing.compared is None else None
        return run is not None and run.experiment.sampling.follows == "learned" and not run.is_of_its_weights

    def follow(self, number: int | None, place: int = 0) -> None:
        """Follow this particle in every run in view, and show its values in the run at a place; None follows none."""
        if (number, place) != (self.number, self.place):
            if number != self.number:
                self.flow = None
            self.number, self.place = number, place
            self._following.follow(number)
            self.changed.emit()

    def drag_start(self, x: float, y: float) -> None:
        """Show the path of a particle that starts at a point and follows the probability flow."""
        run = self._playing.sampled
        if run is not None and not self.why_no_flow:
            self._playing.sampler.flows.request(FlowRequest(run, (x, y)))

    def drop_start(self) -> None:
        """Hide the path from the dragged start."""
        if self.flow is not None:
            self.flow = None
            self.changed.emit()

    @property
    def is_active(self) -> bool:
        """Whether a particle is followed or the path from a start is shown."""
        return self.number is not None or self.flow is not None

    @Slot()
    def clear(self) -> None:
        """Follow no particle, and hide the path."""
        self.drop_start()
        self.follow(None)

    @Slot()
    def _poll(self) -> None:
        """Take other runs and the path from a dragged start, and say when values of the particle have come."""
        self._take_runs()
        flow = self._playing.sampler.flows.answer(lambda request: request.run.is_of(self._state.model))
        if flow is not None:
            self.flow = flow
            self.changed.emit()
        told, self._told = self._told, self.particle
        if self._told is not None and self._told is not told:
            self.measured.emit()

    def _take_runs(self) -> None:
        """Follow the same number in other runs, but no particle that a main run does not have; a column may have fewer."""
        run, columns, compared = self._run, self._columns, self._playing.compared
        self._run, self._columns = self._playing.run, () if compared is None else compared.runs
        trajectory = self._playing.trajectory
        fewer = trajectory is not None and self.number is not None and self.number >= trajectory.positions.shape[1]
        if fewer and self._run is not run:
            self.follow(None)
        if self._columns is not columns:
            self.place = self.place if self.place < len(self._columns) else 0
            self.flow = None
            self.changed.emit()

    @Slot()
    def _leave(self) -> None:
        """Stop following if the data change. On the same data the particle's number stays followed."""
        self.flow = None
        shape = None if self._state.problem is None else self._state.problem.points.shape[1:]
        if shape != self._shape:
            self._shape = shape
            self.follow(None)
        self.changed.emit()
