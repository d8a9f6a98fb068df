"""The chart of the noise levels, whose handles can be dragged."""

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QAccessible, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.style.text_size import px
from playground.drawing.palette import DARK, Palette
from playground.kinds.noise import Noise
from playground.lab.experiment import Experiment

HEIGHT = 70  # px
TICK_PIXELS = 11
MARGIN = 8.0  # px at both sides, room for a handle
PLATE = 3.0  # px that the plate below words is wider on either side
REACH = 10.0  # px from a handle within which a press takes it
KEY_STEP = 0.02  # of the axis, for one arrow key
END = 8.0  # px, radius of an end under the pointer, with its rim
OUTSIDE = 4.0  # the axis extends beyond the ends by this factor, as room to drag

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


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

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tokens = DARK
        self.pointer: QPointF | None = None
        self.setFixedHeight(px(HEIGHT))
        self.setMinimumWidth(px(120))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self._noise: Noise = Experiment().noise
        self._sigmas = np.zeros(0)
        self._diameter: float | None = None
        self._times: np.ndarray | None = None
        self._axis = (0.01, 10.0)
        self._held: int | None = None
        self._chosen = 0
        self._pressed = 0.0  # where the handle was taken, and the distance from its centre
        self._grip = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._describe()

    @property
    def kind(self) -> str:
        """The kind of the noise in view."""
        return self._noise.kind

    @property
    def sigmas(self) -> np.ndarray:
        """(L,) coarse to fine, as shown."""
        return self._sigmas.copy()

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
        if noise == self._noise and diameter == self._diameter and np.array_equal(sigmas, self._sigmas):
            return
        self._noise, self._sigmas, self._diameter = noise, np.asarray(sigmas, float), diameter
        self._times = noise.times_shown() if len(sigmas) else None
        handles, before = self.handles(), self._chosen
        self._chosen = min(handles, key=lambda handle: abs(handle - before), default=0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if handles else Qt.FocusPolicy.NoFocus)
        self._fit()
        self._describe()
        self.update()

    def handles(self) -> list[int]:
        """Indices of the sigmas that can be dragged."""
        count = len(self._sigmas)
        return list(range(count)) if self._noise.has_handles or not count else [0, count - 1]

    def place(self, index: int) -> QPointF:
        """The position of a level in the widget."""
        if self._times is not None:
            down = 1 - float(self._times[index])
        else:
            down = 0.5 if len(self._sigmas) < 2 else index / (len(self._sigmas) - 1)
        return QPointF(self._x(self._sigmas[index]), self._y(down))

    # Painting

    def apply_palette(self, palette: Palette) -> None:
        self.tokens = palette
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(px(240), px(HEIGHT))

    def plot(self) -> QRectF:
        """The part inside the axes."""
        return QRectF(MARGIN, 6, self.width() - 2 * MARGIN, self.height() - 6 - px(18))

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(theme.number_font(TICK_PIXELS))
            self.draw(painter, self.plot())

    def draw(self, painter: QPainter, plot: QRectF) -> None:
        """Paint levels, curve and axis."""
        if not self._noise.has_noise:
            self.sentence(painter, "No noise is added: the score is learned where data are, and guessed elsewhere.")
            return
        if not len(self._sigmas):
            self.sentence(painter, "The noise levels follow from the data.")
            return
        for power in decades(*self._axis):
            x = self._x(power)
            self.line(painter, x, plot, "border")
            self.words(painter, format_number(power), QPointF(x, plot.bottom() + px(10)))
        mark, diameter = None, self._diameter or 0.0
        if self._axis[0] < diameter < self._axis[1] and self._noise.has_path:
            mark = self._x(diameter)
            painter.setPen(QPen(self.tokens.color("data"), 1.5, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(mark, plot.top()), QPointF(mark, plot.bottom()))
        places = [self.place(index) for index in range(len(self._sigmas))]
        painter.setPen(QPen(self.tokens.color("learned"), 1.5))
        curve = self._curve() or places
        painter.drawPolyline(curve)
        under = self._under()
        handles = self.handles()
        ends = {handles[0], handles[-1]}
        if len(places) <= 60:
            painter.setBrush(self.tokens.color("raised"))
            for index, place in enumerate(places):
                if index not in ends:
                    inner = self._noise.has_handles
                    painter.setPen(QPen(self.tokens.color("learned", 1.0 if inner else 0.55), 1.5))
                    radius = 4.0 if index in (under, self._held) and inner else 3.0 if inner else 1.5
                    painter.drawEllipse(place, radius, radius)
        for index in ends:
            self._draw_end(painter, places[index], index in (under, self._held))
        if self.hasFocus() and self._chosen < len(places):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.tokens.color("accent"), 2))
            painter.drawEllipse(places[self._chosen], 9, 9)
        named = self._held if self._held is not None else under
        if named is None and self.hasFocus():
            named = self._chosen
        if named is not None:
            self._draw_value(painter, named, places, curve)
        elif mark is not None:
            # The levels fall from the top left to the bottom right: what stands beside the line stands clear of them.
            left = mark < plot.center().x()
            at = QPointF(mark + (5 if left else -5), plot.bottom() - 8 if left else plot.top() + 8)
            text = f"diameter {format_number(diameter)}"
            self.words(painter, text, at, "data", "left" if left else "right", plate=True)

    def _draw_end(self, painter: QPainter, at: QPointF, hot: bool) -> None:
        painter.setPen(QPen(self.tokens.color("learned"), 2))
        painter.setBrush(self.tokens.color("text") if self.tokens.dark else self.tokens.color("raised"))
        radius = 7.0 if hot else 6.0
        painter.drawEllipse(at, radius, radius)

    def _draw_value(self, painter: QPainter, index: int, places: list[QPointF], curve: list[QPointF]) -> None:
        count = len(self._sigmas)
        name = f"σ{index + 1}".translate(SUBSCRIPTS)
        if count == 1:
            name = "σ"
        elif not self._noise.has_handles:
            name = self._noise.end_name if index == 0 else "σ min" if index == count - 1 else "σ"
        text = f"{name} = {format_number(self._sigmas[index])}"
        metrics = painter.fontMetrics()
        size = QSizeF(metrics.horizontalAdvance(text) + 1, metrics.height())
        self.words(painter, text, self._free(size, index, places, curve).center(), "text", plate=True)

    def _free(self, size: QSizeF, index: int, places: list[QPointF], curve: list[QPointF]) -> QRectF:
        """A free position for words beside a handle, which hides neither the curve nor a handle."""
        line = along(np.array([place.toTuple() for place in curve]))[::2]
        knots = np.array([places[handle].toTuple() for handle in self.handles()])
        at = np.array(places[index].toTuple())
        met = np.concatenate([line, knots, at[None]])
        away = np.concatenate([np.full(len(line), 2.0), np.full(len(knots), END), [END + 3.0]])
        least, most = PLATE + 2, self.width() - size.width() - PLATE - 2
        lefts = np.unique(np.clip(at[0] - size.width() / 2 + np.arange(-80.0, 81.0, 4.0), least, max(most, least)))
        tops = np.arange(0.0, self.plot().bottom() - size.height() + 2, 2.0)
        low = np.stack(np.meshgrid(lefts, tops), axis=-1).reshape(-1, 2)
        high = low + size.toTuple()
        margin = away[:, None] + (PLATE, 0.0)
        hits = ((low[:, None] < met + margin) & (high[:, None] > met - margin)).all(-1).sum(1)
        mark = self._x(self._diameter) if self._diameter else -math.inf
        crossed = (low[:, 0] - PLATE < mark) & (mark < high[:, 0] + PLATE)
        distance = np.linalg.norm(np.clip(at, low, high) - at, axis=1) + 0.2 * np.abs((low + high)[:, 0] / 2 - at[0])
        best = int(np.argmin(1000.0 * hits + 20.0 * crossed + distance))
        return QRectF(QPointF(*low[best].tolist()), size)

    def line(self, painter: QPainter, x: float, plot: QRectF, token: str, alpha: float = 1.0) -> None:
        """A vertical line across the plot."""
        painter.setPen(QPen(self.tokens.color(token, alpha), 1))
        painter.drawLine(QPointF(round(x) + 0.5, plot.top()), QPointF(round(x) + 0.5, plot.bottom()))

    def words(
        self,
        painter: QPainter,
        text: str,
        at: QPointF,
        token: str = "muted",
        align: str = "center",
        plate: bool = False,
    ) -> QRectF:
        """Draw text with its centre, left or right end at a point, kept inside the chart; on a plate over a curve.

        Returns:
            The text's rectangle.
        """
        metrics = painter.fontMetrics()
        width, height = metrics.horizontalAdvance(text), metrics.height()
        left = at.x() - {"center": width / 2, "left": 0, "right": width}[align]
        left = min(max(left, 2.0), max(self.width() - width - 2.0, 2.0))
        top = min(max(at.y() - height / 2, 0.0), self.height() - height)
        box = QRectF(left, top, width + 1, height)
        if plate:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.tokens.color("raised", 0.85))
            painter.drawRoundedRect(box.adjusted(-PLATE, 0, PLATE, 0), 3, 3)
        painter.setPen(self.tokens.color(token))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return box

    def sentence(self, painter: QPainter, text: str) -> None:
        """The sentence in an empty chart."""
        painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
        painter.setPen(self.tokens.color("muted"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(QRectF(self.rect()).adjusted(8, 0, -8, 0), flags, text)

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        nearest = self._nearest(event.position())
        if event.button() != Qt.MouseButton.LeftButton or nearest is None:
            return
        self._held = self._chosen = nearest
        self._pressed = event.position().x()
        self._grip = self._pressed - self.place(nearest).x()
        self._before = self._sigmas
        self.grabbed.emit(False)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            x = event.position().x()
            if x == self._pressed:
                self._sigmas = self._before  # small vertical movements move and round nothing
                self._describe()
            else:
                self._move(self._held, self._sigma(x - self._grip))
            self.previewed.emit(self.sigmas)
        over = self._nearest(event.position()) is not None
        self.setCursor(Qt.CursorShape.SizeHorCursor if over or self._held is not None else Qt.CursorShape.ArrowCursor)
        self.pointer = event.position()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.pointer = None
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._held is not None:
            held, self._held = self._held, None
            if np.array_equal(self._before, self._sigmas):
                self.abandoned.emit()
            else:
                self._let_go(held)
            self.update()

    # The keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, handles = event.key(), self.handles()
        if key == Qt.Key.Key_Escape and self._held is not None:
            self._held, self._sigmas = None, self._before
            self._describe()
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
            factor = (self._axis[1] / self._axis[0]) ** (step if key == Qt.Key.Key_Left else -step)
            self._move(self._chosen, self._sigmas[self._chosen] * factor)
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

    # Geometry

    def _fit(self) -> None:
        if len(self._sigmas):
            low, high = self._sigmas.min(), self._sigmas.max()
            self._axis = (low / OUTSIDE, max(high, self._diameter or 0.0) * OUTSIDE)

    def _y(self, down: float) -> float:
        plot = self.plot()
        return plot.top() + 8 + down * (plot.height() - 16)

    def _curve(self) -> list[QPointF]:
        """The curve between the levels, from coarse to fine; empty if the levels are joined."""
        found = self._noise.curve_between(self._sigmas)
        if found is None:
            return []
        return [
            QPointF(self._x(sigma), self._y(1 - t)) for t, sigma in zip(*map(np.ndarray.tolist, found), strict=True)
        ]

    def _x(self, sigma: float) -> float:
        plot, (low, high) = self.plot(), self._axis
        return plot.left() + plot.width() * math.log(high / max(sigma, 1e-300)) / math.log(high / low)

    def _sigma(self, x: float) -> float:
        plot, (low, high) = self.plot(), self._axis
        return high * math.pow(low / high, (x - plot.left()) / plot.width())

    def _nearest(self, at: QPointF) -> int | None:
        def distance(index: int) -> float:
            return (self.place(index) - at).manhattanLength()

        handles = self.handles()
        best = min(handles, key=distance, default=None)
        return best if best is not None and distance(best) <= 1.4 * REACH else None

    def _under(self) -> int | None:
        return None if self.pointer is None else self._nearest(self.pointer)

    def _move(self, index: int, sigma: float) -> None:
        """Move one handle to a sigma, between its neighbours and inside the axis, and let the others follow."""
        sigmas, count = self._sigmas.copy(), len(self._sigmas)
        sigma = float(f"{min(max(sigma, self._axis[0]), self._axis[1]):.2e}")
        end = index in (0, count - 1)
        if not self._noise.has_handles or (end and count > 1 and not self._noise.is_by_hand):
            opposite = sigmas[-1] if index == 0 else sigmas[0]
            room = 1.05 ** max(count - 1, 1) if self._noise.count else 1.05
            sigma = max(sigma, opposite * room) if index == 0 else min(sigma, opposite / room)
            # All levels keep their share of the distance between the ends.
            share = np.log(sigmas / sigmas[0]) / np.log(sigmas[-1] / sigmas[0])
            top, bottom = (sigma, sigmas[-1]) if index == 0 else (sigmas[0], sigma)
            sigmas = top * (bottom / top) ** share
            sigmas[index] = sigma
        else:
            if index > 0:
                sigma = min(sigma, sigmas[index - 1] / 1.001)
            if index < count - 1:
                sigma = max(sigma, sigmas[index + 1] * 1.001)
            sigmas[index] = sigma
        self._sigmas = sigmas
        self._describe()
        self.update()

    def _let_go(self, index: int) -> None:
        self.moved.emit(index, self.sigmas)
        self._fit()
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
        end = {0: "coarsest", len(self._sigmas) - 1: "finest"}.get(self._chosen, f"level {self._chosen + 1}")
        self.setAccessibleName("Noise levels" if len(self._sigmas) == 1 else f"Noise levels, {end}")
        low, high, now = self._sigmas.min(), self._sigmas.max(), self._sigmas[self._chosen]
        self.setAccessibleDescription(
            f"From {format_number(high)} to {format_number(low)}; level {self._chosen + 1} of {len(self._sigmas)} is {format_number(now)}. "
            "Left and Right move it, Up and Down choose another."
        )


def along(corners: np.ndarray) -> np.ndarray:
    """Points (M, 2) at most 1 px apart on the line that joins corners (N, 2)."""
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    steps = np.linspace(0.0, way[-1], math.ceil(way[-1]) + 1)
    return np.stack([np.interp(steps, way, corners[:, axis]) for axis in (0, 1)], axis=1)


def decades(low: float, high: float, most: int = 5) -> list[float]:
    """Powers of ten between two positive numbers, thinned to at most `most`.

    >>> decades(0.02, 300)
    [0.1, 1.0, 10.0, 100.0]
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    step = max(1, math.ceil((last - first + 1) / most))
    return [10.0**power for power in range(first, last + 1, step)]
