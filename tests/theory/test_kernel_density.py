"""The leave-one-out width of a kernel density, beside scikit-learn and the rate for a Gaussian."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import KernelDensity
from torch import Tensor

from playground.theory.kernel_density import (
    _LeftOut,  # the sums behind kernel_width, which has no other way out
    kernel_width,
    width_for_gaussian,
)


def clusters(count: int, seed: int = 0) -> np.ndarray:
    """Two clusters of different width."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 2))
    points[: count // 2] = 0.2 * points[: count // 2] + 1
    return points


def normal(count: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 2)))


def by_scikit_learn(points: np.ndarray, width: float) -> np.ndarray:
    estimate = KernelDensity(bandwidth=width)
    return np.concatenate(
        [
            estimate.fit(np.delete(points, index, axis=0)).score_samples(points[index : index + 1])
            for index in range(len(points))
        ]
    )


@pytest.mark.parametrize("width", [0.02, 0.3, 2.0])
def test_the_leave_one_out_likelihood_is_scikit_learns(width: float) -> None:
    points = clusters(40)
    np.testing.assert_allclose(
        _LeftOut(torch.from_numpy(points)).log_prob(width).numpy(), by_scikit_learn(points, width), rtol=1e-9
    )


@pytest.mark.claims
def test_the_width_is_the_best_of_scikit_learns() -> None:
    points = clusters(60)
    widths = np.geomspace(0.05, 1.0, 120)
    best = widths[np.argmax([by_scikit_learn(points, width).mean() for width in widths])]
    assert kernel_width(torch.from_numpy(points), 0.01, 3.0) == pytest.approx(best, rel=0.03)


@pytest.mark.claims
def test_the_width_for_a_gaussian_falls_with_the_sixth_root_of_the_count() -> None:
    for count in (50, 400, 1_000):
        widths = [kernel_width(normal(count, seed), 0.01, 3.0) for seed in range(8)]
        assert np.mean(np.array(widths, dtype=float)) * count ** (1 / 6) == pytest.approx(1.2, abs=0.06), count


def test_the_width_for_a_gaussian_is_that_of_its_narrowest_axis() -> None:
    turned = normal(400, 0) * torch.tensor([1.0, 0.02]) @ torch.tensor([[0.6, 0.8], [-0.8, 0.6]]).double()
    assert width_for_gaussian(turned) == pytest.approx(0.02 * 1.2 * 400 ** (-1 / 6), rel=0.1)
    assert width_for_gaussian(torch.ones(5, 2)) == 0
    assert width_for_gaussian(normal(400, 0)) == pytest.approx(kernel_width(normal(400, 0), 0.01, 3.0), rel=0.15)


def test_the_width_keeps_to_its_bounds() -> None:
    points = normal(100, 0)
    assert kernel_width(points, 0.01, 0.2) == pytest.approx(0.2, rel=0.01)
    assert kernel_width(points, 0.9, 1.5) == pytest.approx(0.9, rel=0.01)


def test_a_few_repeated_points_do_not_make_the_width_zero() -> None:
    points = normal(100, 0)
    repeated = torch.cat([points, points[:40]])
    assert kernel_width(repeated, 0.01, 3.0) == pytest.approx(kernel_width(points, 0.01, 3.0), rel=0.15)
    every_one = torch.cat([points, points])
    assert kernel_width(every_one, 0.01, 3.0) == pytest.approx(kernel_width(points, 0.01, 3.0), rel=0.1)


def test_discrete_values_have_no_width() -> None:
    rng = np.random.default_rng(0)
    assert kernel_width(torch.from_numpy(rng.integers(0, 5, size=(200, 2))), 0.01, 3.0) is None
    assert kernel_width(torch.zeros(10, 2), 0.01, 3.0) is None
    assert kernel_width(torch.zeros(1, 2), 0.01, 3.0) is None


def test_one_far_point_does_not_decide() -> None:
    points = normal(100, 0)
    alone = kernel_width(points, 0.01, 20.0)
    far = torch.cat([points, torch.tensor([[60.0, 0.0]])])
    assert kernel_width(far, 0.01, 20.0) == pytest.approx(alone, rel=0.02)
