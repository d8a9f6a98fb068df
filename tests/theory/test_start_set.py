"""Flow matching between two sets: closed forms of mixtures, conditional expectations of pairs, and optimal matchings."""

import math
import zlib
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from playground.theory.densities import Boxes, GaussianMixture
from playground.theory.noise import ContinuousNoise, FlowMatching, Process, ScoreFunction
from playground.theory.objectives import Denoising
from playground.theory.samplers import DDIMSampler, MultistepSampler, ProbabilityFlow, UniPCSampler
from playground.theory.samplers.path import PathSampler
from playground.theory.start_set import MATCHED, USES, MatchedPairs, MixturePair, StartSet, matched
from tests.generators import seeded


def mixture(means: list[list[float]], stds: list[float], weights: list[float]) -> GaussianMixture:
    return GaussianMixture(*(torch.tensor(values, dtype=torch.float64) for values in (means, stds, weights)))


DATA = mixture([[1.0, 0.3], [-0.8, 0.5], [0.0, -1.2]], [0.3, 0.5, 0.2], [0.2, 0.5, 0.3])
START = mixture([[2.0, -1.0], [-1.0, 1.5]], [0.7, 0.4], [0.6, 0.4])
PAIR = MixturePair(DATA, START)
NORMAL = mixture([[0.0, 0.0]], [1.0], [1.0])


def test_from_a_normal_start_it_is_the_smoothed_density_with_its_score() -> None:
    pair, x = MixturePair(DATA, NORMAL), torch.randn(50, 2, generator=seeded(), dtype=torch.float64)
    for sigma in (
        torch.rand(50, generator=seeded(1), dtype=torch.float64) + 0.1,
        torch.tensor(0.5, dtype=torch.float64),
    ):
        torch.testing.assert_close(pair.score(x, sigma), DATA.score(x, sigma), rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(pair.log_prob(x, sigma), DATA.log_prob(x, sigma), rtol=1e-9, atol=1e-9)


def test_between_two_gaussians_the_denoised_estimate_is_their_regression() -> None:
    """x0 and y = x0 + σ x1 are jointly Gaussian: E[x0 | y] = m + s²/(s² + σ² r²) (y - m - σ n)."""
    m, s, n, r, sigma = torch.tensor([1.0, -2.0]).double(), 0.7, torch.tensor([3.0, 0.5]).double(), 1.4, 0.8
    pair = MixturePair(mixture([m.tolist()], [s], [1.0]), mixture([n.tolist()], [r], [1.0]))
    y = torch.randn(20, 2, generator=seeded(), dtype=torch.float64)
    expected = m + s**2 / (s**2 + sigma**2 * r**2) * (y - m - sigma * n)
    torch.testing.assert_close(y + sigma**2 * pair.score(y, sigma), expected)


@pytest.mark.parametrize("sigma", [0.3, 3.0])
def test_its_velocity_is_the_conditional_expectation_of_pairs(sigma: float) -> None:
    """E[(x0 - E[x0|y]) h(y)] = 0 for every function h: here cosines of y, over 200,000 pairs of points."""
    x, z = DATA.sample(200_000, seeded()), START.sample(200_000, seeded(1))
    y = x + sigma * z
    rest = x - (y + sigma**2 * PAIR.score(y, sigma))
    for frequency in (0.0, 0.7, 2.0):
        for axis in (0, 1):
            moments = rest * torch.cos(frequency / max(1.0, sigma) * y[:, axis : axis + 1] + 0.4)
            error = moments.std(0) / math.sqrt(len(y))
            assert (moments.mean(0).abs() < 4 * error).all()


def test_its_density_is_that_of_pairs() -> None:
    """The mass of discs by counting 200,000 pairs."""
    y = DATA.sample(200_000, seeded()) + 0.8 * START.sample(200_000, seeded(1))
    for center in ([1.0, 0.0], [-1.5, 1.5], [0.5, -1.0]):
        place = torch.tensor([center], dtype=torch.float64)
        share = float(((y - place).norm(dim=1) < 0.2).double().mean())
        angles = torch.linspace(0, 2 * math.pi, 9, dtype=torch.float64)[:-1]
        ring = place + 0.2 * math.sqrt(0.5) * torch.stack([angles.cos(), angles.sin()], 1)
        mass = float(PAIR.log_prob(ring, 0.8).exp().mean()) * math.pi * 0.2**2
        assert share == pytest.approx(mass, abs=4 * math.sqrt(share / 200_000) + 0.01 * mass)


def test_its_flow_takes_the_start_set_to_the_data() -> None:
    """Every component of the data ends with its weight, by 4,000 particles in 60 steps of Heun's method."""
    process = FlowMatching(0.001, 1000.0)
    start = float(process.std(1.0)) * START.sample(4_000, seeded())
    *_, last = ProbabilityFlow(process, 60, False, "time", solver="heun").run(PAIR.score, start, seeded())
    fresh = DATA.sample(4_000, seeded(2))
    moments: list[Callable[[Tensor], Tensor]] = [
        lambda x: x,
        lambda x: x**2,
        lambda x: x[:, :1] * x[:, 1:],
        lambda x: (2 * x).cos(),
    ]
    for moment in moments:
        found, wanted = moment(last.positions), moment(fresh)
        error = (found.var(0) / 4_000 + wanted.var(0) / 4_000).sqrt()
        assert ((found.mean(0) - wanted.mean(0)).abs() < 4 * error + 0.01).all()


def times(factor: float) -> ScoreFunction:
    return lambda x, sigma: factor * PAIR.score(x, sigma)


SOLVERS: dict[str, Callable[[Process, int], PathSampler]] = {
    "Heun": lambda process, evaluations: ProbabilityFlow(process, evaluations // 2, False, "time", solver="heun"),
    "Euler in t": lambda process, evaluations: ProbabilityFlow(process, evaluations, False, "time", solver="euler"),
    "DDIM": lambda process, evaluations: DDIMSampler(process, evaluations, False, "time"),
    "DPM-Solver++": lambda process, evaluations: MultistepSampler(process, evaluations, False, "time"),
    "UniPC": lambda process, evaluations: UniPCSampler(process, evaluations, False, "time"),
}


def gaussian_error(sampler: PathSampler, s: float, r: float) -> float:
    """Wasserstein-2 distance over s of the end from N(0.4, s^2), by the exact velocity from the start set N(-0.3, r^2).

    A Gaussian's flow keeps each point's distance from the mean in standard deviations, and every sampler of it is linear.
    """
    process, shares = sampler.process, torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    pair = MixturePair(mixture([[0.4]], [s], [1.0]), mixture([[-0.3]], [r], [1.0]))
    ends = [0.4 - 0.3 * sigma + math.hypot(s, sigma * r) * shares for sigma in (process.sigma_max, process.sigma_min)]
    *_, end = sampler.run(pair.score, float(process.scale(1.0)) * ends[0], seeded())
    mean, deviation = (end.positions[0] - ends[1][0]), (end.positions - ends[1]).diff(dim=0)
    return math.hypot(float(mean), float(deviation)) / s


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize(("s", "r"), [(0.5, 1.0), (1.0, 0.5), (0.3, 2.0)])
def test_between_gaussians_more_steps_are_nearer(name: str, s: float, r: float) -> None:
    """With the last step extrapolated from a far shorter one, DPM-Solver++ and UniPC were worse at 20 evaluations than at 10."""
    process = FlowMatching(1e-3, 1e3)
    errors = [gaussian_error(SOLVERS[name](process, count), s, r) for count in (10, 20, 40, 80)]
    assert errors == sorted(errors, reverse=True)
    first_order = name in ("Euler in t", "DDIM")
    assert errors[-1] < (0.045 if first_order else 0.005)


def test_denoising_of_pairs_is_least_at_the_true_velocity() -> None:
    noise = ContinuousNoise(FlowMatching(0.01, 100.0), StartSet(START, "independent"))
    objective = Denoising(noise, "time", "velocity")
    x, z = DATA.sample(20_000, seeded()), START.sample(20_000, seeded(1))
    sigma = noise.training_sigmas(20_000, seeded(2), "time").double()
    best = objective.loss_of(PAIR.score, sigma, x, z)
    for factor in (0.9, 1.1):
        worse = objective.loss_of(times(factor), sigma, x, z)
        rise = worse - best
        assert float(rise.mean()) > 4 * float(rise.std()) / math.sqrt(len(rise))


def test_a_loss_of_gaussian_noise_is_that_of_the_same_pairs() -> None:
    objective = Denoising(ContinuousNoise(FlowMatching(0.01, 100.0)), "time", "velocity")
    x, sigma = DATA.sample(50, seeded()), torch.full((50,), 0.7, dtype=torch.float64)
    z = torch.randn(x.shape, generator=seeded(3), dtype=x.dtype)
    loss = objective.loss(DATA.score, x, sigma, seeded(3))
    torch.testing.assert_close(loss, objective.loss_of(DATA.score, sigma, x, z))


def test_a_matching_costs_as_little_as_scipy_s() -> None:
    x, z = (torch.randn(60, 2, generator=seeded(seed)) for seed in (0, 1))
    z = 2 * z + 1
    costs = torch.cdist(x.double(), z.double()).square().numpy()
    rows, columns = linear_sum_assignment(costs)
    found = (x - matched(x, z)).double().square().sum(1).sum()
    assert float(found) == pytest.approx(costs[rows, columns].sum(), rel=1e-5)
    np.testing.assert_allclose(np.sort(matched(x, z).numpy(), 0), np.sort(z.numpy(), 0))


def pairs(data: torch.Tensor) -> MatchedPairs:
    return MatchedPairs(
        StartSet(START, "optimal-transport"), data, lambda purpose: seeded(zlib.crc32(purpose.encode()))
    )


def test_pairs_are_matched_within_batches() -> None:
    data = DATA.sample(1_000, seeded()).float()
    found = pairs(data)
    found.renew(MATCHED * USES + 1)
    x, z = found.x, found.z
    assert x.shape == z.shape == (2 * MATCHED, 2)
    for part in (slice(0, MATCHED), slice(MATCHED, 2 * MATCHED)):
        cost, least = ((x[part] - some).square().sum() for some in (z[part], matched(x[part], z[part])))
        torch.testing.assert_close(cost, least)
        assert cost < 0.5 * (x[part] - z[part].flip(0)).square().sum()
    some, others = found.draw(1_000, seeded(1))
    away = torch.cdist(torch.cat((some, others), 1), torch.cat((x, z), 1), compute_mode="donot_use_mm_for_euclid_dist")
    assert away.min(1).values.max() == 0  # a draw keeps the pairs
    assert len(away.argmin(1).unique()) > MATCHED


def test_new_batches_take_the_place_of_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    """One batch for USES draws of each of its pairs, whether they are asked for one by one or all at once."""
    monkeypatch.setattr("playground.theory.start_set.KEPT", 3)
    data = DATA.sample(1_000, seeded()).float()
    whole, parts = pairs(data), pairs(data)
    parts.draw(10, seeded())  # needs the first batch and matches it early
    whole.renew(5 * MATCHED * USES)
    for _ in range(5):
        before = parts.x
        parts.renew(MATCHED * USES)
        kept = min(len(before), 2 * MATCHED)
        if parts.batches > 1:
            assert torch.equal(parts.x[:-MATCHED][-kept:], before[-kept:])
    assert whole.batches == parts.batches == 5
    assert whole.x.shape == (3 * MATCHED, 2)
    assert torch.equal(whole.x, parts.x)
    assert torch.equal(whole.z, parts.z)


def test_a_closed_form_is_of_independent_mixtures_of_not_too_many_components() -> None:
    many = mixture([[0.0, 0.0]] * 8_193, [1.0] * 8_193, [1.0] * 8_193)
    boxes = Boxes(torch.zeros(1, 2), torch.ones(1, 2), torch.ones(1), std=0.1)
    independent = StartSet(START, "independent")
    assert isinstance(independent.closed_form(DATA), MixturePair)
    assert independent.closed_form(boxes) is independent.closed_form(None) is independent.closed_form(many) is None
    assert StartSet(START, "optimal-transport").closed_form(DATA) is None
    assert StartSet(boxes, "independent").closed_form(DATA) is None


def test_in_other_units_and_single_precision_it_is_the_same_field() -> None:
    x = torch.randn(30, 2, generator=seeded(), dtype=torch.float64)
    exact = PAIR.score(x, 0.6)
    torch.testing.assert_close(PAIR.to("cpu", torch.float32).score(x.float(), 0.6), exact.float(), rtol=1e-4, atol=1e-4)
    scaled = PAIR.standardized(torch.zeros(2, dtype=torch.float64), 2.0)
    torch.testing.assert_close(scaled.score(x / 2, 0.6), exact / 2)  # (E[x0|y] - y)/σ² in half the units
    assert scaled.entropy() == pytest.approx(PAIR.entropy() - 2 * math.log(2), abs=1e-6)
    torch.testing.assert_close(PAIR.marginal(0).cdf(x[:, :1]), DATA.marginal(0).cdf(x[:, :1]))
    assert PAIR.sample(5, seeded()).shape == (5, 2)
