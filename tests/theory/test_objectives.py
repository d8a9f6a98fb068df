"""Objectives against full Jacobians in float64, closed forms for Gaussian data, and directions of unit covariance."""

import itertools
import math
import statistics

import pytest
import torch
from torch import Tensor

from playground.theory.densities import Boxes, GaussianMixture
from playground.theory.networks import ScoreNetwork
from playground.theory.noise import (
    SIGMA_DISTRIBUTIONS,
    ContinuousNoise,
    Cosine,
    DiscreteNoise,
    FlowMatching,
    Noise,
    NoNoise,
    ScoreFunction,
    SingleSigma,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
    per_point,
)
from playground.theory.noise.sigma_distributions import SigmaDistributionName
from playground.theory.objectives import (
    PROBE_DISTRIBUTIONS,
    WEIGHTS,
    Denoising,
    Exact,
    Objective,
    ScoreMatching,
    Sliced,
)
from tests.generators import seeded
from tests.networks import build_network
from tests.objectives import OBJECTIVES

SHAPES = [
    pytest.param((2,), id="points"),
    pytest.param((1, 3, 2), id="images"),
    pytest.param((3, 2, 2), id="rgb"),
]
NOISES: dict[str, Noise] = {
    "none": NoNoise(),
    "single": SingleSigma(0.3),
    "discrete": DiscreteNoise([8.0, 2.0, 0.5]),
    "ve": ContinuousNoise(VarianceExploding(0.05, 8.0)),
    "vp": ContinuousNoise(VariancePreserving(0.1, 20.0, 0.05)),
    "sub-vp": ContinuousNoise(SubVariancePreserving(0.1, 20.0, 0.05)),
    "cosine": ContinuousNoise(Cosine(0.05, 8.0)),
    "flow matching": ContinuousNoise(FlowMatching(0.05, 8.0)),
}
MATCHING = [kind for kind, objective in OBJECTIVES.items() if issubclass(objective, ScoreMatching)]
LEGAL = [(kind, noise) for kind in MATCHING for noise in NOISES if (kind, noise) != ("denoising", "none")]


def network(shape: tuple[int, ...], kind: str = "mlp") -> ScoreNetwork:
    """A score with a full Jacobian in float64; that of an MLP is asymmetric."""
    made = build_network(
        kind, shape, width=16, depth=2, activation="tanh", features=4, feature_scale=1.0, generator=seeded()
    ).double()
    generator = seeded(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    return made


def data(shape: tuple[int, ...], count: int = 8) -> tuple[Tensor, Tensor]:
    generator = seeded(2)
    x = torch.randn(count, *shape, generator=generator, dtype=torch.float64)
    return x, torch.linspace(0.2, 2.0, count, dtype=torch.float64)


def jacobians(score: ScoreNetwork, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (N, D) and their Jacobians (N, D, D), point by point."""
    rows = []
    for point, level in zip(x, sigma, strict=True):
        rows.append(
            torch.autograd.functional.jacobian(
                lambda flat, level=level: score(flat.view(1, *x.shape[1:]), level).flatten(), point.flatten()
            )
        )
    return score(x, sigma).detach().flatten(1), torch.stack(rows)


def noised(x: Tensor, sigma: Tensor) -> Tensor:
    """The noisy points of an objective with the generator seeded(5), which draws z first."""
    return x + per_point(sigma, x) * torch.randn(x.shape, generator=seeded(5), dtype=x.dtype)


def linear(slope: float) -> ScoreFunction:
    return lambda x, sigma: slope * x


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_exact_is_half_the_squared_norm_plus_the_trace(shape: tuple[int, ...], weight: str) -> None:
    score, (x, sigma) = network(shape), data(shape)
    objective = Exact(NOISES["ve"], weight=weight)
    s, jacobian = jacobians(score, noised(x, sigma), sigma)
    trace = jacobian.diagonal(dim1=1, dim2=2).sum(1)
    expected = objective.weight(sigma) * (0.5 * s.square().sum(1) + trace)
    torch.testing.assert_close(objective.loss(score, x, sigma, seeded(5)), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.claims
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("probes", PROBE_DISTRIBUTIONS)
@pytest.mark.parametrize("variance_reduced", [True, False])
def test_sliced_has_the_mean_of_exact(shape: tuple[int, ...], probes: str, variance_reduced: bool) -> None:
    """The mean is over directions at fixed points, within four standard errors of 20,000 draws for each point."""
    score, (x, _) = network(shape), data(shape, 3)
    still = torch.zeros(3, dtype=torch.float64)
    exact = Exact(NoNoise()).loss(score, x, still, seeded()).detach()
    sliced = Sliced(NoNoise(), probes=probes, variance_reduced=variance_reduced)
    draws = 20_000
    with torch.no_grad():
        losses = sliced.loss(score, x.repeat(draws, *[1] * len(shape)), still.repeat(draws), seeded(3)).detach()
    losses = losses.view(draws, 3)
    error = losses.std(0) / math.sqrt(draws)
    assert bool(((losses.mean(0) - exact).abs() <= 4 * error + 1e-9).all())


def brute_force(objective: Exact | Sliced, score: ScoreNetwork, x: Tensor, sigma: Tensor) -> Tensor:
    """The right losses (N,) of an objective with the generator seeded(5), by full Jacobians; differentiable in the weights."""
    generator = seeded(5)
    at = x + per_point(sigma, x) * torch.randn(x.shape, generator=generator, dtype=x.dtype)
    directions = (
        []
        if isinstance(objective, Exact)
        else [objective.direction(x, generator) for _ in range(objective.projections)]
    )
    losses = []
    for row, (point, level) in enumerate(zip(at, sigma, strict=True)):
        s = score(point[None], level).flatten()
        jacobian = torch.autograd.functional.jacobian(
            lambda flat, level=level: score(flat.view(1, *x.shape[1:]), level).flatten(),
            point.flatten(),
            create_graph=True,
        )
        if isinstance(objective, Exact):
            losses.append(0.5 * s @ s + jacobian.trace())
            continue
        along = [v[row].flatten() for v in directions]
        norms = [s @ s if objective.variance_reduced else (v @ s) ** 2 for v in along]
        losses.append(sum(v @ jacobian @ v + 0.5 * norm for v, norm in zip(along, norms, strict=True)) / len(along))
    return objective.weight(sigma) * torch.stack(losses)


@pytest.mark.parametrize("kind", ["mlp", "energy"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "objective",
    [
        Exact(NOISES["ve"]),
        *(Sliced(NOISES["ve"], projections=2, probes="gaussian", variance_reduced=flag) for flag in (True, False)),
    ],
    ids=["exact", "sliced, variance reduced", "sliced"],
)
def test_value_and_gradient_are_those_of_whole_jacobians(
    objective: Exact | Sliced, shape: tuple[int, ...], kind: str
) -> None:
    """A gradient that does not pass through the trace would leave every value right, so it is compared too."""
    score, (x, sigma) = network(shape, kind), data(shape, 3)
    found, expected = objective.loss(score, x, sigma, seeded(5)), brute_force(objective, score, x, sigma)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    weights = list(score.parameters())
    gradients, whole = (torch.autograd.grad(losses.sum(), weights) for losses in (found, expected))
    for ours, theirs in zip(gradients, whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variance_reduced", [True, False])
def test_more_projections_divide_the_variance(variance_reduced: bool) -> None:
    score, (x, _) = network((1, 3, 2)), data((1, 3, 2), 1)
    x, still = x.repeat(5000, 1, 1, 1), torch.zeros(5000, dtype=torch.float64)
    one, nine = (
        Sliced(NoNoise(), projections=k, probes="gaussian", variance_reduced=variance_reduced)
        .loss(score, x, still, seeded())
        .detach()
        for k in (1, 9)
    )
    assert float(nine.var() / one.var()) == pytest.approx(1 / 9, rel=0.25)
    assert float(nine.mean()) == pytest.approx(float(one.mean()), abs=5 * float(one.std()) / math.sqrt(5000))


def test_variance_reduction_reduces_variance() -> None:
    """For s = -x the trace along a Rademacher direction is exact, so only (v's)^2 has variance."""
    x, still = torch.randn(1, 6, generator=seeded()).expand(4000, 6), torch.zeros(4000)
    plain, reduced = (
        Sliced(NoNoise(), variance_reduced=flag).loss(lambda y, _: -y, x, still, seeded()).detach()
        for flag in (False, True)
    )
    assert float(reduced.std()) < 1e-5
    assert float(plain.std()) > 0.1


@pytest.mark.parametrize("distribution", PROBE_DISTRIBUTIONS)
@pytest.mark.parametrize("shape", [(3,), (2, 2, 2)])
def test_directions_have_unit_covariance(distribution: str, shape: tuple[int, ...]) -> None:
    v = PROBE_DISTRIBUTIONS[distribution](torch.empty(100_000, *shape, dtype=torch.float64), seeded()).flatten(1)
    dim = math.prod(shape)
    torch.testing.assert_close(v.T @ v / len(v), torch.eye(dim, dtype=torch.float64), rtol=0, atol=0.02)
    if distribution != "gaussian":
        torch.testing.assert_close(v.square().sum(1), torch.full((len(v),), float(dim), dtype=torch.float64))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_denoising_is_the_distance_to_minus_z_over_sigma(shape: tuple[int, ...], weight: str) -> None:
    score, (x, sigma) = network(shape), data(shape)
    objective = Denoising(NOISES["ve"], weight=weight)
    at = noised(x, sigma)
    level = per_point(sigma, x)
    residual = (score(at, sigma) - (x - at) / level.square()).flatten(1)
    expected = objective.weight(sigma) * residual.square().sum(1)
    torch.testing.assert_close(objective.loss(score, x, sigma, seeded(5)), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_pairs_are_the_same_noisy_points_and_their_posterior_means(shape: tuple[int, ...]) -> None:
    """Groups of three against explicit weights. The last two of eight points use the last three."""
    x, sigma = data(shape)
    z = torch.randn(x.shape, generator=seeded(3), dtype=x.dtype)
    y = x + per_point(sigma, x) * z
    mean, noise = Denoising(NOISES["ve"], target_batch=3).pairs(x, z, sigma)
    torch.testing.assert_close(mean + per_point(sigma, x) * noise, y)
    for index in range(len(x)):
        first = min(index // 3 * 3, len(x) - 3)
        group = x[first : first + 3]
        weights = torch.softmax(-0.5 * (y[index] - group).flatten(1).square().sum(1) / sigma[index] ** 2, 0)
        torch.testing.assert_close(mean[index], (per_point(weights, group) * group).sum(0))
    alone = Denoising(NOISES["ve"]).pairs(x, z, sigma)
    assert alone[0] is x
    assert alone[1] is z


@pytest.mark.parametrize("sigma", [0.1, 1.0, 5.0])
def test_a_target_batch_keeps_the_gradient_and_reduces_its_noise(sigma: float) -> None:
    """The gradient with respect to a of a score a x, at the true a, for normal data and 1,000 batches of 64.

    Its mean stays 0. Its noise hardly changes at sigma = 0.1, and falls to a third at 5.
    """
    slope, batches, size = -1 / (1 + sigma**2), 1000, 64
    x = torch.randn(batches * size, 2, generator=seeded(), dtype=torch.float64)
    levels = torch.full((batches * size,), sigma, dtype=torch.float64)
    gradients = {}
    for target_batch in (1, size):
        objective = Denoising(SingleSigma(sigma), target_batch=target_batch)
        above, below = (objective.loss(linear(a), x, levels, seeded(1)) for a in (slope + 0.5, slope - 0.5))
        gradients[target_batch] = (above - below).view(batches, size).mean(1)  # exact, as the loss is a parabola in a
        error = float(gradients[target_batch].std()) / math.sqrt(batches)
        assert float(gradients[target_batch].mean()) == pytest.approx(0.0, abs=4 * error)
    ratio = float(gradients[size].std() / gradients[1].std())
    assert ratio < {0.1: 1.02, 1.0: 0.85, 5.0: 0.35}[sigma]


def test_the_optimal_loss_falls_with_the_target_batch() -> None:
    floors = [
        Denoising(NOISES["ve"], weight="edm", target_batch=n).optimal_loss(MIXTURE, seeded(3)) for n in (1, 4, 32, 256)
    ]
    falling = torch.tensor(floors)
    assert (falling[1:] < 0.7 * falling[:-1]).all()
    x, sigma = MIXTURE.sample(51_200, seeded()), NOISES["ve"].training_sigmas(51_200, seeded(1))
    losses = Denoising(NOISES["ve"], weight="edm", target_batch=32).loss(MIXTURE.score, x, sigma, seeded(2))
    assert float(losses.mean()) == pytest.approx(floors[2], rel=0.1)


@pytest.mark.parametrize(("target_batch", "parts"), [(1, 20), (256, 20), (4096, 8), (16_384, 3)])
def test_a_large_target_batch_takes_few_estimates_of_the_optimal_loss(
    target_batch: int, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 65,536 points twenty estimates would take minutes before the first step of training."""
    found = itertools.count()
    monkeypatch.setattr(Denoising, "optimal_loss", lambda *_: float(next(found)))
    optimal = Denoising(NOISES["ve"], target_batch=target_batch).optimal_loss_with_error(MIXTURE, seeded())
    assert optimal is not None
    floor, error = optimal
    assert next(found) == parts
    assert floor == (parts - 1) / 2
    assert error == pytest.approx(math.sqrt((parts + 1) / 12))  # of 0, 1, ..., parts - 1


@pytest.mark.claims
@pytest.mark.parametrize(("batch", "target_batch"), [(44, 32), (100, 90), (64, 32)])
def test_the_optimal_loss_is_that_of_any_batch(batch: int, target_batch: int) -> None:
    """A mean over the few points of an incomplete group alone would more than double the loss."""
    objective = Denoising(NOISES["ve"], weight="edm", target_batch=target_batch)
    optimal = objective.optimal_loss_with_error(MIXTURE, seeded(1), parts=100)
    assert optimal is not None
    floor, floor_error = optimal
    generator = seeded(2)
    losses = []
    for _ in range(800):
        x, sigma = MIXTURE.sample(batch, generator), NOISES["ve"].training_sigmas(batch, generator)
        sigma = sigma[torch.randperm(batch, generator=generator)]
        losses.append(float(objective.loss(MIXTURE.score, x, sigma, generator).mean()))
    error = math.hypot(floor_error, float(torch.tensor(losses).std()) / math.sqrt(len(losses)))
    assert statistics.fmean(losses) == pytest.approx(floor, abs=3.5 * error)


def test_denoising_is_twice_exact_up_to_a_constant() -> None:
    """Vincent 2011: the difference, D/sigma^2, does not depend on the score. Any wrong sign or factor breaks this."""
    sigma, count = 0.7, 400_000
    x = GaussianMixture(torch.tensor([[-1.0, 0.0], [1.0, 0.5]]), torch.tensor([0.3, 0.5])).sample(count, seeded())
    levels = torch.full((count,), sigma)
    exact, denoising = (kind(SingleSigma(sigma), weight="constant") for kind in (Exact, Denoising))
    for score in (lambda y, _: -0.8 * y, lambda y, _: torch.sin(2 * y) - y, lambda y, _: y.flip(1).tanh()):
        difference = denoising.loss(score, x, levels, seeded(1)) - 2 * exact.loss(score, x, levels, seeded(2)).detach()
        error = float(difference.std()) / math.sqrt(count)
        assert float(difference.mean()) == pytest.approx(2 / sigma**2, abs=4 * error)


@pytest.mark.parametrize("kind", MATCHING)
def test_gaussian_data_have_their_score_as_minimiser(kind: str) -> None:
    """Among scores a x, data N(0, s^2 I) with noise sigma have the minimiser a = -1/(s^2 + sigma^2). The misprint has +1/(...)."""
    s, sigma, count = 0.8, 0.6, 100_000
    x = s * torch.randn(count, 2, generator=seeded(), dtype=torch.float64)
    levels = torch.full((count,), sigma, dtype=torch.float64)
    objective = OBJECTIVES[kind](SingleSigma(sigma))
    slopes = torch.linspace(-3.0, 1.0, 41, dtype=torch.float64)
    losses = [float(objective.loss(linear(a), x, levels, seeded(1)).detach().mean()) for a in slopes.tolist()]
    # The loss is a parabola in a, so three values give its vertex.
    left, middle, right = losses[0], losses[20], losses[40]
    vertex = -1.0 - 2.0 * (right - left) / (2 * (right - 2 * middle + left))
    assert vertex == pytest.approx(-1 / (s**2 + sigma**2), rel=0.01)
    assert min(losses) == losses[int((slopes - vertex).abs().argmin())]


def test_weights_in_closed_form() -> None:
    sigma = torch.tensor([0.0, 0.1, 3.0], dtype=torch.float64)
    noise = NOISES["discrete"]
    squares = torch.tensor([1.0, 0.01, 9.0], dtype=torch.float64)
    expected = {
        "sigma2": squares,
        "edm": squares * (sigma.square() + 1),
        "sigma4": squares.square(),
        "velocity": squares * (sigma + 1).square(),
        "likelihood": squares,
        "constant": torch.ones(3, dtype=torch.float64),
    }
    for name, weight in WEIGHTS.items():
        torch.testing.assert_close(weight(sigma, noise, "log-normal"), expected[name])


def test_velocity_weight_is_the_loss_of_flow_matching() -> None:
    """The squared error of the velocity, against z - x0, is that of the score weighted so (Lipman et al. 2023, equation 9)."""
    noise = ContinuousNoise(FlowMatching(0.05, 20.0))
    x0, z = torch.randn(2, 500, 2, generator=seeded(), dtype=torch.float64)
    sigma = noise.training_sigmas(500, seeded(1), "time").double()
    tau = (sigma / (1 + sigma))[:, None]
    assert float(tau.mean()) == pytest.approx(0.5, abs=0.05)  # uniform times are uniform shares of noise
    score = -0.3 * (x0 + sigma[:, None] * z) / (1 + sigma[:, None])  # some score, in variance-exploding coordinates
    x = (1 - tau) * x0 + tau * z
    velocity = -(x + tau * score / (1 - tau)) / (1 - tau)
    weighted = Denoising(noise, "time", "velocity").weight(sigma) * (score + z / sigma[:, None]).square().sum(1)
    torch.testing.assert_close(weighted, (velocity - (z - x0)).square().sum(1), rtol=1e-9, atol=1e-12)


def test_edm_weight_fits_the_networks_own_output_with_weight_one() -> None:
    """s = -x/(sigma^2+1) + F/(sigma hypot(sigma, 1)), so one unit of F changes the residual by 1/(sigma hypot)."""
    sigma = torch.tensor([0.05, 1.0, 20.0])
    moved = 1 / (sigma * (sigma.square() + 1).sqrt())
    torch.testing.assert_close(Denoising(NOISES["ve"], weight="edm").weight(sigma) * moved.square(), torch.ones(3))


@pytest.mark.parametrize("distribution", SIGMA_DISTRIBUTIONS)
@pytest.mark.parametrize("noise", ["ve", "vp", "sub-vp", "cosine", "flow matching"])
def test_likelihood_weight_undoes_the_distribution_of_the_levels(
    noise: str, distribution: SigmaDistributionName
) -> None:
    """E[lambda(sigma) h(sigma)] is the integral of sigma^2 h over ln sigma for every distribution of sigma.

    h = 1/(sigma^2 (1 + sigma^2)) is the loss of the Gaussian's score per axis.
    """
    levels = NOISES[noise]
    sigma = levels.training_sigmas(200_000, seeded(), distribution).double()
    drawn = Denoising(levels, distribution, "likelihood").weight(sigma) / (sigma.square() * (1 + sigma.square()))
    ends = math.log(levels.sigma_min), math.log(levels.sigma_max)
    grid = torch.linspace(*ends, 10_001, dtype=torch.float64).exp()
    assert float(drawn.mean()) == pytest.approx(float((1 / (1 + grid.square())).mean()), rel=0.01)
    if distribution == "importance":  # every draw gives the same value, so the levels add no variance
        assert float(drawn.std() / drawn.mean()) < 1e-5


def test_likelihood_weight_of_uneven_levels_is_the_gap_of_each() -> None:
    """The levels are denser at the fine end. A weight of sigma^2 alone would give 0.86, while the mean over ln sigma is 0.65."""
    u = torch.linspace(0, 1, 400, dtype=torch.float64)
    logs = math.log(8.0) + (math.log(0.02) - math.log(8.0)) * (1 - (1 - u) ** 3)
    discrete = DiscreteNoise(logs.exp())
    sigma = discrete.training_sigmas(4000, seeded()).double()
    grid = torch.linspace(math.log(0.02), math.log(8.0), 10_001, dtype=torch.float64).exp()
    integral = float((1 / (1 + grid.square())).mean())
    for distribution in SIGMA_DISTRIBUTIONS:  # a sequence of levels has no importance sampling
        drawn = Denoising(discrete, distribution, "likelihood").weight(sigma) / (sigma.square() * (1 + sigma.square()))
        assert float(drawn.mean()) == pytest.approx(integral, rel=0.01)
    assert abs(float((1 / (1 + sigma.square())).mean()) / integral - 1) > 0.3


@pytest.mark.parametrize("noise", ["ve", "vp"])
def test_importance_sampling_has_the_same_mean_and_less_variance(noise: str) -> None:
    """The whole likelihood-weighted loss of a wrong score has the same mean, within four standard errors."""
    count, levels = 40_000, NOISES[noise]
    found = {}
    for distribution in SIGMA_DISTRIBUTIONS:
        x, sigma = MIXTURE.sample(count, seeded()), levels.training_sigmas(count, seeded(1), distribution)
        loss = Denoising(levels, distribution, "likelihood").loss(
            lambda y, level: -y / (1 + per_point(level, y) ** 2), x, sigma, seeded(2)
        )
        found[distribution] = float(loss.mean()), float(loss.std())
    for mean, std in found.values():
        error = 4 / math.sqrt(count) * math.hypot(std, found["importance"][1])
        assert mean == pytest.approx(found["importance"][0], abs=error)
    assert all(
        found["importance"][1] < 0.9 * std for distribution, (_, std) in found.items() if distribution != "importance"
    )


@pytest.mark.parametrize("kind", ["exact", "sliced"])
def test_importance_sampling_does_not_help_exact_and_sliced_matching(kind: str) -> None:
    """It is made for denoising, whose loss decreases at coarse levels. The losses of matching do not, so their variance grows."""
    count, levels, spreads = 40_000, NOISES["ve"], {}
    for distribution in SIGMA_DISTRIBUTIONS:
        x, sigma = MIXTURE.sample(count, seeded()), levels.training_sigmas(count, seeded(1), distribution)
        objective = OBJECTIVES[kind](levels, distribution, "likelihood")
        losses = objective.loss(lambda y, level: -y / (1 + per_point(level, y) ** 2), x, sigma, seeded(2))
        spreads[distribution] = float(losses.detach().std())
    assert spreads["importance"] > 2 * spreads["log-uniform"]


def test_importance_sampled_likelihood_is_the_edm_weight() -> None:
    levels = NOISES["ve"]
    sigma = levels.training_sigmas(1000, seeded(), "importance").double()
    ratio = Denoising(levels, "importance", "likelihood").weight(sigma) / Denoising(levels, weight="edm").weight(sigma)
    torch.testing.assert_close(ratio, ratio[:1].expand(1000))


MIXTURE = GaussianMixture(torch.tensor([[-1.2, 0.0], [0.8, 0.5]]), torch.tensor([0.3, 0.4]))


@pytest.mark.parametrize(("kind", "noise"), LEGAL)
def test_the_optimal_loss_is_that_of_the_true_score(kind: str, noise: str) -> None:
    objective = OBJECTIVES[kind](NOISES[noise])
    count = 60_000
    x, sigma = MIXTURE.sample(count, seeded()), NOISES[noise].training_sigmas(count, seeded(1))
    losses = objective.loss(MIXTURE.score, x, sigma, seeded(2)).detach()
    floor = objective.optimal_loss(MIXTURE, seeded(3))
    assert floor is not None
    assert floor == pytest.approx(float(losses.mean()), abs=5 * float(losses.std()) / math.sqrt(count) + 0.01)
    worse = objective.loss(lambda y, level: 0.7 * MIXTURE.score(y, level), x, sigma, seeded(2)).detach()
    assert float(worse.mean()) > floor


@pytest.mark.parametrize("noise", ["discrete", "ve", "vp"])
def test_the_optimal_loss_has_little_noise_at_any_sigma(noise: str) -> None:
    """For Gaussian data of variance one it is sigma^2 (sigma^2 + 1) (D/sigma^2 - D/(sigma^2 + 1)) = D at every level."""
    unit = GaussianMixture(torch.zeros(1, 2), torch.ones(1))
    assert Denoising(NOISES[noise], weight="edm").optimal_loss(unit, seeded(), count=100) == pytest.approx(
        2.0, rel=1e-5
    )
    standard = MIXTURE.standardized(MIXTURE.mean, MIXTURE.variance**0.5)
    few, many = (
        Denoising(NOISES[noise], weight="edm").optimal_loss(standard, seeded(1), count) for count in (1000, 200_000)
    )
    assert few == pytest.approx(many, abs=0.05)


def test_sharp_edges_without_noise_have_no_optimal_loss() -> None:
    corners = torch.tensor([[-1.0, -1.0]]), torch.tensor([[1.0, 1.0]])
    boxes = Boxes(*corners)
    assert Exact(NoNoise()).optimal_loss(boxes, seeded()) is None
    smoothed = Exact(SingleSigma(0.5), weight="constant").optimal_loss(boxes, seeded())
    assert Exact(NoNoise()).optimal_loss(Boxes(*corners, std=0.5), seeded()) == pytest.approx(smoothed, rel=0.02)


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        (kind, model)
        for kind in OBJECTIVES
        for model in ("mlp", "energy")
        if (kind, model) != ("maximum-likelihood", "mlp")  # a score has no density
    ],
)
def test_gradients_reach_the_weights_and_not_the_data(kind: str, model: str) -> None:
    score, (x, sigma) = network((2,), model), data((2,))
    x.requires_grad_()
    objective: Objective = OBJECTIVES[kind](NOISES["ve"])
    gradients = torch.autograd.grad(objective.loss(score, x, sigma, seeded()).mean(), list(score.parameters()))
    assert all(float(gradient.abs().max()) > 0 for gradient in gradients)


def test_the_trace_is_added() -> None:
    """A field towards the data has a lower loss than one away from them. The misprint ||s||^2 - 2 tr prefers the latter."""
    s, sigma = 0.8, torch.full((20_000,), 0.6, dtype=torch.float64)
    x = s * torch.randn(20_000, 2, generator=seeded(), dtype=torch.float64)
    objective = Exact(SingleSigma(0.6), weight="constant")
    toward, away = (float(objective.loss(linear(a), x, sigma, seeded(1)).detach().mean()) for a in (-1.0, 1.0))
    # 1/2 (s^2 + sigma^2) D a^2 + D a with D = 2: only the trace's sign distinguishes the two.
    assert toward == pytest.approx(1.0 - 2.0, abs=0.03)
    assert away == pytest.approx(1.0 + 2.0, abs=0.03)
