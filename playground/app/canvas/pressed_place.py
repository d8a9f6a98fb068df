"""A pressed place of a widget, which stays under the pointer although the widget gets another size."""

from PySide6.QtCore import QPoint, QSize
from PySide6.QtWidgets import QWidget


class PressedPlace:
    """Knows how far a widget moves below the pointer while a place of it is held, as when a card comes beside it.

    Nothing is held any more once the place lies outside of the widget, or the window has another size.
    """

    def __init__(self, widget: QWidget) -> None:
        self._widget = widget
        self._corner = QPoint()  # the widget's own in the window, when it was asked for last
        self._held: tuple[QPoint, QSize] | None = None  # the place in the window, and the window's size

    @property
    def is_held(self) -> bool:
        return self._held is not None

    def hold(self, place: QPoint) -> None:
        """Hold a place of the widget."""
        window = self._widget.window()
        self._held = self._widget.mapTo(window, place), window.size()

    def release(self) -> None:
        self._held = None

    def moved(self) -> QPoint | None:
        """The way of the widget's upper left corner since the last call; None if nothing is held."""
        window = self._widget.window()
        corner = self._widget.mapTo(window, QPoint())
        way, self._corner = corner - self._corner, corner
        if self._held is not None:
            place, size = self._held
            if size != window.size() or not self._widget.rect().contains(place - corner):
                self._held = None
        return way if self.is_held else None
