"""A column of cards that scrolls; a pressed widget stays under the pointer when rows come and go."""

from PySide6.QtCore import QEvent, QObject, QPoint, Slot
from PySide6.QtGui import QMouseEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QScrollArea, QWidget
from shiboken6 import isValid

MOST_TRIES = 4


class Column(QScrollArea):
    """Keeps the widget that was pressed last in its position: changes above it are compensated by scrolling.

    At an end of the column, where it cannot scroll far enough, it adds empty room until the pointer leaves.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._held: list[QWidget] = []  # the pressed widget and its parents up to the card
        self._y = 0
        self._steadying = False
        self._room = 0  # px of empty room above the first card
        self._watched: QObject | None = None
        self.verticalScrollBar().rangeChanged.connect(self._steady)
        self.verticalScrollBar().sliderMoved.connect(self.release)

    def hold(self, pressed: QWidget) -> None:
        """Keep a widget of this column at its height until something else is pressed, or the user scrolls."""
        whole = self.widget()
        self._let_go()
        above: QWidget | None = pressed
        while above is not None and above is not whole:
            above.installEventFilter(self)
            self._held.append(above)
            above = above.parentWidget()
        self._y = self._height_of(pressed)

    @Slot()
    def release(self) -> None:
        """Hold no widget, and remove empty room at the ends."""
        self._let_go()
        whole = self.widget()
        if whole is None:
            return
        whole.setMinimumHeight(0)
        if self._room:
            self._leave_room(0)

    def _let_go(self) -> None:
        for one in self._held:
            if isValid(one):
                one.removeEventFilter(self)
        self._held = []

    def _height_of(self, held: QWidget) -> int:
        return held.mapTo(self.viewport(), QPoint()).y()

    @Slot()
    def _steady(self) -> None:
        """Scroll by as much as the held widget has moved."""
        whole = self.widget()
        if self._steadying or not self._held or whole is None:
            return
        held = self._held[0]
        if not isValid(held) or not whole.isAncestorOf(held) or not held.isVisible():
            self._let_go()
            return
        bar = self.verticalScrollBar()
        self._steadying = True
        for _ in range(MOST_TRIES):  # adding room causes a new layout, which may move things again
            target = bar.value() + self._height_of(held) - self._y
            if target == bar.value():
                break
            if target > bar.maximum():
                whole.setMinimumHeight(target + self.viewport().height())
            if target < 0:
                self._leave_room(self._room - target)
            bar.setValue(target)
        self._steadying = False

    def _leave_room(self, pixels: int) -> None:
        """Add this much empty room above the first card."""
        whole = self.widget()
        layout = None if whole is None else whole.layout()
        if layout is not None:
            margins = layout.contentsMargins()
            margins.setTop(margins.top() + pixels - self._room)
            layout.setContentsMargins(margins)
            self._room = pixels

    def ensureWidgetVisible(self, childWidget: QWidget, xmargin: int = 50, ymargin: int = 50) -> None:
        self.release()
        super().ensureWidgetVisible(childWidget, xmargin, ymargin)
        self.horizontalScrollBar().setValue(0)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        handle = self.window().windowHandle()
        if handle is not None and handle is not self._watched:
            self._watched = handle  # every press passes here, whichever widget takes it
            handle.installEventFilter(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.release()
        super().wheelEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.release()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._watched:
            if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
                pressed = self.window().childAt(event.position().toPoint())
                whole = self.widget()
                if pressed is not None and whole is not None and whole.isAncestorOf(pressed):
                    self.hold(pressed)
            return False
        if event.type() == QEvent.Type.Move and watched in self._held:
            self._steady()
        return super().eventFilter(watched, event)
