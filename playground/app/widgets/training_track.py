"""The training's timeline: a thin track with a tick for each kept step, and a handle at the one in view."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractSlider

from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count
from playground.app.style.painting import paint_box, smooth
from playground.app.style.text_size import px
from playground.app.style.wrapping import wrapped
from playground.app.widgets.track import TEXT, Track, fonts
from playground.messages import Message

TRACK, MIDDLE = 4, 7  # px: thickness, and distance of its centre from the top
TIP = "Drag to see what the network had learned after earlier steps of training."


class TrainingTrack(Track):
    """Training steps from left to right, on a logarithmic scale; only steps with kept weights can be reached.

    Signals:
        step_chosen(int): the user moved to one of the steps, counted from 0.
    """

    step_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[int, ...] = ()
        self._places = np.zeros(0)  # of the steps, from 0 to 1
        self._why_disabled = ""
        self.setPageStep(3)
        self.setAccessibleName("Timeline of the training")
        self.set_steps((), 0)

    # --- content

    def set_steps(self, steps: Sequence[int], place: int) -> None:
        """Set the steps, ascending, the last one the newest, and the index of the one in view."""
        self._steps = tuple(steps)
        self._places = log_places(self._steps)
        self.setRange(0, max(len(self._steps) - 1, 0))
        if not self.isSliderDown():
            self.setValue(place)
        self._say()

    def set_why_disabled(self, why: Message | None) -> None:
        """Set why no step can be chosen now; None if one can."""
        self._why_disabled = worded(why)
        self.setEnabled(why is None)
        self.setCursor(Qt.CursorShape.PointingHandCursor if why is None else Qt.CursorShape.ArrowCursor)
        self._say()

    def _say(self) -> None:
        self.setToolTip(wrapped(self._why_disabled or TIP))
        said = self._why_disabled or f"{self.labels()[1]}. {TIP}"
        if said != self.accessibleDescription():
            self.setAccessibleDescription(said)
        self.update()

    def labels(self, short: bool = False) -> tuple[str, str, str]:
        """The texts at the left end, at the handle and at the right end; a short one at the handle on a narrow track."""
        if not self._steps:
            return self._why_disabled or "training", "", ""
        place, last = min(self.sliderPosition(), len(self._steps) - 1), self._steps[-1]
        present = f"step {format_count(self._steps[place])}"
        if not short:
            present = f"weights of {present}" + (", the newest" if place == len(self._steps) - 1 else "")
        return f"training: step {format_count(self._steps[0])}", present, format_count(last)

    # --- the user's actions

    def take_key(self, action: int) -> None:
        if action != QAbstractSlider.SliderAction.SliderMove.value:
            self.go(self.sliderPosition())

    def place_at(self, x: float) -> int:
        return int(np.abs(self._places - self.share_at(x)).argmin()) if self._steps else 0

    def go(self, place: int) -> None:
        if place != self.value() or place != self.sliderPosition():
            self.setSliderPosition(place)
        self._say()
        self.step_chosen.emit(place)

    def words_at(self, place: int) -> str:
        known = self.isEnabled() and self._steps
        return f"Weights of training step {format_count(self._steps[place])}" if known else ""

    # --- painting

    def high(self) -> int:
        return 2 * MIDDLE + px(TEXT + 3)

    def paintEvent(self, event: QPaintEvent) -> None:
        on = self.isEnabled()
        painter = smooth(self)
        paint_box(painter, QRectF(0, MIDDLE - TRACK / 2, self.width(), TRACK), TRACK / 2, "border")
        ink = "learned" if on else "disabled"
        for share in self._places.tolist():
            paint_box(painter, QRectF(self.x_of(share) - 1, MIDDLE - 4, 2, 8), 1, ink)
        if self.hasFocus():
            ring = QRectF(1, 0.75, self.width() - 2, 2 * MIDDLE - 1.5)
            paint_box(painter, ring, 4, line="accent", width=1.5)
        x = self.x_of(0.0)
        if self._steps:
            x = self.x_of(float(self._places[min(self.sliderPosition(), len(self._steps) - 1)]))
            handle = QRectF(x - 3, 0.25, 6, 2 * MIDDLE - 0.5)
            paint_box(painter, handle, 2.5, ink, "panel", 1.5)
        self._paint_labels(painter, x)

    def _paint_labels(self, painter: QPainter, x: float) -> None:
        start, present, end = self.labels()
        font, bold = fonts()
        metrics = QFontMetricsF(font)
        base = self.height() - metrics.descent()
        left, right = 2.0, self.width() - 2.0
        width = QFontMetricsF(bold).horizontalAdvance(present)
        if width > right - left:
            present = self.labels(short=True)[1]
            width = QFontMetricsF(bold).horizontalAdvance(present)
        middle = min(max(x, left + width / 2), right - width / 2)
        painter.setFont(font)
        painter.setPen(theme.color("muted"))
        if not present:
            painter.drawText(QPointF(left, base), metrics.elidedText(start, Qt.TextElideMode.ElideRight, right - left))
            return
        if left + metrics.horizontalAdvance(start) < middle - width / 2 - 8:
            painter.drawText(QPointF(left, base), start)
        if right - metrics.horizontalAdvance(end) > middle + width / 2 + 8:
            painter.drawText(QPointF(right - metrics.horizontalAdvance(end), base), end)
        painter.setFont(bold)
        painter.setPen(theme.color("text" if self.isEnabled() else "muted"))
        painter.drawText(QPointF(middle - width / 2, base), present)


def log_places(steps: Sequence[int]) -> np.ndarray:
    """Positions from 0 to 1 on a logarithmic scale; step 0 is as far from the next as that is from its double.

    >>> log_places((0, 10, 30, 70)).round(3).tolist()
    [0.0, 0.333, 0.667, 1.0]
    """
    values = np.asarray(steps, float)
    if len(values) < 2:
        return np.ones(len(values))
    unit = values[values > 0][0]
    places = np.log1p(values / unit) - np.log1p(values[0] / unit)
    return np.asarray(places / places[-1])
