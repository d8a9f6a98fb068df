"""The thread that keeps the canvas alive: sampler steps, score fields, exact densities and read-outs.

The window leaves its newest wish in a slot and takes the newest answer from another; nothing queues. Sampling and fields
share one thread, since two would only fight for the interpreter.
"""

import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from playground.app.views import Bounds, DensityView, FieldView, ProbeView
from playground.app.workers import Slot

if TYPE_CHECKING:
    from torch import Tensor

    from playground.app.bench import Bench
    from playground.lab.problem import Problem
    from playground.lab.trajectory import Trajectory

SHARE = 0.35  # of a core for sampling while training goes on: on two cores the rest of one paints
IDLE = 0.05  # seconds between looks when nothing is asked for
ROWS = 1_024  # points of a score in one call: more would be shared with the core that trains, and wait for it


@dataclass(frozen=True, eq=False)
class Weights:
    """Averaged weights as training left them; `version` grows with every snapshot."""

    version: int
    tensors: Mapping[str, "Tensor"]
    untrained: bool


@dataclass(frozen=True)
class Run:
    """A sampling run to begin; it follows the bench's newest weights as they come."""

    bench: "Bench"
    problem: "Problem"
    seed: int
    number: int


@dataclass(frozen=True)
class View:
    """What the canvas wants to see: the score, and the exact density, over `bounds` at one noise level.

    `time` is the process's own, for samplers that have one: their particles live in the process's coordinates.
    """

    bench: "Bench"
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


@dataclass(frozen=True)
class Probe:
    """A point to read out."""

    bench: "Bench"
    point: tuple[float, float]
    sigma: float
    time: float | None


class Newest:
    """The score that a run follows, with the newest weights whenever it is asked; of an energy its log-density too."""

    def __init__(self, live: "Live", run: Run) -> None:
        self._live, self._run = live, run

    def __call__(self, *place: "Tensor") -> "Tensor":
        score: Tensor = self._live.score(self._run)(*place)
        return score

    def log_density(self, x: "Tensor", sigma: "Tensor") -> "Tensor":
        values: Tensor = self._live.network(self._run.bench).log_density(x, sigma)
        return values


class Live:
    """The slots between window and thread, and the loop that the thread runs."""

    def __init__(self) -> None:
        self.recorded: tuple[Run | None, Trajectory | None] = None, None  # a run, and its frames so far
        self.fields: Slot[tuple[Bench, FieldView]] = Slot()  # each with the bench it is of
        self.densities: Slot[tuple[Bench, DensityView]] = Slot()
        self.probed: Slot[tuple[Bench, ProbeView]] = Slot()
        self._runs: Slot[Run] = Slot()
        self._views: Slot[View] = Slot()
        self._probes: Slot[Probe] = Slot()
        self.share = 1.0  # of a core that sampler steps may take
        self._wanted = 0
        self._frame_seconds = 0.0  # from one frame to the next, rests included
        self._spent = 0.0  # since the last frame
        self._rested = 0.0  # when the next step may begin
        self._wake = threading.Event()
        self._network: Any = None
        self._owner: Bench | None = None  # whose network it is
        self._loaded = -1  # the version of the weights in it

    def begin(self, run: Run) -> None:
        self._wanted = 0
        self._runs.put(run)
        self._wake.set()

    def look(self, view: View) -> None:
        """Ask for what the view wants, and for what the last one wanted if nobody has got to it."""
        last = self._views.take()
        if last is not None:
            view = dataclasses.replace(
                view,
                learned=view.learned or last.learned,
                exact=view.exact or last.exact,
                density=view.density or last.density,
            )
        self._views.put(view)
        self._wake.set()

    def probe(self, probe: Probe) -> None:
        self._probes.put(probe)
        self._wake.set()

    def want(self, frames: int) -> None:
        """Record this many frames of the present run."""
        if frames > self._wanted:
            self._wanted = frames
            self._wake.set()

    def finished(self, number: int) -> bool:
        """Whether the run of this number is recorded to its end."""
        run, trajectory = self.recorded
        return run is not None and run.number == number and trajectory is not None and trajectory.finished

    def keeps_up(self, frames_a_second: float) -> bool:
        """Whether frames can be recorded as fast as they are played."""
        return self._frame_seconds * frames_a_second <= 1.0

    def loop(self) -> Iterator[None]:
        """Serve wishes for ever; the thread ends it between two items."""
        steps: Iterator[Trajectory] | None = None
        while True:
            view, probe, run = self._views.take(), self._probes.take(), self._runs.take()
            if run is not None:
                steps = self._start(run)
            if view is not None:
                self._look(view)
            if probe is not None:
                self.probed.put((probe.bench, self._read(probe)))
            stepped = steps is not None and self._advance(steps)
            if not (stepped or view or probe):
                rest = self._rested - time.monotonic()
                self._wake.wait(rest if 0 < rest < IDLE else IDLE)
                self._wake.clear()
            yield None

    def _start(self, run: Run) -> "Iterator[Trajectory]":
        from playground.lab.sampling import sample

        self.recorded, self._spent = (run, None), 0.0
        return sample(run.problem, Newest(self, run), seed=run.seed)

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
        seconds = max(passed, worked / self.share)
        self._rested = start + seconds
        self._spent += seconds
        if len(trajectory) > recorded:
            self._frame_seconds += (self._spent - self._frame_seconds) / min(len(trajectory), 20)
            self._spent = 0.0
        return True

    def score(self, run: Run) -> Any:
        """The score that the run follows, with the newest weights."""
        return run.problem.known_score() or self._learned(run.bench)

    def _learned(self, bench: "Bench") -> Any:
        import torch

        network = self.network(bench)

        def score(x: "Tensor", sigma: "Tensor", *label: "Tensor") -> "Tensor":
            parts = (x, *(part.expand(len(x)) for part in (sigma.to(x), *label)))
            pieces = zip(*(torch.split(part, ROWS) for part in parts), strict=True)
            return torch.cat([network(*piece) for piece in pieces])

        return score

    def network(self, bench: "Bench") -> Any:
        """The network with the newest weights."""
        weights = bench.weights
        if self._loaded != weights.version:
            # To build one takes 5 ms of the interpreter, seven times a second while training.
            if self._owner is not bench:
                self._owner, self._network = bench, bench.problem.network().requires_grad_(False)
            self._network.load_state_dict(weights.tensors)
            self._loaded = weights.version
        return self._network

    def _look(self, view: View) -> None:
        field, density = self.see(view)
        if field is not None:
            self.fields.put((view.bench, field))
        if density is not None:
            self.densities.put((view.bench, density))

    def see(self, view: View) -> tuple[FieldView | None, DensityView | None]:
        """Compute what the view wants, as far as it is known."""
        from playground.lab.fields import arrows_at, density_over, empirical_density_over, grid_points

        problem = view.bench.problem
        field = density = None
        if view.learned or view.exact:
            # Arrows sit at the middle of their cells, so none is cut by the edge.
            positions = grid_points(view.bounds, view.columns, view.rows).reshape(-1, 2)
            learned = exact = None
            if view.learned:
                learned = arrows_at(problem, self._learned(view.bench), positions, view.sigma, view.time)
            closed_form = problem.known_score(view.exact_source)
            if view.exact and closed_form is not None:
                exact = arrows_at(problem, closed_form, positions, view.sigma, view.time)
            field = FieldView(positions, learned, exact, view.sigma, view.time is not None)
        if view.density and view.density_source == "empirical":
            values = empirical_density_over(problem, view.bounds, view.sigma, view.time)
            density = DensityView(values, view.bounds, view.sigma, "empirical", moving=view.time is not None)
        elif view.density and problem.density is not None:
            values = density_over(problem, view.bounds, view.sigma, view.time)
            density = DensityView(values, view.bounds, view.sigma, "exact", moving=view.time is not None)
        return field, density

    def _read(self, probe: Probe) -> ProbeView:
        from playground.lab.fields import log_density_at, score_at

        problem, positions = probe.bench.problem, np.array([probe.point])
        exact = log_density = None
        learned = score_at(problem, self._learned(probe.bench), positions, probe.sigma, probe.time)[0]
        source = problem.reference
        known = None if source is None else problem.known_score(source)
        if known is not None and source is not None:
            exact = score_at(problem, known, positions, probe.sigma, probe.time)[0]
            log_density = float(log_density_at(problem, positions, probe.sigma, probe.time, source)[0])
        return ProbeView(probe.point, probe.sigma, learned, exact, log_density, source or "exact")
