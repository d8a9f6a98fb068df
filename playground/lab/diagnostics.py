"""Diagnostics of effects that look like faults of the network but come from the noise levels or the data.

Each is a message, with the edits that help; there are no edits if the data themselves are the cause.
"""

import itertools
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from playground.kinds.noise.noise import BLUR, SIGMA_MIN, PathToNoise, up
from playground.kinds.objectives import Objective
from playground.lab.problem import Problem
from playground.messages import Edit, Message, setting
from playground.theory.local_geometry import intrinsic_dimension, mean_smoothing_kl, nearest
from playground.theory.smoothing import gaussianity, least_overlap, overlap, overlapping_levels

GAUSSIAN = 1e-3
"""Most nats between the data at the end of the noise and the prior. With sigma_max at the diameter of the data, it was less
for all data tried: the toys, where 0.23 to 0.6 of the diameter is enough, and points at two places in 1 to 3 dimensions, taken
for the worst case, with 1 to 50 % of them at one. It is not proved for all data."""
OVERLAP = 0.2
"""Least mass that neighbouring levels should share. It allows ratios up to 4 in the plane, and up to 1.26 for 8 x 8
images."""
POINTS = 2000  # of the data, for the overlap
SINGULAR = 1e-6
"""Ratio of the covariance's smaller eigenvalue to the larger one below which the points lie on a line."""
REPEATED = 0.5
"""Share of the points below which the distinct ones are few."""
BRIDGED = 3.0
"""Widest gap of a grid that the finest noise bridges, as a multiple of that noise. The smoothed grid is then even to
22 %; at a multiple of 2.0 it is even to 1.4 %."""
SPOT = 1e-3  # of the data's standard deviation: no network separates points that are closer than this
FEW = 0.02
"""The tails are heavy if at most this share of the points has half of the variance. Perfect samples of Student's t with
1.5 degrees of freedom are then, in 1 of 3 cases, more than two spreads above the floor of the sliced Wasserstein
distance. For a Gaussian, 19 % of the points have half of the variance; for Laplace's distribution, 12 %."""
BLURRED = 10 * BLUR  # nats that the finest noise may cost thin data without a message
EVALUATED = 500  # distinct points whose nearest neighbours tell how far apart they lie


def noise_diagnostics(problem: Problem) -> tuple[Message, ...]:
    """Diagnose the noise of a problem, for its objective and for the data."""
    return (*objective_diagnostics(problem, problem.experiment.objective.kind), *data_diagnostics(problem))


def data_diagnostics(problem: Problem) -> tuple[Message, ...]:
    """Diagnose the noise for any objective, which takes time: points are counted and compared.

    The findings about points of the plane: one far point sets the scale, there is no density without noise, parts are
    thinner than the finest level, a few points have half of the variance. The findings about the levels: the data at
    sigma_max are not near the prior, neighbouring levels hardly overlap.
    """
    found: list[Message | None] = []
    if problem.density is None and problem.shape == (2,):  # training spreads each image over its grey levels
        found.append(_far_point(problem) or _no_density(problem) or _blurred(problem) or _heavy_tails(problem))
    if problem.experiment.noise.has_path and problem.has_score:
        distance, end = gaussianity(problem.train, problem.noise.sigma_max), None
        if distance > GAUSSIAN:
            end = up(problem.units.sigma_to_user(problem.diameter()))
            found.append(_end(problem, distance, end))
        found.append(_overlap(problem, end))
    return tuple(diagnostic for diagnostic in found if diagnostic is not None)


def objective_diagnostics(problem: Problem, objective: str) -> tuple[Message, ...]:
    """Diagnose the noise for one kind of objective, which takes no time.

    At sharp edges score matching has no best score.

    Args:
        objective: its name in files.
    """
    sharp = problem.density is not None and problem.density.sharp and not problem.noise.sigma_min
    if not sharp or Objective.kinds()[objective].matches_density:
        return ()
    edges = Message(
        "sharp-edges",
        "The data have sharp edges: without noise the score matching loss falls without bound as the score "
        "gets steeper. Choose a noise, or {} above 0.",
        (setting("data.noise"),),
        "data.noise",
    )
    return (edges,)


def _far_point(problem: Problem) -> Message | None:
    """Diagnose a far point that sets the scale: on it, half of the others are one spot, finer than the finest noise."""
    points = problem.dataset.points
    distances = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    near, far = float(np.median(distances)), int(np.argmax(distances))
    finest = SIGMA_MIN if _is_width_of_kernel(problem) else problem.noise.sigma_min
    if not 0 < near < problem.units.sigma_to_user(max(finest, SPOT)):  # 0: half are equal
        return None
    x, y = points[far]
    return Message(
        "far-point",
        "Half of the points lie within {:.2g} of the median, but ({:.3g}, {:.3g}) lies {:.2g} away. On that scale the "
        "others are one spot. If it is an error, remove it from the data.",
        (near, float(x), float(y), float(distances[far])),
    )


def _no_density(problem: Problem) -> Message | None:
    dataset = problem.dataset  # all of its rows, so that the counts are those of the file
    points = problem.units.to_internal(np.concatenate([dataset.points, dataset.held_out]))
    small, large = np.linalg.eigvalsh(np.cov(points.T))
    line = Message("line", "The points lie on a line") if small < SINGULAR * large else None
    what = line or _few_values(problem, points)
    if what is None:
        dimension = intrinsic_dimension(torch.tensor(points))
        if not dimension.is_curve:
            return None
        text = "The points lie on a curve (intrinsic dimension {:.2f} ± {:.2f})"
        what = Message("curve", text, (dimension.value, dimension.standard_error))
    sigma = problem.noise.sigma_min
    if not sigma:
        text = "{} and have no density: without noise the loss falls without bound. Choose a noise."
        return Message("no-density", text, (what,), "noise.kind")
    finest = setting("noise.sigma_min") if problem.experiment.noise.has_path else "σ"
    return Message(
        "no-density",
        "{} and have no density: likelihoods are of the data smoothed by {} = {:.3g} and mean little otherwise.",
        (what, finest, problem.units.sigma_to_user(sigma)),
    )


def _is_width_of_kernel(problem: Problem) -> bool:
    """Whether the finest level is the default for a few points, the width of their kernel density."""
    noise, few = problem.experiment.noise, problem.kernel_width() is not None
    return few and isinstance(noise, PathToNoise) and noise.sigma_min == "auto" and not noise.is_by_hand


def _blurred(problem: Problem) -> Message | None:
    """Diagnose parts of the data that are thinner than the finest noise level. A single level is coarse on purpose."""
    if not problem.experiment.noise.has_path:
        return None
    if _is_width_of_kernel(problem):  # a finer level would predict other points worse
        return None
    sigma = problem.noise.sigma_min
    cost = mean_smoothing_kl(problem.thickness(), sigma)
    if not BLURRED < cost < math.inf:
        return None
    return Message(
        "thin",
        "The data are thin: smoothing by {0} = {1:.3g} costs about {2:.2g} nat of KL. Lower {0}, or model one axis only.",
        (setting("noise.sigma_min"), problem.units.sigma_to_user(sigma), cost),
    )


def _heavy_tails(problem: Problem) -> Message | None:
    """Diagnose heavy tails: a few points have half of the variance, so W_2 depends on how many of them are drawn."""
    squares = np.square(problem.units.to_internal(problem.dataset.points)).sum(axis=1)
    count = 1 + int(np.searchsorted(np.cumsum(np.sort(squares)[::-1]), squares.sum() / 2))
    if count > FEW * len(squares):
        return None
    return Message(
        "heavy-tails",
        "{:,} of {:,} points hold half of the variance of the data. The sliced Wasserstein "
        "distance depends on how many of them are drawn: a perfect sampler may score several times the "
        "floor. Use the energy distance.",
        (count, len(squares)),
    )


def _few_values(problem: Problem, points: NDArray[np.floating]) -> Message | None:
    """Diagnose points (N, 2) with few distinct values, or a coordinate with few; None if the finest noise bridges the
    gaps."""
    most, apart = REPEATED * len(points), BRIDGED * problem.noise.sigma_min
    columns = [np.unique(column) for column in points.T]
    if max(map(len, columns)) < most:  # otherwise there are as many distinct points
        distinct = np.unique(points, axis=0)
        some = problem.some(distinct, EVALUATED, "distinct points")
        distances, _ = nearest(torch.tensor(some), torch.tensor(distinct), 2)
        if len(distinct) < most and float(distances[:, 1].median()) > apart:
            return Message("few-values", "The {} points take only {} distinct values", (len(points), len(distinct)))
    for name, column in zip(problem.dataset.axes, columns, strict=True):
        if len(column) < most and float(np.median(np.diff(column))) > apart:
            text = "The {} points take only {} distinct values of {}"
            return Message("few-values", text, (len(points), len(column), name))
    return None


def _end(problem: Problem, distance: float, enough: float) -> Message:
    """Say that the data at sigma_max are `distance` nats from a Gaussian, and that it should be at least their diameter.

    Args:
        enough: the diameter in user units, rounded up.
    """
    diameter = problem.diameter()
    way = problem.experiment.noise.reach(diameter, enough)
    return Message(
        "far-from-the-prior",
        "At σ = {:.3g} the data are still about {:.2g} nat from the Gaussian where sampling starts. {}: the "
        "coarsest noise should be at least the diameter of the data, {:.3g}.",
        (problem.units.sigma_to_user(problem.noise.sigma_max), distance, way, problem.units.sigma_to_user(diameter)),
        way.key,
        way.edits,
    )


def _overlap(problem: Problem, end: float | None) -> Message | None:
    """Diagnose neighbouring noise levels that hardly overlap, and say how many levels would.

    Args:
        end: the new sigma_max in user units, from which these levels are counted; None if it need not change.
    """
    noise, dim = problem.experiment.noise, math.prod(problem.shape)
    if noise.count is None:
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
    begin = "" if end is None else Message("from", " from σ = {:g} on", (end,))
    changes: dict[str, Any] = {"noise.levels": min(enough, 1000)}
    if noise.is_by_hand:
        changes = {**changes, **noise.evened(), **changes}
    if end is not None:
        changes["noise.sigma_max"] = end
    return Message(
        "levels-apart",
        "The noise levels σ = {:.3g} and {:.3g} overlap by only {:.0%}: "
        "annealed Langevin cannot follow from one to the other. log p and the samplers of a process use the "
        "network between levels, where it was never trained; the loss does not show this. {} geometric "
        "levels{} overlap by {:.0%}; {} trains at every σ.",
        (to_user(coarse), to_user(fine), least, enough, begin, OVERLAP, setting("noise.kind", "ve")),
        "noise.levels",
        (Edit(f"L = {changes['noise.levels']}", changes),),
    )
