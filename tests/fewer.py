"""What tests compute fewer of, by the same code, where it would take longer than most of a test."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from torch import Generator

from playground.cli import running
from playground.lab import density_map, fields
from playground.theory.densities import Density
from playground.theory.objectives import Objective

FEWER_ACROSS = {160: 40, 64: 24}
"""Cells across a map, and what takes their place."""

WHOLE = Objective.optimal_loss_with_error


def points_of_optimal_losses(patch: pytest.MonkeyPatch) -> None:
    """In place of 80,000, unless a test says how many."""

    def of_few(
        objective: Objective, density: Density, generator: Generator, *counts: int, **named: int
    ) -> tuple[float, float] | None:
        few = {} if counts else {"parts": 4, "count": 512}
        return WHOLE(objective, density, generator, *counts, **(named or few))

    patch.setattr(Objective, "optimal_loss_with_error", of_few)


def cells_of_maps(patch: pytest.MonkeyPatch) -> None:
    """In place of 25,600 and 4,096: a few hundred are refined by the same passes, if fewer."""

    def of_few(whole: Callable[..., Any], *given: Any, **named: Any) -> Any:
        return whole(*(FEWER_ACROSS.get(one, one) if isinstance(one, int) else one for one in given), **named)

    for name in ("density_map", "empirical_density_map"):
        patch.setattr(density_map, name, functools.partial(of_few, getattr(density_map, name)))


def pixels_of_films(patch: pytest.MonkeyPatch) -> None:
    """In those of the command `run`: a 36th."""
    patch.setattr(running, "VIDEO_SIZE", (160, 120))


def cells_of_views(patch: pytest.MonkeyPatch) -> None:
    """While a test waits, windows paint frames, each with a density of 12,000 cells."""
    shape = fields.grid_shape
    patch.setattr(fields, "grid_shape", lambda problem, bounds, cells=600: shape(problem, bounds, min(cells, 600)))


EVERYTHING = points_of_optimal_losses, cells_of_maps, pixels_of_films, cells_of_views
