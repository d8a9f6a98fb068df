"""Metrics in cases where their values are known."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import Tensor

from playground.theory.metrics import (
    FisherDivergence,
    fisher_divergence,
    kl_to_known,
    mean_with_error,
    median_with_error,
    memorized,
    mode_weights,
    neighbour_log_density,
    share_error,
    sliced_wasserstein2,
    splits,
)
from tests.generators import seeded


def normal(count: int, dim: int, seed: int) -> Tensor:
    return torch.randn(count, dim, dtype=torch.float64, generator=seeded(seed))


def test_mean_and_its_error() -> None:
    assert mean_with_error(torch.tensor([1.0, 2.0, 3.0])) == pytest.approx((2.0, 1 / math.sqrt(3)))
    assert math.isnan(mean_with_error(torch.tensor([1.0]))[1])


@pytest.mark.claims
@pytest.mark.parametrize(
    ("dim", "shift", "std"), [(1, 0.0, 1.0), (2, 0.0, 1.0), (2, 0.8, 1.0), (2, 0.0, 1.4), (3, 0.5, 1.2)]
)
def test_the_kl_to_a_cloud_of_samples_is_that_to_its_gaussian(dim: int, shift: float, std: float) -> None:
    """KL(N(0, I) || N(m, s^2 I)) = (D/s^2 + |m|^2/s^2 - D)/2 + D ln s; 0 for samples of the same Gaussian."""
    points, samples = normal(2_000, dim, 0), std * normal(8_000, dim, 1)
    samples[:, 0] += shift
    log_prob = -0.5 * points.square().sum(1) - 0.5 * dim * math.log(2 * math.pi)
    kl, _ = kl_to_known(log_prob, neighbour_log_density(points, samples))
    expected = 0.5 * ((dim + shift**2) / std**2 - dim) + dim * math.log(std)
    assert kl == pytest.approx(expected, abs=0.04)


@pytest.mark.claims
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_new_point_is_memorized_by_chance_with_probability_three_to_minus_dim(dim: int) -> None:
    train, fresh = torch.rand(4000, dim, generator=seeded()), torch.rand(20_000, dim, generator=seeded(1))
    distances = torch.cdist(fresh, train).topk(2, largest=False).values
    assert float(memorized(distances).double().mean()) == pytest.approx(3.0**-dim, abs=0.025)


@pytest.mark.parametrize("distribution", ["normal", "exponential"])
def test_the_error_of_a_median_is_its_spread(distribution: str) -> None:
    """The error of a median is sqrt(pi/2) times that of the mean for normal values, and equal to it for exponential ones.

    1,000 draws determine a standard deviation to 2.2 %, and the quantiles of few values have errors of some percent."""
    draws = normal(1000, 200, seed=3)
    draws = draws if distribution == "normal" else -(1 - torch.special.ndtr(draws)).log()
    values, errors = torch.tensor([median_with_error(row) for row in draws]).T
    assert float(values.mean()) == pytest.approx(0 if distribution == "normal" else math.log(2), abs=0.01)
    assert float(values.std()) == pytest.approx(
        math.sqrt((math.pi / 2 if distribution == "normal" else 1) / 200), rel=0.08
    )
    assert float(errors.mean()) == pytest.approx(float(values.std()), rel=0.08)
    assert median_with_error(torch.tensor([3.0, 1.0]))[0] == 2.0
    assert math.isnan(median_with_error(torch.tensor([1.0]))[1])


@pytest.mark.parametrize("count", [20, 100, 1000])
def test_the_error_of_a_share_covers_the_truth_at_the_ends_too(count: int) -> None:
    """Two standard errors around the share contain the true one in 95 % of cases on average, and hardly less anywhere."""
    hits = torch.arange(count + 1, dtype=torch.float64)
    errors = share_error(hits / count, count)
    truth = torch.linspace(0.005, 0.995, 199, dtype=torch.float64)[:, None]
    chance = torch.distributions.Binomial(count, truth).log_prob(hits).exp()
    covered = (chance * ((hits / count - truth).abs() <= 2 * errors)).sum(1)
    assert float(covered.min()) > 0.9
    assert float(covered.mean()) == pytest.approx(0.955, abs=0.01)
    assert float(errors[0]) == pytest.approx(float(errors[-1]))
    assert float(errors.min()) > 1 / count
    inside = (truth > 0.2) & (truth < 0.8)
    squared = (chance * errors.square()).sum(1, keepdim=True) / (truth * (1 - truth) / count)
    assert float((squared[inside] - 1).abs().max()) < 4 / count


def test_kl_between_two_normals() -> None:
    """KL(N(0, 1) || N(m, s^2)) = ln s + (1 + m^2)/(2 s^2) - 1/2 per dimension, within 4 standard errors."""
    m, s = 0.3, 1.2
    x = normal(20_000, 2, seed=1)
    true = (-0.5 * x**2).sum(1)
    model = (-0.5 * ((x - m) / s) ** 2 - math.log(s)).sum(1)
    value, error = kl_to_known(true, model)
    assert 0 < error < 0.01
    assert value == pytest.approx(2 * (math.log(s) + (1 + m**2) / (2 * s**2) - 0.5), abs=4 * error)
    assert kl_to_known(true, true) == (0.0, 0.0)


def test_the_error_of_a_kl_is_its_spread() -> None:
    found = []
    for seed in range(200):
        x = normal(100, 1, seed=seed)[:, 0]
        found.append(kl_to_known(-0.5 * x**2, -0.5 * (x - 0.5) ** 2))
    values, errors = torch.tensor(found).T
    assert float(values.std()) == pytest.approx(float(errors.mean()), rel=0.2)  # 200 runs give a std to 5 %


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)])
def test_a_shift_is_known(shape: tuple[int, ...]) -> None:
    """E (theta'd)^2 = |d|^2/D for uniform theta on the sphere."""
    dim = math.prod(shape)
    a = normal(500, dim, seed=2).reshape(-1, *shape)
    shift = torch.full(shape, 0.7, dtype=torch.float64)
    found = sliced_wasserstein2(a, a + shift, 4000, seeded())
    assert found == pytest.approx(0.7, rel=0.05)
    assert sliced_wasserstein2(a, a[torch.randperm(500, generator=seeded())], 50, seeded()) < 1e-12


def test_a_stretch_is_known() -> None:
    """The quantiles of theta'(c a) are c times those of theta'a, so the distance is (c - 1) times the size of the cloud."""
    a = normal(2000, 2, seed=3)
    found = sliced_wasserstein2(a, 1.5 * a, 2000, seeded())
    assert found == pytest.approx(0.5 * math.sqrt(float(a.square().mean())), rel=0.03)


def test_unequal_clouds_of_one_distribution_are_near() -> None:
    a, b = normal(3000, 2, seed=4), normal(7001, 2, seed=5)
    assert sliced_wasserstein2(a, b, 100, seeded()) < 0.06
    assert sliced_wasserstein2(a, b + 1, 100, seeded()) == pytest.approx(1.0, abs=0.1)
    assert sliced_wasserstein2(a[:1], a[:1], 100, seeded()) == 0.0
    assert sliced_wasserstein2(a, b, 100, seeded()) == pytest.approx(sliced_wasserstein2(b, a, 100, seeded()))


UNEQUAL = [(1, 7), (3, 5), (20, 6), (40, 8), (101, 100)]


@pytest.mark.parametrize(("first", "second"), UNEQUAL)
def test_unequal_clouds_have_the_distance_of_equal_ones_of_the_same_distributions(first: int, second: int) -> None:
    """If every point is repeated twice or ten times, the distribution is the same."""
    a, b = normal(first, 3, seed=6), 1.3 * normal(second, 3, seed=7) + 0.2
    size = math.lcm(first, second)
    equal = a.repeat_interleave(size // first, 0), b.repeat_interleave(size // second, 0)
    expected = sliced_wasserstein2(*equal, 100, seeded())
    assert sliced_wasserstein2(a, b, 100, seeded()) == pytest.approx(expected, rel=1e-12)
    assert sliced_wasserstein2(b, a, 100, seeded()) == pytest.approx(expected, rel=1e-12)
    assert sliced_wasserstein2(a, a.repeat(3, 1), 100, seeded()) < 1e-12


@pytest.mark.parametrize(("first", "second"), UNEQUAL[:-1])
def test_on_a_line_it_is_the_cost_of_the_best_transport(first: int, second: int) -> None:
    """Compared with linear programming over all plans with marginals 1/N and 1/M."""
    a, b = normal(first, 1, seed=8), normal(second, 1, seed=9).exp()
    leaves, reaches = np.kron(np.eye(first), np.ones(second)), np.kron(np.ones(first), np.eye(second))
    masses = np.repeat([1 / first, 1 / second], [first, second])
    costs = (a - b.T).square().flatten().numpy()
    best = linprog(costs, A_eq=np.concatenate([leaves, reaches]), b_eq=masses).fun
    assert sliced_wasserstein2(a, b, 2, seeded()) == pytest.approx(math.sqrt(best), rel=1e-9)


def floor(data: Tensor, first: int, second: int) -> tuple[float, float]:
    found = [sliced_wasserstein2(*pair, 64, seeded(1)) for pair in splits(data, first, second, 20, seeded())]
    return float(np.mean(found)), float(np.std(found, ddof=1))


def test_the_floor_falls_with_the_root_of_the_number() -> None:
    (few, _), (many, _) = (floor(normal(2 * count, 2, seed=3), count, count) for count in (200, 3200))
    assert few / many == pytest.approx(4, rel=0.25)


@pytest.mark.parametrize(("first", "second"), [(200, 200), (400, 100), (60, 500)])
def test_the_floor_is_what_a_perfect_sampler_scores(first: int, second: int) -> None:
    """Its mean and standard deviation are those of independent clouds of the same sizes, within four errors of 20 and 60 draws."""
    mean, spread = floor(normal(first + second, 2, seed=6), first, second)
    perfect = torch.tensor(
        [
            sliced_wasserstein2(normal(first, 2, seed), normal(second, 2, seed + 500), 64, seeded(seed))
            for seed in range(60)
        ]
    )
    assert mean == pytest.approx(float(perfect.mean()), abs=4 * float(perfect.std()) * math.sqrt(1 / 20 + 1 / 60))
    assert spread == pytest.approx(float(perfect.std()), rel=4 * math.sqrt(1 / 40 + 1 / 120))


def test_splits_are_disjoint_and_differ() -> None:
    found = list(splits(torch.arange(10.0)[:, None], 6, 3, 4, seeded()))
    assert [(len(first), len(second)) for first, second in found] == [(6, 3)] * 4
    assert all(len({*first.flatten().tolist(), *second.flatten().tolist()}) == 9 for first, second in found)
    assert len({tuple(second.flatten().tolist()) for _, second in found}) > 1


def test_mode_weights_count_the_nearest() -> None:
    modes = torch.tensor([[5.0, 5.0], [-5.0, -5.0], [0.0, 20.0]])
    samples = torch.cat([normal(300, 2, 9) + 5, normal(100, 2, 10) - 5])
    weights, errors = mode_weights(samples, modes)
    assert weights.tolist() == [0.75, 0.25, 0.0]
    assert errors.tolist() == pytest.approx([math.sqrt(0.75 * 0.25 / 400)] * 2 + [math.sqrt(2 / 404 / 400)], rel=0.01)


def exact(x: Tensor, sigma: Tensor) -> Tensor:
    """The score of a standard Gaussian."""
    return -x / (1 + sigma**2)


@pytest.mark.parametrize("shape", [(3,), (3, 1, 1), (1, 1, 3)])
def test_fisher_divergence_of_scores_that_are_off_by_a_known_amount(shape: tuple[int, ...]) -> None:
    """Sums run over all axes of a point, images too."""

    x0 = normal(20_000, 3, seed=11).reshape(-1, *shape)
    assert fisher_divergence(exact, exact, x0, 0.5, seeded()) == FisherDivergence(0.0, 0.0, 0.0, 0.0)
    found = fisher_divergence(lambda x, sigma: 1.1 * exact(x, sigma), exact, x0, 0.5, seeded())
    assert found.relative == pytest.approx(0.01)
    assert found.relative_standard_error < 1e-12  # the same at each point
    assert found.value == pytest.approx(0.01 * 3 / 1.25, rel=0.03)  # E|s|^2 = D/(1 + sigma^2)
    found = fisher_divergence(lambda x, sigma: exact(x, sigma) + 2.0, exact, x0, 0.5, seeded())
    assert found.value == pytest.approx(3 * 4.0)
    assert math.isnan(fisher_divergence(exact, lambda x, sigma: 0 * x, x0, 0.5, seeded()).relative)


def test_the_errors_of_a_fisher_divergence_are_its_spreads() -> None:
    """400 draws determine a standard deviation to 3.5 %.

    The score's error and size are correlated, so the sum of separate errors would be too large."""

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        return 0.9 * exact(x, sigma) + 0.1 * x**2

    found = [fisher_divergence(score, exact, normal(200, 2, seed), 0.5, seeded(seed)) for seed in range(400)]
    for name in ("", "relative"):
        values = torch.tensor([getattr(one, name or "value") for one in found])
        errors = torch.tensor([getattr(one, f"{name}_standard_error".lstrip("_")) for one in found])
        assert float(errors.square().mean().sqrt()) == pytest.approx(float(values.std()), rel=0.12), name
