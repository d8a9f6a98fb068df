"""The smoothed training set against a mixture of Gaussians and autograd, and as the score of a sampler."""

import math

import pytest
import torch
from torch import Tensor

from playground.theory import empirical
from playground.theory.densities import GaussianMixture
from playground.theory.empirical import Empirical
from playground.theory.noise import VarianceExploding
from playground.theory.samplers import ReverseSDE
from tests.generators import seeded

SHAPES = [(1,), (2,), (1, 3, 2), (3, 2, 2)]


def points(shape: tuple[int, ...], count: int = 40) -> Tensor:
    return 3.0 + torch.randn(count, *shape, generator=seeded(), dtype=torch.float64)


def places(shape: tuple[int, ...], count: int = 30) -> tuple[Tensor, Tensor]:
    """Points and a noise level for each, from well below the data's spacing to far above their standard deviation."""
    x = 3.0 + 2 * torch.randn(count, *shape, generator=seeded(1), dtype=torch.float64)
    return x, torch.logspace(-1.5, 1.5, count, dtype=torch.float64)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_equal_mixture_of_gaussians_of_width_sigma(shape: tuple[int, ...]) -> None:
    data = points(shape)
    x, sigma = places(shape)
    for row, level in zip(x, sigma.tolist(), strict=True):
        mixture = GaussianMixture(data.flatten(1), torch.full((len(data),), level, dtype=torch.float64))
        at = row[None]
        torch.testing.assert_close(
            Empirical(data).log_prob(at, level), mixture.log_prob(at.flatten(1)), rtol=1e-9, atol=1e-9
        )
        torch.testing.assert_close(
            Empirical(data).score(at, level).flatten(1), mixture.score(at.flatten(1)), rtol=1e-8, atol=1e-8
        )


@pytest.mark.parametrize(("far", "sigma"), [(0.0, 3e-4), (40.0, 0.01), (0.0, 0.5)])
def test_the_log_density_is_accurate_in_single_precision(
    far: float, sigma: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compared with an explicit mixture in double precision, at far points and small noise, a few rows at a time."""
    monkeypatch.setattr(empirical, "EXACT", 100)
    data = torch.randn(300, 2, generator=seeded())
    data[:20] += far
    x = data[:40] + sigma * torch.randn(40, 2, generator=seeded(1))
    squares = (x.double()[:, None] - data.double()).square().sum(2)
    expected = (-0.5 * squares / sigma**2).logsumexp(1) - math.log(300 * 2 * math.pi * sigma**2)
    found = Empirical(data).log_prob(x, sigma)
    assert found.dtype == x.dtype
    torch.testing.assert_close(found, expected.float(), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_few_rows_at_a_time_give_the_same(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """At most CHUNK distances are held at once, and the numbers are the same."""
    density, (x, sigma) = Empirical(points(shape)), places(shape)
    whole = density.score(x, sigma), density.log_prob(x, sigma), density.score(x, 0.5)
    monkeypatch.setitem(empirical.CHUNK, "cpu", 40 * 7)
    assert max(len(logits) for logits, _, _ in density._logits(x, sigma)) == 7
    parts = density.score(x, sigma), density.log_prob(x, sigma), density.score(x, 0.5)
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_it_minimises_the_denoising_loss_over_its_points() -> None:
    """At fixed noisy points the loss is a weighted least-squares problem, and its minimiser is the score."""
    data, sigma = points((2,), 5), 0.8
    y = torch.tensor([[3.2, 2.9]], dtype=torch.float64)
    weights = torch.softmax(-0.5 * (y - data).square().sum(1) / sigma**2, 0)
    best = (weights[:, None] * (data - y)).sum(0) / sigma**2
    torch.testing.assert_close(Empirical(data).score(y, sigma)[0], best)


@pytest.mark.parametrize("shape", [(2,), (1, 3, 2)])
def test_samples_with_it_are_the_training_points(shape: tuple[int, ...]) -> None:
    """Memorization: from pure noise every sample ends at one of ten points, and each point has its share."""
    data = torch.randn(10, *shape, generator=seeded(), dtype=torch.float64)
    process = VarianceExploding(0.005, 20.0)
    start = process.prior(data.mean(0), 1.0).sample(400, seeded(1))
    *_, last = ReverseSDE(process, 300, final_denoising=True).run(Empirical(data).score, start, seeded(2))
    distance = torch.cdist(last.positions.flatten(1), data.flatten(1))
    nearest, home = distance.min(1)
    assert float(nearest.max()) < 1e-3
    counts = torch.bincount(home, minlength=10)
    assert float(((counts - 40).square() / 40).sum()) < 33.7  # chi-squared with 9 degrees of freedom: 1 in 10,000


def test_float32_is_accurate_far_and_near() -> None:
    """The error is below 0.2 % of 1/sigma, the size of the score, at sigma = 50 and next to a point at sigma = 0.01."""
    data = torch.randn(500, 2, generator=seeded(), dtype=torch.float64)
    for sigma in (50.0, 0.01):
        x = data[:100] + sigma * torch.randn(100, 2, generator=seeded(1), dtype=torch.float64)
        exact = Empirical(data).score(x, sigma)
        single = Empirical(data.float()).score(x.float(), sigma).double()
        assert float((single - exact).abs().max()) * sigma < 2e-3
