"""Samplers against closed forms. A Gaussian stays Gaussian, so the moments of every recursion are known exactly."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.theory import ode
from playground.theory.densities import Boxes, GaussianMixture
from playground.theory.guidance import InpaintingScore
from playground.theory.noise import (
    Cosine,
    FlowMatching,
    Process,
    ScoreFunction,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
    geometric,
)
from playground.theory.ode import TooManySteps
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
    SamplerDiverged,
    base,
    time_grid,
)
from playground.theory.samplers.grid import Grid
from playground.theory.samplers.path import PathSampler
from tests.generators import seeded
from tests.theory.gaussian_runs import (
    LEVELS,
    MEAN,
    STD,
    VE,
    VP,
    exact_moments,
    gaussian_log_density,
    gaussian_score,
    last,
    linear_recursion,
)

LINEAR = {
    "langevin": Langevin(0.3, 0.02, 40),
    "annealed-langevin": AnnealedLangevin(LEVELS, 0.0005, 8, final_denoising=False),
    "annealed-langevin, denoised": AnnealedLangevin(LEVELS, 0.0005, 8, final_denoising=True),
    "reverse-sde, VE": ReverseSDE(VE, 40, final_denoising=False),
    "reverse-sde, VE, denoised": ReverseSDE(VE, 40, final_denoising=True),
    "reverse-sde, VP": ReverseSDE(VP, 40, final_denoising=False),
    "reverse-sde, VP, denoised": ReverseSDE(VP, 40, final_denoising=True),
    "reverse-sde, VE, Karras": ReverseSDE(VE, 40, final_denoising=False, grid="karras"),
    "reverse-sde, VP, time": ReverseSDE(VP, 40, final_denoising=True, grid="time"),
    "reverse-sde, Heun, VE": ReverseSDE(VE, 40, final_denoising=False, solver="heun"),
    "reverse-sde, Heun, VP, denoised": ReverseSDE(VP, 40, final_denoising=True, solver="heun"),
    "reverse-sde, ShARK, VE": ReverseSDE(VE, 40, final_denoising=False, solver="shark"),
    "reverse-sde, ShARK, VP, Karras": ReverseSDE(VP, 40, final_denoising=False, grid="karras", solver="shark"),
    "probability-flow, Euler, VP": ProbabilityFlow(VP, 40, final_denoising=False, solver="euler"),
    "probability-flow, DDIM, VE": DDIMSampler(VE, 40, final_denoising=False),
    "ddim, VP, denoised": DDIMSampler(VP, 40, final_denoising=True, eta=0.5),
    "ancestral sampling, VP, Karras": DDIMSampler(VP, 40, final_denoising=False, grid="karras", eta=1.0),
    "churn, VE, denoised": EdmSampler(VE, 40, final_denoising=True, churn=10.0, churn_min=0.1, churn_max=2.0),
    "churn, VP": EdmSampler(VP, 40, final_denoising=False, churn=40.0, churn_noise=1.05),
    "churn, VE, Karras": EdmSampler(VE, 40, final_denoising=False, grid="karras", churn=5.0),
    "probability-flow, VE": ProbabilityFlow(VE, 40, final_denoising=False),
    "probability-flow, VP": ProbabilityFlow(VP, 40, final_denoising=False),
    "probability-flow, VP, Karras": ProbabilityFlow(VP, 40, final_denoising=True, grid="karras"),
}
# These steps depend on the particles' norms or densities, or on the step before, so they have no closed recursion here.
ALL = LINEAR | {
    "mala": MetropolisAdjustedLangevin(gaussian_log_density, 0.3, 0.3, 40),
    "reverse-sde, VE, corrected": ReverseSDE(VE, 20, final_denoising=True, corrector_steps=2),
    "reverse-sde, ShARK, VP, corrected": ReverseSDE(
        VP, 20, final_denoising=False, corrector_steps=1, snr=0.3, solver="shark"
    ),
    "probability-flow, adaptive, VE": AdaptiveFlow(VE, 40, 1e-6),
    "probability-flow, adaptive, VP, Karras": AdaptiveFlow(VP, 7, 1e-4, "karras"),
    "multistep, VP": MultistepSampler(VP, 40, final_denoising=False, grid="karras"),
    "multistep SDE, VE, denoised": MultistepSampler(VE, 40, final_denoising=True, stochasticity=1.0),
    "probability-flow, VP, corrected": ProbabilityFlow(VP, 20, final_denoising=False, corrector_steps=1),
}
every_sampler = pytest.mark.parametrize("sampler", ALL.values(), ids=ALL.keys())
every_linear_sampler = pytest.mark.parametrize("sampler", LINEAR.values(), ids=LINEAR.keys())


@every_linear_sampler
def test_moments_follow_the_closed_recursion(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    assert exact_moments(sampler, -1.5, 4.0, monkeypatch) == pytest.approx(
        linear_recursion(sampler, -1.5, 4.0), rel=1e-9
    )


def deviations(sampler: Sampler, count: int = 40_000) -> tuple[float, float]:
    """The distance of the sampled mean and variance from those of the closed recursion, in standard errors."""
    start = -1.5 + 2.0 * torch.randn(count, 1, dtype=torch.float64, generator=seeded(1))
    end = last(sampler, start, seed=2).positions
    mean, variance = linear_recursion(sampler, -1.5, 4.0)
    return (
        abs(float(end.mean()) - mean) / math.sqrt(variance / count),
        abs(float(end.var()) - variance) / (variance * math.sqrt(2 / count)),
    )


@pytest.mark.claims  # a statistic
def test_langevin_keeps_the_distribution_of_known_coordinates() -> None:
    """The known one has variance sigma^2 = 0.0004. Without the bound on its step it would diverge; with it, the bias is 2.6 %."""
    mask, known = torch.tensor([True, False]), torch.tensor([1.5, 7.0], dtype=torch.float64)
    score = InpaintingScore(lambda x, sigma: -x / (1 + sigma**2), known, mask)
    start = torch.zeros(20_000, 2, dtype=torch.float64)
    free, held = Langevin(0.02, 0.05, 300), Langevin(0.02, 0.05, 300, mask)
    with pytest.raises(SamplerDiverged):
        last(free, start, 2, score)
    end = last(held, start, 2, score).positions
    expected = torch.tensor([0.02**2, 1.0004], dtype=torch.float64) / (1 - 0.05 / 2)
    assert ((end.var(0) / expected - 1).abs() < 4.4 * math.sqrt(2 / 20_000)).all()
    assert abs(float(end[:, 0].mean()) - 1.5) < 0.002


@pytest.mark.claims
@every_linear_sampler
def test_samples_have_the_recursions_moments(sampler: Sampler) -> None:
    """Within 4.4 standard errors, at which a right sampler with another seed fails once in 50,000 runs."""
    assert max(deviations(sampler)) < 4.4


@pytest.mark.parametrize("name", [name for name in LINEAR if "flow" not in name and "denoised" not in name])
def test_the_wrong_noise_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """sqrt(eps) instead of sqrt(2 eps), a common mistake, is far outside the bounds of the test above."""
    right = base.normal
    monkeypatch.setattr(base, "normal", lambda like, source: right(like, source) / math.sqrt(2))
    assert deviations(ALL[name])[1] > 20


@pytest.mark.parametrize("step", [0.02, 0.1, 0.3])
def test_langevin_has_its_known_bias(step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    mean, variance = exact_moments(Langevin(0.0, step, 1500), 3.0, 0.0, monkeypatch)
    assert mean == pytest.approx(MEAN, abs=1e-9)
    assert variance == pytest.approx(STD**2 / (1 - step / (2 * STD**2)), rel=1e-9)


@pytest.mark.claims
@pytest.mark.parametrize("shape", [(1,), (2, 3), (3, 2, 2)])
@pytest.mark.parametrize("snr", [0.16, 0.5])
def test_correctors_have_their_known_bias(shape: tuple[int, ...], snr: float) -> None:
    """With the mean of |s| on N(m, V) and eps = 2 (r |z|/|s|)^2, Langevin's V (1 - eps/(2 v)) = v gives V = (1 + r^2) v.

    One tiny predictor step leaves only the corrector. The bound is 4.4 standard errors. With 40,000 numbers the dependence of the
    step on the batch is negligible.
    """
    process, count = VarianceExploding(0.3, 0.3 * (1 + 1e-9)), 40_000 // math.prod(shape)
    sampler = ReverseSDE(process, 1, final_denoising=False, corrector_steps=math.ceil(10 / snr**2), snr=snr)
    end = last(sampler, torch.full((count, *shape), 2.0, dtype=torch.float64)).positions
    variance = (1 + snr**2) * (STD**2 + 0.3**2)
    assert float(end.mean()) == pytest.approx(MEAN, abs=4.4 * math.sqrt(variance / end.numel()))
    assert float(end.var()) == pytest.approx(variance, rel=4.4 * math.sqrt(2 / end.numel()))


@pytest.mark.parametrize(
    "options",
    [{"solver": "heun"}, {"solver": "shark"}, {"solver": "heun", "corrector_steps": 2}, {"churn": 10.0}],
    ids=["Heun", "ShARK", "corrected", "churn"],
)
def test_vp_is_ve_in_scaled_coordinates(options: dict[str, Any]) -> None:
    """In y = x/alpha and v = sigma^2 both are the same SDE, so the same noise gives the same path."""
    start = torch.randn(50, 2, dtype=torch.float64, generator=seeded(13))
    exploding = VarianceExploding(VP.sigma_min, VP.sigma_max)
    make: Any = EdmSampler if "churn" in options else ReverseSDE
    ve = last(make(exploding, 30, final_denoising=False, **options), VP.sigma_max * start).positions
    vp = last(make(VP, 30, final_denoising=False, **options), float(VP.std(1.0)) * start).positions
    torch.testing.assert_close(vp, ve, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("process", [VE, VP], ids=["VE", "VP"])
def test_correctors_use_the_noise_level_after_the_step(process: Process) -> None:
    asked: list[float] = []

    def recorded(x: Tensor, sigma: Tensor) -> Tensor:
        asked.append(float(sigma))
        return gaussian_score(x, sigma)

    sampler = ReverseSDE(process, 5, final_denoising=False, corrector_steps=2)
    last(sampler, torch.ones(3, 1, dtype=torch.float64), score=recorded)
    _, sigmas = time_grid(process, 5)
    expected = [level for now, then in itertools.pairwise(sigmas) for level in (now, then, then)]
    assert asked == pytest.approx(expected)


def test_correctors_repair_the_variance_of_long_steps() -> None:
    """Ten Euler steps leave a tenth of the variance. Correctors with r = 0.2 restore it, with their bias of 4 %."""
    count = 20_000
    start = MEAN + math.sqrt(STD**2 + 64) * torch.randn(count, 1, dtype=torch.float64, generator=seeded(14))
    truth = STD**2 + VE.sigma_min**2
    ratios = [
        float(
            last(ProbabilityFlow(VE, 10, False, corrector_steps=steps, snr=0.2, solver="euler"), start).positions.var()
        )
        / truth
        for steps in (0, 60)
    ]
    assert ratios[0] < 0.15
    assert ratios[1] == pytest.approx(1.04, abs=1.04 * 4.4 * math.sqrt(2 / count))


@pytest.mark.parametrize("process", [VE, VP], ids=["VE", "VP"])
@pytest.mark.parametrize("tolerance", [1e-3, 1e-5, 1e-7, 1e-9])
def test_the_adaptive_flow_is_exact_to_its_tolerance_at_every_frame(process: Process, tolerance: float) -> None:
    """A Gaussian's flow keeps every deviation in units of the standard deviation. Far rows have their own steps."""

    def moments(sigma: float, t: float | None) -> tuple[float, float]:
        alpha = 1.0 if t is None else float(process.scale(t))
        return alpha * MEAN, alpha * math.hypot(STD, sigma)

    deviations = torch.tensor([-1000.0, -3.0, 0.0, 0.5, 2.0], dtype=torch.float64)[:, None]
    mean, std = moments(process.sigma_max, 1.0)
    start = mean + std * deviations
    for grid in ("log-sigma", "time"):
        for step in AdaptiveFlow(process, 50, tolerance, grid).run(gaussian_score, start, seeded()):
            mean, std = moments(step.sigma, step.time)
            exact = mean + std * deviations
            assert ((step.positions - exact).abs() <= 30 * tolerance * (1 + exact.abs())).all()


@pytest.mark.parametrize("numbers", [1, 40, 2**24])
def test_frames_do_not_depend_on_how_many_are_held(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ode, "FRAME_NUMBERS", numbers)
    start = 8 * torch.randn(3, 2, dtype=torch.float64, generator=seeded(15))
    seen = [step.positions for step in AdaptiveFlow(VE, 30, 1e-8).run(gaussian_score, start, seeded())]
    assert len(seen) == 31
    for x, sigma in zip(seen, time_grid(VE, 30)[1], strict=True):
        exact = MEAN + (start - MEAN) * math.sqrt((STD**2 + sigma**2) / (STD**2 + VE.sigma_max**2))
        torch.testing.assert_close(x, exact, rtol=1e-6, atol=1e-6)


def test_the_adaptive_flow_yields_frames_early_and_says_where_it_is_stuck() -> None:
    """The first frames come long before the last score evaluations. A score that is not finite gives an error message."""
    asked = []

    def score(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        asked.append(float(sigma.min()))
        return gaussian_score(x, sigma)

    running = AdaptiveFlow(VE, 200, 1e-6).run(score, torch.ones(3, 2), seeded())
    early = [next(running) for _ in range(20)]
    assert 0.5 * early[-1].sigma < min(asked) < early[-1].sigma
    with pytest.raises(TooManySteps, match="not finite"):
        last(AdaptiveFlow(VE, 5, 1e-4), torch.ones(3, 2), score=lambda x, sigma: x * math.nan)


def test_the_adaptive_flow_can_be_cancelled_between_evaluations() -> None:
    asked = []

    def stiff(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        asked.append(len(x))
        return -100 * (x - MEAN) / sigma.reshape(-1, 1).square()

    sampler, start = AdaptiveFlow(VE, 3, 1e-4), 8 * torch.ones(3, 2)
    seen: list[Any] = []
    for part in sampler.run_in_parts(stiff, start, seeded()):
        assert len(asked) <= (3 if len(seen) == 1 else 1)  # the first step's length takes two evaluations
        asked.clear()
        seen += [] if part is None else [part]
    whole = list(sampler.run(stiff, start, seeded()))
    assert len(whole) == 4
    assert len(asked) > 100
    assert all(torch.equal(a.positions, b.positions) for a, b in zip(seen, whole, strict=True))


def test_the_adaptive_flow_gives_a_stiff_score_up_soon_with_advice() -> None:
    """With a score of 1e5/sigma^2, stable steps of order 5 are no longer than 1e-5 of the whole time."""
    asked = []

    def stiff(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        asked.append(len(x))
        return -1e5 * (x - MEAN) / sigma.reshape(-1, 1).square()

    start = 8 * torch.ones(3, 2, dtype=torch.float64)
    stuck = r"not there after 1000 steps .*: the score is stiff there, where a larger tolerance helps little; "
    with pytest.raises(TooManySteps, match=stuck + r"raise the finest noise level\."):
        last(AdaptiveFlow(VE, 200, 1e-4), start, score=stiff)
    assert len(asked) <= 6_100


def stronger(factor: float) -> ScoreFunction:
    return lambda x, sigma: factor * gaussian_score(x, sigma)


def test_the_flow_without_its_factor_of_one_half_contracts_the_samples() -> None:
    """dx = [f - g^2 s] dt is the SDE's drift without its noise, with less than half of the right standard deviation at the end."""
    process = VarianceExploding(0.5, 8.0)
    start = torch.tensor([[MEAN], [MEAN + math.sqrt(STD**2 + 8.0**2)]], dtype=torch.float64)
    spreads = []
    for factor in (1, 2):
        end = last(
            ProbabilityFlow(process, 200, final_denoising=False),
            start,
            score=stronger(factor),
        )
        spreads.append(float(end.positions[1, 0] - end.positions[0, 0]) / math.sqrt(STD**2 + 0.5**2))
    assert spreads[0] == pytest.approx(1, abs=1e-3)
    assert spreads[1] < 0.5


def test_denoising_gives_the_posterior_mean() -> None:
    """Tweedie for a Gaussian: E[x0 | x] = (STD^2 x + sigma^2 MEAN)/(STD^2 + sigma^2), for VP at x/alpha."""
    start = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    for name in (name for name in ALL if "denoised" in name):
        sampler = ALL[name]
        *_, before, after = sampler.run(gaussian_score, start, seeded())
        alpha = 1.0
        if before.time is not None:
            assert isinstance(sampler, PathSampler)
            alpha = float(sampler.process.scale(before.time))
        assert after.time is None
        x = before.positions / alpha
        expected = (STD**2 * x + 0.05**2 * MEAN) / (STD**2 + 0.05**2)
        torch.testing.assert_close(after.positions, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("process", [VE, VP], ids=["VE", "VP"])
@pytest.mark.parametrize(
    ("grid", "even"),
    [
        ("log-sigma", lambda t, sigma: sigma.log()),
        ("time", lambda t, sigma: t),
        ("karras", lambda t, sigma: sigma ** (1 / 7)),
    ],
)
def test_a_grid_has_equal_steps_in_its_own_measure(
    process: Process, grid: Grid, even: Callable[[Tensor, Tensor], Tensor]
) -> None:
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
    start = 16 * torch.rand(4_000, 2, generator=seeded(3)) - 8
    end = last(sampler, start, seed=4, score=two_gaussians().score).positions
    return float((end.sum(1) > 0).float().mean())


@pytest.mark.claims
def test_annealing_gets_the_mode_weights_right_and_plain_langevin_does_not() -> None:
    """0.780 +- .010 and 0.510 +- .010 (theory.md, section 4). 4,000 points add standard errors of .0065 and .008."""
    levels = geometric(20.0, 1.0, 10)
    assert 0.75 < heavy_share(AnnealedLangevin(levels, 0.2, 100, final_denoising=False)) < 0.83
    assert 0.48 < heavy_share(Langevin(0.0, 0.1, 1000)) < 0.54


@pytest.mark.claims
@pytest.mark.parametrize(
    "process",
    [
        VarianceExploding(0.01, 10.0),
        VariancePreserving(0.1, 20.0, 0.01),
        SubVariancePreserving(0.1, 20.0, 0.01),
        Cosine(0.01, 10.0),
        FlowMatching(0.01, 10.0),
    ],
    ids=["VE", "VP", "sub-VP", "cosine", "flow matching"],
)
@pytest.mark.parametrize("mean", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("std", [1.0, 0.1])
@pytest.mark.parametrize("kind", ["reverse-sde", "probability-flow"])
def test_a_normal_distribution_is_reproduced(process: Process, mean: float, std: float, kind: str) -> None:
    """As in theory.md, section 4: 500 steps, 1,000 samples, mean and std within 0.1 (0.02 if std is 0.1)."""
    sampler = (
        ReverseSDE(process, 500, final_denoising=True)
        if kind == "reverse-sde"
        else ProbabilityFlow(process, 500, final_denoising=False)
    )
    start = process.prior(torch.full((1,), mean), std**2).sample(1000, seeded(5))
    end = last(sampler, start, seed=6, score=lambda x, sigma: -(x - mean) / (std**2 + sigma**2)).positions
    margin = 0.1 if std == 1.0 else 0.02
    assert float(end.mean()) == pytest.approx(mean, abs=margin)
    assert float(end.std()) == pytest.approx(std, abs=margin)


@every_sampler
def test_frames_are_counted_from_the_start_to_the_last(sampler: Sampler) -> None:
    start = torch.ones(3, 2)
    steps = list(sampler.run(gaussian_score, start, seeded()))
    assert [step.index for step in steps] == list(range(sampler.total + 1))
    assert all(step.total == sampler.total for step in steps)
    assert torch.equal(steps[0].positions, torch.ones(3, 2))
    assert torch.equal(start, torch.ones(3, 2))
    assert all(a.sigma >= b.sigma > 0 for a, b in itertools.pairwise(steps))
    if steps[0].time is not None:
        assert steps[0].time == 1.0
        assert steps[-1].time is None  # in data coordinates
        times = [step.time for step in steps[:-1] if step.time is not None]
        assert len(times) == len(steps) - 1
        assert times == sorted(times, reverse=True)
        sizes = [step.step_size for step in steps]
        if isinstance(sampler, AdaptiveFlow):  # its frames are not steps, as each particle has its own
            assert all(math.isnan(size) for size in sizes)
        else:
            assert isinstance(sampler, PathSampler)
            assert sum(sizes) == pytest.approx(1 - sampler.process.t_min)


@every_sampler
def test_same_seed_same_run_and_frames_never_change(sampler: Sampler) -> None:
    start = torch.randn(5, 2, generator=seeded(7))
    first, copies = [], []
    for step in sampler.run(gaussian_score, start, seeded(8)):
        first.append(step.positions)
        copies.append(step.positions.clone())
    again = [step.positions for step in sampler.run(gaussian_score, start, seeded(8))]
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(first, again, copies, strict=True))


@every_sampler
@pytest.mark.parametrize("shape", [(1, 2, 3), (3, 2, 2)], ids=["grey", "rgb"])
def test_images_move_as_their_separate_pixels_do(sampler: Sampler, shape: tuple[int, ...]) -> None:
    images = torch.randn(4, *shape, generator=seeded(9))
    flat = last(sampler, images.flatten(1), seed=10).positions
    assert torch.equal(last(sampler, images, seed=10).positions.flatten(1), flat)


@every_sampler
def test_the_score_may_change_during_a_run_and_keeps_its_gradients(sampler: Sampler) -> None:
    """A network in training: its parameters require gradients and change between two steps."""
    weight = torch.tensor(1.0, requires_grad=True)
    start, seen = torch.ones(3, 2), []
    for step in sampler.run(lambda x, sigma: weight * gaussian_score(x, sigma), start, seeded(11)):
        assert torch.is_grad_enabled()
        assert not step.positions.requires_grad
        seen.append(step.positions)
        if step.index == 3:
            with torch.no_grad():
                weight.fill_(0.5)
    fixed = [step.positions for step in sampler.run(gaussian_score, start, seeded(11))]
    assert all(torch.equal(a, b) for a, b in zip(seen[:4], fixed[:4], strict=True))
    # The adaptive solver may have passed a few frames before it yields the first of them.
    changed = -1 if isinstance(sampler, AdaptiveFlow) else 4
    assert not torch.equal(seen[changed], fixed[changed])


def test_divergence_gives_a_message() -> None:
    with pytest.raises(SamplerDiverged, match=r"infinity at step \d+: the step size is too large"):
        last(Langevin(0.0, 1e6, 200), torch.ones(3, 2))


@pytest.mark.parametrize("seed", range(5))
def test_a_corrector_step_is_bounded_where_the_score_vanishes(seed: int) -> None:
    half = math.sqrt(3)  # of variance one
    box = Boxes(torch.full((1, 2), -half), torch.full((1, 2), half))
    sampler = ReverseSDE(VarianceExploding(0.01, 8.0), 200, final_denoising=True, corrector_steps=1)
    end = last(sampler, 8 * torch.randn(1, 2, generator=seeded(seed)), seed, box.score).positions
    assert float(end.abs().max()) < half + 0.05


@pytest.mark.parametrize(
    "sampler", [ReverseSDE(VE, 4, final_denoising=True), AnnealedLangevin(LEVELS, 1e-3, 2, final_denoising=True)]
)
def test_a_final_denoising_that_is_not_finite_is_an_error(sampler: Sampler) -> None:
    asked = itertools.count(1)

    def score(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return gaussian_score(x, sigma) * (math.nan if next(asked) == sampler.total else 1.0)

    with pytest.raises(SamplerDiverged, match=f"infinity at step {sampler.total}:"):
        last(sampler, torch.ones(3, 2), score=score)


def test_langevins_step_can_be_changed_during_a_run() -> None:
    sampler = Langevin(0.0, 0.1, 4)
    sizes = []
    for step in sampler.run(gaussian_score, torch.ones(3, 2), seeded()):
        sizes.append(step.step_size)
        sampler.step = 0.1 * (step.index + 2)
    assert sizes == pytest.approx([0.0, 0.2, 0.3, 0.4, 0.5])
