"""Picture and video of a run, painted by the window's own code."""

import contextlib
import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

from playground.app.canvas import readouts
from playground.cli.reporting import stage
from playground.drawing.film import HOLD_SECONDS, at_frame, pictures, schedule, trail
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Data, Density, Field, Particles, Trails
from playground.drawing.plane import Viewport, bounds_of, shaped
from playground.drawing.render import headless, save_png
from playground.drawing.scene import Scene
from playground.drawing.video import write_video
from playground.kinds.inpainting import known_pixels
from playground.lab.fields import arrows_at, density_over, grid_points
from playground.lab.problem import Problem
from playground.lab.trajectory import Trajectory
from playground.theory.noise import ScoreFunction

LEAST_SECONDS, MOST_SECONDS = 2.0, 6.0  # of a video, without the hold at its end
ARROWS = 32  # across the picture
MARGIN = 0.25  # around the data, so that particles are seen coming in
IMAGES = 100  # of a grid


def paint_picture(
    problem: Problem, score: ScoreFunction, trajectory: Trajectory, path: Path, size: tuple[int, int]
) -> None:
    """The last frame as PNG, at twice the pixels of `size`."""
    application = headless()
    last = len(trajectory) - 1
    scene = at_frame(_scene(problem, trajectory, size), trajectory.positions, last)
    scene = _frame_overlay(problem, score, trajectory, size)(scene, last)
    save_png(scene, path, *size, pixel_ratio=2.0)
    del application


def paint_video(
    problem: Problem, score: ScoreFunction, trajectory: Trajectory, path: Path, size: tuple[int, int], fps: int
) -> None:
    """The whole trajectory as a video; the file appears once it is complete."""
    application = headless()
    seconds = min(MOST_SECONDS, max(LEAST_SECONDS, len(trajectory) / fps))
    frames = schedule(len(trajectory), seconds + HOLD_SECONDS, fps)
    overlay = _frame_overlay(problem, score, trajectory, size)
    images = pictures(_scene(problem, trajectory, size), trajectory.positions, frames.tolist(), *size, overlay)
    written = write_video(path, images, len(frames), size, fps)
    # Closed at once where Ctrl+C comes between two pictures, for its half-written file goes with it.
    with stage("Video") as update, contextlib.closing(written):
        for progress in written:
            update(progress, f"{len(frames)} pictures of {size[0]} x {size[1]}")
    del application


def _scene(problem: Problem, trajectory: Trajectory, size: tuple[int, int]) -> Scene:
    """Return the scene that all frames share; particles stand for "this layer is on"."""
    if problem.shape != (2,):
        data = problem.dataset.points
        limits = float(data.min()), float(data.max())
        known = known_pixels(problem.experiment.sampling.mask, *problem.shape[-2:])
        return Scene(images=ImageGrid(trajectory.positions[0][:IMAGES], limits, known=known))
    exact = problem.density is not None
    return Scene(
        viewport=_viewport(problem, size),
        axes=problem.dataset.axes,
        data=None if exact else Data(problem.dataset.points),
        particles=Particles(trajectory.positions[0]),
        trails=Trails(trail(trajectory.positions, 0)),
    )


def _viewport(problem: Problem, size: tuple[int, int]) -> Viewport:
    bounds = bounds_of(problem.dataset.points, MARGIN)
    assert bounds is not None  # data are finite
    return shaped(bounds, *size) if problem.units.isotropic else bounds


def _frame_overlay(
    problem: Problem, score: ScoreFunction, trajectory: Trajectory, size: tuple[int, int]
) -> Callable[[Scene, int], Scene]:
    """Gives a frame its score field, density and caption."""

    def overlay(scene: Scene, frame: int) -> Scene:
        sigma = float(trajectory.sigma[frame])
        time = None if math.isnan(trajectory.time[frame]) else float(trajectory.time[frame])
        caption = tuple(readouts.caption(trajectory, frame, problem.experiment.sampling.kind))
        if scene.images is not None:
            return dataclasses.replace(scene, caption=caption)
        arrows = grid_points(scene.viewport, ARROWS, max(2, round(ARROWS * size[1] / size[0]))).reshape(-1, 2)
        density = None
        if problem.density is not None:
            density = Density(density_over(problem, scene.viewport, sigma, time), scene.viewport)
        scene = dataclasses.replace(scene, caption=caption, density=density)
        directions = arrows_at(problem, score, arrows, sigma, time)
        if problem.experiment.sampling.follows == "learned":
            return dataclasses.replace(scene, learned=Field(arrows, directions, "learned"))
        return dataclasses.replace(scene, exact=Field(arrows, directions, "exact"))

    return overlay
