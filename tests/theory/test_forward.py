"""The forward process: exact moments after any number of steps, and its end in the prior."""

import math

import pytest
import torch
from torch import Tensor

from playground.theory import forward
from playground.theory.forward import ForwardProcess, NoisyData
from playground.theory.noise import (
    Process,
)
from playground.theory.samplers.grid import Grid
from tests.generators import seeded
from tests.theory.gaussian_runs import FINE

every_process = pytest.mark.parametrize("process", FINE.values(), ids=FINE)


def no_score(x: Tensor, sigma: Tensor) -> Tensor:
    raise AssertionError("the forward process asks for no score")


@pytest.mark.parametrize("steps", [1, 2, 17])
@pytest.mark.parametrize("grid", ["log-sigma", "time", "karras"])
@every_process
def test_every_frame_has_the_moments_of_the_marginal(
    process: Process, grid: Grid, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moments have no sampling error: row 0 has no noise, and row k + 1 a unit impulse in the k-th noise.

    The variance is the sum of squares."""
    draws = iter(range(1, 100))

    def impulse(like: Tensor, _: torch.Generator) -> Tensor:
        noise = torch.zeros_like(like)
        noise[next(draws)] = 1.0
        return noise

    monkeypatch.setattr(forward, "normal", impulse)
    sampler, generator = ForwardProcess(process, steps, grid), torch.Generator()
    clean = torch.full((steps + 2, 1), 0.7, dtype=torch.float64)
    frames = list(sampler.run(no_score, NoisyData(process, clean).noised(clean, generator), generator))
    assert [frame.index for frame in frames] == list(range(steps + 1))
    assert all(frame.total == sampler.total == steps for frame in frames)
    assert (frames[0].time, frames[-1].time) == (process.t_min, 1.0)
    assert sum(frame.step_size for frame in frames) == pytest.approx(1 - process.t_min)
    for frame in frames:
        x = frame.positions[:, 0]
        assert frame.time is not None
        assert float(x[0]) == pytest.approx(0.7 * float(process.scale(frame.time)), rel=1e-9)
        spread = float((x - x[0]).square().sum().sqrt())
        assert spread == pytest.approx(float(process.std(frame.time)), rel=1e-9)
        assert frame.sigma == pytest.approx(float(process.sigma(frame.time)), rel=1e-9)


@every_process
def test_images_end_in_the_prior(process: Process) -> None:
    generator = seeded(0)
    data = torch.randn(2000, 1, 2, 3, generator=generator)
    sampler = ForwardProcess(process, 20)
    *_, last = sampler.run(no_score, NoisyData(process, data).sample(len(data), generator), generator)
    prior = process.prior(torch.zeros(1, 2, 3), 1.0)
    assert last.positions.shape == data.shape
    assert float(last.positions.std()) == pytest.approx(prior.std, rel=0.03)
    assert float(last.positions.mean()) == pytest.approx(0.0, abs=4 * prior.std / math.sqrt(12_000))
