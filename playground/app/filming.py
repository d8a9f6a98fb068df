"""What an export needs of the engine, for a thread of its own: the run to its end, and the field of every frame.

Both hold what was on the bench when the export began, so training, editing and looping go on meanwhile.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from playground.app.live import Live, View, Weights
from playground.app.views import DensityView, FieldView

if TYPE_CHECKING:
    from playground.lab.problem import Problem
    from playground.lab.trajectory import Trajectory

Views = Callable[[float, float], tuple[FieldView | None, DensityView | None]]  # of sigma and time


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
        from playground.app.measurements import learned_score
        from playground.lab.sampling import sample

        yield from sample(problem, problem.exact_source() or learned_score(problem, weights), seed=seed)

    return iterate


def views_of(view: View) -> Views:
    """Computes field and density of `view` at any sigma and time (nan for a sampler without time)."""
    live = Live()

    def see(sigma: float, time: float) -> tuple[FieldView | None, DensityView | None]:
        return live.see(dataclasses.replace(view, sigma=sigma, time=None if math.isnan(time) else time))

    return see


def no_views(sigma: float, time: float) -> tuple[None, None]:
    """For images, and before there is a problem."""
    return None, None
