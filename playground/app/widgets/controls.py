"""The controls of panels, painted with the palette: slider, segments, switch, choice and number edit.

All of them emit signals for the user's changes only, never when the program sets a value.
"""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFrame,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSlider,
    QWidget,
)

from playground.app.style import text_size, theme
from playground.app.style.number_formats import format_exactly
from playground.app.style.painting import RIGHT, inside, paint_box, paint_disc, paint_text, smooth
from playground.app.style.text_size import px
from playground.app.widgets import layouts

HISTORY = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)


class KeyboardRing:
    """For a widget that paints a ring while it has the focus, if the keyboard gave it.

    Attributes:
        ringed: whether the ring is to be painted.
    """

    ringed = False

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.ringed = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)  # type: ignore[misc]  # of the widget

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.ringed = False
        super().focusOutEvent(event)  # type: ignore[misc]


class PressedByEnter(QAbstractButton):
    """A button that Enter presses as Space does, which Qt decides by platform."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)


class DraggedSlider(QSlider):
    """A horizontal slider that jumps to a press and follows a drag; a notch of the wheel is one place."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def place_at(self, x: float) -> int:
        """The place nearest to a position in px; it may lie beyond the ends."""
        raise NotImplementedError

    def go(self, place: int) -> None:
        """Go to a place, as the mouse asks."""
        self.setSliderPosition(place)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self.go(self.place_at(event.position().x()))
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position().x())
        if self.isSliderDown() and place != self.sliderPosition():
            self.go(place)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = round((event.angleDelta().y() or event.angleDelta().x()) / 120)
        place = min(max(self.value() + notches, 0), self.maximum())
        if place != self.value():
            self.go(place)
        event.accept()


class Slider(DraggedSlider):
    """A thin slider over [0, 1], which passes the wheel to its panel.

    Signals:
        moved(float): the user moved it to this position.
        settled(): the user released it, or moved it with a key.
    """

    moved = Signal(float)
    settled = Signal()

    STEPS = 1000
    HANDLE = 6.0  # px, radius

    def __init__(self) -> None:
        super().__init__()
        self.setRange(0, self.STEPS)
        self.setSingleStep(10)
        self.setPageStep(100)
        self.setMinimumWidth(px(24))
        self.sliderMoved.connect(self._moved)
        self.sliderReleased.connect(self.settled)
        self.actionTriggered.connect(self._acted)
        self._known = True

    def set_known(self, known: bool) -> None:
        """Set whether the position has a meaning; if not, the handle is hollow."""
        if known != self._known:
            self._known = known
            self.update()

    def position(self) -> float:
        return self.sliderPosition() / self.STEPS

    def set_position(self, position: float) -> None:
        """Show a position, unless the user is holding the handle."""
        if not self.isSliderDown():
            self.setValue(round(position * self.STEPS))

    def way(self, position: float) -> int:
        """The direction of a key that moves it to this position: 1 up, -1 down, 0 at its end or held by the mouse."""
        before = self.value() / self.STEPS
        return 0 if self.isSliderDown() else (position > before) - (position < before)

    def sizeHint(self) -> QSize:
        return QSize(px(100), px(22))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        enabled = self.isEnabled()
        radius = self.HANDLE * text_size.factor()
        middle, left, right = self.height() / 2, radius + 1, self.width() - radius - 1
        x = left + self.position() * (right - left)
        painter.setPen(theme.round_pen("border", 4))
        painter.drawLine(QPointF(left, middle), QPointF(right, middle))
        if not (self._known or self.isSliderDown()):
            line = "accent" if self.hasFocus() else "muted"
            paint_disc(painter, QPointF(x, middle), radius - 1, "raised", line, 1.5)
            return
        if enabled:
            painter.setPen(theme.round_pen("accent", 4))
            painter.drawLine(QPointF(left, middle), QPointF(x, middle))
        _handle(painter, QPointF(x, middle), radius, enabled, self.hasFocus())

    def place_at(self, x: float) -> int:
        radius = self.HANDLE * text_size.factor()
        left, right = radius + 1, self.width() - radius - 1
        return round(min(max((x - left) / (right - left), 0.0), 1.0) * self.STEPS)

    def _moved(self) -> None:
        self.moved.emit(self.position())

    def _acted(self, action: int) -> None:
        if action != QAbstractSlider.SliderAction.SliderMove.value:
            self.moved.emit(self.position())
            self.settled.emit()


def _handle(painter: QPainter, at: QPointF, radius: float, enabled: bool, focused: bool) -> None:
    if focused:
        paint_disc(painter, at, radius + 0.5, line="accent", width=2)
        radius -= 1.5
    if not enabled or theme.palette().dark:
        paint_disc(painter, at, radius, "text" if enabled else "border")
    else:  # a rim, to be visible at both ends of the groove
        paint_disc(painter, at, radius, "raised", "muted")


class SegmentedControl(QFrame):
    """A few choices side by side, of which one is selected.

    Signals:
        chosen(str): the user chose another one.
    """

    chosen = Signal(str)

    def __init__(self, choices: Iterable[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.set_role(self, "segments")
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QPushButton] = {}
        layout = layouts.across(within=self, spacing=0, margins=1)
        for choice, title in choices:
            button = QPushButton(title, self)
            button.setCheckable(True)
            button.setMinimumWidth(px(16))
            layouts.grow_across(button)
            theme.set_role(button, "segment")
            self._group.addButton(button)
            self.buttons[choice] = button
            # Stretched by the length of the title, so that no title is cut while another has room to spare.
            layout.addWidget(button, 8 + len(title))
            button.clicked.connect(lambda _=False, choice=choice: self._clicked(choice))
        self._value = ""
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def value(self) -> str:
        return self._value

    def set_value(self, choice: str) -> None:
        self._value = choice
        self.buttons[choice].setChecked(True)

    def _clicked(self, choice: str) -> None:
        if choice != self._value:
            self._value = choice
            self.chosen.emit(choice)


class ChoiceBox(QComboBox):
    """A choice from a list, drawn flat.

    Signals:
        chosen(str): the user chose another one.
        opening(): the list is about to open, and now exists.
    """

    chosen = Signal(str)
    opening = Signal()

    def __init__(self, choices: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        for choice, title in choices:
            self.addItem(title, choice)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumContentsLength(6)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.activated.connect(lambda index: self.chosen.emit(self.itemData(index)))

    def showPopup(self) -> None:
        self.opening.emit()
        super().showPopup()

    def value(self) -> str:
        return str(self.currentData())

    def set_value(self, choice: str) -> None:
        self.setCurrentIndex(self.findData(choice))

    def set_title(self, choice: str, title: str) -> None:
        self.setItemText(self.findData(choice), title)

    @property
    def whole_width(self) -> int:
        """The width in which the present choice is not cut, in px."""
        return self.fontMetrics().horizontalAdvance(self.currentText()) + 9 + px(22)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), px(26))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()  # Qt's own keeps the width of the font before

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        fill, line = "hover" if self.underMouse() else "panel", "accent" if self.hasFocus() else "border"
        paint_box(painter, inside(self, 0.5), 6, fill, line)
        inner = self.rect().adjusted(8, 0, -px(22), 0)
        paint_text(painter, inner, self.currentText(), "text" if self.isEnabled() else "disabled")
        paint_chevron(painter, QPointF(self.width() - px(13), self.height() / 2), "muted")


def paint_chevron(painter: QPainter, at: QPointF, token: str, down: bool = True) -> None:
    """A small arrow head around a point, pointing down or right; leaves the pen in its colour."""
    painter.setPen(theme.round_pen(token, 1.5))
    corners = [(-3.5, -1.75), (0, 1.75), (3.5, -1.75)] if down else [(-1.75, -3.5), (1.75, 0), (-1.75, 3.5)]
    painter.drawPolyline([at + QPointF(*corner) * text_size.factor() for corner in corners])


class Switch(QCheckBox):
    """A check box drawn as a switch."""

    WIDTH, HEIGHT = 30, 16

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)  # painted when the mouse comes
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(px(self.WIDTH) + 4, px(self.HEIGHT) + 6)

    def hitButton(self, at: object) -> bool:
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        on = self.isChecked()
        high = px(self.HEIGHT)
        groove = QRectF(2, (self.height() - high) / 2, px(self.WIDTH), high)
        paint_box(painter, groove, high / 2, "accent" if on else "border")
        if self.hasFocus():
            paint_box(painter, groove.adjusted(-1, -1, 1, 1), high / 2 + 1, line="text", width=1.5)
        x = groove.right() - high / 2 if on else groove.left() + high / 2
        _handle(painter, QPointF(x, groove.center().y()), high / 2 - 2.5, self.isEnabled(), False)


class NumberEdit(QLineEdit):
    """A number that is shown short and edited exactly.

    Typed text stays until it is valid or Escape removes it.

    Attributes:
        dirty: whether the text was typed and not yet taken.

    Signals:
        committed(str): the user finished typing a new text.
        stepped(int): an arrow key asked for the next value up (+1) or down (-1), or PageUp/PageDown for ten (+-10).
        abandoned(): Escape.
    """

    committed = Signal(str)
    stepped = Signal(int)
    abandoned = Signal()

    def __init__(self, display: Callable[[float], str]) -> None:
        super().__init__()
        theme.set_role(self, "number")
        self.setFont(theme.number_font())
        self.setTextMargins(0, 0, -3, 0)  # undoes Qt's own margins, so that numbers end at the card's edge
        self.setAlignment(RIGHT)
        self._display = display
        self._value: float | None = None
        self._empty = ""
        self.dirty = False
        self.textEdited.connect(self._edited)
        self.editingFinished.connect(self._finish)

    def show_value(self, value: float | None, empty: str = "auto") -> None:
        """Show a number, or a word if there is none; refused text is dropped."""
        self._value, self._empty, self.dirty = value, empty, False
        self._write()

    def forget_typed(self) -> None:
        """Let the next value replace the typed text."""
        self.dirty = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
        if event.key() == Qt.Key.Key_Escape and (self.dirty or self.property("refused")):
            self.dirty = False
            self._write()
            self.selectAll()
            self.abandoned.emit()
        elif event.key() == Qt.Key.Key_Space and not self.dirty:
            event.ignore()  # nothing is being typed: the key belongs to the window
        elif event.key() in steps:
            self._finish()
            self.stepped.emit(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Escape belongs to the typed text first, then to the window's shortcuts.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            if event.key() == Qt.Key.Key_Escape and self.dirty:
                event.accept()
                return True
            # The same holds for undo and redo, which Qt would also keep for unedited text.
            if not self.dirty and any(map(event.matches, HISTORY)):
                event.ignore()
                return True
        focus = event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut)
        done = super().event(event)
        if focus and not self.dirty:
            self._write()
            if event.type() == QEvent.Type.FocusIn:
                self.selectAll()
        return done

    def _edited(self) -> None:
        self.dirty = True

    def _finish(self) -> None:
        if self.dirty:
            self.committed.emit(self.text())

    def _write(self) -> None:
        if self._value is None:
            text = "" if self.hasFocus() else self._empty
        else:
            text = format_exactly(self._value) if self.hasFocus() else self._display(self._value)
        if text != self.text():
            self.setText(text)
