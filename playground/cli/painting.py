"""The picture and the video of a run, painted by the window's code."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from playground.app.canvas.frames import frames_of
from playground.app.controllers.overlay_timing import density_source, exact_source
from playground.app.controllers.video_frames import VideoFrames, video_frames_over
from playground.app.model.workspace import Model
from playground.cli.reporting import stage
from playground.drawing.film import HOLD_SECONDS, FrameOverlay, pictures, schedule, trail
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Data, Particles, Trails
from playground.drawing.plane import Viewport, bounds_of, shaped
from playground.drawing.render import headless, save_png
from playground.drawing.scene import Scene
from playground.drawing.video import write_video
from playground.kinds.inpainting import known_pixels
from playground.lab.problem import Problem
from playground.lab.trajectory import Trajectory

LEAST_SECONDS, MOST_SECONDS = 2.0, 6.0  # of a video, without the hold at its end
ARROWS = 32  # across the picture
MARGIN = 0.25  # around the data, so that approaching particles are visible
IMAGES = 100  # of a grid


def paint_picture(model: Model, trajectory: Trajectory, path: Path, size: tuple[int, int]) -> None:
    """Write the last frame as PNG, with twice the pixels of `size` along each side."""
    application = headless()
    last = len(trajectory) - 1
    scene = _scene(model.problem, trajectory, size)
    shown, preparing = _frames(model, scene, trajectory, np.array([last]), size)
    _prepare(preparing)
    save_png(shown(scene, last), path, *size, pixel_ratio=2.0)
    del application


def paint_video(model: Model, trajectory: Trajectory, path: Path, size: tuple[int, int], fps: int) -> None:
    """Write the whole trajectory as a video; the file appears once it is complete."""
    application = headless()
    seconds = min(MOST_SECONDS, max(LEAST_SECONDS, len(trajectory) / fps))
    frames = schedule(len(trajectory), seconds + HOLD_SECONDS, fps)
    scene = _scene(model.problem, trajectory, size)
    shown, preparing = _frames(model, scene, trajectory, frames, size)
    _prepare(preparing)
    written = write_video(path, pictures(scene, shown, frames.tolist(), *size), len(frames), size, fps)
    # Closed at once after Ctrl+C between two pictures, which removes the incomplete file.
    with stage("Video") as update, contextlib.closing(written):
        for progress in written:
            update(progress, f"{len(frames)} pictures of {size[0]} x {size[1]}")
    del application


def _prepare(preparing: Iterator[float]) -> None:
    """Compute the learned densities, if they are shown."""
    for first in preparing:
        with stage("Learned densities") as update:
            update(first, "")
            for done in preparing:
                update(done, "")


def _scene(problem: Problem, trajectory: Trajectory, size: tuple[int, int]) -> Scene:
    """Return the scene that all frames share. Its particles only say that this layer is on."""
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


def _frames(
    model: Model, scene: Scene, trajectory: Trajectory, frames: NDArray[np.integer], size: tuple[int, int]
) -> tuple[FrameOverlay, Iterator[float]]:
    """Return the overlay of each frame as the window first shows it: the followed score and the density."""
    experiment = model.problem.experiment
    if scene.images is not None:
        views = VideoFrames(None)
    else:
        follows = experiment.sampling.follows
        learned = bool(model.weights.tensors) and follows in ("learned", None)
        views = video_frames_over(
            model,
            scene.viewport,
            (ARROWS, max(2, round(ARROWS * size[1] / size[0]))),
            frozenset({"density", "learned" if learned else "exact"}),
            exact_source(follows or "exact", model.view),
            density_source("exact" if learned else follows or "exact", model.view),
        )
    return frames_of(views, experiment.sampling.kind, "", trajectory, frames)
