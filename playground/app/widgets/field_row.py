"""The common part of all rows of settings: label, tooltip, menu, sentence below, and reading and editing the state."""

from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QLabel, QMenu, QSizePolicy, QWidget

from playground.app.model.state import State
from playground.app.style import text_size, theme
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count, format_exactly
from playground.app.style.text_size import px
from playground.app.style.wrapping import breakable
from playground.app.widgets import layouts
from playground.app.widgets.captions import caption, show_text
from playground.app.widgets.controls import NumberEdit
from playground.app.widgets.equation import Tooltip, words
from playground.app.widgets.equation_dialog import NamedEquation, open_equations
from playground.messages import Message

LABEL_WIDTH = 96


def warning(steps: int) -> str:
    """The warning before a change that needs new training; "" if nothing would be lost."""
    if steps <= 0:
        return ""
    return f"This discards {format_count(steps)} training steps. Ctrl+Z brings them back."


class FieldLabel(QLabel):
    """A setting's name, elided if necessary, with a small mark if a change restarts training.

    Signals:
        asked_default(): the label was double-clicked.
    """

    asked_default = Signal()

    def __init__(self, text: str, resets: bool) -> None:
        super().__init__(text)
        theme.set_role(self, "caption")
        # The style sheet's font, because the text is measured before the sheet is applied.
        self.setFont(theme.text_font(theme.CAPTION_PIXELS))
        self._resets = resets
        self._least: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.asked_default.emit()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self.text()) + 4 + (px(14) if self._resets else 0), px(22))

    def widen(self, width: int) -> None:
        """Use the width of the other labels at the usual size of the text, or more if the text needs it."""
        self._least = width
        self.setFixedWidth(max(px(width), self.sizeHint().width()))

    def free(self) -> None:
        """Use all available width, and at least that of the other labels."""
        self._least = None
        self.setMinimumWidth(px(LABEL_WIDTH))
        self.setMaximumWidth(text_size.NO_BOUND)

    def apply_text_size(self) -> None:
        if self._least is not None:
            self.widen(self._least)

    minimumSizeHint = lambda self: QSize(px(24), px(22))  # noqa: E731

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        color = self.palette().color(QPalette.ColorRole.WindowText)
        painter.setPen(color)
        metrics = painter.fontMetrics()
        room = self.width() - (px(14) if self._resets else 0)
        text = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, room)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        if self._resets:
            mark = theme.icon("anew", color.name(), 10)
            painter.setOpacity(0.7)
            at = QPoint(metrics.horizontalAdvance(text) + 4, (self.height() - px(10)) // 2 + 1)
            painter.drawPixmap(at, mark.pixmap(QSize(px(10), px(10)), self.devicePixelRatioF()))


class FieldRow(QWidget):
    """The base of all rows: label, sentence below, tooltip, menu, and reading and editing the state.

    Args:
        state: the state with the value.
        keys: dotted keys of the settings, the first of which names the row.
        label: the name to show; None shows no label, so that the control has the whole row.
    """

    def __init__(self, state: State, *keys: str, label: str | None = "") -> None:
        super().__init__()
        self.state, self.keys, self.key = state, keys, keys[0]
        self.field = state.field(self.key)
        self.name = label or self.field.label
        self._gesture = 0
        self.row = layouts.across(spacing=theme.UNIT)
        self._column = layouts.down(self.row, within=self, spacing=2, margins=0)
        self.label: FieldLabel | None = None
        if label is not None:
            self.label = FieldLabel(self.name, self.field.resets)
            self.label.widen(LABEL_WIDTH)
            self.label.asked_default.connect(self.reset)
            Tooltip(self.label, words(self.field), self._equation, self._cost)
            self.row.addWidget(self.label)
        self.note = caption()
        self.note.hide()
        self._column.addWidget(self.note)
        self.fill()
        self.refresh()
        state.changed.connect(self._state_changed)
        state.refused.connect(self._state_refused)
        state.replaced.connect(self._replaced)

    def fill(self) -> None:
        """Make the controls of the row."""
        raise NotImplementedError

    def leave(self) -> None:
        """Take the row away: the chosen kind has no such setting, so that nothing may be read any more."""
        self.state.changed.disconnect(self._state_changed)
        self.state.refused.disconnect(self._state_refused)
        self.state.replaced.disconnect(self._replaced)
        for control in self.controls():
            control.blockSignals(True)  # an editor that loses the focus would commit its text
        self.setParent(None)
        self.deleteLater()

    def refresh(self) -> None:
        """Show the state's value, unless something else is being typed."""
        raise NotImplementedError

    def show_anew(self) -> None:
        """Show the state's value in place of what was typed, and of why that was refused."""
        self.say("")
        self.refresh()

    def controls(self) -> list[QWidget]:
        """The widgets in the tab order."""
        raise NotImplementedError

    def edit(self, value: Any, merge: str = "") -> bool:
        """Ask the state to take a value."""
        taken = self.state.edit({self.key: value}, merge=merge)
        if taken:
            self.show_anew()
        return taken

    @Slot()
    def reset(self) -> None:
        """Restore the default."""
        self.state.edit({key: self.state.field(key).default for key in self.keys})

    def say(self, sentence: str, is_error: bool = False) -> None:
        """Show a sentence under the control: why a value was refused, or what a change would cost."""
        theme.set_role(self.note, "refusal" if is_error else "caption")
        show_text(self.note, breakable(sentence))

    def _shows_error(self) -> bool:
        return bool(self.note.property("role") == "refusal")

    def announce(self) -> None:
        """Say what a change would cost, if it costs anything."""
        self.say(self._cost())

    def _equation(self) -> str:
        """The equation of the current value, if it has one."""
        return self.field.equation_of(self.state.value(self.key))

    def equations(self) -> list[NamedEquation]:
        """The equation of the current value, then those of the other choices."""
        found: list[NamedEquation] = []
        for field in (self.state.field(key) for key in self.keys):
            if field.kind == "choice":
                now = self.state.value(field.key)
                chosen = {name: option for name, option in field.options.items() if name == now}
                found += (
                    NamedEquation(f"{field.label}: {option.title}", option.meaning, option.equation)
                    for option in (chosen | dict(field.options)).values()
                )
            found.append(NamedEquation(field.label, f"{field.description}.", field.equation))
        return [one for one in found if one.latex]

    def _open_equations(self) -> bool:
        equations = self.equations()
        if equations:
            open_equations(self, equations)
        return bool(equations)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open its equation on Shift+F1, Qt's key for "What's this?"."""
        asks = event.key() == Qt.Key.Key_F1 and event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        if not (asks and self._open_equations()):
            super().keyPressEvent(event)

    def _cost(self) -> str:
        return warning(self.state.unsaved_steps()) if self.field.resets else ""

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        default = "automatic" if self.field.default == "auto" else self._in_words(self.field.default)
        menu.addAction(f"Default: {default}", self.reset)
        if self.field.auto and self.field.default != "auto":
            menu.addAction("Automatic", lambda: self.edit("auto"))
        if self.equations():
            menu.addAction("Equation…", self._open_equations)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QFocusEvent):
            keyboard = event.reason() in (
                Qt.FocusReason.TabFocusReason,
                Qt.FocusReason.BacktabFocusReason,
                Qt.FocusReason.ShortcutFocusReason,
            )
            refused = self._shows_error()
            if event.type() == QEvent.Type.FocusIn:
                self._gesture += 1
                if not refused and (keyboard or isinstance(watched, NumberEdit)):
                    self.announce()
            elif event.type() == QEvent.Type.FocusOut and not refused:
                self.say("")
        return super().eventFilter(watched, event)

    def _adopt(self, control: QWidget, name: str, text: str = "", stretch: int = 0, equation: str = "") -> Tooltip:
        """Give a control its name and tooltip and put it into the row."""
        control.setAccessibleName(name)
        control.setAccessibleDescription(self.field.description)
        tooltip = Tooltip(control, text or words(self.field), equation or self._equation, self._cost)
        control.installEventFilter(self)
        self.row.addWidget(control, stretch)
        return tooltip

    def _in_words(self, value: Any) -> str:
        if self.field.kind == "choice":
            return self.field.title_of(value)
        if isinstance(value, bool):
            return "on" if value else "off"
        return format_exactly(value)

    @Slot(object)
    def _state_changed(self, keys: frozenset[str]) -> None:
        if not keys.isdisjoint(self.keys):
            self.show_anew()
        elif "auto" in map(self.state.value, self.keys):
            self.refresh()  # it may stand for another value

    @Slot()
    def _replaced(self) -> None:
        if self._shows_error():
            self.show_anew()

    @Slot(str, object)
    def _state_refused(self, key: str, message: Message) -> None:
        if key in self.keys:
            self.say(worded(message, own=key), is_error=True)
