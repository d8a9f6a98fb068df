"""The loss during training, with the held-out loss and the loss of a perfect network."""

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtGui import QFontMetricsF, QResizeEvent

from playground.app.style import theme
from playground.app.style.number_formats import format_count, format_measured, format_number
from playground.app.widgets.charts.chart import HEAD_PIXELS, ChartView
from playground.lab.chart import Axis, Chart, Series, nice_step, ticks

COLUMNS = 320  # number of averages in the smoothed line, about one per pixel
MEMORY = 0.85  # of the smoothed line, from column to column
ROOM = 0.15  # of the height, below the optimal loss, for the noise of single steps
LINES = 2  # for the entries above the curves
COLUMNS_SMOOTHED = 60  # with fewer columns the raw line is smooth enough
ABOUT = (
    "<p>Faint: the loss of each step. Line: its running average. Dashed: the optimal loss, which is that "
    "of the true score, over fresh points of the known density.</p><p>Each has its standard error; by "
    "chance the loss may lie below the optimal one. If it stays below by more than these errors, the "
    "network memorizes its training points.</p><p>Most of a denoising loss is noise that no network can "
    "predict: judge by the distance to the optimal loss.</p><p>Line in the data's colour: the held-out "
    "loss. It is the training loss plus the excess of the averaged weights at held-out points, under the "
    "same noise. Where it rises, training points are memorized.</p>"
)


@dataclasses.dataclass(frozen=True)
class LossAxis(Axis):
    """Linear within `unit` of the base and logarithmic above: losses start high, then stay within their noise."""

    base: float = 0.0
    unit: float = 1.0

    def bend(self, values: ArrayLike) -> np.ndarray:
        return np.asarray(np.arcsinh((np.asarray(values, float) - self.base) / self.unit))

    def unbend(self, distances: ArrayLike) -> np.ndarray:
        return np.asarray(self.base + self.unit * np.sinh(np.asarray(distances, float)))

    def marks(self, most: int) -> list[tuple[float, str]]:
        """Round values at about equal distances."""
        low, high = self.bend([self.low, self.high]).tolist()
        gap = (high - low) / (most + 1)
        found, free = list[tuple[float, str]](), low
        for place in np.arange(low + gap / 2, high, gap).tolist():
            below, middle, above = self.unbend([place - gap / 2, place, place + gap / 2]).tolist()
            step = nice_step((above - below) / 2)
            for value, label in ticks(middle - step / 2, middle + step / 2, step)[:1]:
                if free <= self.bend(value) <= high:
                    found.append((value, label))
                    free = float(self.bend(value)) + gap
        return found


class LossChart(ChartView):
    """Loss against steps: raw faint, smoothed strong, the optimal loss dashed."""

    def __init__(self) -> None:
        super().__init__("Loss", ABOUT, 80, LINES)  # Train stays in view below it at 1280 x 720
        self._shown: tuple[object, ...] = ()  # identifies the history in view
        self._last = 0  # step

    @property
    def empty(self) -> bool:
        """Whether it shows no loss."""
        return not self.series

    def show_history(
        self,
        steps: np.ndarray,
        losses: np.ndarray,
        floor: float | None = None,
        floor_error: float | None = None,
        held_out: tuple[np.ndarray, np.ndarray] = (np.zeros(0), np.zeros(0)),
    ) -> None:
        """Show (C,) steps, ascending, and their losses; `floor` is the loss of a perfect network, with standard error
        `floor_error`.

        Args:
            held_out: steps and losses at held-out points, (H,) each.
        """
        finite, kept = np.isfinite(losses), np.isfinite(held_out[1])
        if not finite.any():
            self.show_empty(self.empty_text)
            return
        now = floor, len(steps), steps[-1], kept.sum()
        if self.series and now == self._shown:
            return
        self._shown = now
        self._last = int(steps[-1])
        steps, losses = np.asarray(steps, float)[finite], np.asarray(losses, float)[finite]
        columns, means, smooth = averaged(steps, losses)
        error, over = _error(means), steps_averaged(steps, smooth)
        text = _with_error(float(smooth[-1]), error)
        series = [
            Series("each step", steps, losses, "learned", width=1.0, alpha=0.35, legend=""),
            Series("loss", columns, smooth, "learned", legend=f"{text} (last {format_count(over)})"),
        ]
        said = f"{text} over the last {format_count(over)} steps, after {format_count(self._last)} steps"
        if kept.any():
            checks, held = np.asarray(held_out[0], float)[kept], np.asarray(held_out[1], float)[kept]
            beside = f"held out {_rounded_alike(held[-1], error)}"
            series.append(Series("held out", checks, held, "data", width=1.5, legend=beside))
            said += f", {beside}"
        if floor is not None:
            best = _with_error(floor, floor_error)
            ends = steps[[0, -1]]
            series.append(Series("optimal", ends, np.full(2, floor), "exact", "dashed", f"optimal {best}", width=1.0))
            said += f", optimal loss {best} over fresh points"
        base = float(smooth.min()) if floor is None else min(floor, float(smooth.min()))
        high = max(float(one.y.max()) for one in series[1:])
        x = Axis("steps", steps[0], max(steps[-1], steps[0] + 1))
        self.show_chart(Chart(tuple(series), x, _axis(base, high, means)), f"{said}.")
        self._fit_head(self._lines)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if event.size().width() != event.oldSize().width():
            self._fit_head(LINES)
        super().resizeEvent(event)

    def _fit_head(self, fewest: int) -> None:
        """Grow by the lines that long entries need, as those of negative losses; in one width it does not shrink again."""
        height = round(QFontMetricsF(theme.number_font(HEAD_PIXELS)).height())
        needed = max((round(box.bottom() / height) for box, _ in self.laid_out()), default=0) if self.series else 0
        lines = max(fewest, needed)
        if lines != self._lines:
            before, self._lines = self._lines, lines
            self.setFixedHeight(self.height() + (lines - before) * height)

    def mark_name(self) -> str:
        return "weights in view"

    def x_label(self) -> str:
        return f"{format_count(self._last)} steps"

    def say_x(self, value: float) -> str:
        return f"step {format_count(round(value))}"


def _axis(base: float, high: float, means: np.ndarray) -> LossAxis:
    tail = means[-max(len(means) // 4, 8) :]
    unit = max(float(np.std(tail)), 1e-3 * abs(base), 1e-9)
    ends = LossAxis("loss", base, max(high, base + 4 * unit), False, base, unit)
    top = float(ends.bend(ends.high))
    low, high = ends.unbend([-ROOM * top, 1.05 * top]).tolist()
    return dataclasses.replace(ends, low=low, high=high)


def averaged(steps: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(C,) steps, mean losses and smoothed losses of at most `COLUMNS` columns."""
    if len(steps) > COLUMNS:
        column = np.minimum((steps - steps[0]) / (steps[-1] - steps[0]) * COLUMNS, COLUMNS - 1).astype(int)
        counts = np.bincount(column, minlength=COLUMNS)
        full = counts > 0
        steps = np.bincount(column, steps, COLUMNS)[full] / counts[full]
        losses = np.bincount(column, losses, COLUMNS)[full] / counts[full]
    return steps, losses, _smoothed(losses)


def steps_averaged(steps: np.ndarray, smooth: np.ndarray) -> int:
    """Number of steps that make up nearly all of the running average at its end, to two digits."""
    memory = _memory(len(smooth))
    total = float(steps[-1] - steps[0] + 1)
    return max(round(float(f"{min(total, total / len(smooth) * (1 + memory) / (1 - memory)):.1e}")), 1)


def _error(means: np.ndarray) -> float | None:
    """The standard error of the running average at its end, from the jumps of the last columns."""
    if len(means) < COLUMNS_SMOOTHED:
        return None  # the loss still falls by more than it jumps
    jumps = float(np.mean(np.diff(means[-COLUMNS_SMOOTHED:]) ** 2) / 2)
    return math.sqrt(jumps * (1 - MEMORY) / (1 + MEMORY))


def _with_error(value: float, error: float | None) -> str:
    return format_measured(value, error) if error else format_number(value)


def _rounded_alike(value: float, error: float | None) -> str:
    """A value with the digits of one that has this error, to be read beside it."""
    return _with_error(value, error).split(" ")[0]


def _memory(columns: int) -> float:
    """The share of the running average that is kept from column to column."""
    return MEMORY * min(1.0, columns / COLUMNS_SMOOTHED) if columns >= 3 else 0.0


def _smoothed(losses: np.ndarray) -> np.ndarray:
    """(C,) a running average that forgets by `MEMORY`, started without a bias."""
    if len(losses) < 3:
        return losses
    memory = _memory(len(losses))
    powers = memory ** np.arange(min(len(losses), 200))
    total = np.convolve(losses, powers)[: len(losses)]
    return total / np.convolve(np.ones(len(losses)), powers)[: len(losses)]
