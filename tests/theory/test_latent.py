"""Interpolations between latent codes: their ends, the distribution of their points, and their decoding by a Gaussian's flow."""

import math

import pytest
import torch
from torch import Tensor

from playground.lab.compute import result
from playground.theory.latent import LATENT_INTERPOLATIONS, linear, rotation, spherical
from playground.theory.likelihood import decode, log_likelihood
from playground.theory.noise import Process, VarianceExploding, VariancePreserving, per_point
from tests.generators import seeded

SHARES = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64)


def pairs(count: int, *shape: int) -> tuple[Tensor, Tensor]:
    z = torch.randn(2, count, *shape, dtype=torch.float64, generator=seeded(0))
    return z[0], z[1]


def ways(name: str, z0: Tensor, z1: Tensor) -> Tensor:
    """The interpolations of N pairs at P shares, (P, N, *shape)."""
    return torch.stack([LATENT_INTERPOLATIONS[name](a, b, SHARES) for a, b in zip(z0, z1, strict=True)], dim=1)


@pytest.mark.parametrize("name", LATENT_INTERPOLATIONS)
@pytest.mark.parametrize("shape", [(2,), (1, 3, 4), (3, 2, 2)])
def test_an_interpolation_leads_from_one_code_to_the_other(name: str, shape: tuple[int, ...]) -> None:
    z0, z1 = pairs(20, *shape)
    found = ways(name, z0, z1)
    assert found.shape == (5, 20, *shape)
    torch.testing.assert_close(found[0], z0)
    torch.testing.assert_close(found[-1], z1)
    again = ways(name, z1, z0)
    torch.testing.assert_close(found, again.flip(0))  # the reversed path is the same


@pytest.mark.parametrize("name", LATENT_INTERPOLATIONS)
@pytest.mark.parametrize("dim", [2, 64])
def test_the_variance_at_the_midpoint(name: str, dim: int) -> None:
    """The variance per axis at the midpoint is 1 for the rotation and 1/2 for the straight line.

    For the circle it is E[((r0 + r1)/2)^2]/D with r chi-distributed, which is 0.89 in the plane and 0.996 in 64 dimensions.
    """
    z0, z1 = pairs(4000, dim)
    middle = ways(name, z0, z1)[2]
    mean_length = math.sqrt(2) * math.exp(math.lgamma((dim + 1) / 2) - math.lgamma(dim / 2))
    expected = {"rotation": 1.0, "linear": 0.5, "spherical": 0.5 + 0.5 * mean_length**2 / dim}[name]
    squares = middle.square().mean(1)
    assert float(squares.mean()) == pytest.approx(expected, abs=4.4 * float(squares.std()) / math.sqrt(len(squares)))


def test_the_rotation_keeps_the_whole_distribution() -> None:
    """Fourth moments are 3 per axis too, and the midpoint is independent of z0 - z1."""
    z0, z1 = pairs(20_000, 2)
    middle = ways("rotation", z0, z1)[2]
    assert float(middle.pow(4).mean()) == pytest.approx(3.0, abs=4.4 * math.sqrt(96 / middle.numel()))
    assert float((middle * (z0 - z1)).mean()) == pytest.approx(0.0, abs=4.4 * math.sqrt(2 / middle.numel()))


def test_the_great_circle_keeps_between_the_lengths_at_constant_speed() -> None:
    z0, z1 = 3 * torch.tensor([1.0, 0.0]).double(), torch.tensor([0.0, 1.0]).double()
    found = spherical(z0, z1, SHARES)
    torch.testing.assert_close(found.norm(dim=1), torch.tensor([3.0, 2.5, 2.0, 1.5, 1.0]).double())
    torch.testing.assert_close(torch.atan2(found[:, 1], found[:, 0]), SHARES * math.pi / 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_opposite_and_zero_codes_can_be_interpolated(dtype: torch.dtype) -> None:
    z = torch.tensor([0.6, 0.8, 0.0], dtype=dtype)
    torch.testing.assert_close(spherical(z, z, SHARES), z.expand(5, 3), rtol=1e-6, atol=1e-6)
    around = spherical(z, -z, SHARES)
    torch.testing.assert_close(around.norm(dim=1), torch.ones(5, dtype=dtype))  # not through the origin
    torch.testing.assert_close(around[-1], -z, rtol=1e-6, atol=1e-6)
    for ends in ((z, 0 * z), (0 * z, z), (0 * z, 0 * z)):
        found = spherical(*ends, SHARES)
        torch.testing.assert_close(found[[0, -1]], torch.stack(ends))
        assert torch.isfinite(found).all()
    torch.testing.assert_close(rotation(z, z, SHARES)[2], math.sqrt(2) * z)
    torch.testing.assert_close(linear(z, -z, SHARES)[2], 0 * z)


@pytest.mark.parametrize("process", [VarianceExploding(0.05, 12.0), VariancePreserving(0.1, 20.0, 0.05)])
@pytest.mark.parametrize("name", LATENT_INTERPOLATIONS)
def test_interpolation_of_a_gaussian_decodes_in_standard_deviations(process: Process, name: str) -> None:
    """For N(m, s^2) the flow keeps each point's distance from the mean in standard deviations: x(u) = m + s z(u)."""
    mean, std = torch.tensor([2.0, -1.0], dtype=torch.float64), 0.4
    ends = mean + torch.tensor([[0.5, 0.1], [-0.3, 0.4]], dtype=torch.float64)

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        return -(x - mean) / (std**2 + per_point(sigma, x) ** 2)

    prior = process.prior(mean, std**2)
    encoded = result(log_likelihood(score, process, prior, ends, 1e-8))
    z0, z1 = prior.to_normal(encoded.latent)
    decoded = result(
        decode(score, process, prior, prior.from_normal(LATENT_INTERPOLATIONS[name](z0, z1, SHARES)), 1e-8)
    )
    smoothed = math.hypot(std, 0.05)
    first, second = (ends - mean) / smoothed
    expected = mean + smoothed * LATENT_INTERPOLATIONS[name](first, second, SHARES)
    torch.testing.assert_close(decoded.x, expected, rtol=0, atol=1e-5)
