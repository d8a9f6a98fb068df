"""Follows one particle: the terms of its step in every frame, and the path from a start that is dragged."""

import dataclasses

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.playing import Playing, Run
from playground.app.controllers.sampling_worker import InspectionRequest, SamplingRun, SamplingWorker
from playground.lab.experiment import replace
from playground.lab.inspection import InspectedParticle


class Inspecting(QObject):
    """Requests the terms of one particle's step in each frame that is shown. Arrays are in the user's units.

    Attributes:
        number: the followed particle; None if there is none.
        particle: its values in the current frame; None until they are computed.
        flow: (P, 2) the path from the dragged start; None if no start is dragged.

    Signals:
        changed(): the particle, the frame or the path changed.
    """

    changed = Signal()

    def __init__(
        self, building: Building, playing: Playing, sampler: SamplingWorker, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._building, self._playing, self._sampler = building, playing, sampler
        self.number: int | None = None
        self.particle: InspectedParticle | None = None
        self.flow: np.ndarray | None = None
        self._kept: tuple[Run, SamplingRun] | None = None  # settings, weights and seed of the run in view
        self._asked: tuple[object, ...] = ()
        self._shape: tuple[int, ...] | None = None  # of one particle
        building.problem_changed.connect(self._leave)

    @property
    def why_no_flow(self) -> str:
        """Why no start can be dragged now; "" if one can."""
        view = self._building.problem
        return "" if view is not None and view.has_process else "This noise has no path from noise to data."

    @property
    def weights_changed(self) -> bool:
        """Whether the run in view may have used newer weights than its first, with which the terms are computed."""
        runs = self._playing.runs
        return bool(runs) and runs[0].experiment.sampling.follows == "learned" and not runs[0].is_of_its_weights

    def follow(self, number: int | None) -> None:
        """Follow this particle of the run in view; None follows none."""
        if number != self.number:
            self.number, self.particle, self.flow = number, None, None
            self._asked = ()
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
        """Take computed results, and request those of the current frame if it is a new one."""
        request, particle = self._sampler.inspections.take() or (None, None)
        if request is not None and request.number == self.number and request.trajectory is self._playing.trajectory:
            self.particle = particle
            self.changed.emit()
        request, flow = self._sampler.flows.take() or (None, None)
        if request is not None and request.run.workspace is self._building.workspace:
            self.flow = flow
            self.changed.emit()
        self._look()

    def _look(self) -> None:
        trajectory, frame, number = self._playing.trajectory, self._playing.frame, self.number
        if number is None or trajectory is None or not frame < len(trajectory):
            return
        if number >= trajectory.positions.shape[1]:
            self.follow(None)
            return
        run = self._sampled()
        # The step from a frame is known when the next frame is there.
        asked = id(trajectory), frame, number, min(len(trajectory), frame + 2)
        if run is not None and asked != self._asked:
            self._asked = asked
            self._sampler.request_inspection(InspectionRequest(run, trajectory, frame, number))

    def _sampled(self) -> SamplingRun | None:
        """Settings, weights and seed with which the run in view was sampled."""
        runs, workspace = self._playing.runs, self._building.workspace
        run: Run | None = runs[0] if runs else None
        if run is None or workspace is None or run.workspace is not workspace:
            return None
        if self._kept is None or self._kept[0].key != run.key or self._kept[1].workspace is not workspace:
            experiment = replace(run.experiment, {"seed": run.seed})
            problem = dataclasses.replace(workspace.problem, experiment=experiment)
            weights = run.weights or workspace.weights
            self._kept = run, SamplingRun(workspace, problem, run.seed, run.number, weights)
        return self._kept[1]

    @Slot()
    def _leave(self) -> None:
        """Stop following if the data change. On the same data the particle's number stays followed."""
        self.particle, self.flow, self._asked = None, None, ()
        shape = None if self._building.problem is None else self._building.problem.points.shape[1:]
        if shape != self._shape:
            self._shape = shape
            self.follow(None)
        self.changed.emit()
