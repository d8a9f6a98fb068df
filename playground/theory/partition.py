r"""The normalising constant Z of an energy in the plane, by quadrature.

.. math:: Z(\sigma) = \int e^{-f(x, \sigma)} dx, \qquad \nabla_\theta \ln Z = -E_{p}[\nabla_\theta f]

It uses the midpoint rule on a square. For smooth functions that vanish at its edge, the error falls faster than any power of the
spacing, once the spacing is smaller than their detail. The cost is the number of nodes, n^D, which is feasible in the plane.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from playground.theory.noise import per_point

NODES = 16_384  # points evaluated at a time; an MLP needs about ten megabytes for them

LEAST_REACH = 5.0
"""The least coordinate, in standard deviations of the data, that the square covers: an energy may have mass beyond the data."""

NEGLIGIBLE_NATS = 20.0
"""Nodes this many nats below the highest are left out of the gradient. A million of them have 0.002 of its share."""


@runtime_checkable
class EnergyFunction(Protocol):
    """A score that is the gradient of a known log-density: s = -grad f."""

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The score at x (N, \\*shape) for sigma (0-d or (N,)), in the shape of x."""

    def log_density(self, x: Tensor, sigma: Tensor) -> Tensor:
        """-f, in nats: the log-density up to a constant ln Z(sigma), (N,)."""


class StandardNormal:
    """The energy of N(0, I) smoothed by sigma, which is every network's initial state."""

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return -x / per_point(sigma.square() + 1, x)

    def log_density(self, x: Tensor, sigma: Tensor) -> Tensor:
        return -0.5 * x.flatten(1).square().sum(1) / (sigma.square() + 1)


@dataclass(frozen=True)
class QuadratureGrid:
    """The quadrature grid: [-half, half]^2 in `cells` x `cells` cells."""

    half: float
    cells: int

    @property
    def spacing(self) -> float:
        """Side of a cell."""
        return 2 * self.half / self.cells

    def nodes(self, like: Tensor, shift: Tensor | None = None) -> Tensor:
        """One point per cell, row by row, (cells^2, 2), with the dtype and device of `like`.

        Args:
            shift: the position of each point within its cell, (2,) in [0, 1); None for the centre. A uniform random shift makes
                the sum unbiased, so no detail stays hidden between the nodes.
        """
        shift = like.new_full((2,), 0.5) if shift is None else shift.to(like)
        steps = torch.arange(self.cells, dtype=like.dtype, device=like.device)
        return torch.cartesian_prod(*((steps + part) * self.spacing - self.half for part in shift))

    def contributing_nodes(
        self, energy: EnergyFunction, sigma: Tensor, like: Tensor, shift: Tensor | None = None
    ) -> Tensor:
        """The nodes (K, 2) that contribute to the sum. A concentrated energy has few, which makes its gradient cheaper."""
        nodes = self.nodes(like, shift)
        with torch.no_grad():
            values = energy.log_density(nodes, sigma)
        return nodes[values > values.max() - NEGLIGIBLE_NATS]

    def log_sum(self, values: Tensor) -> Tensor:
        """ln of the integral of exp(values) over the square, 0-d, from values (K,) at all or the contributing nodes.

        It is differentiable.
        """
        return torch.logsumexp(values, 0) + 2 * math.log(self.spacing)


def half_side(reach: float, sigma: float) -> float:
    """Half the side of the square for data with coordinates up to `reach`, with a margin of a quarter and 6 sigma of noise."""
    return 1.25 * reach + 6 * sigma


@dataclass(frozen=True)
class LogPartition:
    """ln Z in nats, and its error.

    Attributes:
        value: ln Z.
        error: an estimate of the error, the sum of three terms: the largest difference from the rules of twice the spacing; the
            share of the sum in the square's outermost tenth, as that much may lie outside; the energy's rounding error.
        cells: the final number of cells along each side.
    """

    value: float
    error: float
    cells: int


@torch.no_grad()
def log_partition(
    energy: EnergyFunction, sigma: float, reach: float, like: Tensor, tolerance: float = 1e-3, most: int = 1024
) -> LogPartition:
    """ln Z(sigma) of an energy in the plane, on finer and finer grids until its error is below the tolerance.

    Args:
        reach: the largest coordinate of the data, in standardized units.
        like: a tensor with the dtype and device for the energy. The sum is in float64.
        tolerance: the largest error, in nats.
        most: the most cells along a side. At this number the error may exceed the tolerance.
    """
    cells, half = min(128, most), half_side(max(reach, LEAST_REACH), sigma)
    while True:
        square = QuadratureGrid(half, cells)
        values = log_density_at(energy, square.nodes(like), sigma)
        value = float(square.log_sum(values))
        rounding = torch.finfo(like.dtype).eps * max(1.0, float(values.max().abs()))
        found = LogPartition(value, _error(square, values.view(cells, cells), value) + rounding, cells)
        if found.error <= tolerance or 2 * cells > most:
            return found
        cells *= 2


@torch.no_grad()
def log_density_at(energy: EnergyFunction, points: Tensor, sigma: float) -> Tensor:
    """-f at points (N, \\*shape) for one sigma, (N,), in float64 on the CPU, as MPS has no float64."""
    level = points.new_tensor(sigma)
    return torch.cat([energy.log_density(some, level).cpu().double() for some in torch.split(points, NODES)])


def _error(square: QuadratureGrid, values: Tensor, value: float) -> float:
    """Estimate the first two terms of :attr:`LogPartition.error` from the values at the nodes, (cells, cells)."""
    coarse = QuadratureGrid(square.half, square.cells // 2)
    parts = [values[row::2, column::2] for row in (0, 1) for column in (0, 1)]
    spread = max(abs(float(coarse.log_sum(part.flatten())) - value) for part in parts)
    edge = max(square.cells // 20, 1)
    inside = values[edge:-edge, edge:-edge].flatten()
    beyond = -math.expm1(float(square.log_sum(inside)) - value)
    return spread + max(beyond, 0.0)
