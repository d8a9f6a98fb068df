"""The data of an export, for a thread of its own: the complete run, and field and density of every frame.

Both are of the model at the start of the export, so that training, editing and looping can continue.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from playground.app.controllers.measurements import (
    ASKED_CELLS,
    MAP_CELLS,
    learned_density,
    learned_model,
    likelihood_density,
    map_level,
    sampled_score,
)
from playground.app.controllers.overlay_timing import particle_colors
from playground.app.controllers.sampling_worker import OverlayRequest, ParticlesRequest, SamplingWorker
from playground.app.model.live_training import Weights
from playground.app.model.views import (
    COMPUTED_COLORS,
    Bounds,
    DensityView,
    FieldView,
    ParticleColors,
    ParticleValues,
    WantedOverlays,
)
from playground.lab.inspection import InspectedParticle

if TYPE_CHECKING:
    from playground.app.model.model import Model
    from playground.lab.problem import Problem
    from playground.lab.trajectory import Trajectory
    from playground.theory.noise import ScoreFunction


def complete_run(
    problem: "Problem", weights: Weights, seed: int, recorded: "Trajectory | None"
) -> Callable[[], Iterator["Trajectory"]]:
    """Makes an iterator over the growing run that ends with its last frame.

    A finished run is used as it is. Another is sampled again from its seed, which gives the same frames unless the
    weights have changed since it began. `recorded` is None if no run with these weights was recorded.
    """

    def iterate() -> Iterator["Trajectory"]:
        if recorded is not None and recorded.finished:
            yield recorded
            return
        from playground.lab.sampling import sample

        yield from sample(problem, sampled_score(problem, weights), seed=seed)

    return iterate


def arrows_over(bounds: Bounds, screen: Bounds, grid: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows of arrows over `bounds`, with the same density as the grid has over the screen.

    >>> arrows_over((-2.0, 2.0, 0.0, 1.0), (-1.0, 1.0, 0.0, 1.0), (30, 20))
    (60, 20)
    """
    reach = np.diff(np.reshape(bounds, (2, 2)))[:, 0] / np.diff(np.reshape(screen, (2, 2)))[:, 0]
    columns, rows = np.maximum(np.round(np.array(grid) * reach), 1).astype(int).tolist()
    return columns, rows


def video_frames_over(model: "Model", wanted: WantedOverlays, bounds: Bounds, asked: bool = False) -> "VideoFrames":
    """Field and density that are wanted, over these bounds; none for images.

    Args:
        wanted: as on the screen, whose density of arrows is kept.
        asked: whether the density of every frame is the map that the user requested.
    """
    if model.view.is_image:
        return VideoFrames(None)
    learned = "density" in wanted.layers and wanted.density_source == "learned" and model.view.shows_learned_density
    layers, grid = (
        wanted.layers - {"density"} if asked else wanted.layers,
        arrows_over(bounds, wanted.bounds, wanted.grid),
    )
    shown = dataclasses.replace(wanted, layers=layers, bounds=bounds, grid=grid)
    return VideoFrames(OverlayRequest(model, shown, 0.0, None), learned and not asked, asked)


class VideoFrames:
    """Field and density at any noise level and time of a film.

    Args:
        view: the layers and bounds to compute, its noise level ignored; None for images or without a problem.
        follow: whether the density is the learned one, which has maps at a few noise levels only.
        asked: whether the density is the map that the user requested.
    """

    def __init__(self, view: OverlayRequest | None, follow: bool = False, asked: bool = False) -> None:
        self._view, self._follow, self._asked = view, follow and view is not None, asked
        self._sampling_worker = SamplingWorker()
        self._maps: dict[tuple[float, bool], DensityView] = {}
        self._asked_map: DensityView | None = None
        self._score: ScoreFunction | None = None  # the score that particles follow, made when it is needed

    def prepare(self, moments: Iterable[tuple[float, float]]) -> Iterator[float]:
        """Compute the maps that :meth:`at` needs for these noise levels and times; yields the share done."""
        if self._asked:
            assert self._view is not None
            asked = self._view.model
            model = learned_model(asked.problem, asked.weights)
            maps = likelihood_density(model, self._view.wanted.bounds, ASKED_CELLS)
            for fraction, density in maps:
                self._asked_map = density
                yield fraction or 0.0
        if not self._follow:
            return
        assert self._view is not None
        shown, bounds = self._view.model, self._view.wanted.bounds
        wanted = {(map_level(sigma, shown.view), not math.isnan(time)) for sigma, time in moments}
        for count, (level, moving) in enumerate(wanted):
            maps = learned_density(shown.problem, shown.weights, bounds, level, MAP_CELLS, moving)
            for fraction, density in maps:
                if density is not None:
                    self._maps[level, moving] = density
                yield (count + (fraction or 0.0)) / len(wanted)

    def particle_values(
        self, kind: ParticleColors, positions: np.ndarray, sigma: float, time: float
    ) -> ParticleValues | None:
        """The values that colour particles at a noise level and time, as in :meth:`at`; None if none are computed."""
        if self._view is None or particle_colors(kind, self._view.model.view) not in COMPUTED_COLORS:
            return None
        moment = sigma, None if math.isnan(time) else time
        request = ParticlesRequest(self._view.model, kind, positions, *moment)
        return self._sampling_worker.compute_particle_values(request)

    def inspect(self, trajectory: "Trajectory", frame: int, number: int | None) -> InspectedParticle | None:
        """The followed particle, with the terms of its next step; None if there is none."""
        if self._view is None or number is None or number >= trajectory.positions.shape[1]:
            return None
        from playground.lab.inspection import inspect

        model = self._view.model
        if self._score is None:
            self._score = sampled_score(model.problem, model.weights)
        return inspect(model.problem, self._score, trajectory, frame, number)

    def at(self, sigma: float, time: float) -> tuple[FieldView | None, DensityView | None]:
        """Field and density at a noise level and time (nan in data coordinates); call :meth:`prepare` first."""
        if self._view is None:
            return None, None
        moment = dataclasses.replace(self._view, sigma=sigma, time=None if math.isnan(time) else time)
        field, density = self._sampling_worker.compute_overlays(moment)
        if self._asked:
            density = self._asked_map
        if self._follow:
            density = self._maps[map_level(sigma, moment.model.view), not math.isnan(time)]
        return field, density
