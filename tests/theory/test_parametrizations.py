"""One field under five names: closed forms of a Gaussian, averages over draws, and every way back to the score."""

import math

import pytest
import torch

from playground.theory.noise import Process
from playground.theory.noise.processes import Cosine, SubVariancePreserving, VarianceExploding, VariancePreserving
from playground.theory.parametrizations import OUTPUTS, NoiseLevel, predictions
from tests.generators import seeded

LEVELS = pytest.mark.parametrize(
    "level",
    [
        NoiseLevel(1.0, 0.3),
        NoiseLevel(0.6, 0.8),
        NoiseLevel(0.5, 0.75),
        NoiseLevel(0.02, 0.9998),
        NoiseLevel(1.0, 40.0),
    ],
    ids=str,
)
MEAN, VARIANCE = torch.tensor([0.7, -1.2], dtype=torch.float64), 0.4


def gaussian(level: NoiseLevel, count: int = 50) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draws of x with their x_0 and z, and the exact score of x, for data N(m, v I)."""
    generator = seeded(1)
    clean, noise = torch.randn(2, count, 2, generator=generator, dtype=torch.float64)
    clean = MEAN + math.sqrt(VARIANCE) * clean
    x = level.alpha * clean + level.std * noise
    return x, clean, noise, (level.alpha * MEAN - x) / (level.alpha**2 * VARIANCE + level.std**2)


@LEVELS
def test_noise_and_denoised_estimate_of_a_gaussian_are_its_regressions(level: NoiseLevel) -> None:
    """E[x_0 | x] and E[z | x] of jointly Gaussian numbers are linear, with slopes cov/var."""
    x, _, _, score = gaussian(level)
    found, total = predictions(x, score, level), level.alpha**2 * VARIANCE + level.std**2
    away = x - level.alpha * MEAN
    torch.testing.assert_close(found.denoised, MEAN + level.alpha * VARIANCE / total * away)
    torch.testing.assert_close(found.noise, level.std / total * away)
    torch.testing.assert_close(found.velocity, found.noise - found.denoised)


@LEVELS
def test_each_prediction_is_the_mean_of_its_target(level: NoiseLevel) -> None:
    """What remains of a target beside its prediction has mean 0 and is uncorrelated with x: else another would fit better."""
    x, clean, noise, score = gaussian(level, 400_000)
    found, size = predictions(x, score, level), math.sqrt(1 + level.sigma**2)
    targets = {
        "noise": noise,
        "denoised": clean,
        "v": (noise - level.sigma * clean) / size,
        "velocity": noise - clean,
    }
    for name, target in targets.items():
        rest = (target - getattr(found, name)) / (target.std() + 1e-12)
        unit = (x - x.mean(0)) / x.std(0)
        assert rest.mean(0).abs().max() < 0.01, name
        assert (rest * unit).mean(0).abs().max() < 0.01, name


def test_v_of_a_variance_preserving_process_is_that_of_salimans_and_ho() -> None:
    process = VariancePreserving(0.1, 20.0, 0.01)
    for t in (0.05, 0.3, 0.9):
        level = NoiseLevel(float(process.scale(t)), float(process.std(t)))
        assert level.alpha**2 + level.std**2 == pytest.approx(1.0, abs=1e-12)
        x, _, _, score = gaussian(level)
        found = predictions(x, score, level)
        torch.testing.assert_close(found.v, level.alpha * found.noise - level.std * found.denoised)
        torch.testing.assert_close(found.denoised, level.alpha * x - level.std * found.v)
        torch.testing.assert_close(found.noise, level.std * x + level.alpha * found.v)


@LEVELS
def test_the_velocity_is_the_slope_of_the_flow_along_the_straight_path(level: NoiseLevel) -> None:
    """dx/dtau of points that keep their place in N((1 - tau) m, (1 - tau)^2 v + tau^2), told from two times."""
    tau, step = level.flow_time, 1e-6
    assert tau / (1 - tau) == pytest.approx(level.sigma)
    x, _, _, score = gaussian(level)

    def spread(time: float) -> float:
        return math.sqrt((1 - time) ** 2 * VARIANCE + time**2)

    straight = (1 - tau) * x / level.alpha
    place = (straight - (1 - tau) * MEAN) / spread(tau)
    slope = (spread(tau + step) - spread(tau - step)) / (2 * step) * place - MEAN
    torch.testing.assert_close(predictions(x, score, level).velocity, slope, rtol=1e-6, atol=1e-6)


@LEVELS
def test_every_name_leads_back_to_the_score(level: NoiseLevel) -> None:
    x, score = torch.randn(2, 20, 1, 4, 4, generator=seeded(2), dtype=torch.float64)
    found = predictions(x, score, level)
    for name, scales in OUTPUTS.items():
        output = {"v": -found.v, "score": level.alpha * score}.get(name, getattr(found, name, None))
        assert output is not None
        slope, pull = scales(level.sigma, level.sigma)  # in the coordinates of VE
        torch.testing.assert_close((slope * output - pull * x / level.alpha) / level.alpha, score, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "process",
    [
        VarianceExploding(0.01, 10.0),
        VariancePreserving(0.1, 20.0, 0.01),
        SubVariancePreserving(0.1, 20.0, 0.01),
        Cosine(0.01, 50.0),
    ],
    ids=lambda process: type(process).__name__,
)
def test_one_signal_to_noise_ratio_is_one_prediction_in_every_process(process: Process) -> None:
    """All names but the score itself are of the data and the noise alone, whatever the process contracts x by."""
    sigma, clean_coordinates = 0.5, torch.tensor([[0.3, -0.4], [2.0, 1.0]], dtype=torch.float64)
    t = float(process.time(sigma))
    level, plain = NoiseLevel(float(process.scale(t)), float(process.std(t))), NoiseLevel(1.0, sigma)
    assert (level.snr, level.log_snr) == pytest.approx((4.0, math.log(4.0)))
    score = -clean_coordinates / (1 + sigma**2)
    contracted = predictions(level.alpha * clean_coordinates, score / level.alpha, level)
    expected = predictions(clean_coordinates, score, plain)
    for name in ("noise", "denoised", "v", "velocity"):
        torch.testing.assert_close(getattr(contracted, name), getattr(expected, name))
