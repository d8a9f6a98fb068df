"""What tests compute fewer of, by the same code, where it would take longer than most of a test."""

import pytest
from torch import Generator

from playground.app.controllers import controllers, measurements, video_frames
from playground.cli import running
from playground.lab import fields
from playground.theory.densities import Density
from playground.theory.objectives import Objective

WHOLE = Objective.optimal_loss_with_error


def points_of_optimal_losses(patch: pytest.MonkeyPatch) -> None:
    """In place of 80,000, unless a test says how many."""

    def of_few(
        objective: Objective, density: Density, generator: Generator, *counts: int, **named: int
    ) -> tuple[float, float] | None:
        few = {} if counts or named else {"parts": 4, "count": 512}
        return WHOLE(objective, density, generator, *counts, **named, **few)

    patch.setattr(Objective, "optimal_loss_with_error", of_few)


def cells_of_maps(patch: pytest.MonkeyPatch) -> None:
    """In place of 25,600 and 4,096: a few hundred are refined by the same passes, if fewer."""
    for module in (measurements, video_frames):
        patch.setattr(module, "ASKED_CELLS", 40)
        patch.setattr(module, "MAP_CELLS", 24)


def pixels_of_films(patch: pytest.MonkeyPatch) -> None:
    """In those of the command `run`: a 36th."""
    patch.setattr(running, "VIDEO_SIZE", (160, 120))


def frames_and_cells_of_views(patch: pytest.MonkeyPatch) -> None:
    """While a test waits, windows paint: sixty frames a second, each with a density of 12,000 cells, took a third of the time."""
    shape = fields.grid_shape
    patch.setattr(controllers, "TICK", 3 * controllers.TICK)
    patch.setattr(fields, "grid_shape", lambda problem, bounds, cells=600: shape(problem, bounds, min(cells, 600)))


EVERYTHING = points_of_optimal_losses, cells_of_maps, pixels_of_films, frames_and_cells_of_views
