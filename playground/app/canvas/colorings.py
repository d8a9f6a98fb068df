"""What the particles of a frame are coloured by, from their run and from what was computed for them."""

import typing

import numpy as np

from playground.app.canvas import readouts
from playground.app.model.views import ParticleColors, ParticleValues
from playground.drawing.coloring import Coloring, by_direction, by_kind, by_number

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory


def coloring(
    kind: ParticleColors, trajectory: "Trajectory", frame: int, values: ParticleValues | None
) -> Coloring | None:
    """The colours of a frame's particles; None where all have one, or what they need is not there yet.

    Args:
        values: computed for these particles, in this frame or one just before.
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
    """How far each particle went in the step that led to a frame, (N,) of (frames, N, 2); 0 at the start."""
    lengths: np.ndarray = np.linalg.norm(positions[frame] - positions[max(frame - 1, 0)], axis=1)
    return lengths
