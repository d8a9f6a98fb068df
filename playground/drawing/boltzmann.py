"""Pictures of a Boltzmann machine: patterns of a few pixels, its weights, its learning curve and the cost of Z."""

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter

from playground.drawing.axes import figure_font
from playground.drawing.chart_pictures import paint_chart
from playground.drawing.palette import Palette
from playground.lab.chart import Axis, Chart, Series, axis_around

if TYPE_CHECKING:
    from playground.lab.boltzmann.cost import Cost
    from playground.lab.boltzmann.training import Learned, Progress

CAPTION = 10  # px, of the letters below a pattern
FOOT = 14.0  # px, room for a caption
LARGEST = 16.0  # px, of a pixel
LIKELY, SAMPLES = 18, 60  # most probable states that are shown, and samples in the picture of a machine
WIDTH, HEIGHT = 960, 640


class ShownPattern(NamedTuple):
    """A pattern of -1 and +1, (rows, columns), in a colour of the palette.

    Attributes:
        caption: the text below it.
        words: what is said of it before its pixels, to screen readers and in its tooltip.
    """

    pixels: np.ndarray
    color: str
    caption: str = ""
    words: str = ""


def in_color(patterns: np.ndarray, color: str) -> list[ShownPattern]:
    """Patterns (N, rows, columns) in one colour."""
    return [ShownPattern(one, color) for one in patterns]


def likely_patterns(learned: "Learned") -> list[ShownPattern]:
    """The most probable states with their probabilities, the patterns among them in the colour of data."""
    found = []
    states = zip(learned.states, learned.probabilities, learned.known, strict=True)
    for pixels, chance, known in itertools.islice(states, LIKELY):
        share, which = probability(chance), "one of the patterns" if known else "not one of the patterns"
        found.append(ShownPattern(pixels, "data" if known else "learned", share, f"p = {share}, {which}; "))
    return found


def cell_box(box: QRectF, shape: tuple[int, ...], place: tuple[int, ...]) -> QRectF:
    """The cell in a row and column (both from 0) of a box that is divided into cells (rows, columns)."""
    (rows, columns), (row, column) = shape, place
    wide, tall = box.width() / columns, box.height() / rows
    return QRectF(box.left() + column * wide, box.top() + row * tall, wide, tall)


def paint_pixels(painter: QPainter, box: QRectF, values: np.ndarray, palette: Palette, color: str = "learned") -> None:
    """Paint numbers (rows, columns) as pixels, from the surface's colour at 0 to a colour above and to that of particles below.

    A number below 0 has a bar, so that its sign does not depend on hue alone.
    """
    largest = float(np.abs(values).max()) or 1.0
    for place in np.ndindex(values.shape):
        share, cell = float(values[place]) / largest, cell_box(box, values.shape, place).adjusted(0, 0, -1, -1)
        painter.fillRect(cell, palette.color("hover"))
        painter.fillRect(cell, palette.color(color if share >= 0 else "particles", abs(share)))
        if share < -0.02 and cell.width() >= 8:
            across, down = 0.3 * cell.width(), 0.46 * cell.height()
            painter.fillRect(cell.adjusted(across, down, -across, -down), palette.color("background", 0.75))


def paint_patterns(
    painter: QPainter, box: QRectF, patterns: Sequence[ShownPattern], shape: tuple[int, int], palette: Palette
) -> None:
    """Paint patterns in the rows and columns of a shape that fill a box, each with its caption below it."""
    painter.setFont(figure_font(CAPTION))
    painter.setPen(palette.color("muted"))
    for number, (pixels, color, caption, _) in enumerate(patterns):
        room = cell_box(box, shape, divmod(number, shape[1])).adjusted(3, 3, -3, -3)
        size = QSizeF(*pixels.shape[::-1])
        size *= min(room.width() / size.width(), (room.height() - FOOT * bool(caption)) / size.height(), LARGEST)
        inside = QRectF(room.topLeft(), size)
        inside.moveLeft(room.center().x() - size.width() / 2)
        paint_pixels(painter, inside, pixels > 0, palette, color)
        below = QRectF(room.left(), inside.bottom(), room.width(), FOOT)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, caption)


def curve_chart(progress: "Progress", most_steps: int = 0) -> Chart:
    """The learning curve with its floor, against 1 + steps, so that step 0 has a place on the logarithmic axis.

    Args:
        most_steps: the number of steps that were asked for, if more than are made.
    """
    x = Axis("1 + steps", 1.0, float(max(most_steps, progress.step + 1, 10)), True)
    ends, level = np.array([x.low, x.high]), np.full(2, progress.optimal_nll)
    floor = Series("optimal", ends, level, "exact", "dashed", f"optimal {progress.optimal_nll:.3f}", width=1.0)
    curve = Series("NLL", progress.steps + 1.0, progress.nlls, "learned")
    return Chart((floor, curve), x, axis_around([progress.nlls, level], "NLL of a pattern, nat", margin=0.12))


def cost_chart(cost: "Cost") -> Chart:
    """Seconds for Z and its gradient, and for one state's weight, against the number of units.

    The legend names the factor for each further unit if it is known, and a line of 2^d states is drawn from the seconds per state.
    """
    growth = cost.growth()
    x = Axis("units", 1.0, float(cost.units.max(initial=16)) + 1)
    z = "Z and its gradient" if growth is None else f"Z: measured ×{growth[0]:.2f} a unit"
    series = [
        Series("one state", cost.units, cost.weight, "data", "points", "exp(y'Wy/2) of one state", width=1.0),
        Series("Z", cost.units, cost.partition, "error", "points", z, width=1.5),
    ]
    if growth is not None:
        ends = np.array([math.log2(float(cost.partition.min()) / growth[1]), x.high])
        series.append(Series("doubling", ends, growth[1] * 2.0**ends, "error", "dashed", "", width=1.0))
    return Chart(tuple(series), x, axis_around([one.y for one in series], "seconds", log=True))


def paint_machine(
    painter: QPainter,
    patterns: np.ndarray,
    learned: "Learned",
    cost: "Cost",
    palette: Palette,
) -> None:
    """Paint a trained machine: patterns, weights and learning curve above; likely states, samples and cost below.

    Args:
        patterns: (N, rows, columns) of -1 and +1.
    """
    progress = learned.progress
    painter.fillRect(QRectF(0, 0, WIDTH, HEIGHT), palette.color("background"))
    parts: dict[str, Sequence[ShownPattern] | Chart | None] = {
        "Patterns": in_color(patterns, "data"),
        f"W: log Z {progress.log_partition:.3f}, |∇ log Z| {progress.partition_gradient:.3f}": None,
        f"Learning: NLL {progress.nll:.4f} nat": curve_chart(progress),
        "Most probable states": likely_patterns(learned),
        "Samples": in_color(learned.samples[:SAMPLES], "particles"),
        "Cost of Z": cost_chart(cost),
    }
    for number, (title, part) in enumerate(parts.items()):
        box = cell_box(QRectF(0, 0, WIDTH, HEIGHT), (2, 3), divmod(number, 3)).adjusted(20, 44, -20, -20)
        painter.setFont(figure_font(14, bold=True))
        painter.setPen(palette.color("text"))
        painter.drawText(box.adjusted(0, -28, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, title)
        if part is None:
            side = min(box.width(), box.height())
            paint_pixels(painter, QRectF(box.topLeft(), QSizeF(side, side)), progress.weights, palette)
        elif isinstance(part, Chart):
            paint_chart(painter, box, part, palette)
        else:
            across = math.ceil(math.sqrt(len(part) * box.width() / box.height()))
            paint_patterns(painter, box, part, (math.ceil(len(part) / across), across), palette)


def probability(value: float) -> str:
    """A probability in per cent, short enough for a caption.

    >>> probability(0.07132), probability(0.00412), probability(9.7e-7), probability(0.0)
    ('7.13 %', '0.412 %', '1e-4 %', '0 %')
    """
    percent = 100 * value
    if 0 < percent < 0.001:
        return f"{percent:.0e} %".replace("e-0", "e-")
    return f"{percent:.3g} %"
