"""Guidance is not tilting: closed forms of the tilted density, and of where the guided flow ends."""

import math

import pytest
import torch
from torch import Tensor

from playground.theory import metrics
from playground.theory.class_densities import ClassDensities
from playground.theory.densities import GaussianMixture
from playground.theory.guidance import GuidedScore
from playground.theory.noise import VarianceExploding, per_point
from playground.theory.samplers import AdaptiveFlow
from playground.theory.tilting import TiltedDensity
from tests.generators import seeded

STD, APART = 0.7, 1.1
PAIR = GaussianMixture(
    torch.tensor([[-APART, 0.0], [APART, 0.0]]).double(),
    torch.tensor([STD, STD]).double(),
    torch.tensor([0.4, 0.6]).double(),
    classes=torch.tensor([0, 1]),
)
CLASSES = ClassDensities.of(PAIR)


def along_x(scale: float) -> tuple[Tensor, Tensor]:
    """Places on the x axis, and the density there of p(x | 1) p(1 | x)^w by a fine sum, with the logistic posterior by hand."""
    x = torch.linspace(-8, 8, 20_001, dtype=torch.float64)
    log_posterior = torch.nn.functional.logsigmoid(2 * APART * x / STD**2 + math.log(0.6 / 0.4))
    weights = (-0.5 * ((x - APART) / STD) ** 2 + scale * log_posterior).exp()
    return x, weights / weights.sum()


@pytest.mark.parametrize("scale", [0.0, 1.0, 4.0])
def test_the_tilted_density_is_the_class_times_a_power_of_its_posterior(scale: float) -> None:
    """Two Gaussians of one width have a logistic posterior, so the tilt changes x alone."""
    tilted, (x, shares) = TiltedDensity(CLASSES, 1, scale), along_x(scale)
    spacing = float(x[1] - x[0])
    across = torch.distributions.Normal(0.0, STD).log_prob(torch.tensor(0.3, dtype=torch.float64))
    found = tilted.log_prob(torch.stack([x, torch.full_like(x, 0.3)], dim=1))
    inside = shares > 1e-12
    torch.testing.assert_close(found[inside], (shares / spacing).log()[inside] + across, atol=1e-4, rtol=1e-6)
    points = tilted.sample(40_000, seeded(0))
    mean = float((x * shares).sum())
    std = math.sqrt(float((x.square() * shares).sum()) - mean**2)
    assert float(points[:, 0].mean()) == pytest.approx(mean, abs=4.4 * std / 200)
    assert float(points[:, 0].std()) == pytest.approx(std, rel=0.02)
    assert float(points[:, 1].mean()) == pytest.approx(0.0, abs=4.4 * STD / 200)
    assert float(points[:, 1].std()) == pytest.approx(STD, rel=0.02)
    if not scale:
        torch.testing.assert_close(tilted.log_prob(points), CLASSES.densities[1].log_prob(points), atol=1e-6, rtol=1e-6)


def test_its_normalizer_is_the_mean_of_the_posterior_over_the_class() -> None:
    """For w = 1 the integral of p(x | c) p(c | x) is a mean over draws of the class."""
    draws = CLASSES.densities[0].sample(200_000, seeded(1))
    posterior = CLASSES.log_posterior(draws)[:, 0].exp()
    mean, error = metrics.mean_with_error(posterior)
    assert math.exp(TiltedDensity(CLASSES, 0, 1.0).log_partition) == pytest.approx(mean, abs=4.4 * error)


OWN, EVERY, MEAN = 0.5, 1.0, 0.8  # a Gaussian class N(m, a^2) in Gaussian data N(0, b^2), in each coordinate


def gaussians(x: Tensor, sigma: Tensor, label: Tensor | None = None) -> Tensor:
    """The score of N(m, a^2), or of N(0, b^2) without a label."""
    level = per_point(torch.as_tensor(sigma, dtype=x.dtype).square(), x)
    return -x / (EVERY**2 + level) if label is None else (MEAN - x) / (OWN**2 + level)


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.0])
def test_the_guided_flow_ends_narrower_and_farther_than_the_tilted_density(scale: float) -> None:
    """T17: from much noise the flow ends in variance a^2 (a/b)^(2w), the tilted density has 1/((1 + w)/a^2 - w/b^2).

    For w = 2 their means are m (1 + 2 a^2/b^2) and 3 m/(3 - 2 a^2/b^2).
    """
    coarsest, ratio = 2_000.0, (OWN / EVERY) ** 2
    process = VarianceExploding(1e-3, coarsest)
    start = coarsest * torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    *_, end = AdaptiveFlow(process, 2, 1e-9).run(GuidedScore(gaussians, torch.tensor(0), scale), start, seeded(0))
    mean, moved = end.positions[0].tolist()
    std = moved - mean  # the flow is affine in its start, whose standard deviation is `coarsest`
    assert std == pytest.approx(OWN * ratio ** (scale / 2), rel=1e-3)
    tilted_std = 1 / math.sqrt((1 + scale) / OWN**2 - scale / EVERY**2)
    tilted_mean = (1 + scale) * MEAN / OWN**2 * tilted_std**2
    if scale == 0:
        assert std == pytest.approx(tilted_std, rel=1e-3)
        assert mean == pytest.approx(tilted_mean, rel=1e-3)
    else:
        assert std < 0.85 * tilted_std
        assert mean > 1.05 * tilted_mean
    if scale == 2.0:
        assert mean == pytest.approx(MEAN * (1 + 2 * ratio), rel=2e-3)
        assert tilted_mean == pytest.approx(3 * MEAN / (3 - 2 * ratio))


@pytest.mark.parametrize("sigma", [0.0, 0.5, 2.0])
def test_the_guided_score_is_that_of_the_smoothed_tilted_density_only_without_noise(sigma: float) -> None:
    scale, x = 2.0, torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    variance = 1 / ((1 + scale) / OWN**2 - scale / EVERY**2)
    smoothed = ((1 + scale) * MEAN / OWN**2 * variance - x) / (variance + sigma**2)
    guided = GuidedScore(gaussians, torch.tensor(0), scale)(x, torch.tensor(sigma, dtype=torch.float64))
    distance = float((guided - smoothed).abs().max())
    assert distance < 1e-9 if sigma == 0 else distance > 0.3 / (1 + sigma**2)


def test_guidance_acts_within_its_interval_alone_and_costs_nothing_outside() -> None:
    calls = []

    def counted(x: Tensor, sigma: Tensor, label: Tensor | None = None) -> Tensor:
        calls.append(label is None)
        return gaussians(x, sigma, label)

    label, x = torch.tensor(0), torch.randn(3, 2, generator=seeded(2), dtype=torch.float64)
    everywhere, within = GuidedScore(gaussians, label, 2.0), GuidedScore(counted, label, 2.0, None, (0.1, 1.0))
    sigma = torch.tensor([0.05, 0.1, 2.0], dtype=torch.float64)
    plain, guided = gaussians(x, sigma, label), everywhere(x, sigma)
    torch.testing.assert_close(within(x, sigma), torch.where(torch.tensor([[False], [True], [False]]), guided, plain))
    assert calls == [False, True]
    calls.clear()
    torch.testing.assert_close(within(x, sigma[0]), gaussians(x, sigma[0], label))
    assert calls == [False]


def test_autoguidance_extrapolates_from_the_weaker_score() -> None:
    """s_weak + (1 + w)(s - s_weak), with the same class or with none."""

    def weaker(x: Tensor, sigma: Tensor, label: Tensor | None = None) -> Tensor:
        return 0.5 * gaussians(x, sigma, label)

    x, sigma = torch.randn(5, 2, generator=seeded(3), dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64)
    for label in (None, torch.tensor(0)):
        strong = gaussians(x, sigma, label)
        found = GuidedScore(gaussians, label, 0.6, weaker)(x, sigma)
        torch.testing.assert_close(found, 0.5 * strong + 1.6 * (strong - 0.5 * strong))
