"""How the window is laid out: as it was left, or as at its first start."""

from collections.abc import Sequence

from PySide6.QtCore import QByteArray, QEvent, QRect, Qt
from PySide6.QtWidgets import QApplication, QMainWindow, QScrollArea

from playground.app.columns import Columns
from playground.app.model.preferences import Preferences
from playground.app.style.text_size import px
from playground.app.widgets.collapsible_panel import CollapsiblePanel

COLUMNS = (312, 306)  # px of the left and right column at first: between them the chips have room in one row
FIRST = (1440, 900)  # px of the first window, frame included, where the screen has room for it
FOLDED_FIRST = (
    "NoisePanel",
    "ObjectivePanel",
    "TrainingPanel",
    "DataPanel",
)  # where a column has no room for all cards
FRAME = (2, 30)  # px that a frame takes of width and height, near enough until there is one


class WindowState:
    """Places a window, its columns and its folded cards, and remembers how they were left."""

    def __init__(
        self, window: QMainWindow, preferences: Preferences, panels: Sequence[CollapsiblePanel], columns: Columns
    ) -> None:
        self._window, self._preferences, self._panels, self._columns = window, preferences, panels, columns

    def restore(self) -> None:
        """Lay the window out as the preferences remember, as far as they do."""
        window, preferences = self._window, self._preferences
        geometry = preferences.get("geometry")
        if not (geometry and window.restoreGeometry(QByteArray(geometry))):
            room = self.available()
            window.resize(min(FIRST[0], room.width() - FRAME[0]), min(FIRST[1], room.height() - FRAME[1]))
        folded = preferences.get("folded") or {}
        for panel in self._panels:
            panel.set_folded(folded.get(type(panel).__name__, False))
        columns, first = preferences.get("columns"), tuple(map(px, COLUMNS))
        self._columns.setSizes(list(columns) if columns else [first[0], window.width() - sum(first), first[1]])

    def fold_first(self) -> None:
        """At the first start fold cards of the pipeline, one after another, until the column shows all of the last, Sample."""
        if self._preferences.get("folded") is not None:
            return
        panels = {type(panel).__name__: panel for panel in self._panels}
        for name in FOLDED_FIRST:
            # Only now is it laid out as it is seen.
            QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
            column = panels[name].column()
            if column is None or self._fits(column):
                break
            panels[name].set_folded(True)

    @staticmethod
    def _fits(column: QScrollArea) -> bool:
        whole = column.widget()
        layout = None if whole is None else whole.layout()
        assert whole is not None
        assert layout is not None
        return layout.totalHeightForWidth(whole.width()) <= column.viewport().height()

    def available(self) -> QRect:
        """What the screen has room for: all but the system's own bars."""
        return self._window.screen().availableGeometry()

    def keep_first_on_screen(self) -> None:
        """Keep a window on the screen whose place is not remembered; only once it is seen is it known how wide its frame is.

        Then fold what its height has no room for.
        """
        if not self._preferences.get("geometry"):
            self.keep_on_screen()
        self.fold_first()

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
        if not self._columns.joined:
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
        self.fold_first()
        self.remember()
