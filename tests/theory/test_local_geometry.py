"""Thickness, smoothing and intrinsic dimension of clouds for which they are known."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from playground.theory.local_geometry import (
    finest_noise,
    intrinsic_dimension,
    mean_smoothing_kl,
    smoothing_kl,
    thickness,
)


def normal(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 2))


def circle(count: int, noise: float = 0.0, seed: int = 0) -> Tensor:
    angle = np.random.default_rng(seed).uniform(0, 2 * math.pi, count)
    points = np.stack([np.cos(angle), np.sin(angle)], 1) + noise * normal(count, seed + 1)
    return torch.from_numpy(points * math.sqrt(2))  # of mean variance 1


def needles(count: int, width: float, seed: int = 0) -> Tensor:
    """Sixteen straight segments of length 1 in all directions, far from each other."""
    rng = np.random.default_rng(seed)
    which = rng.integers(16, size=count)
    angle = which * math.pi / 16
    along, across = rng.uniform(size=count), width * rng.normal(size=count)
    middle = np.stack([which % 4, which // 4], 1) * 2.0
    direction, other = np.stack([np.cos(angle), np.sin(angle)], 1), np.stack([-np.sin(angle), np.cos(angle)], 1)
    return torch.from_numpy(middle + along[:, None] * direction + across[:, None] * other)


@pytest.mark.parametrize("count", [200, 5_000, 50_000])
def test_two_correlated_columns_are_as_thin_as_their_narrow_principal_axis(count: int) -> None:
    points = torch.from_numpy(normal(count) * [1.0, 0.01]) @ torch.tensor([[0.6, 0.8], [-0.8, 0.6]]).double()
    assert float(thickness(points).median()) == pytest.approx(0.01, rel=0.15)


@pytest.mark.parametrize("width", [0.005, 0.02])
def test_segments_in_all_directions_have_the_thickness_of_each(width: float) -> None:
    found = thickness(needles(5_000, width))
    assert torch.isfinite(found).double().mean() > 0.95
    assert float(found.median()) == pytest.approx(width, rel=0.15)


def test_a_uniform_cloud_is_nowhere_thin() -> None:
    for seed in range(5):
        even = torch.from_numpy(np.random.default_rng(seed).uniform(size=(20_000, 2)))
        assert torch.isinf(thickness(even)).all()
    assert float(thickness(circle(5_000, 0.02)).median()) == pytest.approx(0.02 * math.sqrt(2), rel=0.15)


@pytest.mark.parametrize("ratio", [0.1, 1.0, 5.0])
def test_smoothing_kl_is_that_of_a_gaussian(ratio: float) -> None:
    narrow = torch.distributions.Normal(0.0, 0.3)
    blurred = torch.distributions.Normal(0.0, 0.3 * math.sqrt(1 + ratio**2))
    found = smoothing_kl(torch.tensor([0.3, math.inf], dtype=torch.float64), 0.3 * ratio)
    assert float(found[0]) == pytest.approx(float(torch.distributions.kl_divergence(narrow, blurred)), rel=1e-3)
    assert found[1] == 0


def test_the_finest_noise_costs_the_allowed_divergence() -> None:
    half_thin = torch.tensor([0.01, math.inf], dtype=torch.float64)
    sigma = finest_noise(half_thin, 1e-3, 0.01, 2e-3)
    assert 1.8e-3 < float(smoothing_kl(half_thin, sigma).mean()) <= 2e-3
    assert finest_noise(torch.tensor([0.5]), 1e-3, 0.01, 2e-3) == 0.01
    assert finest_noise(torch.tensor([1e-7]), 1e-3, 0.01, 2e-3) == 0.01  # on a line no level is fine enough


def test_the_finest_noise_is_the_least_for_very_thin_data() -> None:
    assert finest_noise(torch.tensor([5e-4]), 1e-3, 0.01, 2e-3) == 1e-3


def test_a_few_points_on_a_line_leave_the_finest_noise_that_of_the_others() -> None:
    thin = torch.cat([torch.full((95,), 0.005), torch.full((5,), 1e-8)]).double()
    assert finest_noise(thin, 1e-3, 0.01, 2e-3) == finest_noise(thin[:95], 1e-3, 0.01, 2e-3) < 2e-3
    assert mean_smoothing_kl(thin, 0.005) == pytest.approx(0.5 * (math.log(2) - 0.5))
    assert math.isinf(mean_smoothing_kl(thin[90:], 0.005))  # half of them have none


@pytest.mark.parametrize("count", [100, 1_000, 20_000])
def test_a_curve_has_one_dimension_and_a_cloud_two(count: int) -> None:
    for seed in range(3):
        found = intrinsic_dimension(circle(count, seed=seed))
        assert found.is_curve
        assert found.value == pytest.approx(1, abs=4 * found.standard_error)
        found = intrinsic_dimension(torch.from_numpy(normal(count, seed)))
        assert not found.is_curve
        assert found.value == pytest.approx(2, abs=4 * found.standard_error)


def test_the_dimension_is_estimated_in_any_space() -> None:
    found = intrinsic_dimension(torch.from_numpy(np.random.default_rng(0).uniform(size=(2_000, 5))))
    assert found.value == pytest.approx(5, abs=4 * found.standard_error + 0.4)  # less, because of its edges


@pytest.mark.parametrize("count", [100, 1_000])
def test_a_thin_density_with_few_points_is_no_curve(count: int) -> None:
    assert not intrinsic_dimension(circle(count, 0.02)).is_curve
    assert not intrinsic_dimension(torch.from_numpy(normal(count) * [1.0, 0.01])).is_curve


def test_degenerate_points_are_no_curve() -> None:
    lattice = torch.cartesian_prod(torch.arange(9.0), torch.arange(9.0))
    assert not intrinsic_dimension(lattice).is_curve
    assert math.isnan(intrinsic_dimension(lattice[:1].expand(50, 2)).value)
