"""What is exported as a film or a picture: the canvas, or the columns of a comparison."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from playground.app.canvas.compare_view import CompareView
from playground.app.canvas.display import Display
from playground.app.controllers.comparing import Comparing
from playground.app.controllers.sampling import Sampling
from playground.app.model.preferences import Choice, VideoChoice
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


class Exported:
    """Exports the run or the training on the canvas, and the canvas as it is; during a comparison its columns."""

    def __init__(self, sampling: Sampling, comparing: Comparing, display: Display, compare: CompareView) -> None:
        self._sampling, self._comparing, self._display, self._compare = sampling, comparing, display, compare
        self._playing, self._canvas = sampling.playing, display.canvas

    @property
    def has_frames(self) -> bool:
        """Whether there is a run."""
        return self._display.run is not None

    @property
    def why_no_training(self) -> Message | None:
        """Why the training cannot be filmed now; None if it can."""
        return self._display.why_no_training_film

    @property
    def is_compared(self) -> bool:
        """Whether columns are exported."""
        return self._comparing.is_active

    def awaited(self, film: bool) -> Message | None:
        """What a film of columns waits for, or else a picture; None if nothing."""
        return self._comparing.awaited if self.is_compared and (film or self._playing.recorded == 0) else None

    def film(self) -> Written | None:
        """The run or the training, on the canvas as it is when the export begins, or all columns over the common timeline; None
        if no column can be sampled.
        """
        if self.is_compared:
            return self._columns(None)

        def write(choice: Choice, path: Path) -> Iterator[float]:
            assert isinstance(choice, VideoChoice)
            style, display = self._style()(choice), self._display
            scene = self._canvas.scene(*choice.size)
            if choice.subject == "training":
                steps = display.training_film(scene.viewport)
                return _written(partial(of_training, scene, steps, self._playing.share, style), choice, path)
            overlay_maker, runs = display.overlay_makers()(scene.viewport), self._sampling.trajectory_iterator()

            def frames(shown: Shown) -> Preparing:
                shares = Shares()
                run = yield from passed_on(completed(runs()), shares.part(COMPLETED))
                return (yield from passed_on(of_run(scene, run, overlay_maker, style, shown), shares.part()))

            return _written(frames, choice, path)

        return write

    def picture(self) -> Written | None:
        """The canvas as it is now, also while a run continues, or all columns at the frame in view; None if no column can be
        sampled.
        """
        if self.is_compared:
            return self._columns(self._playing.frame)
        still, overlay_makers, style = self._canvas.still(), self._display.overlay_makers(still=True), self._style()
        run, frame = (self._playing.trajectory, self._playing.frame) if self.has_frames else (None, 0)

        def write(choice: Choice, path: Path) -> Iterator[float]:
            scene = still(*choice.size)
            frames = partial(of_run, scene, run, overlay_makers(scene.viewport), style(choice))
            return _written(frames, choice, path, frame)

        return write

    def copied(self) -> QImage:
        """The canvas or the columns in view as they are now, at twice their pixels."""
        frame, unit = self._playing.frame, text_size.factor()
        drawing = self._compare.drawn(frame, as_seen=True) if self.is_compared else None
        shown: QWidget = self._canvas if drawing is None else self._compare
        width, height = shown.width(), shown.height()
        if drawing is not None:
            size = round(COPIED_RATIO * width) // 2 * 2, round(COPIED_RATIO * height) // 2 * 2
            copied = result(drawing.frames(Style(size), lambda count: np.array([frame]))).at(frame)
            assert isinstance(copied, QImage)
            return copied
        image = render(self._canvas.still()(width, height), width / unit, height / unit, COPIED_RATIO * unit)
        image.setDevicePixelRatio(1.0)
        return image

    def _columns(self, frame: int | None) -> Written | None:
        drawing = self._compare.drawn(frame)
        if drawing is None:
            return None

        def write(choice: Choice, path: Path) -> Iterator[float]:
            return _written(partial(drawing.frames, _style(choice)), choice, path, frame or 0)

        return write

    def _style(self) -> Callable[[Choice], Style]:
        """How a picture or film of the present run is painted."""
        run = self._display.run
        sampler = "" if run is None else run.experiment.sampling.title
        return lambda choice: _style(choice, sampler)


def _written(frames: Preparation, choice: Choice, path: Path, frame: int = 0) -> Iterator[float]:
    """Write a film of these frames, or the picture of one, by the choice."""
    if isinstance(choice, VideoChoice):
        return write_film(frames, path, choice.seconds, choice.fps)
    return write_picture(frames, frame, path)


def _style(choice: Choice, sampler: str = "") -> Style:
    labels = Labels(sampler, choice.caption, choice.legend)
    return Style(choice.size, choice.suffix, PALETTES.get(choice.theme), labels)
