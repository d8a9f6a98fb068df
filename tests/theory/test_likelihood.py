"""Likelihoods against closed forms: Gaussians, mixtures, the variance of the Hutchinson estimator, and an integral of 1."""

import math
from collections.abc import Generator
from typing import Any

import pytest
import scipy.linalg
import torch
from torch import Tensor

from playground.lab.compute import result
from playground.theory.densities import GaussianMixture
from playground.theory.likelihood import (
    LikelihoodResult,
    bits_per_dim,
    decode,
    hutchinson_probes,
    log_likelihood,
    moderated_error,
)
from playground.theory.noise import (
    Cosine,
    GaussianPrior,
    Process,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
    per_point,
)
from playground.theory.noise.process import ScoreFunction
from playground.theory.objectives import PROBE_DISTRIBUTIONS
from playground.theory.ode import dormand_prince
from tests.generators import seeded
from tests.networks import build_network

VE = VarianceExploding(0.05, 12.0)
VP = VariancePreserving(0.1, 20.0, 0.05)
SUB_VP = SubVariancePreserving(0.1, 20.0, 0.05)
COSINE = Cosine(0.05, 12.0)
both = pytest.mark.parametrize("process", [VE, VP], ids=["VE", "VP"])
every_process = pytest.mark.parametrize("process", [VE, VP, SUB_VP, COSINE], ids=["VE", "VP", "sub-VP", "cosine"])


def mixture(dtype: torch.dtype = torch.float64) -> GaussianMixture:
    """Three components with mean 0, of widths from 0.1 to 0.4."""
    means = torch.tensor([[1.0, 0.5], [-1.2, 0.3], [0.2, -0.8]], dtype=dtype)
    return GaussianMixture(means, torch.tensor([0.2, 0.1, 0.4], dtype=dtype))


def prior_of(density: GaussianMixture, process: Process) -> GaussianPrior:
    return process.prior(density.mean, density.variance)


class ExactPrior:
    """The mixture's own density at t = 1 in place of a Gaussian with its moments, so that only the solver's error remains."""

    def __init__(self, process: Process) -> None:
        self.scale, self.sigma = float(process.scale(1.0)), float(process.sigma(1.0))

    def log_prob(self, x: Tensor) -> Tensor:
        return mixture(x.dtype).log_prob(x / self.scale, self.sigma) - x[0].numel() * math.log(self.scale)


def solve(
    score: ScoreFunction, process: Process, prior: Any, x: Tensor, tolerance: float = 1e-7, **options: Any
) -> LikelihoodResult:
    return result(log_likelihood(score, process, prior, x, tolerance, **options))


def draws(count: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return mixture(dtype).sample(count, seeded(0))


@every_process
@pytest.mark.parametrize("std", [1.0, 0.1])
@pytest.mark.parametrize("dim", [1, 3])
def test_a_gaussian_is_exact(process: Process, std: float, dim: int) -> None:
    mean = torch.linspace(-1, 1, dim, dtype=torch.float64)
    x = mean + 3 * std * torch.randn(50, dim, dtype=torch.float64, generator=seeded(1))
    found = solve(
        lambda x, sigma: -(x - mean) / (std**2 + per_point(sigma, x) ** 2), process, process.prior(mean, std**2), x
    )
    exact = GaussianPrior(mean, math.hypot(std, 0.05)).log_prob(x)
    torch.testing.assert_close(found.log_prob, exact, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.prior_term + found.trace_term, found.log_prob)


@pytest.mark.claims
@every_process
def test_a_mixture_agrees_with_its_smoothed_density(process: Process) -> None:
    density, x = mixture(), draws(300)
    exact = density.log_prob(x, 0.05)
    found = solve(density.score, process, ExactPrior(process), x, 1e-8).log_prob
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-6)
    assert float((found - density.log_prob(x)).abs().max()) > 0.05  # it is not the unsmoothed one


@both
def test_a_gaussian_prior_with_the_datas_moments_is_nearly_exact(process: Process) -> None:
    """A Gaussian of width 12 (VE), or 148 times the contraction (VP), replaces the mixture smoothed by as much."""
    density, x = mixture(), draws(300)
    error = (solve(density.score, process, prior_of(density, process), x).log_prob - density.log_prob(x, 0.05)).abs()
    assert float(error.median()) < (1e-3 if process is VE else 1e-5)
    assert float(error.max()) < (2e-2 if process is VE else 1e-4)


@pytest.mark.claims
@both
@pytest.mark.parametrize("tolerance", [1e-3, 1e-4, 1e-5])
def test_the_largest_error_is_near_the_tolerance(process: Process, tolerance: float) -> None:
    """For 2,000 points, a step shared among them had an error of 2.07 nat at 1e-3 (theory.md, section 3)."""
    density, x = mixture(), draws(2000)
    prior = prior_of(density, process)
    error = (solve(density.score, process, prior, x, tolerance).log_prob - reference(process)).abs()
    assert float(error.max()) < 150 * tolerance
    assert float(error.median()) < 3 * tolerance


REFERENCES: dict[Process, Tensor] = {}


def reference(process: Process) -> Tensor:
    """The same likelihoods at a tolerance of 1e-8, with the prior's error and without the solver's."""
    if process not in REFERENCES:
        density = mixture()
        REFERENCES[process] = solve(density.score, process, prior_of(density, process), draws(2000), 1e-8).log_prob
    return REFERENCES[process]


@both
def test_a_coarser_sigma_gives_the_coarser_density(process: Process) -> None:
    density, x = mixture(), 1.5 * draws(100)
    prior = ExactPrior(process)
    for sigma in (0.05, 0.4, 3.0):
        found = solve(density.score, process, prior, x, sigma=sigma).log_prob
        torch.testing.assert_close(found, density.log_prob(x, sigma), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=r"sigma = 0\.01 lies outside the process, whose noise goes from 0\.05 to"):
        solve(density.score, process, prior, x, sigma=0.01)


def linear_problem(dim: int) -> tuple[Tensor, Tensor]:
    """A covariance with correlations, and S: half the log-ratio of the covariances at the two ends of the VE flow."""
    root = torch.randn(dim, dim, dtype=torch.float64, generator=seeded(2)) / math.sqrt(dim)
    covariance = root @ root.T + 0.05 * torch.eye(dim, dtype=torch.float64)
    ends = [covariance + sigma**2 * torch.eye(dim, dtype=torch.float64) for sigma in (0.05, 12.0)]
    logarithms = [torch.from_numpy(scipy.linalg.logm(end.numpy())) for end in ends]
    return covariance, (logarithms[1] - logarithms[0]) / 2


def linear_score(covariance: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
    identity = torch.eye(len(covariance), dtype=x.dtype)
    noisy = covariance + sigma.reshape(-1, 1, 1) ** 2 * identity
    solved: Tensor = torch.linalg.solve(noisy, x[:, :, None])
    return -solved[:, :, 0]


def variance(distribution: str, s: Tensor) -> float:
    """The variance of the trace estimate v'(S - cI)v for symmetric S, in closed form from the fourth moments of v.

    c is the part of the trace for standard normal data, which is known and not estimated.
    """
    s = s - math.log(math.hypot(1.0, 12.0) / math.hypot(1.0, 0.05)) * torch.eye(len(s), dtype=s.dtype)
    square, diagonal, trace, dim = s.square().sum(), s.diagonal().square().sum(), s.trace(), len(s)
    return float(
        {
            "rademacher": 2 * (square - diagonal),
            "gaussian": 2 * square,
            "sphere": 2 / (dim + 2) * (dim * square - trace**2),
        }[distribution]
    )


def estimates(
    distribution: str, probes: int, covariance: Tensor, count: int, tolerance: float = 1e-5
) -> LikelihoodResult:
    """Estimates for `count` points at the mean, where the Jacobian of the flow is the same for all."""
    x = torch.zeros(count, len(covariance), dtype=torch.float64)
    return solve(
        lambda x, sigma: linear_score(covariance, x, sigma),
        VE,
        VE.prior(x[0], 1.0),
        x,
        tolerance,
        probes=hutchinson_probes(x, probes, distribution, seeded(3)),
    )


@pytest.mark.claims
@pytest.mark.parametrize("distribution", PROBE_DISTRIBUTIONS)
@pytest.mark.parametrize("probes", [1, 3])
def test_hutchinson_is_unbiased_and_has_its_known_variance(distribution: str, probes: int) -> None:
    """Rademacher: 2 sum_{i != j} S_ij^2; Gaussian: 2 |S - cI|^2; each over k for a mean of k vectors."""
    count = 3000
    covariance, s = linear_problem(4)
    trace = estimates(distribution, probes, covariance, count).trace_term
    expected = variance(distribution, s) / probes
    assert float(trace.mean()) == pytest.approx(float(s.trace()), abs=4.4 * math.sqrt(expected / count))
    squares = (trace - s.trace()).square()
    allowed = 4.4 * float(squares.std()) / math.sqrt(count)
    assert float(squares.mean()) == pytest.approx(expected, abs=allowed)
    others = [variance(other, s) / probes for other in PROBE_DISTRIBUTIONS if other != distribution]
    assert (
        min(abs(other - expected) for other in others) > allowed
    )  # else this test could not distinguish the distributions


@pytest.mark.parametrize("distribution", PROBE_DISTRIBUTIONS)
def test_the_standard_error_is_that_of_the_mean_over_the_vectors(distribution: str) -> None:
    count, probes = 2000, 4
    covariance, s = linear_problem(4)
    found = estimates(distribution, probes, covariance, count)
    assert found.standard_error is not None
    squares = found.standard_error.square()
    allowed = 4.4 * float(squares.std()) / math.sqrt(count)
    assert float(squares.mean()) == pytest.approx(variance(distribution, s) / probes, abs=allowed)


def test_an_exact_trace_has_no_error_and_a_single_vector_has_no_estimate_of_it() -> None:
    covariance, _ = linear_problem(3)
    assert estimates("rademacher", 1, covariance, 5).standard_error is None
    density, x = mixture(), draws(5)
    exact = solve(density.score, VE, prior_of(density, VE), x).standard_error
    assert exact is not None
    assert exact.tolist() == [0.0] * 5


def test_estimates_that_agree_by_chance_do_not_count_as_exact() -> None:
    """In the plane two Rademacher vectors agree at every other point. The mean square, and so the error of a mean, is unchanged."""
    covariance, s = linear_problem(2)
    found = estimates("rademacher", 2, covariance, 2000)
    assert found.standard_error is not None
    off = (found.trace_term - s.trace()).abs()
    told = moderated_error(found.standard_error, 2)
    assert told is not None
    assert 0.45 < float((found.standard_error < 1e-6).double().mean()) < 0.55
    assert float((off > 2 * found.standard_error).double().mean()) > 0.45
    assert float((off > 2 * told).double().mean()) < 0.01
    torch.testing.assert_close(told.square().mean(), found.standard_error.square().mean())


def test_a_point_that_was_given_up_does_not_change_the_others_errors() -> None:
    told = moderated_error(torch.tensor([3.0, 1.0, math.nan]), 5)
    assert told is not None
    torch.testing.assert_close(
        told, torch.tensor([math.sqrt((4 * 9 + 4 * 5) / 8), math.sqrt((4 + 4 * 5) / 8), math.nan]), equal_nan=True
    )


def test_a_single_point_has_its_own_error_and_none_if_its_vectors_agree() -> None:
    torch.testing.assert_close(moderated_error(torch.tensor([0.5]), 2), torch.tensor([0.5]))
    assert moderated_error(torch.zeros(1), 10) is None
    assert moderated_error(torch.zeros(9), 2) is None
    for points, probes in ((1, 11), (10, 2)):  # not by chance: their traces of a diagonal Jacobian are exact
        told = moderated_error(torch.zeros(points), probes)
        assert told is not None
        assert not told.any()


def test_each_vector_is_kept_for_the_whole_solve() -> None:
    """With a new v at each step v'Jv would average to the trace. Here every point keeps one of the 2^(D-1) values."""
    covariance, s = linear_problem(3)
    trace = estimates("rademacher", 1, covariance, 60, 1e-7).trace_term
    signs = torch.tensor([[1, a, b] for a in (-1, 1) for b in (-1, 1)], dtype=torch.float64)
    possible = torch.einsum("ki,ij,kj->k", signs, s, signs)
    assert float((trace[:, None] - possible).abs().amin(1).max()) < 1e-4
    assert len((trace[:, None] - possible).abs().argmin(1).unique()) == 4


@pytest.mark.claims
@pytest.mark.parametrize("distribution", PROBE_DISTRIBUTIONS)
def test_several_vectors_give_the_results_of_separate_solves(distribution: str) -> None:
    """This holds in batches too, in which finished points are removed with their vectors."""
    density, x = mixture(), draws(40)
    probes = hutchinson_probes(x, 3, distribution, seeded(4))
    prior = prior_of(density, VE)
    together = solve(density.score, VE, prior, x, probes=probes, batch=16).trace_term
    one_by_one = [solve(density.score, VE, prior, x, probes=v[:, None]).trace_term for v in probes.unbind(1)]
    torch.testing.assert_close(together, torch.stack(one_by_one).mean(0), rtol=0, atol=1e-5)


@pytest.mark.claims
@every_process
@pytest.mark.parametrize("sigma", [None, 0.4])
def test_decoding_gives_the_point_and_its_density_again(process: Process, sigma: float | None) -> None:
    density, x = mixture(), draws(40)
    prior = prior_of(density, process)
    for probes in (None, hutchinson_probes(x, 2, "gaussian", seeded(5))):
        there = solve(density.score, process, prior, x, 1e-7, probes=probes, sigma=sigma)
        progress = result(decode(density.score, process, prior, there.latent, 1e-7, probes=probes, sigma=sigma))
        torch.testing.assert_close(progress.x, x, rtol=0, atol=1e-6)
        torch.testing.assert_close(progress.log_prob, there.log_prob, rtol=0, atol=1e-5)
        torch.testing.assert_close(progress.standard_error, there.standard_error, rtol=0, atol=1e-5)
        assert there.standard_error is not None
        assert (there.standard_error > 0).tolist() == [probes is not None] * len(x)


@every_process
def test_codes_of_a_gaussian_are_its_points_in_standard_deviations(process: Process) -> None:
    """The flow of N(m, C) is affine, and the code of x(1) under the prior is C^(-1/2) (x - m), along the axes of C."""
    covariance, _ = linear_problem(3)
    mean = torch.tensor([0.3, -1.0, 0.5], dtype=torch.float64)
    root = torch.linalg.cholesky(covariance + 0.05**2 * torch.eye(3, dtype=torch.float64))
    x = mean + torch.randn(20, 3, dtype=torch.float64, generator=seeded(6)) @ root.T
    prior = process.prior(mean, covariance)
    found = solve(lambda x, sigma: linear_score(covariance, x - mean, sigma), process, prior, x, 1e-8)
    z = prior.to_normal(found.latent)
    values, axes = torch.linalg.eigh(covariance)
    along = ((x - mean) @ axes) / (values + 0.05**2).sqrt()
    torch.testing.assert_close(z, along @ axes.T, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(prior.from_normal(z), found.latent, rtol=1e-9, atol=1e-9)
    back = result(
        decode(lambda x, sigma: linear_score(covariance, x - mean, sigma), process, prior, prior.from_normal(z), 1e-8)
    )
    torch.testing.assert_close(back.x, x, rtol=0, atol=1e-5)


@both
def test_a_fresh_network_is_the_gaussian_of_the_data(process: Process) -> None:
    """Its last layer is zero, so only the preconditioning acts: the score of N(0, 1 + sigma^2), in float32."""
    network = build_network(
        "mlp", (2,), width=16, depth=2, activation="silu", features=8, feature_scale=1.0, generator=torch.Generator()
    )
    x = 2 * torch.randn(100, 2, generator=seeded(5))
    found = solve(network, process, process.prior(torch.zeros(2), 1.0), x, 1e-5).log_prob
    exact = GaussianPrior(torch.zeros(2), math.hypot(1.0, 0.05)).log_prob(x)
    torch.testing.assert_close(found, exact, rtol=0, atol=5e-4)
    assert not found.requires_grad


@pytest.mark.claims
@every_process
def test_the_latent_code_is_the_end_of_the_processs_flow(process: Process) -> None:
    """The likelihood's flow has its own coordinates. Here it is solved in x and t, by f - g^2 s/2."""
    density, x, t0 = mixture(), draws(20), process.t_min
    progress = result(
        dormand_prince(
            lambda x, t: process.probability_flow(density.score, x, t), float(process.scale(t0)) * x, t0, 1.0, 1e-9
        )
    )
    found = solve(density.score, process, prior_of(density, process), x, 1e-9).latent
    torch.testing.assert_close(found, progress.x, rtol=1e-6, atol=1e-6)


@both
def test_the_path_leads_from_the_point_to_the_prior(process: Process) -> None:
    """For a Gaussian the path is known: x(t) keeps its distance from the mean in standard deviations."""
    mean = torch.tensor([0.5, -0.3], dtype=torch.float64)
    x = mean + torch.randn(5, 2, dtype=torch.float64, generator=seeded(8))
    found = solve(
        lambda x, sigma: -(x - mean) / (1 + per_point(sigma, x) ** 2),
        process,
        process.prior(mean, 1.0),
        x,
        record_path=True,
        path_points=33,
    )
    assert found.path is not None
    assert found.path_sigma is not None
    sigmas = found.path_sigma[:, None, None]
    assert float(sigmas[0]) == pytest.approx(0.05)
    assert float(sigmas[-1]) == pytest.approx(float(process.sigma(1.0)))
    alpha = process.scale(process.time(sigmas))
    exact = alpha * (mean + ((1 + sigmas**2) / (1 + 0.05**2)).sqrt() * (x - mean))
    torch.testing.assert_close(found.path, exact, rtol=1e-3, atol=1e-3)


def test_same_points_same_numbers_and_evaluations_are_counted() -> None:
    density, calls = mixture(), []

    def counted(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append(len(x))
        return density.score(x, sigma)

    first = solve(counted, VE, prior_of(density, VE), draws(50), 1e-4)
    assert sum(calls) == int(first.evaluations.sum())
    again = solve(density.score, VE, prior_of(density, VE), draws(50), 1e-4)
    assert torch.equal(first.log_prob, again.log_prob)


def test_stopping_early_stops_the_work_and_leaves_gradients_on() -> None:
    density, calls = mixture(), []

    def counted(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append(len(x))
        return density.score(x, sigma)

    run = log_likelihood(counted, VE, prior_of(density, VE), draws(20), 1e-5)
    progress = next(run)
    assert 0 <= progress < 1
    assert torch.is_grad_enabled()
    with torch.no_grad():  # as during sampling
        next(run)
    done = len(calls)
    assert isinstance(run, Generator)
    run.close()
    assert len(calls) == done


def test_bits_per_dim_of_the_uniform_distribution_are_the_bits_of_its_levels() -> None:
    """With a uniform density over [-1, 1]^D each of K levels costs log2 K bits."""
    for levels, bits in ((256, 8.0), (17, math.log2(17))):
        found = bits_per_dim(torch.tensor([-64 * math.log(2)]), (1, 8, 8), levels)
        assert float(found) == pytest.approx(bits, abs=1e-6)
    assert float(bits_per_dim(torch.zeros(1), (1, 8, 8), 17)) == pytest.approx(3.087, abs=5e-4)
