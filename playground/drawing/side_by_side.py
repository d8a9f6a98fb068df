"""Runs side by side in one picture: a head and a canvas each, with the chart of their distances below."""

import functools
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPen, QPicture

from playground.drawing.axes import figure_font
from playground.drawing.chart_pictures import place_on, recorded
from playground.drawing.film import FrameOverlay, encoded, laid_out
from playground.drawing.frames import Frames, Preparing, Shown, Style
from playground.drawing.palette import Palette
from playground.drawing.plane import Viewport
from playground.drawing.scene import Scene, paint
from playground.lab.chart import Chart
from playground.lab.compute import passed_on
from playground.records import record

HEAD, CHART, GAP = 40.0, 170.0, 2.0  # in a picture of height UNIT_HEIGHT
MARGIN = 14.0


@record
class DrawnColumn:
    """One run of a comparison, as in a film.

    Attributes:
        letter: the letter of its name, in this colour.
        words: the settings that differ.
        scene: returns the scene of its canvas, for a width and height.
        prepare: takes a viewport and the frames to paint; yields the fraction done, and returns the overlay that adds the contents
            of a frame to a scene, see :mod:`playground.drawing.film`.
        frame: returns its own frame for a frame of the common timeline.
        said: returns the text at the end of the head for its own frame.
    """

    letter: str
    words: str
    color: str
    scene: Callable[[float, float], Scene]
    prepare: Callable[[Viewport, np.ndarray], Generator[float, None, FrameOverlay]]
    frame: Callable[[int], int]
    said: Callable[[int], str]


@record
class DrawnChart:
    """The chart below the columns.

    Attributes:
        at: returns the position of each column on its curve (x, y, colour), for a frame of the common timeline.
    """

    chart: Chart
    at: Callable[[int], Sequence[tuple[float, float, str]]]


@record
class SideBySide:
    """A comparison as a picture or a film.

    Attributes:
        total: the number of frames of the common timeline.
        chart: None if nothing is measured.
        provenance: what made the runs, for the file; one line of ASCII.
    """

    columns: Sequence[DrawnColumn]
    chart: DrawnChart | None
    palette: Palette
    total: int
    provenance: str = ""

    def frames(self, style: Style, shown: Shown) -> Preparing:
        """The frames of the common timeline."""
        colors = style.palette or self.palette
        ground, (_, units) = colors.color("background"), laid_out(style.size)
        paint_frame = yield from self._prepare(np.unique(shown(self.total)), *units, colors)

        def drawn(frame: int) -> QImage | bytes:
            def paint_over(painter: QPainter, across: float, down: float) -> None:
                painter.fillRect(QRectF(0, 0, across, down), ground)
                paint_frame(painter, frame)

            return encoded(paint_over, style.size, style.suffix, ground, self.provenance)

        return Frames(style.size, self.total, drawn)

    def _prepare(
        self, frames: np.ndarray, across: float, down: float, colors: Palette
    ) -> Generator[float, None, Callable[[QPainter, int], None]]:
        chart = self.chart if down > 2 * CHART else None
        wide = (across - GAP * (len(self.columns) - 1)) / len(self.columns)
        high = down - HEAD - (CHART if chart is not None else 0)
        overlays = list[FrameOverlay]()
        scenes = [column.scene(wide, high) for column in self.columns]
        for column, scene in zip(self.columns, scenes, strict=True):
            work = column.prepare(scene.viewport, np.array([column.frame(int(one)) for one in frames]))
            overlays.append((yield from passed_on(work, lambda done: (len(overlays) + done) / len(scenes))))

        below = QRectF(MARGIN, HEAD + high + 8, across - 2 * MARGIN, CHART - 16)

        @functools.cache
        def curves(fineness: float) -> tuple[QPicture, QRectF]:
            assert chart is not None
            return recorded(chart.chart, below.size(), colors, 11, fineness)

        def paint_frame(painter: QPainter, frame: int) -> None:
            for place, column in enumerate(self.columns):
                own, left = column.frame(frame), place * (wide + GAP)
                _paint_head(painter, QRectF(left, 0, wide, HEAD), column, own, colors)
                painter.save()
                painter.translate(left, HEAD)
                shown = replace(overlays[place](scenes[place], own), palette=colors)
                paint(painter, shown, wide, high)
                painter.restore()
            if chart is not None:
                picture, inside = curves(painter.deviceTransform().m11())
                painter.drawPicture(below.topLeft(), picture)
                _paint_places(painter, inside.translated(below.topLeft()), chart, frame, colors)

        return paint_frame


def _paint_head(painter: QPainter, box: QRectF, column: DrawnColumn, frame: int, palette: Palette) -> None:
    """Paint the letter, the differing settings and, if there is room, the text at the end."""
    inside = box.adjusted(MARGIN, 0, -MARGIN, 0)
    middle = Qt.AlignmentFlag.AlignVCenter
    painter.setFont(figure_font(16))
    metrics = QFontMetricsF(painter.font())
    painter.setPen(palette.color(column.color))
    painter.drawText(inside, middle | Qt.AlignmentFlag.AlignLeft, column.letter)
    inside.setLeft(inside.left() + metrics.horizontalAdvance(column.letter) + 10)
    painter.setFont(figure_font(13))
    metrics, said = QFontMetricsF(painter.font()), column.said(frame)
    end = metrics.horizontalAdvance(said) + 10
    words = metrics.elidedText(column.words, Qt.TextElideMode.ElideRight, inside.width() - end)
    painter.setPen(palette.color("text"))
    painter.drawText(inside, middle | Qt.AlignmentFlag.AlignLeft, words)
    painter.setPen(palette.color("muted"))
    painter.drawText(inside, middle | Qt.AlignmentFlag.AlignRight, said)


def _paint_places(painter: QPainter, plot: QRectF, drawn: DrawnChart, frame: int, palette: Palette) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for x, y, color in drawn.at(frame):
        painter.setPen(QPen(palette.color("text"), 1.5))
        painter.setBrush(palette.color(color))
        painter.drawEllipse(place_on(plot, drawn.chart, x, y), 4.5, 4.5)
