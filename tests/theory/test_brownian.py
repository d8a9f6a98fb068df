"""Samplers on one Brownian path differ only in their steps."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from playground.theory.forward import ForwardProcess
from playground.theory.noise import Process, VarianceExploding, geometric
from playground.theory.samplers import (
    AdaptiveFlow,
    AnnealedLangevin,
    BrownianPath,
    DDIMSampler,
    EdmSampler,
    Langevin,
    MetropolisAdjustedLangevin,
    MultistepSampler,
    ProbabilityFlow,
    ReverseSDE,
    Sampler,
)
from playground.theory.samplers.brownian import DEPTH, HIGHEST, LOWEST, Interval, Piece
from tests.generators import seeded
from tests.theory.gaussian_runs import COARSE_VE, COARSE_VP, MEAN, STD, VE, VP, gaussian_log_density, gaussian_score

LIKE = torch.zeros(20_000, 1, dtype=torch.float64)
NOISY = {
    "langevin": Langevin(0.3, 0.02, 12),
    "mala": MetropolisAdjustedLangevin(gaussian_log_density, 0.3, 0.02, 12),
    "annealed": AnnealedLangevin(geometric(8.0, 0.5, 4), 0.02, 3, True),
    "euler": ReverseSDE(COARSE_VP, 12, True),
    "heun": ReverseSDE(COARSE_VP, 12, False, solver="heun"),
    "shark": ReverseSDE(COARSE_VP, 12, False, solver="shark"),
    "ddim": DDIMSampler(COARSE_VP, 12, True, eta=1.0),
    "dpm-solver++": MultistepSampler(COARSE_VP, 12, True, stochasticity=1.0),
    "correctors": ProbabilityFlow(COARSE_VP, 12, False, corrector_steps=2),
    "edm": EdmSampler(COARSE_VE, 12, False),
    "forward": ForwardProcess(COARSE_VP, 12),
}
QUIET = {
    "flow": ProbabilityFlow(COARSE_VP, 12, False),
    "flow, euler": ProbabilityFlow(COARSE_VP, 12, False, solver="euler"),
    "flow, ddim": DDIMSampler(COARSE_VP, 12, False),
    "flow, multistep": MultistepSampler(COARSE_VP, 12, False),
    "flow, adaptive": AdaptiveFlow(COARSE_VP, 12, 1e-4),
}


def end(sampler: Sampler, path: BrownianPath | torch.Generator, particles: int = 64) -> Tensor:
    start = 3 * torch.randn(particles, 1, generator=seeded(5), dtype=torch.float64)
    *_, step = sampler.run(gaussian_score, start, path)
    return step.positions


@pytest.mark.claims
@pytest.mark.parametrize("sigma", [1e-3, 1e-6, 1e-8, 1e-15])
def test_the_path_is_brownian_down_to_the_finest_levels(sigma: float) -> None:
    """Increments over 0.5, 0.3 and 1.2 of sigma^2 are independent and have these variances."""
    times = [part * sigma**2 for part in (1.0, 1.5, 1.8, 3.0)]
    path = BrownianPath(3)
    found = torch.cat([path.increment(LIKE, *pair) for pair in itertools.pairwise(times)], 1) / sigma
    expected = torch.diag(torch.tensor([0.5, 0.3, 1.2], dtype=torch.float64))
    torch.testing.assert_close(torch.cov(found.T), expected, rtol=0, atol=0.03)
    together = path.increment(LIKE, times[0], times[-1]) / sigma
    torch.testing.assert_close(together[:, 0], found.sum(1))


def test_no_two_intervals_have_one_number() -> None:
    places = (0, 1, 2**DEPTH - 1, 2**DEPTH, 2 ** (DEPTH + 1) - 1)
    numbers = [Interval(place, level).number for place in places for level in range(LOWEST - DEPTH, HIGHEST)]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) >= 0
    assert 2 * max(numbers) + 1 < 2**32


def test_a_coarse_increment_is_the_sum_of_the_fine_ones() -> None:
    coarse, fine = [0.0, 1.0, 4.0], [0.1 * k for k in range(41)]
    path = BrownianPath(3)
    times = sorted({*coarse, *fine})
    for start, stop in itertools.pairwise(coarse):
        pieces = [pair for pair in itertools.pairwise(times) if start <= pair[0] < stop]
        assert len(pieces) >= 10
        total = sum(path.increment(LIKE, *pair) for pair in pieces)
        torch.testing.assert_close(path.increment(LIKE, start, stop), total, rtol=0, atol=1e-12)
        torch.testing.assert_close(path.increment(LIKE, stop, start), total, rtol=0, atol=1e-12)


def test_increments_have_the_variance_of_their_length_and_are_independent() -> None:
    path = BrownianPath(1)
    spans = [(0.0, 0.5), (0.5, 0.7), (0.7, 2.0)]
    found = torch.cat([path.increment(LIKE, *span) for span in spans], 1)
    for column, (start, stop) in zip(found.T, spans, strict=True):
        assert float(column.mean()) == pytest.approx(0, abs=4 * math.sqrt((stop - start) / len(LIKE)))
        assert float(column.var()) == pytest.approx(stop - start, rel=4 * math.sqrt(2 / len(LIKE)))
    others = torch.corrcoef(found.T)[~torch.eye(3, dtype=torch.bool)]
    assert float(others.abs().max()) < 4.5 / math.sqrt(len(LIKE))


def test_areas_have_a_twelfth_of_the_variance_and_are_independent_of_increments() -> None:
    path = BrownianPath(1)
    area, increment = path.area(LIKE, 0.0, 2.0), path.increment(LIKE, 0.0, 2.0)
    assert float(area.var()) == pytest.approx(2 / 12, rel=4 * math.sqrt(2 / len(LIKE)))
    assert abs(float(torch.corrcoef(torch.cat([area, increment], 1).T)[0, 1])) < 4.5 / math.sqrt(len(LIKE))


def test_the_area_of_a_coarse_step_is_the_integral_over_the_fine_path() -> None:
    times = [k / 100 for k in range(101)]
    path, like = BrownianPath(2), LIKE[:300]
    below = torch.cat([torch.zeros(1, 300, 1), *(path.increment(like, 0.0, time)[None] for time in times[1:])])
    trapezoids = ((below[1:] + below[:-1]) / 2 / 100).sum(0)
    area = path.area(like, 0.0, 1.0)
    # The trapezoidal rule misses the pieces' areas of variance h/12, which add up to h^2/12 in the integral.
    miss = area - (trapezoids - below[-1] / 2)
    assert float(miss.std()) == pytest.approx(1 / 100 / math.sqrt(12), rel=0.2)
    torch.testing.assert_close(path.area(like, 1.0, 0.0), -area)


def test_a_path_is_the_same_each_time_and_another_by_another_seed() -> None:
    one, again, other = (BrownianPath(seed).increment(LIKE[:8], 0.0, 2.0) for seed in (7, 7, 8))
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)


def test_a_path_does_not_depend_on_what_else_is_asked_of_it() -> None:
    """Its value at a time is a function of the seed and the time, to the last bit where the same two times are asked for."""
    asked, like = BrownianPath(7), LIKE[:8]
    for span in [(1e-4, 2.0), (0.3, 0.1), (700.0, 900.0), (0.3, 0.3001)]:
        asked.increment(like, *span)
    for span in [(0.5, 0.1), (0.1, 800.0), (0.0, 0.3), (0.3, 0.3000001)]:
        assert torch.equal(asked.increment(like, *span), BrownianPath(7).increment(like, *span))
        assert torch.equal(asked.area(like, *span), BrownianPath(7).area(like, *span))
    assert asked.increment(like[:3].float(), 0.0, 1.0).dtype == torch.float32


@pytest.mark.claims
@pytest.mark.parametrize("scale", [2.0**-30, 1.0, 2.0**30])
@pytest.mark.parametrize("cut", [0.25, 0.5, 0.7, 0.7001])
def test_steps_beside_each_other_have_the_law_of_the_path(cut: float, scale: float) -> None:
    """Increments and areas of two steps are independent, of variances h and h/12, wherever the cut lies."""
    path, spans = BrownianPath(9), [(0.2 * scale, cut * scale), (cut * scale, 0.8 * scale)]
    found = []
    for start, stop in spans:
        found.append(path.increment(LIKE, start, stop) / math.sqrt(stop - start))
        found.append(path.area(LIKE, start, stop) / math.sqrt((stop - start) / 12))
    covariance = torch.cov(torch.cat(found, 1).T)
    torch.testing.assert_close(
        covariance, torch.eye(4, dtype=torch.float64), rtol=0, atol=4.5 * math.sqrt(2 / len(LIKE))
    )


def test_a_time_inside_an_interval_that_is_not_halved_cuts_it_by_the_same_law() -> None:
    """Drawn by the formula for any length, halves of a known piece have the covariance of the formula for halves."""
    whole = Piece(3.0, torch.zeros(2, 50_000, dtype=torch.float64))
    ways = [whole.halves(seeded(1))[0], whole.first(1.5, seeded(2))]
    ways += [whole.halves(seeded(3))[1], whole.without(whole.first(1.5, seeded(4)))]
    exact = torch.tensor([[3 / 16, -3 / 32], [-3 / 32, 3 / 64 + 1 / 16]], dtype=torch.float64)
    for way, sign in zip(ways, (1, 1, -1, -1), strict=True):
        signs = torch.tensor([[1, sign], [sign, 1]])
        torch.testing.assert_close(torch.cov(way.values), exact * signs, rtol=0, atol=0.006)


@pytest.mark.parametrize("ends", [(1.0, 1.0), (-1.0, 2.0), (0.0, 2.0**65), (0.0, math.nan)])
def test_a_path_begins_at_zero_and_steps_have_two_times(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"has two times between 0 and 2\^64"):
        BrownianPath(0).increment(LIKE[:2], *ends)


@pytest.mark.parametrize("name", NOISY)
def test_two_runs_of_one_sampler_are_the_same_to_the_last_bit(name: str) -> None:
    sampler = NOISY[name]
    assert torch.equal(end(sampler, BrownianPath(4)), end(sampler, BrownianPath(4)))
    assert not torch.allclose(end(sampler, BrownianPath(4)), end(sampler, BrownianPath(5)))


@pytest.mark.parametrize("name", QUIET)
def test_samplers_without_noise_need_no_path(name: str) -> None:
    assert torch.equal(end(QUIET[name], BrownianPath(4)), end(QUIET[name], seeded()))


@pytest.mark.claims
@pytest.mark.parametrize("process", [VE, VP], ids=["VE", "VP"])
def test_moments_on_a_path_are_those_of_a_generator(process: Process) -> None:
    """The path's numbers are standard normal at every step, so the samples have the right standard deviation."""
    sampler = ReverseSDE(process, 100, False)
    found = end(sampler, BrownianPath(11), 5_000)
    free = end(sampler, seeded(11), 5_000)
    assert float(found.std()) == pytest.approx(float(free.std()), rel=0.05)
    assert float(found.mean()) == pytest.approx(float(free.mean()), abs=0.06)
    assert float(found.std()) == pytest.approx(STD, rel=0.1)
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.05)


def strong_errors(
    make: Callable[[int], Sampler], counts: tuple[int, ...], fine: int, shared: bool = True
) -> list[float]:
    """Root mean square distance of runs with few steps from one with `fine` steps; with separate noise unless `shared`."""
    runs = [make(count) for count in (*counts, fine)]
    ends = [end(run, BrownianPath(6) if shared else seeded(number), 300) for number, run in enumerate(runs)]
    return [float((one - ends[-1]).square().mean().sqrt()) for one in ends[:-1]]


STRONG: dict[str, tuple[Callable[[int], Sampler], int]] = {
    "Euler-Maruyama, VE": (lambda count: ReverseSDE(COARSE_VE, count, False), 1),
    "Euler-Maruyama, VP": (lambda count: ReverseSDE(COARSE_VP, count, False), 1),
    "stochastic Heun": (lambda count: ReverseSDE(COARSE_VP, count, False, solver="heun"), 1),
    "DPM-Solver++": (lambda count: MultistepSampler(COARSE_VP, count, False, stochasticity=1.0), 1),
    "DDIM": (lambda count: DDIMSampler(COARSE_VE, count, False, eta=1.0), 1),
    "EDM": (lambda count: EdmSampler(COARSE_VE, count, False, churn=10.0), 1),
    "ShARK, linear drift": (lambda count: ReverseSDE(COARSE_VP, count, False, solver="shark"), 2),
    "Langevin": (lambda count: Langevin(0.3, 0.8 / count, count), 1),
    "annealed Langevin": (
        lambda count: AnnealedLangevin(torch.tensor([1.0, 0.5], dtype=torch.float64), 0.4 / count, count, False),
        1,
    ),
}


@pytest.mark.claims
@pytest.mark.parametrize("name", STRONG)
def test_runs_on_one_path_converge_strongly(name: str) -> None:
    make, order = STRONG[name]
    errors = strong_errors(make, (32, 64), 512)
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25), errors
    assert errors[1] < 0.05


@pytest.mark.parametrize("name", ["Euler-Maruyama, VP", "Langevin"])
def test_runs_with_separate_noise_do_not_converge(name: str) -> None:
    errors = strong_errors(STRONG[name][0], (32, 64), 512, shared=False)
    assert min(errors) > 0.1
    assert abs(math.log2(errors[0] / errors[1])) < 0.25


@pytest.mark.claims
def test_two_processes_are_driven_by_one_path() -> None:
    """VE and VP solve the same SDE in variance-exploding coordinates, so with more steps their particles end closer together."""
    vp = COARSE_VP
    ve = VarianceExploding(0.5, float(vp.sigma(1.0)))
    start = float(vp.sigma(1.0)) * torch.randn(200, 1, generator=seeded(5), dtype=torch.float64)

    def apart(count: int) -> float:
        runs = [ReverseSDE(process, count, False) for process in (ve, vp)]
        ends = []
        for run in runs:
            *_, step = run.run(gaussian_score, float(run.process.scale(1.0)) * start, BrownianPath(6))
            ends.append(step.positions)
        return float((ends[0] - ends[1]).square().mean().sqrt())

    assert apart(200) < 0.08
    assert math.log2(apart(100) / apart(200)) == pytest.approx(1, abs=0.3)
