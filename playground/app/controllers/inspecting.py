"""Follows one particle: the terms of its step in every frame, and the path from a start that is dragged."""

import dataclasses
import typing
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.comparing import Comparing
from playground.app.controllers.playing import Playing, Run
from playground.app.controllers.sampling_worker import InspectionRequest, SamplingRun, SamplingWorker
from playground.lab.inspection import InspectedParticle

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory


@dataclass(frozen=True, eq=False)
class Inspected:
    """A run in view and its current frame.

    Attributes:
        worker: what computes the terms of its steps.
        run: the settings, weights and seed with which it was sampled; None if they are not known.
    """

    worker: SamplingWorker
    run: SamplingRun | None
    trajectory: "Trajectory | None"
    frame: int


class Inspecting(QObject):
    """Requests the terms of one particle's step in each frame that is shown. Arrays are in the user's units.

    While columns are compared, the particle with the same number is followed in each: all have the same start noise.

    Attributes:
        number: the followed particle; None if there is none.
        place: the column whose values the card shows, from 0 at the left; 0 if nothing is compared.
        particles: its values in the current frame of each run in view, by the run's place; empty until they are computed.
        flow: (P, 2) the path from the dragged start; None if no start is dragged.

    Signals:
        changed(): the particle, the frame or the path changed.
    """

    changed = Signal()

    def __init__(
        self,
        building: Building,
        playing: Playing,
        comparing: Comparing,
        sampler: SamplingWorker,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._building, self._playing, self._comparing, self._sampler = building, playing, comparing, sampler
        self.number: int | None = None
        self.place = 0
        self.particles: dict[int, InspectedParticle] = {}
        self.flow: np.ndarray | None = None
        self._kept: tuple[Run, SamplingRun] | None = None  # settings, weights and seed of the run in view
        self._asked: dict[int, tuple[object, ...]] = {}  # by the run's place
        self._shape: tuple[int, ...] | None = None  # of one particle
        building.problem_changed.connect(self._leave)
        comparing.active_changed.connect(self._take_runs)
        comparing.changed.connect(self._take_runs)

    @property
    def particle(self) -> InspectedParticle | None:
        """The values that the card shows; None until they are computed."""
        return self.particles.get(self.place)

    @property
    def trajectory(self) -> "Trajectory | None":
        """The run that the card's values belong to; None if there is none."""
        shown = self._shown
        return shown[self.place].trajectory if self.place < len(shown) else None

    @property
    def why_no_flow(self) -> str:
        """Why no start can be dragged now; "" if one can."""
        view = self._building.problem
        return "" if view is not None and view.has_process else "This noise has no path from noise to data."

    @property
    def weights_changed(self) -> bool:
        """Whether the run in view may have used newer weights than its first, with which the terms are computed."""
        runs = () if self._comparing.is_active else self._playing.runs
        return bool(runs) and runs[0].experiment.sampling.follows == "learned" and not runs[0].is_of_its_weights

    def follow(self, number: int | None, place: int = 0) -> None:
        """Follow this particle in every run in view, and show its values in the run at a place; None follows none."""
        if (number, place) != (self.number, self.place):
            if number != self.number:
                self.flow = None
                self._forget()
            self.number, self.place = number, place
            self.changed.emit()

    def drag_start(self, x: float, y: float) -> None:
        """Show the path of a particle that starts at a point and follows the probability flow."""
        run = self._sampled()
        if run is not None and not self.why_no_flow:
            self._sampler.request_inspection(InspectionRequest(run, start=(x, y)))

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

    def poll(self) -> None:
        """Take computed results, and request those of the current frames if they are new."""
        for place, shown in enumerate(self._shown):
            request, particle = shown.worker.inspections.take() or (None, None)
            current = request is not None and request.number == self.number and request.trajectory is shown.trajectory
            if current and particle is not None:
                self.particles[place] = particle
                self.changed.emit()
            self._request(place, shown)
        request, flow = self._sampler.flows.take() or (None, None)
        if request is not None and request.run.workspace is self._building.workspace:
            self.flow = flow
            self.changed.emit()

    @property
    def _shown(self) -> list[Inspected]:
        """The runs in view: the main one, or those of all columns from left to right."""
        comparing, playing = self._comparing, self._playing
        if not comparing.is_active:
            return [Inspected(self._sampler, self._sampled(), playing.trajectory, playing.frame)]
        frame, total = playing.frame, comparing.total
        return [
            Inspected(run.worker, run.prepared.run, run.trajectory, run.frame_at(frame, total))
            for run in comparing.runs
        ]

    def _request(self, place: int, shown: Inspected) -> None:
        trajectory, frame, number = shown.trajectory, shown.frame, self.number
        if number is None or trajectory is None or not frame < len(trajectory):
            return
        if number >= trajectory.positions.shape[1]:
            if not self._comparing.is_active:  # a column may have fewer particles than the others
                self.follow(None)
            return
        # The step from a frame is known when the next frame is there.
        asked = id(trajectory), frame, number, min(len(trajectory), frame + 2)
        if shown.run is not None and asked != self._asked.get(place):
            self._asked[place] = asked
            shown.worker.request_inspection(InspectionRequest(shown.run, trajectory, frame, number))

    def _sampled(self) -> SamplingRun | None:
        """Settings, weights and seed with which the run in view was sampled."""
        runs, workspace = self._playing.runs, self._building.workspace
        run: Run | None = runs[0] if runs else None
        if run is None or workspace is None or run.workspace is not workspace:
            return None
        if self._kept is None or self._kept[0].key != run.key or self._kept[1].workspace is not workspace:
            problem = dataclasses.replace(workspace.problem, experiment=run.experiment)
            weights = run.weights or workspace.weights
            self._kept = run, SamplingRun(workspace, problem, run.seed, run.number, weights)
        return self._kept[1]

    def _forget(self) -> None:
        self.particles, self._asked = {}, {}

    @Slot()
    def _take_runs(self) -> None:
        """Follow the same number in other runs: those of a comparison, or the main one again."""
        self.place = self.place if self.place < len(self._comparing.columns) else 0
        self.flow = None
        self._forget()
        self.changed.emit()

    @Slot()
    def _leave(self) -> None:
        """Stop following if the data change. On the same data the particle's number stays followed."""
        self.flow = None
        self._forget()
        shape = None if self._building.problem is None else self._building.problem.points.shape[1:]
        if shape != self._shape:
            self._shape = shape
            self.follow(None)
        self.changed.emit()
