"""What is exported as a film or a picture: the canvas, or the columns of a comparison."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage

from playground.app.canvas.compare_view import CompareView
from playground.app.canvas.display import Display
from playground.app.canvas.view import CanvasView
from playground.app.controllers.comparing import Comparing
from playground.app.controllers.playing import Playing
from playground.app.controllers.sampling import Sampling
from playground.app.model.preferences import Choice, VideoChoice
from playground.app.model.state import State
from playground.app.style import text_size
from playground.drawing.frames import (
    COMPLETED,
    Preparation,
    Preparing,
    Shown,
    Style,
    completed,
    of_run,
    of_training,
    write_film,
    write_picture,
)
from playground.drawing.labels import Labels
from playground.drawing.palette import PALETTES
from playground.drawing.render import render
from playground.lab.compute import Shares, passed_on, result
from playground.messages import Message

COPIED_RATIO = 2.0  # pixels of a copied picture per unit of the canvas, sharp on a slide

Written = Callable[[Choice, Path], Iterator[float]]
"""Takes the choices when an export begins; the iterator writes the file, in a thread, and yields the fraction done."""


class ExportedCanvas:
    """Exports the run or the training on the canvas, and the canvas as it is."""

    def __init__(self, state: State, sampling: Sampling, canvas: CanvasView, display: Display) -> None:
        self._state, self._sampling, self._canvas, self._display = state, sampling, canvas, display

    @property
    def has_frames(self) -> bool:
        """Whether there is a run."""
        return self._display.run is not None

    @property
    def why_no_training(self) -> Message | None:
        """Why the training cannot be filmed now; None if it can."""
        return self._display.why_no_training_film

    def film(self) -> Written:
        """The run or the training, on the canvas as it is when the export begins."""

        def write(choice: Choice, path: Path) -> Iterator[float]:
            assert isinstance(choice, VideoChoice)
            style, display = self._style()(choice), self._display
            scene = self._canvas.scene(*choice.size)
            if choice.subject == "training":
                steps = display.training_film(scene.viewport)
                return _written(partial(of_training, scene, steps, self._sampling.playing.share, style), choice, path)
            overlay_maker, runs = display.overlay_makers()(scene.viewport), self._sampling.trajectory_iterator()

            def frames(shown: Shown) -> Preparing:
                shares = Shares()
                run = yield from passed_on(completed(runs()), shares.part(COMPLETED))
                return (yield from passed_on(of_run(scene, run, overlay_maker, style, shown), shares.part()))

            return _written(frames, choice, path)

        return write

    def picture(self) -> Written:
        """The canvas as it is now, also while a run continues."""
        still, overlay_makers = self._canvas.still(), self._display.overlay_makers(still=True)
        run, frame = (self._sampling.playing.trajectory, self._sampling.playing.frame) if self.has_frames else (None, 0)
        style = self._style()

        def write(choice: Choice, path: Path) -> Iterator[float]:
            scene = still(*choice.size)
            return _written(
                partial(of_run, scene, run, overlay_makers(scene.viewport), style(choice)), choice, path, frame
            )

        return write

    def copied(self) -> QImage:
        """The canvas as it is now, at twice its pixels."""
        unit, width, height = text_size.factor(), self._canvas.width(), self._canvas.height()
        scene = self._canvas.still()(width, height)
        image = render(scene, width / unit, height / unit, COPIED_RATIO * unit)
        image.setDevicePixelRatio(1.0)
        return image

    def _style(self) -> Callable[[Choice], Style]:
        """How a picture or film of the present run is painted."""
        sampler = self._state.experiment.sampling.title if self.has_frames else ""
        return lambda choice: _style(choice, sampler)


class ExportedColumns:
    """Exports the columns of a comparison."""

    def __init__(self, comparing: Comparing, playing: Playing, compare: CompareView) -> None:
        self._comparing, self._playing, self._compare = comparing, playing, compare

    @property
    def is_active(self) -> bool:
        return self._comparing.is_active

    def awaited(self, film: bool) -> Message | None:
        """What a film waits for, or else a picture; None if nothing."""
        return self._comparing.awaited if film or self._playing.recorded == 0 else None

    def film(self) -> Written | None:
        """All columns over the common timeline; None if none can be sampled."""
        return self._at(None)

    def picture(self) -> Written | None:
        """All columns at the frame in view; None if none can be sampled."""
        return self._at(self._playing.frame)

    def copied(self) -> QImage | None:
        """The columns in view at twice their pixels; None if there are none."""
        frame = self._playing.frame
        drawing = self._compare.drawn(frame, as_seen=True)
        if drawing is None:
            return None
        width, height = (
            round(COPIED_RATIO * side) // 2 * 2 for side in (self._compare.width(), self._compare.height())
        )
        copied = result(drawing.frames(Style((width, height)), lambda count: np.array([frame]))).at(frame)
        assert isinstance(copied, QImage)
        return copied

    def _at(self, frame: int | None) -> Written | None:
        drawing = self._compare.drawn(frame)
        if drawing is None:
            return None

        def write(choice: Choice, path: Path) -> Iterator[float]:
            return _written(partial(drawing.frames, _style(choice)), choice, path, frame or 0)

        return write


def _written(frames: Preparation, choice: Choice, path: Path, frame: int = 0) -> Iterator[float]:
    """Write a film of these frames, or the picture of one, by the choice."""
    if isinstance(choice, VideoChoice):
        return write_film(frames, path, choice.seconds, choice.fps)
    return write_picture(frames, frame, path)


def _style(choice: Choice, sampler: str = "") -> Style:
    labels = Labels(sampler, choice.caption, choice.legend)
    return Style(choice.size, choice.suffix, PALETTES.get(choice.theme), labels)
