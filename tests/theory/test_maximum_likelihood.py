"""Z by quadrature and maximum likelihood with it, against closed forms in float64."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.theory.densities import Boxes, GaussianMixture
from playground.theory.noise import (
    ContinuousNoise,
    DiscreteNoise,
    Noise,
    NoNoise,
    SingleSigma,
    VarianceExploding,
    VariancePreserving,
    per_point,
)
from playground.theory.objectives import MaximumLikelihood
from playground.theory.partition import QuadratureGrid, StandardNormal, half_side, log_partition
from tests.generators import seeded
from tests.networks import build_network

LIKE = torch.zeros(1, dtype=torch.float64)
MIXTURE = GaussianMixture(torch.tensor([[-1.2, 0.0], [0.8, 0.5]]), torch.tensor([0.3, 0.4])).to(dtype=torch.float64)
NOISES: dict[str, Noise] = {
    "none": NoNoise(),
    "single": SingleSigma(0.3),
    "discrete": DiscreteNoise([8.0, 2.0, 0.5]),
    "ve": ContinuousNoise(VarianceExploding(0.05, 8.0)),
    "vp": ContinuousNoise(VariancePreserving(0.1, 20.0, 0.05)),
}


class Quadratic:
    """-f = -a |x - m|^2 / (2 (1 + sigma^2)) + c, whose Z is 2 pi (1 + sigma^2)/a e^c."""

    def __init__(self, slope: float, centre: float = 0.0, constant: float = 0.0) -> None:
        self.slope, self.centre, self.constant = slope, centre, constant

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return -self.slope * (x - self.centre) / per_point(1 + sigma.square(), x)

    def log_density(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.constant - 0.5 * self.slope * (x - self.centre).square().sum(1) / (1 + sigma.square())

    def log_z(self, sigma: float) -> float:
        return math.log(2 * math.pi * (1 + sigma**2) / self.slope) + self.constant


class Known:
    """A known density as an energy with an unknown Z: a factor times log p, plus a constant."""

    def __init__(self, density: GaussianMixture, share: float = 1.0, constant: float = 0.0) -> None:
        self.density, self.share, self.constant = density, share, constant

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.share * self.density.score(x, sigma)

    def log_density(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.share * self.density.log_prob(x, sigma) + self.constant


# Z


@pytest.mark.parametrize("sigma", [0.0, 0.01, 0.5, 40.0])
@pytest.mark.parametrize(("slope", "centre", "constant"), [(1.0, 0.0, 0.0), (3.0, 0.4, 2.5), (2.0, -0.8, -700.0)])
def test_z_of_a_quadratic_energy_is_the_closed_form(sigma: float, slope: float, centre: float, constant: float) -> None:
    energy = Quadratic(slope, centre, constant)
    found = log_partition(energy, sigma, 4.0, LIKE, tolerance=1e-6)
    assert found.value == pytest.approx(energy.log_z(sigma), abs=1e-6)
    assert found.error <= 1e-6
    assert abs(found.value - energy.log_z(sigma)) <= found.error + 1e-12


def test_training_starts_from_the_standard_normal() -> None:
    start = build_network(
        "energy", (2,), width=8, depth=1, activation="silu", features=4, feature_scale=1.0, generator=seeded()
    ).double()
    x = torch.randn(50, 2, generator=seeded(), dtype=torch.float64)
    sigma = torch.linspace(0, 3, 50, dtype=torch.float64)
    energies: list[Any] = [start, StandardNormal()]
    for energy in energies:
        torch.testing.assert_close(energy(x, sigma), -x / (1 + sigma.square())[:, None])
        assert log_partition(energy, 0.7, 4.0, LIKE).value == pytest.approx(math.log(2 * math.pi * 1.49), abs=1e-6)
        normal = energy.log_density(x, sigma) - torch.log(2 * math.pi * (1 + sigma.square()))
        unit = GaussianMixture(torch.zeros(1, 2), torch.ones(1)).to(dtype=torch.float64)
        torch.testing.assert_close(normal, unit.log_prob(x, sigma))


@pytest.mark.parametrize("constant", [0.0, 3.7])
@pytest.mark.parametrize("sigma", [0.0, 0.2])
def test_narrow_modes_are_found_on_finer_grids(sigma: float, constant: float) -> None:
    narrow = GaussianMixture(torch.tensor([[-1.5, 0.3], [1.0, -1.0]]), torch.tensor([0.03, 0.1])).to(
        dtype=torch.float64
    )
    found = log_partition(Known(narrow, constant=constant), sigma, 2.0, LIKE)
    assert found.value == pytest.approx(constant, abs=1e-3)
    assert found.error <= 1e-3
    assert (found.cells > 256) == (sigma == 0)


@pytest.mark.parametrize("cells", [16, 32, 64, 128, 256])
def test_a_grid_that_is_too_coarse_has_a_large_error(cells: int) -> None:
    narrow = GaussianMixture(torch.tensor([[-1.5, 0.3], [1.0, -1.0]]), torch.tensor([0.05, 0.1])).to(
        dtype=torch.float64
    )
    found = log_partition(Known(narrow), 0.0, 2.0, LIKE, tolerance=0.0, most=cells)
    assert abs(found.value) <= found.error
    assert found.cells == cells


@pytest.mark.parametrize("constant", [300.0, 1000.3, 5000.3])
def test_the_rounding_of_single_precision_is_in_the_error(constant: float) -> None:
    energy = Quadratic(2.0, 0.3, constant)
    found = log_partition(energy, 0.5, 4.0, LIKE.float())
    assert abs(found.value - energy.log_z(0.5)) <= found.error < 2e-7 * constant


@pytest.mark.parametrize("slope", [0.2, 0.25])
def test_mass_at_the_edge_is_in_the_error(slope: float) -> None:
    wide = Quadratic(slope)
    found = log_partition(wide, 0.0, 2.0, LIKE)
    missing = wide.log_z(0.0) - found.value
    assert 1e-3 < missing < found.error < 5 * missing


def test_the_square_holds_the_data_and_their_noise() -> None:
    assert half_side(100.0, 0.1) == pytest.approx(125.6)
    assert half_side(1.0, 50.0) == 301.25
    square = QuadratureGrid(3.0, 6)
    nodes = square.nodes(LIKE)
    assert nodes.shape == (36, 2)
    assert nodes.min(0).values.tolist() == [-2.5, -2.5]
    assert nodes.max(0).values.tolist() == [2.5, 2.5]
    moved = square.nodes(LIKE, torch.tensor([0.0, 0.75]))
    torch.testing.assert_close(moved - nodes, torch.tensor([-0.5, 0.25], dtype=torch.float64).expand(36, 2))


def test_a_shifted_sum_has_the_integral_as_its_mean() -> None:
    """The grid is so coarse that one sum is wrong by a third. The mean over a grid of shifts is a sum on a finer grid."""
    energy, square = Quadratic(16.0, 0.1), QuadratureGrid(8.0, 16)
    parts = (torch.arange(8) + 0.5) / 8
    sums = torch.stack(
        [
            square.log_sum(energy.log_density(square.nodes(LIKE, torch.stack([a, b])), LIKE[0])).exp()
            for a in parts
            for b in parts
        ]
    )
    assert float(sums.max() / sums.min()) > 2
    assert float(sums.mean().log()) == pytest.approx(energy.log_z(0.0), abs=1e-6)


# Maximum likelihood


def test_the_loss_is_minus_the_log_of_the_normalised_density() -> None:
    energy, sigma = Quadratic(1.7, 0.2, constant=5.0), torch.full((6,), 0.5, dtype=torch.float64)
    x = torch.randn(6, 2, generator=seeded(), dtype=torch.float64)
    objective = MaximumLikelihood(SingleSigma(0.5))
    y = x + 0.5 * torch.randn(x.shape, generator=seeded(3), dtype=torch.float64)
    expected = energy.log_z(0.5) - energy.log_density(y, sigma)
    torch.testing.assert_close(objective.loss(energy, x, sigma, seeded(3)), expected, rtol=1e-7, atol=1e-7)
    weighted = MaximumLikelihood(SingleSigma(0.5), weight="sigma2").loss(energy, x, sigma, seeded(3))
    torch.testing.assert_close(weighted, 0.25 * expected, rtol=1e-7, atol=1e-7)


def test_gaussian_data_have_their_own_precision_as_minimiser() -> None:
    """The loss of -a |x|^2/2 on N(0, s^2 I) with noise sigma is a (s^2 + sigma^2) - ln a.

    With the wrong sign of ln Z it would have no minimum."""
    s, sigma, count = 0.8, 0.6, 40_000
    x = s * torch.randn(count, 2, generator=seeded(), dtype=torch.float64)
    levels = torch.full((count,), sigma, dtype=torch.float64)
    objective = MaximumLikelihood(SingleSigma(sigma))
    slopes = [0.4, 0.7, 1.0, 1.3, 2.0]
    losses = []
    for slope in slopes:
        energy = Quadratic(slope * (1 + sigma**2))
        loss = float(objective.loss(energy, x, levels, seeded(1)).mean())
        closed = slope * (s**2 + sigma**2) + math.log(2 * math.pi / slope)
        assert loss == pytest.approx(closed, abs=4 * slope / math.sqrt(count))
        losses.append(loss)
    assert min(losses) == losses[2]  # 1/(0.64 + 0.36)


@pytest.mark.claims
@pytest.mark.parametrize("noise", NOISES)
def test_the_optimal_loss_is_that_of_the_density_itself(noise: str) -> None:
    """It is the mean loss of the true density over the noise levels, and a wrong density has a larger loss."""
    objective = MaximumLikelihood(NOISES[noise], reach=2.0)
    floor = objective.optimal_loss(MIXTURE, seeded(3))
    assert floor is not None
    draws, levels = 4_000, NOISES[noise].training_sigmas(64, seeded(1)).double()
    true, worse = [], []
    for index, level in enumerate(levels):
        x, sigma = MIXTURE.sample(draws, seeded(index)), level.expand(draws)
        true.append(float(objective.loss(Known(MIXTURE, constant=2.0), x, sigma, seeded(2)).mean()))
        worse.append(float(objective.loss(Known(MIXTURE, 0.7), x, sigma, seeded(2)).mean()))
    assert floor == pytest.approx(sum(true) / 64, abs=0.05)
    assert sum(worse) / 64 > floor + 0.01


def test_sharp_edges_without_noise_have_an_optimal_likelihood() -> None:
    """A uniform density has a likelihood, although it has no score to match."""
    boxes = Boxes(torch.tensor([[-1.0, -1.0]]), torch.tensor([[1.0, 1.0]]))
    assert MaximumLikelihood(NoNoise()).optimal_loss(boxes, seeded()) == pytest.approx(math.log(4), abs=0.02)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("levels", [1, 3])
def test_a_batch_has_few_levels_with_the_distribution_of_the_noise(noise: str, levels: int) -> None:
    objective = MaximumLikelihood(NOISES[noise], levels=levels)
    generator = seeded(4)
    drawn, batches = [], 400
    for _ in range(batches):
        sigma = objective._few_levels(NOISES[noise].training_sigmas(32, generator), generator)
        assert sigma.shape == (32,)
        assert len(torch.unique(sigma)) <= max(levels, 1)
        drawn.append(sigma.clamp(min=1e-3).log())
    found, plain = torch.stack(drawn), NOISES[noise].training_sigmas(20_000, seeded(5)).clamp(min=1e-3).log()
    error = float(plain.std()) / math.sqrt(batches * levels)
    assert float(found.mean()) == pytest.approx(float(plain.mean()), abs=4.4 * error + 1e-6)
    assert float(found.std()) == pytest.approx(float(plain.std()), rel=0.15, abs=1e-6)


def test_a_score_without_a_density_is_refused() -> None:
    with pytest.raises(TypeError, match="needs an energy"):
        MaximumLikelihood(NoNoise()).loss(lambda x, _: -x, torch.ones(3, 2), torch.zeros(3), seeded())
