"""The sampling thread: takes sampler steps, and computes score fields, exact densities and read-outs for the canvas.

The window puts its newest request in a mailbox and takes the newest answer from another; there is no queue. Sampling
and fields share one thread, because two would compete for the interpreter.
"""

import math
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from playground.app.model.views import (
    Bounds,
    DensityView,
    FieldView,
    ParticleColors,
    ParticleValues,
    PointReadout,
    ScoreErrorMap,
    WantedOverlays,
)
from playground.app.workers.worker import Mailbox
from playground.drawing.axes import rounded_up
from playground.lab.inspection import InspectedParticle
from playground.records import record
from playground.user_errors import UserError, message_of

if TYPE_CHECKING:
    from torch import Tensor

    from playground.app.controllers.runs import Run
    from playground.app.model.live_training import Weights
    from playground.app.model.model import Model
    from playground.lab.problem import Problem
    from playground.lab.tilting import Tilted
    from playground.lab.trajectory import Trajectory
    from playground.theory.guidance import LabelledScore
    from playground.theory.networks import ScoreNetwork
    from playground.theory.noise import ScoreFunction

SHARE = 0.35  # of a core for sampling during training; on two cores the rest of one paints
IDLE = 0.05  # seconds to sleep if nothing is requested
ROWS = 1_024  # points of a score in one call; more would be split over both cores and wait for the one that trains


@dataclass(frozen=True)
class OverlayRequest:
    """A request for the layers that are wanted at one noise level, as far as they are known; a learned density is not.

    `time` is the process's own, for samplers whose particles are in the process's coordinates.
    """

    model: "Model"
    wanted: WantedOverlays
    sigma: float
    time: float | None


@dataclass(frozen=True)
class ReadoutRequest:
    """A request for score and density at a point."""

    model: "Model"
    point: tuple[float, float]
    sigma: float
    time: float | None


@record
class ParticlesRequest:
    """A request for the values that colour the particles of a frame, see :class:`ParticleValues`."""

    model: "Model"
    kind: ParticleColors
    positions: np.ndarray
    sigma: float
    time: float | None


@record
class InspectionRequest:
    """A request for the terms of one particle's step."""

    run: "Run"
    frame: int
    number: int


@record
class FlowRequest:
    """A request for the path from a start by the probability flow."""

    run: "Run"
    start: tuple[float, float]


class LoadedScores:
    """The scores of networks of one thread, each loaded when it is first asked for."""

    def __init__(self) -> None:
        self._network: ScoreNetwork | None = None
        self._owner: Problem | None = None  # the problem of the network
        self._loaded = -1  # the version of its weights
        self._earlier: tuple[object, LabelledScore] | None = (
            None  # weights of an earlier training step, and their score
        )

    def score(self, run: "Run", weights: "Weights") -> "ScoreFunction":
        """The score that a run follows with these weights."""
        return run.problem.known_score() or self.learned(run.problem, weights)

    def weaker(self, problem: "Problem", weights: "Weights") -> "LabelledScore | None":
        """The score of the earlier training step that guides particles; None if none does."""
        from playground.lab.autoguidance import weaker_step

        step = weaker_step(problem.experiment, weights.earlier, weights.made)
        if step is None or problem.known_score() is not None:
            return None
        earlier = weights.earlier[step]
        if self._earlier is None or self._earlier[0] is not earlier:  # arrows ask for it in each frame
            network = problem.network().requires_grad_(False)
            network.load_state_dict(dict(earlier))
            self._earlier = earlier, _in_pieces(network)
        return self._earlier[1]

    def learned(self, problem: "Problem", weights: "Weights") -> "ScoreFunction":
        """The score of the network with these weights."""
        return _in_pieces(self.network(problem, weights))

    def network(self, problem: "Problem", weights: "Weights") -> "ScoreNetwork":
        """The network with these weights."""
        if self._loaded != weights.version:
            # Building one takes 5 ms of the interpreter, seven times a second during training.
            if self._owner is not problem or self._network is None:
                self._owner, self._network = problem, problem.network().requires_grad_(False)
            self._network.load_state_dict(weights.tensors)
            self._loaded = weights.version
        assert self._network is not None
        return self._network


class LatestScore:
    """The score that a run follows, with the current weights at each call; an energy also has its log-density.

    Args:
        weights: used instead of the current ones.
    """

    def __init__(self, scores: LoadedScores, run: "Run", weights: "Weights | None" = None) -> None:
        self._scores, self._run, self._fixed = scores, run, weights

    @property
    def _weights(self) -> "Weights":
        return self._fixed or self._run.followed

    def __call__(self, *place: "Tensor") -> "Tensor":
        return self._scores.score(self._run, self._weights)(*place)

    @property
    def weaker(self) -> "LabelledScore | None":
        """The score of the earlier training step that guides the run, if one does."""
        return self._scores.weaker(self._run.problem, self._weights)

    def log_density(self, x: "Tensor", sigma: "Tensor") -> "Tensor":
        from playground.theory.partition import EnergyFunction

        network = self._scores.network(self._run.problem, self._weights)
        assert isinstance(network, EnergyFunction)  # only these are asked
        return network.log_density(x, sigma)


Request = TypeVar("Request")
Answer = TypeVar("Answer")


class Exchange(Generic[Request, Answer]):
    """The newest request to the thread that samples, and its newest answer; each replaces one that was not taken.

    Args:
        wake: wakes the thread.
        compute: makes the answer, in the thread.
    """

    def __init__(self, wake: threading.Event, compute: Callable[[Request], Answer]) -> None:
        self._wake, self._compute = wake, compute
        self._requests: Mailbox[Request] = Mailbox()
        self.answers: Mailbox[tuple[Request, Answer]] = Mailbox()

    def request(self, request: Request) -> None:
        self._requests.put(request)
        self._wake.set()

    def answer(self, is_current: Callable[[Request], bool]) -> Answer | None:
        """Take the newest answer; None if there is none, or if its request is out of date."""
        request, answer = self.answers.take() or (None, None)
        return answer if request is not None and is_current(request) else None

    def turn(self) -> bool:
        """Answer the request; returns whether there was one."""
        request = self._requests.take()
        if request is not None:
            self.answers.put((request, self._compute(request)))
        return request is not None


class SamplingWorker:
    """Takes the steps of one run after another, and answers requests; the mailboxes between thread and window.

    Attributes:
        run: the run that is being sampled, or was last.
        wake: wakes the thread that samples; shared if several workers share a thread.
    """

    def __init__(self, wake: threading.Event | None = None) -> None:
        self.run: Run | None = None
        self.wake = wake or threading.Event()
        self.fields = Exchange(self.wake, self.compute_overlays)
        self.densities = Exchange(self.wake, self.compute_overlays)
        self.readouts = Exchange(self.wake, self.read)
        self.particle_values = Exchange(self.wake, self.compute_particle_values)
        self.inspections = Exchange(self.wake, self.inspect)
        self.flows = Exchange(self.wake, self.flow)
        self._exchanges = self.fields, self.densities, self.readouts, self.particle_values, self.inspections, self.flows
        self._runs: Mailbox[Run] = Mailbox()
        self._tilted: tuple[Problem, Tilted | None, dict[Bounds, np.ndarray]] | None = None
        self._share = 1.0  # of a core, for sampler steps
        self._wanted = 0
        self._frame_seconds = 0.0  # between two frames, pauses included
        self._spent = 0.0  # since the last frame
        self._rested = 0.0  # time at which the next step may begin
        self._steps: Iterator[Trajectory] | None = None  # of the current run
        self.scores = LoadedScores()

    def begin(self, run: "Run") -> None:
        self._wanted = 0
        self._runs.put(run)
        self.wake.set()

    def record(self, frames: int) -> None:
        """Record this many frames of the current run."""
        if frames > self._wanted:
            self._wanted = frames
            self.wake.set()

    def set_share(self, share: float) -> None:
        """Use at most this share of a core for sampler steps."""
        self._share = share

    def keeps_up(self, frames_a_second: float) -> bool:
        """Whether frames can be recorded as fast as they are played."""
        return self._frame_seconds * frames_a_second <= 1.0

    @property
    def rest(self) -> float:
        """Seconds until the next step may begin, at most."""
        return min(max(self._rested - time.monotonic(), 0.0) or IDLE, IDLE)

    def turn(self) -> bool:
        """Answer the requests and take one step of the run; returns whether there was anything to do."""
        run = self._runs.take()
        if run is not None:
            self._steps = self._start(run)
        answered = [one.turn() for one in self._exchanges]
        stepped = self._steps is not None and self.advance(self._steps)
        return stepped or any(answered)

    def _start(self, run: "Run") -> "Iterator[Trajectory]":
        from playground.lab.sampling import sample

        self.run, self._spent = run, 0.0
        return sample(run.problem, LatestScore(self.scores, run), seed=run.seed, path=run.path)

    def advance(self, steps: "Iterator[Trajectory]") -> bool:
        run = self.run
        recorded, start = 0 if run is None or run.trajectory is None else len(run.trajectory), time.monotonic()
        if start < self._rested or (recorded and recorded >= self._wanted):
            return False
        worked = time.thread_time()
        trajectory = next(steps, None)
        if trajectory is None:
            return False
        if run is not None and len(trajectory):
            run.record(trajectory)
        # The time worked, not the time passed: waiting for the interpreter or the processor takes nothing from others.
        worked, passed = time.thread_time() - worked, time.monotonic() - start
        seconds = max(passed, worked / self._share)
        self._rested = start + seconds
        self._spent += seconds
        if len(trajectory) > recorded:
            self._frame_seconds += (self._spent - self._frame_seconds) / min(len(trajectory), 20)
            self._spent = 0.0
        return True

    def compute_overlays(self, request: OverlayRequest) -> tuple[FieldView | None, DensityView | None]:
        """Compute the requested score fields and density, as far as they are known."""
        from playground.lab.fields import arrows_at, density_over, empirical_density_over, grid_points

        problem, wanted = request.model.problem, request.wanted
        layers, bounds, moment = wanted.layers, wanted.bounds, (request.sigma, request.time)
        field = density = None
        error = "error" in layers and problem.density is not None and problem.has_score
        if layers & {"learned", "exact"} or error:
            # Arrows are at the centres of their cells, so that no edge cuts one.
            positions = grid_points(bounds, *wanted.grid).reshape(-1, 2)
            shown = exact = errors = None
            if error:
                score = self.scores.learned(problem, request.model.weights)
                plain = arrows_at(problem, score, positions, *moment)
                errors = self._errors(request, positions, plain)
            if "learned" in layers:
                learned = self._learned_field(request.model)
                shown = arrows_at(problem, learned, positions, *moment)
            closed_form = _known_field(problem, wanted.exact_source)
            if "exact" in layers and closed_form is not None:
                exact = arrows_at(problem, closed_form, positions, *moment)
            what = "score" if problem.has_score else "velocity"
            field = FieldView(positions, shown, exact, request.sigma, request.time is not None, errors, what)
        if "density" not in layers or wanted.density_source == "learned":
            return field, None
        source, values = wanted.density_source, None
        if source == "tilted":
            values = self._tilted_over(problem, bounds)
        elif source == "empirical":
            values = empirical_density_over(problem, bounds, *moment)
        if values is None and problem.path_density is not None:
            source, values = "exact", density_over(problem, bounds, *moment)
        if values is not None:
            density = DensityView(values, bounds, request.sigma, source, moving=request.time is not None)
        return field, density

    def _learned_field(self, model: "Model") -> "ScoreFunction":
        """The learned score as the plane shows it: with all that the particles' settings make of it."""
        from playground.lab.conditioning import field_score
        from playground.theory.guidance import ScoreWithWeaker

        problem, weights = model.problem, model.weights
        score = ScoreWithWeaker(self.scores.learned(problem, weights), self.scores.weaker(problem, weights))
        return field_score(problem, score, "learned")

    def _tilted_over(self, problem: "Problem", bounds: Bounds) -> np.ndarray | None:
        """The tilted density of an experiment's samples; None if it has none. It is kept, as it is that of every frame."""
        from playground.lab.tilting import tilted, tilted_over

        if self._tilted is None or self._tilted[0] is not problem:
            self._tilted = problem, tilted(problem), {}
        _, density, maps = self._tilted
        if density is None:
            return None
        if bounds not in maps:
            maps.clear()
            maps[bounds] = tilted_over(problem, density, bounds)
        return maps[bounds]

    def compute_particle_values(self, request: ParticlesRequest) -> ParticleValues:
        """Compute the values that colour particles, for a problem with a known density."""
        from playground.lab.fields import log_density_at, nearest_modes_at

        problem = request.model.problem
        if request.kind == "mode":
            found: np.ndarray = nearest_modes_at(problem, request.positions, request.time)
        else:
            found = log_density_at(problem, request.positions, request.sigma, request.time)
        return ParticleValues(request.kind, found, request.model.view.modes)

    def inspect(self, request: InspectionRequest) -> InspectedParticle:
        """Compute the terms of a particle's step."""
        from playground.lab.inspection import inspect

        run = request.run
        assert run.trajectory is not None
        return inspect(run.problem, self._at_start(run), run.trajectory, request.frame, request.number)

    def flow(self, request: FlowRequest) -> np.ndarray:
        """Compute the path from a start by the probability flow."""
        from playground.lab.inspection import flow_from

        return flow_from(request.run.problem, self._at_start(request.run), np.array(request.start))

    def _at_start(self, run: "Run") -> LatestScore:
        """The score that a run followed at its start, or if that is not known the present one."""
        return LatestScore(self.scores, run, run.weights or run.followed)

    def _errors(self, request: OverlayRequest, positions: np.ndarray, arrows: np.ndarray) -> ScoreErrorMap:
        """The error map, and its arrows at the positions of the learned score's arrows."""
        from playground.lab.fields import arrows_at, score_error_over, typical_score

        problem, moment = request.model.problem, (request.sigma, request.time)
        learned, exact = self.scores.learned(problem, request.model.weights), problem.known_score("exact")
        assert exact is not None  # otherwise no error is requested
        values = score_error_over(problem, learned, request.wanted.bounds, *moment)
        away = arrows - arrows_at(problem, exact, positions, *moment)
        # Scaled by the exact score and not by the errors, so that the map grows dark during training.
        top = typical_score(problem, *moment) or float(values.max())
        return ScoreErrorMap(values, request.wanted.bounds, away, rounded_up(top))

    def read(self, request: ReadoutRequest) -> PointReadout:
        from playground.lab.field_names import field_names
        from playground.lab.fields import log_density_at, score_at

        problem, positions = request.model.problem, np.array([request.point])
        moment, source = (request.sigma, request.time), problem.reference
        followed = "learned" if problem.known_score() is None else str(problem.experiment.sampling.follows)
        network = self._learned_field(request.model)
        field = network if followed == "learned" else _known_field(problem, followed)
        assert field is not None
        names = field_names(problem, field, positions, *moment)
        log_density, scores = None, {} if names is None else {followed: names.score[0]}
        if "learned" not in scores:
            scores["learned"] = score_at(problem, network, positions, *moment)[0]
        known = None if source is None else _known_field(problem, source)
        if known is not None and source is not None:
            if source not in scores:
                scores[source] = score_at(problem, known, positions, *moment)[0]
            log_density = float(log_density_at(problem, positions, *moment, source)[0])
        learned, exact = scores["learned"], None if source is None else scores.get(source)
        if names is not None and not problem.has_score:
            learned, exact = -names.velocity[0], None  # particles go from t = 1 to 0
        return PointReadout(
            request.point,
            request.sigma,
            learned,
            exact,
            log_density,
            source or "exact",
            names,
            followed,
            velocity=not problem.has_score,
            few_data=_has_few_data(request),
        )


class Samplers:
    """The workers of the thread that samples: one for the main run, and one for each column. They take turns.

    Attributes:
        main: samples the main run.
        ended_at: the run at whose turn the thread ended last.
    """

    def __init__(self, main: SamplingWorker) -> None:
        self.main = main
        self.ended_at: Run | None = None
        self._of: dict[Run, SamplingWorker] = {}

    def of(self, run: "Run | None") -> SamplingWorker:
        """The worker of a column's run, or of the main one."""
        return self.main if run is None else self._of.get(run, self.main)

    def set_share(self, share: float, coming: Collection["Run"]) -> None:
        """Use at most this share of a core for the steps of each; for all that come later, for which nobody waits, together."""
        for run, worker in self._of.items():
            worker.set_share(share / len(coming) if run in coming else share)
        self.main.set_share(share)

    def put(self, runs: Iterable["Run"]) -> None:
        """Sample these runs of columns to their end beside the main one, and no others."""
        before = self._of
        self._of = {run: before.get(run) or SamplingWorker(self.main.wake) for run in runs}
        for run, worker in self._of.items():
            if run not in before and run.can_be_sampled:
                worker.begin(run)
                worker.record(sys.maxsize)
        self.main.wake.set()

    def loop(self) -> Iterator[None]:
        """Sample and answer forever; the thread ends it between two items. If one run fails, the others go on.

        Another error than a :class:`UserError` ends the thread, which is then to be started again.
        """
        while True:
            worked, workers = False, (self.main, *self._of.values())
            for worker in workers:
                try:
                    worked |= worker.turn()
                except UserError as error:
                    if worker.run is not None:
                        worker.run.fail(message_of(error))
                except Exception:
                    self.ended_at = worker.run
                    raise
                yield None
            if not worked:
                self.main.wake.wait(min(worker.rest for worker in workers))
                self.main.wake.clear()
                yield None


def _has_few_data(request: ReadoutRequest) -> bool:
    """Whether data are so few at the pointer that the score of a trained network may be far from the exact one."""
    from playground.lab.fields import in_data_coordinates
    from playground.lab.trust import few_data

    problem = request.model.problem
    if problem.reference != "exact" or request.model.weights.untrained:
        return False
    # Rounded to e^0.1, so that a run of many levels ranks training points at few of them: a time takes up to 20 ms.
    sigma = math.exp(round(math.log(request.sigma), 1)) if request.sigma else 0.0
    (few,) = few_data(problem, in_data_coordinates(problem, np.array([request.point]), request.time), sigma)
    return few is not None


def _known_field(problem: "Problem", source: str) -> "ScoreFunction | None":
    """A known score as the plane shows it: with all that the particles' settings make of it, if they follow it."""
    from playground.lab.conditioning import field_score

    score = problem.known_score(source)
    return None if score is None else field_score(problem, score, source)


def _in_pieces(network: "ScoreNetwork") -> "LabelledScore":
    """The score of a network, for a few points at a time."""
    import torch

    def score(x: "Tensor", sigma: "Tensor", *label: "Tensor") -> "Tensor":
        parts = (x, *(part.expand(len(x)) for part in (sigma.to(x), *label)))
        pieces = zip(*(torch.split(part, ROWS) for part in parts), strict=True)
        return torch.cat([network(*piece) for piece in pieces])

    return score
