"""The ODE solver against closed forms, scipy and torchdiffeq."""

import math
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import torch
import torchdiffeq
from torch import Tensor

from playground.lab.compute import result
from playground.theory.densities import GaussianMixture
from playground.theory.noise import VarianceExploding
from playground.theory.ode import Field, OdeResult, TooManySteps, _Rows, dormand_prince, tolerance_floor
from tests.generators import seeded

PROCESS = VarianceExploding(0.05, 8.0)
TIGHT = 1e-10


def mixture() -> GaussianMixture:
    means = torch.tensor([[1.0, 0.5], [-1.2, 0.3], [0.2, -1.1]], dtype=torch.float64)
    return GaussianMixture(means, torch.tensor([0.2, 0.1, 0.4], dtype=torch.float64))


def flow(x: Tensor, t: Tensor) -> Tensor:
    return PROCESS.probability_flow(mixture().score, x, t)


def solve(field: Field, x0: Tensor, t0: float, t1: float, tolerance: float = TIGHT, **options: Any) -> OdeResult:
    return result(dormand_prince(field, x0, t0, t1, tolerance, **options))


def points(count: int, seed: int = 0) -> Tensor:
    return mixture().sample(count, seeded(seed))


def test_forwards_agrees_with_scipy_point_by_point() -> None:
    x0 = points(4)
    found = solve(flow, x0, 0.0, 1.0).x
    for start, end in zip(x0, found, strict=True):
        oracle = scipy.integrate.solve_ivp(
            lambda t, x: flow(torch.from_numpy(x)[None], torch.tensor([t], dtype=torch.float64))[0].numpy(),
            (0.0, 1.0),
            start.numpy(),
            method="DOP853",
            rtol=1e-11,
            atol=1e-11,
        )
        np.testing.assert_allclose(end.numpy(), oracle.y[:, -1], atol=1e-8)


def test_backwards_agrees_with_torchdiffeq() -> None:
    x1 = 8 * torch.randn(20, 2, dtype=torch.float64, generator=seeded(1))
    times = torch.tensor([1.0, 0.0], dtype=torch.float64)
    oracle = torchdiffeq.odeint(lambda t, x: flow(x, t.expand(len(x))), x1, times, rtol=1e-11, atol=1e-11)[-1]
    torch.testing.assert_close(solve(flow, x1, 1.0, 0.0).x, oracle, rtol=0, atol=1e-7)


def test_a_solve_and_its_reverse_end_at_the_start() -> None:
    x0 = points(50)
    there = solve(flow, x0, 0.0, 1.0).x
    torch.testing.assert_close(solve(flow, there, 1.0, 0.0).x, x0, rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def thousand() -> tuple[Tensor, Tensor]:
    """A thousand points of noise, and their ends under the flow."""
    x1 = 8 * torch.randn(1000, 2, dtype=torch.float64, generator=seeded(1))
    return x1, solve(flow, x1, 1.0, 0.0).x


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
def test_the_largest_error_of_x_is_near_the_tolerance(tolerance: float, thousand: tuple[Tensor, Tensor]) -> None:
    """From noise to data the flow contracts, except between modes, so the worst of 1,000 points may have 25 tolerances."""
    x1, exact = thousand
    error = (solve(flow, x1, 1.0, 0.0, tolerance).x - exact).abs().amax(1)
    assert float(error.max()) < 25 * tolerance
    assert float(error.median()) < tolerance


def test_hard_points_are_more_accurate_than_with_a_shared_step() -> None:
    """One point of a thousand oscillates, and torchdiffeq's error norm averages over all."""
    rate = torch.ones(1000, 1, dtype=torch.float64)
    rate[-1] = 60.0

    def field(x: Tensor, t: Tensor) -> Tensor:
        return rate[: len(x)] * torch.cos(rate[: len(x)] * t[:, None])

    x0 = torch.zeros(1000, 1, dtype=torch.float64)
    exact = torch.sin(rate)
    times = torch.tensor([0.0, 1.0], dtype=torch.float64)
    shared = torchdiffeq.odeint(lambda t, x: field(x, t.expand(len(x))), x0, times, rtol=1e-4, atol=1e-4)[-1]

    def own(x: Tensor, t: Tensor) -> Tensor:  # each row keeps its rate
        return torch.cat([x[:, 1:] * torch.cos(x[:, 1:] * t[:, None]), torch.zeros_like(x[:, 1:])], 1)

    result = solve(own, torch.cat([x0, rate], 1), 0.0, 1.0, 1e-4)
    worst_own, worst_shared = (float((x - exact).abs().max()) for x in (result.x[:, :1], shared))
    assert worst_own < 1e-3
    assert worst_shared > 5 * worst_own
    assert int(result.evaluations[-1]) > 5 * int(result.evaluations[0])


def test_each_point_is_solved_as_if_alone() -> None:
    x0 = points(30)
    together = solve(flow, x0, 0.0, 1.0, 1e-5)
    for batch in (1, 7):
        chunked = solve(flow, x0, 0.0, 1.0, 1e-5, batch=batch)
        torch.testing.assert_close(chunked.x, together.x, rtol=0, atol=1e-12)
        assert torch.equal(chunked.evaluations, together.evaluations)


def counting() -> tuple[Callable[[Tensor, Tensor], Tensor], list[int]]:
    """The flow, and the number of points of each of its evaluations."""
    rows: list[int] = []

    def counted(x: Tensor, t: Tensor) -> Tensor:
        rows.append(len(x))
        return flow(x, t)

    return counted, rows


def test_waiting_points_replace_finished_ones() -> None:
    counted, rows = counting()
    solve(counted, points(200), 0.0, 1.0, 1e-5, batch=20)
    assert max(rows) == 20
    assert sum(rows) / len(rows) > 16.5  # 15.9 if no row joins before all have finished


def test_constant_components_hide_no_error() -> None:
    """A log-density beside 64 pixels is as exact as alone, as a point's error is that of its worst component."""
    x0 = points(10)
    alone = solve(flow, x0, 0.0, 1.0, 1e-4)
    beside = solve(
        lambda x, t: torch.cat([flow(x[:, :2], t), torch.zeros_like(x[:, 2:])], 1),
        torch.cat([x0, torch.zeros(10, 62, dtype=torch.float64)], 1),
        0.0,
        1.0,
        1e-4,
    )
    torch.testing.assert_close(beside.x[:, :2], alone.x, rtol=0, atol=1e-12)
    assert torch.equal(beside.evaluations, alone.evaluations)


def growing(x: Tensor, t: Tensor) -> Tensor:
    """The field x' = x cos t, whose integral from 0 is x - x0."""
    return x * torch.cos(t)[:, None]


def test_integrands_are_evaluated_three_times_in_steps_that_x_accepts() -> None:
    """One row's x changes suddenly and rejects steps that the other accepts."""
    rows: dict[str, int] = {"field": 0, "integrand": 0}

    def field(x: Tensor, t: Tensor) -> Tensor:
        rows["field"] += len(x)
        return torch.where(x[:, 1:] > 0, torch.tanh(200 * (t[:, None] - 1)), 0.1) * torch.tensor([1.0, 0.0])

    def integrand(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        slope = field(x, t)
        assert len(x)  # convolutions accept no empty batch
        rows["field"] -= len(x)
        rows["integrand"] += len(x)
        return slope, torch.ones_like(x[:, :1])

    for sudden, refused in ((0.0, False), (1.0, True)):
        rows.update(field=0, integrand=0)
        x0 = torch.tensor([[0.0, sudden]], dtype=torch.float64)
        found = solve(field, x0, 0.0, 3.0, 1e-6, integrand=integrand)
        assert sum(rows.values()) == int(found.evaluations)
        attempts = (rows["field"] - 1) // 5  # and one for the length of the first step
        assert rows["field"] == 5 * attempts + 1
        assert (rows["integrand"] < 3 * attempts + 1) == refused
        assert rows["integrand"] <= 3 * attempts + 1
        torch.testing.assert_close(found.integrals, torch.full((1, 1), 3.0).double(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("ends", [(0.0, 3.0), (3.0, 0.0)], ids=["forwards", "backwards"])
def test_integrals_along_the_solution_are_as_exact_as_the_solution(ends: tuple[float, float], tolerance: float) -> None:
    """Two integrals in batches, which do not change the path."""
    x0, times = torch.linspace(0.5, 2, 30, dtype=torch.float64)[:, None], torch.linspace(*ends, 20, dtype=torch.float64)

    def integrand(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        slope = growing(x, t)
        return slope, torch.cat([slope, -2 * slope], 1)

    nothing = torch.zeros(30, 2, dtype=torch.float64)
    found = solve(growing, x0, *ends, tolerance, integrand=integrand, allowance=nothing, times=times, batch=8)
    exact = x0 * math.exp(math.sin(ends[1]) - math.sin(ends[0]))
    torch.testing.assert_close(found.x, exact, rtol=0, atol=2 * tolerance)
    expected = (exact - x0) * torch.tensor([1.0, -2.0])
    torch.testing.assert_close(found.integrals, expected, rtol=0, atol=4 * tolerance)
    assert found.path is not None
    along = x0 * torch.exp(torch.sin(times) - math.sin(ends[0]))[:, None, None]
    torch.testing.assert_close(found.path, along, rtol=0, atol=20 * tolerance)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_the_largest_error_of_an_integral_is_near_the_tolerance_if_x_is_constant(tolerance: float) -> None:
    """Peaks of widths from 0.05 to 1 at any time. x is the constant position and width, and does not require short steps."""
    place = torch.rand(300, dtype=torch.float64, generator=seeded(0))
    width = torch.logspace(math.log10(0.05), 0, 300, dtype=torch.float64)

    def integrand(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(x), (1 / (1 + ((t - x[:, 0]) / x[:, 1]).square()) / x[:, 1])[:, None]

    x0 = torch.stack([place, width], 1)
    found = solve(lambda x, t: torch.zeros_like(x), x0, 0.0, 1.0, tolerance, integrand=integrand)
    exact = ((1 - place) / width).atan() + (place / width).atan()
    error = (found.integrals[:, 0] - exact).abs()
    assert float(error.max()) < 25 * tolerance
    assert float(error.median()) < tolerance


@pytest.mark.parametrize("shape", [torch.cos, torch.sin], ids=["even", "odd"])
def test_a_wrong_integral_is_rejected_whether_even_or_odd(
    shape: Callable[[Tensor], Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The integrand is even or odd about the middle of [t0, t1], which the first step would span."""
    monkeypatch.setattr(_Rows, "_first_step", lambda rows: torch.full_like(rows.t, 2.0))

    def integrand(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(x), shape(4 * t)[:, None]

    x0 = torch.zeros(1, 1, dtype=torch.float64)
    found = solve(lambda x, t: torch.zeros_like(x), x0, -1.0, 1.0, 1e-6, integrand=integrand)
    assert int(found.evaluations) > 3 * 8 + 2
    assert float(found.integrals) == pytest.approx(math.sin(4) / 2 if shape is torch.cos else 0, abs=1e-6)


def test_integrals_of_given_up_rows_are_nan_and_infinite_ones_are_rejected() -> None:
    def integrand(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return growing(x, t), torch.where((x > 50) & (t[:, None] > 0.5), torch.nan, growing(x, t))

    x0 = torch.tensor([[1.0], [100.0], [2.0]], dtype=torch.float64)
    found = solve(growing, x0, 0.0, 1.0, 1e-6, integrand=integrand, give_up=True, batch=2)
    assert found.integrals.isnan()[:, 0].tolist() == found.x.isnan()[:, 0].tolist() == [False, True, False]
    torch.testing.assert_close(found.integrals[::2], (found.x - x0)[::2], rtol=0, atol=1e-5)
    with pytest.raises(TooManySteps, match=r"fell to nothing near t = 0\.5"):
        solve(growing, x0, 0.0, 1.0, 1e-6, integrand=integrand)


def test_evaluations_are_counted_and_finished_points_take_none() -> None:
    counted, rows = counting()
    result = solve(counted, points(200), 0.0, 1.0, 1e-6)
    assert sum(rows) == int(result.evaluations.sum())
    assert rows[0] == 200
    assert rows[-1] < 200
    assert int(result.evaluations.min()) < int(result.evaluations.max())


def test_path_lies_on_the_solution() -> None:
    """x' = x cos t has the solution x0 exp(sin t), backwards too. Interpolation between steps adds little error."""
    x0 = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    for t0, t1 in ((0.0, 4.0), (4.0, 0.0)):
        times = torch.linspace(t0, t1, 33, dtype=torch.float64)
        path = solve(lambda x, t: x * torch.cos(t)[:, None], x0, t0, t1, 1e-7, times=times).path
        assert path is not None
        exact = x0[None] * torch.exp(torch.sin(times) - math.sin(t0))[:, None, None]
        assert path.shape == (33, 2, 1)
        torch.testing.assert_close(path, exact, rtol=0, atol=1e-4)
        assert torch.equal(path[0], x0)


def test_stopping_early_stops_the_work() -> None:
    counted, calls = counting()
    run = dormand_prince(counted, points(10), 0.0, 1.0, 1e-6, batch=5)
    fractions = [next(run) for _ in range(20)]
    assert fractions == sorted(fractions)
    assert 0 == fractions[0] < fractions[-1] < 0.5
    assert len(calls) == 2 + 20
    assert isinstance(run, Generator)
    run.close()
    assert len(calls) == 2 + 20


def test_progress_only_grows() -> None:
    fractions = list(dormand_prince(flow, points(40), 0.0, 1.0, 1e-5, batch=16))
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1.0


def test_too_many_steps_give_a_message() -> None:
    with pytest.raises(TooManySteps, match=r"3 points are not there after 5 steps .* raise the tolerance above 1e-09"):
        solve(flow, points(3), 0.0, 1.0, 1e-9, max_steps=5)


def test_the_error_counts_the_stuck_rows_only() -> None:
    """Row 0 oscillates. The others finish in a few steps, and more rows join."""

    def field(x: Tensor, t: Tensor) -> Tensor:
        return torch.where(x > 50, 1e4 * torch.cos(1e5 * t)[:, None], -x)

    x0 = torch.cat([torch.full((1, 1), 100.0), torch.linspace(0, 1, 30)[:, None]]).double()
    with pytest.raises(
        TooManySteps,
        match=r"^1 point is not there after 200 steps .*: raise the tolerance above 1e-06 or the finest noise level\.",
    ):
        solve(field, x0, 0.0, 1.0, 1e-6, max_steps=200, batch=8)


def decaying(x: Tensor, t: Tensor) -> Tensor:
    return torch.cos(t)[:, None] - 1e4 * x


def test_a_decay_is_stiff_at_a_loose_tolerance() -> None:
    x0 = torch.randn(3, 2, dtype=torch.float64, generator=seeded(0))
    with pytest.raises(TooManySteps, match="stiff"):
        solve(decaying, x0, 0.0, 1.0, 0.1, max_steps=2_000)


@pytest.mark.parametrize("tolerance", [1e-6, 1e-4, 1e-2])
def test_the_advice_on_too_many_steps_depends_on_their_cause(tolerance: float) -> None:
    """A fast decay limits the step at any tolerance. A rotation limits it by the error, and a tenfold tolerance helps."""

    def turning(x: Tensor, t: Tensor) -> Tensor:
        return 200 * torch.stack([x[:, 1], -x[:, 0]], 1)

    x0 = torch.randn(3, 2, dtype=torch.float64, generator=seeded(0))
    needed = solve(turning, x0, 0.0, 1.0, 10 * tolerance).evaluations.max() // 6
    for field, way_out in (
        (decaying, r"stiff there, .* raise the finest noise level"),
        (turning, "raise the tolerance above"),
    ):
        with pytest.raises(TooManySteps, match=way_out):
            solve(field, x0, 0.0, 1.0, tolerance, max_steps=int(needed))


def test_rows_that_are_given_up_do_not_change_the_others() -> None:
    """One row oscillates and one has a field that is not finite, while nine wait for a place."""

    def field(x: Tensor, t: Tensor) -> Tensor:
        broken = torch.where(t[:, None] > 0.5, torch.nan, 0 * x)
        return torch.where(x > 50, torch.where(x > 150, broken, 1e4 * torch.cos(1e5 * t)[:, None]), -x)

    x0 = torch.tensor([0.1, 100.0, 0.2, 200.0, *torch.linspace(0.3, 1, 7).tolist()], dtype=torch.float64)[:, None]
    sound, times = (x0 < 50)[:, 0], torch.linspace(0, 1, 5, dtype=torch.float64)
    options = {"times": times, "max_steps": 200, "batch": 3}
    found = solve(field, x0, 0.0, 1.0, 1e-6, give_up=True, **options)
    alone = solve(field, x0[sound], 0.0, 1.0, 1e-6, **options)
    torch.testing.assert_close(found.x[sound], alone.x, rtol=0, atol=0)
    assert found.path is not None
    assert alone.path is not None
    torch.testing.assert_close(found.path[:, sound], alone.path, rtol=0, atol=0)
    assert found.x[~sound].isnan().all()
    assert found.path[:, ~sound].isnan().all()


def test_all_rows_may_be_given_up() -> None:
    found = solve(lambda x, t: torch.full_like(x, torch.nan), points(7), 0.0, 1.0, 1e-4, give_up=True, batch=3)
    assert found.x.isnan().all()


def test_the_last_time_is_recorded_in_spite_of_rounding() -> None:
    for end in np.linspace(0.3, 100, 300):
        x = torch.ones(2, 1)
        times = torch.tensor([0.0, end], dtype=torch.float32).atan()
        found = solve(lambda x, t: torch.ones_like(x), x, 0.0, math.atan(end), 1e-3, times=times)
        assert found.path is not None
        torch.testing.assert_close(found.path[-1], found.x)


def test_a_field_that_is_not_finite_gives_a_message() -> None:
    def broken(x: Tensor, t: Tensor) -> Tensor:
        return torch.where(t[:, None] > 0.5, torch.nan, x)

    with pytest.raises(TooManySteps, match=r"fell to nothing near t = 0\.5"):
        solve(broken, points(3), 0.0, 1.0, 1e-4)
    with pytest.raises(TooManySteps):
        solve(lambda x, t: torch.full_like(x, torch.nan), points(3), 0.0, 1.0, 1e-4)


def test_no_points_and_no_time_are_allowed() -> None:
    assert solve(flow, torch.zeros(0, 2, dtype=torch.float64), 0.0, 1.0).x.shape == (0, 2)
    still = solve(flow, points(3), 0.5, 0.5)
    assert torch.equal(still.x, points(3))
    assert still.evaluations.tolist() == [0, 0, 0]


def test_the_tolerance_in_float32_has_a_floor() -> None:
    """At 1e-9 the steps do not become tiny, as the tolerance is raised to what float32 can resolve."""
    x0 = points(50)
    single = GaussianMixture(mixture().means.float(), mixture().stds.float())
    result = solve(lambda x, t: PROCESS.probability_flow(single.score, x, t), x0.float(), 0.0, 1.0, 1e-9)
    assert tolerance_floor(torch.float32) == pytest.approx(1.9e-6, rel=0.01)
    assert int(result.evaluations.max()) < 600
    torch.testing.assert_close(result.x.double(), solve(flow, x0, 0.0, 1.0).x, rtol=1e-4, atol=2e-4)
