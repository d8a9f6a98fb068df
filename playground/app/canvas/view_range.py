"""The part of the plane in view: fit, zoom and pan."""

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

    def set_shape(self, width: int, height: int) -> None:
        """Set the width and height of the widget."""
        self._shape = max(width, 1), max(height, 1)
        self.show(self.wanted)

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
        x0, x1, y0, y1 = self.shown
        cx, cy = centre or ((x0 + x1) / 2, (y0 + y1) / 2)
        fitted = self._in_shape(self.fitted)
        wide = max(fitted[1] - fitted[0], 1e-300)
        factor = min(max(factor, (x1 - x0) / (wide * FARTHEST)), (x1 - x0) / (wide * NEAREST))
        self._move((cx + (x0 - cx) / factor, cx + (x1 - cx) / factor, cy + (y0 - cy) / factor, cy + (y1 - cy) / factor))

    def pan(self, dx: float, dy: float) -> None:
        """Move by fractions of the width and height; positive shows what lies right and above."""
        x0, x1, y0, y1 = self.shown
        self._move((x0 + dx * (x1 - x0), x1 + dx * (x1 - x0), y0 + dy * (y1 - y0), y1 + dy * (y1 - y0)))

    def _move(self, viewport: Viewport) -> None:
        """Show these bounds, limited to the farthest zoom."""
        fitted, moved = self._in_shape(self.fitted), list(viewport)
        for low in (0, 2):
            size, middle = fitted[low + 1] - fitted[low], (fitted[low] + fitted[low + 1]) / 2
            reach = max(FARTHEST * size - (moved[low + 1] - moved[low]), 0.0) / 2
            centre = (moved[low] + moved[low + 1]) / 2
            shift = min(max(centre, middle - reach), middle + reach) - centre
            moved[low], moved[low + 1] = moved[low] + shift, moved[low + 1] + shift
        self.show((moved[0], moved[1], moved[2], moved[3]))

    def _in_shape(self, viewport: Viewport) -> Viewport:
        return shaped(viewport, *self._shape) if self.locked else viewport
