"""The layout of the window: as it was left, or as at its first start."""

from PySide6.QtCore import QByteArray, QRect, Qt
from PySide6.QtWidgets import QMainWindow

from playground.app.columns import Columns
from playground.app.model.preferences import Preferences
from playground.app.style.text_size import px

COLUMNS = (312, 306)  # px of the left and right column at first, so that the chips have room in one row
FIRST = (1440, 900)  # px of the first window with its frame, if the screen has room for it
FRAME = (2, 30)  # px of a frame's width and height, estimated before there is one


class WindowState:
    """Sets the position of a window, its columns and its folded cards, and remembers them."""

    def __init__(self, window: QMainWindow, preferences: Preferences, columns: Columns) -> None:
        self._window, self._preferences, self._columns = window, preferences, columns
        self._panels = columns.panels.values()

    def restore(self) -> None:
        """Restore the layout from the preferences, as far as they have it."""
        window, preferences = self._window, self._preferences
        geometry = preferences.get("geometry")
        if not (geometry and window.restoreGeometry(QByteArray(geometry))):
            room = self.available()
            window.resize(min(FIRST[0], room.width() - FRAME[0]), min(FIRST[1], room.height() - FRAME[1]))
        folded = preferences.get("folded")
        for panel in self._panels:
            panel.set_folded(folded.get(type(panel).__name__, False))
        columns, first = preferences.get("columns"), tuple(map(px, COLUMNS))
        self._columns.setSizes(list(columns) if columns else [first[0], window.width() - sum(first), first[1]])

    def available(self) -> QRect:
        """The screen's area without the system's own bars."""
        return self._window.screen().availableGeometry()

    def keep_first_on_screen(self) -> None:
        """Keep a window whose position is not remembered on the screen; its frame's width is known only when it is visible."""
        if not self._preferences.get("geometry"):
            self.keep_on_screen()

    def keep_on_screen(self) -> None:
        """Make a new window smaller and move it until its frame is inside the screen."""
        window, room = self._window, self.available()
        whole = window.frameGeometry().size()
        window.resize(window.size() - (whole - whole.boundedTo(room.size())))
        frame = window.frameGeometry()
        left = max(min(frame.left(), room.right() + 1 - frame.width()), room.left())
        top = max(min(frame.top(), room.bottom() + 1 - frame.height()), room.top())
        if (left, top) != (frame.left(), frame.top()):
            window.move(left, top)

    def remember(self) -> None:
        """Write the values that :meth:`restore` needs."""
        preferences = self._preferences
        preferences.set("geometry", bytes(self._window.saveGeometry().data()))
        if not self._columns.joined:
            preferences.set("columns", self._columns.widths)
        preferences.set("folded", {type(panel).__name__: panel.is_folded() for panel in self._panels})
        preferences.flush()

    def reset(self) -> None:
        """Restore the first layout and forget all remembered values."""
        self._preferences.clear()
        self._window.setWindowState(Qt.WindowState.WindowNoState)
        for panel in self._panels:
            panel.hide_advanced()
        self.restore()
        frame = self._window.frameGeometry()  # it may have grown beyond the screen's edge
        frame.moveCenter(self.available().center())
        self._window.move(frame.topLeft())
        self.keep_on_screen()
        self.remember()
