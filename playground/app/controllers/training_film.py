"""A film of a training: the same noise and the same frame of the run, with the weights of each training step."""

import dataclasses
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from playground.app.controllers.export_size import OverlayMaker
from playground.app.controllers.exporting import Progress
from playground.app.model.preferences import VideoChoice
from playground.drawing import film
from playground.drawing.render import PictureError
from playground.drawing.scene import Scene

if TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

SAMPLING_SHARE = 0.6  # of the bar, for runs that must be sampled before painting


@dataclasses.dataclass(frozen=True, eq=False)
class FilmStage:
    """One training step of the film.

    Attributes:
        run: makes an iterator over the growing run with its weights.
        overlay_maker: makes the overlays of that run and its frame.
    """

    run: Callable[[], Iterator["Trajectory"]]
    overlay_maker: OverlayMaker


def paint_training_film(
    scene: Scene, stages: Sequence[FilmStage], share: float, choice: VideoChoice, path: Path
) -> Generator[Progress, None, None]:
    """Sample each training step's run up to the frame, then paint; yields the pictures done and their total.

    Args:
        scene: the canvas as it is, at the film's size.
        stages: the training steps, all shown for the same time, but the last one longer.
        share: the position in each run that is shown, from 0 to 1.

    Raises:
        PictureError: there are no stages.
    """
    from playground.drawing.video import write_video  # loads FFmpeg's libraries, which opening the window does not need

    if not stages:
        raise PictureError("There is no training to export yet: train first.")
    scene = _unmeasured(scene)
    shown = film.schedule(len(stages), choice.seconds, choice.fps)
    total, wanted = len(shown), np.unique(shown).tolist()
    scenes: dict[int, Scene] = {}
    for count, number in enumerate(wanted):
        for done, found in _stage_scene(scene, stages[number], share):
            scenes[number] = found
            yield int(SAMPLING_SHARE * total * (count + done) / len(wanted)), total
    images = film.pictures(scene, lambda _, number: scenes[number], shown.tolist(), choice.width, choice.height)
    for done in write_video(path, images, total, (choice.width, choice.height), choice.fps):
        yield int((SAMPLING_SHARE + (1 - SAMPLING_SHARE) * done) * total), total
    yield total, total


def _stage_scene(scene: Scene, stage: FilmStage, share: float) -> Iterator[tuple[float, Scene]]:
    """Make the scene of one training step; yields the share done and finally the scene."""
    for trajectory in stage.run():
        frame = round(share * (trajectory.total - 1))
        yield 0.8 * len(trajectory) / max(frame + 1, len(trajectory)), scene
        if len(trajectory) > frame:
            break
    overlay, preparing = stage.overlay_maker(trajectory, np.array([frame]))
    for done in preparing:
        yield 0.8 + 0.2 * done, scene
    yield 1.0, _detached(overlay(scene, frame))


def _unmeasured(scene: Scene) -> Scene:
    """The scene without clicked points and their paths, which were measured with the weights of one step."""
    images = scene.images and dataclasses.replace(scene.images, selected=None, second=None)
    return dataclasses.replace(scene, path=None, interpolation=None, images=images)


def _detached(scene: Scene) -> Scene:
    """The scene without references to its whole run, because a film keeps one scene for each training step."""
    particles, trails, images = scene.particles, scene.trails, scene.images
    return dataclasses.replace(
        scene,
        particles=particles and dataclasses.replace(particles, positions=particles.positions.copy()),
        trails=trails and dataclasses.replace(trails, positions=trails.positions.copy()),
        images=images and dataclasses.replace(images, images=images.images.copy()),
    )
