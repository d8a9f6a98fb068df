"""The frames of a comparison, side by side."""

from collections.abc import Iterator

import numpy as np

from playground.app.controllers.export_frames import Choice, Frames
from playground.drawing.film import Painted
from playground.drawing.palette import PALETTES
from playground.drawing.side_by_side import SideBySide


class ComparisonFrames(Frames):
    """The frames of all columns over the common timeline."""

    def __init__(self, drawing: SideBySide, choice: Choice) -> None:
        self._drawing, self._choice = drawing, choice

    def __len__(self) -> int:
        return self._drawing.total

    def prepare(self, frames: np.ndarray) -> tuple[Painted, Iterator[float]]:
        choice = self._choice
        palette = PALETTES.get(choice.theme)
        return self._drawing.prepare(np.unique(frames), (choice.width, choice.height), choice.suffix, palette)
