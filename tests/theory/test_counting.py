"""Score evaluations, counted at the score and compared with the numbers of each scheme."""

import pytest
import torch
from torch import Tensor

from playground.theory.counting import CountedScore
from playground.theory.forward import ForwardProcess
from playground.theory.guidance import GuidedScore, InpaintingScore
from playground.theory.noise import VarianceExploding
from playground.theory.noise import VariancePreserving as VP
from playground.theory.noise.process import ScoreFunction
from playground.theory.samplers import (
    AdaptiveFlow,
    AnnealedLangevin,
    DDIMSampler,
    EdmSampler,
    Langevin,
    MetropolisAdjustedLangevin,
    MultistepSampler,
    ProbabilityFlow,
    ReverseSDE,
    Sampler,
    UniPCSampler,
)
from tests.generators import seeded

VE = VarianceExploding(0.05, 5.0)


def gaussian(x: Tensor, sigma: Tensor, label: Tensor | None = None) -> Tensor:
    """The score of N(0, 1) for every label."""
    return -x / (1 + torch.as_tensor(sigma).reshape(-1, *[1] * (x.ndim - 1)) ** 2)


def log_density(x: Tensor, sigma: Tensor) -> Tensor:
    return -x.square().sum(1) / (2 * (1 + sigma**2))


def steep(x: Tensor, sigma: Tensor, label: Tensor | None = None) -> Tensor:
    """A score that is harder to follow on one side of the plane, so that particles take different numbers of steps."""
    return gaussian(x, sigma) - 2 * torch.sin(6 * x) * (x > 0)


def start(count: int = 20) -> Tensor:
    return torch.randn(count, 2, generator=seeded(0))


def spent(sampler: Sampler, counted: CountedScore, score: ScoreFunction | None = None) -> None:
    list(sampler.run(score or counted, start(), seeded(1)))


@pytest.mark.parametrize(
    ("sampler", "evaluations"),
    [
        (Langevin(0.3, 0.02, 10), 10),
        (MetropolisAdjustedLangevin(log_density, 0.3, 0.3, 10), 20),
        (AnnealedLangevin(torch.tensor([1.0, 0.1]), 0.001, 5, final_denoising=False), 10),
        (AnnealedLangevin(torch.tensor([1.0, 0.1]), 0.001, 5, final_denoising=True), 11),
        (ReverseSDE(VE, 10, final_denoising=False), 10),
        (ReverseSDE(VE, 10, final_denoising=True), 11),
        (ReverseSDE(VE, 10, final_denoising=False, solver="heun"), 20),
        (ReverseSDE(VE, 10, final_denoising=False, solver="shark"), 20),
        (ReverseSDE(VE, 10, final_denoising=True, corrector_steps=3), 41),
        (ProbabilityFlow(VE, 10, final_denoising=False, solver="euler"), 10),
        (ProbabilityFlow(VE, 10, final_denoising=False), 20),
        (ProbabilityFlow(VE, 10, final_denoising=False, corrector_steps=1), 30),
        (EdmSampler(VE, 10, final_denoising=True, churn=5.0), 21),
        (DDIMSampler(VE, 10, False), 10),
        (DDIMSampler(VE, 10, True, eta=1.0), 11),
        (MultistepSampler(VE, 10, False), 10),
        (MultistepSampler(VE, 10, True, stochasticity=1.0), 11),
        (UniPCSampler(VE, 10, False), 10),
        (ForwardProcess(VP(0.1, 20.0, 0.01), 10), 0),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Sampler) else "",
)
def test_samplers_of_fixed_steps_take_the_evaluations_of_their_scheme(sampler: Sampler, evaluations: int) -> None:
    counted = CountedScore(gaussian, 20)
    spent(sampler, counted)
    assert counted.nfe_mean == counted.nfe_max == sampler.evaluations == evaluations


def test_adaptive_steps_are_counted_per_particle() -> None:
    """Compared with the rows that the score has actually received, for each particle."""
    asked = torch.zeros(20, dtype=torch.int64)
    labels = torch.arange(20)

    def told(x: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
        asked[label] += 1
        return steep(x, sigma)

    counted = CountedScore(told, 20)
    spent(AdaptiveFlow(VE, 10, 1e-5), counted, GuidedScore(counted, labels, 0.0))
    assert asked.min() < asked.max()
    assert counted.nfe_mean == pytest.approx(float(asked.double().mean()))
    assert counted.nfe_max == int(asked.max())


@pytest.mark.parametrize(
    "sampler", [ReverseSDE(VE, 10, final_denoising=True), AdaptiveFlow(VE, 10, 1e-4)], ids=["fixed", "fitted"]
)
def test_guidance_takes_two_evaluations_instead_of_one(sampler: Sampler) -> None:
    plain, guided = CountedScore(gaussian, 20), CountedScore(gaussian, 20)
    spent(sampler, plain, GuidedScore(plain, torch.tensor(3), 0.0))
    spent(sampler, guided, GuidedScore(guided, torch.tensor(3), 1.5))
    assert plain.nfe_max > 0
    assert (guided.nfe_mean, guided.nfe_max) == (2 * plain.nfe_mean, 2 * plain.nfe_max)


def test_inpainting_of_a_class_is_counted() -> None:
    counted = CountedScore(gaussian, 20)
    score = InpaintingScore(GuidedScore(counted, torch.arange(20), 1.0), torch.zeros(2), torch.tensor([True, False]))
    spent(AdaptiveFlow(VE, 10, 1e-3), counted, score)
    assert 0 < counted.nfe_mean <= counted.nfe_max
    assert counted.nfe_max % 2 == 0


def test_no_particles_take_no_evaluations() -> None:
    assert (CountedScore(gaussian, 0).nfe_mean, CountedScore(gaussian, 0).nfe_max) == (0, 0)
