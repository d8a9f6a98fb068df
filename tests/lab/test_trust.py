"""Warnings about log p: for extrapolation and for failures of the flow, and for no other points."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from playground.lab.compute import result
from playground.lab.evaluation import evaluate
from playground.lab.likelihood import log_likelihood
from playground.lab.problem import Problem
from playground.lab.trust import FAR, closed_form, extrapolation_warnings, few_data, flow_warnings, missed, remoteness
from playground.theory import likelihood as flow
from playground.theory.densities import GaussianMixture
from tests.densities import density_of
from tests.figures import flat
from tests.fitting import dotted, fitting


def build(**changes: object) -> Problem:
    return Problem.build(fitting({"data.points": 1_000}, dotted(changes)))


def measured(problem: Problem, points: np.ndarray, tolerance: float | None = None) -> Any:
    score = problem.known_score(problem.experiment.likelihood.source)
    return result(log_likelihood(problem, score or problem.network(), points, tolerance=tolerance, give_up=True))


@pytest.mark.parametrize("kind", ["two-moons", "eight-gaussians", "checkerboard", "two-spirals", "digits"])
def test_test_points_are_no_extrapolation(kind: str) -> None:
    problem = Problem.build(fitting({"data.points": 20_000}, {"data.kind": kind}))
    assert remoteness(problem, problem.dataset.held_out).max() < FAR


def test_far_points_and_holes_are_extrapolation() -> None:
    """For eight Gaussians of width 0.35 at 2.8 from the centre: the centre, and points a radius farther out."""
    problem = build(data__kind="eight-gaussians", data__points=20_000)
    points = np.array([[0.0, 0.0], [2.83, 0.0], [6.0, 0.0], [1e9, -1e9], [1e15, 1e15]])
    assert (remoteness(problem, points) > FAR).tolist() == [True, False, True, True, True]
    said = extrapolation_warnings(problem, points)
    assert [note and note.code for note in said] == [
        "extrapolated",
        None,
        "extrapolated",
        "extrapolated",
        "extrapolated",
    ]


def test_few_data_are_told_by_the_density_alone() -> None:
    """Of two Gaussians: at a mode, at the edge of one, and between the two."""
    problem = build(data__kind="two-gaussians", data__points=20_000)
    density = problem.dataset.density
    assert isinstance(density, GaussianMixture)
    assert density.modes is not None
    sigma = problem.units.sigma_to_user(problem.noise.sigma_min)
    mode, way = density.modes[0].numpy(), np.array([1.0, -1.0]) / math.sqrt(2)
    std = float(density.stds[0])
    # Of 10,000 points, half are of this mode, and exp(-r^2/2) of those lie beyond r: 25 of both modes at 3.46, 1 at 4.3.
    points = np.stack([mode, mode + 3.3 * std * way, mode + 4.3 * std * way, np.zeros(2)])
    said = few_data(problem, points, sigma)
    assert [note and note.code for note in said] == [None, None, "few-data", "few-data"]
    assert str(said[3]) == (
        "Few data are here: none of 10,000 training points with noise has so low an exact log p. Learned log p and score may be "
        "far off."
    )
    held_out = few_data(problem, problem.dataset.held_out, sigma)
    assert sum(note is not None for note in held_out) / len(held_out) < 0.005
    assert few_data(build(data__kind="digits"), np.zeros((1, 1, 8, 8)), 0.1) == [None]


def test_training_points_with_noise_are_no_few_data() -> None:
    """At a coarse level every point without noise has a higher density than half of those with it, at which a network is trained."""
    problem = build(data__kind="two-gaussians", data__points=20_000)
    points, noise = problem.dataset.held_out, np.random.default_rng(0).normal(size=problem.dataset.held_out.shape)
    for sigma in (1.0, 10.0, 100.0):
        assert sum(note is not None for note in few_data(problem, points + sigma * noise, sigma)) / len(points) < 0.005
        (far,) = few_data(problem, np.full((1, 2), 6.0 * sigma + 30), sigma)
        assert far is not None


def test_distances_are_multiples_of_the_spacing(tmp_path: Any) -> None:
    """On a grid the spacing is the distance of neighbours. If all points repeat, it is that of the finest noise."""
    grid = np.stack(np.meshgrid(np.arange(30.0), np.arange(30.0)), axis=-1).reshape(-1, 2)
    np.save(tmp_path / "grid.npy", grid)
    np.save(tmp_path / "twice.npy", np.repeat(grid[::9], 9, axis=0))
    path = str(tmp_path / "grid.npy")
    points = np.array([[0.0, 0.0], [-70.0, 0.0]])
    # A fifth is held out, so one in 600 training points has none of its four neighbours: the distance is 1, or sqrt 2.
    fine = build(data__kind="file", data__path=path, noise__sigma_min=0.1)
    assert remoteness(fine, points)[1] == pytest.approx(70, rel=0.02)
    twice = build(data__kind="file", data__path=str(tmp_path / "twice.npy"), noise__sigma_min=0.2)
    assert remoteness(twice, points)[1] == pytest.approx(70 / (3 * 0.2 * math.sqrt(2) / FAR), rel=0.02)


def test_closed_forms_are_of_the_source_and_in_the_user_s_unit() -> None:
    points = np.array([[1.0, 20.0], [150.0, -70.0]])
    problem = build(data__scale=100.0, likelihood__source="empirical")
    sigma, train = 3.0, problem.dataset.points
    squares = ((points[:, None] - train) ** 2).sum(axis=-1) / (2 * sigma**2)
    by_hand = torch.logsumexp(torch.from_numpy(-squares), dim=1).numpy() - np.log(len(train) * 2 * np.pi * sigma**2)
    found = closed_form(problem, points, sigma)
    assert found is not None
    np.testing.assert_allclose(found, by_hand, rtol=1e-4)
    exact = build(data__scale=100.0, likelihood__source="exact")
    assert exact.dataset.density is not None
    truth = density_of(exact.dataset).log_prob(torch.from_numpy(points), sigma).numpy()
    found = closed_form(exact, points, sigma)
    assert found is not None
    np.testing.assert_allclose(found, truth)
    assert closed_form(build(), points, sigma) is None


def test_a_flow_misses_by_a_tenth_of_a_nat_and_two_per_cent() -> None:
    known = np.array([-1.0, -1.0, -1000.0, -1000.0, -5.0])
    log_prob = known + np.array([0.11, 0.13, -20.0, 21.0, np.nan])
    assert missed(log_prob, known, np.zeros(5), 1).tolist() == [False, True, False, True, True]
    assert missed(log_prob, known, None, 1).tolist() == [False] * 4 + [True]


def test_a_single_point_misses_by_more_than_chance() -> None:
    """The limit is 20 errors, of the point or of all points. Few probes do not give errors, but nan always counts."""
    known = np.full(5, -1.0)
    log_prob = known + np.array([1.9, 2.4, 2.4, 3.0, np.nan])
    error = np.array([0.1, 0.1, 0.12, 0.1, np.nan])
    assert missed(log_prob, known, error, 4).tolist() == [False, True, False, True, True]
    assert missed(log_prob, known, error, 3).tolist() == [False] * 4 + [True]


@pytest.mark.claims
@pytest.mark.parametrize("probe", ["rademacher", "gaussian"])
@pytest.mark.parametrize("probes", [2, 8])
def test_an_estimated_trace_is_not_rejected_for_its_chance_error(probe: str, probes: int) -> None:
    """Two Rademacher probes agree at every second point, which then has no error of its own, and miss by up to 4 nats."""
    problem = build(
        data__points=10_000,
        likelihood__points=1_000,
        likelihood__source="exact",
        likelihood__trace="hutchinson",
        likelihood__trace_probes=probes,
        likelihood__probes=probe,
    )
    assert problem.density is not None
    found = measured(problem, problem.evaluation_points)
    assert np.abs(found.log_prob - found.exact).max() > 1
    assert not any(flow_warnings(problem, problem.evaluation_points, found.log_prob, found.standard_error))
    within = np.abs(found.log_prob - found.exact) <= 2 * found.standard_error
    assert 0.85 < within.mean() < 0.99
    last = result(evaluate(problem, density_of(problem).score))
    spread = found.standard_error**2
    assert flat(last)["test_nll"] == pytest.approx(-found.exact.mean(), abs=4 * math.sqrt(spread.sum()) / 1_000)
    assert flat(last)["trace_standard_error"] == pytest.approx(math.sqrt(spread.mean()))


@pytest.mark.claims
@pytest.mark.parametrize("probes", [2, 8])
def test_a_wrong_flow_is_rejected_with_an_estimated_trace_too(probes: int) -> None:
    """With half of the score, log p is off by 2 nats on average; chance causes 0.05, and 0.2 are allowed."""
    problem = build(
        likelihood__points=200,
        likelihood__source="exact",
        likelihood__trace="hutchinson",
        likelihood__trace_probes=probes,
    )
    density = problem.density
    assert density is not None
    last = result(evaluate(problem, lambda x, sigma: density.score(x, sigma) / 2))
    assert flat(last)["test_nll"] is None
    assert str(flat(last)["reasons"]["test_nll"]).startswith("The mean log p of 200 held-out points misses")
    alone = measured(problem, problem.evaluation_points[:1])
    assert flow_warnings(problem, problem.evaluation_points[:1], alone.log_prob - 2, alone.standard_error) == [None]
    twice = result(
        log_likelihood(problem, lambda x, sigma: 2 * density.score(x, sigma), problem.evaluation_points, give_up=True)
    )
    doubts = flow_warnings(problem, problem.evaluation_points, twice.log_prob, twice.standard_error)
    assert sum(str(note).startswith("not measured: the flow gives") for note in doubts) > 100


def test_a_loose_tolerance_is_rejected_with_an_estimated_trace_too() -> None:
    problem = build(
        likelihood__source="empirical",
        likelihood__points=100,
        likelihood__tolerance=0.1,
        likelihood__trace="hutchinson",
        likelihood__trace_probes=8,
    )
    last = result(evaluate(problem, problem.empirical.score))
    assert flat(last)["test_nll"] is None
    assert "The mean log p of 100 held-out points" in str(flat(last)["reasons"]["test_nll"])


@pytest.mark.parametrize("tolerance", [1e-4, 1e-2, 0.1])
def test_no_tolerance_lets_a_wrong_log_p_of_the_training_set_pass(tolerance: float) -> None:
    """Between training points the training set's flow turns sharply, so a loose tolerance is off by tens of nats there."""
    problem = build(likelihood__source="empirical")
    points = np.concatenate([problem.dataset.held_out[:10], np.random.default_rng(0).uniform(-6, 6, (30, 2))])
    found = measured(problem, points, tolerance)
    known = closed_form(problem, points, found.sigma)
    assert known is not None
    sound = np.array([not note for note in flow_warnings(problem, points, found.log_prob, found.standard_error)])
    wrong = np.abs(found.log_prob - known) > 0.1 + 0.02 * np.abs(known)
    np.testing.assert_array_equal(sound, ~wrong)
    assert sound[:10].sum() >= 5
    assert tolerance < 0.1 or wrong.any()


def test_a_point_that_is_given_up_does_not_change_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the moons the training set's flow takes 1,500 steps."""
    problem = build(likelihood__source="empirical")
    near, far = problem.dataset.held_out[:3], np.array([[-0.65, -2.56]])
    monkeypatch.setattr(flow, "MOST_STEPS", 150)
    found = measured(problem, np.concatenate([near[:1], far, near[1:]]), 1e-6)
    assert np.isnan(found.log_prob).tolist() == [False, True, False, False]
    assert np.isnan(found.latent[1]).all()
    np.testing.assert_allclose(found.log_prob[[0, 2, 3]], measured(problem, near, 1e-6).log_prob, atol=2e-3)
    note = flow_warnings(problem, far, found.log_prob[1:2], found.standard_error[1:2])[0]
    assert str(note).startswith("not measured: the flow from here takes too many steps")


@pytest.mark.claims
def test_a_test_set_on_which_the_flow_fails_has_no_nll() -> None:
    narrow = {"data__points": 200, "noise__sigma_min": 0.007}
    problem = build(likelihood__source="empirical", likelihood__points=50, likelihood__tolerance=0.1, **narrow)
    last = result(evaluate(problem, problem.empirical.score))
    assert flat(last)["test_nll"] is None
    assert "held-out points the flow misses the closed form, by up to" in str(flat(last)["reasons"]["test_nll"])
    tight = build(likelihood__source="empirical", likelihood__points=50, **narrow)
    last = result(evaluate(tight, tight.empirical.score))
    known = closed_form(tight, tight.evaluation_points, tight.units.sigma_to_user(tight.noise.sigma_min))
    assert known is not None
    assert flat(last)["test_nll"] == pytest.approx(-known.mean(), rel=0.01)
