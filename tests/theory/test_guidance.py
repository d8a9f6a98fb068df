"""Guidance by class and inpainting against closed forms."""

import math

import pytest
import torch
from torch import Tensor

from playground.theory.densities import GaussianMixture
from playground.theory.guidance import GuidedScore, InpaintingScore, ScaledScore
from playground.theory.noise import VarianceExploding
from playground.theory.samplers import AdaptiveFlow, ProbabilityFlow, ReverseSDE
from tests.generators import seeded

STEEP = 0.9
COVARIANCE = torch.tensor([[1.0, STEEP], [STEEP, 1.0]], dtype=torch.float64)


def component(mean: float, std: float) -> GaussianMixture:
    return GaussianMixture(torch.tensor([[mean, 0.0]]).double(), torch.tensor([std]).double(), torch.ones(1).double())


CLASSES = [component(-2.0, 0.5), component(2.0, 0.8)]
ALL = GaussianMixture(
    torch.tensor([[-2.0, 0.0], [2.0, 0.0]]).double(),
    torch.tensor([0.5, 0.8]).double(),
    torch.tensor([0.3, 0.7]).double(),
)


def by_class(x: Tensor, sigma: Tensor, label: Tensor | None = None) -> Tensor:
    """The scores of two classes in closed form."""
    if label is None:
        return ALL.score(x, sigma)
    told = torch.stack([density.score(x, sigma) for density in CLASSES])
    return told[label.expand(len(x)), torch.arange(len(x))]


@pytest.mark.parametrize("scale", [0.0, 0.5, 3.0])
def test_guidance_is_the_gradient_of_the_class_and_its_posterior(scale: float) -> None:
    """(1 + w) s(x|c) - w s(x) = grad [log p(x|c) + w log p(c|x)], with p(c|x) by Bayes' rule."""
    x = torch.randn(20, 2, generator=seeded(0), dtype=torch.float64).mul_(2).requires_grad_()
    sigma = torch.tensor(0.7, dtype=torch.float64)
    labels = torch.arange(20) % 2
    log_given = torch.stack([density.log_prob(x, 0.7) for density in CLASSES])
    log_joint = log_given + torch.tensor([0.3, 0.7]).double().log()[:, None]
    rows = (labels, torch.arange(20))
    aim = log_given[rows] + scale * log_joint.log_softmax(0)[rows]
    (gradient,) = torch.autograd.grad(aim.sum(), x)
    torch.testing.assert_close(GuidedScore(by_class, labels, scale)(x.detach(), sigma), gradient, rtol=1e-9, atol=1e-9)


def test_without_guidance_samples_are_those_of_the_class() -> None:
    start = 20 * torch.randn(2_000, 2, generator=seeded(1), dtype=torch.float64)
    labels = torch.arange(2_000) % 2
    process = VarianceExploding(0.01, 20.0)
    *_, step = ReverseSDE(process, 300, True).run(GuidedScore(by_class, labels, 0.0), start, seeded(2))
    for label, (mean, std) in enumerate([(-2.0, 0.5), (2.0, 0.8)]):
        end = step.positions[labels == label, 0]
        assert float(end.mean()) == pytest.approx(mean, abs=4.4 * std / math.sqrt(1_000))
        assert float(end.std()) == pytest.approx(std, rel=0.12)


def test_guidance_moves_samples_away_from_the_other_class() -> None:
    start = 20 * torch.randn(1_000, 2, generator=seeded(1), dtype=torch.float64)
    process, ends = VarianceExploding(0.01, 20.0), []
    for scale in (0.0, 2.0):
        score = GuidedScore(by_class, torch.tensor(1), scale)
        *_, step = ProbabilityFlow(process, 200, False, solver="heun").run(score, start, seeded(2))
        ends.append(float(step.positions[:, 0].mean()))
    assert ends[1] > ends[0] + 0.1


@pytest.mark.claims
@pytest.mark.parametrize("known", [False, True], ids=["free", "a part known"])
def test_each_particle_keeps_its_class_while_others_finish(known: bool) -> None:
    """The adaptive solver removes finished particles one by one. Each ends where it would end among its own class alone."""
    process, labels = VarianceExploding(0.01, 20.0), torch.tensor([0, 1, 1]).repeat(14)
    start = 20 * torch.randn(42, 2, generator=seeded(1), dtype=torch.float64)
    start[::5] *= 1e-3  # these take other steps and finish at another time

    def end(label: Tensor, rows: Tensor) -> Tensor:
        score: GuidedScore | InpaintingScore = GuidedScore(by_class, label, 0.7)
        if known:
            score = InpaintingScore(score, torch.tensor([1.3, 0.0]).double(), torch.tensor([True, False]))
        *_, step = AdaptiveFlow(process, 3, 1e-6).run(score, start[rows], seeded(2))
        return step.positions

    together = end(labels, torch.arange(42))
    for label in (0, 1):
        rows = torch.nonzero(labels == label)[:, 0]
        torch.testing.assert_close(together[rows], end(torch.tensor(label), rows), rtol=1e-9, atol=1e-9)
    assert float((end(1 - labels, torch.arange(42)) - together).abs().max()) > 0.05


def gaussian(x: Tensor, sigma: Tensor) -> Tensor:
    """The score of N(0, COVARIANCE) smoothed by sigma, for points (N, 2)."""
    level = torch.as_tensor(sigma, dtype=x.dtype).expand(len(x))
    smoothed = COVARIANCE.to(x) + level[:, None, None].square() * torch.eye(2).to(x)
    solved: Tensor = torch.linalg.solve(smoothed, x[..., None])
    return -solved[..., 0]


def test_the_known_part_is_exact_for_white_data() -> None:
    """Without correlation y has no influence, so the unknown coordinates keep their own score, in images and batches too."""
    x = torch.randn(5, 3, 4, 4, generator=seeded(3), dtype=torch.float64)
    known = torch.randn(3, 4, 4, generator=seeded(4), dtype=torch.float64)
    mask = torch.rand(3, 4, 4, generator=seeded(5)) < 0.5
    sigma = torch.linspace(0.1, 2.0, 5, dtype=torch.float64)

    def white(y: Tensor, level: Tensor) -> Tensor:
        return -y / (1 + level.square().view(-1, 1, 1, 1))

    found = InpaintingScore(white, known, mask)(x, sigma)
    torch.testing.assert_close(found[:, ~mask], white(x, sigma)[:, ~mask])
    torch.testing.assert_close(found[:, mask], ((known - x) / sigma.square().view(-1, 1, 1, 1))[:, mask])


def test_the_correction_is_the_gradient_of_the_distance_to_the_known_part() -> None:
    x = torch.randn(4, 2, generator=seeded(6), dtype=torch.float64).requires_grad_()
    known, mask = torch.tensor([0.3, 0.0], dtype=torch.float64), torch.tensor([True, False])
    sigma = torch.tensor(0.8, dtype=torch.float64)
    clean = x + sigma**2 * gaussian(x, sigma)
    distance = (known - clean)[:, 0].square().sum() * (1 + sigma**2) / (2 * sigma**2)
    (slope,) = torch.autograd.grad(-distance, x)
    found = InpaintingScore(gaussian, known, mask)(x.detach(), sigma)
    torch.testing.assert_close(found[:, 1], (gaussian(x, sigma) + slope)[:, 1].detach())


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_a_factor_on_the_score_is_an_exponent_of_the_flow(factor: float) -> None:
    """For a Gaussian, d ln |y| = c/2 d ln(variance): the flow contracts by the ratio of the widths to the power c."""
    process, start = VarianceExploding(0.01, 20.0), torch.tensor([[3.0, -1.0], [0.5, 2.0]], dtype=torch.float64)
    gaussian = GaussianMixture(torch.zeros(1, 2).double(), torch.ones(1).double(), torch.ones(1).double())
    *_, step = AdaptiveFlow(process, 4, 1e-8).run(ScaledScore(gaussian.score, factor), start, seeded(0))
    shrunk = ((1 + 0.01**2) / (1 + 20.0**2)) ** (factor / 2)
    torch.testing.assert_close(step.positions, shrunk * start, rtol=1e-5, atol=1e-7)
