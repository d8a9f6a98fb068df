"""The frames of a film or a picture, for the export's thread."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage

from playground.app.model.preferences import PictureChoice, VideoChoice
from playground.drawing import film
from playground.drawing.film import OverlayMaker, Painted
from playground.drawing.render import PictureError
from playground.drawing.scene import Scene

if TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

Choice = PictureChoice | VideoChoice


class Frames(ABC):
    """Frames in the size, format and colours of a choice; their number is final once they are complete."""

    def complete(self) -> Iterator[float]:
        """Compute the frames that are missing; yields the share done.

        Raises:
            PictureError: there is nothing to show.
        """
        return iter(())

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def prepare(self, frames: np.ndarray) -> tuple[Painted, Iterator[float]]:
        """A function that paints any of these frames, and its preparation, which must be iterated to its end first."""


class RunFrames(Frames):
    """The frames of the run on the canvas, or the canvas without a run as its frame 0.

    Args:
        scene: the canvas, in the size of the choice.
        trajectory: the run as it is now.
        overlay_maker: for the run and the frames to paint.
        complete: makes an iterator that yields the growing run until its last frame.
    """

    def __init__(
        self,
        scene: Scene,
        trajectory: "Trajectory | None",
        overlay_maker: OverlayMaker,
        choice: Choice,
        complete: Callable[[], Iterator["Trajectory"]] = lambda: iter(()),
    ) -> None:
        self._scene, self._trajectory, self._overlay_maker = scene, trajectory, overlay_maker
        self._choice, self._complete = choice, complete

    def complete(self) -> Iterator[float]:
        self._trajectory = None
        for run in self._complete():
            self._trajectory = run
            yield len(run) / max(run.total, 1)
        if not len(self):
            raise PictureError("There is no run to export yet: press play first.")

    def __len__(self) -> int:
        return 0 if self._trajectory is None else len(self._trajectory)

    def prepare(self, frames: np.ndarray) -> tuple[Painted, Iterator[float]]:
        overlay, preparing = self._overlay_maker(self._trajectory, frames)
        choice = self._choice
        size = choice.width, choice.height
        return lambda frame: film.picture(overlay(self._scene, frame), *size, choice.suffix), preparing


def picture(frames: Frames, frame: int) -> QImage | bytes:
    """One frame, prepared at once."""
    painted, preparing = frames.prepare(np.array([frame]))
    for _ in preparing:
        pass
    return painted(frame)
