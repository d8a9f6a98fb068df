r"""Log-likelihood along the probability-flow ODE, from data to latent codes and back.

.. math:: \log p_0(x(0)) = \log p_1(x(1)) + \int_0^1 \mathrm{tr}\,\nabla \tilde f(x(t), t)\, dt, \quad
    \tilde f = f - \tfrac12 g^2 s

The density is the data's smoothed by the noise at which the ODE starts, p_sigma; a process never reaches sigma = 0. The flow
is a bijection: x(1) is the point's latent code, and the same integral, taken back from there, gives point and density again.
Source: Chen et al. 2018 (instantaneous change of variables); Song et al. 2021, section 4.3.

It is solved where standard normal data would stand still. With x = alpha sqrt(1 + sigma^2) y and the angle
theta = arctan sigma as its clock the flow of every process is

.. math:: \frac{dy}{d\theta} = -F(y, \sigma), \quad F = \sigma \left(\sqrt{1 + \sigma^2}\, s(\sqrt{1 + \sigma^2}\, y, \sigma) + y\right),

because g^2/alpha^2 = d(sigma^2)/dt. F is what a network's preconditioning leaves it to learn, and the way from the data to
infinite noise has the length pi/2: at a tolerance of 1e-3 the worst of 600 log-likelihoods of a network trained on two moons is off
by 0.018 nat where x and t give 0.067, for a tenth fewer evaluations (eight Gaussians: 0.011 and 0.055).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.networks.base import TracedNetwork
from playground.theory.noise import GaussianPrior, Process, ScoreFunction, per_point
from playground.theory.objectives import PROBE_DISTRIBUTIONS
from playground.theory.ode import OdeProgress, TooManySteps, dormand_prince

TRACED_DIMS = 192
"""Dimensions up to which an MLP's own trace is faster than autograd's; its memory grows with their square, to 5 GB for
32 x 32 in colour."""

MOST_STEPS = 2_000
"""Most steps of one point: a smooth score takes 10 to 100, and one that takes more than this is refused within
seconds."""


PRIOR_DEGREES = 4
"""Degrees of freedom of the mean variance over all points, which stands beside each point's own of k - 1: of 2,000 points of two moons
by two vectors of signs two errors cover 50 in 100 with none, 84 with 2, 88 with 4, 90 with 8; where points differ, more hides it."""

FEWEST_DEGREES = 10
"""Degrees of freedom, of all points together, from which on vectors that agree are no chance: of signs in the plane one in 2^10."""


@dataclass(frozen=True, eq=False)
class LikelihoodResult:
    """Log-densities in nats and where they come from.

    Attributes:
        log_prob: (N,) log p_sigma(x) = prior_term + trace_term.
        prior_term: (N,) log-density of the Gaussian prior where each point arrives.
        trace_term: (N,) the integrated trace: by how much the flow has spread out the density on the way.
        standard_error: (N,) of the trace term, by each point's own Hutchinson's vectors, see :func:`moderated_error`; 0 where the
            trace is exact, None of a single vector, which has no spread to tell it by.
        latent: (N, *shape) x(1), where each point arrives, as the process has it.
        evaluations: (N,) scores asked for each point, int64.
        path: (P, N, *shape) positions x(t) along the flow as the process has them, or None.
        path_sigma: (P,) noise levels std/alpha of the path, or None.
    """

    log_prob: Tensor
    prior_term: Tensor
    trace_term: Tensor
    standard_error: Tensor | None
    latent: Tensor
    evaluations: Tensor
    path: Tensor | None
    path_sigma: Tensor | None


@dataclass(frozen=True)
class LikelihoodProgress:
    """Progress of the solve, as the fraction that is done; the last one, and only it, carries the result."""

    fraction: float
    result: LikelihoodResult | None


@dataclass(frozen=True, eq=False)
class Decoded:
    """Points that latent codes lead to, and their log-densities in nats as the way back gives them.

    Attributes:
        x: (N, *shape) in data coordinates.
        log_prob: (N,) log p_sigma(x).
        standard_error: (N,) of the trace in it, as that of a :class:`LikelihoodResult`.
        evaluations: (N,) scores asked for each point, int64.
    """

    x: Tensor
    log_prob: Tensor
    standard_error: Tensor | None
    evaluations: Tensor


@dataclass(frozen=True)
class DecodingProgress:
    """Progress of the solve, as the fraction that is done; the last one, and only it, carries the result."""

    fraction: float
    result: Decoded | None


def hutchinson_probes(x: Tensor, count: int, distribution: str, generator: torch.Generator) -> Tensor:
    r"""Vectors v with E[v v^T] = I for Hutchinson's estimate v' J v of a trace, (N, count, \*shape).

    Of the estimate of tr J, S the symmetric part of J, they leave the variance

    .. math:: 2 \sum_{i \ne j} S_{ij}^2 \text{ (rademacher)}, \quad 2 \|S\|_F^2 \text{ (gaussian)}, \quad
        \tfrac{2}{D + 2} (D \|S\|_F^2 - \mathrm{tr}^2 S) \text{ (sphere)}

    and its `count`-th part where as many are averaged. Source: Hutchinson 1990; Avron & Toledo 2011.

    Args:
        x: (N, \*shape), where the trace is taken.
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
) -> Iterator[LikelihoodProgress]:
    """log p_sigma of each point, as an iterator of progress: to cancel is to stop iterating.

    Args:
        score: in variance-exploding coordinates, differentiable in x by autograd or with a trace of its own.
        prior: of x(1), see `Process.prior`.
        x: (N, *shape) in data coordinates, which a contracting process is then started from contracted.
        tolerance: error of one step in y and in log p, point by point.
        vectors: (N, k, *shape) of :func:`hutchinson_probes`, each kept for its point's whole solve: the estimate is unbiased, its
            variance that of the Jacobian integrated along the way. It costs k backward passes; None: the exact trace, one a dimension.
        record_path: also return where the points went, at `path_points` noise levels, log-uniform.
        batch: points solved at once.
        sigma: smoothing of the density asked for; None for the finest, at t_min.
        give_up: leave all numbers of a point as NaN where the score is not smooth or not finite on its way.

    Raises:
        ValueError: sigma outside the process.
        TooManySteps: the score is not smooth or not finite somewhere, and the point is not to be given up.
    """
    dim = math.prod(x.shape[1:])
    ends = _ends(process, sigma)
    sigmas = None
    if record_path:
        logs = torch.linspace(math.log(ends[0]), math.log(ends[1]), path_points, dtype=torch.float64)
        sigmas = logs.exp()
        sigmas[0], sigmas[-1] = ends
    spread, stretch = _widths(process, ends)
    for progress in _solve(score, x.detach() / spread, *ends, tolerance, probes, batch, sigmas, give_up):
        if progress.result is None:
            yield LikelihoodProgress(progress.fraction, None)
            continue
        end = progress.result
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
        result = LikelihoodResult(
            prior_term + trace_term, prior_term, trace_term, error, latent, end.evaluations, path, sigmas
        )
        yield LikelihoodProgress(1.0, result)


def decode(
    score: ScoreFunction,
    process: Process,
    prior: GaussianPrior,
    latent: Tensor,
    tolerance: float,
    probes: Tensor | None = None,
    batch: int = 2**14,
    sigma: float | None = None,
) -> Iterator[DecodingProgress]:
    """The points whose latent codes are given, with log p_sigma of each: :func:`log_likelihood` run backwards.

    Args:
        latent: (N, *shape) x(1) as the process has it.
        vectors: those of the way there, where the two log-densities are to be compared.
        score, process, prior, tolerance, batch, sigma: as for :func:`log_likelihood`, and the same errors.
    """
    dim = math.prod(latent.shape[1:])
    ends = _ends(process, sigma)
    spread, stretch = _widths(process, ends)
    for progress in _solve(score, latent.detach() / stretch, ends[1], ends[0], tolerance, probes, batch):
        if progress.result is None:
            yield DecodingProgress(progress.fraction, None)
            continue
        end = progress.result
        trace, error = _averaged(end.integrals, probes)
        log_prob = prior.log_prob(latent) - trace + dim * math.log(stretch / spread)
        x = spread * end.x.reshape(latent.shape)
        yield DecodingProgress(1.0, Decoded(x, log_prob, error, end.evaluations))


def moderated_error(error: Tensor, probes: int) -> Tensor | None:
    r"""Standard errors of means over k vectors, each told by all the points' vectors beside its own; None where they tell none.

    .. math:: \tilde e_i^2 = \frac{(k - 1)\, e_i^2 + m\, \overline{e^2}}{k - 1 + m}, \quad m = 4

    A few vectors tell their own error badly: k of signs in the plane, of which v' S v takes but two values, agree at 2^(1-k) of all
    points, whose own error is then 0. The mean square over the points remains what it is. A point alone, or few, whose vectors
    all agree may do so by chance: nothing tells their error. Source: Smyth 2004, with m given in place of fitted.

    Args:
        error: (N,) standard errors of :func:`log_likelihood`'s, NaN of points that were given up.
        vectors: k > 1.
    """
    own, pooled = probes - 1, error.square().nanmean()
    if pooled == 0 and own * int(error.isfinite().sum()) < FEWEST_DEGREES:
        return None
    return torch.sqrt((own * error.square() + PRIOR_DEGREES * pooled) / (own + PRIOR_DEGREES))


def _averaged(traces: Tensor, probes: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The integrated trace (N,) from those along each vector (N, k), and its standard error: 0 of an exact one, None of one vector."""
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
) -> Iterator[OdeProgress]:
    """y from sigma0 to sigma1 and the integrals along: one of the trace, or one of v' J v for each of the vectors.

    Of points far from the data log p is huge, about |y|^2/2, and its rounding leaves nothing of the trace's last digits: where a
    network's features turn thousands of times on the way, they would take a step each.
    """
    shape, dim = y.shape[1:], math.prod(y.shape[1:])
    coarsest = max(sigma0, sigma1)

    def level(angle: Tensor) -> Tensor:
        sigma = torch.tan(angle)
        # In single precision the angle of 1e7 rounds to beyond a right one.
        return torch.where((sigma > 0) & (sigma < coarsest), sigma, coarsest)

    def speed(position: Tensor, sigma: Tensor) -> Tensor:
        return velocity(score, position.reshape(-1, *shape), sigma).flatten(1)

    @torch.no_grad()
    def field(position: Tensor, angle: Tensor, v: Tensor | None = None) -> Tensor:
        return speed(position, level(angle))

    def traced(position: Tensor, angle: Tensor, v: Tensor | None = None) -> tuple[Tensor, Tensor]:
        sigma = level(angle)
        if v is not None:
            return _with_probes(lambda x: speed(x, sigma), position, v)
        if dim <= TRACED_DIMS and isinstance(score, TracedNetwork):
            raw, trace = score.raw_and_trace(position.reshape(-1, *shape), sigma)
            return -raw.flatten(1), -trace[:, None]
        return _with_exact_trace(lambda x: speed(x, sigma), position)

    y = y.flatten(1)
    fixed = None if probes is None else probes.flatten(2)
    integrals = 1 if probes is None else probes.shape[1]
    allowance = (torch.finfo(y.dtype).eps / 2 * y.square().sum(1, keepdim=True)).expand(-1, integrals)
    times = None if sigmas is None else sigmas.to(y).atan()
    try:
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
    except TooManySteps as error:
        raise TooManySteps(f"{error} Here t is the arctangent of the noise level.") from None


def velocity(score: ScoreFunction, y: Tensor, sigma: Tensor) -> Tensor:
    """dy/dtheta = -F of the module's docstring at y (N, \\*shape) and sigma (N,), in the shape of y."""
    spread = per_point(torch.sqrt(1 + sigma.square()), y)
    return -per_point(sigma, y) * (spread * score(spread * y, sigma) + y)


def bits_per_dim(log_prob: Tensor, shape: tuple[int, ...], grey_levels: int) -> Tensor:
    """Bits per dimension of images with `grey_levels` levels scaled to [-1, 1] and dequantised by uniform noise.

    .. math:: -\\log p / (D \\ln 2) + \\log_2(K/2)

    Args:
        log_prob: (N,) in nats, of the density over [-1, 1]^D.
        shape: of one image; D is the product.
    """
    return -log_prob / (math.prod(shape) * math.log(2)) + math.log2(grey_levels / 2)


def _ends(process: Process, sigma: float | None) -> tuple[float, float]:
    """The noise levels from which and to which the flow is followed."""
    finest, coarsest = float(process.sigma(process.t_min)), float(process.sigma(1.0))
    if sigma is None:
        return finest, coarsest
    if not finest * (1 - 1e-6) <= sigma <= coarsest * (1 + 1e-6):
        raise ValueError(
            f"sigma = {sigma:g} lies outside the process, whose noise goes from {finest:g} to {coarsest:g}."
        )
    return min(max(sigma, finest), coarsest), coarsest


def _widths(process: Process, ends: tuple[float, float]) -> tuple[float, float]:
    """Return the widths of the point and of x(1) in units of y: the point is spread * y where the flow starts, x(1)
    stretch * y where it ends."""
    return math.hypot(1.0, ends[0]), float(process.scale(1.0)) * math.hypot(1.0, ends[1])


def _with_exact_trace(velocity: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Velocity (N, D) and the trace of its Jacobian (N, 1), by one backward pass a dimension."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        speed = velocity(x)
        trace = torch.zeros_like(x[:, 0])
        for axis in range(x.shape[1]):
            (row,) = torch.autograd.grad(speed[:, axis].sum(), x, retain_graph=axis + 1 < x.shape[1])
            trace = trace + row[:, axis]
    return speed.detach(), trace[:, None]


def _with_probes(velocity: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Velocity (N, D) and Hutchinson's v' J v (N, k) for v (N, k, D), by k backward passes."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        speed = velocity(x)
        estimates = []
        for number, each in enumerate(v.unbind(1), start=1):
            (row,) = torch.autograd.grad(speed, x, grad_outputs=each, retain_graph=number < v.shape[1])
            estimates.append((row * each).sum(1))
    return speed.detach(), torch.stack(estimates, dim=1)
