"""Pictures of a Boltzmann machine: patterns of a few pixels, its weights, its learning curve and the cost of Z."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from playground.drawing.axes import figure_font
from playground.drawing.chart_pictures import paint_chart
from playground.drawing.palette import Palette, rgb
from playground.lab.chart import Axis, Chart, Series, axis_around

if TYPE_CHECKING:
    from playground.lab.boltzmann.cost import Cost
    from playground.lab.boltzmann.training import MostProbable, Progress

CAPTION = 10  # px, of the letters below a pattern
GAP = 6.0  # px between patterns
LIKELY, SAMPLES = 16, 60  # states and samples in the picture of a machine


@dataclass(frozen=True)
class PatternGrid:
    """The layout of small pictures, row by row, as many as fit, each with room for a caption.

    Args:
        count: the number of pictures.
        width, height: px of the whole grid.
        rows, columns: pixels of one picture.
        caption: px below each picture.
        largest: px, the largest side of a pixel.
    """

    count: int
    width: float
    height: float
    rows: int
    columns: int
    caption: float = 0.0
    largest: float = 11.0

    def layout(self) -> tuple[float, int, int]:
        """(side of a pixel, pictures across, pictures shown), with the largest pixels that let all fit, at least 3 px."""
        for side in np.arange(self.largest, 2.5, -0.5):
            across, down = self._fit(float(side))
            if across * down >= self.count:
                return float(side), across, self.count
        across, down = self._fit(3.0)
        return 3.0, across, min(self.count, across * down)

    def _fit(self, side: float) -> tuple[int, int]:
        across = int((self.width + GAP) // (max(self.columns * side, self._least) + GAP))
        down = int((self.height + GAP) // (self.rows * side + self.caption + GAP))
        return max(across, 1), max(down, 1)

    @property
    def _least(self) -> float:
        return 39.0 if self.caption else 0.0  # a caption's width, less 2 px of the gap

    def box(self, number: int) -> QRectF:
        """The pixels of picture `number`."""
        side, across, _ = self.layout()
        row, column = divmod(number, across)
        wide, tall = self.columns * side, self.rows * side
        pitch = max(wide, self._least) + GAP
        return QRectF(column * pitch + (pitch - GAP - wide) / 2, row * (tall + self.caption + GAP), wide, tall)


def paint_pattern(painter: QPainter, box: QRectF, pattern: np.ndarray, palette: Palette, color: str = "data") -> None:
    """Paint pixels (rows, columns) of -1 and +1; those that are on have the concept's hue."""
    rows, columns = pattern.shape
    wide, tall = box.width() / columns, box.height() / rows
    inset = 0.5 if min(wide, tall) >= 4 else 0.0
    painter.setPen(Qt.PenStyle.NoPen)
    on, off = palette.color(color), palette.color("hover")
    for row in range(rows):
        for column in range(columns):
            painter.setBrush(on if pattern[row, column] > 0 else off)
            cell = QRectF(box.left() + column * wide, box.top() + row * tall, wide, tall)
            painter.drawRect(cell.adjusted(inset, inset, -inset, -inset))


def paint_patterns(
    painter: QPainter,
    origin: QPointF,
    cells: PatternGrid,
    patterns: np.ndarray,
    palette: Palette,
    colors: list[str],
    captions: list[str] | None = None,
) -> None:
    """Paint patterns (N, rows, columns) from `origin` on, as many as the cells show."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setFont(figure_font(CAPTION))
    _, _, shown = cells.layout()
    for number in range(min(shown, len(patterns))):
        box = cells.box(number).translated(origin)
        paint_pattern(painter, box, patterns[number], palette, colors[number])
        if captions is not None:
            painter.setPen(palette.color("muted"))
            below = QRectF(box.center().x() - 24, box.bottom() + 1, 48, cells.caption)
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, captions[number])


def weight_color(value: float, largest: float, palette: Palette) -> QColor:
    """The colour of a weight: from the surface's colour at 0 to the learned hue above, and to the particles' hue below."""
    share = min(abs(value) / largest, 1.0) if largest > 0 else 0.0
    ground, hue = palette.color("panel"), palette.color("learned" if value >= 0 else "particles")
    return QColor(*(round(low + share * (high - low)) for low, high in zip(rgb(ground), rgb(hue), strict=True)))


def paint_weights(painter: QPainter, box: QRectF, weights: np.ndarray, palette: Palette) -> None:
    """Paint W (d, d) as a square heat map. A weight below 0 has a bar, so that its sign does not depend on hue alone."""
    units = len(weights)
    side = min(box.width(), box.height()) / units
    largest = float(np.abs(weights).max())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for row in range(units):
        for column in range(units):
            value = float(weights[row, column])
            cell = QRectF(box.left() + column * side, box.top() + row * side, side, side).adjusted(0, 0, -1, -1)
            painter.setPen(Qt.PenStyle.NoPen)
            if row == column:
                painter.setBrush(palette.color("hover"))
                painter.drawRect(cell)
                continue
            painter.setBrush(weight_color(value, largest, palette))
            painter.drawRect(cell)
            if value < 0 and abs(value) > 0.02 * largest and side >= 8:
                painter.setPen(QPen(palette.color("background", 0.75), max(1.0, side / 12)))
                middle = cell.center().y()
                painter.drawLine(
                    QPointF(cell.center().x() - side / 5, middle), QPointF(cell.center().x() + side / 5, middle)
                )


def curve_chart(progress: "Progress", most_steps: int = 0) -> Chart:
    """The learning curve with its floor, against 1 + steps, so that step 0 has a place on the logarithmic axis.

    Args:
        most_steps: the number of steps that were asked for, if more than are made.
    """
    x = Axis("steps", 1.0, float(max(most_steps, int(progress.steps[-1]) + 1, 10)), True)
    ends, level = np.array([x.low, x.high]), np.full(2, progress.least)
    floor = Series("optimal", ends, level, "exact", "dashed", f"optimal {progress.least:.3f}", width=1.0)
    curve = Series("NLL", progress.steps + 1.0, progress.nlls, "learned")
    return Chart((floor, curve), x, axis_around([progress.nlls, level], "NLL of a pattern, nat", margin=0.12))


def cost_chart(cost: "Cost") -> Chart:
    """Seconds for Z and its gradient, and for one state's weight, against the number of units.

    The legend names the factor for each further unit if it is known, and a line of 2^d states is drawn from the seconds per state.
    """
    growth = cost.growth()
    x = Axis("units", 1.0, max(float(cost.units.max(initial=16)), 16.0) + 1)
    z = "Z and its gradient" if growth is None else f"Z: measured ×{growth[0]:.2f} a unit"
    series = [
        Series("one state", cost.units, cost.weight, "data", "points", "exp(y'Wy/2) of one state", width=1.0),
        Series("Z", cost.units, cost.partition, "error", "points", z, width=1.5),
    ]
    if growth is not None:
        _, a_state = growth
        start = math.log2(float(cost.partition.min()) / a_state)
        ends = np.array([min(max(start, x.low), x.high), x.high])
        series.append(Series("doubling", ends, a_state * 2.0**ends, "error", "dashed", "", width=1.0))
    return Chart(tuple(series), x, axis_around([one.y for one in series], "seconds", log=True))


WIDTH, HEIGHT = 960, 640


def paint_machine(
    painter: QPainter,
    patterns: np.ndarray,
    progress: "Progress",
    likely: "MostProbable",
    samples: np.ndarray,
    cost: "Cost",
    palette: Palette,
) -> None:
    """Paint a trained machine: patterns, weights and learning curve above; likely states, samples and cost below.

    Args:
        patterns, samples: (N, rows, columns) of -1 and +1.
        cost: no units if nothing was measured.
    """
    painter.fillRect(QRectF(0, 0, WIDTH, HEIGHT), palette.color("background"))
    wide, tall, margin = WIDTH / 3, HEIGHT / 2, 20.0
    boxes = [
        QRectF(column * wide + margin, row * tall + 44, wide - 2 * margin, tall - 44 - margin)
        for row in range(2)
        for column in range(3)
    ]
    titles = ("Patterns", "Weights", "Learning", "Most probable states", "Samples", "Cost of Z")
    painter.setFont(figure_font(14, bold=True))
    painter.setPen(palette.color("text"))
    for box, title in zip(boxes, titles, strict=True):
        painter.drawText(box.adjusted(0, -28, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, title)
    lines = (
        f"NLL {progress.nll:.4f} nat, optimal {progress.least:.4f}",
        f"log Z {progress.log_partition:.3f}, |∇ log Z| {progress.partition_gradient:.3f}",
    )
    painter.setFont(figure_font(12))
    painter.setPen(palette.color("muted"))
    painter.drawText(boxes[0], Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, "\n".join(lines))
    _paint_set(painter, boxes[0].adjusted(0, 0, 0, -36.0), patterns, palette, "data")
    paint_weights(painter, boxes[1], progress.weights, palette)
    paint_chart(painter, boxes[2], curve_chart(progress), palette)
    captions = [probability(value) for value in likely.probabilities[:LIKELY]]
    _paint_set(painter, boxes[3], likely.states[:LIKELY], palette, "learned", captions)
    _paint_set(painter, boxes[4], samples[:SAMPLES], palette, "particles")
    if len(cost.units):
        paint_chart(painter, boxes[5], cost_chart(cost), palette)


def _paint_set(
    painter: QPainter,
    box: QRectF,
    patterns: np.ndarray,
    palette: Palette,
    color: str,
    captions: list[str] | None = None,
) -> None:
    rows, columns = patterns.shape[1:]
    cells = PatternGrid(len(patterns), box.width(), box.height(), rows, columns, 14.0 if captions else 0.0, 16.0)
    paint_patterns(painter, box.topLeft(), cells, patterns, palette, [color] * len(patterns), captions)


def probability(value: float) -> str:
    """A probability in per cent, short enough for a caption: three digits, two below 1 %, one below 0.01 %.

    >>> probability(0.07132), probability(0.00412), probability(2.3e-5), probability(9.7e-7), probability(0.0)
    ('7.13 %', '0.41 %', '0.002 %', '1e-4 %', '0 %')
    """
    percent = 100 * value
    if 0 < percent < 0.001:
        return f"{percent:.0e} %".replace("e-0", "e-")
    return f"{percent:.{3 if percent >= 1 else 2 if percent >= 0.01 else 1}g} %"
