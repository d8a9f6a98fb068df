"""RGB images (3, H, W) with every sampler, trace and figure: no sum leaves out a channel."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from playground.data import Dataset
from playground.lab.compute import result
from playground.lab.evaluation import evaluate, sample_distances
from playground.lab.experiment import Experiment, replace
from playground.lab.latent import interpolate
from playground.lab.likelihood import log_likelihood, round_trip
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.theory.noise import per_point
from tests.figures import flat
from tests.fitting import SAMPLERS, dotted

SHAPE = (3, 8, 8)


def problem(**changes: object) -> Problem:
    """Noise around a picture with three different channels, in 256 grey levels on [-1, 1]."""
    rng = np.random.default_rng(0)
    mean = np.linspace(-0.5, 0.5, math.prod(SHAPE)).reshape(SHAPE)
    points = np.clip(mean + 0.15 * rng.normal(size=(300, *SHAPE)), -1, 1)
    levels = np.round((points + 1) * 127.5) / 127.5 - 1
    dataset = Dataset("colours", levels[:240], None, SHAPE, ("x", "y"), levels[240:], grey_levels=256)
    settings = {
        "data.kind": "images",
        "data.path": "colours",
        "data.pixels": 8,
        "data.colours": "rgb",
        "network.width": 8,
        "network.depth": 2,
        "likelihood.points": 10,
        "sampling.particles": 20,
        "sampling.steps": 100,
        **dotted(changes),
    }
    return Problem.build(replace(Experiment(), settings), dataset)


def gaussian(mean: torch.Tensor, variance: torch.Tensor) -> Any:
    return lambda x, sigma: -(x - mean) / (variance + per_point(sigma, x) ** 2)


def moments(made: Problem) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean and the standard deviation of each pixel of the data, in internal units."""
    return made.train.mean(0), made.train.var(0, correction=0)


@pytest.mark.parametrize("kind", [kind for kind in SAMPLERS if kind != "mala"])
def test_every_sampler_gives_each_channel_its_own_mean_and_spread(kind: str) -> None:
    made = problem(sampling__kind=kind, sampling__steps=200, sampling__particles=200)
    if kind == "langevin":  # it mixes slowly
        step = 0.04 * made.units.sigma_to_user(1.0) ** 2
        made = problem(sampling__kind=kind, sampling__steps=200, sampling__particles=200, sampling__step=step)
    mean = torch.linspace(-1.5, 1.5, math.prod(SHAPE)).reshape(SHAPE)
    std = torch.tensor([0.5, 0.8, 1.2]).view(3, 1, 1)
    *_, trajectory = sample(made, gaussian(mean, std**2))
    end = made.units.to_internal(np.asarray(trajectory.positions[-1]))
    assert end.shape == (200, *SHAPE)
    # Means of 200 particles have an error of 0.07 standard deviations. Langevin's steps, annealed or not, also leave a
    # variance that is a tenth too large.
    assert np.abs((end.mean(0) - mean.numpy()) / std.numpy()).mean() < 0.12
    for channel in range(3):
        assert end[:, channel].std(0).mean() == pytest.approx(
            float(std[channel]), rel=0.15 if "langevin" in kind else 0.03
        )


def test_metropolis_samples_the_training_sets_density_of_colours() -> None:
    made = problem(sampling__kind="mala", sampling__source="empirical", noise__kind="single")
    score = made.known_score()
    assert score is not None
    *_, trajectory = sample(made, score)
    assert trajectory.positions.shape[2:] == SHAPE
    assert 0 < float(trajectory.accepted[1:].mean()) <= 1


@pytest.mark.parametrize("trace", ["exact", "hutchinson"])
@pytest.mark.parametrize("noise", ["ve", "vp"])
def test_likelihoods_of_colours_are_the_gaussians(trace: str, noise: str) -> None:
    """Hutchinson's estimate with Rademacher probes is exact for a diagonal Jacobian."""
    made = problem(likelihood__trace=trace, noise__kind=noise)
    (mean, variance), points = moments(made), made.dataset.held_out[:4]
    found = result(log_likelihood(made, gaussian(mean, variance), points))
    variance = variance.double() + made.noise.sigma_min**2
    x = torch.from_numpy(made.units.to_internal(points))
    exact = -0.5 * ((x - mean) ** 2 / variance + (2 * math.pi * variance).log()).flatten(1).sum(1)
    expected = made.units.log_prob_to_user(exact.numpy())
    np.testing.assert_allclose(found.log_prob, expected, atol=0.05)
    assert found.latent.shape == (4, *SHAPE)


def test_colour_images_are_encoded_decoded_and_interpolated() -> None:
    made = problem()
    score, points = gaussian(*moments(made)), made.dataset.held_out[:2]
    progress = result(round_trip(made, score, points))
    assert progress.distance.max() < 1e-2
    way = result(interpolate(made, score, points, 5))
    assert way.points.shape == (5, *SHAPE)
    np.testing.assert_allclose(way.points[[0, -1]], points, atol=5e-3)


def test_the_figures_of_colours_count_all_three_channels() -> None:
    """Each dimension of N(m, 0.15^2) takes log2(0.15 sqrt(2 pi e)) + 7 = 6.31 bits; without a channel it would be 2/3 of that."""
    made = problem()
    likelihoods = result(evaluate(made, gaussian(*moments(made))))
    distances = result(sample_distances(made, made.dataset.held_out[:40]))
    found = flat(likelihoods) | flat(distances)
    assert found["bits_per_dim"] == pytest.approx(math.log2(0.15 * math.sqrt(2 * math.pi * math.e)) + 7, abs=0.08)
    assert found["sliced_wasserstein2"] > 0
