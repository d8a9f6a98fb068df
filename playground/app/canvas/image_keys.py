"""Keys instead of clicks: select an image of the grid, take it, and release it."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent

from playground.app.canvas.plot_surface import PICK_KEYS, PlotSurface, modifier_of
from playground.app.widgets.accessible_roles import announce
from playground.drawing.images import ImageGrid, Tiles

STEPS = {  # columns and rows
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
ENDS = (Qt.Key.Key_Home, Qt.Key.Key_End)


class ImageKeys(QObject):
    """Arrow keys, Home and End select an image. Enter takes it; Escape or a click releases it.

    Args:
        surface: the widget that gets the keys and shows the mark.
        grid: returns the images in view, or None.

    Signals:
        picked(int, str): Enter on an image, with its modifier: "" or "shift".
    """

    picked = Signal(object, str)

    def __init__(self, surface: PlotSurface, grid: Callable[[], ImageGrid | None]) -> None:
        super().__init__(surface)
        self._surface, self._grid = surface, grid
        self._number: int | None = None
        surface.installEventFilter(self)
        surface.marks.append(self.box)

    def box(self) -> QRectF | None:
        """The rectangle of the selected image."""
        tiles = self._tiles()
        if tiles is None:
            return None
        number = self._at(tiles)
        return None if number is None else tiles.box(number)

    def let_go(self) -> None:
        self._number = None
        self._surface.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress:
            self.let_go()
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._press(event)
        return False

    def _tiles(self) -> Tiles | None:
        grid = self._grid()
        return None if grid is None else self._surface.tiles(grid)

    def _at(self, tiles: Tiles) -> int | None:
        """The number of the selected image; None if it is no longer in view."""
        return self._number if self._number is not None and self._number < tiles.shown else None

    def _press(self, event: QKeyEvent) -> bool:
        """Handle a key that has a meaning here."""
        tiles, key, held = self._tiles(), event.key(), event.modifiers()
        if tiles is None or held & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            return False
        number = self._at(tiles)
        if key in STEPS and tiles.shown:
            self._step(tiles, number, *STEPS[Qt.Key(key)])
        elif key in ENDS and tiles.shown:
            self._go(tiles, 0 if key == Qt.Key.Key_Home else tiles.shown - 1)
        elif number is None:
            return False
        elif key in PICK_KEYS:
            self.picked.emit(number, modifier_of(held))
        elif key == Qt.Key.Key_Escape:
            self.let_go()
        else:
            return False
        return True

    def _step(self, tiles: Tiles, number: int | None, columns: int, rows: int) -> None:
        """Move the selection by one step. The first step selects the ringed image, or the first of all."""
        grid = self._grid()
        assert grid is not None
        if number is None:
            ringed = grid.selected
            self._go(tiles, ringed if ringed is not None and ringed < tiles.shown else 0)
        else:
            there = number + columns + rows * tiles.columns
            self._go(tiles, there if 0 <= there < tiles.shown else number)

    def _go(self, tiles: Tiles, number: int) -> None:
        self._number = number
        announce(self._surface, f"Image {number + 1} of {tiles.shown}")
        self._surface.update()
