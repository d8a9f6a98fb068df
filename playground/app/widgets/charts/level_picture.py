"""Noise levels in a picture: where each lies, how they move together, and how they are painted."""

import dataclasses
import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter, QPen

from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.style.painting import CENTRE, paint_box, paint_disc, paint_text
from playground.app.style.text_size import px
from playground.data.polylines import lengths, places
from playground.kinds.noise import Noise
from playground.lab.chart import Axis
from playground.records import record

MARGIN = 8.0  # px at both sides, room for a handle
PLATE = 3.0  # px that the plate below words is wider on either side
REACH = 10.0  # px from a handle within which a press takes it
END = 8.0  # px, radius of an end under the pointer, with its rim
OUTSIDE = 4.0  # the axis extends beyond the ends by this factor, as room to drag
MANY = 60  # levels that are too many to be marked one by one
ANY = Axis("σ", 0.01, 10.0, True)
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@record
class Levels:
    """Sigmas (L,), coarse to fine, on a logarithmic axis with coarse ones at the left, one below the other.

    Attributes:
        diameter: the largest distance between two data points, marked on the axis.
        plot: the part of the picture inside the axes.
    """

    noise: Noise
    sigmas: np.ndarray
    diameter: float | None = None
    plot: QRectF = dataclasses.field(default_factory=QRectF)
    axis: Axis = ANY

    def fitted(self) -> "Levels":
        """With the axis around the sigmas."""
        if not len(self.sigmas):
            return self
        low, high = float(self.sigmas.min()), max(float(self.sigmas.max()), self.diameter or 0.0)
        return dataclasses.replace(self, axis=Axis("σ", low / OUTSIDE, high * OUTSIDE, True))

    @property
    def is_within_axis(self) -> bool:
        """Whether all sigmas are on the axis."""
        return bool(np.all((self.sigmas > self.axis.low) & (self.sigmas < self.axis.high)))

    def handles(self) -> list[int]:
        """Indices of the sigmas that can be dragged."""
        count = len(self.sigmas)
        return list(range(count)) if self.noise.has_handles or not count else [0, count - 1]

    def x(self, sigma: float) -> float:
        """Where a sigma lies."""
        return self.plot.right() - self.plot.width() * float(self.axis.place(sigma))

    def sigma(self, x: float) -> float:
        """The sigma at a place."""
        return self.axis.value((self.plot.right() - x) / self.plot.width())

    def _y(self, down: float) -> float:
        return self.plot.top() + 8 + down * (self.plot.height() - 16)

    def places(self) -> list[QPointF]:
        """The position of each level."""
        times, count = self.noise.times_shown() if len(self.sigmas) else None, len(self.sigmas)
        if times is not None:
            downs = [1 - float(t) for t in times]
        else:
            downs = [0.5] if count == 1 else [index / (count - 1) for index in range(count)]
        return [QPointF(self.x(sigma), self._y(down)) for sigma, down in zip(self.sigmas, downs, strict=True)]

    def curve(self) -> list[QPointF]:
        """The curve through the levels, from coarse to fine."""
        found = self.noise.curve_between(self.sigmas)
        if found is None:
            return self.places()
        return [QPointF(self.x(sigma), self._y(1 - t)) for t, sigma in zip(*map(np.ndarray.tolist, found), strict=True)]

    def nearest(self, at: QPointF | None) -> int | None:
        """The handle that a press would take."""
        if at is None:
            return None
        places = self.places()
        far = {handle: (places[handle] - at).manhattanLength() for handle in self.handles()}
        best = min(far, key=far.__getitem__, default=None)
        return best if best is not None and far[best] <= 1.4 * REACH else None

    def marked(self) -> float | None:
        """Where the diameter is marked."""
        inside = self.axis.low < (self.diameter or 0.0) < self.axis.high and self.noise.has_path
        return self.x(self.diameter or 0.0) if inside else None

    def name(self, index: int) -> str:
        """The name of a level."""
        count = len(self.sigmas)
        if count == 1:
            return "σ"
        if self.noise.has_handles:
            return f"σ{index + 1}".translate(SUBSCRIPTS)
        return self.noise.end_name if index == 0 else "σ min" if index == count - 1 else "σ"

    def moved(self, index: int, sigma: float) -> "Levels":
        """With one level at a sigma, between its neighbours and inside the axis; the others follow."""
        sigmas, count = self.sigmas.copy(), len(self.sigmas)
        sigma = float(f"{min(max(sigma, self.axis.low), self.axis.high):.2e}")
        end = index in (0, count - 1)
        if not self.noise.has_handles or (end and count > 1 and not self.noise.is_by_hand):
            opposite = sigmas[-1] if index == 0 else sigmas[0]
            room = 1.05 ** max(count - 1, 1) if self.noise.count else 1.05
            sigma = max(sigma, opposite * room) if index == 0 else min(sigma, opposite / room)
            # All levels keep their share of the distance between the ends.
            share = np.log(sigmas / sigmas[0]) / np.log(sigmas[-1] / sigmas[0])
            top, bottom = (sigma, sigmas[-1]) if index == 0 else (sigmas[0], sigma)
            sigmas = top * (bottom / top) ** share
        else:
            if index > 0:
                sigma = min(sigma, sigmas[index - 1] / 1.001)
            if index < count - 1:
                sigma = max(sigma, sigmas[index + 1] * 1.001)
        sigmas[index] = sigma
        return dataclasses.replace(self, sigmas=sigmas)


class LevelPicture:
    """Paints levels, their curve and their axis.

    Args:
        hot: the levels that are held or under the pointer.
    """

    def __init__(self, painter: QPainter, levels: Levels, hot: set[int | None]) -> None:
        self.painter, self.levels, self.hot = painter, levels, hot
        self.width = levels.plot.width() + 2 * MARGIN

    def paint(self, chosen: int | None, named: int | None) -> None:
        """Paint everything.

        Args:
            chosen: the level with the focus.
            named: the level whose value is written beside it.
        """
        painter, levels, plot = self.painter, self.levels, self.levels.plot
        for power in (10.0**exponent for exponent in levels.axis.powers(5)):
            x = levels.x(power)
            self.line(x)
            self.words(format_number(power), QPointF(x, plot.bottom() + px(10)))
        mark = levels.marked()
        if mark is not None:
            painter.setPen(QPen(theme.color("data"), 1.5, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(mark, plot.top()), QPointF(mark, plot.bottom()))
        places, curve, handles = levels.places(), levels.curve(), levels.handles()
        painter.setPen(QPen(theme.color("learned"), 1.5))
        painter.drawPolyline(curve)
        ends, inner = {handles[0], handles[-1]}, levels.noise.has_handles
        line = theme.color("learned", 1.0 if inner else 0.55)
        for index in set(range(len(places) if len(places) <= MANY else 0)) - ends:
            radius = 1.5
            if inner:
                radius = 4.0 if index in self.hot else 3.0
            paint_disc(painter, places[index], radius, "raised", line, 1.5)
        for index in ends:
            fill = "text" if theme.palette().dark else "raised"
            paint_disc(painter, places[index], 7.0 if index in self.hot else 6.0, fill, "learned", 2)
        if chosen is not None:
            paint_disc(painter, places[chosen], 9, line="accent", width=2)
        if named is not None:
            text = f"{levels.name(named)} = {format_number(levels.sigmas[named])}"
            metrics = painter.fontMetrics()
            size = QSizeF(metrics.horizontalAdvance(text) + 1, metrics.height())
            self.words(text, self._free(size, places[named], places, curve).center(), "text", plate=True)
        elif mark is not None:
            # The levels fall from the top left to the bottom right: what stands beside the line stands clear of them.
            left = mark < plot.center().x()
            at = QPointF(mark + (5 if left else -5), plot.bottom() - 8 if left else plot.top() + 8)
            text = f"diameter {format_number(levels.diameter or 0.0)}"
            self.words(text, at, "data", "left" if left else "right", plate=True)

    def _free(self, size: QSizeF, beside: QPointF, places: list[QPointF], curve: list[QPointF]) -> QRectF:
        """A free position for words beside a handle, which hides neither the curve nor a handle."""
        line = along(np.array([place.toTuple() for place in curve]))[::2]
        knots = np.array([places[handle].toTuple() for handle in self.levels.handles()])
        at = np.array(beside.toTuple())
        met = np.concatenate([line, knots, at[None]])
        away = np.concatenate([np.full(len(line), 2.0), np.full(len(knots), END), [END + 3.0]])
        least, most = PLATE + 2, self.width - size.width() - PLATE - 2
        lefts = np.unique(np.clip(at[0] - size.width() / 2 + np.arange(-80.0, 81.0, 4.0), least, max(most, least)))
        tops = np.arange(0.0, self.levels.plot.bottom() - size.height() + 2, 2.0)
        low = np.stack(np.meshgrid(lefts, tops), axis=-1).reshape(-1, 2)
        high = low + size.toTuple()
        margin = away[:, None] + (PLATE, 0.0)
        hits = ((low[:, None] < met + margin) & (high[:, None] > met - margin)).all(-1).sum(1)
        mark = self.levels.x(self.levels.diameter) if self.levels.diameter else -math.inf
        crossed = (low[:, 0] - PLATE < mark) & (mark < high[:, 0] + PLATE)
        distance = np.linalg.norm(np.clip(at, low, high) - at, axis=1) + 0.2 * np.abs((low + high)[:, 0] / 2 - at[0])
        best = int(np.argmin(1000.0 * hits + 20.0 * crossed + distance))
        return QRectF(QPointF(*low[best].tolist()), size)

    def line(self, x: float) -> None:
        """A vertical line of the grid."""
        self.painter.setPen(QPen(theme.color("border"), 1))
        x = round(x) + 0.5
        self.painter.drawLine(QPointF(x, self.levels.plot.top()), QPointF(x, self.levels.plot.bottom()))

    def words(self, text: str, at: QPointF, token: str = "muted", align: str = "center", plate: bool = False) -> None:
        """Draw text with its centre, left or right end at a point, kept inside the picture; on a plate over a curve."""
        painter, metrics = self.painter, self.painter.fontMetrics()
        width, height = metrics.horizontalAdvance(text), metrics.height()
        left = at.x() - {"center": width / 2, "left": 0, "right": width}[align]
        left = min(max(left, 2.0), max(self.width - width - 2.0, 2.0))
        top = min(max(at.y() - height / 2, 0.0), self.levels.plot.bottom() + px(18) - height)
        box = QRectF(left, top, width + 1, height)
        if plate:
            paint_box(painter, box.adjusted(-PLATE, 0, PLATE, 0), 3, theme.color("raised", 0.85))
        paint_text(painter, box, text, token, CENTRE)


def paint_sentence(painter: QPainter, box: QRectF, text: str) -> None:
    """Paint the sentence in an empty chart."""
    painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
    painter.setPen(theme.color("muted"))
    painter.drawText(box.adjusted(8, 0, -8, 0), CENTRE | Qt.TextFlag.TextWordWrap, text)


def along(corners: np.ndarray) -> np.ndarray:
    """Points (M, 2) at most 1 px apart on the line that joins corners (N, 2)."""
    way = lengths(corners)
    return places(corners, way, np.linspace(0.0, way[-1], math.ceil(way[-1]) + 1))
