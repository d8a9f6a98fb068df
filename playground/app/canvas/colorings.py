"""The colours of the data's classes, and of a frame's particles, from their run and from values computed for them."""

import typing

import numpy as np

from playground.app.canvas import readouts
from playground.app.model.views import ParticleColors, ParticleValues, ProblemView
from playground.drawing.coloring import Coloring, by_class, by_direction, by_kind, by_number

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory


def class_colors(problem: ProblemView) -> Coloring | None:
    """The colours of the training points in view by their class; None without classes."""
    return None if problem.labels is None else by_class(problem.labels, problem.class_names)


def coloring(
    kind: ParticleColors, trajectory: "Trajectory", frame: int, values: ParticleValues | None
) -> Coloring | None:
    """The colours of a frame's particles; None if all have one colour, or if the values are not there yet.

    Args:
        values: values of these particles, from this frame or a frame shortly before.
    """
    positions = trajectory.positions
    if positions.ndim != 3:
        return None
    if kind == "start":
        return by_direction(positions[0], "where each began")
    if kind == "speed":
        return by_number(step_lengths(positions, frame), "|xₖ − xₖ₋₁|, last step", low=0.0)
    if values is None or values.kind != kind or len(values.values) != positions.shape[1]:
        return None
    if kind == "log_p":
        return by_number(values.values, "log p of particles")
    modes = np.zeros((0, 2)) if values.modes is None else values.modes
    low, high = positions[-1].min(axis=0).tolist(), positions[-1].max(axis=0).tolist()
    names = tuple(readouts.place(mode, (low[0], high[0], low[1], high[1])) for mode in modes)
    return by_kind(values.values, "nearest mode", names)


def step_lengths(positions: np.ndarray, frame: int) -> np.ndarray:
    """The length of each particle's step to a frame, (N,) from (frames, N, 2); 0 at the start."""
    lengths: np.ndarray = np.linalg.norm(positions[frame] - positions[max(frame - 1, 0)], axis=1)
    return lengths
