"""Metropolis-adjusted Langevin: the right density at any step size, and its acceptance rate in closed form."""

import math

import pytest
import torch

from playground.theory import draws
from playground.theory.densities import Boxes, GaussianMixture
from playground.theory.samplers import Langevin, MetropolisAdjustedLangevin, base
from tests.generators import seeded
from tests.theory.gaussian_runs import MEAN, STD, gaussian_log_density, gaussian_score, last

VARIANCE = STD**2 + 0.3**2


@pytest.mark.claims
@pytest.mark.parametrize("shape", [(1,), (1, 2, 3), (3, 2, 2)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_stationary_variance_is_right_at_any_step(shape: tuple[int, ...], share: float) -> None:
    """Within 4.4 standard errors. Without the Metropolis test the variance would be 1/(1 - share/2) times it: 1.05 to 1.82."""
    count = 30_000 // math.prod(shape)
    start = MEAN + 3 * torch.randn(count, *shape, dtype=torch.float64, generator=seeded(1))
    steps = math.ceil(14 / share)  # less than a millionth of the start's deviation remains
    sampler = MetropolisAdjustedLangevin(gaussian_log_density, 0.3, share * VARIANCE, steps)
    end = last(sampler, start, seed=2).positions
    assert float(end.mean()) == pytest.approx(MEAN, abs=4.4 * math.sqrt(VARIANCE / end.numel()))
    assert float(end.var()) == pytest.approx(VARIANCE, rel=4.4 * math.sqrt(2 / end.numel()))
    unadjusted = last(Langevin(0.3, share * VARIANCE, steps), start, seed=2).positions
    assert abs(float(unadjusted.var()) / VARIANCE - 1) > 4.4 * math.sqrt(2 / end.numel())


@pytest.mark.claims
def test_every_quantile_of_a_mixture_is_right() -> None:
    """The Kolmogorov-Smirnov distance stays below the value that one run in a thousand exceeds by chance."""
    mixture = GaussianMixture(
        torch.tensor([[-1.0], [1.0]], dtype=torch.float64),
        torch.tensor([0.3, 0.8], dtype=torch.float64),
        torch.tensor([0.3, 0.7], dtype=torch.float64),
    )
    start = 3 * torch.randn(10_000, 1, dtype=torch.float64, generator=seeded(3))
    sampler = MetropolisAdjustedLangevin(mixture.log_prob, 0.2, 0.25, 300)
    x = last(sampler, start, seed=4, score=mixture.score).positions[:, 0].sort().values
    z = (x[:, None] - mixture.means[:, 0]) / (mixture.stds**2 + 0.2**2).sqrt()
    exact = torch.special.ndtr(z) @ mixture.weights
    steps = torch.arange(len(x) + 1, dtype=torch.float64) / len(x)
    distance = torch.maximum((exact - steps[:-1]).abs().max(), (steps[1:] - exact).abs().max())
    assert float(distance) < 1.95 / math.sqrt(len(x))


@pytest.mark.parametrize("share", [0.5, 1.0, 2.0])
def test_the_acceptance_rate_is_the_closed_form(share: float) -> None:
    """On N(m, v) a step from deviation e to e' is accepted with min(1, exp(-eps (e'^2 - e^2)/(4 v^2))), here by quadrature."""
    step, count = share * VARIANCE, 200_000
    grid = torch.linspace(-8, 8, 1001, dtype=torch.float64)
    weight = torch.exp(-0.5 * grid.square())
    weight = weight / weight.sum()
    e, z = math.sqrt(VARIANCE) * grid[:, None], grid[None]
    moved = e * (1 - share) + math.sqrt(2 * step) * z
    expected = float(weight @ torch.exp(-share / (4 * VARIANCE) * (moved**2 - e**2)).clamp(max=1) @ weight)
    start = MEAN + math.sqrt(VARIANCE) * torch.randn(count, 1, dtype=torch.float64, generator=seeded(5))
    sampler = MetropolisAdjustedLangevin(gaussian_log_density, 0.3, step, 1)
    end = last(sampler, start, seed=6)
    assert end.accepted == pytest.approx(expected, abs=4.4 * math.sqrt(expected * (1 - expected) / count))
    assert end.accepted == float((end.positions != start).double().mean())


@pytest.mark.claims
def test_sharp_boxes_are_found_from_outside_and_filled_uniformly() -> None:
    """Outside the density is zero and every step is accepted. Inside, no step leads out."""
    boxes = Boxes(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 1.0]]))
    start = torch.tensor([[2.2, 0.5]]).expand(4000, 2)  # six standard deviations of a step away
    *_, end = MetropolisAdjustedLangevin(boxes.log_prob, 0.0, 0.02, 400).run(boxes.score, start, seeded(7))
    inside = ((end.positions >= 0) & (end.positions < 1)).all(1)
    assert float(inside.double().mean()) > 0.4  # the others move through the plane for a long time
    filled = end.positions[inside]
    assert filled.mean(0).tolist() == pytest.approx([0.5, 0.5], abs=4.4 * math.sqrt(1 / 12 / len(filled)))
    assert filled.var(0).tolist() == pytest.approx([1 / 12] * 2, rel=4.4 * math.sqrt(0.8 / len(filled)))


def test_the_step_can_be_changed_during_a_run() -> None:
    sampler = MetropolisAdjustedLangevin(gaussian_log_density, 0.3, 0.1, 4)
    sizes = []
    for step in sampler.run(gaussian_score, torch.ones(3, 2), seeded()):
        sizes.append(step.step_size)
        sampler.step = 0.1 * (step.index + 2)
    assert sizes == pytest.approx([0.0, 0.2, 0.3, 0.4, 0.5])


def test_a_proposal_that_is_not_finite_is_rejected() -> None:
    """A score that is not finite gives a proposal that is not finite, so the particles stay."""
    sampler = MetropolisAdjustedLangevin(gaussian_log_density, 0.3, 0.1, 3)
    end = last(sampler, torch.ones(3, 2), score=lambda x, sigma: x * math.inf)
    assert end.accepted == 0
    assert torch.equal(end.positions, torch.ones(3, 2))


@pytest.mark.parametrize("slip", ["noise", "uniform"])
def test_wrong_randomness_is_caught(slip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With proposals of half the variance, or acceptance numbers below 1/2, the stationary variance is far from the right one."""
    normal, uniform = base.normal, draws.uniform
    if slip == "uniform":
        monkeypatch.setattr(draws, "uniform", lambda like, source: 0.5 * uniform(like, source))
    else:
        monkeypatch.setattr(base, "normal", lambda like, source: normal(like, source) / math.sqrt(2))
    with pytest.raises(AssertionError):
        test_the_stationary_variance_is_right_at_any_step((1,), 0.9)
