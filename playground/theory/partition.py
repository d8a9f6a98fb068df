r"""The constant that a score never meets: Z of an energy in the plane, by quadrature.

.. math:: Z(\sigma) = \int e^{-f(x, \sigma)} dx, \qquad \nabla_\theta \ln Z = -E_{p}[\nabla_\theta f]

The midpoint rule on a square: for smooth functions that vanish at its edge its error falls faster than any power of the
spacing, once the spacing is below their detail. Its cost is the number of nodes, n^D: in the plane that can be paid.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from playground.theory.noise import per_point

NODES = 16_384  # points evaluated at a time: what an MLP needs for them is some ten megabytes

LEAST_REACH = 5.0
"""Standard deviations of the data to look beyond their outermost point: an energy may put something there."""

NEGLIGIBLE_NATS = 20.0
"""Nats below the highest node, where all of a million have 0.002 of its share: their gradient is left out."""


@runtime_checkable
class EnergyFunction(Protocol):
    """A score that is the gradient of a known log-density: s = -grad f."""

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The score at x (N, \\*shape) for sigma (0-d or (N,)), in the shape of x."""

    def log_density(self, x: Tensor, sigma: Tensor) -> Tensor:
        """-f, in nats: the log-density up to a constant ln Z(sigma), (N,)."""


class StandardNormal:
    """The energy of N(0, I) smoothed by sigma: what every network begins as."""

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return -x / per_point(sigma.square() + 1, x)

    def log_density(self, x: Tensor, sigma: Tensor) -> Tensor:
        return -0.5 * x.flatten(1).square().sum(1) / (sigma.square() + 1)


@dataclass(frozen=True)
class QuadratureGrid:
    """The grid on which an energy is summed up: [-half, half]^2 in `cells` x `cells` cells."""

    half: float
    cells: int

    @property
    def spacing(self) -> float:
        """Side of a cell."""
        return 2 * self.half / self.cells

    def nodes(self, like: Tensor, shift: Tensor | None = None) -> Tensor:
        """One point a cell, row by row, (cells^2, 2), of the dtype and on the device of `like`.

        Args:
            shift: where in its cell each point lies, (2,) in [0, 1); None for the middle. Drawn evenly, it makes the sum
                unbiased, and no detail can hide between the nodes for long.
        """
        shift = like.new_full((2,), 0.5) if shift is None else shift.to(like)
        steps = torch.arange(self.cells, dtype=like.dtype, device=like.device)
        return torch.cartesian_prod(*((steps + part) * self.spacing - self.half for part in shift))

    def contributing_nodes(
        self, energy: EnergyFunction, sigma: Tensor, like: Tensor, shift: Tensor | None = None
    ) -> Tensor:
        """The nodes (K, 2) that matter to the sum: where an energy concentrates there are few, and gradients cost more."""
        nodes = self.nodes(like, shift)
        with torch.no_grad():
            values = energy.log_density(nodes, sigma)
        return nodes[values > values.max() - NEGLIGIBLE_NATS]

    def log_sum(self, values: Tensor) -> Tensor:
        """ln of the integral of exp(values) over the square, from values (K,) at its nodes, or those that matter; 0-d, differentiable."""
        return torch.logsumexp(values, 0) + 2 * math.log(self.spacing)


def half_side(reach: float, sigma: float) -> float:
    """Half the side of a square that holds data whose coordinates are at most `reach` in size, a quarter more, and their noise."""
    return 1.25 * reach + 6 * sigma


@dataclass(frozen=True)
class LogPartition:
    """ln Z in nats, and by how much it may be off.

    Attributes:
        value: ln Z.
        error: how far the rule of twice the spacing is off at most, plus the share of the sum in the square's outermost tenth,
            beyond which as much may lie, plus the rounding of the energy itself.
        cells: along each side, at last.
    """

    value: float
    error: float
    cells: int


@torch.no_grad()
def log_partition(
    energy: EnergyFunction, sigma: float, reach: float, like: Tensor, tolerance: float = 1e-3, most: int = 1024
) -> LogPartition:
    """ln Z(sigma) of an energy in the plane, on finer and finer squares until its error is below the tolerance.

    Args:
        reach: the largest coordinate of the data, in standardized units.
        like: a tensor of the dtype and on the device to compute with; the sum is made in float64.
        tolerance: of the error, in nats.
        most: cells along a side at most; then the error is what it is, and says so.
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
    """-f at points (N, \\*shape) for one sigma, in float64 on the CPU (MPS has none), (N,)."""
    level = torch.as_tensor(sigma, dtype=points.dtype, device=points.device)
    return torch.cat([energy.log_density(some, level).cpu().double() for some in torch.split(points, NODES)])


def _error(square: QuadratureGrid, values: Tensor, value: float) -> float:
    """Estimate the error of the rule from its values (cells, cells)."""
    coarse = QuadratureGrid(square.half, square.cells // 2)
    parts = [values[row::2, column::2] for row in (0, 1) for column in (0, 1)]
    spread = max(abs(float(coarse.log_sum(part.flatten())) - value) for part in parts)
    edge = max(square.cells // 20, 1)
    inside = values[edge:-edge, edge:-edge].flatten()
    beyond = -math.expm1(float(square.log_sum(inside)) - value)
    return spread + max(beyond, 0.0)
