"""A column of cards that scrolls; a pressed widget stays under the pointer when rows come and go.

The first card can stay above the others, which scroll below it, as long as there is room for both.
"""

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Slot
from PySide6.QtGui import QAccessible, QMouseEvent, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget
from shiboken6 import isValid

from playground.app.style.text_size import px
from playground.app.style.theme import UNIT

MOST_TRIES = 4
ROOM = 96  # px that the first card leaves to the others: one control with its neighbours
AROUND = 24  # px that are shown around a part that is kept in view
FITS = {
    QEvent.Type.LayoutRequest,
    QEvent.Type.ShowToParent,
    QEvent.Type.HideToParent,
}  # events after which a card is fitted


class Column(QScrollArea):
    """Keeps the widget that was pressed last in its position: changes above it are compensated by scrolling.

    At an end of the column, where it cannot scroll far enough, it adds empty room until the pointer leaves.
    :meth:`keep_in_view` keeps a widget in view instead.
    """

    accessible_role = QAccessible.Role.Client  # Qt's own interface of a scrolling area leaves out the first card

    def __init__(self) -> None:
        super().__init__()
        self.held: list[QWidget] = []  # the pressed widget and its parents up to the card
        self._y = 0
        self._room = 0  # px of empty room above the first card
        self._first: QWidget | None = None  # the card that may stay above the others
        self._beside = QWidget(self)  # where the scroll bar of the others would stand beside that one
        self.addScrollBarWidget(self._beside, Qt.AlignmentFlag.AlignTop)
        self._in_view: list[QWidget] = []  # in the order in which they are brought into view
        self._steadying = self._fitting = False
        self._watched: QObject | None = None
        self.verticalScrollBar().rangeChanged.connect(self._steady)
        self.verticalScrollBar().actionTriggered.connect(self._scrolled)

    @property
    def _rows(self) -> QVBoxLayout | None:
        whole = self.widget()
        rows = None if whole is None else whole.layout()
        return rows if isinstance(rows, QVBoxLayout) else None

    # The first card

    def put_first(self, card: QWidget) -> None:
        """Put a card above all others. It scrolls with them only where it would leave too little room for them."""
        self._first = card
        hidden = card.isHidden() and card.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
        card.setParent(self)
        card.setVisible(not hidden)
        card.installEventFilter(self)
        self._fit_first()

    def _fit_first(self) -> None:
        """Place the first card, which stays at the top in the whole width, so that no bar below changes its height."""
        card, rows = self._first, self._rows
        if card is None or rows is None or self._fitting:
            return
        self._fitting = True
        sides = rows.contentsMargins()
        width = self.width() - sides.left() - sides.right()
        high = card.heightForWidth(width) if card.hasHeightForWidth() else card.sizeHint().height()
        scrolls = not card.isHidden() and UNIT + high > self.height() - px(ROOM)
        if scrolls == (card.parentWidget() is self):
            self._scroll_with_first(scrolls)
        if not scrolls:
            card.setGeometry(sides.left(), UNIT, width, high)
        taken = 0 if scrolls or card.isHidden() else UNIT + high
        self._beside.setFixedHeight(taken)
        if taken != self.viewportMargins().top():
            self.setViewportMargins(0, taken, 0, 0)
        self._fitting = False

    def _scroll_with_first(self, scrolls: bool) -> None:
        """Move the first card to the others, or out of them; the focus stays where it is."""
        card, rows, focused = self._first, self._rows, QApplication.focusWidget()
        assert card is not None
        assert rows is not None
        hidden, inside = card.isHidden(), focused is not None and self._is_first(focused)
        if scrolls:
            rows.insertWidget(0, card)
        else:
            rows.removeWidget(card)
            card.setParent(self)
        card.setVisible(not hidden)
        if focused is not None and inside:
            focused.setFocus()

    def _is_first(self, part: QWidget) -> bool:
        return self._first is not None and (part is self._first or self._first.isAncestorOf(part))

    # What is kept in view

    def keep_in_view(self, part: QWidget) -> None:
        """Keep a widget in view, whatever comes and goes, until the user scrolls or presses something.

        Of one that is higher than the room for it the beginning is in view. One of the first card and one of the others are
        kept together, as far as there is room.
        """
        others = [one for one in self._in_view if self._is_first(one) != self._is_first(part)]
        self._in_view = sorted([*others, part], key=self._is_first)
        self._show_kept()

    def _show_kept(self) -> None:
        whole = self.widget()
        kept = [part for part in self._in_view if isValid(part) and self.isAncestorOf(part) and not part.isHidden()]
        self._in_view = kept
        if whole is None or self._steadying:
            return
        self._steadying = True
        bar = self.verticalScrollBar()
        for part in filter(whole.isAncestorOf, kept):
            top = part.mapTo(whole, QPoint()).y() - px(AROUND)
            bar.setValue(min(max(bar.value(), top + part.height() + 2 * px(AROUND) - self.viewport().height()), top))
            self.horizontalScrollBar().setValue(0)
        self._steadying = False

    def ensureWidgetVisible(self, childWidget: QWidget, xmargin: int = 50, ymargin: int = 50) -> None:
        self._scrolled()
        super().ensureWidgetVisible(childWidget, xmargin, ymargin)
        self.horizontalScrollBar().setValue(0)

    # What was pressed

    def hold(self, pressed: QWidget) -> None:
        """Keep a widget of this column at its height until something else is pressed, or the user scrolls.

        One of the first card is not kept: its steps differ in height.
        """
        whole = self.widget()
        self._in_view = []
        self._let_go()
        above: QWidget | None = pressed
        while above is not None and above is not whole and not self._is_first(pressed):
            above.installEventFilter(self)
            self.held.append(above)
            above = above.parentWidget()
        self._y = self._height_of(pressed)

    @Slot()
    def _scrolled(self) -> None:
        self._in_view = []
        self.release()

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
        rows = self._rows
        if rows is not None:
            margins = rows.contentsMargins()
            margins.setTop(margins.top() + pixels - self._room)
            rows.setContentsMargins(margins)
            self._room = pixels

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_first()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        handle = self.window().windowHandle()
        if handle is not None and handle is not self._watched:
            self._watched = handle  # every press passes here, whichever widget takes it
            handle.installEventFilter(self)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._scrolled()
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
        if watched is self._first and event.type() in FITS:
            self._fit_first()
        if event.type() == QEvent.Type.Move and watched in self.held:
            self._steady()
        return super().eventFilter(watched, event)
