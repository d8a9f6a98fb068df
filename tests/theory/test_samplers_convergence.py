"""Orders of convergence of every sampler and solver, in one list."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from playground.kinds.samplers import Sampler as Sampling
from playground.lab.compute import result
from playground.lab.experiment import Experiment, fields, replace
from playground.lab.problem import Problem
from playground.lab.sampling import make_sampler
from playground.theory import ode
from playground.theory.noise import Cosine, CustomSchedule, Process, SubVariancePreserving
from playground.theory.samplers import (
    AnnealedLangevin,
    DDIMSampler,
    EdmSampler,
    Langevin,
    MultistepSampler,
    ProbabilityFlow,
    ReverseSDE,
    Sampler,
    UniPCSampler,
)
from playground.theory.samplers.grid import Grid
from playground.theory.samplers.path import PathSampler
from tests.theory.brownian_paths import linear_strong_error, strong_error
from tests.theory.gaussian_runs import COARSE_VE, COARSE_VP, MEAN, STD, VE, VP, exact_moments

SUB_VP, COSINE = SubVariancePreserving(0.1, 20.0, 0.3), Cosine(0.3, 8.0)
CUSTOM = CustomSchedule([(0.0, 0.5), (0.3, 1.0), (1.0, 8.0)])


def variance_error(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> float:
    """The error of the final variance, which should be that of the data smoothed by the finest level, from the exact x(1)."""
    assert isinstance(sampler, PathSampler)
    process = sampler.process
    alpha, smoothed = float(process.scale(1.0)), STD**2 + process.sigma_min**2
    _, variance = exact_moments(sampler, alpha * MEAN, alpha**2 * (STD**2 + process.sigma_max**2), monkeypatch)
    return float(abs(variance - smoothed))


def in_equal_steps(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the step control up to t = 6, as with it the number of steps is not a smooth function of the tolerance."""
    monkeypatch.setattr(ode, "_SHRINK", 1.0)
    monkeypatch.setattr(ode, "_GROW", 1.0)
    monkeypatch.setattr(ode._Rows, "_first_step", lambda rows: torch.full_like(rows.t, 6 / steps))


def dormand_prince_error(steps: int, monkeypatch: pytest.MonkeyPatch, frames: int = 1) -> float:
    """The largest error for x' = x cos t, whose solution is x0 exp(sin t), at `frames` equal times up to t = 6."""
    in_equal_steps(steps, monkeypatch)
    x0 = torch.linspace(0.5, 2.0, 4, dtype=torch.float64)[:, None]
    times = torch.linspace(0, 6, frames + 1, dtype=torch.float64)
    end = result(ode.dormand_prince(lambda x, t: x * torch.cos(t)[:, None], x0, 0.0, 6.0, tolerance=1e6, times=times))
    assert set(end.evaluations.tolist()) == {6 * steps + 2}
    assert end.path is not None
    return float((end.path - x0 * torch.exp(torch.sin(times))[:, None, None]).abs().max())


def integral_error(steps: int, monkeypatch: pytest.MonkeyPatch, along: bool) -> float:
    """The error of the integral up to t = 6 of x cos t along that solution, which is x - x0, or of cos 3t, which is sin(18)/3."""
    in_equal_steps(steps, monkeypatch)
    x0 = torch.linspace(0.5, 2.0, 4, dtype=torch.float64)[:, None]

    def field(x: Tensor, t: Tensor) -> Tensor:
        return x * torch.cos(t)[:, None]

    def integrand(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return field(x, t), field(x, t) if along else torch.cos(3 * t)[:, None]

    end = result(ode.dormand_prince(field, x0, 0.0, 6.0, tolerance=1e6, integrand=integrand))
    assert set(end.evaluations.tolist()) == {8 * steps + 2}
    exact = x0 * (math.exp(math.sin(6)) - 1) if along else math.sin(18) / 3
    assert end.integrals is not None
    return float((end.integrals - exact).abs().max())


def langevin_error(count: int, monkeypatch: pytest.MonkeyPatch) -> float:
    """Langevin dynamics for a time of 1, an Ornstein-Uhlenbeck process: the error of the variance, which starts at 4."""
    variance, start = STD**2 + 0.3**2, 4.0
    _, found = exact_moments(Langevin(0.3, 1 / count, count), MEAN + 1, start, monkeypatch)
    return abs(found - (variance + (start - variance) * math.exp(-2 / variance)))


def annealed_error(count: int, monkeypatch: pytest.MonkeyPatch) -> float:
    """The same for two noise levels in turn, with a time of eps/2 sigma_i^2/sigma_L^2 per step."""
    levels, variance = torch.tensor([1.0, 0.5], dtype=torch.float64), 4.0
    _, found = exact_moments(AnnealedLangevin(levels, 1 / count, count, False), MEAN + 1, variance, monkeypatch)
    for level, time in ((1.0, 2.0), (0.5, 0.5)):
        own = STD**2 + level**2
        variance = own + (variance - own) * math.exp(-2 * time / own)
    return abs(found - variance)


Error = Callable[[int, pytest.MonkeyPatch], float]
MULTISTEP: dict[str, tuple[Process, Grid]] = {
    "VE": (COARSE_VE, "log-sigma"),
    "VE, Karras": (COARSE_VE, "karras"),
    "VP": (COARSE_VP, "log-sigma"),
    "VP, time": (COARSE_VP, "time"),
    "sub-VP, Karras": (SubVariancePreserving(0.1, 20.0, 0.8), "karras"),
    "cosine": (Cosine(0.5, 8.0), "log-sigma"),
    "custom": (CUSTOM, "karras"),
}


def stochastic(
    make: Callable[..., Sampler], process: Process, stochasticity: float, **options: str
) -> Callable[[int], Sampler]:
    return lambda n: make(process, n, False, stochasticity=stochasticity, **options)


def ddim(process: Process, eta: float) -> Callable[[int], Sampler]:
    return lambda n: DDIMSampler(process, n, False, eta=eta)


def multistep(process: Process, grid: Grid, stochasticity: float) -> Callable[[int], Sampler]:
    return lambda n: MultistepSampler(process, n, False, grid, stochasticity=stochasticity)


def unipc(process: Process) -> Callable[[int], Sampler]:
    return lambda n: UniPCSampler(process, n, False)


# Samplers by their steps, whose final variance is compared.
OF_VARIANCE: dict[str, tuple[Callable[[int], Sampler], float]] = {
    "Euler-Maruyama, sub-VP, weak": (lambda n: ReverseSDE(SUB_VP, n, False), 1),
    "Heun, sub-VP": (lambda n: ProbabilityFlow(SUB_VP, n, False), 2),
    "Heun, cosine": (lambda n: ProbabilityFlow(COSINE, n, False), 2),
    "Euler-Maruyama, VE, weak": (lambda n: ReverseSDE(COARSE_VE, n, False), 1),
    "Euler-Maruyama, VP, weak": (lambda n: ReverseSDE(VP, n, False), 1),
    "Euler-Maruyama, VE, Karras, weak": (lambda n: ReverseSDE(COARSE_VE, n, False, "karras"), 1),
    "stochastic Heun, VE, weak": (lambda n: ReverseSDE(COARSE_VE, n, False, solver="heun"), 2),
    "stochastic Heun, VP, weak": (lambda n: ReverseSDE(VP, n, False, solver="heun"), 2),
    "ShARK, VE, weak": (lambda n: ReverseSDE(COARSE_VE, n, False, solver="shark"), 2),
    "ShARK, VP, weak": (lambda n: ReverseSDE(VP, n, False, solver="shark"), 2),
    **{
        f"{name}, l = {noise:g}, {of}, weak": (stochastic(make, process, noise, **options), order)
        for name, make, options, order in (
            ("Euler-Maruyama", ReverseSDE, {}, 1),
            ("stochastic Heun", ReverseSDE, {"solver": "heun"}, 2),
            ("ShARK", ReverseSDE, {"solver": "shark"}, 2),
            ("DPM-Solver++(2M)", MultistepSampler, {}, 2),
        )
        for of, process in (("VE", COARSE_VE), ("VP", COARSE_VP))
        for noise in (0.5, 1.5)
    },
    "Euler, VE": (lambda n: ProbabilityFlow(VE, n, False, solver="euler"), 1),
    **{
        f"DDIM, eta = {eta:g}, {of}, weak": (ddim(process, eta), 1)
        for of, process in (("VE", COARSE_VE), ("VP", COARSE_VP))
        for eta in (0.0, 0.5, 1.0)
    },
    "Heun, VE": (lambda n: ProbabilityFlow(VE, n, False), 2),
    "Heun, VP": (lambda n: ProbabilityFlow(VP, n, False), 2),
    "Heun, VE, Karras": (lambda n: ProbabilityFlow(VE, n, False, "karras"), 2),
    "Heun, VP, time": (lambda n: ProbabilityFlow(COARSE_VP, n, False, "time"), 2),
    "Churn, VE, weak": (lambda n: EdmSampler(VE, n, False, churn=10.0), 2),
    "Churn, VP, weak": (lambda n: EdmSampler(VP, n, False, churn=10.0), 2),
    **{
        f"DPM-Solver++(2M), {form}, {name}": (multistep(process, grid, float(form != "flow")), 2)
        for form in ("flow", "SDE, weak")
        for name, (process, grid) in MULTISTEP.items()
    },
    **{
        f"UniPC-2, {name}": (unipc(process), 3)
        for name, process in (("VE", COARSE_VE), ("VP", COARSE_VP), ("cosine", COSINE))
    },
}


def error_of_variance(make: Callable[[int], Sampler]) -> Error:
    return lambda n, patch: variance_error(make(n), patch)


CONVERGENCE: dict[str, tuple[Error, float]] = {
    "Langevin, weak": (langevin_error, 1),
    "annealed Langevin, weak": (annealed_error, 1),
    **{name: (error_of_variance(make), order) for name, (make, order) in OF_VARIANCE.items()},
    "stochastic Heun, strong, linear drift": (lambda n, patch: linear_strong_error("heun", n, patch), 1),
    "ShARK, strong, linear drift": (lambda n, patch: linear_strong_error("shark", n, patch), 2),
    "stochastic Heun, strong": (lambda n, patch: strong_error("heun", n, patch), 1),
    "ShARK, strong": (lambda n, patch: strong_error("shark", n, patch), 1.5),
    "Dormand-Prince": (lambda n, patch: dormand_prince_error(n // 4, patch), 5),
    "Dormand-Prince, between steps": (lambda n, patch: dormand_prince_error(n // 4, patch, frames=1000), 5),
    "Lobatto along Dormand-Prince": (lambda n, patch: integral_error(n // 4, patch, along=True), 5),
    "Lobatto": (lambda n, patch: integral_error(n // 4, patch, along=False), 6),
}


@pytest.mark.claims
@pytest.mark.parametrize(("error", "order"), CONVERGENCE.values(), ids=CONVERGENCE.keys())
def test_order_of_convergence(error: Error, order: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slope of log error over log steps by least squares is the method's order."""
    steps = (64, 128, 256, 512)
    errors = torch.tensor([error(count, monkeypatch) for count in steps], dtype=torch.float64).log()
    work = torch.tensor(steps, dtype=torch.float64).log()
    centred = work - work.mean()
    assert -float(centred @ errors / (centred @ centred)) == pytest.approx(order, abs=0.06 * order)


def stating_an_order() -> set[type[Sampler]]:
    """The classes of those samplers that state an order, of every kind with each of its solvers."""
    small = {"data.points": 100, "likelihood.points": 10, "sampling.source": "exact"}
    problem, found = Problem.build(replace(Experiment(), small)), set()
    for name, kind in Sampling.kinds().items():
        chosen = replace(problem.experiment, {"sampling.kind": name})
        solvers = (
            [{"sampling.solver": solver} for solver in fields(chosen)["sampling.solver"].choices]
            if hasattr(kind, "solver")
            else [{}]
        )
        for solver in solvers:
            run = make_sampler(dataclasses.replace(problem, experiment=replace(chosen, solver)))
            if run.weak_order is not None or run.strong_order is not None:
                found.add(type(run))
    return found


def test_every_sampler_that_states_an_order_is_in_the_list() -> None:
    """MALA and the forward process are right at any step, and the adaptive flow is Dormand-Prince."""
    text = Path(__file__).read_text(encoding="utf-8").partition("def langevin_error")[2]
    states = {kind.__name__ for kind in stating_an_order()}
    assert {"Langevin", "ReverseSDE", "UniPCSampler"} < states
    assert {name for name in states if f"{name}(" not in text} == set()
