"""The tour of two minutes: panels that explain the parts of the window, which stays usable."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, Qt, Signal, Slot
from PySide6.QtGui import (
    QHideEvent,
    QKeyEvent,
    QPaintEvent,
    QPen,
    QPolygonF,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from playground.app.canvas import CanvasView, ChipBar
from playground.app.panels import DataPanel, NoisePanel, ObjectivePanel, SamplingPanel, TrainingPanel
from playground.app.style import theme
from playground.app.style.painting import inside, paint_box, smooth
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT
from playground.app.widgets import layouts
from playground.app.widgets.accessible_roles import announce
from playground.app.widgets.captions import button, text_line
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.transport import Transport
from playground.app.workers.timers import timer

WIDTH = 300
POINTER = 10  # px, length of a panel's pointer
MOST_WORDS = 40


@dataclass(frozen=True)
class Stop:
    """One panel of the tour: its text, and the part of the window that it points at.

    Attributes:
        side: the panel's position at the part: "right", "below", "above", or "inside" at its corner.
    """

    title: str
    words: str
    part: Callable[[QWidget], QWidget | None]
    side: str


def _of(kind: type[QWidget]) -> Callable[[QWidget], QWidget | None]:
    return lambda window: window.findChild(kind)


STOPS = (
    Stop(
        "A tour in two minutes?",
        "Points move from noise to data along arrows. The arrows are the score: they show where data become more likely. "
        "This tour says what is where; everything goes on working.",
        _of(CanvasView),
        "inside",
    ),
    Stop(
        "1 · Data",
        "Five steps lead from data to new points. Here you choose the data: click a tile, draw with the brush, or open a file.",
        _of(DataPanel),
        "right",
    ),
    Stop(
        "2 · Noise",
        "Noise is added to the data at many levels σ. At the coarsest level nothing is left but a round cloud, which is easy to sample.",
        _of(NoisePanel),
        "right",
    ),
    Stop(
        "3 · Objective",
        "A network learns the score at every noise level. The objective is the loss that makes it do so.",
        _of(ObjectivePanel),
        "right",
    ),
    Stop(
        "4 · Train",
        "Press T to train, and again to pause. Watch the arrows on the canvas turn as the loss falls.",
        _of(TrainingPanel),
        "right",
    ),
    Stop(
        "5 · Sample",
        "A sampler starts from noise and follows the score. Choose another one, or fewer steps, and see what becomes of the points.",
        _of(SamplingPanel),
        "right",
    ),
    Stop(
        "Layers",
        "Here you show or hide what is on the canvas: data, density, scores, particles. The small arrow of a layer opens its options.",
        _of(ChipBar),
        "below",
    ),
    Stop(
        "Time",
        "The bar is the time of sampling: noise on the left, data on the right. Drag it to any moment; Space plays and pauses.",
        _of(Transport),
        "above",
    ),
    Stop(
        "Lessons and scenes",
        "Learn has lessons, which ask you for predictions and measure the answers; scenes, which show one thing each; and a glossary.",
        lambda window: window.findChild(QPushButton, "learnButton"),
        "below",
    ),
)


class Ring(QWidget):
    """A frame around the explained part of the window; clicks pass through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_box(smooth(self), inside(self), 9, line="accent", width=2)


class Tour(QFrame):
    """Shows the panels one after another: Next, Back, Skip. Enter goes on and Escape ends the tour, on the canvas too, where
    every click leaves the keys. The last panel begins the first lesson.

    Args:
        window: the window with the parts, which owns the tour.
        begin: begins the first lesson.

    Signals:
        shown_changed(): it came or went.
    """

    shown_changed = Signal()

    def __init__(self, window: QWidget, begin: Callable[[], object]) -> None:
        super().__init__(window)
        self._begin = begin
        self.setObjectName("tour")
        self._window, self.stops, self.place = window, STOPS, 0
        self._pointer: tuple[str, float] = ("", 0.0)
        self.ring = Ring(window)
        self.title, self.words, self.count = text_line(role="heading"), QLabel(), text_line()
        self.words.setWordWrap(True)
        self.skip = button("Skip", "End the tour; Help > Tour opens it again.", self.end)
        self.back = button("Back", "To the panel before.", lambda: self.go(self.place - 1))
        self.onward = button("Next", "To the next panel.", self._go_on)
        theme.set_role(self.onward, "primary")
        for one in (self.skip, self.back, self.onward):
            one.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        head, buttons = QHBoxLayout(), QHBoxLayout()
        layouts.add(head, (self.title, 1), self.count)
        buttons.setSpacing(UNIT)
        layouts.add(buttons, self.skip, None, self.back, self.onward)
        margin = POINTER + 2 * UNIT
        layouts.down(head, self.words, buttons, within=self, spacing=UNIT, margins=margin)
        window.installEventFilter(self)
        self._again = timer(self, self._stand, singleShot=True)  # after the window's own layout
        self._keys = [
            QShortcut(key, canvas, act, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
            for canvas in window.findChildren(CanvasView)
            for key, act in (
                (Qt.Key.Key_Return, self._go_on),
                (Qt.Key.Key_Enter, self._go_on),
                (Qt.Key.Key_Escape, self.end),
            )
        ]
        self.hide()

    def start(self) -> None:
        """Begin at the first panel."""
        self.go(0)

    def go(self, place: int) -> None:
        """Go to a panel. Unless one of its buttons has the focus, Next takes it."""
        self.place = place
        stop = self.stops[place]
        self.title.setText(stop.title)
        self.words.setText(stop.words)
        self.count.setText(f"{place + 1} of {len(self.stops)}")
        self.back.setEnabled(place > 0)
        last = place + 1 == len(self.stops)
        self.onward.setText("Start lesson 1" if last else "Next" if place else "Start")
        self.skip.setText("Finish" if last else "Skip")
        part = stop.part(self._window)
        column = part.column() if isinstance(part, CollapsiblePanel) else None
        if column is not None and isinstance(part, CollapsiblePanel):
            column.ensureWidgetVisible(part.header)
        self._stand()
        self.show()
        self.raise_()
        if not self.isAncestorOf(self._window.focusWidget() or self._window):
            self.onward.setFocus(Qt.FocusReason.OtherFocusReason)
        self.setAccessibleName(f"Tour, {stop.title}: {stop.words}")
        announce(self, f"{stop.title}. {stop.words}")

    @Slot()
    def end(self) -> None:
        """End the tour; the keys go to the canvas again."""
        focused = self.isAncestorOf(self._window.focusWidget() or self._window)
        self._again.stop()  # or it would show the ring again
        self.hide()
        self.ring.hide()
        if focused:
            (self._window.findChild(CanvasView) or self._window).setFocus()

    @Slot()
    def _go_on(self) -> None:
        if self.place + 1 < len(self.stops):
            self.go(self.place + 1)
        else:
            self.end()
            self._begin()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave on Escape; let Enter press the focused button, which Qt decides by platform."""
        focused = next((one for one in (self.skip, self.back, self.onward) if one.hasFocus()), None)
        if event.key() == Qt.Key.Key_Escape:
            self.end()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and focused is not None:
            focused.click()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        self._take_keys(True)
        self.shown_changed.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        self._take_keys(False)
        self.shown_changed.emit()

    def _take_keys(self, taken: bool) -> None:
        """Take Enter and Escape from the canvas, or give them back."""
        for key in self._keys:
            key.setEnabled(taken)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest) and self.isVisible():
            self._again.start(0)
        return super().eventFilter(watched, event)

    @Slot()
    def _stand(self) -> None:
        """Place the panel beside its part; in the centre of the window if the part is hidden."""
        stop, window = self.stops[self.place], self._window
        self.setFixedWidth(px(WIDTH) + 2 * POINTER)
        layout = self.layout()
        assert layout is not None
        layout.activate()
        size = QRect(0, 0, self.width(), layout.totalHeightForWidth(self.width()))
        part = stop.part(window)
        seen = part is not None and part.isVisible()
        there = self._seen(part) if part is not None and seen else window.rect()
        middle = there.center()
        if not seen:
            size.moveCenter(middle)
        elif stop.side == "right":
            size.moveTopLeft(QPoint(there.right() + 4, middle.y() - size.height() // 2))
        elif stop.side == "below":
            size.moveTopLeft(QPoint(middle.x() - size.width() // 2, there.bottom() + 4))
        elif stop.side == "above":
            size.moveBottomLeft(QPoint(middle.x() - size.width() // 2, there.top() - 4))
        else:
            size.moveTopLeft(there.topLeft() + QPoint(UNIT, UNIT))
        room = window.rect()
        size.moveLeft(max(min(size.left(), room.right() - size.width()), 0))
        size.moveTop(max(min(size.top(), room.bottom() - size.height()), 0))
        along = middle.y() - size.top() if stop.side == "right" else middle.x() - size.left()
        self._pointer = (stop.side if seen else "", float(along))
        self.setGeometry(size)
        self.ring.setVisible(seen and stop.side != "inside")
        self.ring.setGeometry(there.adjusted(-3, -3, 3, 3))
        self.ring.raise_()
        self.raise_()
        self.update()

    def _seen(self, part: QWidget) -> QRect:
        """The visible rectangle of a part, in the window's coordinates."""
        rect = part.visibleRegion().boundingRect()
        return QRect(part.mapTo(self._window, rect.topLeft()), rect.size())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        frame = inside(self, POINTER)
        paint_box(painter, frame, 8, "raised", "accent", 1.5)
        side, along = self._pointer
        low, high = 2.5 * POINTER, (self.height() if side == "right" else self.width()) - 2.5 * POINTER
        at, size = min(max(along, low), high), POINTER - 1
        corners = {
            "right": ((frame.left() + 1, at - size), (1, at), (frame.left() + 1, at + size)),
            "below": ((at - size, frame.top() + 1), (at, 1), (at + size, frame.top() + 1)),
            "above": ((at - size, frame.bottom() - 1), (at, self.height() - 1), (at + size, frame.bottom() - 1)),
        }.get(side)
        if corners is not None:
            points = [QPointF(*corner) for corner in corners]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawPolygon(QPolygonF(points))
            painter.setPen(QPen(theme.color("accent"), 1.5))
            painter.drawPolyline(QPolygonF(points))
