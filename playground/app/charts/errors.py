"""How wrong the learned score is at each noise level."""

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from playground.app import theme
from playground.app.charts.painted import PaintedChart, decades
from playground.app.numbers import percent, percent_with_error, shown
from playground.lab.along_sigma import at_sigma

BAND = 0.3  # opacity
NO_CURVE = "At the one noise level that was measured, the error stands below."


class ErrorAlongSigma(PaintedChart):
    """Relative error of the score against log sigma, coarse at the left, in a band two standard errors wide, with a mark where the
    sampler is now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(100, parent)
        self._sigmas, self._errors, self._spread = np.zeros(0), np.zeros(0), np.zeros(0)
        self._now: float | None = None
        self._empty = "Measure compares the learned score with the exact one at every noise level."
        self.setAccessibleName("Error of the score along sigma")
        self.setAccessibleDescription(self._empty)

    def show_errors(self, sigmas: np.ndarray, errors: np.ndarray, spread: np.ndarray) -> None:
        """Show (S,) relative errors and their standard errors at (S,) sigmas, in any order."""
        order = np.argsort(sigmas)
        curves = np.stack([sigmas, errors, spread]).astype(float)[:, order]
        curves = curves[:, np.isfinite(curves[1]) & (curves[0] > 0)]
        curves[2] = np.nan_to_num(curves[2])  # of one point alone it is not known
        if np.array_equal(curves, (self._sigmas, self._errors, self._spread)):
            return
        self._sigmas, self._errors, self._spread = curves
        if len(self._sigmas):
            worst = int(self._errors.argmax())
            self.setAccessibleDescription(
                f"At most {percent_with_error(self._errors[worst], self._spread[worst])}, at sigma {shown(self._sigmas[worst])}."
            )
        else:
            self.setAccessibleDescription(self._empty)
        self.update()

    def show_now(self, sigma: float | None) -> None:
        """Mark a sigma; moves by less than half a pixel are not painted."""
        before, self._now = self._now, sigma
        if len(self._sigmas) < 2 or sigma is None or not sigma > 0 or not before:
            if sigma != before:
                self.update()
        elif abs(self._x(sigma) - self._x(before)) >= 0.5:
            self.update()
        else:
            self._now = before

    def show_empty(self, sentence: str) -> None:
        """What stands there before anything is measured."""
        if sentence != self._empty:
            self._empty = sentence
            if not len(self._sigmas):
                self.setAccessibleDescription(sentence)
            self.update()

    def error_at(self, sigma: float) -> float:
        """The measured error at a sigma, interpolated along log sigma."""
        return at_sigma(sigma, self._sigmas, self._errors)

    def spread_at(self, sigma: float) -> float:
        """Its standard error, likewise."""
        return at_sigma(sigma, self._sigmas, self._spread)

    def draw(self, painter: QPainter, plot: QRectF) -> None:
        if len(self._sigmas) < 2:
            self.sentence(painter, NO_CURVE if len(self._sigmas) else self._empty)
            return
        top = _nice(float((self._errors + self._spread).max()))
        for share in (0.0, 0.5, 1.0):
            y = plot.bottom() - share * plot.height()
            painter.setPen(QPen(self.tokens.color("border"), 1))
            painter.drawLine(QPointF(plot.left(), round(y) + 0.5), QPointF(plot.right(), round(y) + 0.5))
        for power in decades(self._sigmas[0], self._sigmas[-1]):
            self.words(painter, shown(power), QPointF(self._x(power), plot.bottom() + 10))

        def places(values: np.ndarray) -> list[QPointF]:
            heights = plot.bottom() - np.maximum(values, 0) / top * plot.height()
            return [QPointF(self._x(sigma), y) for sigma, y in zip(self._sigmas, heights.tolist(), strict=True)]

        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.tokens.color("error", BAND))
        below, above = places(self._errors - self._spread), places(self._errors + self._spread)
        painter.drawPolygon(QPolygonF(above + below[::-1]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(theme.round_pen(self.tokens.color("error"), 2))
        painter.drawPolyline(QPolygonF(places(self._errors)))
        now = self._now
        x = None if now is None or not now > 0 else min(max(self._x(now), plot.left()), plot.right())
        if x is not None:
            painter.setPen(QPen(self.tokens.color("particles"), 1.5))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        label = self.words(painter, percent(top), QPointF(plot.left(), plot.top() + 6), align="left", plate=True)
        if x is not None:
            left = x > plot.center().x()
            at = QPointF(x + (-5 if left else 5), plot.top() + 6)
            if not left and at.x() - 6 < label.right():
                at.setY(label.bottom() + label.height() / 2)  # below the axis' label, not over it
            self.words(painter, "now", at, "text", "right" if left else "left", plate=True)
        if self.pointer is not None and plot.contains(self.pointer):
            sigma = self._sigma(self.pointer.x())
            self.line(painter, self.pointer.x(), plot, "muted", 0.6)
            text = f"{percent_with_error(self.error_at(sigma), self.spread_at(sigma))} at σ = {shown(sigma)}"
            self.words(painter, text, QPointF(self.pointer.x(), plot.bottom() - 8), "text", plate=True)

    def _x(self, sigma: float) -> float:
        plot, low, high = self.plot(), self._sigmas[0], self._sigmas[-1]
        return plot.left() + plot.width() * math.log(high / sigma) / math.log(high / low)

    def _sigma(self, x: float) -> float:
        plot, low, high = self.plot(), self._sigmas[0], self._sigmas[-1]
        return high * (low / high) ** ((x - plot.left()) / plot.width())


def _nice(value: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least this."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))
