"""Noise: the processes against their equations, their priors, and the levels that training draws."""

import math
from functools import partial

import torch
from torch import Tensor

from playground.lab.audit.deviations import gap
from playground.lab.claims import Claim
from playground.theory.noise import (
    SIGMA_DISTRIBUTIONS,
    Cosine,
    CustomSchedule,
    FlowMatching,
    Process,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
)

PROCESSES: dict[str, Process] = {
    "VE": VarianceExploding(0.05, 12.0),
    "VP": VariancePreserving(0.1, 20.0, 0.05),
    "sub-VP": SubVariancePreserving(0.1, 20.0, 0.05),
    "cosine": Cosine(0.05, 12.0),
    "flow matching": FlowMatching(0.05, 12.0),
    "drawn": CustomSchedule([(0.0, 0.05), (0.3, 0.2), (0.5, 3.0), (1.0, 12.0)]),
}


def times(process: Process) -> Tensor:
    return torch.linspace(process.t_min, 1.0, 50, dtype=torch.float64)


def rates(name: str) -> float:
    """Ito's formula: alpha' = (f/x) alpha, and v' = 2 (f/x) v + g^2 for the variance v of the noise, by autograd."""
    process = PROCESSES[name]
    t = times(process).requires_grad_()
    scale, variance = process.scale(t) + 0 * t, process.std(t).square()
    (scale_rate,) = torch.autograd.grad(scale.sum(), t, retain_graph=True)
    (variance_rate,) = torch.autograd.grad(variance.sum(), t)
    with torch.no_grad():
        pull = process.drift(torch.ones(len(t), 1, dtype=torch.float64), t)[:, 0]
        ito = 2 * pull * variance + process.diffusion(t).square()
        return max(gap(scale_rate, pull * scale), gap(variance_rate, ito))


def marginal(name: str) -> float:
    """alpha and the standard deviation of the noise, from the formulas of Song et al. 2021, appendix C."""
    process = PROCESSES[name]
    t = times(process)
    alpha = torch.exp(-0.25 * t.square() * (20.0 - 0.1) - 0.5 * t * 0.1)
    expected = {
        "VE": (torch.ones_like(t), 0.05 * 240.0**t),
        "VP": (alpha, torch.sqrt(1 - alpha.square())),
        "sub-VP": (alpha, 1 - alpha.square()),
    }
    scale, std = expected[name]
    return max(gap(process.scale(t), scale), gap(process.std(t), std))


def circle() -> float:
    process = PROCESSES["cosine"]
    t = times(process)
    start, end = math.atan(0.05), math.atan(12.0)
    angle = start + (end - start) * t
    return max(gap(process.scale(t), angle.cos()), gap(process.std(t), angle.sin()))


def line() -> float:
    process = PROCESSES["flow matching"]
    t = times(process)
    mixed = (1 - t) * 0.05 / 1.05 + t * 12 / 13
    return max(gap(process.scale(t), 1 - mixed), gap(process.std(t), mixed))


def inverse(name: str) -> float:
    process = PROCESSES[name]
    t = times(process)
    return gap(process.time(process.sigma(t)), t)


def prior(name: str) -> float:
    """N(alpha m, alpha^2 (C + sigma^2 I)) for data of mean m and covariance C."""
    process = PROCESSES[name]
    mean = torch.tensor([0.4, -1.0], dtype=torch.float64)
    covariance = torch.tensor([[1.5, -0.4], [-0.4, 0.5]], dtype=torch.float64)
    scale, std = float(process.scale(1.0)), float(process.std(1.0))
    end = scale**2 * covariance + std**2 * torch.eye(2, dtype=torch.float64)
    x = torch.cartesian_prod(*2 * [torch.linspace(-20, 20, 9, dtype=torch.float64)])
    expected: Tensor = torch.distributions.MultivariateNormal(scale * mean, end).log_prob(x)  # type: ignore[no-untyped-call]
    return gap(process.prior(mean, covariance).log_prob(x), expected)


def distribution(name: str) -> float:
    """The density of ln sigma is one over the slope of its quantile function."""
    drawn = SIGMA_DISTRIBUTIONS[name](PROCESSES["VP"])
    u = torch.linspace(0.01, 0.99, 50, dtype=torch.float64).requires_grad_()
    sigma = drawn.quantile(u)
    (slope,) = torch.autograd.grad(sigma.log().sum(), u)
    return gap(drawn.relative_density(sigma.detach()) * slope, torch.full_like(slope, drawn.high - drawn.low))


CLAIMS = [
    *(
        Claim("noise", f"{name}: drift and diffusion are the rates of its marginal", partial(rates, name), 1e-9)
        for name in PROCESSES
    ),
    *(
        Claim(
            "noise",
            f"{name}: mean factor and standard deviation are those of Song et al. 2021",
            partial(marginal, name),
            1e-12,
        )
        for name in ("VE", "VP", "sub-VP")
    ),
    Claim("noise", "cosine: mean factor and standard deviation lie on a circle at a steady angle", circle, 1e-12),
    Claim("noise", "flow matching: mean factor and standard deviation add to 1, at a steady speed", line, 1e-12),
    *(
        Claim("noise", f"{name}: t(sigma) is the inverse of sigma(t)", partial(inverse, name), 1e-10)
        for name in PROCESSES
    ),
    *(
        Claim("noise", f"{name}: the prior has the moments of the end", partial(prior, name), 1e-10)
        for name in PROCESSES
    ),
    *(
        Claim(
            "noise", f"{name}: sigma is drawn with the density of the distribution", partial(distribution, name), 1e-9
        )
        for name in SIGMA_DISTRIBUTIONS
    ),
]
