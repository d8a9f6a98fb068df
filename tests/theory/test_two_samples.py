"""Two-sample statistics against closed forms, and their standard errors against the spread of many samples."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from playground.theory import two_samples
from playground.theory.two_samples import classifier_accuracy, energy_distance, median_distance, mmd_squared
from tests.generators import seeded
from tests.theory.test_metrics import normal

WIDTH, SHIFT = 1.3, 0.5


def known_mmd(shift: float) -> float:
    """For N(0, 1) and N(m, 1): E k = l/sqrt(l^2 + 2) exp(-m^2/(2 (l^2 + 2))) across, the same at m = 0 within."""
    wide = WIDTH**2 + 2
    return 2 * WIDTH / math.sqrt(wide) * (1 - math.exp(-(shift**2) / (2 * wide)))


def known_energy(shift: float) -> float:
    """The difference is N(m, 2), so E|d| = (2/sqrt pi) exp(-m^2/4) + m erf(m/2)."""
    across = 2 / math.sqrt(math.pi) * math.exp(-(shift**2) / 4) + shift * math.erf(shift / 2)
    return 2 * across - 4 / math.sqrt(math.pi)


FIGURES = {
    "mmd": (lambda a, b: mmd_squared(a, b, WIDTH), known_mmd),
    "energy": (energy_distance, known_energy),
}
every_figure = pytest.mark.parametrize(("figure", "known"), FIGURES.values(), ids=FIGURES)
Figure = Callable[[Tensor, Tensor], tuple[float, float]]


@pytest.mark.claims
@every_figure
@pytest.mark.parametrize(("shift", "too_large"), [(0.0, 1.33), (SHIFT, 1.0), (3.0, 1.0)])
def test_values_and_errors_of_shifted_normals(
    figure: Figure, known: Callable[[float], float], shift: float, too_large: float
) -> None:
    """Over 1,000 pairs of clouds the bias is within four standard errors, and the mean standard error is the spread to 10 %.

    For clouds of one distribution the standard error is larger, as a first term below 0 counts as 0.
    """
    found = [figure(normal(60, 1, seed), normal(60, 1, 1000 + seed) + shift) for seed in range(1000)]
    values, errors = torch.tensor(found, dtype=torch.float64).T
    assert float(values.mean()) == pytest.approx(known(shift), abs=4 * float(values.std()) / math.sqrt(1000))
    assert float(errors.square().mean().sqrt()) == pytest.approx(too_large * float(values.std()), rel=0.1)


@pytest.mark.parametrize("shape", [(3,), (1, 2, 2)])
def test_statistics_are_the_explicit_sums(shape: tuple[int, ...]) -> None:
    a, b = (normal(7, math.prod(shape), seed).reshape(-1, *shape) for seed in (1, 2))

    def mean(of: Callable[[Tensor, Tensor], float]) -> float:
        pairs = list(itertools.permutations(range(7), 2))
        return sum(of(a[i], a[j]) + of(b[i], b[j]) - of(a[i], b[j]) - of(a[j], b[i]) for i, j in pairs) / len(pairs)

    rbf = mean(lambda x, y: math.exp(-float((x - y).square().sum()) / (2 * 0.7**2)))
    assert mmd_squared(a, b, 0.7)[0] == pytest.approx(rbf, abs=1e-12)
    assert energy_distance(a, b)[0] == pytest.approx(mean(lambda x, y: -float((x - y).norm())), abs=1e-12)


def test_the_median_distance_within_the_data_is_the_bandwidth() -> None:
    a, b = normal(50, 2, 3), normal(40, 2, 4) + 1
    assert median_distance(b) == pytest.approx(float(torch.pdist(b).median()))
    assert mmd_squared(a, b) == mmd_squared(a, b, median_distance(b))
    assert median_distance(torch.ones(5, 2)) == 1.0


@pytest.mark.parametrize("far", [1e2, 1e6, 1e20])
def test_diverged_samples_are_distinguished_from_the_data(far: float) -> None:
    """With a bandwidth from both clouds, the data would look like one point."""
    a, b = far * normal(400, 2, 3), normal(400, 2, 4)
    within = float(torch.exp(-0.5 * (torch.pdist(b) / median_distance(b)).square()).mean())
    assert mmd_squared(a, b)[0] == pytest.approx(within, abs=0.02)  # no kernel value among the samples or across
    assert classifier_accuracy(a, b, seeded())[0] > 0.9


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_mostly_equal_points_are_compared_alike_in_every_unit(unit: float) -> None:
    a, b = torch.zeros(100, 2, dtype=torch.float64), torch.zeros(100, 2, dtype=torch.float64)
    a[:10], b[:10] = normal(10, 2, 3), normal(10, 2, 4) + 3
    assert median_distance(unit * b) == pytest.approx(unit * median_distance(b))
    assert mmd_squared(unit * a, unit * b) == pytest.approx(mmd_squared(a, b))


def test_units_scale_only_the_energy_distance() -> None:
    a, b = normal(100, 2, 5), normal(100, 2, 6) + 1
    assert energy_distance(10 * a, 10 * b) == pytest.approx([10 * part for part in energy_distance(a, b)])
    assert mmd_squared(10 * a, 10 * b) == pytest.approx(mmd_squared(a, b))
    assert classifier_accuracy(1e3 * a, 1e3 * b, seeded()) == classifier_accuracy(a, b, seeded())
    a, b = (
        normal(400, 30, 5),
        normal(400, 30, 6) + 0.3,
    )  # random features distinguish these worse than the coordinates do
    assert classifier_accuracy(2.0**-40 * a, 2.0**-40 * b, seeded()) == classifier_accuracy(a, b, seeded())


def test_a_classifier_cannot_distinguish_clouds_of_one_distribution() -> None:
    """The mean is 1/2 within four standard errors, and the spread is binomial to 20 %."""
    found = [
        classifier_accuracy(normal(100, 2, seed), normal(100, 2, 1000 + seed), seeded(seed)) for seed in range(150)
    ]
    shares, errors = torch.tensor(found, dtype=torch.float64).T
    assert float(shares.mean()) == pytest.approx(0.5, abs=4 * float(shares.std()) / math.sqrt(150))
    assert float(shares.std()) == pytest.approx(float(errors.mean()), rel=0.2)
    assert float(errors.mean()) == pytest.approx(math.sqrt(0.25 / 100), rel=0.02)


@pytest.mark.parametrize("shape", [(2,), (1, 1, 2)])
def test_a_classifier_of_shifted_normals_nears_the_best_one(shape: tuple[int, ...]) -> None:
    """No classifier beats Phi(|m|/2)."""
    a, b = (normal(4000, 2, seed).reshape(-1, *shape) for seed in (7, 8))
    best = 0.5 * (1 + math.erf(1.0 / math.sqrt(2)))
    share, error = classifier_accuracy(a, b + math.sqrt(2), seeded())
    assert best - 0.03 < share < best + 4 * error


def test_a_classifier_of_many_coordinates_sees_a_shift() -> None:
    a, b = normal(1000, 300, 13), normal(1000, 300, 14)
    share, error = classifier_accuracy(a, b + 0.2, seeded())
    assert share > 0.5 + 10 * error
    assert classifier_accuracy(a, b, seeded())[0] == pytest.approx(0.5, abs=4 * error)


def test_a_classifier_sees_what_mean_and_variance_do_not() -> None:
    """A ring against the normal distribution with its mean and variance."""
    angles = 2 * math.pi * torch.rand(2000, dtype=torch.float64, generator=seeded(9))
    ring = math.sqrt(2) * torch.stack([angles.cos(), angles.sin()], 1)
    assert classifier_accuracy(ring, normal(2000, 2, 10), seeded())[0] > 0.9


def test_the_weights_are_those_of_sklearn() -> None:
    features = normal(300, 3, 11)
    labels = (features[:, 0] - 0.5 * features[:, 1] + normal(300, 1, 12)[:, 0] > 0.3).double()
    weights, offset = two_samples._logistic(features, labels)
    oracle = LogisticRegression(C=1.0, tol=1e-10).fit(features.numpy(), labels.numpy())
    np.testing.assert_allclose(weights.numpy(), oracle.coef_[0], atol=1e-4)
    assert float(offset) == pytest.approx(float(oracle.intercept_[0]), abs=1e-4)


@pytest.mark.parametrize("figure", [mmd_squared, energy_distance, lambda a, b: classifier_accuracy(a, b, seeded())])
def test_too_few_points_give_a_message(figure: Figure) -> None:
    with pytest.raises(ValueError, match="at least 4 points each, not 3"):
        figure(normal(3, 2, 1), normal(10, 2, 2))
    assert math.isfinite(figure(normal(4, 2, 1), normal(10, 2, 2))[1])
