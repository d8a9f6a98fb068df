"""The loss as training goes on, with that at held-out points and the loss of a perfect network."""

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from playground.app import theme
from playground.app.charts.chart import Chart
from playground.app.numbers import count, measured, shown

COLUMNS = 320  # the curve is averaged into so many columns, about one a pixel
MEMORY = 0.85  # of the smoothed line, from column to column
ROOM = 0.3  # of the height, below the floor for its name
COLUMNS_SMOOTHED = 60  # below so many the raw line is smooth enough


class LossChart(Chart):
    """Loss against steps: raw faint, smoothed strong, its floor dashed.

    The vertical axis is linear near the floor and logarithmic far from it (asinh), because losses start far above and then
    spend most of the time within their own noise of the floor.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(74, parent)
        self._steps, self._losses = np.zeros(0), np.zeros(0)
        self._held_out = np.zeros(0), np.zeros(0)
        self._floor: float | None = None
        self._floor_error: float | None = None
        self._curve: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._empty = ""
        self.setAccessibleName("Loss")

    @property
    def empty(self) -> bool:
        """Whether it shows no loss."""
        return not len(self._steps)

    def show_empty(self, sentence: str) -> None:
        """Show no loss but this sentence."""
        if not self.empty or sentence != self._empty:
            self._empty, self._curve = sentence, None
            self._steps, self._losses = np.zeros(0), np.zeros(0)
            self._held_out = np.zeros(0), np.zeros(0)
            self._floor = self._floor_error = None
            self.setAccessibleDescription(sentence)
            self.update()

    def show_history(
        self,
        steps: np.ndarray,
        losses: np.ndarray,
        floor: float | None = None,
        floor_error: float | None = None,
        held_out: tuple[np.ndarray, np.ndarray] = (np.zeros(0), np.zeros(0)),
    ) -> None:
        """Show (C,) steps, ascending, and their losses; `floor` is the loss of a perfect network, known to `floor_error`.

        Args:
            held_out: steps and losses at held-out points, (H,) each.
        """
        if not len(steps):
            self.show_empty(self._empty)
            return
        same = floor == self._floor and np.isfinite(held_out[1]).sum() == len(self._held_out[1])
        if same and len(steps) == len(self._steps) and steps[-1] == self._steps[-1]:
            return
        finite = np.isfinite(held_out[1])
        self._held_out = np.asarray(held_out[0], float)[finite], np.asarray(held_out[1], float)[finite]
        self._steps, self._losses = np.asarray(steps, float), np.asarray(losses, float)
        self._floor, self._floor_error = floor, floor_error
        self._curve = None
        best = "" if floor is None else f", optimal loss {_with_error(floor, floor_error)} over fresh points"
        self.setAccessibleDescription(
            f"{self._loss_text()} over the last {self._averaged()} steps, after {int(steps[-1])} steps{self._held_out_text()}{best}."
        )
        self.update()

    def curve(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(C,) steps, mean losses and smoothed losses of at most `COLUMNS` columns."""
        if self._curve is None:
            finite = np.isfinite(self._losses)
            steps, losses = self._steps[finite], self._losses[finite]
            if len(steps) > COLUMNS:
                column = np.minimum((steps - steps[0]) / (steps[-1] - steps[0]) * COLUMNS, COLUMNS - 1).astype(int)
                counts = np.bincount(column, minlength=COLUMNS)
                full = counts > 0
                steps = np.bincount(column, steps, COLUMNS)[full] / counts[full]
                losses = np.bincount(column, losses, COLUMNS)[full] / counts[full]
            self._curve = steps, losses, _smoothed(losses)
        return self._curve

    def _loss_text(self) -> str:
        """The running average at its end, with its standard error by how much the last columns jump."""
        _, losses, smooth = self.curve()
        if not len(smooth):
            return "not finite"
        if len(losses) < COLUMNS_SMOOTHED:
            return shown(smooth[-1])  # the loss still falls by more than it jumps
        jumps = float(np.mean(np.diff(losses[-COLUMNS_SMOOTHED:]) ** 2) / 2)
        return _with_error(float(smooth[-1]), math.sqrt(jumps * (1 - MEMORY) / (1 + MEMORY)))

    def _averaged(self) -> int:
        """Steps that make up nearly all of the running average at its end, to two digits."""
        _, _, smooth = self.curve()
        if not len(smooth):
            return 0
        memory = _memory(len(smooth))
        total = float(self._steps[-1] - self._steps[0] + 1)
        steps_averaged = min(total, total / len(smooth) * (1 + memory) / (1 - memory))
        return max(round(float(f"{steps_averaged:.1e}")), 1)

    def _held_out_text(self) -> str:
        return f", held out {shown(self._held_out[1][-1])}" if len(self._held_out[1]) else ""

    def plot(self) -> QRectF:
        return QRectF(2, 6, self.width() - 4, self.height() - 6 - 18)

    def draw(self, painter: QPainter, plot: QRectF) -> None:
        steps, losses, smooth = self.curve()
        painter.setPen(QPen(self.tokens.color("border"), 1))
        painter.drawLine(QPointF(plot.left(), plot.bottom() + 0.5), QPointF(plot.right(), plot.bottom() + 0.5))
        if not len(steps):
            self.sentence(painter, self._empty)
            return
        height = self._height_of(smooth, losses)
        spread = max(steps[-1] - steps[0], 1.0)

        def x(step: np.ndarray | float) -> np.ndarray | float:
            return plot.left() + (step - steps[0]) / spread * plot.width()

        def polygon(values: np.ndarray, at: np.ndarray = steps) -> QPolygonF:
            y = np.clip(plot.bottom() - height(values) * plot.height(), plot.top() - 2, plot.bottom())
            return QPolygonF([QPointF(*corner) for corner in zip(np.asarray(x(at)).tolist(), y.tolist(), strict=True)])

        painter.setPen(QPen(self.tokens.color("learned", 0.35), 1))
        painter.drawPolyline(polygon(losses))
        painter.setPen(theme.round_pen(self.tokens.color("learned"), 2))
        painter.drawPolyline(polygon(smooth))
        held_out_steps, held_out = self._held_out
        painter.setPen(theme.round_pen(self.tokens.color("data"), 1.5))
        painter.drawPolyline(polygon(held_out, np.clip(held_out_steps, steps[0], steps[-1])))
        self._draw_floor(painter, plot, height)
        self.words(
            painter, f"{count(int(self._steps[-1]))} steps", QPointF(plot.right(), plot.bottom() + 10), align="right"
        )
        # Both say what they average over: the one may lie below the other, and would look like a mistake.
        text = f"loss {self._loss_text()} (last {count(self._averaged())})"
        self.words(painter, text, QPointF(plot.left(), plot.bottom() + 10), align="left")
        held_out = self._held_out_text().removeprefix(", ")
        if held_out:
            self.words(painter, held_out, QPointF(plot.right(), plot.top() + 6), "data", "right", plate=True)
        if self.pointer is not None and plot.contains(self.pointer):
            nearest = int(np.abs(x(steps) - self.pointer.x()).argmin())
            at = QPointF(x(steps[nearest]), plot.bottom() - float(height(smooth[nearest])) * plot.height())
            painter.setBrush(self.tokens.color("learned"))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(at, 3, 3)
            text = f"{shown(smooth[nearest])} at step {int(steps[nearest])}"
            self.words(painter, text, QPointF(at.x(), plot.top() + 6), "text", plate=True)

    def _draw_floor(self, painter: QPainter, plot: QRectF, height: object) -> None:
        if self._floor is None:
            return
        y = round(plot.bottom() - float(height(self._floor)) * plot.height()) + 0.5
        pen = QPen(self.tokens.color("exact"), 1)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        # Below the line, where only the noise of single steps comes.
        text = f"optimal loss {_with_error(self._floor, self._floor_error)} (fresh points)"
        self.words(painter, text, QPointF(plot.right(), y + 10), "exact", "right", plate=True)

    def _height_of(self, smooth: np.ndarray, losses: np.ndarray) -> object:
        """A function from losses to [0, 1]: linear within the noise around the base, logarithmic above."""
        low = float(smooth.min()) if self._floor is None else min(self._floor, float(smooth.min()))
        tail = losses[-max(len(losses) // 4, 8) :]
        unit = max(float(np.std(tail)), 1e-3 * abs(low), 1e-9)
        high = float(np.concatenate([smooth, self._held_out[1]]).max())
        top = float(np.arcsinh(max(high - low, 4 * unit) / unit)) * 1.05

        def height(values: np.ndarray | float) -> np.ndarray | float:
            return ROOM + (1 - ROOM) * np.arcsinh((values - low) / unit) / top

        return height


def _with_error(value: float, error: float | None) -> str:
    return measured(value, error) if error else shown(value)


def _memory(columns: int) -> float:
    """What the running average keeps from column to column."""
    return MEMORY * min(1.0, columns / COLUMNS_SMOOTHED) if columns >= 3 else 0.0


def _smoothed(losses: np.ndarray) -> np.ndarray:
    """(C,) a running average that forgets by `MEMORY`, started without a bias."""
    if len(losses) < 3:
        return losses
    memory = _memory(len(losses))
    powers = memory ** np.arange(min(len(losses), 200))
    total = np.convolve(losses, powers)[: len(losses)]
    return total / np.convolve(np.ones(len(losses)), powers)[: len(losses)]
