"""The chart of the noise levels, whose handles can be dragged."""

import dataclasses

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.style.text_size import px
from playground.app.widgets import layouts
from playground.app.widgets.charts.level_picture import MARGIN, LevelPicture, Levels, paint_sentence
from playground.kinds.noise import Noise
from playground.lab.experiment import Experiment

HEIGHT = 60  # px
TICK_PIXELS = 11
KEY_STEP = 0.02  # of the axis, for one arrow key
NO_NOISE = "No noise is added: the score is learned where data are, and guessed elsewhere."
NO_LEVELS = "The noise levels follow from the data."


class NoiseLevelChart(QWidget):
    """Sigma on a logarithmic axis, coarse at the left as on the timeline, one level below the other.

    All discrete levels can be dragged, the two ends of a continuous process, or a single sigma. With the keyboard Tab,
    Home and End go to the ends, Up and Down from level to level, Left and Right move a level (Shift: finely).

    Signals:
        grabbed(bool): a handle is about to move; True if by a key.
        previewed(object): (L,) sigmas while a handle is being dragged.
        moved(int, object): index of the released handle, and the (L,) sigmas coarse to fine.
        abandoned(): the handle was released at its start, or Escape returned it there.
    """

    accessible_role = QAccessible.Role.Chart

    grabbed = Signal(bool)
    previewed = Signal(object)
    moved = Signal(int, object)
    abandoned = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.pointer: QPointF | None = None
        self.setFixedHeight(px(HEIGHT))
        self.setMinimumWidth(px(120))
        layouts.grow_across(self)
        self.setMouseTracking(True)
        self.levels = Levels(Experiment().noise, np.zeros(0))
        self._held: int | None = None
        self._chosen = 0
        self._pressed = 0.0  # where the handle was taken, and the distance from its centre
        self._grip = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._describe()

    @property
    def kind(self) -> str:
        """The kind of the noise in view."""
        return self.levels.noise.kind

    @property
    def sigmas(self) -> np.ndarray:
        """(L,) coarse to fine, as shown."""
        return self.levels.sigmas.copy()

    def show_levels(self, noise: Noise, sigmas: np.ndarray, *, diameter: float | None = None) -> None:
        """Show noise levels. A handle that the user holds stays, unless the kind of noise changes.

        Args:
            noise: the noise of the levels.
            sigmas: (L,) coarse to fine in the user's unit; points of a curve for a continuous process.
            diameter: the largest distance between two data points, marked on the axis.
        """
        if self._held is not None and noise.kind == self.kind:
            return
        self._held = None
        shown = self.levels
        if noise == shown.noise and diameter == shown.diameter and np.array_equal(sigmas, shown.sigmas):
            return
        wanted = dataclasses.replace(shown, noise=noise, sigmas=np.asarray(sigmas, float), diameter=diameter)
        self.levels = self._framed(wanted)
        handles, before = self.handles(), self._chosen
        self._chosen = min(handles, key=lambda handle: abs(handle - before), default=0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if handles else Qt.FocusPolicy.NoFocus)
        self._describe()
        self.update()

    def handles(self) -> list[int]:
        """Indices of the sigmas that can be dragged."""
        return self.levels.handles()

    def place(self, index: int) -> QPointF:
        """The position of a level in the widget."""
        return self.levels.places()[index]

    # Painting

    def sizeHint(self) -> QSize:
        return QSize(px(240), px(HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        plot = QRectF(MARGIN, 6, self.width() - 2 * MARGIN, self.height() - 6 - px(18))
        self.levels = dataclasses.replace(self.levels, plot=plot)
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        levels, under = self.levels, self.levels.nearest(self.pointer)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if not levels.noise.has_noise or not len(levels.sigmas):
                sentence = NO_LEVELS if levels.noise.has_noise else NO_NOISE
                paint_sentence(painter, QRectF(self.rect()), sentence)
                return
            painter.setFont(theme.number_font(TICK_PIXELS))
            chosen = self._chosen if self.hasFocus() and self._chosen < len(levels.sigmas) else None
            named = next((level for level in (self._held, under, chosen) if level is not None), None)
            LevelPicture(painter, levels, {under, self._held}).paint(chosen, named)

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        nearest = self.levels.nearest(event.position())
        if event.button() != Qt.MouseButton.LeftButton or nearest is None:
            return
        self._held = self._chosen = nearest
        self._pressed = event.position().x()
        self._grip = self._pressed - self.place(nearest).x()
        self._before = self.levels
        self.grabbed.emit(False)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            x = event.position().x()
            if x == self._pressed:
                self._show(self._before)  # small vertical movements move and round nothing
            else:
                self._show(self.levels.moved(self._held, self.levels.sigma(x - self._grip)))
            self.previewed.emit(self.sigmas)
        over = self.levels.nearest(event.position()) is not None
        self.setCursor(Qt.CursorShape.SizeHorCursor if over or self._held is not None else Qt.CursorShape.ArrowCursor)
        self.pointer = event.position()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.pointer = None
        self._show(self._framed(self.levels))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._held is not None:
            held, self._held = self._held, None
            if np.array_equal(self._before.sigmas, self.levels.sigmas):
                self.abandoned.emit()
            else:
                self._let_go(held)
            self.update()

    # The keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, handles = event.key(), self.handles()
        if key == Qt.Key.Key_Escape and self._held is not None:
            self._held = None
            self._show(self._before)
            self.previewed.emit(self.sigmas)
            self.abandoned.emit()
            self.update()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and handles:
            way = -1 if key == Qt.Key.Key_Up else 1
            place = min(max(handles.index(self._chosen) + way, 0), len(handles) - 1)
            self._choose(handles[place])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and handles:
            self._choose(handles[0 if key == Qt.Key.Key_Home else -1])
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._chosen in handles:
            self.grabbed.emit(True)
            step = KEY_STEP * (0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0)
            axis, way = self.levels.axis, 1 if key == Qt.Key.Key_Left else -1
            sigma = self.levels.sigmas[self._chosen] * (axis.high / axis.low) ** (way * step)
            self._show(self.levels.moved(self._chosen, sigma))
            self._let_go(self._chosen)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        handles = self.handles()
        if handles and event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self._choose(handles[0] if event.reason() == Qt.FocusReason.TabFocusReason else handles[-1])
        super().focusInEvent(event)

    def event(self, event: QEvent) -> bool:
        # Tab goes to the other end before it leaves.
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and self.handles():
            first, last = self.handles()[0], self.handles()[-1]
            if event.key() == Qt.Key.Key_Tab and self._chosen != last:
                self._choose(last)
                return True
            if event.key() == Qt.Key.Key_Backtab and self._chosen != first:
                self._choose(first)
                return True
        return super().event(event)

    def _let_go(self, index: int) -> None:
        self.moved.emit(index, self.sigmas)
        self._show(self._framed(self.levels))

    def _framed(self, levels: Levels) -> Levels:
        """With the axis around the sigmas; the axis stays while the pointer is on the chart and they are on it."""
        return levels if self.pointer is not None and levels.is_within_axis else levels.fitted()

    def _show(self, levels: Levels) -> None:
        self.levels = levels
        self._describe()
        self.update()

    def _choose(self, index: int) -> None:
        self._chosen = index
        self._describe()
        self.update()

    def _describe(self) -> None:
        if not self.handles():
            self.setAccessibleName("Noise levels")
            self.setAccessibleDescription("There are no noise levels to move.")
            return
        # The name distinguishes the two ends that Tab reaches.
        end = {0: "coarsest", len(self.levels.sigmas) - 1: "finest"}.get(self._chosen, f"level {self._chosen + 1}")
        self.setAccessibleName("Noise levels" if len(self.levels.sigmas) == 1 else f"Noise levels, {end}")
        low, high, now = self.levels.sigmas.min(), self.levels.sigmas.max(), self.levels.sigmas[self._chosen]
        self.setAccessibleDescription(
            f"From {format_number(high)} to {format_number(low)}; level {self._chosen + 1} of {len(self.levels.sigmas)} is {format_number(now)}. "
            "Left and Right move it, Up and Down choose another."
        )
