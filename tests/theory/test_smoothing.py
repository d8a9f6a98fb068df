"""Divergence from a Gaussian against quadrature, overlap of levels against chi-squared distributions, and noise of
the diameter."""

import math
import statistics

import pytest
import scipy.integrate
import torch

from playground.lab.diagnostics import GAUSSIAN
from playground.theory.densities import GaussianMixture
from playground.theory.local_geometry import diameter
from playground.theory.smoothing import gaussianity, least_overlap, overlap, overlapping_levels
from tests.generators import seeded


def mixture(weight: float) -> GaussianMixture:
    """Two components at distance 3 along the first axis, and a Gaussian along the second."""
    means = torch.tensor([[-1.5, 0.0], [1.5, 0.0]], dtype=torch.float64)
    return GaussianMixture(
        means, torch.full((2,), 0.3, dtype=torch.float64), torch.tensor([weight, 1 - weight]).double()
    )


def divergence(density: GaussianMixture, sigma: float) -> float:
    """The KL divergence of the mixture smoothed by sigma from the Gaussian of its moments, along the first axis."""
    weights, means = density.weights.tolist(), density.means[:, 0].tolist()
    width = math.hypot(0.3, sigma)
    mean = sum(w * m for w, m in zip(weights, means, strict=True))
    variance = width**2 + sum(w * (m - mean) ** 2 for w, m in zip(weights, means, strict=True))

    def normal(x: float, centre: float, spread: float) -> float:
        return math.exp(-0.5 * (x - centre) ** 2 / spread) / math.sqrt(2 * math.pi * spread)

    def term(x: float) -> float:
        p = sum(w * normal(x, m, width**2) for w, m in zip(weights, means, strict=True))
        return float(p) * math.log(p / normal(x, mean, variance))

    reach = 6 * math.sqrt(variance)
    return float(scipy.integrate.quad(term, mean - reach, mean + reach, epsabs=1e-12, limit=400)[0])


@pytest.mark.parametrize("weight", [0.5, 0.8])
@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.0, 3.0])
def test_divergence_from_the_gaussian_by_quadrature(weight: float, sigma: float) -> None:
    """From 0.4 nat to 0.0002: the mean over three samples on a grid, within a tenth."""
    found = [gaussianity(mixture(weight).sample(60_000, seeded(seed)), sigma) for seed in range(3)]
    assert statistics.fmean(found) == pytest.approx(divergence(mixture(weight), sigma), rel=0.1)


@pytest.mark.parametrize(("weight", "sigma"), [(0.5, 2.0), (0.5, 3.0), (0.8, 2.5), (0.8, 4.0)])
def test_divergence_in_more_dimensions_by_cumulants(weight: float, sigma: float) -> None:
    """A symmetric density has only the fourth cumulant, a skewed one mainly the third. A Gaussian axis adds nothing."""
    points = mixture(weight).sample(60_000, seeded())
    points = torch.cat([points, 0.3 * torch.randn(60_000, 1, generator=seeded(1), dtype=torch.float64)], 1)
    assert gaussianity(points, sigma) == pytest.approx(divergence(mixture(weight), sigma), rel=0.3)


def test_far_points_count_in_the_divergence() -> None:
    """One point of a thousand lies thirty standard deviations away, beyond the grid, which is far from Gaussian."""
    points = mixture(0.5).sample(5_000, seeded())
    points[::1000] = 100.0
    assert gaussianity(points, 1.0) > 1


def test_rotated_and_reshaped_points_have_the_same_divergence() -> None:
    points = mixture(0.8).sample(1000, seeded())
    turned = points @ torch.linalg.qr(torch.randn(2, 2, generator=seeded(1), dtype=torch.float64))[0]
    assert gaussianity(turned, 1.0) == pytest.approx(gaussianity(points, 1.0), rel=1e-6)
    flat = torch.cat([points, torch.zeros(1000, 4, dtype=torch.float64)], 1)  # axes without variance add nothing
    assert gaussianity(flat.view(-1, 1, 2, 3), 1.0) == pytest.approx(gaussianity(points, 1.0), rel=1e-6)


def plain_gaussianity(points: torch.Tensor, sigma: float) -> float:
    """The divergence by the eigenvectors of the whole covariance."""
    centred = (points - points.mean(0)).flatten(1)
    variances, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
    shares = variances / (variances + sigma**2)
    u = centred @ axes / (variances + sigma**2).sqrt()
    products = (u @ u.T).fill_diagonal_(0.0)
    pairs = len(u) * (len(u) - 1)
    fourth = products.pow(4).sum() / pairs - 6 * (u.square() @ shares).square().mean()
    fourth = fourth + 3 * shares.square().sum().square() + 6 * shares.pow(4).sum()
    return float((products.pow(3).sum() / pairs).clamp(min=0) / 12 + fourth.clamp(min=0) / 48)


def test_gaussianity_of_large_images_is_from_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The covariance of 3,072 numbers takes seconds. The Gram matrix of 100 images has the same variances for every sigma."""
    generator = seeded()
    side = torch.where(torch.rand(100, 1, 1, 1, generator=generator, dtype=torch.float64) < 0.2, -2.0, 0.5)
    images = 0.1 * torch.randn(100, 3, 10, 10, generator=generator, dtype=torch.float64) + side
    sizes: list[int] = []
    eigh = torch.linalg.eigh

    def noted(matrix: torch.Tensor) -> object:
        sizes.append(len(matrix))
        return eigh(matrix)

    monkeypatch.setattr(torch.linalg, "eigh", noted)
    found = [gaussianity(images, sigma) for sigma in (2.0, 5.0, 20.0)]
    assert sizes == [100] * 3
    assert min(found) > 0
    assert found == [pytest.approx(plain_gaussianity(images, sigma), rel=1e-6) for sigma in (2.0, 5.0, 20.0)]


def test_a_gaussian_has_no_divergence_at_any_noise() -> None:
    points = torch.randn(20_000, 3, generator=seeded(), dtype=torch.float64) * torch.tensor([0.2, 1.0, 3.0])
    assert gaussianity(points, 0.0) < 2e-3  # the noise of 1,000 points
    assert gaussianity(points, 3.0) < 1e-4


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("share", [0.5, 0.2, 0.1, 0.01])
def test_noise_of_their_diameter_brings_the_farthest_points_near_a_gaussian(share: float, dim: int) -> None:
    """Two places, with a share of the points at one of them, are taken for the data that keep their shape longest."""
    points = torch.zeros(2_000, dim, dtype=torch.float64)
    points[: round(share * len(points))] = 7.0
    sigma = diameter(points)
    assert sigma == pytest.approx(7.0 * dim**0.5)
    assert gaussianity(points, sigma) < GAUSSIAN
    assert gaussianity(points, sigma / 4) > GAUSSIAN


@pytest.mark.parametrize("dim", [1, 2, 64])
@pytest.mark.parametrize("ratio", [1.05, 1.5, 4.0])
def test_overlap_of_one_point_is_the_closed_form(dim: int, ratio: float) -> None:
    found = overlap(torch.zeros(1, dim, dtype=torch.float64), 0.3 * ratio, 0.3, seeded())
    assert found == pytest.approx(least_overlap(ratio, dim), abs=0.05)


def test_overlap_in_the_plane() -> None:
    """For D = 2 the tails are elementary: 1 - exp(-r^2/(2 ratio^2)) + exp(-r^2/2) with r^2 = 2 ln(16)/(1 - 1/16)."""
    crossing = 2 * math.log(16) / (1 - 1 / 16)
    assert least_overlap(4.0, 2) == pytest.approx(1 - math.exp(-crossing / 32) + math.exp(-crossing / 2), rel=1e-12)


def test_dense_data_overlap_more_than_one_point() -> None:
    """If the data are denser than both sigmas, the levels nearly coincide. Single points have the overlap of one point."""
    points = torch.rand(2000, 2, generator=seeded(), dtype=torch.float64)
    assert overlap(points, 0.2, 0.05, seeded(1)) > 0.6
    assert overlap(points, 4e-4, 1e-4, seeded(1)) == pytest.approx(least_overlap(4.0, 2), abs=0.05)


@pytest.mark.parametrize("dim", [2, 64])
def test_overlapping_levels_are_the_fewest(dim: int) -> None:
    count = overlapping_levels(10.0, 0.01, dim, 0.2)
    assert least_overlap(1000 ** (1 / (count - 1)), dim) >= 0.2
    assert least_overlap(1000 ** (1 / (count - 2)), dim) < 0.2
    assert overlapping_levels(1.1, 1.0, dim, 0.2) == 2
