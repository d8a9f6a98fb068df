"""The frames of a training: the same noise and the same frame of the run, with the weights of each training step."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from playground.app.controllers.export_frames import Choice, Frames
from playground.drawing import film
from playground.drawing.film import OverlayMaker, Painted
from playground.drawing.render import PictureError
from playground.drawing.scene import Scene

if TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory


@dataclasses.dataclass(frozen=True, eq=False)
class FilmStage:
    """One training step of the film.

    Attributes:
        run: makes an iterator over the growing run with its weights.
        overlay_maker: makes the overlays of that run and its frame.
    """

    run: Callable[[], Iterator["Trajectory"]]
    overlay_maker: OverlayMaker


class TrainingFrames(Frames):
    """A frame for each training step.

    Args:
        scene: the canvas with the frame in view, in the size of the choice.
        stages: the training steps.
        share: the position in each run that is shown, from 0 to 1.
    """

    def __init__(self, scene: Scene, stages: Sequence[FilmStage], share: float, choice: Choice) -> None:
        # Clicked points and their paths were measured with the weights of one step.
        images = scene.images and dataclasses.replace(scene.images, selected=None, second=None)
        self._scene = dataclasses.replace(scene, path=None, interpolation=None, images=images)
        self._stages, self._share, self._choice = stages, share, choice

    def complete(self) -> Iterator[float]:
        if not self._stages:
            raise PictureError("There is no training to export yet: train first.")
        return iter(())

    def __len__(self) -> int:
        return len(self._stages)

    def prepare(self, frames: np.ndarray) -> tuple[Painted, Iterator[float]]:
        """Sample each step's run up to the frame."""
        scenes: dict[int, Scene] = {}

        def prepared() -> Iterator[float]:
            wanted = np.unique(frames).tolist()
            for count, number in enumerate(wanted):
                for done, found in self._stage_scene(self._stages[number]):
                    scenes[number] = found
                    yield (count + done) / len(wanted)

        size, suffix = (self._choice.width, self._choice.height), self._choice.suffix
        return lambda number: film.picture(scenes[number], *size, suffix), prepared()

    def _stage_scene(self, stage: FilmStage) -> Iterator[tuple[float, Scene]]:
        """Make the scene of one training step; yields the share done and finally the scene."""
        for trajectory in stage.run():
            frame = round(self._share * (trajectory.total - 1))
            yield 0.8 * len(trajectory) / max(frame + 1, len(trajectory)), self._scene
            if len(trajectory) > frame:
                break
        overlay, preparing = stage.overlay_maker(trajectory, np.array([frame]))
        for done in preparing:
            yield 0.8 + 0.2 * done, self._scene
        yield 1.0, _detached(overlay(self._scene, frame))


def _detached(scene: Scene) -> Scene:
    """The scene without references to its whole run, because a film keeps one scene for each training step."""
    particles, trails, images = scene.particles, scene.trails, scene.images
    return dataclasses.replace(
        scene,
        particles=particles and dataclasses.replace(particles, positions=particles.positions.copy()),
        trails=trails and dataclasses.replace(trails, positions=trails.positions.copy()),
        images=images and dataclasses.replace(images, images=images.images.copy()),
    )
