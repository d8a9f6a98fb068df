"""Solvers where no audit of a sampler asks so much, on the Gaussian of the audits."""

import math

import torch
from torch import Tensor

from playground.lab.audit.deviations import STANDARD_ERRORS, doubles, normals, seeded, spaced, variance_errors
from playground.lab.audit.gaussian import STD, center, last, score
from playground.lab.audit.stated import claim
from playground.lab.compute import result
from playground.theory.noise import Process, VarianceExploding, VariancePreserving
from playground.theory.ode import dormand_prince
from playground.theory.samplers import AdaptiveFlow, MetropolisAdjustedLangevin, ReverseSDE

VP = VariancePreserving(0.1, 20.0, 0.05)
PROCESSES: dict[str, Process] = {"VE": VarianceExploding(0.05, 8.0), "VP": VP}


@claim("solvers", "Dormand-Prince: order 5", 5.75, 4.25)
def dormand_prince_order() -> float:
    """The order: the power of the evaluations with which the error of x' = x cos t falls, at tolerances 1e-9 and 1e-11."""
    x0 = spaced(0.5, 2.0, 40)[:, None]
    work, errors = [], []
    for tolerance in (1e-9, 1e-11):
        end = result(dormand_prince(lambda x, t: x * torch.cos(t)[:, None], x0, 0.0, 6.0, tolerance))
        errors.append(float((end.x - x0 * math.exp(math.sin(6.0))).abs().mean()))
        work.append(float(end.evaluations.double().mean()))
    return math.log(errors[0] / errors[1]) / math.log(work[1] / work[0])


@claim("solvers", "adaptive flow, {}: error over its tolerance, 1,000 deviations out too", 30, each=PROCESSES)
def adaptive_error(name: str) -> float:
    """A Gaussian's flow keeps each point's distance from the mean in standard deviations.

    Returns the largest error relative to the tolerance.
    """
    process, tolerance, worst = PROCESSES[name], 1e-7, 0.0
    shares = doubles([-1000.0, -3.0, 0.0, 0.5, 2.0])[:, None]
    start = float(process.scale(1.0)) * (center() + math.hypot(STD, process.sigma_max) * shares)
    for step in AdaptiveFlow(process, 20, tolerance).run(score, start, seeded()):
        scale, sigma = (
            (1.0, step.sigma) if step.time is None else map(float, (process.scale(step.time), process.sigma(step.time)))
        )
        exact = scale * (center() + math.hypot(STD, sigma) * shares)
        worst = max(worst, float(((step.positions - exact).abs() / (1 + exact.abs())).max()) / tolerance)
    return worst


@claim("solvers", "Metropolis, step {:g}: the right variance, in standard errors", STANDARD_ERRORS, each=(0.1, 0.5))
def metropolis(step: float) -> float:
    """The variance after 100 steps from another variance, in standard errors."""

    def log_density(x: Tensor, sigma: Tensor) -> Tensor:
        return -0.5 * (x - center()).square().sum(1) / (STD**2 + sigma**2)

    start = center() + 0.5 * STD * normals(4_000, 2, seed=1)
    end = last(MetropolisAdjustedLangevin(log_density, 0.0, step, 100), start)
    return variance_errors((end - center()).flatten(), STD**2)


@claim("solvers", "corrector: variance 1 + r^2 times the right one, in standard errors", STANDARD_ERRORS)
def corrector() -> float:
    """With nearly equal noise levels the predictor does nothing; the corrector's variance is 1 + r^2 times too large."""
    process, snr = VarianceExploding(0.3, 0.3 * (1 + 1e-9)), 0.5
    sampler = ReverseSDE(process, 1, final_denoising=False, corrector_steps=40, snr=snr)
    end = last(sampler, torch.full((12_000, 2), 2.0, dtype=torch.float64))
    return variance_errors((end - center()).flatten(), (1 + snr**2) * (STD**2 + 0.3**2))


@claim("solvers", "final denoising step: the expected clean point", 1e-12)
def tweedie() -> float:
    """E[x0 | x] = (s^2 x + sigma^2 m)/(s^2 + sigma^2), the final denoising step."""
    start = spaced(-2, 2, 10).view(5, 2)
    *_, before, after = ReverseSDE(VP, 8, final_denoising=True).run(score, start, seeded())
    x = before.positions / VP.scale(VP.t_min)
    return float((after.positions - (STD**2 * x + 0.05**2 * center()) / (STD**2 + 0.05**2)).abs().max())
