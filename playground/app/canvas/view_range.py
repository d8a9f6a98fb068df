"""The part of the plane in view: fit, zoom and pan."""

import numpy as np
from PySide6.QtCore import QPoint

from playground.drawing.plane import Viewport, shaped

FARTHEST = 100.0  # largest view, times the fitted width and height; beyond it the data are a dot
NEAREST = 1e-4  # smallest view, times the fitted width; below it a pixel is less than float32 resolves


class ViewRange:
    """What is asked for and, in the shape of a widget, what is shown.

    Attributes:
        fitted: the bounds that were fitted last.
        wanted: the view that was asked for, whatever the shape.
        locked: whether both axes have the same scale.
        shown: the smallest view of the shape that contains it or, if both axes have scales of their own, itself.
    """

    def __init__(self) -> None:
        self.fitted: Viewport = (-1.0, 1.0, -1.0, 1.0)
        self.wanted = self.shown = self.fitted
        self.locked = True
        self._shape = 1, 1

    def set_shape(self, width: int, height: int, moved: QPoint | None = None) -> None:
        """Fit what was asked for into the width and height of the widget.

        Args:
            moved: how far its upper left corner has moved, if what is in view is to stay where it is, at the same scale.
        """
        before, self._shape = self._shape, (max(width, 1), max(height, 1))
        if moved is None:
            self.show(self.wanted)
        else:
            x0, x1, y0, y1 = self.shown
            across, down = (x1 - x0) / before[0], (y1 - y0) / before[1]
            x0, y1 = x0 + moved.x() * across, y1 - moved.y() * down
            self.shown = x0, x0 + self._shape[0] * across, y1 - self._shape[1] * down, y1

    def set_locked(self, locked: bool) -> None:
        """Set whether both axes have the same scale."""
        self.locked = locked
        self.show(self.wanted)

    def fit(self, bounds: Viewport) -> None:
        self.fitted = bounds
        self.show(bounds)

    def show(self, viewport: Viewport) -> None:
        self.wanted, self.shown = viewport, self._in_shape(viewport)

    def zoom(self, factor: float, centre: tuple[float, float] | None = None) -> None:
        """Enlarge by a factor; `centre`, by default the centre of the view, keeps its position."""
        shown = np.reshape(self.shown, (2, 2))
        kept = (shown.mean(axis=1) if centre is None else np.array(centre))[:, None]
        x0, x1, _, _ = self._in_shape(self.fitted)
        times = np.ptp(shown[0]) / max(x1 - x0, 1e-300)
        self._move(kept + (shown - kept) / min(max(factor, times / FARTHEST), times / NEAREST))

    def pan(self, dx: float, dy: float) -> None:
        """Move by fractions of the width and height; positive shows what lies right and above."""
        shown = np.reshape(self.shown, (2, 2))
        self._move(shown + np.array([[dx], [dy]]) * np.ptp(shown, axis=1, keepdims=True))

    def _move(self, bounds: np.ndarray) -> None:
        """Show these bounds, (2, 2), within the farthest zoom."""
        fitted = np.reshape(self._in_shape(self.fitted), (2, 2))
        reach = np.maximum(FARTHEST * np.ptp(fitted, axis=1) - np.ptp(bounds, axis=1), 0.0) / 2
        away = bounds.mean(axis=1) - fitted.mean(axis=1)
        x0, x1, y0, y1 = (bounds + (np.clip(away, -reach, reach) - away)[:, None]).ravel().tolist()
        self.show((x0, x1, y0, y1))

    def _in_shape(self, viewport: Viewport) -> Viewport:
        return shaped(viewport, *self._shape) if self.locked else viewport
