"""What is exported as a film or a picture: the canvas, or the columns of a comparison."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtGui import QImage

from playground.app.canvas.compare_view import CompareView
from playground.app.canvas.display import Display
from playground.app.canvas.frames import labelled
from playground.app.canvas.view import CanvasView
from playground.app.controllers.comparison_film import ComparisonFrames
from playground.app.controllers.export_frames import Choice, Frames, RunFrames, picture
from playground.app.controllers.playing import Playing
from playground.app.controllers.training_film import TrainingFrames
from playground.app.model.preferences import PictureChoice, VideoChoice
from playground.app.model.state import State
from playground.app.style import text_size
from playground.drawing.labels import Labels
from playground.drawing.palette import PALETTES
from playground.drawing.render import render
from playground.drawing.scene import Scene
from playground.messages import Message

COPIED_RATIO = 2.0  # pixels of a copied picture per unit of the canvas, sharp on a slide


@dataclass(frozen=True, eq=False)
class Exported:
    """What one dialog exports.

    Attributes:
        frames: makes the frames of a choice; call it when the export begins.
        frame: the frame of a picture.
    """

    frames: Callable[[Choice], Frames]
    frame: int = 0


class ExportedCanvas:
    """Exports the run or the training on the canvas, and the canvas as it is."""

    def __init__(self, state: State, playing: Playing, canvas: CanvasView, display: Display) -> None:
        self._state, self._playing, self._canvas, self._display = state, playing, canvas, display

    @property
    def has_frames(self) -> bool:
        """Whether there is a run."""
        run = self._display.run
        return run is not None and len(run) > 0

    @property
    def why_no_training(self) -> Message | None:
        """Why the training cannot be filmed now; None if it can."""
        return self._display.why_no_training_film

    def film(self) -> Exported:
        """The run or the training, on the canvas as it is when the export begins."""

        def frames(choice: Choice) -> Frames:
            assert isinstance(choice, VideoChoice)
            labels, display = self._labels()(choice), self._display
            scene = _coloured(self._canvas.scene(choice.width, choice.height), choice)
            if choice.subject == "training":
                stages = [
                    replace(stage, overlay_maker=labelled(stage.overlay_maker, labels))
                    for stage in display.training_film(scene.viewport)
                ]
                return TrainingFrames(labels.on(scene), stages, self._playing.share, choice)
            overlay_maker = labelled(display.overlay_makers()(scene.viewport), labels)
            return RunFrames(scene, display.run, overlay_maker, choice, self._playing.trajectory_iterator())

        return Exported(frames)

    def picture(self) -> Exported:
        """The canvas as it is now, also while a run continues."""
        still, overlay_makers = self._canvas.still(), self._display.overlay_makers(still=True)
        run, frame = (self._display.run, self._playing.frame) if self.has_frames else (None, 0)
        labels = self._labels()

        def frames(choice: Choice) -> Frames:
            scene = _coloured(still(choice.width, choice.height), choice)
            return RunFrames(scene, run, labelled(overlay_makers(scene.viewport), labels(choice)), choice)

        return Exported(frames, frame)

    def copied(self) -> QImage:
        """The canvas as it is now, at twice its pixels."""
        unit, width, height = text_size.factor(), self._canvas.width(), self._canvas.height()
        scene = self._canvas.still()(width, height)
        image = render(scene, width / unit, height / unit, COPIED_RATIO * unit)
        image.setDevicePixelRatio(1.0)
        return image

    def _labels(self) -> Callable[[Choice], Labels]:
        """The texts in a picture or film of the present run."""
        sampler = self._state.experiment.sampling.title if self.has_frames else ""
        return lambda choice: Labels(sampler, choice.caption, choice.legend)


class ExportedColumns:
    """Exports the columns of a comparison."""

    def __init__(self, playing: Playing, compare: CompareView) -> None:
        self._playing, self._compare = playing, compare

    @property
    def is_active(self) -> bool:
        return self._compare.is_active

    def awaited(self, film: bool) -> Message | None:
        """What a film waits for, or else a picture; None if nothing."""
        return self._compare.awaited(film)

    def film(self) -> Exported | None:
        """All columns over the common timeline; None if none can be sampled."""
        drawing = self._compare.drawn()
        if drawing is None:
            return None
        return Exported(functools.partial(ComparisonFrames, drawing))

    def picture(self) -> Exported | None:
        """All columns at the frame in view; None if none can be sampled."""
        frame = self._playing.frame
        drawing = self._compare.drawn(frame)

        return None if drawing is None else Exported(functools.partial(ComparisonFrames, drawing), frame)

    def copied(self) -> QImage | None:
        """The columns in view at twice their pixels; None if there are none."""
        drawing = self._compare.drawn(self._playing.frame, as_seen=True)
        if drawing is None:
            return None
        width, height = (
            round(COPIED_RATIO * side) // 2 * 2 for side in (self._compare.width(), self._compare.height())
        )
        copied = picture(ComparisonFrames(drawing, PictureChoice(width, height)), self._playing.frame)
        assert isinstance(copied, QImage)
        return copied


def _coloured(scene: Scene, choice: Choice) -> Scene:
    return replace(scene, palette=PALETTES[choice.theme]) if choice.theme else scene
