r"""The exact Wasserstein-2 distance of two point clouds, by optimal transport.

.. math:: W_2^2 = \min_\pi \frac1N \sum_i \|a_i - b_{\pi(i)}\|^2

over all matchings \pi of the points. Each point adds one shortest augmenting path to the matching (Jonker & Volgenant 1987). The
initial potentials come from a few rounds of Sinkhorn's algorithm (Cuturi 2013), with which two of three points are matched at
once. The result is optimal for any initial potentials: the final ones prove it. A thousand points take half a second.
"""

import math
from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ROUNDS = 8
"""Rounds of Sinkhorn's algorithm, with a smoothing from a quarter of the mean cost down to the cost of the nearest points. More
rounds take more time than they save."""

Array = NDArray[np.float64]


def squared_wasserstein2(a: Tensor, b: Tensor) -> Generator[None, None, float]:
    """W_2^2 of two clouds of equal size, in their own units squared. It yields between augmenting paths, so it can be cancelled.

    Args:
        a, b: (N, *shape), N >= 1, all finite.

    Raises:
        ValueError: the clouds have different sizes, or a point is not finite.
    """
    if len(a) != len(b):
        raise ValueError(f"Optimal transport matches clouds of one size, not of {len(a)} and {len(b)} points.")
    columns = yield from matching_of(a, b)
    a, b = a.flatten(1).cpu().double(), b.flatten(1).cpu().double()
    return float((a - b[torch.from_numpy(columns)]).square().sum(1).mean())


def extrapolated_squared_wasserstein2(a: Tensor, b: Tensor) -> Generator[None, None, float]:
    """W_2^2 of two distributions from a cloud of each, without most of what few points add to it.

    .. math:: 2 W_2^2(N) - \\overline{W_2^2}(N/2)

    The expected W_2^2 of clouds of N points exceeds that of their distributions by about c/N, which this cancels (the jackknife of
    Quenouille 1956). In the plane about a third of the excess is left, as it is log N/N there. The halves are those of the clouds, so
    their noise is that of the whole clouds and the result is hardly noisier. For clouds of one distribution it may be below 0.

    Args:
        a, b: (N, *shape) in random order, N >= 2 and even.

    Raises:
        ValueError: as :func:`squared_wasserstein2`.
    """
    half = len(a) // 2
    whole = yield from squared_wasserstein2(a, b)
    first = yield from squared_wasserstein2(a[:half], b[:half])
    second = yield from squared_wasserstein2(a[half:], b[half:])
    return 2 * whole - (first + second) / 2


def matching_of(a: Tensor, b: Tensor) -> Generator[None, None, NDArray[np.int64]]:
    """The point of b for each point of a in the cheapest matching by squared distances, as numbers (N,).

    Args:
        a, b: (N, *shape) each, all finite.

    Raises:
        ValueError: a point is not finite.
    """
    a, b = a.flatten(1).cpu().double(), b.flatten(1).cpu().double()
    shift = a.mean(0) - b.mean(0)  # the optimal matching does not depend on it, and close clouds are matched faster
    costs = min((_costs(a, b), _costs(a - shift, b)), key=_nearest)
    return (yield from optimal_matching(costs.numpy(), _sinkhorn(costs)))


def optimal_matching(costs: Array, potentials: Array | None = None) -> Generator[None, None, NDArray[np.int64]]:
    """The column of each row in the cheapest matching of rows and columns.

    Args:
        costs: (N, N), finite.
        potentials: initial potentials of the columns, (N,). It is faster if they are near the optimal ones.

    Raises:
        ValueError: a cost is not finite: no path would ever be the shortest.
    """
    if not np.isfinite(costs).all():
        raise ValueError("Optimal transport needs finite costs, so points that are finite and not too far apart.")
    count = len(costs)
    v = np.zeros(count) if potentials is None else potentials.copy()
    reduced = costs - v
    nearest, u = reduced.argmin(1), reduced.min(1)
    row_of, column_of = np.full(count, -1), np.full(count, -1)
    for row, column in enumerate(nearest):
        if row_of[column] < 0:
            row_of[column], column_of[row] = row, column
    for start in np.flatnonzero(column_of < 0):
        yield
        # Dijkstra over the reduced costs, from this row to the nearest free column.
        lengths, before = np.full(count, np.inf), np.zeros(count, dtype=np.int64)
        ahead = np.ones(count, dtype=bool)
        row, length = int(start), 0.0
        columns: list[int] = []
        reached: list[float] = []
        while row >= 0:
            through = costs[row] - v
            through += length - u[row]
            shorter = (through < lengths) & ahead
            lengths[shorter] = through[shorter]
            before[shorter] = row
            column = int(lengths.argmin())
            length = float(lengths[column])
            columns.append(column)
            reached.append(length)
            ahead[column], lengths[column] = False, np.inf
            row = int(row_of[column])
        slack = length - np.array(reached)
        u[start] += length
        u[row_of[columns[:-1]]] += slack[:-1]
        v[columns] -= slack
        while row != start:  # back along the path, each row takes the column that it was reached from
            row = int(before[column])
            row_of[column] = row
            column, column_of[row] = int(column_of[row]), column
    return column_of


def _costs(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square()


def _nearest(costs: Tensor) -> float:
    """The mean cost of a point's nearest neighbour in the other cloud."""
    return float(costs.amin(1).mean() + costs.amin(0).mean()) / 2


def _sinkhorn(costs: Tensor) -> Array | None:
    """Potentials of the columns, (N,), or None if all costs are zero, or if the smoothing is not finite."""
    most, least = float(costs.mean()) / 4, _nearest(costs)
    if not 0 < least < math.inf or not most < math.inf:
        return None
    v = costs.new_zeros(len(costs))
    for smoothing in np.geomspace(max(most, least), least, ROUNDS).tolist():
        u = -smoothing * torch.logsumexp((v - costs) / smoothing, 1)
        v = -smoothing * torch.logsumexp((u[:, None] - costs) / smoothing, 0)
    found: Array = v.numpy()
    return found
