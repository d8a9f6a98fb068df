"""Log-likelihood along the probability-flow ODE.

.. math:: \\log p_0(x(0)) = \\log p_1(x(1)) + \\int_0^1 \\mathrm{tr}\\,\\nabla \\tilde f(x(t), t)\\, dt, \\quad
    \\tilde f = f - \\tfrac12 g^2 s

The density is the data's smoothed by the noise at which the ODE starts, p_sigma; a process never reaches sigma = 0.
Source: Chen et al. 2018 (instantaneous change of variables); Song et al. 2021, section 4.3.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from playground.theory.noise import GaussianPrior, Process, ScoreFunction
from playground.theory.ode import dormand_prince

Trace = Literal["exact", "hutchinson"]


@dataclass(frozen=True)
class LikelihoodResult:
    """Log-densities in nats and where they come from.

    Attributes:
        log_prob: (N,) log p_sigma(x) = prior_term + trace_term.
        prior_term: (N,) log-density of the Gaussian prior where each point arrives.
        trace_term: (N,) the integrated trace: by how much the flow has spread out the density on the way.
        evaluations: (N,) scores asked for each point, int64.
        path: (P, N, *shape) positions x(t) along the flow as the process has them, or None.
        path_sigma: (P,) noise levels std/alpha of the path, or None.
    """

    log_prob: Tensor
    prior_term: Tensor
    trace_term: Tensor
    evaluations: Tensor
    path: Tensor | None
    path_sigma: Tensor | None


@dataclass(frozen=True)
class LikelihoodProgress:
    """How much of the way is behind the points; the last progress, and only it, carries the result."""

    fraction: float
    result: LikelihoodResult | None


def log_likelihood(
    score: ScoreFunction,
    process: Process,
    prior: GaussianPrior,
    x: Tensor,
    tolerance: float,
    trace: Trace = "exact",
    generator: torch.Generator | None = None,
    record_path: bool = False,
    batch: int = 4096,
    sigma: float | None = None,
    path_points: int = 129,
) -> Iterator[LikelihoodProgress]:
    """log p_sigma of each point, as an iterator of progress: to cancel is to stop iterating.

    Args:
        score: differentiable in x by autograd, in variance-exploding coordinates.
        prior: of x(1), see `Process.prior`.
        x: (N, *shape) in data coordinates, which a contracting process is then started from contracted.
        tolerance: error of one step in x and in log p, point by point.
        trace: "exact" costs one backward pass a dimension; "hutchinson" one in all, with one Rademacher vector a point for
            the whole solve: unbiased, with variance 2 sum_{i != j} S_ij^2, S the symmetric part of the Jacobian integrated along the way.
        generator: draws Hutchinson's vectors; required for them.
        record_path: also return where the points went, at `path_points` noise levels, log-uniform.
        batch: points solved at once.
        sigma: smoothing of the density asked for; None for the finest, at t_min.

    Raises:
        ValueError: Hutchinson without a generator, or sigma outside the process.
        TooManySteps: the score is not smooth or not finite somewhere.
    """
    shape, dim = x.shape[1:], x[0].numel() if len(x) else math.prod(x.shape[1:])
    t0 = process.t_min if sigma is None else _start(process, sigma)
    scale = float(process.scale(t0))
    flat = (x.detach() * scale).flatten(1)
    if trace == "hutchinson":
        if generator is None:
            raise ValueError("Hutchinson's estimate of the trace needs a generator for its random vectors.")
        draws = torch.randint(0, 2, flat.shape, generator=generator, device=generator.device)
        probes = (2 * draws - 1).to(flat)
    else:
        probes = flat.new_empty((len(flat), 0))  # known without noise: no columns to carry

    def field(state: Tensor, t: Tensor) -> Tensor:
        def velocity(position: Tensor) -> Tensor:
            return process.probability_flow(score, position.reshape(-1, *shape), t).flatten(1)

        v = state[:, dim + 1 :]
        speed, divergence = (
            _with_exact_trace(velocity, state[:, :dim])
            if trace == "exact"
            else _with_projection(velocity, state[:, :dim], v)
        )
        return torch.cat([speed, divergence[:, None], torch.zeros_like(v)], dim=1)

    times = sigmas = None
    if record_path:
        ends = process.sigma(torch.tensor([t0, 1.0], dtype=torch.float64)).log()
        sigmas = torch.linspace(float(ends[0]), float(ends[1]), path_points, dtype=torch.float64).exp()
        times = process.time(sigmas).clamp(t0, 1.0)
        times[0], times[-1] = t0, 1.0
        times, sigmas = times.to(x.device, x.dtype), sigmas.to(x.device, x.dtype)

    state = torch.cat([flat, flat.new_zeros(len(flat), 1), probes], dim=1)
    for progress in dormand_prince(field, state, t0, 1.0, tolerance, times=times, batch=batch):
        if progress.result is None:
            yield LikelihoodProgress(progress.fraction, None)
            continue
        end = progress.result
        prior_term = prior.log_prob(end.x[:, :dim].reshape(-1, *shape))
        # The contracted point's density is narrower than the point's own by the same factor on every axis.
        trace_term = end.x[:, dim] + dim * math.log(scale)
        path = None if end.path is None else end.path[:, :, :dim].reshape(*end.path.shape[:2], *shape)
        yield LikelihoodProgress(
            1.0,
            LikelihoodResult(prior_term + trace_term, prior_term, trace_term, end.evaluations, path, sigmas),
        )


def bits_per_dim(log_prob: Tensor, shape: tuple[int, ...], grey_levels: int) -> Tensor:
    """Bits per dimension of images with `grey_levels` levels scaled to [-1, 1] and dequantised by uniform noise.

    .. math:: -\\log p / (D \\ln 2) + \\log_2(K/2)

    Args:
        log_prob: (N,) in nats, of the density over [-1, 1]^D.
        shape: of one image; D is the product.
    """
    return -log_prob / (math.prod(shape) * math.log(2)) + math.log2(grey_levels / 2)


def _start(process: Process, sigma: float) -> float:
    finest, coarsest = float(process.sigma(process.t_min)), float(process.sigma(1.0))
    if not finest * (1 - 1e-6) <= sigma <= coarsest * (1 + 1e-6):
        raise ValueError(
            f"sigma = {sigma:g} lies outside the process, whose noise goes from {finest:g} to {coarsest:g}."
        )
    return min(max(float(process.time(sigma)), process.t_min), 1.0)


def _with_exact_trace(velocity: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Velocity (N, D) and the trace of its Jacobian (N,), by one backward pass a dimension."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        speed = velocity(x)
        trace = torch.zeros_like(x[:, 0])
        for axis in range(x.shape[1]):
            (row,) = torch.autograd.grad(speed[:, axis].sum(), x, retain_graph=axis + 1 < x.shape[1])
            trace = trace + row[:, axis]
    return speed.detach(), trace


def _with_projection(velocity: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Velocity (N, D) and Hutchinson's v' J v (N,), by one backward pass."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        speed = velocity(x)
        (row,) = torch.autograd.grad(speed, x, grad_outputs=v)
    return speed.detach(), (row * v).sum(1)
