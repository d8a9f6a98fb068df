"""Noise against its equations: marginals, rates, inverses, priors, and the levels of training."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from playground.theory.densities import GaussianMixture
from playground.theory.noise import (
    SIGMA_DISTRIBUTIONS,
    ContinuousNoise,
    Cosine,
    CustomSchedule,
    DiscreteNoise,
    FlowMatching,
    Noise,
    NoNoise,
    PrincipalAxes,
    Process,
    SingleSigma,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
    geometric,
    per_point,
)
from playground.theory.noise.sigma_distributions import SigmaDistributionName
from tests.generators import seeded

PROCESSES = [
    pytest.param(VarianceExploding(0.01, 8.0), id="ve"),
    pytest.param(VariancePreserving(0.1, 20.0, 0.01), id="vp"),
    pytest.param(VariancePreserving(0.01, 3.0, 0.2), id="vp, slow"),
    pytest.param(SubVariancePreserving(0.1, 20.0, 0.01), id="sub-vp"),
    pytest.param(SubVariancePreserving(0.01, 3.0, 0.2), id="sub-vp, slow"),
    pytest.param(Cosine(0.01, 8.0), id="cosine"),
    pytest.param(Cosine(0.2, 20.0), id="cosine, to noise"),
    pytest.param(FlowMatching(0.01, 8.0), id="flow matching"),
    pytest.param(CustomSchedule([(0.0, 0.01), (0.3, 0.05), (0.5, 3.0), (1.0, 8.0)]), id="drawn"),
]


def times(process: Process, count: int = 50) -> Tensor:
    return torch.linspace(max(process.t_min, 1e-3), 1.0, count, dtype=torch.float64)


def test_flow_matching_is_a_straight_line() -> None:
    """At 1 - tau and tau the flow of one data point and its noise is z - x0 all the way (Lipman et al. 2023)."""
    process = FlowMatching(0.1, 9.0)
    t = torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64)
    mixed = torch.tensor([0.1 / 1.1, 0.75 * 0.1 / 1.1 + 0.25 * 0.9, 0.9], dtype=torch.float64)
    torch.testing.assert_close(process.scale(t), 1 - mixed, rtol=1e-12, atol=0)
    torch.testing.assert_close(process.std(t), mixed, rtol=1e-12, atol=0)
    x0, z = torch.tensor([[0.7, -1.2]], dtype=torch.float64), torch.tensor([[-0.4, 2.0]], dtype=torch.float64)
    for time, tau in zip(t.tolist(), mixed.tolist(), strict=True):
        x = (1 - tau) * x0 + tau * z
        flow = process.probability_flow(lambda y, sigma: (x0 - y) / sigma**2, x, time)
        torch.testing.assert_close(flow, (z - x0) * (0.9 - 0.1 / 1.1), rtol=1e-9, atol=1e-12)


def test_flow_matching_is_vp_after_a_change_of_time() -> None:
    """Both flows, each solved in its own time and coordinates, take a point of sigma = 8 to the same point of sigma = 0.05."""
    score = GaussianMixture(
        torch.tensor([[1.5, 0.0], [-1.0, 0.5]], dtype=torch.float64), torch.tensor([0.3, 0.5], dtype=torch.float64)
    ).score
    start = torch.tensor([[3.0, -9.0], [-6.0, 2.0], [0.5, 7.0]], dtype=torch.float64)
    ends = []
    for process in (FlowMatching(0.05, 8.0), VariancePreserving(0.1, 20.0, 0.05)):
        first, last = (float(process.time(sigma)) for sigma in (8.0, 0.05))
        x, h = start * process.scale(first), (last - first) / 1000
        for step in range(1000):  # the classical Runge-Kutta method, not one of the samplers'
            t = first + step * h
            k1 = process.probability_flow(score, x, t)
            k2 = process.probability_flow(score, x + h / 2 * k1, t + h / 2)
            k3 = process.probability_flow(score, x + h / 2 * k2, t + h / 2)
            x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + process.probability_flow(score, x + h * k3, t + h))
        ends.append(x / process.scale(last))
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=1e-6)


def test_cosine_is_that_of_nichol_and_dhariwal() -> None:
    """alpha(t)/alpha(0) = cos(pi/2 (t + s)/(1 + s)) / cos(pi/2 s/(1 + s)), for a schedule from their offset s to pure noise."""
    t, s = torch.linspace(0, 1, 11, dtype=torch.float64), 0.008
    start = math.pi / 2 * s / (1 + s)
    cosine = Cosine(math.tan(start), 1e12)
    theirs = torch.cos(math.pi / 2 * (t + s) / (1 + s)) / math.cos(start)
    torch.testing.assert_close(cosine.scale(t) / cosine.scale(0.0), theirs, rtol=1e-9, atol=1e-9)


def test_a_straight_custom_schedule_is_ve() -> None:
    t = torch.linspace(0, 1, 33, dtype=torch.float64)
    drawn, ve = CustomSchedule([(0.0, 0.01), (1.0, 8.0)]), VarianceExploding(0.01, 8.0)
    torch.testing.assert_close(drawn.sigma(t), ve.sigma(t), rtol=1e-12, atol=0)
    torch.testing.assert_close(drawn.diffusion(t), ve.diffusion(t), rtol=1e-12, atol=0)
    middle = CustomSchedule([(0.0, 0.01), (0.25, float(ve.sigma(0.25))), (1.0, 8.0)])
    torch.testing.assert_close(middle.sigma(t), ve.sigma(t), rtol=1e-12, atol=0)


@given(
    st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(0.01, 3.0)), min_size=1, max_size=8),
    st.floats(-6.0, 2.0),
)
def test_any_custom_schedule_passes_its_points_and_rises(steps: list[tuple[float, float]], low: float) -> None:
    """Inner slopes are those of scipy's monotone interpolant, and sigma never falls between the points."""
    width = sum(step for step, _ in steps)
    times = [0.0, *(sum(step for step, _ in steps[: i + 1]) / width for i in range(len(steps) - 1)), 1.0]
    logs = [low + sum(rise for _, rise in steps[:i]) for i in range(len(steps) + 1)]
    drawn = CustomSchedule(list(zip(times, map(math.exp, logs), strict=True)))
    knots = torch.tensor(times, dtype=torch.float64)
    torch.testing.assert_close(drawn.sigma(knots).log(), torch.tensor(logs, dtype=torch.float64), rtol=0, atol=1e-9)
    curve = drawn.sigma(torch.linspace(0, 1, 301, dtype=torch.float64))
    assert bool((curve.diff() > 0).all())
    if len(times) > 2:
        theirs = PchipInterpolator(times, logs).derivative()(times[1:-1])
        speed = (drawn.diffusion(knots) / drawn.sigma(knots)).square() / 2
        torch.testing.assert_close(speed[1:-1], torch.from_numpy(theirs), rtol=1e-8, atol=0)


@pytest.mark.parametrize("process", PROCESSES)
def test_drift_and_diffusion_are_the_rates_of_the_marginal(process: Process) -> None:
    """The mean factor obeys alpha' = (f/x) alpha, and the variance of the noise v' = 2 (f/x) v + g^2 (Ito)."""
    t = times(process).requires_grad_()
    scale, variance = process.scale(t) + 0 * t, process.std(t).square()
    (scale_rate,) = torch.autograd.grad(scale.sum(), t, retain_graph=True, materialize_grads=True)
    (variance_rate,) = torch.autograd.grad(variance.sum(), t)
    with torch.no_grad():
        drift = process.drift(torch.ones(len(t), 1, dtype=torch.float64), t)[:, 0]
        torch.testing.assert_close(scale_rate, drift * scale, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(
            variance_rate, 2 * drift * variance + process.diffusion(t).square(), rtol=1e-8, atol=1e-12
        )


@pytest.mark.parametrize("process", PROCESSES)
def test_prior_has_the_moments_of_the_end(process: Process) -> None:
    mean, variance = torch.tensor([0.4, -1.0], dtype=torch.float64), 2.25
    prior = process.prior(mean, variance)
    scale, sigma = float(process.scale(1.0)), float(process.sigma(1.0))
    torch.testing.assert_close(prior.mean, scale * mean)
    assert prior.std == pytest.approx(scale * math.sqrt(variance + sigma**2), rel=1e-12)
    x = prior.sample(20_000, seeded())
    assert x.shape == (20_000, 2)
    assert float((x - prior.mean).std()) == pytest.approx(prior.std, rel=0.02)
    reference = torch.distributions.Normal(prior.mean, prior.std).log_prob(x).sum(1)
    torch.testing.assert_close(prior.log_prob(x), reference)


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("count", [7, 60])  # fewer points than dimensions, and more
def test_prior_by_principal_axes_is_the_dense_one(process: Process, count: int) -> None:
    """Directions outside the data's axes have no variance. A repeated point reduces the number of axes by one more."""
    points = 0.6 * torch.randn(count, 3, 2, 4, dtype=torch.float64, generator=seeded())
    points[1] = points[0]
    mean, dim = points.mean(0), 24
    spread = PrincipalAxes.of_points(points)
    assert spread.variances.shape == (min(count - 2, dim),)
    prior = process.prior(mean, spread)
    scale, sigma = float(process.scale(1.0)), float(process.sigma(1.0))
    covariance = torch.cov(points.flatten(1).T, correction=0)
    expected = scale**2 * (covariance + sigma**2 * torch.eye(dim, dtype=torch.float64))
    x = prior.mean + 3 * prior.std * torch.randn(50, 3, 2, 4, dtype=torch.float64, generator=seeded())
    reference = torch.distributions.MultivariateNormal(scale * mean.flatten(), expected).log_prob(x.flatten(1))
    torch.testing.assert_close(prior.log_prob(x), reference, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(process.prior(mean, covariance).log_prob(x), reference, rtol=1e-10, atol=1e-10)
    z = prior.to_normal(x)
    torch.testing.assert_close(prior.from_normal(z), x, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(z, process.prior(mean, covariance).to_normal(x), rtol=1e-10, atol=1e-10)
    root = prior.from_normal(torch.eye(dim, dtype=torch.float64).view(dim, 3, 2, 4)).flatten(1) - prior.mean.flatten()
    torch.testing.assert_close(root @ root.T, expected, rtol=1e-10, atol=1e-10)


def test_draws_of_a_prior_by_principal_axes_have_the_datas_covariance() -> None:
    points = torch.randn(4, 1, 3, 3, dtype=torch.float64, generator=seeded()) * torch.linspace(0.5, 3, 9).view(1, 3, 3)
    prior = VarianceExploding(0.01, 1.0).prior(points.mean(0), PrincipalAxes.of_points(points))
    count = 100_000
    drawn = torch.cov(prior.sample(count, seeded()).flatten(1).T)
    expected = torch.cov(points.flatten(1).T, correction=0) + torch.eye(9, dtype=torch.float64)
    across = expected.diagonal() * expected.diagonal()[:, None]
    assert ((drawn - expected).abs() < 5 * ((expected.square() + across) / count).sqrt()).all()


def test_a_random_part_of_many_large_images_is_enough() -> None:
    """The points are sorted, so the first rows alone would have no variance."""
    points = torch.randn(2500, 1, 35, 35, generator=seeded()) * torch.linspace(0, math.sqrt(3), 2500).view(-1, 1, 1, 1)
    spread = PrincipalAxes.of_points(points)
    assert spread.variances.shape == (499,)
    torch.testing.assert_close(spread.axes, PrincipalAxes.of_points(points).axes)
    total = float(points.square().sum() / len(points))
    assert float(spread.variances.sum()) == pytest.approx(total, rel=0.1)
    torch.testing.assert_close(spread.axes.T @ spread.axes, torch.eye(499, dtype=torch.float64), rtol=0, atol=1e-9)


def test_prior_of_images_counts_every_pixel() -> None:
    prior = VarianceExploding(0.01, 2.0).prior(torch.zeros(1, 4, 4), 1.0)
    x = prior.sample(3, seeded())
    assert x.shape == (3, 1, 4, 4)
    expected = torch.distributions.Normal(0.0, prior.std).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(prior.log_prob(x), expected)


@pytest.mark.parametrize("process", PROCESSES)
def test_moments_are_the_process_at_each_time(process: Process) -> None:
    at, x = [1.0, 0.4, process.t_min], torch.ones(1, 1, dtype=torch.float64)
    for state, t in zip(process.states_at(at), at, strict=True):
        found = process.scale(t), process.sigma(t), process.drift(x, t), process.diffusion(t)
        assert list(state) == pytest.approx([t, *map(float, found)], rel=1e-12)


@pytest.mark.parametrize("process", PROCESSES)
def test_score_and_probability_flow_of_a_gaussian(process: Process) -> None:
    """For N(m, s^2 I) the density of x(t) is N(alpha m, alpha^2 (s^2 + sigma^2) I), and the ODE keeps its quantiles."""
    m, s = 0.7, 0.5

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        return (m - x) / per_point(s**2 + sigma.square(), x)

    t = times(process, 30)
    x = torch.randn(30, 2, generator=seeded(), dtype=torch.float64)
    scale, sigma = process.scale(t)[:, None], process.sigma(t)[:, None]
    expected = (scale * m - x) / (scale.square() * (s**2 + sigma.square()))
    torch.testing.assert_close(process.score(score, x, t), expected)
    torch.testing.assert_close(process.score(score, x, float(t[3]))[3], expected[3])

    # A point stays q standard deviations from the mean: x(t) = alpha m + q std_t, whose time derivative is the ODE's field.
    q = torch.randn(30, 2, generator=seeded(1), dtype=torch.float64)

    t = t.requires_grad_()
    at = process.scale(t)[:, None] * (m + q * torch.sqrt(s**2 + process.sigma(t)[:, None].square()))
    velocity = torch.stack([torch.autograd.grad(at[:, axis].sum(), t, retain_graph=True)[0] for axis in (0, 1)], dim=1)
    with torch.no_grad():
        torch.testing.assert_close(process.probability_flow(score, at, t), velocity, rtol=1e-8, atol=1e-10)


def test_geometric_levels() -> None:
    sigmas = geometric(20.0, 1.0, 10)
    assert sigmas[0] == 20.0
    assert sigmas[-1] == 1.0
    ratios = sigmas[1:] / sigmas[:-1]
    torch.testing.assert_close(ratios, torch.full_like(ratios, 20 ** (-1 / 9)))


@pytest.mark.parametrize("distribution", SIGMA_DISTRIBUTIONS)
@pytest.mark.parametrize("process", [*PROCESSES, pytest.param(VarianceExploding(50.0, 400.0), id="far")])
def test_training_distribution_has_the_density_it_states(process: Process, distribution: SigmaDistributionName) -> None:
    noise = ContinuousNoise(process)
    log_sigma = torch.linspace(math.log(noise.sigma_min), math.log(noise.sigma_max), 20_001, dtype=torch.float64)
    density = noise.relative_density(log_sigma.exp(), distribution)
    assert float(density.mean()) == pytest.approx(1.0, abs=1e-3)
    drawn = noise.training_sigmas(100_000, seeded(), distribution).double().log()
    for moment in (1, 2):
        stated = float((density * log_sigma**moment).mean() / density.mean())
        assert float((drawn**moment).mean()) == pytest.approx(stated, rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("process", PROCESSES)
def test_uniform_time_is_uniform_in_time(process: Process) -> None:
    """Each of 1,000 draws lies in its own thousandth of [t_min, 1]."""
    t = process.time(ContinuousNoise(process).training_sigmas(1000, seeded(), "time").double())
    parts = (t - process.t_min) / (1 - process.t_min) * 1000
    torch.testing.assert_close(parts, torch.arange(1000.0, dtype=torch.float64) + 0.5, rtol=0, atol=0.6)


@pytest.mark.parametrize("process", PROCESSES)
def test_importance_sampling_of_song_et_al_is_uniform_in_log_sigma(process: Process) -> None:
    """p(t) ~ g^2/std^2 (Song et al. 2021b) is 2 d ln sigma/dt for every process, by autograd."""
    t = times(process).requires_grad_()
    (speed,) = torch.autograd.grad(process.sigma(t).log().sum(), t)
    with torch.no_grad():
        torch.testing.assert_close((process.diffusion(t) / process.std(t)).square(), 2 * speed, rtol=1e-8, atol=0)


def test_importance_distribution_in_closed_form() -> None:
    """P(sigma < s) = [F(s) - F(a)]/[F(b) - F(a)] with F = -ln(1 + s^-2)/2, at the quartiles of the draws."""
    drawn = (
        ContinuousNoise(VarianceExploding(0.05, 20.0)).training_sigmas(4000, seeded(), "importance").double().sort()[0]
    )

    def integral(sigma: float) -> float:
        return -0.5 * math.log(1 + sigma**-2)

    for share in (0.25, 0.5, 0.75):
        quantile = float(drawn[int(4000 * share)])
        below = (integral(quantile) - integral(0.05)) / (integral(20.0) - integral(0.05))
        assert below == pytest.approx(share, abs=1e-3)


def test_log_normal_distribution_is_the_documented_one() -> None:
    """With ends so wide that nothing is truncated, ln sigma ~ N(-1.2, 1.4^2)."""
    drawn = ContinuousNoise(VarianceExploding(1e-6, 1e4)).training_sigmas(100_000, seeded()).log()
    assert float(drawn.mean()) == pytest.approx(-1.2, abs=0.01)
    assert float(drawn.std()) == pytest.approx(1.4, abs=0.01)


def test_each_level_of_a_stratified_batch_is_random() -> None:
    """A batch is stratified over the levels, but each single level must have the full distribution."""
    noise = ContinuousNoise(VarianceExploding(0.1, 10.0))
    generator = seeded()
    batches = torch.stack([noise.training_sigmas(8, generator, "log-uniform").log() for _ in range(4000)])
    parts = (batches - math.log(0.1)) / math.log(100) * 8
    torch.testing.assert_close(parts.floor(), torch.arange(8.0).expand(4000, 8))
    assert float((parts - parts.floor()).mean()) == pytest.approx(0.5, abs=0.01)


def test_the_density_at_a_discrete_level_is_one_over_its_gap() -> None:
    """log2(sigma) = 3, 1, 0, -4 has gaps of 2, 1.5, 2.5 and 4, and the density is that of ln sigma."""
    discrete = DiscreteNoise([8.0, 2.0, 1.0, 0.0625])
    sigma = discrete.sigmas.float()
    expected = 2.5 / torch.tensor([2.0, 1.5, 2.5, 4.0])
    torch.testing.assert_close(discrete.relative_density(sigma), expected)
    assert discrete.relative_density(torch.tensor(1.0)).shape == ()
    torch.testing.assert_close(discrete.relative_density(discrete.sigmas), expected.double())


@pytest.mark.parametrize("count", [2, 3, 20, 500])
def test_geometric_levels_have_equal_densities(count: int) -> None:
    discrete = DiscreteNoise(geometric(20.0, 0.013, count))
    for sigma in (discrete.sigmas, discrete.training_sigmas(1000, seeded())):
        torch.testing.assert_close(discrete.relative_density(sigma), torch.ones_like(sigma), rtol=1e-6, atol=0)


def test_levels_and_processes() -> None:
    discrete = DiscreteNoise([8.0, 2.0, 0.5])
    assert discrete.levels(99).tolist() == [8.0, 2.0, 0.5]
    process = discrete.process()
    assert isinstance(process, VarianceExploding)
    assert (process.sigma_min, process.sigma_max) == (0.5, 8.0)
    vp = VariancePreserving(0.1, 20.0, 0.01)
    levels = ContinuousNoise(vp).levels(7)
    assert len(levels) == 7
    assert float(levels[0]) == pytest.approx(float(vp.sigma(1.0)))
    assert float(levels[-1]) == 0.01
    assert ContinuousNoise(vp).process() is vp


@pytest.mark.parametrize("noise", [NoNoise(), SingleSigma(1.0)], ids=["none", "single"])
def test_no_path_where_there_are_no_levels(noise: Noise) -> None:
    with pytest.raises(ValueError, match=r"two levels|fewer than two"):
        noise.levels(10)
    with pytest.raises(ValueError, match="no path"):
        noise.process()


@pytest.mark.parametrize(
    "build",
    [
        lambda: VarianceExploding(2.0, 1.0),
        lambda: VarianceExploding(0.0, 1.0),
        lambda: VariancePreserving(20.0, 0.1, 0.01),
        lambda: VariancePreserving(0.01, 0.1, 5.0),
        lambda: SubVariancePreserving(0.01, 0.1, 5.0),
        lambda: Cosine(2.0, 1.0),
        lambda: Cosine(0.0, 1.0),
        lambda: CustomSchedule([(0.0, 1.0)]),
        lambda: CustomSchedule([(0.0, 1.0), (1.0, 1.0)]),
        lambda: CustomSchedule([(0.0, 0.0), (1.0, 1.0)]),
        lambda: CustomSchedule([(0.1, 0.5), (1.0, 1.0)]),
        lambda: CustomSchedule([(0.0, 0.5), (0.5, 0.7), (0.5, 0.8), (1.0, 1.0)]),
        lambda: SingleSigma(0.0),
        lambda: DiscreteNoise([1.0]),
        lambda: DiscreteNoise([1.0, 2.0]),
        lambda: DiscreteNoise([1.0, 0.0]),
        lambda: geometric(1.0, 0.1, 1),
    ],
)
def test_impossible_noise_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        build()
