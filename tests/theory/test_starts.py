"""Starts of runs: uniform over a box, scaled, and where a density is not zero."""

import math

import pytest
import torch

from playground.theory.densities import Boxes
from playground.theory.noise import GaussianPrior
from playground.theory.starts import ScaledStart, StartOnSupport, UniformStart
from tests.generators import seeded

COUNT = 40_000


def test_uniform_starts_fill_their_box() -> None:
    low, high = torch.tensor([-1.0, 2.0]), torch.tensor([3.0, 2.5])
    x = UniformStart(low, high).sample(COUNT, seeded(5))
    assert bool(((x >= low) & (x <= high)).all())
    width = high - low
    assert ((x.mean(0) - (low + high) / 2) / width).tolist() == pytest.approx([0, 0], abs=5 / math.sqrt(12 * COUNT))
    assert (x.var(0) / width**2).tolist() == pytest.approx([1 / 12] * 2, rel=0.03)


def test_a_scaled_start_is_the_same_draw_times_its_factor() -> None:
    start = GaussianPrior(torch.ones(1, 2, 3), 0.5)
    assert torch.equal(ScaledStart(start, 3.0).sample(10, seeded(5)), 3.0 * start.sample(10, seeded(5)))


def test_starts_on_a_support_are_the_other_ones_under_the_condition_that_the_density_is_not_zero() -> None:
    """A uniform start over a square, of which the right half of a cross-shaped pair of sharp boxes is the support."""
    lows, highs = torch.tensor([[0.0, -1.0], [0.0, 0.5]]), torch.tensor([[1.0, 0.0], [0.5, 1.0]])
    boxes = Boxes(lows, highs, torch.tensor([0.5, 0.5]))
    square = UniformStart(torch.tensor([-1.0, -1.0]), torch.tensor([1.0, 1.0]))
    x = StartOnSupport(square, boxes.log_prob, 0.0).sample(COUNT, seeded(5))
    inside = ((x[:, None] >= lows) & (x[:, None] <= highs)).all(2)
    assert bool(inside.any(1).all())
    share = float(inside[:, 0].float().mean())  # of areas 1 and 1/4
    assert share == pytest.approx(0.8, abs=5 * math.sqrt(0.8 * 0.2 / COUNT))
