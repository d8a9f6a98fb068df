"""Toasts in the top bar."""

import itertools
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Slot
from PySide6.QtGui import QCursor, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QPushButton,
    QToolButton,
    QWidget,
)

from playground.app.style.labels import worded
from playground.app.style.text_size import px
from playground.app.style.wrapping import breakable
from playground.app.widgets import layouts
from playground.app.widgets.accessible_roles import announce
from playground.app.widgets.captions import button, named
from playground.app.widgets.selectable import SelectableLabel
from playground.app.workers.timers import timer
from playground.messages import Message

MILLISECONDS = {"info": 5_000, "warning": 12_000, "error": 12_000}  # in ascending order of importance
TITLES = {"info": "Note", "warning": "Warning", "error": "Error"}
MOST = 3  # toasts that are kept, including the one in view
WIDTH = 800  # px; a sentence fits in one or two lines, which is the room in the top bar
NARROW = 400

ToastAction = tuple[str, str, Callable[[], object]]  # a button's text, its tooltip, and its function
IsCurrent = Callable[[], bool]  # returns whether a toast's message still holds

_numbers = itertools.count()  # of the toasts, in the order in which they came


class Toast(QFrame):
    """One message with its level, an optional button and a way to dismiss it.

    It disappears after a while, behind a newer one too, but not while the mouse is over it or one of its buttons has the
    focus. An error with a button is an error of the program, and stays until it is dismissed, behind those that wait.
    """

    def __init__(
        self, level: str, message: Message | str, offer: ToastAction | None, is_current: IsCurrent, parent: "Toasts"
    ) -> None:
        super().__init__(parent)
        self._toasts, self.level, self.message, self.is_current = parent, level, message, is_current
        self.sentence = sentence = worded(message)
        self.stays = level == "error" and offer is not None
        self._count = 1
        self.number = next(_numbers)
        self.setObjectName("toast")
        self.setProperty("level", level)
        self.setAccessibleName(f"{TITLES[level]}: {sentence}")
        self.label = SelectableLabel(breakable(sentence))
        self.label.setWordWrap(True)
        title = QLabel(TITLES[level])
        title.setObjectName("toastTitle")
        title.setProperty("level", level)
        self.title = title
        close = QToolButton()
        close.setObjectName("toastClose")
        close.setText("✕")
        named(close, "Dismiss", "Dismiss")
        close.setAutoRaise(True)
        close.clicked.connect(self._close)

        mark = QFrame()
        mark.setObjectName("toastMark")
        mark.setProperty("level", level)
        mark.setFixedWidth(px(4))
        row = layouts.across(mark, title, within=self, spacing=10, margins=(8, 6, 6, 6))
        self._body = layouts.across((self.label, 1), spacing=8)
        layouts.add(row, (self._body, 1), close)
        self.button: QPushButton | None = None
        if offer is not None:
            text, tip, run = offer
            self.button = button(text, tip, lambda: self._take_up(run), "toastButton")
            self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._body.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._timer = timer(self, self._expire, singleShot=True)

    def set_width(self, width: int) -> None:
        """Use as little height as the width allows: the button goes below the sentence only if it would squeeze it."""
        layouts.turn(self._body, width >= px(NARROW))
        self.setFixedWidth(width)

    def repeat(self, is_current: IsCurrent) -> None:
        """Count a repeated message instead of adding another toast."""
        self.is_current = is_current
        self._count += 1
        self.title.setText(f"{TITLES[self.level]} ×{self._count}")
        self._wait()

    def _take_up(self, run: Callable[[], object]) -> None:
        run()
        self.dismiss()

    @Slot()
    def _close(self) -> None:
        """Dismiss it, and the older ones that are no more important: they were seen when they came."""
        self._toasts.dismiss_before(self)
        self.dismiss()

    def dismiss(self) -> None:
        self._timer.stop()
        self.hide()
        self._toasts.remove(self)

    def showEvent(self, event: QShowEvent) -> None:
        if not self._timer.isActive():
            self._wait()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        if self.stays or event.spontaneous():  # the window is minimized
            self._timer.stop()
        super().hideEvent(event)

    def _wait(self) -> None:
        if self.isVisible() or not self.stays:
            self._timer.start(MILLISECONDS[self.level])

    def _expire(self) -> None:
        focused = self.button is not None and self.button.hasFocus()
        if (self.isVisible() and self.rect().contains(self.mapFromGlobal(QCursor.pos()))) or focused:
            self._wait()
        elif not self.stays:
            self.dismiss()
        else:
            self._toasts.put_last(self)
            self._wait()


class Toasts(QWidget):
    """Shows the newest toast over a part of the window; the others wait, newest first.

    Args:
        over: the part, which has only text, so that no toast takes a click meant for a control. A higher toast extends
            beyond the part's lower edge.
        instead: where they are shown while that part is hidden: at the lower edge of this one.
    """

    def __init__(self, over: QWidget, instead: QWidget) -> None:
        super().__init__(over.window())
        self._over, self._instead = over, instead
        self.setObjectName("toasts")
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._column = layouts.down(within=self, margins=0)
        self.shown: list[Toast] = []
        for part in (over, instead):
            part.installEventFilter(self)
        self.hide()

    def add(
        self, level: str, message: Message | str, offer: ToastAction | None = None, is_current: IsCurrent = lambda: True
    ) -> Toast:
        """Show a message with level "info", "warning" or "error". Later :meth:`review` removes it."""
        for toast in self.shown:
            if toast.message == message:
                toast.repeat(is_current)
                return toast
        toast = Toast(level, message, offer, is_current, self)
        self.shown.insert(0, toast)
        self._column.insertWidget(0, toast)
        while len(self.shown) > MOST:
            others = self.shown[:0:-1]  # oldest first, without the new one
            next((old for old in others if not old.stays), others[0]).dismiss()
        self._place()
        self.show()
        self.raise_()
        announce(self, toast.accessibleName())
        return toast

    def remove(self, toast: Toast) -> None:
        if toast in self.shown:
            self.shown.remove(toast)
            self._column.removeWidget(toast)
            toast.deleteLater()
        if self.shown:
            self._place()
        else:
            self.hide()

    def dismiss_before(self, toast: Toast) -> None:
        """Dismiss the toasts that came before this one and are no more important."""
        levels = list(MILLISECONDS)
        no_more = levels[: levels.index(toast.level) + 1]
        for old in [old for old in self.shown if old.level in no_more and old.number < toast.number]:
            old.dismiss()

    def put_last(self, toast: Toast) -> None:
        """Put a toast behind those that wait."""
        self.shown.remove(toast)
        self.shown.append(toast)
        self._place()

    def settle(self) -> None:
        """Remove errors and warnings: the user has corrected the cause."""
        for toast in list(self.shown):
            if toast.level != "info" and not toast.stays:
                toast.dismiss()

    def review(self) -> None:
        """Remove the toasts that no longer hold."""
        for toast in list(self.shown):
            if not toast.is_current():
                toast.dismiss()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.shown:
            self._place()
        return False

    def event(self, event: QEvent) -> bool:
        # The first height is a guess, because the style sheet's padding applies only when it is shown.
        if event.type() == QEvent.Type.LayoutRequest and self.shown:
            self._place()
        return super().event(event)

    def _place(self) -> None:
        over = self._over if self._over.isVisible() else self._instead
        width = min(px(WIDTH), over.width())
        for toast in self.shown:
            if toast.width() != width:
                toast.set_width(width)
            toast.setVisible(toast is self.shown[0])
        height = self.shown[0].heightForWidth(width)
        parent = self.parentWidget()
        assert parent is not None
        free = over.height() - height
        place = over.mapTo(parent, QPoint(0, max(free // 2 if over is self._over else free, 0)))
        self.setGeometry(place.x(), place.y(), width, height)
