"""Likelihoods, maps and figures in the user's units, with the exact score and with networks."""

import math
import re
from collections.abc import Callable, Generator
from dataclasses import replace as with_fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.neighbors import KernelDensity

from playground.data import Dataset
from playground.lab import compute, kernel_reference, sample_metrics
from playground.lab.conflicts import LEAST_SAMPLES
from playground.lab.density_map import density_map, integral
from playground.lab.evaluation import evaluate, sample_distances
from playground.lab.experiment import Experiment, ExperimentError, replace
from playground.lab.fields import grid_points, log_density_at
from playground.lab.figures import FIGURES, needing, sorts_of
from playground.lab.latent import interpolate
from playground.lab.likelihood import decode, log_likelihood, round_trip
from playground.lab.measured import Measured
from playground.lab.problem import Problem
from playground.lab.progress import MeasuringProgress
from playground.messages import plain
from playground.theory import likelihood as theory
from playground.theory import two_samples
from playground.theory.noise.process import ScoreFunction
from playground.theory.transport import squared_wasserstein2
from tests.densities import density_of
from tests.figures import flat
from tests.fitting import CONTINUOUS, dotted, fitting
from tests.generators import seeded
from tests.present import present

BOUNDS = (-2.0, 3.0, -1.5, 2.0)


def experiment(**settings: object) -> Experiment:
    quick = {"data.points": 1000, "likelihood.points": 200}
    return fitting(quick, dotted(settings))


def odd_units(scale: tuple[float, float] = (40.0, 40.0), noise: str = "ve", **settings: object) -> Problem:
    """Gaussian data of a file, with offsets 300 and -5000; `normal_score` is the exact score."""
    points = np.random.default_rng(0).normal(size=(1200, 2)) * scale + [300, -5000]
    dataset = Dataset("odd", points[:1000], None, (2,), ("x", "y"), points[1000:])
    return Problem.build(experiment(data__kind="file", data__path="odd.csv", noise__kind=noise, **settings), dataset)


def normal_score(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    return -x / (1 + sigma.reshape(-1, *[1] * (x.ndim - 1)) ** 2)


def measured(problem: Problem, score: ScoreFunction, samples: np.ndarray | None) -> dict[str, Any]:
    """The figures of a score and of samples."""
    likelihoods, distances = (
        flat(compute.result(evaluate(problem, score))),
        flat(compute.result(sample_distances(problem, samples))),
    )
    return likelihoods | distances | {"reasons": likelihoods["reasons"] | distances["reasons"]}


@pytest.mark.parametrize("noise", ["discrete", *CONTINUOUS])
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_log_likelihoods_of_the_exact_score_are_the_densitys(noise: str, scale: float) -> None:
    """Two moons, also 100 times larger: log p has the Jacobian of the units and, for VP, of the contraction.

    The remaining error is that of the prior, a Gaussian with the moments of the smoothed data. With one variance for both
    axes it would be a few hundredths of a nat for VE.
    """
    problem = Problem.build(experiment(data__points=20_000, data__scale=scale, noise__kind=noise))
    points = problem.dataset.held_out[:50]
    result = compute.result(log_likelihood(problem, density_of(problem).score, points))
    exact = density_of(problem.dataset).log_prob(torch.from_numpy(points), float(result.sigma)).numpy()
    np.testing.assert_allclose(result.log_prob, exact, atol=1e-3)
    np.testing.assert_allclose(present(result.exact), exact, atol=1e-3)
    np.testing.assert_allclose(result.prior_term + result.trace_term, result.log_prob)
    assert result.sigma == pytest.approx(problem.units.sigma_to_user(problem.noise.sigma_min))
    assert result.evaluations.min() > 20


def test_the_automatic_sigma_max_makes_the_error_of_the_prior_small() -> None:
    """The worst of 1,000 points of two unequal Gaussians is off by 0.015 nat; with half of that sigma_max by 0.11."""
    problem = Problem.build(experiment(data__kind="two-gaussians", data__points=20_000, likelihood__points=1000))
    result = compute.result(log_likelihood(problem, density_of(problem).score, problem.dataset.held_out))
    assert np.abs(result.log_prob - present(result.exact)).max() < 0.03


@pytest.mark.parametrize(
    ("changes", "together"),
    [
        ({}, 2**14),
        ({"network__width": 512, "network__depth": 8}, 2**11),
        ({"network__kind": "energy"}, 2**11),
        ({"likelihood__trace": "hutchinson"}, 2**11),
        ({"data__kind": "digits", "network__kind": "mlp"}, 256),
    ],
)
def test_batches_are_small_enough_to_cancel_soon(
    changes: dict[str, object], together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, asked = Problem.build(experiment(**changes)), []
    solve = theory.log_likelihood

    def noted(*arguments: Any, **more: Any) -> object:
        asked.append(more["batch"])
        return solve(*arguments, **more)

    monkeypatch.setattr(theory, "log_likelihood", noted)
    next(log_likelihood(problem, problem.network(), problem.dataset.held_out[:2]))
    assert asked == [together]


@pytest.mark.parametrize("scale", [(40.0, 40.0), (40.0, 0.001)])
def test_a_files_likelihoods_are_in_its_own_units(scale: tuple[float, float]) -> None:
    """Also if the axes differ so much that each has its own scale."""
    problem = odd_units(scale)
    result = compute.result(log_likelihood(problem, normal_score, problem.dataset.held_out))
    mean, std = problem.units.offset, problem.units.scale * math.hypot(1, problem.noise.sigma_min)
    z = (problem.dataset.held_out - mean) / std
    exact = -0.5 * (z**2).sum(1) - np.log(std).sum() - math.log(2 * math.pi)
    # The prior uses the covariance of 1,000 points, which is known to 3 %.
    np.testing.assert_allclose(result.log_prob, exact, atol=6e-3)
    assert result.exact is None


def test_a_coarser_sigma_is_in_user_units_and_one_outside_is_refused() -> None:
    problem = Problem.build(experiment(data__points=20_000, data__scale=100.0))
    points = problem.dataset.held_out[:20]
    result = compute.result(log_likelihood(problem, density_of(problem).score, points, sigma=50.0))
    exact = density_of(problem.dataset).log_prob(torch.from_numpy(points), 50.0).numpy()
    np.testing.assert_allclose(result.log_prob, exact, atol=8e-3)
    assert np.abs(result.log_prob - density_of(problem.dataset).log_prob(torch.from_numpy(points)).numpy()).max() > 0.1
    with pytest.raises(ExperimentError, match=r"sigma = 1e\+06 lies outside the noise, which goes from 0\.71"):
        next(log_likelihood(problem, density_of(problem).score, points, sigma=1e6))


def test_the_path_is_in_user_units() -> None:
    problem = odd_units()
    points = problem.dataset.held_out[:3]
    result = compute.result(log_likelihood(problem, normal_score, points, record_path=True))
    path, sigmas = present(result.path), present(result.path_sigma)
    assert path.shape == (len(sigmas), 3, 2)
    np.testing.assert_allclose(path[0], points, rtol=1e-5)
    assert sigmas[0] == pytest.approx(float(result.sigma), rel=1e-4)
    assert sigmas[-1] == pytest.approx(problem.units.sigma_to_user(problem.noise.sigma_max), rel=1e-4)
    grown = (path[-1] - problem.units.offset) / (points - problem.units.offset)
    np.testing.assert_allclose(grown, math.hypot(1, problem.noise.sigma_max), rtol=2e-3)


@pytest.mark.parametrize("noise", ["ve", "vp"])
def test_latent_codes_are_standard_normal_and_decode_to_their_points(noise: str) -> None:
    """For Gaussian data a code is the point in standard deviations of the smoothed data, as estimated from 1,000 points."""
    problem = odd_units(noise=noise)
    points = problem.dataset.held_out[:50]
    trip = compute.result(round_trip(problem, normal_score, points))
    std = problem.units.scale * math.hypot(1, problem.noise.sigma_min)
    np.testing.assert_allclose(trip.there.latent, (points - problem.units.offset) / std, atol=0.15)
    np.testing.assert_allclose(trip.back.points, points, atol=0.05)  # of 40, at a tolerance of 1e-5
    np.testing.assert_allclose(trip.distance, np.linalg.norm(trip.back.points - points, axis=1))
    assert 0 < np.abs(trip.log_prob_error).max() < 1e-3
    np.testing.assert_allclose(trip.there.log_prob - trip.back.log_prob, trip.log_prob_error)
    origin = compute.result(decode(problem, normal_score, np.zeros((1, 2))))
    np.testing.assert_allclose(origin.points, [problem.units.offset], atol=1e-2)


@pytest.mark.parametrize("way", ["spherical", "rotation", "linear"])
def test_interpolation_goes_through_the_latent_codes(way: str) -> None:
    """For Gaussian data it interpolates the points in standard deviations, and log p is that of the interpolated points."""
    problem = odd_units(noise="vp", likelihood__interpolation=way)
    std = problem.units.scale * math.hypot(1, problem.noise.sigma_min)
    ends = problem.units.offset + np.array([[1.5, 0.0], [0.0, 2.0]]) * std
    found = compute.result(interpolate(problem, normal_score, ends, 5))
    np.testing.assert_allclose(found.points[[0, -1]], ends, atol=0.05)
    np.testing.assert_allclose(found.shares, [0, 0.25, 0.5, 0.75, 1])
    middle = {"spherical": 1.75 / math.sqrt(2), "rotation": math.sqrt(0.5), "linear": 0.5}[way]
    factor = np.array([1.0, 1.0]) if way == "spherical" else np.array([1.5, 2.0])
    np.testing.assert_allclose((found.points[2] - problem.units.offset) / std, middle * factor, atol=0.08)
    z = (found.points - problem.units.offset) / std
    exact = -0.5 * (z**2).sum(1) - np.log(std).sum() - math.log(2 * math.pi)
    np.testing.assert_allclose(found.log_prob, exact, atol=6e-3)


@pytest.mark.parametrize("probe", ["rademacher", "gaussian", "sphere"])
def test_the_ends_of_an_interpolation_keep_the_estimates_of_their_encoding(probe: str) -> None:
    """With other probes, log p of the same point would differ by some standard errors."""
    problem = Problem.build(
        experiment(
            likelihood__trace="hutchinson",
            likelihood__trace_probes=8,
            likelihood__probes=probe,
            likelihood__tolerance=1e-6,
        )
    )
    ends = problem.dataset.held_out[:2]
    there = compute.result(log_likelihood(problem, density_of(problem).score, ends))
    errors = present(there.standard_error)
    assert errors.min() > 0.01
    for count in (2, 7):
        way = compute.result(interpolate(problem, density_of(problem).score, ends, count))
        np.testing.assert_allclose(way.log_prob[[0, -1]], there.log_prob, atol=1e-3)
        if count == 2:  # with more points, those between contribute to the ends' error
            np.testing.assert_allclose(present(way.standard_error), errors, atol=1e-3)
        assert present(way.standard_error).min() > 0
    single = Problem.build(experiment(likelihood__trace="hutchinson"))
    assert compute.result(interpolate(single, density_of(single).score, ends, 3)).standard_error is None
    exact = Problem.build(experiment())
    found = compute.result(interpolate(exact, density_of(exact).score, ends, 3))
    assert present(found.standard_error).tolist() == [0, 0, 0]


def test_decoded_points_have_the_error_that_they_report() -> None:
    """400 points, each with its own probes, are compared with the closed form."""
    settings = {"likelihood__trace_probes": 4, "likelihood__probes": "gaussian", "likelihood__tolerance": 1e-5}
    problem = Problem.build(experiment(likelihood__trace="hutchinson", **settings))
    codes = np.random.default_rng(2).normal(size=(400, 2))
    found = compute.result(decode(problem, density_of(problem).score, codes))
    finest = problem.units.sigma_to_user(problem.noise.sigma_min)
    exact = present(problem.exact_log_prob(found.points, finest)).numpy()
    reported = np.sqrt(np.mean(present(found.standard_error) ** 2))
    assert np.sqrt(np.mean((found.log_prob - exact) ** 2)) == pytest.approx(reported, rel=0.2)


def test_the_round_trip_tells_a_loose_tolerance_from_a_tight_one() -> None:
    loose, tight = (
        flat(compute.result(evaluate(problem, density_of(problem).score)))
        for problem in (Problem.build(experiment(likelihood__tolerance=tolerance)) for tolerance in (1e-2, 1e-5))
    )
    for key in ("round_trip_error", "round_trip_log_prob_error"):
        assert 0 < 20 * tight[key] < loose[key]
    assert loose["round_trip_points"] == 200


@pytest.mark.claims
def test_estimated_traces_have_the_error_that_they_report() -> None:
    problem = Problem.build(
        experiment(likelihood__trace="hutchinson", likelihood__trace_probes=4, likelihood__probes="gaussian")
    )
    points = problem.dataset.held_out
    estimate = compute.result(log_likelihood(problem, density_of(problem).score, points))
    reported = np.sqrt(np.mean(present(estimate.standard_error) ** 2))
    assert np.sqrt(np.mean((estimate.log_prob - present(estimate.exact)) ** 2)) == pytest.approx(reported, rel=0.25)
    found = flat(compute.result(evaluate(problem, density_of(problem).score)))
    assert found["trace_standard_error"] == pytest.approx(reported)
    single = Problem.build(experiment(likelihood__trace="hutchinson"))
    found = flat(compute.result(evaluate(single, density_of(single).score)))
    assert found["trace_standard_error"] is None
    assert "set likelihood.trace_probes to 2" in str(found["reasons"]["trace_standard_error"])
    data = odd_units().dataset  # Gaussian: the Jacobian is diagonal, so Rademacher probes always agree
    alone = Problem.build(
        experiment(data__kind="file", data__path="odd.csv", likelihood__trace="hutchinson", likelihood__trace_probes=2),
        with_fields(data, held_out=data.held_out[:1]),
    )
    found = flat(compute.result(evaluate(alone, normal_score)))
    assert found["trace_standard_error"] is None
    assert str(found["reasons"]["trace_standard_error"]).endswith("raise likelihood.trace_probes.")


@pytest.mark.parametrize("noise", ["none", "single"])
def test_noise_without_a_path_is_refused_with_the_reason(noise: str) -> None:
    problem = Problem.build(experiment(noise__kind=noise))
    for run in (
        log_likelihood(problem, density_of(problem).score, problem.dataset.held_out),
        density_map(problem, density_of(problem).score, BOUNDS, 16),
        integral(problem, density_of(problem).score),
    ):
        with pytest.raises(ExperimentError, match=f"noise.kind = {noise} has no such path"):
            next(run)


def test_density_maps_are_filled_from_coarse_to_fine() -> None:
    problem = Problem.build(experiment(noise__kind="vp"))
    maps = list(density_map(problem, density_of(problem).score, BOUNDS, 40))
    fractions = [field.fraction for field in maps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    pictures = {id(field.log_density): field.log_density for field in maps if field.log_density is not None}
    assert len(pictures) == 2  # 20 x 20 blocks, then all cells
    coarse_ends = next(field.fraction for field in maps if field.log_density is not None)
    assert 0.3 < coarse_ends < 0.5  # a quarter of the cells, which take more than a quarter of the time
    coarse, fine = pictures.values()
    assert np.array_equal(coarse[::2, ::2], coarse[1::2, 1::2])
    finest = problem.units.sigma_to_user(problem.noise.sigma_min)
    exact = log_density_at(problem, grid_points(BOUNDS, 40, 40).reshape(-1, 2), finest, None).reshape(40, 40)
    assert fine.shape == exact.shape == (40, 40)
    likely = exact > -8
    np.testing.assert_allclose(fine[likely], exact[likely], atol=0.01)
    assert np.array_equal(coarse[1::2, 1::2], fine[1::2, 1::2])


@pytest.mark.parametrize("resolution", [1, 7, 12, 50])
def test_maps_of_any_size_are_complete(resolution: int) -> None:
    problem = odd_units()
    bounds = (200.0, 400.0, -5100.0, -4900.0)
    found = last_map = None
    for last_map in density_map(problem, normal_score, bounds, resolution):
        found = last_map.log_density
    z = (grid_points(bounds, resolution, resolution) - problem.units.offset) / problem.units.scale
    exact = -0.5 * (z**2).sum(-1) - np.log(problem.units.scale).sum() - math.log(2 * math.pi)
    np.testing.assert_allclose(present(found), exact, atol=0.02)


def test_rows_go_upwards_and_columns_to_the_right() -> None:
    grid = grid_points((0.0, 4.0, 10.0, 12.0), 4, 4)
    assert grid.shape == (4, 4, 2)
    assert grid[0, 0].tolist() == [0.5, 10.25]
    assert grid[0, 3].tolist() == [3.5, 10.25]
    assert grid[3, 0].tolist() == [0.5, 11.75]


def test_maps_follow_sigma() -> None:
    problem = Problem.build(experiment(noise__kind="vp"))
    *_, field = density_map(problem, density_of(problem).score, BOUNDS, 12, sigma=0.5)
    points = grid_points(BOUNDS, 12, 12).reshape(-1, 2)
    exact = density_of(problem.dataset).log_prob(torch.from_numpy(points), 0.5)
    np.testing.assert_allclose(present(field.log_density), exact.reshape(12, 12), atol=5e-3)
    np.testing.assert_allclose(log_density_at(problem, points, 0.5, None), exact, atol=1e-4)
    with pytest.raises(ValueError, match="not known"):
        log_density_at(odd_units(), points, 0.5, None)


@pytest.mark.claims
@pytest.mark.parametrize("noise", CONTINUOUS)
def test_the_integral_over_the_plane_is_one(noise: str) -> None:
    problem = Problem.build(experiment(noise__kind=noise))
    assert compute.result(integral(problem, density_of(problem).score, resolution=48)) == pytest.approx(1.0, abs=2e-3)
    network = (
        problem.network().eval()
    )  # an untrained network is the Gaussian of the data, which reaches beyond the grid
    assert compute.result(integral(problem, network, resolution=16)) == pytest.approx(0.97, abs=0.03)


@pytest.mark.parametrize("scale", [(40.0, 40.0), (1e7, 1.0)])
def test_the_integral_over_the_plane_is_one_in_any_units(scale: tuple[float, float]) -> None:
    """Each axis has its own margin for the noise. One length for both would put a narrow axis into a single cell."""
    assert compute.result(integral(odd_units(scale), normal_score, resolution=32)) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("probes", [1, 2])
def test_densities_of_the_plane_take_the_exact_trace(probes: int) -> None:
    """exp turns the noise of an estimated trace into bias: two moons would integrate to 1.7 with one probe, 1.4 with two."""
    exact = Problem.build(experiment())
    estimated = Problem.build(experiment(likelihood__trace="hutchinson", likelihood__trace_probes=probes))
    score = density_of(exact).score
    assert compute.result(integral(estimated, score, resolution=48)) == pytest.approx(1.0, abs=2e-3)
    one, two = (present([*density_map(problem, score, BOUNDS, 16)][-1].log_density) for problem in (exact, estimated))
    np.testing.assert_array_equal(one, two)


@pytest.mark.claims
def test_evaluation_of_the_exact_score_finds_nothing_wrong() -> None:
    problem = Problem.build(experiment(data__kind="two-gaussians", likelihood__points=1000))
    samples = density_of(problem.dataset).sample(800, seeded(1)).numpy()
    figures: dict[str, Measured] = {}
    for measuring in (evaluate(problem, density_of(problem).score), sample_distances(problem, samples)):
        progress: list[MeasuringProgress] = []
        figures |= compute.result(measuring, progress.append)
        fractions = [step.fraction for step in progress]
        assert fractions == sorted(fractions)
        assert all(step.label for step in progress)
    assert [*figures] == [*sorts_of("Likelihoods"), *sorts_of("Distances")]
    found = flat(figures)
    assert found["entropy"] == pytest.approx(3.3383, abs=2e-4)
    assert found["test_nll"] == pytest.approx(found["entropy"], abs=4 * found["test_nll_standard_error"])
    assert 0.01 < found["test_nll_standard_error"] < 0.1
    assert found["kl"] == pytest.approx(0.0, abs=0.01)
    assert 0 < found["kl_standard_error"] < 0.1 * found["test_nll_standard_error"]
    above = found["sliced_wasserstein2"] - found["sliced_wasserstein2_floor"]
    assert abs(above) < 3 * found["sliced_wasserstein2_floor_std"]
    for figure, perfect in {"energy_distance": 0.0, "mmd_squared": 0.0, "classifier_accuracy": 0.5}.items():
        assert found[figure] == pytest.approx(perfect, abs=4 * found[f"{figure}_standard_error"]), figure
        assert 0 < found[f"{figure}_standard_error"] < 0.05, figure
    assert found["test_points"] == 1000
    assert found["mode_weights"][0] == pytest.approx(0.8, abs=0.06)
    assert found["mode_weights_true"] == pytest.approx([0.8, 0.2])
    assert found["mode_weights_standard_error"] == pytest.approx([0.0141] * 2, abs=2e-3)
    assert found["density"].startswith("p_sigma of the data by the learned score, smoothed by sigma_min = 0.04")
    assert found["likelihood_nfe_mean"] > 20
    assert set(found["reasons"]) == {
        *(key for need in ("few points", "energy", "images", "known classes") for key in needing(need)),
        "energy_note",
        "nearest_neighbour_rows",
    }
    assert found["trace_standard_error"] == 0


def test_a_perfect_models_kl_is_that_of_the_smoothing() -> None:
    """With the exact score and a coarse finest sigma, NLL and KL are far from the entropy and 0 without a training error."""
    problem = Problem.build(experiment(data__kind="two-gaussians", noise__sigma_min=1.0))
    found = flat(compute.result(evaluate(problem, density_of(problem).score)))
    assert found["kl"] > 0.1
    assert found["kl_of_smoothing"] == pytest.approx(found["kl"], abs=2e-3)
    assert found["kl_of_smoothing_standard_error"] == pytest.approx(found["kl_standard_error"], rel=0.01)
    assert found["optimal_nll"] == pytest.approx(found["test_nll"], abs=2e-3)
    assert found["optimal_nll_standard_error"] == pytest.approx(found["test_nll_standard_error"], rel=0.01)


@pytest.mark.parametrize(("noise", "blurred"), [({"kind": "single", "sigma": 1.0}, True), ({"kind": "none"}, False)])
def test_a_perfect_model_is_known_without_a_flow(noise: dict[str, object], blurred: bool) -> None:
    changes = {f"noise__{key}": value for key, value in noise.items()}
    problem = Problem.build(experiment(data__kind="two-gaussians", likelihood__points=1000, **changes))
    found = flat(compute.result(evaluate(problem, problem.network().eval())))
    assert (found["test_nll"], found["kl"]) == (None, None)
    assert (found["kl_of_smoothing"] > 0.05) == blurred
    assert found["optimal_nll"] == pytest.approx(
        found["entropy"] + found["kl_of_smoothing"], abs=4 * found["optimal_nll_standard_error"]
    )
    if not blurred:
        assert (found["kl_of_smoothing"], found["kl_of_smoothing_standard_error"]) == (0, 0)


@pytest.mark.claims
def test_evaluation_sees_a_wrong_score_and_wrong_samples() -> None:
    """An untrained network is the data's Gaussian: KL(data || Gaussian) is its cross-entropy minus the entropy.

    The noise is VP, whose end has no correlations of the data, just as an untrained network.
    """
    problem = Problem.build(experiment(data__kind="two-gaussians", likelihood__points=1000, noise__kind="vp"))
    samples = problem.dataset.held_out + 3.0
    found = measured(problem, problem.network().eval(), samples)
    points, scale = problem.dataset.held_out, problem.units.scale * math.hypot(1, problem.noise.sigma_min)
    z = (points - problem.units.offset) / scale
    cross = float(0.5 * (z**2).sum(1).mean() + np.log(scale).sum() + math.log(2 * math.pi))
    true = density_of(problem.dataset).log_prob(torch.from_numpy(points)).mean()
    assert found["test_nll"] == pytest.approx(cross, abs=1e-3)
    assert found["kl"] == pytest.approx(cross + float(true), abs=1e-3)
    assert found["sliced_wasserstein2"] == pytest.approx(3.0, rel=0.15)
    assert found["wasserstein2"] > found["sliced_wasserstein2"]  # a shift d is |d|/sqrt(D) sliced
    assert found["wasserstein2_squared"] == pytest.approx(found["wasserstein2"] ** 2)
    assert found["energy_distance"] > 10 * found["energy_distance_standard_error"]
    assert found["mmd_squared"] > 10 * found["mmd_squared_standard_error"]
    assert found["classifier_accuracy"] > 0.9


ProblemOf = Callable[[int, int], tuple[Problem, np.ndarray]]
Draw = Callable[[np.random.Generator, int], np.ndarray]


def perfect_distances(problem_of: ProblemOf, count: int, paired: int = 0) -> list[dict[str, Any]]:
    """The distances of 20 perfect samplers, each on its own data, mostly without optimal transport.

    In the plane 32 directions average the distance as well as 128. Optimal transport would take nine tenths of the time,
    so only the first `paired` samplers have it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample_metrics, "TRANSPORT_POINTS", 10)
        patch.setattr(sample_metrics, "PROJECTIONS", 32)
        every = [flat(compute.result(sample_distances(*problem_of(seed, count)))) for seed in range(paired)]
        patch.setattr(sample_metrics, "_add_two_samples", lambda *_: None)
        every += [flat(compute.result(sample_distances(*problem_of(seed, count)))) for seed in range(paired, 20)]
    return [{key: value for key, value in found.items() if not key.startswith("wasserstein2")} for found in every]


def sliced(every: list[dict[str, Any]]) -> np.ndarray:
    """The distances, the floors and their standard deviations, (3, N)."""
    return np.array([[found["sliced_wasserstein2" + end] for found in every] for end in ("", "_floor", "_floor_std")])


def two_gaussians(seed: int, count: int) -> tuple[Problem, np.ndarray]:
    """Data with 20 held-out points, fewer than samples; the distance is mostly that of the modes' shares."""
    problem = Problem.build(experiment(data__kind="two-gaussians", likelihood__points=20, seed=seed))
    return problem, density_of(problem.dataset).sample(count, seeded(1000 + seed)).numpy()


def small_file(seed: int, count: int) -> tuple[Problem, np.ndarray]:
    """A file of 300 rows, of which 60 are held out."""
    draw = np.random.default_rng(seed).normal
    points = draw(size=(300, 2))
    dataset = Dataset("small", points[60:], None, (2,), ("x", "y"), points[:60])
    problem = Problem.build(experiment(data__kind="file", data__path="small.csv", seed=seed), dataset)
    return problem, draw(size=(count, 2))


def repeating_rows(draw: Draw, folder: Path, split: str) -> ProblemOf:
    """A file of 3,000 rows from a distribution whose draws repeat, and further draws of it."""

    def problem_of(seed: int, count: int) -> tuple[Problem, np.ndarray]:
        generator = np.random.default_rng(seed)
        np.save(folder / "points.npy", draw(generator, 3000))
        file = experiment(
            data__kind="file",
            data__path=str(folder / "points.npy"),
            data__split=split,
            seed=seed,
            likelihood__points=600,
        )
        return Problem.build(file), draw(generator, count)

    return problem_of


def grid(generator: np.random.Generator, count: int) -> np.ndarray:
    """Points on a grid of 10 x 10."""
    return generator.integers(0, 10, size=(count, 2)).astype(float)


def zero_inflated(generator: np.random.Generator, count: int) -> np.ndarray:
    """Points of which a third are equal, a group too large to be held out."""
    return generator.normal(3, 1, size=(count, 2)) * (generator.random((count, 1)) > 1 / 3)


def rounded(generator: np.random.Generator, count: int) -> np.ndarray:
    """Points with one decimal, of which a third repeat."""
    return generator.normal(size=(count, 2)).round(1)


@pytest.mark.claims
@pytest.mark.parametrize("split", ["groups", "rows"])
@pytest.mark.parametrize("draw", [grid, zero_inflated, rounded])
def test_a_perfect_sampler_scores_its_floors_where_rows_repeat(draw: Draw, split: str, tmp_path: Path) -> None:
    problem_of = repeating_rows(draw, tmp_path, split)
    every = perfect_distances(problem_of, 600, paired=3)
    distance, floor, spread = sliced(every)
    assert distance.mean() == pytest.approx(floor.mean(), abs=4 * spread.mean() / math.sqrt(20))
    for seed, found in enumerate(every[:3]):
        for figure, perfect in {"energy_distance": 0.0, "mmd_squared": 0.0, "classifier_accuracy": 0.5}.items():
            assert found[figure] == pytest.approx(perfect, abs=4 * found[f"{figure}_standard_error"]), (figure, seed)
        assert found["sliced_wasserstein2_points"] == found["two_sample_points"] == [600, 600]
        drawn = r"rows drawn from all, trained on or not: [\d,]+ of 3,000 repeat"
        assert re.match(drawn if split == "groups" else "held-out rows$", found["reference_set"])


def test_samples_are_compared_with_held_out_rows_where_few_repeat() -> None:
    problem, samples = small_file(0, 100)
    found = flat(compute.result(sample_distances(problem, samples)))
    assert found["reference_set"] == "held-out rows"
    assert len(samples) > len(problem.dataset.held_out)
    assert found["two_sample_points"] == [len(problem.dataset.held_out)] * 2  # as many samples as data are used
    again = np.concatenate([problem.dataset.points, problem.dataset.points[:4]])  # 4 of 304: more than one in a hundred
    repeated = Problem.build(problem.experiment, with_fields(problem.dataset, points=again))
    assert flat(compute.result(sample_distances(repeated, samples)))["reference_set"].startswith("rows drawn from all")
    problem, samples = two_gaussians(0, 100)
    assert (
        flat(compute.result(sample_distances(problem, samples)))["reference_set"] == "fresh draws of the known density"
    )


@pytest.mark.claims
@pytest.mark.parametrize("problem_of", [two_gaussians, small_file])
def test_a_perfect_sampler_lies_within_the_spread_of_its_floor(problem_of: ProblemOf) -> None:
    distance, floor, spread = sliced(perfect_distances(problem_of, 200))
    assert distance.mean() == pytest.approx(floor.mean(), abs=4 * spread.mean() / math.sqrt(20))
    within = np.abs(distance - floor) < 2 * spread
    assert within.sum() >= 17  # of 20; on average all but one
    assert floor.max() < 2 * floor.min()  # for single splits it would be a factor of ten


def test_distances_do_not_depend_on_how_many_likelihoods_are_asked_for() -> None:
    data, samples = experiment(data__kind="two-gaussians"), two_gaussians(0, 300)[1]
    few, many = (
        flat(compute.result(sample_distances(Problem.build(replace(data, {"likelihood.points": points})), samples)))
        for points in (20, 2000)
    )
    assert few == many


def test_the_least_number_of_samples_is_that_of_the_statistics() -> None:
    assert LEAST_SAMPLES == two_samples.LEAST
    with pytest.raises(ValueError, match=f"at least {LEAST_SAMPLES} points"):
        two_samples.energy_distance(torch.zeros(LEAST_SAMPLES - 1, 2), torch.zeros(9, 2))
    assert np.isfinite(two_samples.energy_distance(torch.zeros(LEAST_SAMPLES, 2), torch.ones(9, 2))).all()


@pytest.mark.parametrize(("count", "said"), [(1, "1 sample is"), (3, "3 samples are")])
def test_a_few_samples_are_not_compared_and_say_what_to_do(count: int, said: str) -> None:
    problem = Problem.build(experiment(data__kind="two-gaussians", noise__kind="none"))
    found = measured(problem, density_of(problem).score, problem.dataset.held_out[:count])
    sentence = f"{said} too few to compare with the data: set sampling.particles to {two_samples.LEAST} or more."
    others = {*needing("images"), *needing("known classes"), "nearest_neighbour_rows"}
    for key in sorts_of("Distances").keys() - others:
        assert found[key] is None
        assert str(found["reasons"][key]) == sentence
    assert str(found["reasons"]["nearest_neighbour_distance"]) == "These figures are for images."
    enough = measured(problem, density_of(problem).score, problem.dataset.held_out[: two_samples.LEAST])
    assert enough["energy_distance_standard_error"] > 0


def test_a_few_data_are_not_compared_with_samples_and_say_what_to_do() -> None:
    problem, samples = small_file(0, 100)
    few = Problem.build(problem.experiment, with_fields(problem.dataset, held_out=problem.dataset.held_out[:3]))
    found = measured(few, normal_score, samples)
    for key in ("sliced_wasserstein2", "energy_distance", "reference_set"):
        assert found[key] is None
        assert str(found["reasons"][key]).startswith("Only 3 data are held out; a comparison needs at least 4")


def test_one_held_out_point_has_no_error_and_says_what_to_do() -> None:
    problem, _ = small_file(0, 100)
    one = Problem.build(problem.experiment, with_fields(problem.dataset, held_out=problem.dataset.held_out[:1]))
    found = flat(compute.result(evaluate(one, normal_score)))
    assert math.isfinite(found["test_nll"])
    assert found["test_nll_standard_error"] is None
    assert str(found["reasons"]["test_nll_standard_error"]).startswith(
        "One held-out point gives no standard error: take data"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("learned", "the data by the learned score"),
        ("exact", "the known density by its exact score"),
        ("empirical", "the training set by its own score"),
    ],
)
def test_the_density_of_likelihoods_names_its_score(source: str, said: str) -> None:
    problem = Problem.build(experiment(likelihood__source=source, likelihood__points=10))
    score = problem.known_score(source) or problem.network().eval()
    assert flat(compute.result(evaluate(problem, score)))["density"].startswith(f"p_sigma of {said}, ")


@pytest.mark.claims  # integrals of a sharp score
def test_sharp_edges_leave_the_kl_finite() -> None:
    problem = Problem.build(experiment(data__kind="checkerboard"))
    found = flat(compute.result(evaluate(problem, density_of(problem).score)))
    assert found["entropy"] == pytest.approx(math.log(32), abs=1e-4)
    assert 0 < found["kl"] < 0.1


def test_unknown_figures_are_none_with_a_reason() -> None:
    found = measured(odd_units(), normal_score, None)
    assert found["test_nll"] is not None
    assert found["test_points"] == 100  # of 200; half of them decide when training stops
    for key, reason in {
        "entropy": "data.kind = file is not known",
        "kl": "data.kind = file is not known",
        "optimal_nll": "data.kind = file is not known",
        "sliced_wasserstein2": "There are no samples",
        "energy_distance": "There are no samples",
        "classifier_accuracy": "There are no samples",
        "mode_weights": "no modes",
        "bits_per_dim": "for images",
    }.items():
        assert found[key] is None
        assert reason in str(found["reasons"][key])
    missing = {key for key in (*sorts_of("Likelihoods"), *sorts_of("Distances")) if found[key] is None}
    assert set(found["reasons"]) == missing | {"kl_of_smoothing_standard_error"}
    single = Problem.build(experiment(noise__kind="single"))
    found = measured(single, density_of(single).score, single.dataset.held_out)
    assert found["test_nll"] is None
    assert found["test_points"] is None
    assert "noise.kind = single has no such path" in str(found["reasons"]["test_nll"])
    assert found["sliced_wasserstein2"] is not None


@pytest.mark.claims  # integrals of a memorized score
def test_few_points_have_a_kernel_density_as_a_reference() -> None:
    """At auto a network that memorizes 100 points, in the place of which their own score stands, has the kernel's figures."""
    problem = Problem.build(experiment(data__kind="two-moons", data__points=100, likelihood__points=200))
    found = flat(compute.result(evaluate(problem, problem.empirical.score)))
    for of_kernel, of_model in (("kernel_nll", "test_nll"), ("kernel_kl", "kl")):
        assert found[of_kernel] == pytest.approx(found[of_model], abs=0.01)
        assert found[f"{of_kernel}_standard_error"] == pytest.approx(found[f"{of_model}_standard_error"], rel=0.05)
    assert 0.1 < found["kernel_kl"] < 0.6
    finer = problem.with_experiment(replace(problem.experiment, {"noise.sigma_min": 0.01}))
    memorized = flat(compute.result(evaluate(finer, finer.empirical.score)))
    assert memorized["kl"] > 10 * found["kernel_kl"]
    assert memorized["kernel_kl"] == found["kernel_kl"]


def test_the_kernel_density_of_a_file_is_in_its_units() -> None:
    """Columns in units that differ a thousandfold, against the density of scikit-learn in the columns' common scale."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(150, 2)) * [0.01, 10.0] + [5.0, -3.0]
    dataset = Dataset("rows.csv", points[:100], None, (2,), ("a", "b"), points[100:])
    problem = Problem.build(experiment(data__kind="file", data__path="rows.csv", likelihood__points=50), dataset)
    found = flat(compute.result(evaluate(problem, None)))
    width, scale = problem.kernel_width(), problem.units.scale
    estimate = KernelDensity(bandwidth=width).fit(points[:100] / scale)
    log_prob = estimate.score_samples(problem.evaluation_points / scale) - np.log(scale).sum()
    assert found["kernel_nll"] == pytest.approx(-log_prob.mean(), abs=1e-3)
    assert found["kernel_kl"] is None
    assert "data.kind = file is not known" in str(found["reasons"]["kernel_kl"])


def test_many_points_images_and_discrete_values_have_no_kernel_density() -> None:
    discrete = np.random.default_rng(0).integers(0, 5, size=(400, 2)).astype(float)
    dataset = Dataset("rows.csv", discrete[:300], None, (2,), ("a", "b"), discrete[300:])
    for problem, why in (
        (Problem.build(experiment(data__points=1_000)), "fewer than 1,000 training points"),
        (Problem.build(experiment(data__kind="digits")), "points of the plane"),
        (Problem.build(experiment(data__kind="file", data__path="rows.csv"), dataset), "Most rows repeat"),
    ):
        found: dict[str, Measured] = {}
        kernel_reference.add_kernel_density(problem, found)
        assert [*found] == needing("few points")
        for figure in found.values():
            assert figure.value is None
            assert why in str(figure.reason)


def test_the_kl_of_smoothing_a_file_is_estimated() -> None:
    """Two columns with correlation 0.9999, smoothed by half of their narrow standard deviation, by all of it, and by auto."""
    points = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.9999], [0.9999, 1]], size=5_000)
    dataset = Dataset("thin.csv", points[500:], None, (2,), ("a", "b"), points[:500])
    asked = {"data__kind": "file", "data__path": "thin.csv", "likelihood__points": 10}
    for given, told in ((0.005, 0.5 * (math.log(1.25) - 0.2)), (0.01, 0.5 * (math.log(2) - 0.5)), ("auto", 0.002)):
        problem = Problem.build(experiment(noise__sigma_min=given, **asked), dataset)
        found = flat(compute.result(evaluate(problem, normal_score)))
        assert found["kl_of_smoothing"] == pytest.approx(told, rel=0.25), given
        assert "kl_of_smoothing" not in found["reasons"]
        assert found["kl_of_smoothing_standard_error"] is None
        assert "estimate" in str(found["reasons"]["kl_of_smoothing_standard_error"])


def test_a_score_that_is_not_finite_spoils_only_its_own_figures() -> None:
    problem = Problem.build(experiment())
    found = measured(problem, lambda x, sigma: x * torch.nan, problem.dataset.held_out)
    assert found["test_nll"] is None
    assert "not finite" in str(found["reasons"]["test_nll"])
    assert found["entropy"] == pytest.approx(1.0076, abs=2e-4)


def test_bits_per_dim_of_digits() -> None:
    """An untrained network is a Gaussian with the pixels' overall spread; its bits are computed here for the same images."""
    problem = Problem.build(experiment(data__kind="digits", likelihood__points=30, likelihood__tolerance=1e-4))
    found = flat(compute.result(evaluate(problem, normal_score)))
    scale = float(problem.units.scale.flat[0]) * math.hypot(1, problem.noise.sigma_min)
    z = (problem.dataset.held_out[:30] - problem.units.offset) / scale
    nats = 0.5 * (z**2).reshape(30, -1).sum(1).mean() + 64 * (math.log(scale) + 0.5 * math.log(2 * math.pi))
    bits = nats / (64 * math.log(2)) + math.log2(17 / 2)
    assert found["bits_per_dim"] == pytest.approx(bits, abs=0.03)  # the noise of dequantization
    assert found["test_nll"] == pytest.approx((found["bits_per_dim"] - math.log2(17 / 2)) * 64 * math.log(2))
    with pytest.raises(ExperimentError, match="points of the plane"):
        next(density_map(problem, normal_score, BOUNDS, 16))


def test_evaluation_is_the_same_each_time_and_can_be_stopped() -> None:
    problem = odd_units()
    samples = problem.dataset.held_out + 1.0
    assert measured(problem, normal_score, samples) == measured(problem, normal_score, samples)
    calls = []

    def counted(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        calls.append(len(x))
        return normal_score(x, sigma)

    run = evaluate(problem, counted)
    assert next(run).fraction < 0.5
    before = len(calls)
    run.close()
    assert len(calls) == before < 20


def test_bits_per_dim_are_the_mean_over_draws_of_the_dequantising_noise() -> None:
    """For a Gaussian of width s, E_u[-log p(x + u)] is -log p(x) + D a^2/(6 s^2) with u uniform on [-a, a], a = 1/17.

    The log of the mean over draws would be 0.1 nat per image lower here; the mean over so many draws is known to 0.02.
    """
    images, draws = 30, 40
    problem = Problem.build(
        experiment(
            data__kind="digits",
            noise__kind="vp",  # its end has no correlations of the pixels
            likelihood__points=images,
            likelihood__tolerance=1e-4,
            likelihood__dequantization_samples=draws,
        )
    )
    found = flat(compute.result(evaluate(problem, normal_score)))
    s = float(problem.units.scale.flat[0]) * math.hypot(1, problem.noise.sigma_min)
    z = ((problem.dataset.held_out[:images] - problem.units.offset) / s).reshape(images, -1)
    nats = 0.5 * (z**2).sum(1) + 64 * (1 / 17**2 / (6 * s**2) + math.log(s) + 0.5 * math.log(2 * math.pi))
    per_dim = 64 * math.log(2)
    assert found["test_points"] == images
    assert found["bits_per_dim"] == pytest.approx(nats.mean() / per_dim + math.log2(17 / 2), abs=0.06 / per_dim)
    expected = nats.std(ddof=1) / math.sqrt(images) / per_dim
    assert found["bits_per_dim_standard_error"] == pytest.approx(expected, rel=0.05)


def test_the_floor_is_computed_once_for_the_same_data_and_is_another_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, matched = [], []
    monkeypatch.setattr(sample_metrics, "_KNOWN_FLOORS", {})

    def counted(one: torch.Tensor, other: torch.Tensor) -> Generator[None, None, float]:
        matched.append(1)
        return squared_wasserstein2(one, other)

    monkeypatch.setattr(sample_metrics, "squared_wasserstein2", counted)
    for seed, steps in ((0, 3), (0, 4), (1, 3)):
        settings = {"data.kind": "two-gaussians", "data.points": 2_000, "seed": seed, "sampling.steps": steps}
        problem = Problem.build(replace(Experiment(), settings))
        samples = problem.dataset.points[steps : 100 + steps]
        figures = flat(compute.result(sample_distances(problem, samples)))
        found.append([figures[f"{name}wasserstein2{end}"] for name in ("", "sliced_") for end in ("_floor", "")])
    assert len(matched) == 6 + 1 + 6
    assert found[0][::2] == found[1][::2]
    assert found[0][1::2] != found[1][1::2]  # the samples differ
    assert found[0][::2] != found[2][::2]


def effective_modes(weights: tuple[float, ...] | None, count: int, true: tuple[float, ...] | None = None) -> Measured:
    measure = FIGURES["effective_modes"].measure
    assert measure is not None
    found = {"mode_weights": Measured(weights, floor=true, reason=None if weights else plain("There are no modes."))}
    return measure(np.zeros((count, 2)), found)


def test_the_effective_number_of_modes_is_that_of_equal_weights_with_the_same_entropy() -> None:
    assert effective_modes((0.25,) * 4, 100).value == pytest.approx(4)
    assert effective_modes((1.0, 0.0, 0.0), 100).value == 1
    assert effective_modes((0.8, 0.2), 100).value == pytest.approx(0.8**-0.8 * 0.2**-0.2)
    missing = effective_modes(None, 100)
    assert (missing.value, str(missing.reason)) == (None, "There are no modes.")
    assert effective_modes((0.5, 0.5), 100).floor is None  # the true weights are not known


@pytest.mark.parametrize("true", [(0.125,) * 8, (0.8, 0.2), (0.5, 0.3, 0.15, 0.05)])
def test_error_and_floor_of_the_effective_number_of_modes_are_those_of_a_perfect_sampler(
    true: tuple[float, ...],
) -> None:
    """Mean and spread of 3,000 perfect samplers, and the root mean square of their own errors."""
    count = 200
    draws = np.random.default_rng(0).multinomial(count, true, size=3_000) / count
    found = [effective_modes(tuple(weights.tolist()), count, true) for weights in draws]
    numbers = np.array([figure.value for figure in found])
    floor, spread = found[0].floor, found[0].floor_std
    assert numbers.mean() == pytest.approx(floor, abs=0.1 * spread)
    assert numbers.std() == pytest.approx(spread, rel=0.05)
    assert np.sqrt(np.mean([figure.error**2 for figure in found])) == pytest.approx(spread, rel=0.25)
