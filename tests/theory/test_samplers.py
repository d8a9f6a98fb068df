"""Samplers against closed forms: a Gaussian stays Gaussian, so every recursion's moments are known exactly."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from playground.theory import ode
from playground.theory.densities import GaussianMixture
from playground.theory.noise import VarianceExploding, VariancePreserving, geometric, per_point
from playground.theory.samplers import (
    AnnealedLangevin,
    Langevin,
    ProbabilityFlow,
    ReverseSDE,
    Sampler,
    SamplerDiverged,
    Step,
    base,
    time_grid,
)

MEAN, STD = 0.7, 0.6
VE = VarianceExploding(0.05, 8.0)
VP = VariancePreserving(0.1, 20.0, 0.05)
# Where the finest noise is far below the data's spread, the errors of the first order nearly cancel by the end.
COARSE_VE = VarianceExploding(0.5, 8.0)
LEVELS = geometric(8.0, 0.05, 5)

ALL = {
    "langevin": Langevin(0.3, 0.02, 40),
    "annealed-langevin": AnnealedLangevin(LEVELS, 0.0005, 8, denoise=False),
    "annealed-langevin, denoised": AnnealedLangevin(LEVELS, 0.0005, 8, denoise=True),
    "reverse-sde, VE": ReverseSDE(VE, 40, denoise=False),
    "reverse-sde, VE, denoised": ReverseSDE(VE, 40, denoise=True),
    "reverse-sde, VP": ReverseSDE(VP, 40, denoise=False),
    "reverse-sde, VP, denoised": ReverseSDE(VP, 40, denoise=True),
    "reverse-sde, VE, Karras": ReverseSDE(VE, 40, denoise=False, grid="karras"),
    "reverse-sde, VP, time": ReverseSDE(VP, 40, denoise=True, grid="time"),
    "probability-flow, VE": ProbabilityFlow(VE, 40),
    "probability-flow, VP": ProbabilityFlow(VP, 40),
    "probability-flow, VP, Karras": ProbabilityFlow(VP, 40, "karras"),
}
every_sampler = pytest.mark.parametrize("sampler", ALL.values(), ids=ALL.keys())


def gaussian_score(x: Tensor, sigma: Tensor) -> Tensor:
    return -(x - MEAN) / (STD**2 + per_point(sigma, x) ** 2)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def last(sampler: Sampler, start: Tensor, seed: int = 0, score=gaussian_score) -> Step:
    *_, step = sampler.run(score, start, generator(seed))
    return step


def exact_moments(
    sampler: Sampler, mean: float, variance: float, monkeypatch: pytest.MonkeyPatch
) -> tuple[float, float]:
    """Mean and variance of the real code's last frame, without sampling error.

    With a linear score the last frame is linear in the start and in each step's noise. So one row answers the mean, one a
    start moved by its standard deviation, and row 2 + k a unit impulse in the noise of step k; the squares add up.
    """
    impulses = itertools.count(2)

    def impulse(like: Tensor, _: torch.Generator) -> Tensor:
        noise = torch.zeros_like(like)
        noise[next(impulses)] = 1.0
        return noise

    monkeypatch.setattr(base, "normal", impulse)
    start = torch.full((sampler.total + 2, 1), mean, dtype=torch.float64)
    start[1] += math.sqrt(variance)
    end = last(sampler, start).positions[:, 0]
    return float(end[0]), float((end - end[0]).square().sum())


def linear_recursion(sampler: Sampler, mean: float, variance: float) -> tuple[float, float]:
    """The same moments from the formulas of the page: x <- a x + b + c z, step by step."""
    steps: list[tuple[float, float, float]] = []  # (a, b, c)
    if isinstance(sampler, Langevin):
        pull = sampler.step / (STD**2 + sampler.sigma**2)
        steps = [(1 - pull, pull * MEAN, math.sqrt(2 * sampler.step))] * sampler.steps
    elif isinstance(sampler, AnnealedLangevin):
        for sigma in sampler.levels.tolist():
            alpha = sampler.step * sigma**2 / float(sampler.levels[-1]) ** 2
            pull = alpha / 2 / (STD**2 + sigma**2)
            steps += [(1 - pull, pull * MEAN, math.sqrt(alpha))] * sampler.steps_per_level
        pull = sigma**2 / (STD**2 + sigma**2)
        steps += [(1 - pull, pull * MEAN, 0.0)] * sampler.denoise
    else:
        process = sampler.process
        times, sigmas = time_grid(process, sampler.steps, sampler.grid)

        def slope(t: float, part: float) -> tuple[float, float]:
            """Coefficients (a, b) of f - part g^2 s = a x + b for the Gaussian that x(t) is."""
            alpha, g2 = float(process.scale(t)), float(process.diffusion(t)) ** 2
            spread = alpha**2 * (STD**2 + float(process.sigma(t)) ** 2)
            shrink = float(process.drift(torch.ones(1, 1, dtype=torch.float64), t))
            return shrink + part * g2 / spread, -part * g2 * alpha * MEAN / spread

        for t, then in itertools.pairwise(times):
            h = then - t
            if isinstance(sampler, ReverseSDE):
                a, b = slope(t, 1.0)
                steps.append((1 + h * a, h * b, float(process.diffusion(t)) * math.sqrt(-h)))
            else:
                (a, b), (a2, b2) = slope(t, 0.5), slope(then, 0.5)
                steps.append((1 + h / 2 * (a + a2 + h * a * a2), h / 2 * (b + b2 + h * a2 * b), 0.0))
        if isinstance(sampler, ReverseSDE) and sampler.denoise:
            pull = sigmas[-1] ** 2 / (STD**2 + sigmas[-1] ** 2)
            alpha = float(process.scale(times[-1]))
            steps.append(((1 - pull) / alpha, pull * MEAN, 0.0))
    for a, b, c in steps:
        mean, variance = a * mean + b, a**2 * variance + c**2
    return mean, variance


@every_sampler
def test_moments_follow_the_closed_recursion(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    assert exact_moments(sampler, -1.5, 4.0, monkeypatch) == pytest.approx(
        linear_recursion(sampler, -1.5, 4.0), rel=1e-9
    )


def deviations(sampler: Sampler, count: int = 40_000) -> tuple[float, float]:
    """Distance of the sampled mean and variance from the closed recursion's, in standard errors."""
    start = -1.5 + 2.0 * torch.randn(count, 1, dtype=torch.float64, generator=generator(1))
    end = last(sampler, start, seed=2).positions
    mean, variance = linear_recursion(sampler, -1.5, 4.0)
    return (
        abs(float(end.mean()) - mean) / math.sqrt(variance / count),
        abs(float(end.var()) - variance) / (variance * math.sqrt(2 / count)),
    )


@every_sampler
def test_samples_have_the_recursions_moments(sampler: Sampler) -> None:
    """4.4 standard errors: a right sampler with another seed fails once in 50,000 runs."""
    assert max(deviations(sampler)) < 4.4


@pytest.mark.parametrize("name", [name for name in ALL if "flow" not in name and "denoised" not in name])
def test_the_wrong_noise_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """sqrt(eps) instead of sqrt(2 eps), the usual slip, is far outside the confidence of the test above."""
    right = base.normal
    monkeypatch.setattr(base, "normal", lambda like, source: right(like, source) / math.sqrt(2))
    assert deviations(ALL[name])[1] > 20


@pytest.mark.parametrize("step", [0.02, 0.1, 0.3])
def test_langevin_settles_at_its_known_bias(step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    mean, variance = exact_moments(Langevin(0.0, step, 1500), 3.0, 0.0, monkeypatch)
    assert mean == pytest.approx(MEAN, abs=1e-9)
    assert variance == pytest.approx(STD**2 / (1 - step / (2 * STD**2)), rel=1e-9)


def test_denoising_gives_the_posterior_mean() -> None:
    """Tweedie for a Gaussian: E[x0 | x] = (STD^2 x + sigma^2 MEAN)/(STD^2 + sigma^2), for VP at x/alpha."""
    start = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    for name in ("annealed-langevin, denoised", "reverse-sde, VE, denoised", "reverse-sde, VP, denoised"):
        sampler = ALL[name]
        *_, before, after = sampler.run(gaussian_score, start, generator())
        alpha = 1.0 if before.time is None else float(sampler.process.scale(before.time))
        x = before.positions / alpha
        expected = (STD**2 * x + 0.05**2 * MEAN) / (STD**2 + 0.05**2)
        torch.testing.assert_close(after.positions, expected, rtol=1e-9, atol=1e-12)


def variance_error(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> float:
    """From the exact x(1) to t_min the variance should become that of x(t_min)."""
    process = sampler.process

    def moments(t: float) -> tuple[float, float]:
        alpha = float(process.scale(t))
        return alpha * MEAN, alpha**2 * (STD**2 + float(process.sigma(t)) ** 2)

    _, variance = exact_moments(sampler, *moments(1.0), monkeypatch)
    return abs(variance - moments(process.t_min)[1])


def dormand_prince_error(steps: int, monkeypatch: pytest.MonkeyPatch) -> float:
    """Error at t = 6 of x' = x cos t, whose solution is x0 exp(sin t).

    The step control is held still, since with it the number of steps is no smooth function of the tolerance.
    """
    monkeypatch.setattr(ode, "_SHRINK", 1.0)
    monkeypatch.setattr(ode, "_GROW", 1.0)
    monkeypatch.setattr(ode._Chunk, "_first_step", lambda chunk: torch.full_like(chunk.t, 6 / steps))
    x0 = torch.linspace(0.5, 2.0, 4, dtype=torch.float64)[:, None]
    *_, end = ode.dormand_prince(lambda x, t: x * torch.cos(t)[:, None], x0, 0.0, 6.0, tolerance=1e6)
    assert set(end.result.evaluations.tolist()) == {6 * steps + 2}
    return float((end.result.x - x0 * math.exp(math.sin(6.0))).abs().max())


CONVERGENCE = {
    "Euler-Maruyama, VE, weak": (lambda n, patch: variance_error(ReverseSDE(COARSE_VE, n, False), patch), 1),
    "Euler-Maruyama, VP, weak": (lambda n, patch: variance_error(ReverseSDE(VP, n, False), patch), 1),
    "Euler-Maruyama, VE, Karras, weak": (
        lambda n, patch: variance_error(ReverseSDE(COARSE_VE, n, False, "karras"), patch),
        1,
    ),
    "Heun, VE": (lambda n, patch: variance_error(ProbabilityFlow(VE, n), patch), 2),
    "Heun, VP": (lambda n, patch: variance_error(ProbabilityFlow(VP, n), patch), 2),
    "Heun, VE, Karras": (lambda n, patch: variance_error(ProbabilityFlow(VE, n, "karras"), patch), 2),
    "Heun, VP, time": (lambda n, patch: variance_error(ProbabilityFlow(VP, 8 * n, "time"), patch), 2),
    "Dormand-Prince": (lambda n, patch: dormand_prince_error(n // 5, patch), 5),
}


@pytest.mark.parametrize(("error", "order"), CONVERGENCE.values(), ids=CONVERGENCE.keys())
def test_order_of_convergence(error, order: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slope of log error over log steps, by least squares, is the method's order."""
    steps = (100, 200, 400, 800)
    errors = torch.tensor([error(count, monkeypatch) for count in steps], dtype=torch.float64).log()
    work = torch.tensor(steps, dtype=torch.float64).log()
    centred = work - work.mean()
    assert -float(centred @ errors / (centred @ centred)) == pytest.approx(order, abs=0.06 * order)


@pytest.mark.parametrize("process", [VE, VP], ids=["VE", "VP"])
@pytest.mark.parametrize(
    ("grid", "even"),
    [
        ("log-sigma", lambda t, sigma: sigma.log()),
        ("time", lambda t, sigma: t),
        ("karras", lambda t, sigma: sigma ** (1 / 7)),
    ],
)
def test_a_grid_is_even_in_its_own_measure(process, grid: str, even) -> None:
    times, sigmas = (torch.tensor(values, dtype=torch.float64) for values in time_grid(process, 30, grid))
    assert len(times) == len(sigmas) == 31
    assert (float(times[0]), float(times[-1])) == (1.0, process.t_min)
    torch.testing.assert_close(process.sigma(times), sigmas, rtol=1e-9, atol=0)
    lengths = -even(times, sigmas).diff()
    assert (lengths > 0).all()
    torch.testing.assert_close(lengths, lengths.mean().expand(30), rtol=1e-9, atol=0)


def two_gaussians() -> GaussianMixture:
    means = torch.tensor([[5.0, 5.0], [-5.0, -5.0]])
    return GaussianMixture(means, torch.ones(2), torch.tensor([0.8, 0.2]))


def heavy_share(sampler: Sampler) -> float:
    start = 16 * torch.rand(4_000, 2, generator=generator(3)) - 8
    end = last(sampler, start, seed=4, score=two_gaussians().score).positions
    return float((end.sum(1) > 0).float().mean())


def test_annealing_gets_the_mode_weights_right_and_plain_langevin_does_not() -> None:
    """0.780 +- .010 and 0.510 +- .010 (theory.md, section 4); 4,000 points add .0065 and .008 of their own."""
    levels = geometric(20.0, 1.0, 10)
    assert 0.75 < heavy_share(AnnealedLangevin(levels, 0.2, 100, denoise=False)) < 0.83
    assert 0.48 < heavy_share(Langevin(0.0, 0.1, 1000)) < 0.54


@pytest.mark.parametrize(
    "process", [VarianceExploding(0.01, 10.0), VariancePreserving(0.1, 20.0, 0.01)], ids=["VE", "VP"]
)
@pytest.mark.parametrize("mean", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("std", [1.0, 0.1])
@pytest.mark.parametrize("kind", ["reverse-sde", "probability-flow"])
def test_a_normal_comes_back(process, mean: float, std: float, kind: str) -> None:
    """The facts of theory.md, section 4: 500 steps, 1,000 samples, mean and std within 0.1 (0.02 where std is 0.1)."""
    sampler = ReverseSDE(process, 500, denoise=True) if kind == "reverse-sde" else ProbabilityFlow(process, 500)
    start = process.prior(torch.full((1,), mean), std**2).sample(1000, generator(5))
    end = last(sampler, start, seed=6, score=lambda x, sigma: -(x - mean) / (std**2 + sigma**2)).positions
    margin = 0.1 if std == 1.0 else 0.02
    assert float(end.mean()) == pytest.approx(mean, abs=margin)
    assert float(end.std()) == pytest.approx(std, abs=margin)


@every_sampler
def test_frames_are_counted_from_the_start_to_the_last(sampler: Sampler) -> None:
    start = torch.ones(3, 2)
    steps = list(sampler.run(gaussian_score, start, generator()))
    assert [step.index for step in steps] == list(range(sampler.total + 1))
    assert all(step.total == sampler.total for step in steps)
    assert torch.equal(steps[0].positions, torch.ones(3, 2))
    assert torch.equal(start, torch.ones(3, 2))
    assert all(a.sigma >= b.sigma > 0 for a, b in itertools.pairwise(steps))
    if steps[0].time is not None:
        assert steps[0].time == 1.0
        assert all(a.time >= b.time for a, b in itertools.pairwise(steps))
        assert sum(step.step_size for step in steps) == pytest.approx(1 - sampler.process.t_min)


@every_sampler
def test_same_seed_same_run_and_frames_never_change(sampler: Sampler) -> None:
    start = torch.randn(5, 2, generator=generator(7))
    first, copies = [], []
    for step in sampler.run(gaussian_score, start, generator(8)):
        first.append(step.positions)
        copies.append(step.positions.clone())
    again = [step.positions for step in sampler.run(gaussian_score, start, generator(8))]
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(first, again, copies, strict=True))


@every_sampler
def test_images_move_as_their_pixels_would(sampler: Sampler) -> None:
    images = torch.randn(4, 1, 2, 3, generator=generator(9))
    flat = last(sampler, images.flatten(1), seed=10).positions
    assert torch.equal(last(sampler, images, seed=10).positions.flatten(1), flat)


@every_sampler
def test_the_score_may_change_and_gradients_stay_as_they_were(sampler: Sampler) -> None:
    """A live network: parameters that want gradients, changed between two steps."""
    weight = torch.tensor(1.0, requires_grad=True)
    start, seen = torch.ones(3, 2), []
    for step in sampler.run(lambda x, sigma: weight * gaussian_score(x, sigma), start, generator(11)):
        assert torch.is_grad_enabled()
        assert not step.positions.requires_grad
        seen.append(step.positions)
        if step.index == 3:
            with torch.no_grad():
                weight.fill_(0.5)
    fixed = [step.positions for step in sampler.run(gaussian_score, start, generator(11))]
    assert all(torch.equal(a, b) for a, b in zip(seen[:4], fixed[:4], strict=True))
    assert not torch.equal(seen[4], fixed[4])


def test_running_away_is_said_in_a_sentence() -> None:
    with pytest.raises(SamplerDiverged, match=r"infinity at step \d+: the step size is too large"):
        last(Langevin(0.0, 1e6, 200), torch.ones(3, 2))


def test_langevins_step_can_be_changed_while_it_runs() -> None:
    sampler = Langevin(0.0, 0.1, 4)
    sizes = []
    for step in sampler.run(gaussian_score, torch.ones(3, 2), generator()):
        sizes.append(step.step_size)
        sampler.step = 0.1 * (step.index + 2)
    assert sizes == pytest.approx([0.0, 0.2, 0.3, 0.4, 0.5])
