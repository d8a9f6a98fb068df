"""The cost of a run: score evaluations and seconds, stored with its frames."""

from types import SimpleNamespace

import numpy as np
import pytest
from torch import Tensor

from playground.lab import sampling
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from tests.densities import density_of
from tests.fitting import dotted, fitting

QUICK = {
    "data.points": 1000,
    "sampling.particles": 50,
    "sampling.steps": 20,
    "sampling.final_denoising": False,
    "likelihood.points": 100,
}


def problem(**settings: object) -> Problem:
    return Problem.build(fitting(QUICK, dotted(settings)))


@pytest.mark.parametrize(
    ("settings", "a_step"),
    [
        ({"sampling__kind": "reverse-sde"}, 1),
        ({"sampling__kind": "reverse-sde", "sampling__solver": "shark"}, 2),
        ({"sampling__kind": "probability-flow", "sampling__solver": "heun", "sampling__corrector_steps": 2}, 4),
        ({"sampling__kind": "mala", "sampling__source": "exact"}, 2),
        ({"sampling__kind": "forward"}, 0),
    ],
)
def test_each_frame_knows_the_evaluations_up_to_it(settings: dict[str, object], a_step: int) -> None:
    asked = problem(**settings)
    *_, frames = sample(asked, density_of(asked).score)
    assert frames.nfe_mean.tolist() == frames.nfe_max.tolist() == [a_step * step for step in frames.step.tolist()]


def test_adaptive_steps_are_counted_for_each_particle() -> None:
    asked = problem(sampling__kind="probability-flow", sampling__solver="adaptive")
    rows = 0

    def score(x: Tensor, sigma: Tensor) -> Tensor:
        nonlocal rows
        rows += len(x)
        return density_of(asked).score(x, sigma)

    *_, frames = sample(asked, score)
    assert frames.nfe_mean[-1] == pytest.approx(rows / 50)
    assert frames.nfe_mean[-1] < frames.nfe_max[-1]
    assert frames.nfe_mean[0] == frames.nfe_max[0] == 0
    assert (np.diff(frames.nfe_mean) >= 0).all()


def test_seconds_do_not_count_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, now = problem(), 0.0
    monkeypatch.setattr(sampling, "time", SimpleNamespace(perf_counter=lambda: now))

    def slow(x: Tensor, sigma: Tensor) -> Tensor:
        nonlocal now
        now += 1
        return density_of(asked).score(x, sigma)

    for frames in sampling.sample(asked, slow):  # noqa: B007
        now += 100
    assert frames.seconds == 20
