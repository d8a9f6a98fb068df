"""Strong errors of solvers of the reverse SDE: their distance from the exact or a far finer solution on the same Brownian paths."""

import functools
import math

import pytest
import torch
from torch import Tensor

from playground.theory.densities import GaussianMixture
from playground.theory.noise import Process, ScoreFunction, VarianceExploding
from playground.theory.samplers import ReverseSDE, base, time_grid
from playground.theory.samplers.reverse import SdeSolver
from tests.generators import seeded
from tests.theory.gaussian_runs import MEAN, STD, gaussian_score, last

FINE, PATHS = 4096, 600
LINEAR = VarianceExploding(0.5, 8.0)
# The end is wide enough that every path crosses smoothly between the modes, so few steps already show the order.
CURVED = VarianceExploding(0.7, 2.0)
MODES = GaussianMixture(
    torch.tensor([[-2.0], [0.0], [2.0]], dtype=torch.float64), torch.full((3,), 0.2, dtype=torch.float64)
)


class BrownianPaths:
    """Brownian motion in the time v = sigma^2, down the log-sigma grid of FINE steps.

    Each fine step has its noise w and its space-time Levy area a = int (1/2 - s/h) dw, independent of it, of variance h/12.
    """

    def __init__(self, process: Process) -> None:
        draw = seeded(12)
        self.v = torch.tensor(time_grid(process, FINE)[1], dtype=torch.float64) ** 2
        self.h = -self.v.diff()
        self.w = self.h.sqrt()[:, None] * torch.randn(FINE, PATHS, generator=draw, dtype=torch.float64)
        self.a = (self.h / 12).sqrt()[:, None] * torch.randn(FINE, PATHS, generator=draw, dtype=torch.float64)
        self.start = math.sqrt(float(self.v[0])) * torch.randn(PATHS, generator=draw, dtype=torch.float64)

    def coarse(self, steps: int) -> Tensor:
        """The noise and the Levy area of each of `steps` equal intervals as standard normal numbers, (steps, 2, PATHS).

        Let an interval have length H, and let b be the path at the start of a fine step minus the path at the interval's
        start. Then W = sum w, and H W/2 + H A = int (path minus its start) ds = sum (h b + h w/2 + h a).
        """
        h, w, a = self.h.reshape(steps, -1, 1), self.w.reshape(steps, -1, PATHS), self.a.reshape(steps, -1, PATHS)
        length, noise = h.sum(1), w.sum(1)
        area = (h * (w.cumsum(1) - w / 2 + a)).sum(1) / length - noise / 2
        return torch.stack([noise / length.sqrt(), area / (length / 12).sqrt()], 1)


@functools.cache
def paths(process: Process) -> BrownianPaths:
    return BrownianPaths(process)


def end_of(
    process: Process,
    solver: SdeSolver,
    steps: int,
    score: ScoreFunction,
    start: Tensor,
    monkeypatch: pytest.MonkeyPatch,
) -> Tensor:
    """The sampler's final positions with the paths' noise, (PATHS,)."""
    draws = paths(process).coarse(steps)
    numbers = iter(draws.flatten(0, 1) if solver == "shark" else draws[:, 0])
    monkeypatch.setattr(base, "normal", lambda like, _: next(numbers)[:, None])
    return last(ReverseSDE(process, steps, False, solver=solver), start[:, None], score=score).positions[:, 0]


def linear_strong_error(solver: SdeSolver, steps: int, monkeypatch: pytest.MonkeyPatch) -> float:
    """Root mean square distance from the exact solution for Gaussian data.

    A deviation at v becomes r(v) = (STD^2 + v_end)/(STD^2 + v) times itself at the end. So the exact end is r(v_0) times the start
    plus the integral of r against the noise. In each fine step that is the mean of r times w, plus its slope times a.
    """
    path = paths(LINEAR)

    def worth(v: Tensor) -> Tensor:
        return (STD**2 + path.v[-1]) / (STD**2 + v)

    nodes = torch.tensor([0.5 - 0.15**0.5, 0.5, 0.5 + 0.15**0.5], dtype=torch.float64)  # Gauss-Legendre on [0, 1]
    parts = torch.tensor([5 / 18, 8 / 18, 5 / 18], dtype=torch.float64)
    inside = worth(path.v[:-1, None] - path.h[:, None] * nodes)
    mean, slope = inside @ parts, 12 * (inside * (0.5 - nodes)) @ parts
    exact = MEAN + worth(path.v[0]) * path.start + mean @ path.w + slope @ path.a
    end = end_of(LINEAR, solver, steps, gaussian_score, MEAN + path.start, monkeypatch)
    return float((end - exact).square().mean().sqrt())


@functools.cache
def fine_end() -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        return end_of(CURVED, "shark", FINE, MODES.score, paths(CURVED).start, patch)


def strong_error(solver: SdeSolver, steps: int, monkeypatch: pytest.MonkeyPatch) -> float:
    """Root mean square distance from the solution in FINE steps for a mixture, whose drift is curved."""
    end = end_of(CURVED, solver, steps, MODES.score, paths(CURVED).start, monkeypatch)
    return float((end - fine_end()).square().mean().sqrt())
