"""What an export needs of the engine, for a thread of its own: the run to its end, and field and density of every frame.

Both hold what was on the bench when the export began, so training, editing and looping go on meanwhile.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from playground.app.live import Live, View, Weights
from playground.app.measurements import MAP_CELLS, learned_density, learned_score, map_level
from playground.app.views import DensityView, FieldView

if TYPE_CHECKING:
    from playground.lab.problem import Problem
    from playground.lab.trajectory import Trajectory


def complete_run(
    problem: "Problem", weights: Weights, seed: int, recorded: "Trajectory"
) -> Callable[[], Iterator["Trajectory"]]:
    """Makes an iterator over the growing run that ends with its last frame.

    A run that is finished is taken as it is. One that is not is sampled again from its seed: the draws are the same, and
    so are the frames, unless the weights have changed since it began.
    """

    def iterate() -> Iterator["Trajectory"]:
        if recorded.finished:
            yield recorded
            return
        from playground.lab.sampling import sample

        yield from sample(problem, problem.known_score() or learned_score(problem, weights), seed=seed)

    return iterate


class Views:
    """Field and density at any moment of a film.

    Args:
        view: what is wanted and where, its own moment left aside; None for images, and before there is a problem.
        follow: whether the density is the learned one, of which there are maps at a few noise levels only.
    """

    def __init__(self, view: View | None, follow: bool = False) -> None:
        self._view, self._follow = view, follow and view is not None
        self._live = Live()
        self._maps: dict[tuple[float, bool], DensityView] = {}

    def prepare(self, moments: Iterable[tuple[float, float]]) -> Iterator[float]:
        """Compute the maps that these noise levels and times need, as :meth:`at` takes them; yields the share that is done."""
        if not self._follow:
            return
        assert self._view is not None
        bench, bounds = self._view.bench, self._view.bounds
        wanted = {(map_level(sigma, bench.view), not math.isnan(time)) for sigma, time in moments}
        for count, (level, moving) in enumerate(wanted):
            maps = learned_density(bench.problem, bench.weights, bounds, level, MAP_CELLS, moving)
            for fraction, density in maps:
                self._maps[level, moving] = density
                yield (count + (fraction or 0.0)) / len(wanted)

    def at(self, sigma: float, time: float) -> tuple[FieldView | None, DensityView | None]:
        """What is wanted at a noise level and time, nan in data coordinates; prepare its map first."""
        if self._view is None:
            return None, None
        moment = dataclasses.replace(self._view, sigma=sigma, time=None if math.isnan(time) else time)
        field, density = self._live.see(moment)
        if self._follow:
            density = self._maps[map_level(sigma, moment.bench.view), not math.isnan(time)]
        return field, density
