"""Orders of convergence of every sampler and solver, in one list."""

import pytest
import torch
from brownian_paths import linear_strong_error, strong_error
from gaussian_runs import COARSE_VE, COARSE_VP, MEAN, STD, VE, VP, exact_moments

from playground.theory import ode
from playground.theory.samplers import Churn, ProbabilityFlow, ReverseSDE, Sampler


def variance_error(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> float:
    """From the exact x(1) to t_min the variance should become that of x(t_min)."""
    process = sampler.process

    def moments(t: float) -> tuple[float, float]:
        alpha = float(process.scale(t))
        return alpha * MEAN, alpha**2 * (STD**2 + float(process.sigma(t)) ** 2)

    _, variance = exact_moments(sampler, *moments(1.0), monkeypatch)
    return abs(variance - moments(process.t_min)[1])


def dormand_prince_error(steps: int, monkeypatch: pytest.MonkeyPatch, frames: int = 1) -> float:
    """Largest error at `frames` equal times up to t = 6 of x' = x cos t, whose solution is x0 exp(sin t).

    The step control is held still, since with it the number of steps is no smooth function of the tolerance.
    """
    monkeypatch.setattr(ode, "_SHRINK", 1.0)
    monkeypatch.setattr(ode, "_GROW", 1.0)
    monkeypatch.setattr(ode._Rows, "_first_step", lambda rows: torch.full_like(rows.t, 6 / steps))
    x0 = torch.linspace(0.5, 2.0, 4, dtype=torch.float64)[:, None]
    times = torch.linspace(0, 6, frames + 1, dtype=torch.float64)
    *_, end = ode.dormand_prince(lambda x, t: x * torch.cos(t)[:, None], x0, 0.0, 6.0, tolerance=1e6, times=times)
    assert set(end.result.evaluations.tolist()) == {6 * steps + 2}
    return float((end.result.path - x0 * torch.exp(torch.sin(times))[:, None, None]).abs().max())


CONVERGENCE = {
    "Euler-Maruyama, VE, weak": (lambda n, patch: variance_error(ReverseSDE(COARSE_VE, n, False), patch), 1),
    "Euler-Maruyama, VP, weak": (lambda n, patch: variance_error(ReverseSDE(VP, n, False), patch), 1),
    "Euler-Maruyama, VE, Karras, weak": (
        lambda n, patch: variance_error(ReverseSDE(COARSE_VE, n, False, "karras"), patch),
        1,
    ),
    "stochastic Heun, VE, weak": (
        lambda n, patch: variance_error(ReverseSDE(COARSE_VE, n, False, solver="heun"), patch),
        2,
    ),
    "stochastic Heun, VP, weak": (lambda n, patch: variance_error(ReverseSDE(VP, n, False, solver="heun"), patch), 2),
    "ShARK, VE, weak": (lambda n, patch: variance_error(ReverseSDE(COARSE_VE, n, False, solver="shark"), patch), 2),
    "ShARK, VP, weak": (lambda n, patch: variance_error(ReverseSDE(VP, n, False, solver="shark"), patch), 2),
    "stochastic Heun, strong, linear drift": (lambda n, patch: linear_strong_error("heun", n, patch), 1),
    "ShARK, strong, linear drift": (lambda n, patch: linear_strong_error("shark", n, patch), 2),
    "stochastic Heun, strong": (lambda n, patch: strong_error("heun", n, patch), 1),
    "ShARK, strong": (lambda n, patch: strong_error("shark", n, patch), 1.5),
    "Euler, VE": (lambda n, patch: variance_error(ProbabilityFlow(VE, n, False, solver="euler"), patch), 1),
    "Heun, VE": (lambda n, patch: variance_error(ProbabilityFlow(VE, n, False), patch), 2),
    "Heun, VP": (lambda n, patch: variance_error(ProbabilityFlow(VP, n, False), patch), 2),
    "Heun, VE, Karras": (lambda n, patch: variance_error(ProbabilityFlow(VE, n, False, "karras"), patch), 2),
    "Heun, VP, time": (lambda n, patch: variance_error(ProbabilityFlow(COARSE_VP, n, False, "time"), patch), 2),
    "Churn, VE, weak": (lambda n, patch: variance_error(Churn(VE, n, False, churn=10.0), patch), 2),
    "Churn, VP, weak": (lambda n, patch: variance_error(Churn(VP, n, False, churn=10.0), patch), 2),
    "Dormand-Prince": (lambda n, patch: dormand_prince_error(n // 4, patch), 5),
    "Dormand-Prince, between steps": (lambda n, patch: dormand_prince_error(n // 4, patch, frames=1000), 5),
}


@pytest.mark.parametrize(("error", "order"), CONVERGENCE.values(), ids=CONVERGENCE.keys())
def test_order_of_convergence(error, order: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slope of log error over log steps, by least squares, is the method's order."""
    steps = (64, 128, 256, 512)
    errors = torch.tensor([error(count, monkeypatch) for count in steps], dtype=torch.float64).log()
    work = torch.tensor(steps, dtype=torch.float64).log()
    centred = work - work.mean()
    assert -float(centred @ errors / (centred @ centred)) == pytest.approx(order, abs=0.06 * order)
