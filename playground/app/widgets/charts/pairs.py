"""Samples above their nearest training images, to see whether they are memorized."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage, QResizeEvent

from playground.app.style import theme
from playground.app.widgets.charts.chart import MARGIN, ChartView
from playground.drawing.images import ImageGrid
from playground.drawing.legend import Entry
from playground.drawing.palette import Palette
from playground.lab.chart import Axis, Chart, Series

if TYPE_CHECKING:
    from playground.drawing.plot import Plot

ABOUT = "<p>The run's last samples in the upper row, and below each the training image nearest to it.</p>"


class NearestPairs(ChartView):
    """Two rows of small images, samples and their neighbours; the pointer shows the distance of a pair."""

    def __init__(self) -> None:
        super().__init__("Samples, and below each the training image nearest to it", ABOUT, 0)
        self._rows: tuple[ImageGrid, ImageGrid] | None = None
        self.setVisible(False)

    def show_pairs(self, samples: np.ndarray, neighbours: np.ndarray) -> None:
        """Images (N, C, H, W) each; an empty array shows nothing."""
        self._rows = None
        count = len(samples)
        self.setVisible(count > 0)
        if not count:
            self.show_empty("")
            return
        limits = float(np.min(neighbours)), float(np.max(neighbours))
        self._rows = ImageGrid(samples, limits), ImageGrid(neighbours, limits, role="data")
        self._fit(self.width())
        apart = np.linalg.norm((np.asarray(samples, float) - neighbours).reshape(count, -1), axis=1)
        series = Series(
            "distance", np.arange(count) + 1.0, apart, "particles", legend="nearest training image below each sample"
        )
        ends = Axis("pair", 0.5, count + 0.5), Axis("", 0.0, 2 * samples.shape[-2] / samples.shape[-1])
        said = f"{count} samples, {apart.min():.3g} to {apart.max():.3g} from the nearest training image."
        self.show_chart(Chart((series,), *ends), said)

    def say_x(self, value: float) -> str:
        return f"pair {round(value)}"

    def entries(self) -> list[Entry]:
        return [Entry(entry.text) for entry in super().entries() if entry.text]

    def picture_of_pairs(self, palette: Palette) -> np.ndarray:
        """(rows, columns, 4) uint8: both rows, with an empty gap of one pixel around each image."""
        assert self._rows is not None
        found = []
        for grid in self._rows:
            count = len(grid.images)
            strip = grid.strip(palette, count).convertToFormat(QImage.Format.Format_RGBA8888)
            pixels = np.frombuffer(strip.constBits(), np.uint8).reshape(count, -1, strip.width(), 4)
            found.append(np.concatenate(list(np.pad(pixels, ((0, 0), (1, 1), (1, 1), (0, 0)))), axis=1))
        return np.concatenate(found)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit(self.width())
        super().resizeEvent(event)

    def _fit(self, width: int) -> None:
        """Use as much height as the images need in this width."""
        if self._rows is not None:
            images = self._rows[0].images
            shape = 2 * images.shape[-2] / images.shape[-1] / len(images)
            self.setFixedHeight(round((width - 2 * MARGIN) * shape + self._head() + MARGIN))

    def _fill(self, plot: "Plot") -> None:
        assert self.chart is not None
        plot.show_image(self.picture_of_pairs(theme.palette()), self.chart, theme.palette())
