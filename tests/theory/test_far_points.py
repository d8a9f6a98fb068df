"""Likelihoods of points far from all data: closed forms, and no more evaluations than for near points."""

import math
from functools import cache

import pytest
import torch
from torch import Tensor

from playground.lab.compute import result
from playground.theory import likelihood
from playground.theory.likelihood import MOST_STEPS, decode, hutchinson_probes, log_likelihood
from playground.theory.networks import MLP
from playground.theory.noise import (
    Process,
)
from playground.theory.ode import TooManySteps, dormand_prince
from tests.generators import seeded
from tests.theory.gaussian_runs import MEAN, STD, gaussian_score, processes

PROCESSES = processes(0.05, 12.0)
DISTANCES = [1e3, 1e6, 1e12]  # standard deviations of the data


def far(distance: float, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Five points at this distance in all directions, and one in the middle."""
    x = torch.randn(6, *shape, generator=seeded(0), dtype=torch.float64)
    x[-1] /= distance
    return (MEAN + distance * x).to(dtype)


def network() -> MLP:
    """A network of random weights and random Fourier features, which oscillate once in a few standard deviations."""
    made = MLP(2, width=16, depth=2, activation="silu", features=8, scale=1.0, generator=seeded(0))
    torch.nn.init.normal_(made.out.weight, std=0.3, generator=seeded(1))
    return made.requires_grad_(False)


@pytest.mark.claims
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize(("shape", "distribution"), [((2,), None), ((3, 2, 2), "rademacher")], ids=["plane", "rgb"])
@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES.keys())
def test_a_gaussian_is_exact_at_any_distance(
    process: Process, shape: tuple[int, ...], distribution: str | None, distance: float
) -> None:
    x = far(distance, *shape)
    prior = process.prior(torch.full(shape, MEAN, dtype=torch.float64), STD**2)
    probes = None if distribution is None else hutchinson_probes(x, 1, distribution, seeded(1))
    found = result(log_likelihood(gaussian_score, process, prior, x, 1e-8, probes))
    variance = STD**2 + 0.05**2
    exact = -0.5 * ((x - MEAN).square() / variance + math.log(2 * math.pi * variance)).flatten(1).sum(1)
    torch.testing.assert_close(found.log_prob, exact, rtol=1e-6, atol=1e-6)
    assert int(found.evaluations.max()) < 1000
    back = result(decode(gaussian_score, process, prior, found.latent, 1e-8, probes))
    torch.testing.assert_close(back.x, x, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(back.log_prob, exact, rtol=1e-6, atol=1e-6)


@cache
def near_log_prob(process: Process, near: float) -> Tensor:
    """The network's log-densities at points that can be solved exactly."""
    prior = process.prior(torch.zeros(2, dtype=torch.float64), 1.0)
    progress = result(log_likelihood(network().double(), process, prior, far(near, 2), 1e-4))
    return progress.log_prob


@pytest.mark.claims
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("distribution", [None, "rademacher"])
@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES.keys())
def test_far_points_of_a_network_cost_no_more_than_near_ones(
    process: Process, distribution: str | None, distance: float
) -> None:
    """Far points, at which the features' oscillations are below the rounding of log p.

    A point a million standard deviations away passes a million oscillations. The rest of the score is linear in x, so log p grows
    with the square of the distance, as for points that are solved exactly.
    """
    x, near = far(distance, 2, dtype=torch.float32), 100.0
    prior = process.prior(torch.zeros(2), 1.0)
    probes = None if distribution is None else hutchinson_probes(x, 1, distribution, seeded(1))
    found = result(log_likelihood(network(), process, prior, x, 1e-5, probes))
    assert int(found.evaluations.max()) < 8 * 50  # of 50 steps
    shares = found.log_prob[:-1].double() / near_log_prob(process, near)[:-1] * (near / distance) ** 2
    torch.testing.assert_close(shares, torch.ones(5, dtype=torch.float64), rtol=0, atol=0.1)


def test_near_points_are_as_they_would_be_alone() -> None:
    x, process = far(1e12, 2), PROCESSES["VE"]
    prior = process.prior(torch.full((2,), MEAN, dtype=torch.float64), STD**2)
    among = result(log_likelihood(gaussian_score, process, prior, x, 1e-8))
    alone = result(log_likelihood(gaussian_score, process, prior, x[-1:], 1e-8))
    torch.testing.assert_close(among.log_prob[-1:], alone.log_prob, rtol=1e-12, atol=1e-12)


def test_a_rough_score_fails_after_a_bounded_number_of_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    """A score that oscillates a million times per unit would take days, even near the data."""
    assert MOST_STEPS <= 2000
    monkeypatch.setattr(likelihood, "MOST_STEPS", 200)
    asked = 0

    def rough(x: Tensor, sigma: Tensor) -> Tensor:
        nonlocal asked
        asked += 1
        return torch.sin(1e6 * x) - x

    process, x = PROCESSES["VP"], torch.zeros(1, 2, dtype=torch.float64) + 0.3
    with pytest.raises(TooManySteps, match="1 point is not there after 200 steps"):
        list(log_likelihood(rough, process, process.prior(torch.zeros(2, dtype=torch.float64), 1.0), x, 1e-6))
    assert asked <= 8 * 200 + 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30])
def test_values_that_are_not_finite_fail_at_once(value: float) -> None:
    """In single precision the square of the last value overflows."""
    asked = 0

    def counted(x: Tensor, sigma: Tensor) -> Tensor:
        nonlocal asked
        asked += 1
        return -x * x.square() / x.square()

    process, x = PROCESSES["VE"], torch.tensor([[0.1, 0.2], [value, 0.0]])
    with pytest.raises(TooManySteps, match="the score is not finite"):
        list(log_likelihood(counted, process, process.prior(torch.zeros(2), 1.0), x, 1e-5))
    assert asked < 200


def test_an_allowance_applies_to_its_own_integrals() -> None:
    """Of two oscillating integrals, the one with an allowance costs no steps, and x and the other one stay exact."""

    def field(x: Tensor, t: Tensor) -> Tensor:
        return torch.cos(3 * t)[:, None]

    def waves(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return field(x, t), torch.stack([torch.cos(3 * t), 100 * torch.cos(200 * t)], 1)

    x0 = torch.zeros(2, 1, dtype=torch.float64)
    allowance = torch.tensor([[0.0, 1000.0], [0.0, 0.0]], dtype=torch.float64)
    end = result(dormand_prince(field, x0, 0.0, 2.0, 1e-6, integrand=waves, allowance=allowance))
    exact = torch.full((2,), math.sin(6) / 3).double()
    torch.testing.assert_close(end.x[:, 0], exact, rtol=0, atol=1e-4)
    torch.testing.assert_close(end.integrals[:, 0], exact, rtol=0, atol=1e-4)
    assert float(end.integrals[1, 1]) == pytest.approx(math.sin(400) / 2, abs=1e-3)
    assert 10 * int(end.evaluations[0]) < int(end.evaluations[1])
