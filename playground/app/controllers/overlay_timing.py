"""Score field and density under a frame: computed at their own rates, and shown with frames of their noise level.

While a run plays, no frame waits for them. Those of the frame before stay for a short time, until the new ones come.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from playground.app.controllers import measurements
from playground.app.model.views import Bounds, DensityView, FieldView, ParticleColors, ProblemView
from playground.app.model.workspace import Workspace
from playground.app.workers.tasks import Tasks

FOLLOWING = "density-of-the-moment"  # not the task "density", which the user starts and cancels
MAPS = 64  # learned densities that are kept
PATIENCE = 0.12  # seconds that a frame at rest waits for its field and density, and that a playing run keeps the last
NEAR = 1.25  # factor between noise levels that count as equal; 500 steps change sigma by this in 0.25 s

FrameNoise = tuple[float, float | None]  # sigma, and the process's time if particles are in its coordinates
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
        show: takes the view to show from now on.
        drop: called when the shown view belongs to another frame and there is no replacement.
        suits: returns whether a view is of the kind that is wanted now.
    """

    def __init__(
        self, show: Callable[[Seen], None], drop: Callable[[], None], suits: Callable[[Seen], bool] = lambda _: True
    ) -> None:
        self._show: Callable[[Seen], None] = show
        self._suits: Callable[[Seen], bool] = suits
        self._drop = drop
        self.seen: Seen | None = None
        self.given_up = False  # whether a frame waited in vain, so that none waits until a view has come
        self._come: Seen | None = None
        self._expired = False
        self._fitted = -math.inf  # when a frame to which the shown view belongs was last shown

    def give_up(self) -> None:
        """Let no frame wait until a view has come."""
        self.given_up = True

    def take(self, view: Seen, moment: FrameNoise | None = None) -> None:
        """Keep a computed view until :meth:`settle`; one of the current frame has priority."""
        if moment is None or self._fits(view, moment) or not self._fits(self._come, moment):
            self._come, self.given_up = view, False

    def expire(self) -> None:
        """Mark the shown view as one of another problem; it is replaced as soon as another view comes."""
        self._expired, self._come = True, None

    def drop(self) -> None:
        """Remove the shown view: it belongs to other weights."""
        self._come = None
        if self.seen is not None:
            self.seen = None
            self._drop()

    def lags(self, moment: FrameNoise) -> bool:
        """Whether there is no view for this frame."""
        return not self._fits(self._come, moment) and not self._stays(moment)

    def settle(self, moment: FrameNoise, plays_on: bool = False) -> None:
        """Show the view for this frame; remove a shown view that belongs to another frame.

        Args:
            plays_on: whether this frame follows the last one of a run that plays: then the view of that stays a short time.
        """
        come, self._come, now = self._come, None, time.monotonic()
        if come is not None and self._fits(come, moment):
            if come is not self.seen:  # tasks pass the same map many times
                self.seen, self._expired = come, False
                self._show(come)
            self._fitted = now
        elif self._stays(moment):
            self._fitted = now
        elif self.seen is not None and not (plays_on and self._lingers(moment, now)):
            self.seen = None
            self._drop()

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


class FrameOverlayTimer:
    """Field and density under the frames, which wait for them for a while.

    Args:
        field, density: take the view to show from now on.
        drop: called with "field" or "density" to remove it.
        suits: returns whether a density is of the kind that is wanted now.
    """

    def __init__(
        self,
        field: Callable[[FieldView], None],
        density: Callable[[DensityView], None],
        drop: Callable[[str], None],
        suits: Callable[[DensityView], bool],
    ) -> None:
        self.field = Overlay[FieldView](field, lambda: drop("field"))
        self.density = Overlay[DensityView](density, lambda: drop("density"), suits)
        self._waiting_since: float | None = None

    def expire(self) -> None:
        """See :meth:`Overlay.expire`."""
        self.field.expire()
        self.density.expire()

    def settle(self, moment: FrameNoise | None, plays_on: bool = False) -> None:
        """See :meth:`Overlay.settle`; `moment` is None if no frame of the current problem is in view."""
        if moment is not None:
            self.field.settle(moment, plays_on)
            self.density.settle(moment, plays_on)

    def waits(self, moment: FrameNoise | None, now: float, field: bool, density: bool) -> bool:
        """Whether the current frame, at rest, must wait for its field or density, as far as they are wanted."""
        lagging = [
            overlay
            for overlay, wanted in ((self.field, field), (self.density, density))
            if wanted and moment is not None and overlay.lags(moment) and not overlay.given_up
        ]
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
        tasks: runs the computation of maps.
        show: takes each map to show.
    """

    def __init__(self, tasks: Tasks, show: Callable[[DensityView], None]) -> None:
        self._tasks, self._show = tasks, show
        self._maps: OrderedDict[tuple[object, ...], tuple[int, DensityView]] = OrderedDict()

    def forget(self) -> None:
        """Forget all maps: they belong to another problem."""
        self._maps.clear()

    def follow(self, workspace: Workspace, bounds: Bounds, sigma: float, moving: bool) -> bool:
        """Show the map nearest to sigma; False if a computation must end first.

        During training a map of the same level with earlier weights may be shown.

        Args:
            moving: whether to use the process's coordinates, for particles with a time.
        """
        level = measurements.map_level(sigma, workspace.view)
        problem, weights = workspace.problem, workspace.weights
        key = (bounds, level, moving, weights.step)
        version, known = self._maps.get(key, (None, None))
        if known is not None and (version == weights.version or workspace.training == "training"):
            self._show(known)
        if version == weights.version:
            return True
        if self._tasks.running(FOLLOWING):
            return False

        def keep(view: DensityView) -> None:
            self._maps[key] = weights.version, view
            while len(self._maps) > MAPS:
                self._maps.popitem(last=False)
            self._show(view)

        self._tasks.start(
            FOLLOWING,
            "Learned density",
            lambda: measurements.learned_density(problem, weights, bounds, level, measurements.MAP_CELLS, moving),
            keep,
        )
        return True
