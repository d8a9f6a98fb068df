"""Score field and density under a frame: computed at their own rates, and shown with frames of their noise level.

While a run plays, no frame waits for them. Those of the frame before stay for a short time, until the new ones come.
"""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from playground.app.controllers import measurements
from playground.app.controllers.runs import FrameNoise, Run
from playground.app.controllers.sampling_worker import (
    InspectionRequest,
    OverlayRequest,
    ParticlesRequest,
    SamplingWorker,
)
from playground.app.model.model import LiveModel, Model
from playground.app.model.views import (
    COMPUTED_COLORS,
    Bounds,
    DensityView,
    FieldView,
    ParticleColors,
    ParticleValues,
    ProblemView,
    WantedOverlays,
)
from playground.app.workers.jobs import Jobs
from playground.lab.bounded_memory import BoundedMemory
from playground.lab.conflicts import tilted_conflict
from playground.lab.inspection import InspectedParticle
from playground.records import record

if TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

FOLLOWING = "density-of-the-moment"  # not the job "density", which the user starts and cancels
FIELD_SECONDS = 0.05  # between two requests for the field: arrows turn slowly
DENSITY_SECONDS = 0.1  # between two requests for the density, which costs several times as much and changes more slowly
MAPS = 2**23  # bytes of learned densities that are kept: 70 of an energy, and more of others
PATIENCE = 0.12  # seconds that a frame at rest waits for its field and density, and that a playing run keeps the last
NEAR = 1.25  # factor between noise levels that count as equal; 500 steps change sigma by this in 0.25 s

Seen = TypeVar("Seen", FieldView, DensityView)


def near(one: float, other: float) -> bool:
    """Whether two noise levels are close enough to count as the same."""
    return max(one, other) <= NEAR * min(one, other)


def density_source(chosen: str, view: ProblemView | None) -> str:
    """The source of the density layer; an unknown density is replaced by the learned one or the training set's."""
    if view is None or view.known_density:
        if chosen == "tilted":
            return "tilted" if view is not None and view.conditions.known_classes else "exact"
        noisy = view is None or (view.sigma_min > 0 and view.has_score)
        return chosen if noisy or chosen != "empirical" else "exact"
    empirical = view.sigma_min > 0 and view.has_score and (chosen == "empirical" or not view.shows_learned_density)
    return "empirical" if empirical else "learned"


def exact_source(chosen: str, view: ProblemView | None) -> str:
    """The source of the exact score: the training set's replaces one that is not known."""
    if view is not None and not view.has_score:
        return "exact"
    if view is not None and (not view.known_density or chosen == "empirical") and view.sigma_min > 0:
        return "empirical"
    return "exact"


def particle_colors(chosen: ParticleColors, view: ProblemView | None) -> ParticleColors:
    """What colours the particles; "one" colour if the chosen values are not known."""
    known = view is not None and {"mode": view.modes is not None, "log_p": view.known_density}.get(chosen, True)
    return chosen if known else "one"


def as_known(wanted: WantedOverlays, model: Model | None) -> WantedOverlays:
    """What is wanted, with sources and colours that are known for a model."""
    view = None if model is None else model.view
    source = density_source(wanted.density_source, view)
    if source == "tilted" and model is not None:
        source = "exact" if tilted_conflict(model.problem.experiment, model.problem.conditions) else "tilted"
    exact, colors = exact_source(wanted.exact_source, view), particle_colors(wanted.colors, view)
    if (exact, source, colors) == (wanted.exact_source, wanted.density_source, wanted.colors):
        return wanted  # as it mostly is: several times in each frame of each column
    return dataclasses.replace(wanted, exact_source=exact, density_source=source, colors=colors)


class Throttle:
    """Says when to compute something again: when its inputs have changed, but not too often.

    Args:
        seconds: least time between two computations.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.forget()

    def forget(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._time = -math.inf

    def due(self, key: tuple[object, ...], now: float, at_once: bool = False) -> bool:
        """Whether to compute for `key` now, which then counts as done; `at_once` ignores the time passed."""
        if key == self._key or (now - self._time < self._seconds and not at_once):
            return False
        self._key, self._time = key, now
        return True


class Overlay(Generic[Seen]):
    """The field or the density under a frame: the one that is shown, and a newer one for a frame that is not shown yet.

    Args:
        suits: returns whether a view is of the kind that is wanted now.
    """

    def __init__(self, suits: Callable[[Seen], bool] = lambda _: True) -> None:
        self._suits: Callable[[Seen], bool] = suits
        self.seen: Seen | None = None
        self.given_up = False  # whether a frame waited in vain, so that none waits until a view has come
        self._come: Seen | None = None
        self._expired = False
        self._fitted = -math.inf  # when a frame to which the shown view belongs was last shown

    def give_up(self) -> None:
        """Stop blocking frames until the next overlay arrives."""
        self.given_up = True

    def take(self, view: Seen, moment: FrameNoise | None = None) -> None:
        """Keep a computed view until :meth:`settle`; one of the current frame has priority."""
        if moment is None or self._fits(view, moment) or not self._fits(self._come, moment):
            self._come, self.given_up = view, False

    def expire(self) -> None:
        """Mark the shown view as one of another problem; it is replaced as soon as another view comes."""
        self._expired, self._come = True, None

    def drop(self) -> None:
        """Remove the shown view: it belongs to other weights or data."""
        self._come = self.seen = None

    def lags(self, moment: FrameNoise) -> bool:
        """Whether there is no view for this frame."""
        return not self._fits(self._come, moment) and not self._stays(moment)

    def settle(self, moment: FrameNoise, plays_on: bool = False) -> bool:
        """Show the view for this frame; remove a shown view that belongs to another frame.

        Args:
            plays_on: whether this frame follows the last one of a run that plays: then the view of that stays a short time.

        Returns:
            Whether another view is shown, or none any more.
        """
        come, self._come, before, now = self._come, None, self.seen, time.monotonic()
        if come is not None and self._fits(come, moment):
            if come is not self.seen:  # jobs pass the same map many times
                self.seen, self._expired = come, False
            self._fitted = now
        elif self._stays(moment):
            self._fitted = now
        elif self.seen is not None and not (plays_on and self._lingers(moment, now)):
            self.seen = None
        return self.seen is not before

    def _lingers(self, moment: FrameNoise, now: float) -> bool:
        """Whether the shown view is of a frame just before this one."""
        if self.seen is None or self._expired or not self._suits(self.seen):
            return False
        return self.seen.moving == (moment[1] is not None) and now - self._fitted < PATIENCE

    def _stays(self, moment: FrameNoise) -> bool:
        return not self._expired and self._fits(self.seen, moment)

    def _fits(self, view: Seen | None, moment: FrameNoise) -> bool:
        if view is None or not self._suits(view):
            return False
        if isinstance(view, DensityView) and view.asked:
            return True  # it belongs to every frame
        sigma, time = moment
        return view.moving == (time is not None) and near(view.sigma, sigma)


@record
class CurrentFrame:
    """The frame of a run that is in view.

    Attributes:
        model: its problem and weights; None if there are none.
        run: the run; None if its problem is not known.
        trajectory, frame: its frames so far and the number of this one; no trajectory if there is none.
        moment: its noise; None if no frame of the model is in view.
        wanted: what is shown of it.
        asked: whether its density is a map that the user requested.
    """

    model: Model | None
    run: Run | None
    trajectory: "Trajectory | None"
    frame: int
    moment: FrameNoise | None
    wanted: WantedOverlays
    asked: bool = False

    @property
    def closed(self) -> bool:
        """Whether a density is wanted that is known; a learned one takes seconds."""
        return "density" in self.wanted.layers and self.wanted.density_source != "learned"


NO_FRAME = CurrentFrame(None, None, None, 0, None, WantedOverlays())


class FrameOverlays:
    """Field, density and particle values of a run's current frame: requested, waited for, and kept while they belong to it.

    Args:
        worker: computes them.
        changed: called with each view that is shown from now on and with values, or with None if a view was removed.
        seconds: least time between two requests for the field.

    Attributes:
        current: the current frame.
        field, density: each with the view that is shown.
        values: the values that colour the particles; None before the first.
        particle: the followed particle and its step, of this frame or one a moment before; None before the first.
    """

    def __init__(
        self,
        worker: SamplingWorker,
        changed: Callable[[FieldView | DensityView | ParticleValues | InspectedParticle | None], None],
        seconds: float = FIELD_SECONDS,
    ) -> None:
        self._worker, self._changed = worker, changed
        self.current = NO_FRAME
        self.field = Overlay[FieldView]()
        self.density = Overlay[DensityView](self._suits)
        self.values: ParticleValues | None = None
        self.particle: InspectedParticle | None = None
        self._fields, self._densities = Throttle(seconds), Throttle(DENSITY_SECONDS)
        self._coloring, self._inspecting = Throttle(FIELD_SECONDS), Throttle(0.0)
        self._waiting_since: float | None = None

    def _suits(self, density: DensityView) -> bool:
        """Whether a density is of the kind to show: the requested map, or until it is there that of the frame."""
        return self.current.asked if density.asked else density.source == self.current.wanted.density_source

    def follow(self, current: CurrentFrame) -> None:
        """Take what is the current frame now."""
        if current.wanted.followed != self.current.wanted.followed:
            self._drop_particle()
        self.current = current

    def expire(self) -> None:
        """See :meth:`Overlay.expire`."""
        self.field.expire()
        self.density.expire()
        self._drop_particle()

    def _drop_particle(self) -> None:
        self.particle = None
        self._inspecting.forget()

    def forget(self) -> None:
        """Remove everything: it belongs to other data."""
        self.field.drop()
        self.density.drop()
        self.values = None

    def look(self) -> None:
        """Take what was computed, and request what the current frame lacks. Results for another model are dropped."""
        current, now = self.current, time.monotonic()
        model, moment, wanted = current.model, current.moment, current.wanted

        def is_of_it(request: OverlayRequest | ParticlesRequest) -> bool:
            return model is not None and request.model.problem is model.problem

        for exchange in (self._worker.fields, self._worker.densities):
            field, density = exchange.answer(is_of_it) or (None, None)
            if field is not None:
                self.field.take(field, moment)
            if density is not None:
                self.density.take(density, moment)
        values = self._worker.particle_values.answer(is_of_it)
        if values is not None:
            self.values = values
            self._changed(values)
        self._inspect(current, now)
        if model is None or moment is None or model.view.is_image:
            return
        self._value_particles(current, model, moment, now)
        if current.asked:
            self._densities.forget()  # the frame's own is needed as soon as the requested map goes
        place = id(model.problem), wanted.bounds, *moment
        score = wanted.grid, wanted.arrows, model.weights.version, wanted.exact_source
        if wanted.arrows and self._fields.due((*place, *score), now, self.field.lags(moment)):
            arrows = dataclasses.replace(wanted, layers=wanted.arrows)
            self._worker.fields.request(OverlayRequest(model, arrows, *moment))
        source = *place, wanted.density_source
        if current.closed and not current.asked and self._densities.due(source, now, self.density.lags(moment)):
            density_alone = dataclasses.replace(wanted, layers=frozenset({"density"}))
            self._worker.densities.request(OverlayRequest(model, density_alone, *moment))

    def _value_particles(self, current: CurrentFrame, model: Model, moment: FrameNoise, now: float) -> None:
        """Request the values that colour the particles."""
        run, frame, colors = current.trajectory, current.frame, current.wanted.colors
        if colors not in COMPUTED_COLORS or run is None or not frame < len(run):
            return
        if self._coloring.due((id(run), frame, colors), now):
            self._worker.particle_values.request(ParticlesRequest(model, colors, run.positions[frame], *moment))

    def _inspect(self, current: CurrentFrame, now: float) -> None:
        """Take the values of the followed particle, and request those of the current frame."""
        run, trajectory, frame, number = current.run, current.trajectory, current.frame, current.wanted.followed
        particle = self._worker.inspections.answer(
            lambda request: request.number == number and request.run.trajectory is trajectory
        )
        if particle is not None:
            self.particle = particle
            self._changed(particle)
        if run is None or number is None or trajectory is None or not frame < len(trajectory):
            return
        # The step from a frame is known when the next frame is there.
        asked = id(trajectory), frame, number, min(len(trajectory), frame + 2)
        if number < trajectory.positions.shape[1] and self._inspecting.due(asked, now):
            self._worker.inspections.request(InspectionRequest(run, frame, number))

    def settle(self, plays_on: bool = False) -> None:
        """Show what was computed for the current frame, and remove what belongs to another; see :meth:`Overlay.settle`."""
        moment = self.current.moment
        for overlay in (self.field, self.density):
            if moment is not None and overlay.settle(moment, plays_on):
                self._changed(overlay.seen)

    @property
    def waits(self) -> bool:
        """Whether the current frame, at rest, must wait for its field or density, as far as they are wanted."""
        current, now = self.current, time.monotonic()
        moment, model = current.moment, current.model
        lagging: list[Overlay[FieldView] | Overlay[DensityView]] = []
        if moment is not None and model is not None and not model.view.is_image:
            wanted = (self.field, bool(current.wanted.arrows)), (self.density, current.closed)
            lagging = [one for one, on in wanted if on and one.lags(moment) and not one.given_up]
        if not lagging:
            self._waiting_since = None
            return False
        self._waiting_since = now if self._waiting_since is None else self._waiting_since
        if now - self._waiting_since < PATIENCE:
            return True
        self._waiting_since = None
        for overlay in lagging:
            overlay.give_up()
        return False


class LearnedDensities:
    """The learned density at the current noise level: computed if it is not known, and kept for the next loop.

    Args:
        jobs: runs the computation of maps.
        show: takes each map to show.
    """

    def __init__(self, jobs: Jobs, show: Callable[[DensityView], None]) -> None:
        self._jobs, self._show = jobs, show
        self._maps = BoundedMemory[tuple[object, ...], tuple[int, DensityView]](MAPS)

    def forget(self) -> None:
        """Forget all maps: they belong to another problem."""
        self._maps = BoundedMemory(MAPS)

    def follow(self, model: LiveModel, bounds: Bounds, sigma: float, moving: bool) -> bool:
        """Show the map nearest to sigma; False if a computation must end first.

        During training a map of the same level with earlier weights may be shown.

        Args:
            moving: whether to use the process's coordinates, for particles with a time.
        """
        level = measurements.map_level(sigma, model.view)
        problem, weights = model.problem, model.weights
        key = (bounds, level, moving, weights.step)
        version, known = self._maps.get(key) or (None, None)
        if known is not None and (version == weights.version or model.is_training):
            self._show(known)
        if version == weights.version:
            return True
        if self._jobs.running(FOLLOWING):
            return False

        def keep(view: DensityView) -> None:
            self._maps.put(key, (weights.version, view))
            self._show(view)

        self._jobs.start(
            FOLLOWING,
            lambda: measurements.learned_density(problem, weights, bounds, level, measurements.MAP_CELLS, moving),
            keep,
        )
        return True
