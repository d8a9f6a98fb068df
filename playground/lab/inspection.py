"""One particle of a recorded run: the terms of its next step, and the score at its position, in the user's units.

This module imports no torch, because the window holds such values before torch is loaded.
"""

import math
import typing
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from playground.lab.field_names import FieldNames, field_names
from playground.lab.trajectory import Trajectory
from playground.records import record

if typing.TYPE_CHECKING:
    from torch import Tensor

    from playground.lab.problem import Problem
    from playground.theory.guidance import LabelledScore
    from playground.theory.noise import ScoreFunction
    from playground.theory.samplers import Step

Array = NDArray[np.floating]

REACH, APART = 0.01, 1e-4
"""The distance of central differences of a score, in standard deviations of the noise, of which their error is about 1e-4; and what
is added as a share of the point's own distance, because single precision must tell both sides apart.
"""
FLOW_STEPS = 40
"""Heun steps of the path from a dragged start, on Karras's grid: on two moons its end is known to 0.1 %."""


@record
class StepSum:
    """A recorded step as a sum: x' = x + drift + score + rest. The sum is exact up to rounding.

    Attributes:
        after: x'.
        drift, score, rest: displacements.
        weights: the weight of x (relative to the middle of the data), that of the score, and the standard deviation of the
            noise; the last is None if the rest is not only noise.
        symbols: symbols of the weights, see :class:`playground.theory.samplers.StepTerms`.
        names: the contents of the rest.
    """

    after: Array
    drift: Array
    score: Array
    rest: Array
    weights: tuple[float, float, float | None]
    symbols: tuple[str, str, str]
    names: tuple[str, ...]


@record
class InspectedParticle:
    """A particle in a frame.

    Attributes:
        number, frame: the number of the particle, and the frame.
        position: x, with the shape of one point.
        field: the score at x under its names, for a single point; None without noise.
        denoised_here: the denoised estimate in the coordinates of the frame, contracted like x; None without noise.
        step: the step to the next frame; None in the last frame, and if the terms of a step are not known.
        skipped: whether frames are several steps apart, so that no terms are known.
        eigenvalues: (1, 2), see :func:`score_eigenvalues`.
    """

    number: int
    frame: int
    position: Array
    field: FieldNames | None
    denoised_here: Array | None
    step: StepSum | None
    skipped: bool = False
    eigenvalues: NDArray[np.complex128] | None = None


def inspect(
    problem: "Problem", score: "LabelledScore", trajectory: Trajectory, frame: int, number: int
) -> InspectedParticle:
    """Compute the terms of the step that one particle makes from a frame.

    Args:
        problem: its experiment has the settings and the seed of the run.
        score: the score that the sampler followed, in internal units, not yet conditioned.

    Raises:
        ExperimentError: the sampler does not fit the noise or the data.
    """
    import torch

    from playground.lab.conditioning import conditioned_score
    from playground.lab.sampling import make_sampler
    from playground.theory.guidance import for_rows

    units, position = problem.units, np.asarray(trajectory.positions[frame][number], np.float64)
    followed = for_rows(conditioned_score(problem, score), torch.tensor([number], device=problem.device))
    time = float(trajectory.time[frame])
    moment = float(trajectory.sigma[frame]), None if math.isnan(time) else time
    field = field_names(problem, followed, position[None], *moment)
    here = None if field is None else units.offset + field.alpha * (field.denoised[0] - units.offset)
    turned = None if field is None else score_eigenvalues(problem, followed, position[None], *moment, field.std)
    alone = InspectedParticle(number, frame, position, field, here, None, eigenvalues=turned)
    if frame + 1 >= len(trajectory):
        return alone
    before, after = (_step(problem, trajectory, place, number) for place in (frame, frame + 1))
    if after.index - before.index != 1:
        return replace(alone, skipped=True)
    terms = make_sampler(problem, score).terms(before, after)
    if terms is None or not problem.has_score:
        return alone
    x = before.positions
    with torch.no_grad():
        level = torch.tensor(terms.sigma, dtype=x.dtype, device=x.device)
        slope = followed(x / terms.scale, level) / terms.scale if terms.score else torch.zeros_like(x)
    internal = units.to_internal(position)
    drift = terms.drift * internal * units.scale
    pull = terms.score * slope[0].cpu().numpy().astype(np.float64) * units.scale
    reached = np.asarray(trajectory.positions[frame + 1][number], np.float64)
    weights = (
        terms.drift,
        terms.score * units.length**2,
        None if terms.noise is None else units.sigma_to_user(terms.noise),
    )
    rest = reached - position - drift - pull
    return replace(alone, step=StepSum(reached, drift, pull, rest, weights, terms.symbols, terms.rest))


def _step(problem: "Problem", trajectory: Trajectory, frame: int, number: int) -> "Step":
    """Return a frame of one particle as the sampler yielded it, in internal units."""
    from playground.theory.samplers import Step

    units, time = problem.units, float(trajectory.time[frame])
    along_process = not math.isnan(float(trajectory.time[0]))
    size = float(trajectory.step_size[frame]) / (1.0 if along_process else units.sigma_to_user(1.0) ** 2)
    return Step(
        problem.internal(np.asarray(trajectory.positions[frame][number : number + 1], np.float64)),
        units.sigma_to_internal(float(trajectory.sigma[frame])),
        None if math.isnan(time) else time,
        size,
        int(trajectory.step[frame]),
        trajectory.steps,
    )


def score_eigenvalues(
    problem: "Problem", score: "ScoreFunction", points: Array, sigma: float, time: float | None, std: float
) -> NDArray[np.complex128] | None:
    """The eigenvalues of the score's Jacobian at points of the plane, (N, 2), by central differences.

    They are in ascending order of their real parts, per squared user unit, and NaN where the score is not finite. Of a score that is
    a gradient they are real; a learned one may turn. None for images and between two sets.

    Args:
        points: in the user's units, in the coordinates of the particles at this moment.
        sigma, time: as for :func:`playground.lab.fields.score_at`.
        std: the standard deviation of the noise at this moment, in the user's units.
    """
    from playground.lab.fields import score_at

    if points.ndim != 2 or not problem.has_score:
        return None
    units = problem.units
    away = REACH * units.sigma_to_internal(std) + APART * np.linalg.norm(units.to_internal(points), axis=1)[:, None]
    steps = [away * axis * units.scale for axis in np.eye(2)]
    sides = ((score_at(problem, score, points + by, sigma, time) for by in (step, -step)) for step in steps)
    matrices = np.stack([np.subtract(*pair) / (2 * away) for pair in sides], 2) / units.scale
    finite = np.isfinite(matrices).all((1, 2))
    found = np.full(matrices.shape[:2], np.nan, np.complex128)
    found[finite] = np.linalg.eigvals(matrices[finite])
    return np.sort_complex(found)


def flow_from(problem: "Problem", score: "LabelledScore", start: Array) -> Array:
    """The path (P, 2) of a point by the probability flow, from its start at t = 1 to the data.

    Args:
        start: (2,) in the coordinates of particles at the start of a run.

    Raises:
        ValueError: this noise has no process.
    """
    import torch

    from playground.lab.conditioning import conditioned_score
    from playground.theory.samplers import ProbabilityFlow

    units = problem.units
    x = problem.internal(start[None])
    grid: typing.Literal["karras", "time"] = "karras" if problem.has_score else "time"
    flow = ProbabilityFlow(problem.process(), FLOW_STEPS, False, grid, solver="heun")
    steps: Iterator[Step] = flow.run(conditioned_score(problem, score), x, problem.generator("dragged start"))
    places: list[Tensor] = [step.positions[0] for step in steps]
    return units.to_user(torch.stack(places).cpu().numpy())
