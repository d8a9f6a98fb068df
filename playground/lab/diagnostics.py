"""Diagnostics of effects that look like a bug in the network and are none, for the data at hand, with the settings
that mend them, if any."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from playground.kinds.noise.discrete import Discrete
from playground.kinds.noise.noise import BLUR, up
from playground.lab.problem import Problem
from playground.lab.trust import nearest
from playground.theory.local_geometry import intrinsic_dimension, mean_smoothing_kl
from playground.theory.smoothing import gaussianity, least_overlap, overlap, overlapping_levels, sigma_until_gaussian

GAUSSIAN = 1e-3
"""Nats that the end of the noise may be from the prior: on the toys that is sigma_max = 0.23 to 0.6 of the widest gap."""
OVERLAP = 0.2
"""Mass that neighbouring levels should share: in the plane ratios up to 4, of 8 x 8 images up to 1.26."""
POINTS = 2000  # of the data, for the overlap
SINGULAR = 1e-6
"""Share of the covariance's larger eigenvalue below which the smaller one leaves a line."""
REPEATED = 0.5
"""Share of the points below which the distinct ones are few."""
BRIDGED = 3.0
"""Multiple of the finest noise up to which it bridges the gaps of a grid: the smoothed grid is then even to 22 %, at
2.0 to 1.4 %."""
SPOT = 1e-3  # of the data's standard deviation: within it no network tells points apart
FEW = 0.02
"""Share of the points that has half of the variance where tails are heavy: perfect samples of Student's t of 1.5
degrees are then in 1 of 3 cases more than two spreads above the floor of the sliced Wasserstein distance; of a
Gaussian 19 % of the points have half, of Laplace's law 12 %."""
BLURRED = 10 * BLUR  # nats that the finest noise may cost thin data unsaid
EVALUATED = 500  # distinct points whose nearest neighbours tell how far apart they lie


@dataclass(frozen=True)
class Diagnostic:
    """A warning in one sentence, and the settings that would take it away; none where the data themselves are the cause."""

    sentence: str
    changes: Mapping[str, Any]


def noise_diagnostics(problem: Problem) -> tuple[Diagnostic, ...]:
    """Diagnose the noise of a problem, for its objective and for any."""
    return (*objective_diagnostics(problem, problem.experiment.objective.kind), *data_diagnostics(problem))


def data_diagnostics(problem: Problem) -> tuple[Diagnostic, ...]:
    """Diagnose the noise for any objective, which takes counting and comparing points. The findings: one far point
    sets the scale, there is no density without noise, parts are thinner than the finest level, a few points have
    half of the variance."""
    found: list[Diagnostic | None] = []
    if problem.density is None and problem.shape == (2,):  # training spreads images over their grey levels
        found.append(_far_point(problem) or _no_density(problem) or _blurred(problem) or _heavy_tails(problem))
    if problem.experiment.noise.has_path:
        distance, end = gaussianity(problem.train, problem.noise.sigma_max), None
        if distance > GAUSSIAN:
            needed = sigma_until_gaussian(problem.train, GAUSSIAN, problem.noise.sigma_max)
            end = up(problem.units.sigma_to_user(needed))
            found.append(_end(problem, distance, needed, end))
        found.append(_overlap(problem, end))
    return tuple(diagnostic for diagnostic in found if diagnostic is not None)


def objective_diagnostics(problem: Problem, objective: str) -> tuple[Diagnostic, ...]:
    """Diagnose the noise for one kind of objective, which takes no time. At sharp edges score matching has no best
    score; maximum likelihood, which matches the density itself, has a best one."""
    sharp = problem.density is not None and problem.density.sharp and not problem.noise.sigma_min
    if not sharp or objective == "maximum-likelihood":
        return ()
    edges = Diagnostic(
        "The data have sharp edges: without noise the score matching loss falls without bound as the score "
        "gets steeper. Choose a noise, or data.noise above 0.",
        {},
    )
    return (edges,)


def _far_point(problem: Problem) -> Diagnostic | None:
    """Diagnose a far point that sets the scale, on which half of the others are one spot, finer than the finest noise."""
    points = problem.dataset.points
    distances = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    near, far = float(np.median(distances)), int(np.argmax(distances))
    if not 0 < near < problem.units.sigma_to_user(max(problem.noise.sigma_min, SPOT)):  # 0: half of them are equal
        return None
    x, y = points[far]
    return Diagnostic(
        f"Half of the points lie within {near:.2g} of the median, but ({x:.3g}, {y:.3g}) lies "
        f"{distances[far]:.2g} away. On that scale the others are one spot. If it is an error, remove it from "
        "the data.",
        {},
    )


def _no_density(problem: Problem) -> Diagnostic | None:
    dataset = problem.dataset  # all of its rows: of the training set alone the counts would not be the file's
    points = problem.units.to_internal(np.concatenate([dataset.points, dataset.held_out]))
    small, large = np.linalg.eigvalsh(np.cov(points.T))
    what = "The points lie on a line" if small < SINGULAR * large else _few_values(problem, points)
    if not what:
        dimension = intrinsic_dimension(torch.from_numpy(points))
        if dimension.is_curve:
            what = f"The points lie on a curve (intrinsic dimension {dimension.value:.2f} ± {dimension.standard_error:.2f})"
    if not what:
        return None
    sigma = problem.noise.sigma_min
    if not sigma:
        return Diagnostic(
            f"{what} and have no density: without noise the loss falls without bound. Choose a noise.", {}
        )
    symbol = "σ_min" if problem.experiment.noise.has_path else "σ"
    return Diagnostic(
        f"{what} and have no density: likelihoods are of the data smoothed by {symbol} = "
        f"{problem.units.sigma_to_user(sigma):.3g} and mean little otherwise.",
        {},
    )


def _blurred(problem: Problem) -> Diagnostic | None:
    """That the data have parts thinner than the finest of several noise levels; a single one is coarse on purpose."""
    if not problem.experiment.noise.has_path:
        return None
    sigma = problem.noise.sigma_min
    cost = mean_smoothing_kl(problem.thickness(), sigma)
    if not BLURRED < cost < math.inf:
        return None
    return Diagnostic(
        f"The data are thin: smoothing by σ_min = {problem.units.sigma_to_user(sigma):.3g} costs about "
        f"{cost:.2g} nat of KL. Lower σ_min, or model one axis only.",
        {},
    )


def _heavy_tails(problem: Problem) -> Diagnostic | None:
    """Diagnose heavy tails: a few points have half of the variance, so that W_2 depends on how many of them a cloud
    happens to hold."""
    squares = np.square(problem.units.to_internal(problem.dataset.points)).sum(axis=1)
    count = 1 + int(np.searchsorted(np.cumsum(np.sort(squares)[::-1]), squares.sum() / 2))
    if count > FEW * len(squares):
        return None
    return Diagnostic(
        f"{count:,} of {len(squares):,} points hold half of the variance of the data. The sliced Wasserstein "
        "distance depends on how many of them are drawn: a perfect sampler may score several times the "
        "floor. Use the energy distance.",
        {},
    )


def _few_values(problem: Problem, points: NDArray[np.floating]) -> str:
    """Diagnose points (N, 2) that take few values, or one coordinate of which does; "" where the finest noise bridges
    the gaps."""
    most, apart = REPEATED * len(points), BRIDGED * problem.noise.sigma_min
    columns = [np.unique(column) for column in points.T]
    if max(map(len, columns)) < most:  # else there are as many points
        distinct = np.unique(points, axis=0)
        some = distinct[problem.some_rows(len(distinct), EVALUATED, "distinct points")]
        distances, _ = nearest(torch.from_numpy(some), torch.from_numpy(distinct), 2)
        if len(distinct) < most and float(distances[:, 1].median()) > apart:
            return f"The {len(points)} points take only {len(distinct)} distinct values"
    for name, column in zip(problem.dataset.axes, columns, strict=True):
        if len(column) < most and float(np.median(np.diff(column))) > apart:
            return f"The {len(points)} points take only {len(column)} distinct values of {name}"
    return ""


def _end(problem: Problem, distance: float, needed: float, enough: float) -> Diagnostic:
    """That the data at the end of the noise are `distance` from Gaussian, and that they would be near at sigma = `needed`, which is
    `enough` in user units, rounded up."""
    way, changes = problem.experiment.noise.reach(needed, enough)
    return Diagnostic(
        f"At σ = {problem.units.sigma_to_user(problem.noise.sigma_max):.3g} the data are still about "
        f"{distance:.2g} nat from the Gaussian where sampling starts. {way}.",
        changes,
    )


def _overlap(problem: Problem, end: float | None) -> Diagnostic | None:
    """Diagnose neighbouring noise levels that hardly overlap, with the number that would; where the end must change
    too, levels are counted from `end` on, in user units."""
    noise, dim = problem.experiment.noise, math.prod(problem.shape)
    if not isinstance(noise, Discrete):
        return None
    levels = problem.noise.levels(noise.count).tolist()
    rows = problem.some_rows(len(problem.train), POINTS, "overlap points")
    points, generator = problem.train[rows], problem.generator("overlap")
    shares = [
        (overlap(points, coarse, fine, generator), coarse, fine)
        for coarse, fine in itertools.pairwise(levels)
        if least_overlap(coarse / fine, dim) < OVERLAP
    ]
    if not shares or min(shares)[0] >= OVERLAP:
        return None
    least, coarse, fine = min(shares)
    to_user = problem.units.sigma_to_user
    coarsest = levels[0] if end is None else problem.units.sigma_to_internal(end)
    enough = overlapping_levels(coarsest, levels[-1], dim, OVERLAP)
    begin = "" if end is None else f" from σ = {end:g} on"
    changes: dict[str, Any] = {"noise.levels": min(enough, 1000)}
    if noise.is_by_hand:
        changes = {**changes, **noise.evened(), **changes}
    if end is not None:
        changes["noise.sigma_max"] = end
    return Diagnostic(
        f"The noise levels σ = {to_user(coarse):.3g} and {to_user(fine):.3g} overlap by only {least:.0%}: "
        "annealed Langevin cannot follow from one to the other. log p and the samplers of a process use the "
        f"network between levels, where it was never trained; the loss does not show this. {enough} geometric "
        f"levels{begin} overlap by {OVERLAP:.0%}; noise.kind = ve trains at every σ.",
        changes,
    )
