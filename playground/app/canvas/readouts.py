"""Texts of the canvas: the caption of the current frame, and the values under the pointer."""

import math
import typing

import numpy as np

from playground.app.model.live_training import Weights
from playground.app.model.views import Bounds, DensityView, PointReadout, ProblemView
from playground.app.style.number_formats import THIN_SPACE, format_coordinate, format_count, format_number
from playground.kinds.samplers.sampler import Sampler

NAMES = {"learned": "learned", "exact": "exact", "empirical": "training set", "tilted": "tilted"}

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory


UNTRAINED = "untrained network"
SAMPLING = "sampling…"
OTHERS = "particles of other weights"


def weights_in_view(weights: Weights, particles: str = "") -> str:
    """The training step of the weights in view, if it is not clear that they are the newest.

    Args:
        particles: SAMPLING or OTHERS if the particles belong to other weights, else "".

    >>> weights_in_view(Weights(3, {}, untrained=False, step=1024)).replace(THIN_SPACE, ",")
    'weights of training step 1,024'
    """
    if weights.step is None:
        words = UNTRAINED if weights.untrained else ""
    else:
        words = f"weights of training step {format_count(weights.step)}" + weights.untrained * f", {UNTRAINED}"
    return ", ".join(part for part in (words, particles) if part)


def caption(
    trajectory: "Trajectory", frame: int, sampler: Sampler, weights: str = "", time_to_data: bool = False
) -> list[str]:
    """Sigma, level or time, step size and step of a frame, in two lines; in a third the score evaluations so far.

    Args:
        sampler: the one that made the run.
        weights: a separate line about the weights, see :func:`weights_in_view`.
        time_to_data: whether t is 0 at the noise and 1 at the data.
    """
    sigma, time = float(trajectory.sigma[frame]), float(trajectory.time[frame])
    step_size = float(trajectory.step_size[frame])
    first = [f"σ = {format_number(sigma)}"]
    if sampler.has_levels:
        level, levels = _level(trajectory, frame)
        first.append(f"level {level}" + (f"/{levels}" if levels else ""))
    elif math.isfinite(time):
        first.append(f"t = {1 - time if time_to_data else time:.3f}")
    # A step of length 0 is only a frame: each particle takes steps of its own.
    word = "frame" if math.isnan(step_size) and math.isfinite(trajectory.nfe_mean[frame]) else "step"
    second = [f"{word} {trajectory.step[frame]}/{trajectory.steps}"]
    if math.isfinite(step_size) and step_size:
        second.insert(0, f"{sampler.step_symbol} = {format_number(abs(step_size))}")
    accepted = float(trajectory.accepted[frame])
    if math.isfinite(accepted):
        second.append(f"{accepted:.0%} accepted")
    third = evaluations(trajectory, frame)
    return [*[weights][: bool(weights)], "   ".join(first), "   ".join(second), *[third][: bool(third)]]


def short_caption(trajectory: "Trajectory", frame: int, weights: str = "", step: bool = True) -> list[str]:
    """Sigma of a frame and its step, if asked, in short lines: for a narrow canvas, or a line outside of it."""
    lines = [
        f"σ = {format_number(float(trajectory.sigma[frame]))}",
        f"step {trajectory.step[frame]}/{trajectory.steps}",
    ]
    return [*[weights][: bool(weights)], *lines[: 1 + step]]


def evaluations(trajectory: "Trajectory", frame: int, unit: str = " score evaluations") -> str:
    """The score evaluations of one particle up to a frame, mean and maximum if they differ; "" if not known."""
    if frame >= len(trajectory):
        return ""  # the run has just started again
    mean, most = float(trajectory.nfe_mean[frame]), float(trajectory.nfe_max[frame])
    if math.isnan(mean):
        return ""
    unit = unit.removesuffix("s") if mean == 1 else unit
    return (
        f"{format_number(mean)}{unit}" if mean == most else f"{format_number(mean)}{unit} (most {format_number(most)})"
    )


def asked_density(density: DensityView) -> list[str]:
    """A line that names the density, if it is a requested map or the tilted density, and not that of the frame."""
    if density.source == "tilted":
        return ["tilted density, without noise"]
    return [f"density ({NAMES[density.source]}) at σ = {format_number(density.sigma)}"] if density.asked else []


def _level(trajectory: "Trajectory", frame: int) -> tuple[int, int]:
    """Number of the level from 1, and the number of all levels; 0 during the run."""
    sigmas = trajectory.sigma
    falls = np.concatenate([[False], np.diff(sigmas) < -1e-9 * np.abs(sigmas[:-1])])
    level = 1 + int(falls[: frame + 1].sum())
    return level, 1 + int(falls.sum()) if trajectory.finished else 0


def pointer(probe: PointReadout, problem: ProblemView, density: DensityView | None = None) -> list[str]:
    """Position, score and log density under the pointer, one line each.

    Args:
        density: the map on the canvas; it is read if the user requested it or the exact density is not known.
    """
    x, y = probe.point
    lines = position(x, y, problem)
    if probe.learned is not None:
        lines.append(f"{'velocity of particles' if probe.velocity else 'learned score'} {vector(probe.learned)}")
    if probe.exact is not None:
        lines.append(f"{NAMES[probe.source]} {vector(probe.exact)}")
    if probe.few_data:
        lines.append("few data here: learned may be far off")
    # The map on the canvas comes first, except a learned one of the frame if the exact value is known.
    beside = density is None or density.source == probe.source or (probe.source, density.source) == ("exact", "learned")
    asked = density is not None and density.asked
    if probe.log_density is not None and beside and not asked:
        of = "" if probe.source == "exact" else f" ({NAMES[probe.source]})"
        lines.append(f"log p{_subscript(probe.sigma)} = {format_number(probe.log_density)}{of}")
    elif density is not None:
        value = _read(density, x, y)
        if value > 0:
            lines.append(
                f"log p{_subscript(density.sigma)} ≈ {format_number(math.log(value))} ({NAMES[density.source]})"
            )
    return lines


def _read(density: DensityView, x: float, y: float) -> float:
    """The map's value in the cell of a point; 0 outside the map."""
    x0, x1, y0, y1 = density.extent
    rows, columns = density.density.shape
    column, row = math.floor((x - x0) / (x1 - x0) * columns), math.floor((y - y0) / (y1 - y0) * rows)
    return float(density.density[row, column]) if 0 <= row < rows and 0 <= column < columns else 0.0


def position(x: float, y: float, problem: ProblemView) -> list[str]:
    """The position of the pointer, without values."""
    first, second = problem.axes
    return [f"{first} {format_coordinate(x, problem.bounds[:2])}   {second} {format_coordinate(y, problem.bounds[2:])}"]


def place(point: np.ndarray, bounds: Bounds) -> str:
    """A point of the plane, with digits that fit the data's width on each axis."""
    x, y = point.tolist()
    return f"({format_coordinate(x, bounds[:2])}, {format_coordinate(y, bounds[2:])})"


def vector(components: np.ndarray) -> str:
    """A vector of the plane.

    >>> vector(np.array([0.5, -2.0])).replace(THIN_SPACE, " ")
    '(0.5, −2)'
    """
    return f"({format_number(float(components[0]))},{THIN_SPACE}{format_number(float(components[1]))})"


def _subscript(sigma: float) -> str:
    return f"(σ = {format_number(sigma)})"
