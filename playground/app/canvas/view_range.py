"""The part of the plane in view: fit, zoom and pan."""

import numpy as np
from PySide6.QtCore import QPoint, QRect, QSize

from playground.drawing.plane import Viewport, shaped

FARTHEST = 100.0  # largest view, times the fitted width and height; beyond it the data are a dot
NEAREST = 1e-4  # smallest view, times the fitted width; below it a pixel is less than float32 resolves


class ViewRange:
    """What is asked for and, in the shape of a widget, what is shown.

    Attributes:
        fitted: the bounds that were fitted last.
        wanted: the view that was asked for, whatever the shape.
        locked: whether both axes have the same scale.
        frame: where in the widget this view is, in px: all of it, or where it was while it is to stay there.
        shown: what is in view: in the frame the smallest view of its shape that contains what was asked for or, if both axes
            have scales of their own, just that; around it what lies beside.
    """

    def __init__(self) -> None:
        self.fitted: Viewport = (-1.0, 1.0, -1.0, 1.0)
        self.wanted = self.shown = self.fitted
        self.locked = True
        self._size = QSize(1, 1)
        self.frame = QRect(QPoint(), self._size)

    def set_shape(self, width: int, height: int, moved: QPoint | None = None) -> None:
        """Fit what was asked for into the width and height of the widget.

        Args:
            moved: how far its upper left corner has moved, if what is in view is to stay where it is, at the same scale.
        """
        self._size = QSize(max(width, 1), max(height, 1))
        self._show(QRect(QPoint(), self._size) if moved is None else self.frame.translated(-moved))

    def set_locked(self, locked: bool) -> None:
        """Set whether both axes have the same scale."""
        self.locked = locked
        self.show(self.wanted)

    def fit(self, bounds: Viewport) -> None:
        self.fitted = bounds
        self.show(bounds)

    def show(self, viewport: Viewport) -> None:
        self.wanted = viewport
        self._show(QRect(QPoint(), self._size))

    def _show(self, frame: QRect) -> None:
        self.frame = frame
        x0, x1, y0, y1 = self._in_shape(self.wanted, frame.size())
        across, down = (x1 - x0) / frame.width(), (y1 - y0) / frame.height()
        left, top = x0 - frame.left() * across, y1 + frame.top() * down
        right, bottom = (
            self._size.width() - frame.width() - frame.left(),
            self._size.height() - frame.height() - frame.top(),
        )
        self.shown = left, x1 + right * across, y0 - bottom * down, top

    def zoom(self, factor: float, centre: tuple[float, float] | None = None) -> None:
        """Enlarge by a factor; `centre`, by default the centre of the view, keeps its position."""
        shown = np.reshape(self.shown, (2, 2))
        kept = (shown.mean(axis=1) if centre is None else np.array(centre))[:, None]
        x0, x1, _, _ = self._in_shape(self.fitted, self._size)
        times = np.ptp(shown[0]) / max(x1 - x0, 1e-300)
        self._move(kept + (shown - kept) / min(max(factor, times / FARTHEST), times / NEAREST))

    def pan(self, dx: float, dy: float) -> None:
        """Move by fractions of the width and height; positive shows what lies right and above."""
        shown = np.reshape(self.shown, (2, 2))
        self._move(shown + np.array([[dx], [dy]]) * np.ptp(shown, axis=1, keepdims=True))

    def _move(self, bounds: np.ndarray) -> None:
        """Show these bounds, (2, 2), within the farthest zoom."""
        fitted = np.reshape(self._in_shape(self.fitted, self._size), (2, 2))
        reach = np.maximum(FARTHEST * np.ptp(fitted, axis=1) - np.ptp(bounds, axis=1), 0.0) / 2
        away = bounds.mean(axis=1) - fitted.mean(axis=1)
        x0, x1, y0, y1 = (bounds + (np.clip(away, -reach, reach) - away)[:, None]).ravel().tolist()
        self.show((x0, x1, y0, y1))

    def _in_shape(self, viewport: Viewport, size: QSize) -> Viewport:
        return shaped(viewport, *size.toTuple()) if self.locked else viewport
