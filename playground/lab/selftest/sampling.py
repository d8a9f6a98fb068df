"""Samplers on a Gaussian, which stays Gaussian: stationary variances and orders of convergence."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from playground.lab.audit.deviations import STANDARD_ERRORS, normals, seeded, standard_errors, variance_errors
from playground.lab.claims import Claim
from playground.theory.forward import ForwardProcess, NoisyData
from playground.theory.noise import Process, VarianceExploding, VariancePreserving, per_point
from playground.theory.ode import dormand_prince
from playground.theory.samplers import (
    AdaptiveFlow,
    AnnealedLangevin,
    DDIMSampler,
    EdmSampler,
    Langevin,
    MetropolisAdjustedLangevin,
    MultistepSampler,
    ProbabilityFlow,
    ReverseSDE,
    Sampler,
)

MEAN, STD = 0.7, 0.6
VE = VarianceExploding(0.05, 8.0)
VP = VariancePreserving(0.1, 20.0, 0.05)
COARSE_VP = VariancePreserving(0.1, 20.0, 0.5)
COARSE_VE = VarianceExploding(0.5, 8.0)  # levels far below STD would make the first-order errors nearly cancel


def score(x: Tensor, sigma: Tensor) -> Tensor:
    return -(x - MEAN) / (STD**2 + per_point(sigma, x) ** 2)


def log_density(x: Tensor, sigma: Tensor) -> Tensor:
    return -0.5 * (x - MEAN).square().flatten(1).sum(1) / (STD**2 + sigma**2)


def last(sampler: Sampler, start: Tensor, seed: int = 0) -> Tensor:
    *_, step = sampler.run(score, start, seeded(seed))
    return step.positions


def moments(sampler: Sampler, mean: float, variance: float, draws: int) -> tuple[float, float]:
    """Mean and variance of the last frame from a start of this mean and variance, without sampling error.

    With a linear score the last frame is linear in the start and in every random number. Least squares over a few more
    runs than numbers finds each coefficient exactly, and the variance is the sum of their squares.

    Args:
        draws: least number of random numbers that a run draws for a particle.
    """
    rows = draws + 40
    start, source = 3 * normals(rows, 1, seed=1), seeded()
    noise = [torch.randn((rows, 1), generator=source, dtype=torch.float64) for _ in range(draws)]
    known = torch.cat([torch.ones(rows, 1, dtype=torch.float64), start, *noise], dim=1)
    end = last(sampler, start)
    coefficients = torch.linalg.lstsq(known, end).solution[:, 0]
    if float((known @ coefficients - end[:, 0]).abs().max()) > 1e-9:
        return math.nan, math.nan  # it drew more numbers, or of another kind
    offset, slope = float(coefficients[0]), float(coefficients[1])
    return offset + slope * mean, slope**2 * variance + float(coefficients[2:].square().sum())


def at(process: Process, t: float) -> tuple[float, float]:
    """Mean and variance of x(t)."""
    alpha = float(process.scale(t))
    return alpha * MEAN, alpha**2 * STD**2 + float(process.std(t)) ** 2


def variance_error(make: Callable[[int], Sampler], process: Process, steps: int, draws: int) -> float:
    """Return the error of the variance at the end, starting from the exact x(1).

    The right variance is that of the data smoothed by the finest level.
    """
    _, variance = moments(make(steps), *at(process, 1.0), draws * steps)
    return abs(variance - (STD**2 + process.sigma_min**2))


def order(make: Callable[[int], Sampler], process: Process, draws: int) -> float:
    """Return the order: the power of two by which the error falls from 64 to 128 steps."""
    return math.log2(variance_error(make, process, 64, draws) / variance_error(make, process, 128, draws))


def dormand_prince_order() -> float:
    """The order: the power of the evaluations with which the error of x' = x cos t falls, at tolerances 1e-9 and 1e-11."""
    x0 = torch.linspace(0.5, 2.0, 40, dtype=torch.float64)[:, None]
    work, errors = [], []
    for tolerance in (1e-9, 1e-11):
        *_, end = dormand_prince(lambda x, t: x * torch.cos(t)[:, None], x0, 0.0, 6.0, tolerance)
        assert end.result is not None
        errors.append(float((end.result.x - x0 * math.exp(math.sin(6.0))).abs().mean()))
        work.append(float(end.result.evaluations.double().mean()))
    return math.log(errors[0] / errors[1]) / math.log(work[1] / work[0])


def adaptive_error(process: Process) -> float:
    """A Gaussian's flow keeps each point's distance from the mean in standard deviations.

    Returns the largest error relative to the tolerance.
    """
    tolerance = 1e-7
    shares = torch.tensor([-1000.0, -3.0, 0.0, 0.5, 2.0], dtype=torch.float64)[:, None]
    (mean, variance), worst = at(process, 1.0), 0.0
    start = mean + math.sqrt(variance) * shares
    for step in AdaptiveFlow(process, 20, tolerance).run(score, start, seeded()):
        mean, variance = (MEAN, STD**2 + step.sigma**2) if step.time is None else at(process, step.time)
        exact = mean + math.sqrt(variance) * shares
        worst = max(worst, float(((step.positions - exact).abs() / (1 + exact.abs())).max()) / tolerance)
    return worst


def wrong_flow() -> float:
    """Standard deviation over its right value if the flow uses the SDE's drift f - g^2 s (the lecture's misprint)."""
    flow = ProbabilityFlow(COARSE_VE, 200, final_denoising=False)
    start = MEAN + math.sqrt(at(COARSE_VE, 1.0)[1]) * torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    *_, end = flow.run(lambda x, sigma: 2 * score(x, sigma), start, seeded())
    return float(end.positions[1] - end.positions[0]) / math.sqrt(at(COARSE_VE, COARSE_VE.t_min)[1])


def langevin() -> float:
    """Variance s^2/(1 - eps/(2 s^2)) with the bias of the step; returns the relative distance."""
    step = 0.2
    _, variance = moments(Langevin(0.0, step, 60), 3.0, 0.0, 60)
    return abs(variance * (1 - step / (2 * STD**2)) / STD**2 - 1)


def annealed() -> float:
    """Compare annealed Langevin's variance with v/(1 - alpha/(4 v)), v = s^2 + sigma_L^2; returns the relative distance.

    The 4 is there because the step at each level is alpha/2.
    """
    levels = torch.tensor([2.0, 0.3], dtype=torch.float64)
    v, step = STD**2 + 0.3**2, 0.5
    _, variance = moments(AnnealedLangevin(levels, step, 80, final_denoising=False), 3.0, 0.0, 160)
    return abs(variance * (1 - step / (4 * v)) / v - 1)


def metropolis(step: float) -> float:
    """The variance after 100 steps from another variance, in standard errors."""
    sampler = MetropolisAdjustedLangevin(log_density, 0.0, step, 100)
    return variance_errors(last(sampler, MEAN + 0.5 * STD * normals(4000, 1, seed=1))[:, 0], STD**2)


def corrector() -> float:
    """With nearly equal noise levels the predictor does nothing; the corrector's variance is 1 + r^2 times too large."""
    process, snr = VarianceExploding(0.3, 0.3 * (1 + 1e-9)), 0.5
    sampler = ReverseSDE(process, 1, final_denoising=False, corrector_steps=40, snr=snr)
    end = last(sampler, torch.full((4000, 1, 2, 3), 2.0, dtype=torch.float64)).flatten()
    return variance_errors(end, (1 + snr**2) * (STD**2 + 0.3**2))


def forward(process: Process) -> float:
    """x(1) of the forward process, in standard errors of its mean and variance."""
    running, source = ForwardProcess(process, 10), seeded(2)
    clean = MEAN + STD * normals(20_000, 1, seed=1)
    *_, end = running.run(score, NoisyData(process, clean).noised(clean, source), source)
    mean, variance = at(process, 1.0)
    x = end.positions[:, 0]
    return max(standard_errors(x, mean), variance_errors(x, variance))


def tweedie() -> float:
    """E[x0 | x] = (s^2 x + sigma^2 m)/(s^2 + sigma^2), the final denoising step."""
    start = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    *_, before, after = ReverseSDE(VP, 8, final_denoising=True).run(score, start, seeded())
    x = before.positions / VP.scale(VP.t_min)
    return float((after.positions - (STD**2 * x + 0.05**2 * MEAN) / (STD**2 + 0.05**2)).abs().max())


# Name, sampler, process, random numbers per step, order.
ORDERS: list[tuple[str, Callable[[int], Sampler], Process, int, int]] = [
    ("Euler-Maruyama, VE, weak", lambda n: ReverseSDE(COARSE_VE, n, False), COARSE_VE, 1, 1),
    ("Euler-Maruyama, VP, weak", lambda n: ReverseSDE(VP, n, False), VP, 1, 1),
    ("stochastic Heun, VE, weak", lambda n: ReverseSDE(COARSE_VE, n, False, solver="heun"), COARSE_VE, 1, 2),
    ("stochastic Heun, VP, weak", lambda n: ReverseSDE(VP, n, False, solver="heun"), VP, 1, 2),
    ("ShARK, VE, weak", lambda n: ReverseSDE(COARSE_VE, n, False, solver="shark"), COARSE_VE, 2, 2),
    ("Euler in t, VE", lambda n: ProbabilityFlow(VE, n, False, solver="euler"), VE, 0, 1),
    ("DDIM, VE", lambda n: DDIMSampler(COARSE_VE, n, False), COARSE_VE, 0, 1),
    ("DDIM with noise, VP, weak", lambda n: DDIMSampler(COARSE_VP, n, False, eta=1.0), COARSE_VP, 1, 1),
    ("Heun, VE", lambda n: ProbabilityFlow(VE, n, False), VE, 0, 2),
    ("Heun, VP", lambda n: ProbabilityFlow(VP, n, False), VP, 0, 2),
    ("DPM-Solver++(2M), VE", lambda n: MultistepSampler(COARSE_VE, n, False), COARSE_VE, 0, 2),
    ("DPM-Solver++(2M), VP", lambda n: MultistepSampler(COARSE_VP, n, False), COARSE_VP, 0, 2),
    (
        "DPM-Solver++(2M), SDE, VE, weak",
        lambda n: MultistepSampler(COARSE_VE, n, False, stochasticity=1.0),
        COARSE_VE,
        1,
        2,
    ),
    ("Karras's churn, VE, weak", lambda n: EdmSampler(VE, n, False, churn=10.0), VE, 1, 2),
]

CLAIMS = [
    *(
        Claim("samplers", f"{name}: order {power}", partial(order, make, process, draws), power * 1.15, power * 0.85)
        for name, make, process, draws, power in ORDERS
    ),
    Claim("samplers", "Dormand-Prince: order 5", dormand_prince_order, 5.75, 4.25),
    *(
        Claim(
            "samplers",
            f"adaptive flow, {name}: error over its tolerance, 1,000 deviations out too",
            partial(adaptive_error, process),
            30,
        )
        for name, process in (("VE", VE), ("VP", VP))
    ),
    Claim(
        "samplers",
        "flow with g^2 instead of g^2/2, the lecture's misprint: deviation over the right one",
        wrong_flow,
        0.5,
    ),
    Claim("samplers", "Langevin: variance with the bias of its step, relative distance", langevin, 1e-9),
    Claim("samplers", "annealed Langevin: the same at its last level, relative distance", annealed, 1e-9),
    *(
        Claim(
            "samplers",
            f"Metropolis, step {step:g}: the right variance, in standard errors",
            partial(metropolis, step),
            STANDARD_ERRORS,
        )
        for step in (0.1, 0.5)
    ),
    Claim(
        "samplers", "corrector: variance 1 + r^2 times the right one, in standard errors", corrector, STANDARD_ERRORS
    ),
    *(
        Claim(
            "samplers",
            f"forward process, {name}: moments of the end, in standard errors",
            partial(forward, process),
            STANDARD_ERRORS,
        )
        for name, process in (("VE", VE), ("VP", VP))
    ),
    Claim("samplers", "final denoising step: the expected clean point", tweedie, 1e-12),
]
