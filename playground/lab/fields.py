"""Scores and densities at points of the plane, at one moment of a sampler, in the user's units.

A sampler of a process moves particles in the process's own coordinates x(t), which the VP process contracts. Langevin
samplers, and the last frame of every run, have no time: their particles are in data coordinates, smoothed by sigma. The
fields drawn behind particles follow the same rule.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from playground.lab.field_names import field_names
from playground.lab.problem import Problem
from playground.theory.noise import ScoreFunction

Array = NDArray[np.floating]

CELLS = 12_000  # about 10 ms for a mixture of a few hundred components
ERROR_CELLS = 3_000  # of a map of score errors, whose cells need a network evaluation each
TYPICAL_DRAWS = 512  # of the noisy data, for the root mean square of a score


def grid_points(bounds: tuple[float, float, float, float], columns: int, rows: int) -> Array:
    """Middles of the cells of a rectangle (x0, x1, y0, y1): (rows, columns, 2), rows from y0 upwards."""
    x0, x1, y0, y1 = bounds
    x = x0 + (np.arange(columns) + 0.5) * (x1 - x0) / columns
    y = y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows
    return np.stack(np.meshgrid(x, y), axis=-1)


def bounds_of_smoothed(problem: Problem, level: float) -> tuple[float, float, float, float]:
    """A rectangle (x0, x1, y0, y1) in user units that holds the data's smoothed density, except its far tails.

    It is the box of the data, wider on every side by a quarter of its extent plus six standard deviations of the noise.

    Args:
        level: the noise level in internal units.
    """
    points = problem.dataset.points
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.25 * (high - low) + 6 * level * problem.units.scale
    (x0, y0), (x1, y1) = (low - margin).tolist(), (high + margin).tolist()
    return x0, x1, y0, y1


def score_at(problem: Problem, score: ScoreFunction, points: Array, sigma: float, time: float | None) -> Array:
    """A score at points (M, 2), per user unit: (M, 2).

    Args:
        score: learned or exact, in internal units.
        sigma: noise level in user units; a level below the finest stands for the finest.
        time: time t of the process, or None in data coordinates.
    """
    level, scale = problem.level_and_scale(sigma, time)
    with torch.no_grad():
        field = score(problem.internal(points) / scale, torch.tensor(level, device=problem.device)) / scale
    return problem.units.score_to_user(field.cpu().numpy())


def arrows_at(problem: Problem, score: ScoreFunction, points: Array, sigma: float, time: float | None) -> Array:
    """A score as displacements in user units, up to one factor; between two sets the velocity of particles instead.

    A score is per unit: drawn as it is, it would point the wrong way if the axes have different units. Particles go from
    t = 1 to 0, so they move along -u.
    """
    if not problem.has_score:
        names = field_names(problem, score, points, sigma, time)
        assert names is not None  # the path has noise levels
        return -names.velocity
    return score_at(problem, score, points, sigma, time) * problem.units.scale**2


def grid_shape(problem: Problem, bounds: tuple[float, float, float, float], cells: int = CELLS) -> tuple[int, int]:
    """Rows and columns of about so many cells of a rectangle, nearly square if the axes share a unit."""
    x0, x1, y0, y1 = bounds
    aspect = (x1 - x0) / (y1 - y0) if problem.units.isotropic else 1.0
    rows = max(int(math.sqrt(cells / max(aspect, 0.1))), 8)
    return rows, max(cells // rows, 8)


def grid_over(problem: Problem, bounds: tuple[float, float, float, float], cells: int = CELLS) -> Array:
    """The :func:`grid_points` of about so many cells of a rectangle, see :func:`grid_shape`."""
    rows, columns = grid_shape(problem, bounds, cells)
    return grid_points(bounds, columns, rows)


def score_error_over(
    problem: Problem,
    learned: ScoreFunction,
    bounds: tuple[float, float, float, float],
    sigma: float,
    time: float | None,
) -> Array:
    """|learned - exact| on about `ERROR_CELLS` cells of a rectangle, per user unit: (rows, columns).

    Raises:
        ValueError: the density of these data is not known.
    """
    exact = problem.known_score("exact")
    if exact is None:
        raise ValueError("The density of these data is not known.")
    grid = grid_over(problem, bounds, ERROR_CELLS)
    both = (score_at(problem, score, grid.reshape(-1, 2), sigma, time) for score in (learned, exact))
    errors: Array = np.linalg.norm(np.subtract(*both), axis=1).reshape(grid.shape[:2])
    return errors


def typical_score(problem: Problem, sigma: float, time: float | None) -> float:
    """The root of E |s(x)|^2 of the exact score over the noisy data, per user unit; 0 if the density is flat.

    The mean is over `TYPICAL_DRAWS` draws, always the same.

    Raises:
        ValueError: the density of these data is not known.
    """
    known = problem.path_density
    if known is None:
        raise ValueError("The density of these data is not known.")
    generator = problem.generator("typical score")
    level, scale = problem.level_and_scale(sigma, time)
    x, start = known.sample(TYPICAL_DRAWS, generator).to(problem.device, torch.float32), problem.noise.start
    noise = torch.randn(x.shape, generator=generator, device=problem.device)
    x = x + level * (noise if start is None else start.sample(TYPICAL_DRAWS, generator))
    with torch.no_grad():
        field = known.score(x, torch.tensor(level, device=problem.device)) / scale
    found = problem.units.score_to_user(field.cpu().numpy())
    return float(np.sqrt(np.mean(np.sum(found.astype(np.float64) ** 2, axis=1))))


def cell_edges(
    problem: Problem, bounds: tuple[float, float, float, float], columns: int, rows: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Edges of the cells of a rectangle in internal units, in double precision: (columns + 1,) and (rows + 1,)."""
    x0, x1, y0, y1 = bounds
    corners = problem.units.to_internal(np.array([[x0, y0], [x1, y1]]))
    x, y = (
        torch.linspace(low, high, cells + 1, dtype=torch.float64)
        for (low, high), cells in zip(corners.T.tolist(), (columns, rows), strict=True)
    )
    return x, y


def empirical_density_over(
    problem: Problem,
    bounds: tuple[float, float, float, float],
    sigma: float,
    time: float | None,
) -> Array:
    """The particles' density by the smoothed training set, its mean over each cell, per user units: (rows, columns)."""
    rows, columns = grid_shape(problem, bounds)
    level, scale = problem.level_and_scale(sigma, time)  # p_t(x) = p_sigma(x / alpha) / alpha^D
    x_edges, y_edges = (edges.to(problem.train) / scale for edges in cell_edges(problem, bounds, columns, rows))
    means: Array = problem.empirical.cell_means(x_edges, y_edges, level).cpu().numpy().astype(np.float64)
    means /= scale**2 * math.prod(problem.units.scale.tolist())
    return means


def density_over(
    problem: Problem,
    bounds: tuple[float, float, float, float],
    sigma: float,
    time: float | None,
) -> Array:
    """The particles' known density on about `CELLS` nearly square cells of a rectangle, per user units: (rows, columns).

    Raises:
        ValueError: the density of these data is not known.
    """
    grid = grid_over(problem, bounds)
    density: Array = np.exp(log_density_at(problem, grid.reshape(-1, 2), sigma, time))
    return density.reshape(grid.shape[:2])


def log_density_at(problem: Problem, points: Array, sigma: float, time: float | None, source: str = "exact") -> Array:
    """Log of the particles' known density at points (M, 2), nats per user units: (M,).

    Args:
        source: "exact", or "empirical" for the smoothed training set.

    Raises:
        ValueError: the density of these data is not known.
    """
    distribution = problem.empirical if source == "empirical" else problem.path_density
    if distribution is None:
        raise ValueError("The density of these data is not known.")
    level, scale = problem.level_and_scale(sigma, time)  # p_t(x) = p_sigma(x / alpha) / alpha^D
    with torch.no_grad():
        log_prob = distribution.log_prob(problem.internal(points) / scale, level)
    return problem.units.log_prob_to_user(log_prob.cpu().numpy() - math.prod(problem.shape) * math.log(scale))


def nearest_modes_at(problem: Problem, points: Array, time: float | None) -> NDArray[np.int64]:
    """The number of the known density's mode that each of points (M, 2) is nearest to, in data coordinates: (M,).

    Mode weights count samples by the same rule.

    Raises:
        ValueError: the density of these data is not known, or has no modes.
    """
    if problem.density is None or problem.density.modes is None:
        raise ValueError("These data have no known modes.")
    x = problem.internal(in_data_coordinates(problem, points, time))
    found: NDArray[np.int64] = torch.cdist(x, problem.density.modes.to(x)).argmin(1).cpu().numpy()
    return found


def in_data_coordinates(problem: Problem, points: Array, time: float | None) -> Array:
    """Positions (M, 2) of particles at a time, without what the process multiplies the data by."""
    if time is None:
        return points
    return problem.units.to_user(problem.units.to_internal(points) / float(problem.process().scale(time)))
