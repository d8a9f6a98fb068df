"""How the window is laid out: as it was left, or as at its first start."""

from collections.abc import Sequence

from PySide6.QtCore import QByteArray, QRect, Qt
from PySide6.QtWidgets import QMainWindow, QSplitter

from playground.app.model.preferences import Preferences
from playground.app.widgets.collapsible_panel import CollapsiblePanel

COLUMNS = (312, 306)  # px of the left and right column at first: between them the chips have room in one row
FIRST = (1440, 900)  # px of the first window, frame included, where the screen has room for it
FRAME = (2, 30)  # px that a frame takes of width and height, near enough until there is one


class WindowState:
    """Places a window, its columns and its folded cards, and remembers how they were left."""

    def __init__(
        self, window: QMainWindow, preferences: Preferences, panels: Sequence[CollapsiblePanel], columns: QSplitter
    ) -> None:
        self._window, self._preferences, self._panels, self._columns = window, preferences, panels, columns

    def restore(self) -> None:
        """Lay the window out as the preferences remember, as far as they do."""
        window, preferences = self._window, self._preferences
        geometry = preferences.get("geometry")
        if not (geometry and window.restoreGeometry(QByteArray(geometry))):
            room = self.available()
            window.resize(min(FIRST[0], room.width() - FRAME[0]), min(FIRST[1], room.height() - FRAME[1]))
        folded = preferences.get("folded")
        for panel in self._panels:
            panel.set_folded(folded.get(type(panel).__name__, False))
        columns = preferences.get("columns")
        self._columns.setSizes(list(columns) if columns else [COLUMNS[0], window.width() - sum(COLUMNS), COLUMNS[1]])

    def available(self) -> QRect:
        """What the screen has room for: all but the system's own bars."""
        return self._window.screen().availableGeometry()

    def keep_first_on_screen(self) -> None:
        """Keep a window on the screen whose place is not remembered; only once it is seen is it known how wide its frame is."""
        if not self._preferences.get("geometry"):
            self.keep_on_screen()

    def keep_on_screen(self) -> None:
        """Make a window that is seen for the first time smaller, and move it, until its frame lies inside the screen."""
        window, room = self._window, self.available()
        frame = window.frameGeometry()
        window.resize(
            window.width() - max(frame.width() - room.width(), 0),
            window.height() - max(frame.height() - room.height(), 0),
        )
        frame = window.frameGeometry()
        left = max(min(frame.left(), room.right() + 1 - frame.width()), room.left())
        top = max(min(frame.top(), room.bottom() + 1 - frame.height()), room.top())
        if (left, top) != (frame.left(), frame.top()):
            window.move(left, top)

    def remember(self) -> None:
        """Write down what :meth:`restore` needs."""
        preferences = self._preferences
        preferences.set("geometry", bytes(self._window.saveGeometry().data()))
        left, centre, right = self._columns.sizes()
        preferences.set("columns", (left, centre, right))
        preferences.set("folded", {type(panel).__name__: panel.is_folded() for panel in self._panels})
        preferences.flush()

    def reset(self) -> None:
        """Lay the window out as at its first start and forget all that is remembered."""
        self._preferences.clear()
        self._window.setWindowState(Qt.WindowState.WindowNoState)
        for panel in self._panels:
            panel.hide_advanced()
        self.restore()
        frame = self._window.frameGeometry()  # which may have grown beyond the screen's edge
        frame.moveCenter(self.available().center())
        self._window.move(frame.topLeft())
        self.keep_on_screen()
        self.remember()
