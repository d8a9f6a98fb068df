"""A column of cards that scrolls; a pressed widget stays under the pointer when rows come and go.

Above the cards there can be a part that does not scroll with them.
"""

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Slot
from PySide6.QtGui import QAccessible, QMouseEvent, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QScrollArea, QWidget
from shiboken6 import isValid

from playground.app.style.text_size import px

MOST_TRIES = 4
ROOM = 96  # px that the part above leaves to the cards: one control with its neighbours
DIRECT = Qt.FindChildOption.FindDirectChildrenOnly
AROUND = 24  # px that are shown around the part that is kept in view


class Cards(QScrollArea):
    """Cards that scroll; :meth:`keep_in_view` keeps a widget of theirs in view."""

    def __init__(self) -> None:
        super().__init__()
        self._steadying = False
        self._watched: QObject | None = None
        self._in_view: QWidget | None = None
        self.verticalScrollBar().rangeChanged.connect(self._steady)
        self.verticalScrollBar().actionTriggered.connect(self._scrolled)

    def keep_in_view(self, part: QWidget | None) -> None:
        """Keep a widget of these cards in view, whatever comes and goes, until the user scrolls or presses something.

        Of one that is higher than the room for it the beginning is in view.
        """
        self._in_view = part
        self._show_kept()

    def _show_kept(self) -> None:
        part, whole = self._in_view, self.widget()
        if part is None or whole is None or not isValid(part) or not whole.isAncestorOf(part) or part.isHidden():
            self._in_view = None
        elif not self._steadying:
            self._steadying = True
            bar, top = self.verticalScrollBar(), part.mapTo(whole, QPoint()).y() - px(AROUND)
            bar.setValue(min(max(bar.value(), top + part.height() + 2 * px(AROUND) - self.viewport().height()), top))
            self.horizontalScrollBar().setValue(0)
            self._steadying = False

    @Slot()
    def _steady(self) -> None:
        """Scroll after a change of the cards, or of the room for them."""
        self._show_kept()

    @Slot()
    def _scrolled(self) -> None:
        self._in_view = None

    def hold(self, pressed: QWidget) -> None:
        """Leave the scrolling to the user, who has pressed a widget of these cards."""
        self._in_view = None

    def ensureWidgetVisible(self, childWidget: QWidget, xmargin: int = 50, ymargin: int = 50) -> None:
        self._scrolled()
        super().ensureWidgetVisible(childWidget, xmargin, ymargin)
        self.horizontalScrollBar().setValue(0)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        handle = self.window().windowHandle()
        if handle is not None and handle is not self._watched:
            self._watched = handle  # every press passes here, whichever widget takes it
            handle.installEventFilter(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._scrolled()
        super().wheelEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._watched:
            if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
                pressed = self.window().childAt(event.position().toPoint())
                whole = self.widget()
                if pressed is not None and whole is not None and whole.isAncestorOf(pressed):
                    self.hold(pressed)
            return False
        return super().eventFilter(watched, event)


class Column(Cards):
    """Keeps the widget that was pressed last in its position: changes above it are compensated by scrolling.

    At an end of the column, where it cannot scroll far enough, it adds empty room until the pointer leaves.
    """

    accessible_role = QAccessible.Role.Client  # Qt's own interface of a scrolling area leaves out the part above

    def __init__(self) -> None:
        super().__init__()
        self.held: list[QWidget] = []  # the pressed widget and its parents up to the card
        self._y = 0
        self._room = 0  # px of empty room above the first card
        self._above: QScrollArea | None = None
        self._beside: QWidget | None = None  # where the scroll bar of the cards would stand beside that part
        self._fitting = False

    def put_above(self, part: QScrollArea) -> None:
        """Put a part above the cards. It is as high as its content, and scrolls where it would leave too little room."""
        content = part.widget()
        assert content is not None
        self._above = part
        self._beside = QWidget(self)
        self.addScrollBarWidget(self._beside, Qt.AlignmentFlag.AlignTop)
        part.setParent(self)
        part.show()  # also while it is empty: only a shown layout tells of its changes
        content.installEventFilter(self)
        self._fit_above()

    def _fit_above(self) -> None:
        part, beside, whole = self._above, self._beside, self.widget()
        content = None if part is None else part.widget()
        layout = None if content is None else content.layout()
        if part is None or beside is None or content is None or layout is None or whole is None or self._fitting:
            return
        shown = any(not child.isHidden() for child in content.findChildren(QWidget, options=DIRECT))
        width = self.viewport().width()
        most = max(self.height() - min(px(ROOM), whole.sizeHint().height()), 0)
        needed = layout.totalHeightForWidth(width) if shown else 0
        height = min(needed, most)
        # A bar that came for a moment would stay: it takes width, and narrower text is higher.
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if needed > most else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self._fitting = True  # a margin may bring or take the bar, and with it the width that the height is of
        part.setVerticalScrollBarPolicy(policy)
        part.setGeometry(
            0, 0, self.width() if needed > most else width, height
        )  # its bar stands above that of the cards
        beside.setFixedHeight(height)
        if height != self.viewportMargins().top():
            self.setViewportMargins(0, height, 0, 0)
        self._fitting = False

    @Slot()
    def _scrolled(self) -> None:
        super()._scrolled()
        self.release()

    def hold(self, pressed: QWidget) -> None:
        """Keep a widget of this column at its height until something else is pressed, or the user scrolls."""
        super().hold(pressed)
        whole = self.widget()
        self._let_go()
        above: QWidget | None = pressed
        while above is not None and above is not whole:
            above.installEventFilter(self)
            self.held.append(above)
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
        for one in self.held:
            if isValid(one):
                one.removeEventFilter(self)
        self.held = []

    def _height_of(self, held: QWidget) -> int:
        return held.mapTo(self.viewport(), QPoint()).y()

    @Slot()
    def _steady(self) -> None:
        """Scroll by as much as the held widget has moved."""
        whole = self.widget()
        if self._steadying or not self.held or whole is None:
            self._show_kept()
            return
        held = self.held[0]
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

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_above()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.release()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and self._above is not None and watched is self._above.widget():
            self._fit_above()
        if event.type() == QEvent.Type.Move and watched in self.held:
            self._steady()
        return super().eventFilter(watched, event)
