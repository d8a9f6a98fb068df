"""Optimal transport against scipy's assignment and closed forms."""

import itertools
import math
from collections.abc import Generator
from typing import TypeVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from playground.theory.metrics import sliced_wasserstein2
from playground.theory.transport import extrapolated_squared_wasserstein2, optimal_matching, squared_wasserstein2
from tests.generators import seeded

Result = TypeVar("Result")


def ended(work: Generator[None, None, Result]) -> Result:
    while True:
        try:
            next(work)
        except StopIteration as stop:
            result: Result = stop.value
            return result


def normal(count: int, *shape: int, seed: int) -> Tensor:
    return torch.randn(count, *shape, generator=seeded(seed), dtype=torch.float64)


def two_modes(count: int, share: float, seed: int) -> Tensor:
    uniform = torch.rand(count, 1, generator=seeded(seed + 100), dtype=torch.float64)
    return 0.1 * normal(count, 2, seed=seed) + 5 * torch.sign(uniform - share)


CLOUDS = {
    "one law": (normal(300, 2, seed=1), normal(300, 2, seed=2)),
    "far": (normal(300, 2, seed=1), normal(300, 2, seed=2) + 50),
    "narrow": (normal(300, 2, seed=1), 0.01 * normal(300, 2, seed=2)),
    "modes of other weights": (two_modes(300, 0.2, 1), two_modes(300, 0.4, 2)),
    "blown up": (1e8 * normal(200, 2, seed=1), normal(200, 2, seed=2)),
    "repeated": (normal(300, 2, seed=1).round(), normal(300, 2, seed=2).round()),
    "images": (normal(150, 1, 4, 4, seed=1), normal(150, 1, 4, 4, seed=2) + 0.1),
    "one point": (normal(1, 2, seed=1), normal(1, 2, seed=2)),
    "all one": (torch.ones(20, 2), torch.ones(20, 2)),
}


@pytest.mark.parametrize(("a", "b"), CLOUDS.values(), ids=CLOUDS)
def test_it_is_the_cheapest_matching(a: Tensor, b: Tensor) -> None:
    costs = torch.cdist(a.flatten(1).double(), b.flatten(1).double()).square().numpy()
    best = costs[linear_sum_assignment(costs)].mean()
    assert ended(squared_wasserstein2(a, b)) == pytest.approx(best, rel=1e-9, abs=1e-15)
    assert ended(squared_wasserstein2(b, a)) == pytest.approx(best, rel=1e-9, abs=1e-15)


@given(st.integers(1, 6), st.integers(0, 10_000), st.booleans())
def test_no_other_matching_is_cheaper(count: int, seed: int, whole: bool) -> None:
    random = np.random.default_rng(seed)
    costs = random.integers(0, 4, (count, count)).astype(float) if whole else random.normal(size=(count, count))
    columns = ended(optimal_matching(costs, random.normal(size=count)))
    assert sorted(columns) == list(range(count))
    rows = range(count)
    cheapest = min(sum(costs[row, way[row]] for row in rows) for way in itertools.permutations(rows))
    assert costs[rows, columns].sum() == pytest.approx(cheapest)


def test_a_shift_and_a_stretch_are_known() -> None:
    """For a shift d it is |d|^2, and for a stretch by c (c - 1)^2 E|a|^2, as both are gradients of convex functions."""
    a, shift = normal(200, 2, seed=3), torch.tensor([0.3, -0.4], dtype=torch.float64)
    order = torch.randperm(200, generator=seeded(0))
    assert ended(squared_wasserstein2(a, (a + shift)[order])) == pytest.approx(0.25)
    stretched = ended(squared_wasserstein2(a, (1.5 * a)[order]))
    assert stretched == pytest.approx(0.25 * float(a.square().sum(1).mean()))


def test_on_a_line_it_is_the_sliced_distance_squared() -> None:
    a, b = normal(200, 1, seed=4), normal(200, 1, seed=5).exp()
    sliced = sliced_wasserstein2(a, b, 2, seeded(0))
    assert math.sqrt(ended(squared_wasserstein2(a, b))) == pytest.approx(sliced)


def test_sizes_must_be_equal() -> None:
    with pytest.raises(ValueError, match="not of 3 and 4 points"):
        ended(squared_wasserstein2(torch.zeros(3, 2), torch.zeros(4, 2)))


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e200])
def test_costs_must_be_finite(value: float) -> None:
    """No path is the shortest among infinite ones, and the search for it would never end."""
    far = torch.zeros(3, 2, dtype=torch.float64)
    far[1, 0] = value
    with pytest.raises(ValueError, match="needs finite costs"):
        ended(squared_wasserstein2(far, torch.zeros(3, 2)))


def test_the_extrapolated_wasserstein_distance_has_little_of_the_excess_of_few_points() -> None:
    """W2^2 of N(0, I) and N(0, 4 I) is 2, and that of few points exceeds it; the dual potentials of x -> 2x take most noise away."""
    excess = []
    for seed in range(150):
        a, b = normal(50, 2, seed=2 * seed), normal(50, 2, seed=2 * seed + 1)
        dual = float(2 * b.square().sum(1).mean() - a.square().sum(1).mean())
        works = (squared_wasserstein2(a, 2 * b), extrapolated_squared_wasserstein2(a, 2 * b))
        excess.append([ended(work) - dual for work in works])
    (plain, extrapolated), (_, error) = torch.tensor(excess).mean(0), torch.tensor(excess).std(0) / math.sqrt(150)
    assert plain > 20 * error
    assert abs(extrapolated) < plain / 2
