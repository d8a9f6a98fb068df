"""The picture and the video of a run, painted by the window's code."""

import contextlib
import dataclasses
import functools
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from playground.app.canvas.frames import frames_of
from playground.app.canvas.readouts import weights_in_view
from playground.app.controllers.overlay_timing import as_known
from playground.app.controllers.video_frames import complete_run, video_frames_over
from playground.app.model.columns import LETTERS, columns_of
from playground.app.model.edit_text import difference
from playground.app.model.live_training import Weights
from playground.app.model.model import Model
from playground.app.model.views import WantedOverlays
from playground.app.style.figure_words import figure_rows
from playground.app.widgets.charts.distance import COLORS, distance_chart
from playground.cli.reporting import stage
from playground.drawing.coloring import Coloring, by_class
from playground.drawing.film import HOLD_SECONDS, FrameOverlay
from playground.drawing.frames import FilmedRun, Preparation, Style, of_run, of_training, write_film, write_picture
from playground.drawing.images import ImageGrid
from playground.drawing.labels import Labels
from playground.drawing.layers import Data, Particles, Trails
from playground.drawing.plane import Viewport, bounds_of, shaped
from playground.drawing.render import headless
from playground.drawing.scene import Scene
from playground.drawing.web_page import SIZE, STAGES, Page, PageColumn, PageQuestion, spread, write_page
from playground.kinds.inpainting import known_pixels
from playground.lab.columns import DistanceCurve
from playground.lab.comparison import distance_curve
from playground.lab.compute import result
from playground.lab.experiment import ExperimentError
from playground.lab.lessons import Step
from playground.lab.measured import Figures
from playground.lab.problem import Problem
from playground.lab.step_measuring import StepRun
from playground.lab.trajectory import Trajectory

LEAST_SECONDS, MOST_SECONDS = 2.0, 6.0  # of a video, without the hold at its end
STEP_SECONDS = 0.4  # for each step in the film of a training
ARROWS = 32  # across the picture
MARGIN = 0.25  # around the data, so that approaching particles are visible


def paint_picture(
    model: Model, trajectory: Trajectory, path: Path, size: tuple[int, int], labels: Labels | None = None
) -> None:
    """Write the last frame as PNG, with twice the pixels of `size` along each side."""
    width, height = size
    frames = _run_frames(model, trajectory, (2 * width, 2 * height), labels)
    _write("Picture", write_picture(frames, len(trajectory) - 1, path), "")


def paint_video(model: Model, trajectory: Trajectory, path: Path, size: tuple[int, int], fps: int) -> None:
    """Write the whole trajectory as a video; the file appears once it is complete."""
    seconds = min(MOST_SECONDS, max(LEAST_SECONDS, len(trajectory) / fps)) + HOLD_SECONDS
    written = write_film(_run_frames(model, trajectory, size), path, seconds, fps)
    _write("Video", written, f"{round(seconds * fps)} pictures of {size[0]} x {size[1]}")


def paint_training_video(model: Model, stages: Sequence[Weights], path: Path, size: tuple[int, int], fps: int) -> None:
    """Write a film of the training: the last frame of a run from the same noise, with the weights of each training step.

    Args:
        stages: the weights of each step, in the order of the pictures.
    """
    scene = _scene(model.problem, size)
    steps = [_filmed(dataclasses.replace(model, weights=one), scene, size, weights_in_view(one)) for one in stages]
    seconds = min(MOST_SECONDS, max(LEAST_SECONDS, STEP_SECONDS * len(stages))) + HOLD_SECONDS
    frames = functools.partial(of_training, scene, steps, 1.0, _style(model.problem, size))
    _write("Video", write_film(frames, path, seconds, fps), f"{len(stages)} training steps")


def paint_web_page(
    model: Model,
    trajectory: Trajectory,
    path: Path,
    figures: Figures | None = None,
    stages: Sequence[Weights] = (),
    title: str = "",
) -> None:
    """Write a run as a web page.

    Args:
        figures: what was measured of it, if anything.
        stages: the weights of earlier training steps and the newest ones. If there are any, the page has a run from the same noise
            with each of them.
        title: in place of the name of the data.
    """
    problem, sampling = model.problem, model.problem.experiment.sampling
    scene = _scene(problem, SIZE)
    shown = [stages[number] for number in spread(len(stages), STAGES)] if stages else [model.weights]

    runs = []
    for weights in shown:
        said = weights_in_view(weights) if stages else ""
        recorded = trajectory if weights is shown[-1] else None
        runs.append(_filmed(dataclasses.replace(model, weights=weights), scene, SIZE, said, recorded))
    page = Page(
        title or problem.dataset.name,
        [PageColumn(sampling.title, scene, runs)],
        [weights.step or 0 for weights in shown] if stages else [],
        len(shown) - 1,
        figure_rows(figures) if figures is not None else (),
    )
    _write("Web page", write_page(page, path), f"{len(runs)} training steps" if stages else "")


def run_of(step_run: StepRun) -> tuple[Model, Trajectory]:
    """The model and the finished run of a lesson's or a scene's step."""
    network, run = result(step_run.network()), result(step_run.trajectory())
    return Model.of(step_run.problem, network), run


def paint_step(
    title: str, step: Step, runs: Sequence[tuple[Model, Trajectory]], question: PageQuestion, path: Path
) -> None:
    """Write the page of a lesson's step.

    Args:
        runs: those of the answer: one, or one for each choice of a step whose choices are columns.
    """
    edits = columns_of(step)
    curves = [_curve(model.problem, run) for model, run in runs] if edits else []
    known = [(LETTERS[place], place, curve) for place, curve in enumerate(curves) if curve is not None]

    def shown(place: int, model: Model, run: Trajectory) -> PageColumn:
        scene = _scene(model.problem, SIZE)
        filmed = _filmed(model, scene, SIZE, recorded=run)
        if not edits:
            return PageColumn(model.problem.experiment.sampling.title, scene, [filmed])
        curve, head = curves[place], difference(step.shown_settings, edits[place], edits)

        def at(frame: int) -> tuple[float, float] | None:
            return None if curve is None else curve.at(float(run.nfe_mean[frame]))

        return PageColumn(head, scene, [filmed], LETTERS[place], COLORS[place], at=at)

    chart = distance_chart(known)[0] if known else None
    page = Page(title, [shown(place, *one) for place, one in enumerate(runs)], question=question, chart=chart)
    _write("Web page", write_page(page, path), "")


def _curve(problem: Problem, run: Trajectory) -> DistanceCurve | None:
    """The distance of a run to the data along it; None if such samples cannot be compared with the data."""
    try:
        *_, (_, found) = distance_curve(problem, run)
    except ExperimentError:
        return None
    return found


def _run_frames(
    model: Model, trajectory: Trajectory, size: tuple[int, int], labels: Labels | None = None
) -> Preparation:
    scene = _scene(model.problem, size)

    def overlay_maker(run: Trajectory | None, frames: NDArray[np.integer]) -> Generator[float, None, FrameOverlay]:
        return _frames(model, scene, run, frames, size)

    style = _style(model.problem, size) if labels is None else Style(size, labels=labels)
    return functools.partial(of_run, scene, trajectory, overlay_maker, style)


def _style(problem: Problem, size: tuple[int, int]) -> Style:
    return Style(size, labels=Labels(problem.experiment.sampling.title))


def _write(name: str, written: Generator[float, None, None], words: str) -> None:
    """Paint and write a file, and show the progress."""
    application = headless()
    # Closed at once after Ctrl+C between two pictures, which removes the incomplete file.
    with stage(name) as update, contextlib.closing(written):
        for done in written:
            update(done, words)
    del application


def _filmed(
    model: Model, scene: Scene, size: tuple[int, int], weights: str = "", recorded: Trajectory | None = None
) -> FilmedRun:
    """The run with the weights of a model from the noise of its seed.

    Args:
        weights: the words of the caption about the weights.
        recorded: the run, if it is made already.
    """
    return FilmedRun(
        complete_run(model.problem, model.weights, model.problem.experiment.sampling.seed, recorded),
        lambda run, frames: _frames(model, scene, run, frames, size, weights),
    )


def _scene(problem: Problem, size: tuple[int, int]) -> Scene:
    """Return the scene that all frames share. Its images or particles only say that this layer is on."""
    nothing = problem.dataset.points[:0]
    if problem.shape != (2,):
        data = problem.dataset.points
        limits = float(data.min()), float(data.max())
        known = known_pixels(problem.experiment.sampling.mask, *problem.shape[-2:])
        return Scene(images=ImageGrid(nothing, limits, known=known))
    exact = problem.path_density is not None
    return Scene(
        viewport=_viewport(problem, size),
        axes=problem.dataset.axes,
        data=None if exact else Data(problem.dataset.points, _class_colors(problem)),
        particles=Particles(nothing),
        trails=Trails(nothing[None]),
    )


def _class_colors(problem: Problem) -> Coloring | None:
    """The colours of the training points by their class; None without classes."""
    labels = problem.dataset.labels
    return None if labels is None else by_class(labels, problem.dataset.class_names)


def _viewport(problem: Problem, size: tuple[int, int]) -> Viewport:
    bounds = bounds_of(problem.dataset.points, MARGIN)
    assert bounds is not None  # data are finite
    return shaped(bounds, *size) if problem.units.isotropic else bounds


def _frames(
    model: Model,
    scene: Scene,
    trajectory: Trajectory | None,
    frames: NDArray[np.integer],
    size: tuple[int, int],
    weights: str = "",
) -> Generator[float, None, FrameOverlay]:
    """Return the overlay of each frame as the window first shows it: the followed score, the density and the caption.

    Args:
        weights: the words of the caption about the weights.
    """
    experiment = model.problem.experiment
    follows = experiment.sampling.follows
    learned = bool(model.weights.tensors) and follows in ("learned", None)
    layers, grid = (
        frozenset({"density", "learned" if learned else "exact"}),
        (ARROWS, max(2, round(ARROWS * size[1] / size[0]))),
    )
    density = "exact" if learned else follows or "exact"
    wanted = as_known(WantedOverlays(layers, scene.viewport, grid, follows or "exact", density), model)
    views = video_frames_over(model, wanted, scene.viewport)
    return frames_of(views, experiment.sampling, weights, trajectory, frames)
