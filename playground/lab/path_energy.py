r"""How straight the paths of a flow between two sets are, and what one Euler step costs.

With the velocity v = dx/dt along the straight path's time t,

.. math:: PE = E\int_0^1 \|v\|^2 dt,\quad NPE = \frac{|PE - W_2^2|}{W_2^2},\quad S = E\int_0^1 \|x(1) - x(0) - v\|^2 dt

where W_2 is that of the two sets. PE is at least W_2^2 (Benamou & Brenier 2000), and S is 0 for straight paths. W_2^2 between
few points is too large, so it is extrapolated. As an absolute value, NPE of perfect transport is not 0 but sqrt(2/pi) of its
standard error in the mean, which is its floor.

Sources: Tong et al. 2024 (normalized path energy); Liu et al. 2023 (straightness).
"""

import itertools
import math
from collections.abc import Generator

import torch
from torch import Tensor

from playground.lab.compute import passed_on
from playground.lab.figures import sorts_of
from playground.lab.measured import Measured, missing
from playground.lab.problem import Problem
from playground.lab.reflow import flow_ends
from playground.lab.sample_metrics import compared_data
from playground.messages import Message, setting
from playground.records import record
from playground.theory.metrics import mean_with_error
from playground.theory.noise import ScoreFunction
from playground.theory.transport import extrapolated_squared_wasserstein2, squared_wasserstein2

REPEATS, POINTS = 5, 400
"""Clouds of start points, and points in each; matching two clouds takes a tenth of a second."""
STEPS = 100
"""Steps of Heun's method for the whole path, equal in time."""

_NAMES = (
    "path_energy",
    "straightness",
    "sets_wasserstein2_squared",
    "one_step_wasserstein2",
    "one_step_wasserstein2_squared",
    "many_steps_wasserstein2",
    "many_steps_wasserstein2_squared",
    "path_floor_wasserstein2",
    "path_floor_wasserstein2_squared",
)


def path_figures(problem: Problem, score: ScoreFunction) -> Generator[float, None, dict[str, Measured]]:
    """The figures of the part; yields the fraction done. `path_points`: clouds, and points in each.

    Lengths are in user units, energies in squared ones. The errors are those of a mean over `REPEATS` clouds.

    Args:
        score: stands for the velocity that the sampler follows, in internal units; must not change while this runs.
    """
    start = problem.noise.start
    if start is None:
        text = "Paths are measured between two sets, and this flow starts at noise: choose another {}."
        why = Message("path-from-noise", text, (setting("noise.source"),), "noise.source")
        return missing(sorts_of("Path energy"), why)
    generator = problem.generator("path energy")
    begin = start.sample(REPEATS * POINTS, generator).to(problem.device)
    path = _path(problem, score, begin)
    yield 0.2
    single = flow_ends(problem.process(), begin, score, 1, "euler", problem.generator("sampling"))
    fresh = compared_data(problem, REPEATS * POINTS, problem.generator("distances", "cpu"))
    rows = torch.arange(REPEATS * POINTS) % len(fresh.data)
    data = fresh.data[rows]
    other = torch.cat([some[:POINTS] for _, (some, _) in zip(range(REPEATS), fresh.pairs, strict=False)])
    users = list(map(problem.equalized, (begin, single, path.ends)))
    found: list[list[float]] = []
    for repeat in range(REPEATS):
        part = slice(repeat * POINTS, (repeat + 1) * POINTS)
        begins, *clouds = (cloud[part] for cloud in (*users, other))
        sets = yield from _squared(extrapolated_squared_wasserstein2(begins, data[part]), repeat)
        ends: list[float] = []
        for cloud in clouds:
            squared = yield from _squared(squared_wasserstein2(cloud, data[part]), repeat)
            ends += (squared**0.5, squared)
        found.append([float(path.energy[part].mean()), float(path.bend[part].mean()), sets, *ends])
    columns = dict(zip(_NAMES, torch.tensor(found, dtype=torch.float64).T, strict=True))
    figures = {name: Measured(*mean_with_error(values)) for name, values in columns.items()}
    if figures["sets_wasserstein2_squared"].value > figures["path_floor_wasserstein2_squared"].value:
        normalized = Measured(*_normalized(columns["path_energy"], columns["sets_wasserstein2_squared"]))
    else:
        text = "The two sets are as near to each other as two clouds of one set."
        normalized = Measured(None, reason=Message("sets-alike", text))
    return {"normalized_path_energy": normalized, **figures, "path_points": Measured((REPEATS, POINTS))}


def _normalized(energy: Tensor, squared: Tensor) -> tuple[float, float, float]:
    """NPE of the means over the clouds, its standard error to first order in their noise, and its floor.

    The mean of each cloud's own NPE would be far too large, because each is an absolute value of mostly noise.
    """
    ratio = float(energy.mean() / squared.mean())
    _, error = mean_with_error(energy - ratio * squared)
    error /= float(squared.mean())
    return abs(ratio - 1), error, math.sqrt(2 / math.pi) * error


@record
class _Path:
    """Ends of paths (N, dim) in data coordinates and internal units; energy and bend of each, (N,), in squared user units."""

    ends: Tensor
    energy: Tensor
    bend: Tensor


@torch.no_grad()
def _path(problem: Problem, score: ScoreFunction, begin: Tensor) -> _Path:
    """The flow by Heun's method; the integrals are by the trapezoidal rule, over the part of the time that the process has.

    They are divided by that part, which is exact for straight paths of constant speed.
    """
    process = problem.process()
    times = torch.linspace(1.0, process.t_min, STEPS + 1, dtype=torch.float64).tolist()
    length = float(process.scale(process.t_min) - process.scale(1.0))  # of the straight path's time
    x = float(process.std(1.0)) * begin
    first, velocities = x, []
    for now, then in itertools.pairwise(times):
        slope = process.probability_flow(score, x, now)
        after = process.probability_flow(score, x + (then - now) * slope, then)
        velocities.append(slope / length)
        x = x + (then - now) / 2 * (slope + after)
    velocities.append(process.probability_flow(score, x, times[-1]) / length)
    weights = torch.ones(STEPS + 1, dtype=x.dtype, device=x.device) / STEPS
    weights[0] = weights[-1] = 0.5 / STEPS
    v = torch.stack(velocities)
    energy = (weights[:, None] * v.square().sum(2)).sum(0)
    bend = (weights[:, None] * ((first - x) / length - v).square().sum(2)).sum(0)
    area = problem.units.length**2
    return _Path(x / float(process.scale(process.t_min)), area * energy.cpu().double(), area * bend.cpu().double())


def _squared(work: Generator[None, None, float], repeat: int) -> Generator[float, None, float]:
    """W_2^2 of two clouds; yields the fraction done meanwhile."""
    return passed_on(work, lambda _: 0.2 + 0.8 * repeat / REPEATS)
