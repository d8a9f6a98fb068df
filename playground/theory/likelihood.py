r"""Log-likelihood along the probability-flow ODE, from data to latent codes and back.

.. math:: \log p_0(x(0)) = \log p_1(x(1)) + \int_0^1 \mathrm{tr}\,\nabla \tilde f(x(t), t)\, dt, \quad
    \tilde f = f - \tfrac12 g^2 s

The density is p_sigma, the data's density smoothed by the noise at which the ODE starts; a process never reaches sigma = 0. The
flow is a bijection: x(1) is the point's latent code, and integration back from it gives the point and its density again.
Source: Chen et al. 2018 (instantaneous change of variables); Song et al. 2021, section 4.3.

The ODE is solved in coordinates y in which standard normal data stand still. With x = alpha sqrt(1 + sigma^2) y and the angle
theta = arctan sigma as time, the flow of every process is

.. math:: \frac{dy}{d\theta} = -F(y, \sigma), \quad F = \sigma \left(\sqrt{1 + \sigma^2}\, s(\sqrt{1 + \sigma^2}\, y, \sigma) + y\right),

because g^2/alpha^2 = d(sigma^2)/dt. F is the network's raw output before preconditioning, and theta goes from 0 to pi/2 as the
noise goes from none to infinite. At a tolerance of 1e-3 the largest error of 600 log-likelihoods of a network trained on two
moons is 0.018 nat. In x and t it is 0.067 nat, with a tenth more evaluations (eight Gaussians: 0.011 and 0.055).
"""

import math
from collections.abc import Callable, Generator

import torch
from torch import Tensor

from playground.records import record
from playground.theory.noise import GaussianPrior, Process, ScoreFunction, per_point
from playground.theory.objectives import PROBE_DISTRIBUTIONS
from playground.theory.ode import OdeResult, TooManySteps, dormand_prince

MOST_STEPS = 2_000
"""The most steps of one point. A smooth score takes 10 to 100; a point that needs more than this fails within seconds."""


PRIOR_DEGREES = 4
"""Degrees of freedom m of the mean variance over all points in :func:`moderated_error`; each point's own variance has k - 1.

For 2,000 points of two moons and two Rademacher vectors each, two standard errors cover 50 % of the errors at m = 0, 84 % at 2,
88 % at 4 and 90 % at 8. A larger m hides differences between points.
"""

FEWEST_DEGREES = 10
"""The least degrees of freedom of all points together at which estimates that all agree are no coincidence. With Rademacher
vectors in the plane they agree by chance with probability 2^-10."""


@record
class LikelihoodResult:
    """Log-densities in nats and their parts.

    Attributes:
        log_prob: log p_sigma(x) = prior_term + trace_term, (N,).
        prior_term: the log-density of the Gaussian prior at x(1), (N,).
        trace_term: the integrated trace, (N,), by which the flow changes the log-density.
        standard_error: the standard error of the trace term, (N,), estimated from the point's own Hutchinson vectors; see
            :func:`moderated_error`. It is 0 for an exact trace, and None for a single vector, which has no variance.
        latent: x(1), (N, *shape), in the coordinates of the process.
        evaluations: score evaluations of each point, (N,), int64.
        path: positions x(t) along the flow in the coordinates of the process, (P, N, *shape), or None.
        path_sigma: noise levels std/alpha of the path, (P,), or None.
    """

    log_prob: Tensor
    prior_term: Tensor
    trace_term: Tensor
    standard_error: Tensor | None
    latent: Tensor
    evaluations: Tensor
    path: Tensor | None
    path_sigma: Tensor | None


@record
class Decoded:
    """The points of latent codes, and their log-densities in nats, integrated backwards.

    Attributes:
        x: (N, *shape) in data coordinates.
        log_prob: log p_sigma(x), (N,).
        standard_error: the standard error of its trace, (N,), as in :class:`LikelihoodResult`.
        evaluations: score evaluations of each point, (N,), int64.
    """

    x: Tensor
    log_prob: Tensor
    standard_error: Tensor | None
    evaluations: Tensor


def hutchinson_probes(x: Tensor, count: int, distribution: str, generator: torch.Generator) -> Tensor:
    r"""Vectors v with E[v v^T] = I for the Hutchinson estimator v' J v of a trace, (N, count, \*shape).

    With S the symmetric part of J, the variance of the estimate of tr J is

    .. math:: 2 \sum_{i \ne j} S_{ij}^2 \text{ (rademacher)}, \quad 2 \|S\|_F^2 \text{ (gaussian)}, \quad
        \tfrac{2}{D + 2} (D \|S\|_F^2 - \mathrm{tr}^2 S) \text{ (sphere)}

    for one vector, and that over `count` for the mean of `count` vectors. Source: Hutchinson 1990; Avron & Toledo 2011.

    Args:
        x: the points at which the trace is taken, (N, \*shape).
        distribution: a name from :data:`playground.theory.objectives.PROBE_DISTRIBUTIONS`.
    """
    v = PROBE_DISTRIBUTIONS[distribution](x[:, None].expand(-1, count, *x.shape[1:]).flatten(0, 1), generator)
    return v.reshape(len(x), count, *x.shape[1:])


def log_likelihood(
    score: ScoreFunction,
    process: Process,
    prior: GaussianPrior,
    x: Tensor,
    tolerance: float,
    probes: Tensor | None = None,
    record_path: bool = False,
    batch: int = 2**14,
    sigma: float | None = None,
    path_points: int = 129,
    give_up: bool = False,
) -> Generator[float, None, LikelihoodResult]:
    """log p_sigma of each point; yields the fraction done. To cancel, stop iterating.

    Args:
        score: in variance-exploding coordinates, differentiable in x by autograd or with a trace of its own.
        process: the process whose probability flow is solved.
        prior: the prior of x(1); see `Process.prior`.
        x: (N, *shape) in data coordinates. The scale alpha of a contracting process is applied here.
        tolerance: the error of one step in y and in log p, for each point.
        probes: vectors of :func:`hutchinson_probes`, (N, k, *shape). Each is kept for its point's whole solve, so the estimate
            is unbiased, with the variance of the Jacobian integrated along the path. They cost k backward passes. None for the
            exact trace, which costs one backward pass per dimension.
        record_path: whether to return the points' paths too, at `path_points` log-uniform noise levels.
        batch: the number of points solved at once.
        sigma: the smoothing of the density; None for the least, at t_min.
        path_points: the number of noise levels of the paths.
        give_up: whether a point at which the score is not smooth or not finite gets NaN and raises no error.

    Raises:
        ValueError: sigma is outside the process.
        TooManySteps: the score is not smooth or not finite somewhere, and `give_up` is false.
    """
    dim = math.prod(x.shape[1:])
    ends = _ends(process, sigma)
    sigmas = None
    if record_path:
        logs = torch.linspace(math.log(ends[0]), math.log(ends[1]), path_points, dtype=torch.float64)
        sigmas = logs.exp()
        sigmas[0], sigmas[-1] = ends
    spread, stretch = _widths(process, ends)
    end = yield from _solve(score, x.detach() / spread, *ends, tolerance, probes, batch, sigmas, give_up)
    latent = stretch * end.x.reshape(x.shape)
    prior_term = prior.log_prob(latent)
    trace, error = _averaged(end.integrals, probes)
    trace_term = trace + dim * math.log(stretch / spread)
    path = None
    if end.path is not None and sigmas is not None:
        sigmas = sigmas.to(x)
        widths = process.scale(process.time(sigmas)) * torch.sqrt(1 + sigmas.square())
        path = per_point(widths, end.path) * end.path
        path = path.reshape(*path.shape[:2], *x.shape[1:])
    return LikelihoodResult(
        prior_term + trace_term, prior_term, trace_term, error, latent, end.evaluations, path, sigmas
    )


def decode(
    score: ScoreFunction,
    process: Process,
    prior: GaussianPrior,
    latent: Tensor,
    tolerance: float,
    probes: Tensor | None = None,
    batch: int = 2**14,
    sigma: float | None = None,
) -> Generator[float, None, Decoded]:
    """The points of given latent codes, with log p_sigma of each: :func:`log_likelihood` run backwards.

    Args:
        latent: x(1), (N, *shape), in the coordinates of the process.
        probes: the same vectors as for :func:`log_likelihood`, if the two log-densities are to be compared.
        score, process, prior, tolerance, batch, sigma: as for :func:`log_likelihood`, with the same errors.
    """
    dim = math.prod(latent.shape[1:])
    ends = _ends(process, sigma)
    spread, stretch = _widths(process, ends)
    end = yield from _solve(score, latent.detach() / stretch, ends[1], ends[0], tolerance, probes, batch)
    trace, error = _averaged(end.integrals, probes)
    log_prob = prior.log_prob(latent) - trace + dim * math.log(stretch / spread)
    return Decoded(spread * end.x.reshape(latent.shape), log_prob, error, end.evaluations)


def moderated_error(error: Tensor, probes: int) -> Tensor | None:
    r"""Moderated standard errors of means over k vectors: each point's own variance is pooled with the mean over all points.

    .. math:: \tilde e_i^2 = \frac{(k - 1)\, e_i^2 + m\, \overline{e^2}}{k - 1 + m}, \quad m = 4

    The standard error of a few vectors is unreliable. For example, v' S v takes only two values for Rademacher vectors in the
    plane, so k of them agree at a fraction 2^(1-k) of all points, and their own error is then 0. The mean square over the
    points stays unbiased. Source: Smyth 2004, with m given in place of fitted.

    Args:
        error: the standard errors of :func:`log_likelihood`, (N,), with NaN for points that were given up.
        probes: the number of vectors k > 1.

    Returns:
        (N,), or None if all estimates agree and the points are so few that this may be chance.
    """
    own, pooled = probes - 1, error.square().nanmean()
    if pooled == 0 and own * int(error.isfinite().sum()) < FEWEST_DEGREES:
        return None
    return torch.sqrt((own * error.square() + PRIOR_DEGREES * pooled) / (own + PRIOR_DEGREES))


def _averaged(traces: Tensor, probes: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The mean over vectors (N,) of integrated traces (N, k), and its standard error: 0 if exact, None for one vector."""
    mean = traces.mean(1)
    if probes is None:
        return mean, torch.zeros_like(mean)
    count = traces.shape[1]
    return mean, traces.std(1) / math.sqrt(count) if count > 1 else None


def _solve(
    score: ScoreFunction,
    y: Tensor,
    sigma0: float,
    sigma1: float,
    tolerance: float,
    probes: Tensor | None,
    batch: int,
    sigmas: Tensor | None = None,
    give_up: bool = False,
) -> Generator[float, None, OdeResult]:
    """Solve for y from sigma0 to sigma1, and integrate the trace, or v' J v of each vector, along the path.

    Far from the data log p is about -|y|^2/2, and its rounding error is larger than the trace's last digits. So that error is
    the step control's allowance. Without it, features that oscillate thousands of times along the path take a step each time.
    """
    shape = y.shape[1:]
    coarsest = max(sigma0, sigma1)

    def level(angle: Tensor) -> Tensor:
        sigma = torch.tan(angle)
        # In single precision arctan(1e7) rounds to more than pi/2.
        return torch.where((sigma > 0) & (sigma < coarsest), sigma, coarsest)

    def speed(position: Tensor, sigma: Tensor) -> Tensor:
        return velocity(score, position.reshape(-1, *shape), sigma).flatten(1)

    @torch.no_grad()
    def field(position: Tensor, angle: Tensor, v: Tensor | None = None) -> Tensor:
        return speed(position, level(angle))

    def traced(position: Tensor, angle: Tensor, v: Tensor | None = None) -> tuple[Tensor, Tensor]:
        sigma = level(angle)
        return _with_trace(lambda x: speed(x, sigma), position, v)

    y = y.flatten(1)
    fixed = None if probes is None else probes.flatten(2)
    integrals = 1 if probes is None else probes.shape[1]
    allowance = (torch.finfo(y.dtype).eps / 2 * y.square().sum(1, keepdim=True)).expand(-1, integrals)
    times = None if sigmas is None else sigmas.to(y).atan()
    try:
        return (
            yield from dormand_prince(
                field,
                y,
                math.atan(sigma0),
                math.atan(sigma1),
                tolerance,
                times=times,
                fixed=fixed,
                integrand=traced,
                allowance=allowance,
                batch=batch,
                max_steps=MOST_STEPS,
                give_up=give_up,
            )
        )
    except TooManySteps as error:
        raise TooManySteps(f"{error} Here t is the arctangent of the noise level.") from None


def velocity(score: ScoreFunction, y: Tensor, sigma: Tensor) -> Tensor:
    """dy/dtheta = -F of the module's docstring, in the shape of y, at y (N, \\*shape) and sigma (N,)."""
    spread = per_point(torch.sqrt(1 + sigma.square()), y)
    return -per_point(sigma, y) * (spread * score(spread * y, sigma) + y)


def bits_per_dim(log_prob: Tensor, shape: tuple[int, ...], grey_levels: int) -> Tensor:
    """Bits per dimension of images with `grey_levels` levels scaled to [-1, 1] and dequantised by uniform noise.

    .. math:: -\\log p / (D \\ln 2) + \\log_2(K/2)

    Args:
        log_prob: log-densities over [-1, 1]^D in nats, (N,).
        shape: the shape of one image; D is its product.
    """
    return -log_prob / (math.prod(shape) * math.log(2)) + math.log2(grey_levels / 2)


def _ends(process: Process, sigma: float | None) -> tuple[float, float]:
    """The noise levels at which the flow starts and ends."""
    finest, coarsest = float(process.sigma(process.t_min)), float(process.sigma(1.0))
    if sigma is None:
        return finest, coarsest
    if not finest * (1 - 1e-6) <= sigma <= coarsest * (1 + 1e-6):
        raise ValueError(
            f"sigma = {sigma:g} lies outside the process, whose noise goes from {finest:g} to {coarsest:g}."
        )
    return min(max(sigma, finest), coarsest), coarsest


def _widths(process: Process, ends: tuple[float, float]) -> tuple[float, float]:
    """Return the factors (spread, stretch): the point is spread * y at the flow's start, and x(1) is stretch * y at its end."""
    return math.hypot(1.0, ends[0]), float(process.scale(1.0)) * math.hypot(1.0, ends[1])


def _with_trace(velocity: Callable[[Tensor], Tensor], x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor]:
    """Velocity (N, D) and the Hutchinson estimates v' J v (N, k) for v (N, k, D), by k backward passes.

    Without v it is the trace of the Jacobian J, (N, 1): the sum of the estimates by the D axes.
    """
    probes = torch.eye(x.shape[1], dtype=x.dtype, device=x.device).expand(len(x), -1, -1) if v is None else v
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        speed = velocity(x)
        estimates = []
        for number, each in enumerate(probes.unbind(1), start=1):
            (row,) = torch.autograd.grad(speed, x, grad_outputs=each, retain_graph=number < probes.shape[1])
            estimates.append((row * each).sum(1))
    return speed.detach(), torch.stack(estimates if v is not None else [sum(estimates[1:], estimates[0])], dim=1)
