"""The density of a score over the plane, in the user's units: a map that refines step by step, and its integral."""

import math
from collections.abc import Generator, Iterator
from functools import partial

import numpy as np
import torch

from playground.lab.compute import passed_on
from playground.lab.experiment import ExperimentError
from playground.lab.fields import Array, bounds_of_smoothed, cell_edges, grid_points
from playground.lab.likelihood import log_likelihood, require_process
from playground.lab.problem import Problem
from playground.records import record
from playground.theory.empirical import CELL_POINTS, Empirical
from playground.theory.noise import ScoreFunction

MAP_TOLERANCE = 1e-4
"""Least tolerance for densities on a grid, which are shown or integrated: a lower one makes no visible difference."""

PASS_CELLS = 650
"""The fixed cost of a grid, as a number of cells: the solver makes hardly fewer steps for few points. Of 64 x 64 cells
of an MLP, the first 16 x 16 take 15 % of the time and the first 32 x 32 take 36 %."""


@record
class DensityMap:
    """A log-density over a rectangle, filled from coarse to fine.

    Attributes:
        fraction: fraction of the work that is done.
        log_density: (resolution, resolution) at the middles of the cells, nats per user units, rows from y0 upwards.
            Cells not yet computed repeat a computed neighbour. None before the first coarse grid. Never written to
            again.
        bounds: (x0, x1, y0, y1).
    """

    fraction: float
    log_density: Array | None
    bounds: tuple[float, float, float, float]


def density_map(
    problem: Problem,
    score: ScoreFunction,
    bounds: tuple[float, float, float, float],
    resolution: int,
    sigma: float | None = None,
) -> Iterator[DensityMap]:
    """log p_sigma of a score over a rectangle in user units, coarse to fine, always by the exact trace and at least by MAP_TOLERANCE.

    An estimated trace would not do: if log p has an error of variance v, exp(log p) is on average about exp(v/2) times
    too large.

    Args:
        bounds: (x0, x1, y0, y1) in user units.
        resolution: cells along each side.
        sigma: smoothing in user units; None for the finest noise level.

    Raises:
        ExperimentError: the data are not points of the plane, or an error of :func:`log_likelihood`.
    """
    _require_plane(problem)
    problem = problem.edited({"likelihood.trace": "exact"})
    tolerance = max(problem.experiment.likelihood.tolerance, MAP_TOLERANCE)
    points = grid_points(bounds, resolution, resolution)
    values = np.full((resolution, resolution), np.nan)
    row, column = np.indices(values.shape)
    done = np.zeros(values.shape, dtype=bool)
    log_density: Array | None = None
    # The first grid has 12 to 24 cells a side: enough for a picture, and soon done.
    passes = max(0, int(math.log2(resolution / 12))) + 1
    before, work = 0, resolution**2 + passes * PASS_CELLS

    def told(shown: Array | None, begun: int, share: int, done: float) -> DensityMap:
        return DensityMap((begun + done * share) / work, shown, bounds)

    for stride in (2**level for level in reversed(range(passes))):
        # Every cell belongs to a block of stride x stride cells and first shows the value at the block's middle.
        middle_row, middle_column = (
            np.minimum(index // stride * stride + stride // 2, resolution - 1) for index in (row, column)
        )
        chosen = (row == middle_row) & (column == middle_column) & ~done
        share = int(chosen.sum()) + PASS_CELLS
        found = yield from passed_on(
            log_likelihood(problem, score, points[chosen], sigma=sigma, tolerance=tolerance),
            partial(told, log_density, before, share),
        )
        before += share
        values[chosen], done[chosen] = found.log_prob, True
        log_density = np.where(done, values, values[middle_row, middle_column])
        yield DensityMap(before / work, log_density, bounds)


def empirical_density_map(
    problem: Problem, bounds: tuple[float, float, float, float], resolution: int
) -> Iterator[DensityMap]:
    """The density of the training set, smoothed by the finest noise level, as its mean over each cell. No flow is used.

    The map comes with the last progress only, after a second for 50,000 points. The computation is in double precision:
    in single precision, the differences of Phi vanish five sigma out.

    Args:
        bounds, resolution: as for :func:`density_map`; the errors are the same too.
    """
    _require_plane(problem)
    x_edges, y_edges = cell_edges(problem, bounds, resolution, resolution)
    total, done = torch.zeros(resolution, resolution, dtype=torch.float64), 0
    for some in torch.split(problem.train, CELL_POINTS):
        distribution = Empirical(some.to("cpu", torch.float64))
        total += len(some) * distribution.cell_means(x_edges, y_edges, problem.noise.sigma_min)
        done += len(some)
        log_density = None
        if done == len(problem.train):
            log_density = problem.units.log_prob_to_user((total / done).log().numpy())
        yield DensityMap(done / len(problem.train), log_density, bounds)


def integral(problem: Problem, score: ScoreFunction, resolution: int = 72) -> Generator[float, None, float]:
    """The integral of p over the plane, which should be 1 for a learned density too; yields the fraction done.

    The grid covers the :func:`bounds_of_smoothed` data; mass that the model puts outside is missed. Sharp edges, such
    as the checkerboard's, leave an error of about f / sqrt(n), where n is the number of cells that they cross and f
    the fraction of all cells.

    Raises:
        ExperimentError: the errors of :func:`density_map`.
    """
    _require_plane(problem)
    bounds = x0, x1, y0, y1 = bounds_of_smoothed(problem, problem.noise.sigma_min)
    cell = (x1 - x0) * (y1 - y0) / resolution**2
    field: DensityMap | None = None
    for field in density_map(problem, score, bounds, resolution):
        yield field.fraction
    assert field is not None
    assert field.log_density is not None
    return float(np.exp(field.log_density).sum() * cell)


def _require_plane(problem: Problem) -> None:
    if problem.shape != (2,):
        raise ExperimentError("A density map needs points of the plane; images have too many dimensions for a grid.")
    require_process(problem)
