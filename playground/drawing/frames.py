"""The frames of a picture or a film, of a run or of a training, and the files that are written of them."""

import dataclasses
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage

from playground.drawing import film
from playground.drawing.film import OverlayMaker, Painted
from playground.drawing.labels import Labels
from playground.drawing.palette import Palette
from playground.drawing.render import PictureError, save_image
from playground.drawing.scene import Scene
from playground.lab.compute import Shares, passed_on
from playground.records import record

if TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

PREPARED = 0.5
"""Of the whole work, for runs and densities that must be computed before painting, if there are any."""
COMPLETED = 0.5
"""Of that preparation, for the rest of a run that still grows."""


@record
class Frames:
    """The frames of a picture or a film.

    Attributes:
        size: width and height in pixels.
        count: how many there are.
        at: paints one of those for which they were prepared.
    """

    size: tuple[int, int]
    count: int
    at: Painted


@dataclasses.dataclass(frozen=True)
class Style:
    """How frames are painted.

    Attributes:
        size: width and height in pixels.
        suffix: the format, see :func:`playground.drawing.film.encoded`.
        palette: colours instead of those of the scene.
        labels: the words.
    """

    size: tuple[int, int]
    suffix: str = ".png"
    palette: Palette | None = None
    labels: Labels = dataclasses.field(default_factory=Labels)

    def paint(self, scene: Scene) -> QImage | bytes:
        """Paint a scene."""
        shown = dataclasses.replace(self.labels.on(scene), palette=self.palette or scene.palette)
        return film.picture(shown, *self.size, self.suffix)


Shown = Callable[[int], np.ndarray]
"""The numbers of the frames that will be painted, of so many."""
Preparing = Generator[float, None, Frames]
"""Computes what the painting of some frames needs; yields the fraction done, and returns them."""
Preparation = Callable[[Shown], Preparing]


def completed(runs: "Iterable[Trajectory]") -> "Generator[float, None, Trajectory]":
    """The last state of a growing run; yields the fraction done, and nothing for a run that is complete.

    Raises:
        PictureError: there is none.
    """
    run = None
    for run in runs:
        if len(run) < run.total:
            yield len(run) / run.total
    if run is None:
        raise PictureError("There is no run to export yet: press play first.")
    return run


def of_run(
    scene: Scene,
    run: "Trajectory | None",
    overlay_maker: OverlayMaker,
    style: Style,
    shown: Shown,
) -> Preparing:
    """The frames of a run, or the scene without a run as frame 0.

    Args:
        scene: the canvas in the size of the style.
    """
    count = 1 if run is None else len(run)
    overlay = yield from overlay_maker(run, shown(count))
    return Frames(style.size, count, lambda frame: style.paint(overlay(scene, frame)))


@record
class FilmedRun:
    """A run on a web page, or in a film of the training, where it has the weights of one training step.

    Attributes:
        run: makes an iterator over the growing run.
        overlay_maker: makes the overlays of that run.
    """

    run: "Callable[[], Iterable[Trajectory]]"
    overlay_maker: OverlayMaker


def of_training(scene: Scene, steps: Sequence[FilmedRun], share: float, style: Style, shown: Shown) -> Preparing:
    """A frame for each training step: the same noise and the same frame of the run, with the weights of that step.

    Args:
        scene: the canvas in the size of the style.
        share: the position in each run that is shown, from 0 to 1.

    Raises:
        PictureError: there are no steps.
    """
    if not steps:
        raise PictureError("There is no training to export yet: train first.")
    # Clicked points and their paths were measured with the weights of one step.
    images = scene.images and dataclasses.replace(scene.images, selected=None, second=None)
    scene = dataclasses.replace(scene, path=None, interpolation=None, images=images)
    scenes: dict[int, Scene] = {}
    wanted = np.unique(shown(len(steps))).tolist()
    for number in wanted:
        work = _scene_of(scene, steps[number], share)
        scenes[number] = yield from passed_on(work, lambda done: (len(scenes) + done) / len(wanted))
    return Frames(style.size, len(steps), lambda number: style.paint(scenes[number]))


def _scene_of(scene: Scene, step: FilmedRun, share: float) -> Generator[float, None, Scene]:
    """The scene of one training step, without references to its whole run, because a film keeps one for each step."""
    for run in step.run():
        frame = round(share * (run.total - 1))
        yield 0.8 * len(run) / max(frame + 1, len(run))
        if len(run) > frame:
            break
    overlay = yield from passed_on(step.overlay_maker(run, np.array([frame])), lambda done: 0.8 + 0.2 * done)
    found = overlay(scene, frame)
    particles, trails, images = found.particles, found.trails, found.images
    return dataclasses.replace(
        found,
        particles=particles and dataclasses.replace(particles, positions=particles.positions.copy()),
        trails=trails and dataclasses.replace(trails, positions=trails.positions.copy()),
        images=images and dataclasses.replace(images, images=images.images.copy()),
    )


def write_picture(frames: Preparation, frame: int, path: Path) -> Generator[float, None, None]:
    """Paint one frame, and write it; yields the fraction done. Stop iterating to cancel: no file is left.

    Raises:
        PictureError: there is nothing to show, the folder cannot be written, or the disk is full.
    """
    painted = yield from frames(lambda count: np.array([frame]))
    image = painted.at(frame)
    yield 1.0  # the last moment to cancel
    save_image(image, path)


def write_film(frames: Preparation, path: Path, seconds: float, fps: int) -> Generator[float, None, None]:
    """Paint a film, and write it; yields the fraction done. Stop iterating to cancel: no file is left.

    Raises:
        PictureError: there is nothing to show.
        VideoError: see :func:`playground.drawing.video.write_video`.
    """
    from playground.drawing.video import write_video  # loads FFmpeg's libraries, which opening the window does not need

    shares = Shares()
    painted = yield from passed_on(frames(lambda count: film.schedule(count, seconds, fps)), shares.part(PREPARED))
    shown, told = film.schedule(painted.count, seconds, fps).tolist(), shares.part()
    for done in write_video(path, film.images(painted.at, shown), len(shown), painted.size, fps):
        yield told(done)
