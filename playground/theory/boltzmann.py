r"""The Boltzmann machine whose units are all visible: every sum that score matching avoids, done.

.. math:: p(y) = \frac{1}{Z} \exp\left(\tfrac12 y^\top W y\right), \quad y \in \{-1, +1\}^d, \quad
          Z = \sum_{y} \exp\left(\tfrac12 y^\top W y\right)

The gradient of the mean log-likelihood is a difference of correlations (Ackley, Hinton & Sejnowski 1985):

.. math:: \nabla_W\, E_{data} \log p = \tfrac12 \left(E_{data}[y y^\top] - E_p[y y^\top]\right), \quad
          \nabla_W \log Z = \tfrac12 E_p[y y^\top]

Its second term is a sum over all 2^d states. Without biases y and -y are equally probable, whatever W is; the diagonal
of W adds the same to every state and so changes nothing but Z.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_UNITS = 24
"""The 2^d weights of so many take 128 MB, and a second."""


@dataclass(frozen=True, eq=False)
class Enumeration:
    """The results of the sum over all states.

    Attributes:
        log_partition: log Z, 0-d.
        correlations: (d, d), E[y y'], ones on the diagonal; the gradient of log Z is half of it.
    """

    log_partition: Tensor
    correlations: Tensor


def states(units: int) -> Tensor:
    """(2^d, d) every state in float64: the first unit is the highest binary digit of the row, -1 for 0.

    Raises:
        ValueError: there would be more than 2^24, or none.

    >>> states(2).int().tolist()
    [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    """
    if not 1 <= units <= MOST_UNITS:
        raise ValueError(f"{units} units cannot be enumerated: from 1 to {MOST_UNITS} can.")
    return states_of(torch.arange(2**units), units)


def states_of(numbers: Tensor, units: int) -> Tensor:
    """The states (N, d) that stand in the rows `numbers` (N,) of :func:`states`."""
    digits = numbers[:, None] >> torch.arange(units - 1, -1, -1)
    return (2 * (digits & 1) - 1).double()


def numbers_of(y: Tensor) -> Tensor:
    """The rows (N,) of :func:`states` in which states y (N, d) stand."""
    return ((y > 0).long() << torch.arange(y.shape[1] - 1, -1, -1)).sum(1)


def log_weight(weights: Tensor, y: Tensor) -> Tensor:
    """y'Wy/2 of states y (..., d) under W (d, d): (...,). The log-probability but for log Z, at the price of d^2."""
    return 0.5 * ((y @ weights) * y).sum(-1)


class Enumerator:
    """Sums over all 2^d states by cutting the units into two halves.

    A state is a pair of half states (a, b), so all y'Wy/2 are a table of 2^(d/2) x 2^(d/2): what each half has by itself, and
    the product S_A W_AB S_B' of the halves' own tables of states. Each state then costs one exponential and O(d)
    additions where y'Wy alone would take d^2. The table is never whole in memory: it is made, exponentiated and summed in
    blocks that stay in a processor's cache.

    Args:
        units: d, from 2 to 24.
        block: states in memory at once.
    """

    def __init__(self, units: int, block: int = 2**16) -> None:
        if not 2 <= units <= MOST_UNITS:
            raise ValueError(f"{units} units cannot be enumerated: from 2 to {MOST_UNITS} can.")
        self.units = units
        self._first, self._second = states(units // 2), states(units - units // 2)
        rows = min(max(block // len(self._second), 1), len(self._first))
        self._blocks = torch.split(self._first, rows)
        self._room = torch.empty(rows, len(self._second), dtype=torch.float64)

    def __call__(self, weights: Tensor) -> Enumeration:
        """log Z and the correlations under W (d, d), float64; W need not be symmetric. Not differentiable: the gradient of
        log Z is half the correlations."""
        second = self._second
        top = torch.tensor(-math.inf, dtype=torch.float64)  # largest y'Wy/2 so far; all sums are over exp(y'Wy/2 - top)
        sums = second.new_zeros(len(second))  # over the first half's states
        own = second.new_zeros(self.units // 2, self.units // 2)
        across = second.new_zeros(self.units // 2, second.shape[1])
        for first, table in self._tables(weights):
            before, top = top, torch.maximum(top, table.max())
            fade = (before - top).exp()
            table.sub_(top).exp_()
            sums = sums * fade + table.sum(0)
            own = own * fade + first.T @ (table.sum(1)[:, None] * first)
            across = across * fade + first.T @ (table @ second)
        total = sums.sum()
        others = second.T @ (sums[:, None] * second)
        correlations = torch.cat([torch.cat([own, across], 1), torch.cat([across.T, others], 1)]) / total
        return Enumeration(top + total.log(), correlations)

    def log_weights(self, weights: Tensor) -> Tensor:
        """(2^d,) y'Wy/2 of every state in the order of :func:`states`; their softmax are the probabilities."""
        return torch.cat([table.flatten().clone() for _, table in self._tables(weights)])

    def _tables(self, weights: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """States of the first half (R, d/2) and y'Wy/2 of each with every one of the second half (R, 2^(d - d/2)); each
        table is written over the last one."""
        cut = self.units // 2
        between = 0.5 * (weights[:cut, cut:] + weights[cut:, :cut].T) @ self._second.T
        others = log_weight(weights[cut:, cut:], self._second)
        for first in self._blocks:
            table = torch.addmm(others.expand(len(first), -1), first, between, out=self._room[: len(first)])
            yield first, table.add_(log_weight(weights[:cut, :cut], first)[:, None])


def correlations_of(patterns: Tensor) -> Tensor:
    """(d, d) mean of y y' over patterns (N, d)."""
    return patterns.T @ patterns / len(patterns)


def ascent_step(weights: Tensor, data: Tensor, model: Tensor, rate: float) -> Tensor:
    """W after one step up the log-likelihood: W + rate (E_data[yy'] - E_p[yy']), with nothing on its diagonal.

    Args:
        weights, data, model: (d, d), the last two the correlations of the data and of the machine.
        rate: of a pair's one weight, which stands twice in W; each of both places has half of its gradient.
    """
    return weights + rate * (data - model).fill_diagonal_(0.0)


def curvature_rate(moved: Tensor, turned: Tensor) -> float:
    """The rate 1/c by which a step up the gradient would end at the top, were the curvature c what it was along the last step.

    That is s'y/y'y (Barzilai & Borwein 1988), the shorter of their two: a rate that stays the same swings from side to side
    without end where it is above 2/c, and how curved log Z is depends on the patterns and on how far they are learned.

    Args:
        moved: s, by how much the last step changed W (d, d).
        turned: y, by how much it lowered the gradient (d, d), with nothing on its diagonal.

    Returns:
        0 where the gradient did not change.
    """
    length = float((turned * turned).sum())
    return float((moved * turned).sum()) / length if length else 0.0


def entropy(patterns: Tensor) -> float:
    """Entropy in nats of the empirical distribution of patterns (N, d): ln N where all differ."""
    shares = torch.bincount(numbers_of(patterns)).double() / len(patterns)
    return float(torch.special.entr(shares).sum())


def least_nll(patterns: Tensor) -> float:
    """The least NLL a pattern, in nats, that a machine without biases could reach on patterns (N, d).

    It gives a pattern and its negative one probability, so that the best is the entropy of the patterns together with their
    negatives. Terms of two units need not reach it, and where they do, W may have to grow without end.
    """
    return entropy(torch.cat([patterns, -patterns]))


def sample(log_weights: Tensor, uniform: Tensor) -> Tensor:
    """States drawn exactly, by inverting the sum of all probabilities.

    Args:
        log_weights: (2^d,) of :meth:`Enumerator.log_weights`.
        uniform: (N,) numbers in [0, 1); the same ones under other weights give like states.

    Returns:
        (N, d).
    """
    units = (len(log_weights) - 1).bit_length()
    heights = log_weights.softmax(0).cumsum(0)
    rows = torch.searchsorted(heights, uniform.to(heights) * heights[-1], right=True).clamp(max=len(heights) - 1)
    return states_of(rows, units)


def conditional(weights: Tensor, y: Tensor, unit: int) -> Tensor:
    """p(y_i = +1 | all other units) of states y (N, d): (N,), the logistic function of sum_j (W_ij + W_ji) y_j, j not i.

    Z cancels in it, which is why Gibbs sampling needs none.
    """
    both = weights[unit] + weights[:, unit]
    return torch.sigmoid(y @ both - y[:, unit] * both[unit])


def gibbs(weights: Tensor, y: Tensor, sweeps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Gibbs sampling (Geman & Geman 1984): draws one unit after the other given all others; yields (N, d) after each sweep.

    Args:
        weights: (d, d).
        y: (N, d) where the chains start; not changed.
        sweeps: how often each unit is drawn.
    """
    y = y.clone()
    for _ in range(sweeps):
        for unit in range(y.shape[1]):
            uniform = torch.rand(len(y), generator=generator, dtype=y.dtype)
            y[:, unit] = torch.where(uniform < conditional(weights, y, unit), 1.0, -1.0).to(y)
        yield y.clone()
