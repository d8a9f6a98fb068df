"""Batches of points of any shape, in both precisions and any unit."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from playground.lab.compute import result
from playground.theory.empirical import Empirical
from playground.theory.likelihood import log_likelihood
from playground.theory.noise import SingleSigma, VarianceExploding, VariancePreserving, per_point
from playground.theory.objectives import Denoising, Exact, Sliced
from tests.generators import seeded
from tests.theory.test_samplers import ALL

SHAPES = st.one_of(
    st.tuples(st.integers(1, 7)),  # points on a line, in the plane, in space
    st.tuples(st.sampled_from([1, 3]), st.integers(1, 4), st.integers(1, 4)),  # grey and RGB images
)
DTYPES = st.sampled_from([torch.float32, torch.float64])
SCALES = st.floats(-4, 6).map(lambda power: 10.0**power)
few, fewer = settings(max_examples=25), settings(max_examples=8)


def normals(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64).to(dtype)


def close(found: Tensor, expected: Tensor, dtype: torch.dtype, size: float) -> None:
    assert found.dtype == dtype
    margin = (1e-4 if dtype == torch.float32 else 1e-9) * size
    torch.testing.assert_close(found.double(), expected.double(), rtol=0, atol=margin)


@few
@given(shape=SHAPES, count=st.integers(1, 6), dtype=DTYPES, scale=SCALES, level=st.floats(0.05, 20))
def test_the_training_sets_score_is_the_gradient_of_its_density(
    shape: tuple[int, ...], count: int, dtype: torch.dtype, scale: float, level: float
) -> None:
    """In units of `scale` the score is 1/scale times as large."""
    points, x = normals(0, 9, *shape), normals(1, count, *shape)
    wide = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(Empirical(points).log_prob(wide, level).sum(), wide)
    found = Empirical((scale * points).to(dtype)).score((scale * x).to(dtype), scale * level)
    assert found.shape == x.shape
    close(found * scale, gradient, dtype, 10 * (1 + float(gradient.abs().max())) * max(1.0, level**-2))


@few
@given(shape=SHAPES, count=st.integers(1, 6), dtype=DTYPES, slope=st.floats(-1e6, 1e6))
def test_losses_of_a_linear_field_are_the_closed_form(
    shape: tuple[int, ...], count: int, dtype: torch.dtype, slope: float
) -> None:
    """For the field a x without noise the exact loss of a point is a^2 |x|^2/2 + a D.

    So is the variance-reduced sliced loss with Rademacher directions."""
    x, dim = normals(0, count, *shape, dtype=dtype), math.prod(shape)
    still = torch.zeros(count, dtype=dtype)
    expected = 0.5 * slope**2 * x.double().square().flatten(1).sum(1) + slope * dim
    size = float(expected.abs().max()) + abs(slope) * dim + 1
    for objective in (
        Exact(SingleSigma(1.0), weight="constant"),
        Sliced(SingleSigma(1.0), weight="constant", probes="rademacher", variance_reduced=True),
    ):
        losses = objective.loss(lambda y, _: slope * y, x, still, seeded(1))
        close(losses.detach(), expected, dtype, size)


@few
@given(shape=SHAPES, count=st.integers(1, 6), dtype=DTYPES, level=st.floats(1e-3, 1e3))
def test_the_denoising_loss_of_a_zero_score_is_the_noise(
    shape: tuple[int, ...], count: int, dtype: torch.dtype, level: float
) -> None:
    """The loss is sigma^2 |z/sigma|^2, whose mean is D at every level."""
    x, sigma = normals(0, count, *shape, dtype=dtype), torch.full((count,), level, dtype=dtype)
    objective = Denoising(SingleSigma(level), weight="sigma2")
    losses = torch.stack([objective.loss(lambda y, _: 0 * y, x, sigma, seeded(k)) for k in range(60)])
    assert losses.shape == (60, count)
    assert losses.dtype == dtype
    numbers = losses.numel() * math.prod(shape)
    assert float(losses.double().sum()) == pytest.approx(numbers, abs=4.9 * math.sqrt(2 * numbers))


@fewer
@given(
    shape=SHAPES,
    count=st.integers(1, 4),
    dtype=DTYPES,
    distance=st.sampled_from([0.0, 1.0, 30.0, 1e4, 1e9]),
    process=st.sampled_from([VarianceExploding(0.05, 12.0), VariancePreserving(0.1, 20.0, 0.05)]),
)
def test_the_likelihood_of_a_gaussian_is_the_closed_form(
    shape: tuple[int, ...], count: int, dtype: torch.dtype, distance: float, process: Any
) -> None:
    std = 0.7
    x = (distance * normals(0, count, *shape)).to(dtype)
    prior = process.prior(torch.zeros(shape, dtype=dtype), std**2)
    progress = result(log_likelihood(lambda y, s: -y / (std**2 + per_point(s, y) ** 2), process, prior, x, 1e-6))
    variance = std**2 + 0.05**2
    exact = -0.5 * (x.double().square() / variance + math.log(2 * math.pi * variance)).flatten(1).sum(1)
    found, size = progress.log_prob, 1 + float(exact.abs().max())
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), exact, rtol=0, atol=(1e-3 if dtype == torch.float32 else 1e-5) * size)


@pytest.mark.parametrize("sampler", ALL.values(), ids=ALL.keys())
@settings(max_examples=4)
@given(shape=SHAPES, count=st.integers(1, 5), dtype=DTYPES)
def test_every_sampler_keeps_shape_and_precision(
    sampler: Any, shape: tuple[int, ...], count: int, dtype: torch.dtype
) -> None:
    start = normals(0, count, *shape, dtype=dtype)
    *_, step = sampler.run(lambda y, s: -y / (0.36 + per_point(s, y) ** 2), start, seeded(1))
    assert step.positions.shape == start.shape
    assert step.positions.dtype == dtype
    assert torch.isfinite(step.positions).all()
