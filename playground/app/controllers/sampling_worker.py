"""The sampling thread: it takes sampler steps and computes score fields, exact densities and read-outs for the canvas.

The window leaves its newest request in a mailbox and takes the newest answer from another; nothing queues. Sampling and
fields share one thread, since two would only fight for the interpreter.
"""

import dataclasses
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from playground.app.model.views import (
    Bounds,
    DensityView,
    FieldView,
    ParticleColors,
    ParticleValues,
    PointReadout,
    ScoreErrorMap,
)
from playground.app.workers.worker import Mailbox
from playground.drawing.axes import rounded_up
from playground.lab.inspection import InspectedParticle

if TYPE_CHECKING:
    from torch import Tensor

    from playground.app.model.weights import Weights
    from playground.app.model.workspace import Model, Workspace
    from playground.lab.problem import Problem
    from playground.lab.trajectory import Trajectory
    from playground.theory.networks import ScoreNetwork
    from playground.theory.noise import ScoreFunction
    from playground.theory.samplers import BrownianPath

SHARE = 0.35  # of a core for sampling while training goes on: on two cores the rest of one paints
IDLE = 0.05  # seconds between looks when nothing is asked for
ROWS = 1_024  # points of a score in one call: more would be shared with the core that trains, and wait for it


@dataclass(frozen=True)
class SamplingRun:
    """A sampling run to begin; without weights of its own it follows the workspace's newest as they come.

    Runs that are compared take the noise of their steps from one Brownian path.
    """

    workspace: "Workspace | Model"
    problem: "Problem"
    seed: int
    number: int
    weights: "Weights | None" = None
    path: "BrownianPath | None" = None

    @property
    def followed(self) -> "Weights":
        """The weights that it follows now."""
        return self.weights or self.workspace.newest


@dataclass(frozen=True)
class OverlayRequest:
    """A request for the score field and the exact density over `bounds` at one noise level.

    `time` is the process's own, for samplers that have one: their particles live in the process's coordinates.
    """

    workspace: "Workspace | Model"
    bounds: Bounds
    columns: int
    rows: int
    sigma: float
    time: float | None
    learned: bool
    exact: bool
    density: bool
    exact_source: str = (
        "exact"  # of the second field and of the density: "exact", or "empirical" for the training set's
    )
    density_source: str = "exact"
    error: bool = False  # the learned score's distance from the exact one


@dataclass(frozen=True)
class ReadoutRequest:
    """A request for score and density at a point."""

    workspace: "Workspace"
    point: tuple[float, float]
    sigma: float
    time: float | None


@dataclass(frozen=True, eq=False)
class ParticlesRequest:
    """A request for what the particles of a frame are coloured by, see :class:`ParticleValues`."""

    workspace: "Workspace | Model"
    kind: ParticleColors
    positions: np.ndarray
    sigma: float
    time: float | None


@dataclass(frozen=True, eq=False)
class InspectionRequest:
    """A request for one particle of a frame taken apart, or for the path of a start by the probability flow."""

    run: SamplingRun
    trajectory: "Trajectory | None" = None
    frame: int = 0
    number: int = 0
    start: tuple[float, float] | None = None


class LatestScore:
    """The score that a run follows, by its weights at each call; an energy has its log-density too."""

    def __init__(self, worker: "SamplingWorker", run: SamplingRun) -> None:
        self._sampling_worker, self._run = worker, run

    def __call__(self, *place: "Tensor") -> "Tensor":
        return self._sampling_worker.score(self._run)(*place)

    def log_density(self, x: "Tensor", sigma: "Tensor") -> "Tensor":
        from playground.theory.partition import EnergyFunction

        network = self._sampling_worker.network(self._run.workspace, self._run.followed)
        assert isinstance(network, EnergyFunction)  # no other is asked
        return network.log_density(x, sigma)


class SamplingWorker:
    """The sampling thread's loop, and the mailboxes between it and the window."""

    def __init__(self, wake: threading.Event | None = None) -> None:
        self.recorded: tuple[SamplingRun | None, Trajectory | None] = None, None  # a run, and its frames so far
        self.fields: Mailbox[tuple[Workspace | Model, FieldView]] = Mailbox()  # each with the workspace it is of
        self.densities: Mailbox[tuple[Workspace | Model, DensityView]] = Mailbox()
        self.readouts: Mailbox[tuple[Workspace | Model, PointReadout]] = Mailbox()
        self.particle_values: Mailbox[tuple[Workspace | Model, ParticleValues]] = Mailbox()
        self.inspections: Mailbox[tuple[InspectionRequest, InspectedParticle]] = Mailbox()
        self.flows: Mailbox[tuple[InspectionRequest, np.ndarray]] = Mailbox()
        self._runs: Mailbox[SamplingRun] = Mailbox()
        self._overlay_requests: Mailbox[OverlayRequest] = Mailbox()
        self._readout_requests: Mailbox[ReadoutRequest] = Mailbox()
        self._particles_requests: Mailbox[ParticlesRequest] = Mailbox()
        self._inspection_requests: Mailbox[InspectionRequest] = Mailbox()
        self._flow_requests: Mailbox[InspectionRequest] = Mailbox()
        self._share = 1.0  # of a core that sampler steps may take
        self._wanted = 0
        self._frame_seconds = 0.0  # from one frame to the next, rests included
        self._spent = 0.0  # since the last frame
        self._rested = 0.0  # when the next step may begin
        self._wake = wake or threading.Event()  # of several that share a thread
        self._steps: Iterator[Trajectory] | None = None  # of the present run
        self._network: ScoreNetwork | None = None
        self._owner: Problem | None = None  # whose network it is
        self._loaded = -1  # the version of the weights in it

    def begin(self, run: SamplingRun) -> None:
        self._wanted = 0
        self._runs.put(run)
        self._wake.set()

    def request_overlays(self, request: OverlayRequest) -> None:
        """Ask for these overlays, and for those of the last request if nobody has got to it."""
        last = self._overlay_requests.take()
        if last is not None:
            request = dataclasses.replace(
                request,
                learned=request.learned or last.learned,
                exact=request.exact or last.exact,
                density=request.density or last.density,
                error=request.error or last.error,
            )
        self._overlay_requests.put(request)
        self._wake.set()

    def request_readout(self, request: ReadoutRequest) -> None:
        """Ask for score and density at a point."""
        self._readout_requests.put(request)
        self._wake.set()

    def request_particle_values(self, request: ParticlesRequest) -> None:
        """Ask for what particles are coloured by."""
        self._particles_requests.put(request)
        self._wake.set()

    def request_inspection(self, request: InspectionRequest) -> None:
        """Ask for a particle, or with a start for the path from there."""
        (self._inspection_requests if request.start is None else self._flow_requests).put(request)
        self._wake.set()

    def record(self, frames: int) -> None:
        """Record this many frames of the present run."""
        if frames > self._wanted:
            self._wanted = frames
            self._wake.set()

    def set_share(self, share: float) -> None:
        """Take at most this share of a core for sampler steps."""
        self._share = share

    def finished(self, number: int) -> bool:
        """Whether the run of this number is recorded to its end."""
        run, trajectory = self.recorded
        return run is not None and run.number == number and trajectory is not None and trajectory.finished

    def keeps_up(self, frames_a_second: float) -> bool:
        """Whether frames can be recorded as fast as they are played."""
        return self._frame_seconds * frames_a_second <= 1.0

    def loop(self) -> Iterator[None]:
        """Answer requests for ever; the thread ends it between two items."""
        while True:
            if not self.turn():
                rest = self._rested - time.monotonic()
                self._wake.wait(rest if 0 < rest < IDLE else IDLE)
                self._wake.clear()
            yield None

    def turn(self) -> bool:
        """Answer what is asked for and take one step of the run; whether there was anything to do."""
        overlays, readout, run = self._overlay_requests.take(), self._readout_requests.take(), self._runs.take()
        if run is not None:
            self._steps = self._start(run)
        if overlays is not None:
            self._answer(overlays)
        if readout is not None:
            self.readouts.put((readout.workspace, self._read(readout)))
        particles = self._particles_requests.take()
        if particles is not None:
            self.particle_values.put((particles.workspace, self.compute_particle_values(particles)))
        inspection, flow = self._inspection_requests.take(), self._flow_requests.take()
        if inspection is not None:
            self.inspections.put((inspection, self.inspect(inspection)))
        if flow is not None:
            self.flows.put((flow, self.flow(flow)))
        stepped = self._steps is not None and self._advance(self._steps)
        return bool(stepped or overlays or readout or particles or inspection or flow)

    def _start(self, run: SamplingRun) -> "Iterator[Trajectory]":
        from playground.lab.sampling import sample

        self.recorded, self._spent = (run, None), 0.0
        return sample(run.problem, LatestScore(self, run), seed=run.seed, path=run.path)

    def _advance(self, steps: "Iterator[Trajectory]") -> bool:
        run, trajectory = self.recorded
        recorded, start = 0 if trajectory is None else len(trajectory), time.monotonic()
        if start < self._rested or (recorded and recorded >= self._wanted):
            return False
        worked = time.thread_time()
        trajectory = next(steps, None)
        if trajectory is None:
            return False
        self.recorded = run, trajectory
        # What it worked, not what passed: waiting for the interpreter or the processor takes nothing from anyone.
        worked, passed = time.thread_time() - worked, time.monotonic() - start
        seconds = max(passed, worked / self._share)
        self._rested = start + seconds
        self._spent += seconds
        if len(trajectory) > recorded:
            self._frame_seconds += (self._spent - self._frame_seconds) / min(len(trajectory), 20)
            self._spent = 0.0
        return True

    def score(self, run: SamplingRun) -> "ScoreFunction":
        """The score that the run follows now."""
        return run.problem.known_score() or self._learned(run.workspace, run.followed)

    def _learned(self, workspace: "Workspace | Model", weights: "Weights") -> "ScoreFunction":
        import torch

        network = self.network(workspace, weights)

        def score(x: "Tensor", sigma: "Tensor", *label: "Tensor") -> "Tensor":
            parts = (x, *(part.expand(len(x)) for part in (sigma.to(x), *label)))
            pieces = zip(*(torch.split(part, ROWS) for part in parts), strict=True)
            return torch.cat([network(*piece) for piece in pieces])

        return score

    def network(self, workspace: "Workspace | Model", weights: "Weights") -> "ScoreNetwork":
        """The network with these weights."""
        if self._loaded != weights.version:
            # To build one takes 5 ms of the interpreter, seven times a second while training.
            if self._owner is not workspace.problem or self._network is None:
                self._owner, self._network = workspace.problem, workspace.problem.network().requires_grad_(False)
            self._network.load_state_dict(weights.tensors)
            self._loaded = weights.version
        assert self._network is not None
        return self._network

    def _answer(self, request: OverlayRequest) -> None:
        field, density = self.compute_overlays(request)
        if field is not None:
            self.fields.put((request.workspace, field))
        if density is not None:
            self.densities.put((request.workspace, density))

    def compute_overlays(self, request: OverlayRequest) -> tuple[FieldView | None, DensityView | None]:
        """Compute the score field and the density asked for, as far as they are known."""
        from playground.lab.fields import arrows_at, density_over, empirical_density_over, grid_points

        problem = request.workspace.problem
        field = density = None
        error = request.error and problem.density is not None
        if request.learned or request.exact or error:
            # Arrows sit at the middle of their cells, so none is cut by the edge.
            positions = grid_points(request.bounds, request.columns, request.rows).reshape(-1, 2)
            learned = exact = None
            if request.learned or error:
                score = self._learned(request.workspace, request.workspace.weights)
                learned = arrows_at(problem, score, positions, request.sigma, request.time)
            closed_form = problem.known_score(request.exact_source)
            if request.exact and closed_form is not None:
                exact = arrows_at(problem, closed_form, positions, request.sigma, request.time)
            errors = self._errors(request, positions, learned) if error and learned is not None else None
            shown = learned if request.learned else None
            field = FieldView(positions, shown, exact, request.sigma, request.time is not None, errors)
        if request.density and request.density_source == "empirical":
            values = empirical_density_over(problem, request.bounds, request.sigma, request.time)
            density = DensityView(values, request.bounds, request.sigma, "empirical", moving=request.time is not None)
        elif request.density and problem.density is not None:
            values = density_over(problem, request.bounds, request.sigma, request.time)
            density = DensityView(values, request.bounds, request.sigma, "exact", moving=request.time is not None)
        return field, density

    def compute_particle_values(self, request: ParticlesRequest) -> ParticleValues:
        """Compute what particles are coloured by; for a problem whose density is known."""
        from playground.lab.fields import log_density_at, nearest_modes_at

        problem = request.workspace.problem
        if request.kind == "mode":
            found: np.ndarray = nearest_modes_at(problem, request.positions, request.time)
        else:
            found = log_density_at(problem, request.positions, request.sigma, request.time)
        return ParticleValues(request.kind, found, request.workspace.view.modes)

    def inspect(self, request: InspectionRequest) -> InspectedParticle:
        """Take apart the step of a particle."""
        from playground.lab.inspection import inspect

        assert request.trajectory is not None
        run = request.run
        return inspect(run.problem, LatestScore(self, run), request.trajectory, request.frame, request.number)

    def flow(self, request: InspectionRequest) -> np.ndarray:
        """Compute the path of a start by the probability flow."""
        from playground.lab.inspection import flow_from

        assert request.start is not None
        return flow_from(request.run.problem, LatestScore(self, request.run), np.array(request.start))

    def _errors(self, request: OverlayRequest, positions: np.ndarray, arrows: np.ndarray) -> ScoreErrorMap:
        """The error map, and its arrows at the positions at which the learned score has these."""
        from playground.lab.fields import arrows_at, score_error_over, typical_score

        problem, moment = request.workspace.problem, (request.sigma, request.time)
        learned, exact = self._learned(request.workspace, request.workspace.weights), problem.known_score("exact")
        assert exact is not None  # where it is not known, no error is asked for
        values = score_error_over(problem, learned, request.bounds, *moment)
        away = arrows - arrows_at(problem, exact, positions, *moment)
        # By the exact score and never by the errors themselves: as training goes on, the map has to grow dark.
        top = typical_score(problem, *moment) or float(values.max())
        return ScoreErrorMap(values, request.bounds, away, rounded_up(top))

    def _read(self, request: ReadoutRequest) -> PointReadout:
        from playground.lab.field_names import field_names
        from playground.lab.fields import log_density_at, score_at

        problem, positions = request.workspace.problem, np.array([request.point])
        exact = log_density = None
        score = self._learned(request.workspace, request.workspace.weights)
        learned = score_at(problem, score, positions, request.sigma, request.time)[0]
        source = problem.reference
        known = None if source is None else problem.known_score(source)
        if known is not None and source is not None:
            exact = score_at(problem, known, positions, request.sigma, request.time)[0]
            log_density = float(log_density_at(problem, positions, request.sigma, request.time, source)[0])
        known = problem.known_score()
        names = field_names(problem, score if known is None else known, positions, request.sigma, request.time)
        followed = "learned" if known is None else str(problem.experiment.sampling.follows)
        return PointReadout(
            request.point, request.sigma, learned, exact, log_density, source or "exact", names, followed
        )
