"""What follows the playhead at its own pace: score fields, densities, and the learned density's maps."""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from playground.app import measurements
from playground.app.bench import Bench
from playground.app.tasks import Tasks
from playground.app.views import Bounds, DensityView

FOLLOWING = "density-of-the-moment"  # not the task "density", which the user starts and cancels
MAPS = 64  # learned densities kept


class Follower:
    """Says when something is to be computed anew: once what it depends on has changed, but not too often.

    Args:
        seconds: between two times, at least.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.forget()

    def forget(self) -> None:
        self._key: tuple[Any, ...] | None = None
        self._time = -math.inf

    def due(self, key: tuple[Any, ...], now: float) -> bool:
        """Whether it is time for `key`, which then counts as done."""
        if key == self._key or now - self._time < self._seconds:
            return False
        self._key, self._time = key, now
        return True


class LearnedMaps:
    """The learned density at the noise level of the moment: computed where it is not known yet, kept for the next loop.

    Args:
        tasks: where maps are computed.
        show: takes each map that is to be seen.
    """

    def __init__(self, tasks: Tasks, show: Callable[[DensityView], None]) -> None:
        self._tasks, self._show = tasks, show
        self._maps: OrderedDict[tuple[Any, ...], DensityView] = OrderedDict()

    def forget(self) -> None:
        """Another problem: no map is true of it."""
        self._maps.clear()

    def follow(self, bench: Bench, bounds: Bounds, sigma: float, moving: bool) -> bool:
        """Show the map nearest to sigma; False where one that is being computed has to end first.

        Args:
            moving: in the coordinates of particles that have a time.
        """
        level = measurements.map_level(sigma, bench.view)
        key = (bench.weights.version, bounds, level, moving)
        if key in self._maps:
            self._show(self._maps[key])
            return True
        if self._tasks.running(FOLLOWING):
            return False
        problem, weights = bench.problem, bench.weights

        def keep(view: DensityView) -> None:
            self._maps[key] = view
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
