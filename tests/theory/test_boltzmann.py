"""The Boltzmann machine against explicit sums, closed forms, and autograd."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from playground.theory import boltzmann
from playground.theory.boltzmann import enumerated, gibbs, log_weight, log_weights, numbers_of, states, states_of
from tests.generators import seeded


def weights(units: int, scale: float = 0.5, seed: int = 0) -> Tensor:
    """Random weights, not symmetric and with a diagonal."""
    return scale * torch.randn(units, units, generator=seeded(seed), dtype=torch.float64)


def coupled(units: int, pairs: dict[tuple[int, int], float]) -> Tensor:
    """A symmetric matrix with these weights and zeros elsewhere."""
    matrix = torch.zeros(units, units, dtype=torch.float64)
    for (i, j), weight in pairs.items():
        matrix[i, j] = matrix[j, i] = weight
    return matrix


def plainly(matrix: Tensor) -> Tensor:
    """log Z by its explicit sum, for autograd."""
    y = states(len(matrix))
    return torch.logsumexp(torch.einsum("ni,ij,nj->n", y, matrix, y) / 2, 0)


def test_states_are_in_binary_order() -> None:
    assert states(3).tolist() == [list(y) for y in itertools.product((-1.0, 1.0), repeat=3)]
    assert numbers_of(states(5)).tolist() == list(range(32))
    assert torch.equal(states_of(torch.tensor([6]), 3), torch.tensor([[1.0, 1.0, -1.0]]).double())
    for units in (0, 25):
        with pytest.raises(ValueError, match="cannot be enumerated"):
            states(units)
        with pytest.raises(ValueError, match="cannot be enumerated"):
            enumerated(weights(units))


@pytest.mark.parametrize("w", [-1.3, 0.0, 0.7])
def test_two_units_by_hand(w: float) -> None:
    """++ and -- weigh e^w, +- and -+ e^-w, so Z = 4 cosh w and E[y1 y2] = tanh w."""
    found = enumerated(coupled(2, {(0, 1): w}))
    assert float(found.log_partition) == pytest.approx(math.log(4 * math.cosh(w)), abs=1e-14)
    assert float(found.correlations[0, 1]) == pytest.approx(math.tanh(w), abs=1e-14)


def test_uncoupled_groups_are_independent() -> None:
    matrix = coupled(6, {(0, 2): 0.8, (2, 5): -0.3, (1, 4): 1.1, (3, 4): 0.4})
    one, other = (matrix[rows][:, rows] for rows in ([0, 2, 5], [1, 3, 4]))
    whole, first, second = (enumerated(part) for part in (matrix, one, other))
    assert float(whole.log_partition) == pytest.approx(float(first.log_partition + second.log_partition), abs=1e-12)
    assert float(whole.correlations[[0, 2, 5]][:, [1, 3, 4]].abs().max()) < 1e-14


@given(units=st.integers(2, 8), scale=st.sampled_from([0.0, 0.3, 30.0, 3000.0]))
def test_results_are_those_of_the_explicit_sum(units: int, scale: float) -> None:
    matrix = weights(units, scale)
    found, written_out, y = enumerated(matrix), log_weight(matrix, states(units)), states(units)
    assert torch.allclose(log_weights(matrix), written_out, atol=1e-10)
    assert torch.allclose(found.log_partition, written_out.logsumexp(0), atol=1e-10)
    assert torch.allclose(found.correlations, y.T @ (written_out.softmax(0)[:, None] * y), atol=1e-10)


def test_a_step_raises_the_mean_log_likelihood() -> None:
    patterns, rate = states(4)[[0, 3, 5, 5, 10]], 0.01
    data = boltzmann.correlations_of(patterns)
    matrix = coupled(4, {(0, 1): 0.4, (1, 3): -0.2})
    after = boltzmann.ascent_step(matrix, data, enumerated(matrix).correlations, rate)

    free = matrix.clone().requires_grad_()
    mean = (torch.einsum("ni,ij,nj->n", patterns, free, patterns) / 2).mean() - plainly(free)
    (gradient,) = torch.autograd.grad(mean, free)
    of_pairs = (gradient + gradient.T).fill_diagonal_(0)  # each weight is in W twice
    assert torch.allclose(after - matrix, rate * of_pairs, atol=1e-12)


def test_the_entropy_of_patterns_and_the_least_nll_of_a_machine_without_biases() -> None:
    patterns = torch.tensor([[1, 1, 1], [1, 1, 1], [-1, 1, 1], [1, -1, -1]]).double()
    assert boltzmann.entropy(patterns) == pytest.approx(1.5 * math.log(2))
    # Together with their negatives: +++, ---, -++ and +-- have a quarter each.
    assert boltzmann.least_nll(patterns) == pytest.approx(2 * math.log(2))
    matrix = weights(3, 2.0)
    nll = enumerated(matrix).log_partition - log_weight(matrix, patterns).mean()
    assert float(nll) > boltzmann.least_nll(patterns)


def test_pairwise_weights_can_represent_bars_and_stripes() -> None:
    """W = a times a sum over all four pixels at two rows and two columns, with +1 for their sides and -1 for their diagonals.

    y'Wy is equal and largest on all bars and stripes. The NLL approaches ln 14 as a grows."""
    y = states(9)
    image = y.view(-1, 3, 3)
    right = (image == image[:, :1]).flatten(1).all(1) | (image == image[:, :, :1]).flatten(1).all(1)
    assert int(right.sum()) == 14
    matrix = torch.zeros(9, 9, dtype=torch.float64)
    for (r, s), (c, d) in itertools.product(itertools.combinations(range(3), 2), repeat=2):
        for i, j, sign in (
            (3 * r + c, 3 * r + d, 1),
            (3 * s + c, 3 * s + d, 1),
            (3 * r + c, 3 * s + c, 1),
            (3 * r + d, 3 * s + d, 1),
            (3 * r + c, 3 * s + d, -1),
            (3 * r + d, 3 * s + c, -1),
        ):
            matrix[i, j] += sign
            matrix[j, i] += sign
    gaps = []
    for a in (0.5, 1.0, 2.0):
        nll = enumerated(a * matrix).log_partition - log_weight(a * matrix, y[right]).mean()
        gaps.append(float(nll) - boltzmann.least_nll(y[right]))
    assert gaps[0] > gaps[1] > gaps[2] > 0
    assert gaps[2] < 1e-3


def test_pairwise_weights_cannot_represent_parity() -> None:
    """With an even number of -1 among four units every pair is uncorrelated, so W = 0 is optimal, ln 2 above the lower bound."""
    y = states(4)
    even = y[y.prod(1) > 0]
    assert torch.equal(boltzmann.correlations_of(even), torch.eye(4, dtype=torch.float64))
    assert 4 * math.log(2) - boltzmann.least_nll(even) == pytest.approx(math.log(2))


def test_exact_samples_follow_the_probabilities() -> None:
    found = log_weights(weights(4))
    uniform = (torch.arange(100_000) + 0.5) / 100_000
    shares = torch.bincount(numbers_of(boltzmann.sample(found, uniform)), minlength=16) / 100_000
    assert torch.allclose(shares.double(), found.softmax(0), atol=2e-5)
    ends = boltzmann.sample(found, torch.tensor([0.0, 1.0 - 1e-17]))
    assert numbers_of(ends).tolist() == [0, 15]


def test_gibbs_sweeps_keep_the_distribution() -> None:
    """Chains that start from exact samples stay exact, and chains from one state converge, both within 4 standard errors."""
    matrix, chains = weights(3, 0.6), 40_000
    found, generator = log_weights(matrix), seeded(1)
    probabilities = found.softmax(0)
    errors = (probabilities * (1 - probabilities) / chains).sqrt()
    exact = boltzmann.sample(found, torch.rand(chains, generator=generator))
    for start, sweeps in ((exact, 1), (torch.ones(chains, 3, dtype=torch.float64), 30)):
        *_, last = gibbs(matrix, start, sweeps, generator)
        shares = torch.bincount(numbers_of(last), minlength=8) / chains
        assert ((shares - probabilities).abs() < 4 * errors).all()
    assert torch.equal(start, torch.ones(chains, 3, dtype=torch.float64))


def test_the_learning_rate_is_one_over_the_curvature_along_the_last_step() -> None:
    """On a quadratic of curvature c one step of this rate ends at the maximum. If curvatures differ, the steeper ones dominate."""
    moved = coupled(3, {(0, 1): 0.4, (1, 2): -0.2})
    assert boltzmann.curvature_rate(moved, 5.0 * moved) == pytest.approx(1 / 5)
    curved = coupled(3, {(0, 1): 10.0 * 0.4, (1, 2): 1.0 * -0.2})
    assert boltzmann.curvature_rate(moved, curved) == pytest.approx((10 * 0.16 + 0.04) / (100 * 0.16 + 0.04))
    assert boltzmann.curvature_rate(moved, torch.zeros_like(moved)) == 0.0
