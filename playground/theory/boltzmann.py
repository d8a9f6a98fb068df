r"""A Boltzmann machine with only visible units. Its partition function is summed exactly, as score matching never does.

.. math:: p(y) = \frac{1}{Z} \exp\left(\tfrac12 y^\top W y\right), \quad y \in \{-1, +1\}^d, \quad
          Z = \sum_{y} \exp\left(\tfrac12 y^\top W y\right)

The gradient of the mean log-likelihood is a difference of correlations (Ackley, Hinton & Sejnowski 1985):

.. math:: \nabla_W\, E_{data} \log p = \tfrac12 \left(E_{data}[y y^\top] - E_p[y y^\top]\right), \quad
          \nabla_W \log Z = \tfrac12 E_p[y y^\top]

The second term is a sum over all 2^d states. There are no biases, so y and -y are equally probable for every W. The
diagonal of W adds the same number to every state's exponent, and so changes only Z.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from playground.records import record

MOST_UNITS = 24
"""The most units d that are enumerated: 2^24 weights take 128 MB and about a second."""


@record
class Enumeration:
    """The results of the sum over all states.

    Attributes:
        log_partition: log Z, 0-d.
        correlations: E[y y'], (d, d), with ones on the diagonal. The gradient of log Z is half of it.
    """

    log_partition: Tensor
    correlations: Tensor


def states(units: int) -> Tensor:
    """Every state, (2^d, d), in float64. A row's binary digits are its units, highest digit first, with -1 for 0.

    Raises:
        ValueError: `units` is below 1 or above 24.

    >>> states(2).int().tolist()
    [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    """
    if not 1 <= units <= MOST_UNITS:
        raise ValueError(f"{units} units cannot be enumerated: from 1 to {MOST_UNITS} can.")
    return states_of(torch.arange(2**units), units)


def states_of(numbers: Tensor, units: int) -> Tensor:
    """The states (N, d) in the rows `numbers` (N,) of :func:`states`."""
    digits = numbers[:, None] >> torch.arange(units - 1, -1, -1)
    return (2 * (digits & 1) - 1).double()


def numbers_of(y: Tensor) -> Tensor:
    """The row numbers (N,) of states y (N, d) in :func:`states`."""
    return ((y > 0).long() << torch.arange(y.shape[1] - 1, -1, -1)).sum(1)


def log_weight(weights: Tensor, y: Tensor) -> Tensor:
    """y'Wy/2, (...,), of states y (..., d) under W (d, d): the log-probability plus log Z. The cost is O(d^2) per state."""
    return 0.5 * ((y @ weights) * y).sum(-1)


def log_weights(weights: Tensor) -> Tensor:
    """y'Wy/2 of every state, (2^d,), in the order of :func:`states`. Their softmax is the vector of probabilities.

    Args:
        weights: W, (d, d) with d from 2 to 24, in float64; it need not be symmetric.
    """
    return _table(weights)[2].flatten()


def enumerated(weights: Tensor) -> Enumeration:
    """log Z and the correlations under W, see :func:`log_weights`.

    Autograd does not pass through it: the gradient of log Z is half the correlations.
    """
    first, second, table = _table(weights)
    top = table.max()  # all sums are over exp(y'Wy/2 - top)
    table.sub_(top).exp_()
    sums = table.sum(1), table.sum(0)  # over the states of the other half
    own, others = (half.T @ (of_half[:, None] * half) for half, of_half in zip((first, second), sums, strict=True))
    across = first.T @ (table @ second)
    total = sums[1].sum()
    correlations = torch.cat([torch.cat([own, across], 1), torch.cat([across.T, others], 1)]) / total
    return Enumeration(top + total.log(), correlations)


def _table(weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The states of the first and of the second half of the units, and y'Wy/2 of each pair of them.

    An entry is the sum of each half's own term and an element of the product S_A W_AB S_B', where S_A and S_B list the half
    states. So a state costs one exponential and O(d) additions, while y'Wy alone takes O(d^2).
    """
    units, cut = len(weights), len(weights) // 2
    if not 2 <= units <= MOST_UNITS:
        raise ValueError(f"{units} units cannot be enumerated: from 2 to {MOST_UNITS} can.")
    first, second = states(cut), states(units - cut)
    between = 0.5 * (weights[:cut, cut:] + weights[cut:, :cut].T) @ second.T
    others = log_weight(weights[cut:, cut:], second)
    table = torch.addmm(others.expand(len(first), -1), first, between)
    return first, second, table.add_(log_weight(weights[:cut, :cut], first)[:, None])


def correlations_of(patterns: Tensor) -> Tensor:
    """The mean of y y', (d, d), over patterns y (N, d)."""
    return patterns.T @ patterns / len(patterns)


def ascent_step(weights: Tensor, data: Tensor, model: Tensor, rate: float) -> Tensor:
    """W after one step of gradient ascent on the log-likelihood: W + rate (E_data[yy'] - E_p[yy']). Its diagonal stays.

    Args:
        weights: W, (d, d).
        data, model: the correlations of the data and of the machine, (d, d).
        rate: the learning rate of a pair's weight. That weight stands in W twice, and each entry has half its gradient.
    """
    return weights + rate * (data - model).fill_diagonal_(0.0)


def curvature_rate(moved: Tensor, turned: Tensor) -> float:
    """The learning rate 1/c that reaches the maximum in one step, if the curvature is c, as it was along the last step.

    It is s'y/y'y, the shorter of the two rates of Barzilai & Borwein (1988). A constant rate above 2/c oscillates without
    end, and the curvature of log Z depends on the patterns and on how far they are learned.

    Args:
        moved: s, the last step's change of W, (d, d).
        turned: y, the decrease of the gradient in that step, (d, d), with zeros on its diagonal.

    Returns:
        0 where the gradient did not change.
    """
    length = float((turned * turned).sum())
    return float((moved * turned).sum()) / length if length else 0.0


def entropy(patterns: Tensor) -> float:
    """The entropy of the empirical distribution of patterns (N, d), in nats: ln N if all differ."""
    shares = torch.bincount(numbers_of(patterns)).double() / len(patterns)
    return float(torch.special.entr(shares).sum())


def least_nll(patterns: Tensor) -> float:
    """A lower bound of a machine's NLL on patterns (N, d), in nats per pattern.

    Without biases a pattern and its negative have the same probability, so the bound is the entropy of the patterns
    together with their negatives. A model of pairs of units need not reach it, or may reach it only as W grows without end.
    """
    return entropy(torch.cat([patterns, -patterns]))


def sample(log_weights: Tensor, uniform: Tensor) -> Tensor:
    """Exact samples, by inversion of the cumulative distribution.

    Args:
        log_weights: the result of :func:`log_weights`, (2^d,).
        uniform: uniform numbers in [0, 1), (N,). The same numbers give similar states under similar weights.

    Returns:
        (N, d).
    """
    units = (len(log_weights) - 1).bit_length()
    heights = log_weights.softmax(0).cumsum(0)
    rows = torch.searchsorted(heights, uniform.to(heights) * heights[-1], right=True).clamp(max=len(heights) - 1)
    return states_of(rows, units)


def conditional(weights: Tensor, y: Tensor, unit: int) -> Tensor:
    """p(y_i = +1 | all other units), (N,), in states y (N, d): the logistic function of sum_{j != i} (W_ij + W_ji) y_j.

    Z cancels, so Gibbs sampling does not need it.
    """
    both = weights[unit] + weights[:, unit]
    return torch.sigmoid(y @ both - y[:, unit] * both[unit])


def gibbs(weights: Tensor, y: Tensor, sweeps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Gibbs sampling (Geman & Geman 1984): it draws each unit in turn given all others, and yields (N, d) after each sweep.

    Args:
        weights: (d, d).
        y: the chains' initial states, (N, d); not changed.
        sweeps: how often each unit is drawn.
    """
    y = y.clone()
    for _ in range(sweeps):
        for unit in range(y.shape[1]):
            uniform = torch.rand(len(y), generator=generator, dtype=y.dtype)
            y[:, unit] = torch.where(uniform < conditional(weights, y, unit), 1.0, -1.0).to(y)
        yield y.clone()
