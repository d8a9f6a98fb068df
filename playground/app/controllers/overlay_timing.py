"""What lies under a frame: score field and density, computed at their own pace, and seen under their own frame only."""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from playground.app.controllers import measurements
from playground.app.model.views import Bounds, DensityView, FieldView, ParticleColors, ProblemView
from playground.app.model.workspace import Workspace
from playground.app.workers.tasks import Tasks

FOLLOWING = "density-of-the-moment"  # not the task "density", which the user starts and cancels
MAPS = 64  # learned densities kept
PATIENCE = 0.12  # seconds that a frame waits for what lies under it, and is then shown without
NEAR = 1.25  # times the noise level, within which a picture is that of the moment: what 0.25 s of 500 steps make

FrameNoise = tuple[float, float | None]  # sigma, and the time of a process where particles are in its coordinates
Seen = TypeVar("Seen", FieldView, DensityView)


def near(one: float, other: float) -> bool:
    """Whether two noise levels count as one moment's."""
    return max(one, other) <= NEAR * min(one, other)


def density_source(chosen: str, view: ProblemView | None) -> str:
    """Where the density layer comes from, as far as there is one: an unknown density can be learned, or be the training set's."""
    if view is None or view.known_density:
        noisy = view is None or view.sigma_min > 0
        return chosen if noisy or chosen != "empirical" else "exact"
    empirical = view.sigma_min > 0 and (chosen == "empirical" or not view.shows_learned_density)
    return "empirical" if empirical else "learned"


def exact_source(chosen: str, view: ProblemView | None) -> str:
    """Where the exact score comes from: the training set's stands in for one that is not known."""
    if view is not None and (not view.known_density or chosen == "empirical") and view.sigma_min > 0:
        return "empirical"
    return "exact"


def particle_colors(chosen: ParticleColors, view: ProblemView | None) -> ParticleColors:
    """What particles are coloured by, as far as it is known."""
    known = view is not None and {"mode": view.modes is not None, "log_p": view.known_density}.get(chosen, True)
    return chosen if known else "one"


class Throttle:
    """Says when something is to be computed anew: once what it depends on has changed, but not too often.

    Args:
        seconds: between two times, at least.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.forget()

    def forget(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._time = -math.inf

    def due(self, key: tuple[object, ...], now: float, at_once: bool = False) -> bool:
        """Whether it is time for `key`, which then counts as done; `at_once` waits for no time to pass."""
        if key == self._key or (now - self._time < self._seconds and not at_once):
            return False
        self._key, self._time = key, now
        return True


class Overlay(Generic[Seen]):
    """One of the two that lie under a frame: what is seen, and what has come for a frame that is not shown yet.

    Args:
        show: takes what is to be seen from now on.
        drop: called where what was seen belongs to another moment and nothing has come in its place.
        suits: whether it is of the kind that is wanted now.
    """

    def __init__(
        self, show: Callable[[Seen], None], drop: Callable[[], None], suits: Callable[[Seen], bool] = lambda _: True
    ) -> None:
        self._show: Callable[[Seen], None] = show
        self._suits: Callable[[Seen], bool] = suits
        self._drop = drop
        self.seen: Seen | None = None
        self.given_up = False  # whether a frame waited in vain, and none is to wait until something has come
        self._come: Seen | None = None
        self._expired = False

    def give_up(self) -> None:
        """Let no frame wait until something has come."""
        self.given_up = True

    def take(self, view: Seen, moment: FrameNoise | None = None) -> None:
        """Keep what was computed until :meth:`settle`; what is of this moment is not displaced by what is of another."""
        if moment is None or self._fits(view, moment) or not self._fits(self._come, moment):
            self._come, self.given_up = view, False

    def expire(self) -> None:
        """What is seen is of another problem, whatever its noise level: it gives way as soon as there is something else."""
        self._expired, self._come = True, None

    def drop(self) -> None:
        """Take away what is seen: it is of other weights."""
        self._come = None
        if self.seen is not None:
            self.seen = None
            self._drop()

    def lags(self, moment: FrameNoise) -> bool:
        """Whether nothing that has come belongs to this moment."""
        return not self._fits(self._come, moment) and not self._stays(moment)

    def settle(self, moment: FrameNoise) -> None:
        """Show what has come for this moment; where what is seen belongs to another one, take it away."""
        come, self._come = self._come, None
        if come is not None and self._fits(come, moment):
            if come is not self.seen:  # tasks hand over the same map many times
                self.seen, self._expired = come, False
                self._show(come)
        elif self.seen is not None and not self._stays(moment):
            self.seen = None
            self._drop()

    def _stays(self, moment: FrameNoise) -> bool:
        return not self._expired and self._fits(self.seen, moment)

    def _fits(self, view: Seen | None, moment: FrameNoise) -> bool:
        if view is None or not self._suits(view):
            return False
        if isinstance(view, DensityView) and view.asked:
            return True  # it is of no moment
        sigma, time = moment
        return view.moving == (time is not None) and near(view.sigma, sigma)


class FrameOverlayTimer:
    """Field and density under the frames, which wait for them a while.

    Args:
        field, density: take what is to be seen from now on.
        drop: called with "field" or "density" where what was seen is to be taken away.
        suits: whether a density is of the kind that is wanted now.
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

    def settle(self, moment: FrameNoise | None) -> None:
        """See :meth:`Overlay.settle`; None where no frame of the present problem is in view."""
        if moment is not None:
            self.field.settle(moment)
            self.density.settle(moment)

    def waits(self, moment: FrameNoise | None, now: float, field: bool, density: bool) -> bool:
        """Whether the frame of this moment has to wait for its field or its density, as far as they are wanted."""
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
    """The learned density at the noise level of the moment: computed where it is not known yet, kept for the next loop.

    Args:
        tasks: where maps are computed.
        show: takes each map that is to be seen.
    """

    def __init__(self, tasks: Tasks, show: Callable[[DensityView], None]) -> None:
        self._tasks, self._show = tasks, show
        self._maps: OrderedDict[tuple[object, ...], tuple[int, DensityView]] = OrderedDict()

    def forget(self) -> None:
        """Another problem: no map is true of it."""
        self._maps.clear()

    def follow(self, workspace: Workspace, bounds: Bounds, sigma: float, moving: bool) -> bool:
        """Show the map nearest to sigma; False where one that is being computed has to end first.

        While training goes on, a map of the same level by earlier weights stands in for one by the newest.

        Args:
            moving: in the coordinates of particles that have a time.
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
