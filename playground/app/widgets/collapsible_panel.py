"""A card: a foldable part of the window with a title, its state in one line, and an "Advanced" part."""

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFont, QFontMetrics, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFrame,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from playground.app.style import theme
from playground.app.style.labels import capital, worded
from playground.app.style.painting import CENTRE, RIGHT, inside, paint_box, paint_text, smooth
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT
from playground.app.style.wrapping import breakable, wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption, named
from playground.app.widgets.column import Column
from playground.app.widgets.controls import PressedByEnter, paint_chevron
from playground.app.widgets.equation_dialog import NamedEquation, WithEquations, open_equations
from playground.app.widgets.selectable import SelectableLabel
from playground.messages import Message, changed

ROW_GAP = UNIT // 2  # px between rows that are 22 px high
WHOLE, CALM = (12, 4, 12, 4), (12, 2, 12, 2)  # px around what is on a card, so that five calm ones fit a low screen


def shortened(state: str, metrics: QFontMetrics, width: int) -> str:
    """The first parts of a state, separated by "·", that fit the width; if none fits, the beginning of the first."""
    parts = state.split(" · ")
    while len(parts) > 1 and metrics.horizontalAdvance(" · ".join(parts)) > width:
        parts.pop()
    text = " · ".join(parts)
    fits = metrics.horizontalAdvance(text) <= width  # eliding may cut a text that is exactly as wide
    return text if fits else metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)


class MarkButton(PressedByEnter):
    """A small button of a card, whose mark is brighter under the mouse and while it is checked."""

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)  # painted when the mouse comes and goes

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        bright = self.isChecked() or self.underMouse()
        fill, ring = "hover" if bright else None, "accent" if self.hasFocus() else None
        paint_box(painter, inside(self), 4, fill, ring, 1.5)
        self.paint_mark(painter, "text" if bright else "muted")

    def paint_mark(self, painter: QPainter, token: str) -> None:
        """Paint its mark in a colour of the palette."""
        raise NotImplementedError


class Cross(MarkButton):
    """Closes a card."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__()
        self.setParent(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        named(self, f"Close {title}", "Close this card. What it shows can be asked for again.")

    def paint_mark(self, painter: QPainter, token: str) -> None:
        reach, middle = px(4), QPointF(self.rect().center())
        painter.setPen(theme.round_pen(token, 1.5))
        for way in (QPointF(reach, reach), QPointF(reach, -reach)):
            painter.drawLine(middle - way, middle + way)


class PanelHeader(QAbstractButton):
    """A card's top line: number, title, state (elided, complete in the tooltip), and whether the card is open."""

    def __init__(self, title: str, number: int | None) -> None:
        super().__init__()
        self._title, self._number, self.state = title, number, ""
        self._tool: QWidget | None = None
        self._in_place: QWidget | None = None
        self.cross = Cross(title, self)
        self.cross.hide()
        self.setCheckable(True)
        self.setChecked(True)
        layouts.grow_across(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)  # painted when the mouse comes and goes
        self._name()
        self.toggled.connect(self._name)

    def set_state(self, text: str) -> None:
        if text != self.state:
            self.state = text
            self._name()
            self.update()

    def rename(self, title: str) -> None:
        self._title = title
        self._name()
        self.update()

    def set_closable(self, closable: bool) -> None:
        """Set whether the card can be closed, by a cross at its right."""
        self.cross.setVisible(closable)
        self.place_parts()
        self.update()

    def set_tool(self, tool: QWidget) -> None:
        """Put a small button between the state and the chevron; the header owns it."""
        tool.setParent(self)
        self._tool = tool
        self.place_parts()

    def put_in_place_of_state(self, part: QWidget) -> None:
        """Put a part between the title and the tool; while it is not hidden, the state is in the tooltip alone."""
        part.setParent(self)
        self._in_place = part

    def resizeEvent(self, event: object) -> None:
        self.place_parts()

    def sizeHint(self) -> QSize:
        return QSize(px(160), px(24))

    def place_parts(self) -> None:
        """Place the cross, the tool and what is there in place of the state."""
        self.cross.setGeometry(self.width() - px(18), (self.height() - px(18)) // 2, px(18), px(18))
        if self._tool is not None:
            side = self._tool.sizeHint()
            self._tool.setGeometry(
                self.width() - self._end - side.width(), (self.height() - side.height()) // 2, *side.toTuple()
            )
        if self._in_place is not None:
            self._in_place.setGeometry(self._room)

    @property
    def _title_left(self) -> int:
        return 0 if self._number is None else px(26)

    @property
    def _title_width(self) -> int:
        return QFontMetrics(theme.text_font(theme.FONT_PIXELS, QFont.Weight.DemiBold)).horizontalAdvance(self._title)

    @property
    def _room(self) -> QRect:
        """Where the state is."""
        left = self._title_left + self._title_width + 16
        taken = self._end + (0 if self._tool is None or self._tool.isHidden() else self._tool.width() + 2)
        return QRect(left, 0, self.width() - left - taken, self.height())

    @property
    def _end(self) -> int:
        """The px at the right for the chevron and, if the card can be closed, the cross."""
        return px(18) if self.cross.isHidden() else px(40)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        x, middle = self._title_left, self.height() / 2
        if self._number is not None:
            badge = QRectF(0, middle - px(18) / 2, px(18), px(18))
            paint_box(painter, badge, badge.height() / 2, "hover")
            painter.setFont(theme.text_font(11, QFont.Weight.DemiBold))
            paint_text(painter, badge, str(self._number), "muted", CENTRE)
        painter.setFont(theme.text_font(theme.FONT_PIXELS, QFont.Weight.DemiBold))
        paint_text(painter, QRectF(x, 0, self._title_width + 4, self.height()), self._title)
        if self._in_place is None or self._in_place.isHidden():
            font, room = theme.number_font(), self._room
            painter.setFont(font)
            text = shortened(self.state, QFontMetrics(font), room.width())
            paint_text(painter, room, text, "muted", RIGHT)
        token = "text" if self.underMouse() else "muted"
        paint_chevron(painter, QPointF(self.width() - self._end + px(12), middle + 0.5), token, self.isChecked())
        if self.hasFocus():
            # Around number and title only, because the state ends at the card's edge.
            ring = QRectF(x - 4 if x else 1, 1, self._title_width + 9, self.height() - 2)
            paint_box(painter, ring, 4, line="accent", width=1.5)

    def _name(self) -> None:
        self.setAccessibleName(f"{self._title}: {self.state}" if self.state else self._title)
        fold = "Fold this card" if self.isChecked() else "Unfold this card"
        self.setToolTip(wrapped(self.state, f"{fold}."))


SIGNS = {"info": "", "warning": "!", "error": "×"}


class Notice(QFrame):
    """A sentence inside a card, with a bar in its level's colour and buttons that resolve the problem."""

    def __init__(self) -> None:
        super().__init__()
        self._level = "info"
        self.text = SelectableLabel()
        self.text.setWordWrap(True)
        self.text.setMinimumWidth(1)  # so that a long file name does not widen the card
        self.text.setFont(theme.text_font(theme.CAPTION_PIXELS))
        self._row = layouts.across(None, spacing=UNIT)
        layouts.down(self.text, self._row, within=self, spacing=4, margins=(12, 2, 0, 2))
        self.buttons: list[QPushButton] = []
        self._shown: tuple[object, ...] = ()
        self.hide()

    def say(
        self,
        level: str,
        message: Message | str | None,
        *ways_out: tuple[str, Message | str, Callable[[], object]],
    ) -> None:
        """Show a message or a sentence with level "info", "warning" or "error", and a button (title, tooltip, action)
        for each way out; or hide.

        Settings have the names of the cards, see :func:`playground.app.style.labels.worded`.
        """
        sentence = worded(message)
        ways = tuple((title, worded(tooltip), action) for title, tooltip, action in ways_out)
        now = (level, sentence, *(way[:2] for way in ways))
        if now == self._shown:
            return
        self._shown = now
        for old in self.buttons:
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.buttons = []
        self._level = level
        self.text.setText(breakable(sentence))
        self.setAccessibleName(f"{capital(level)}: {sentence}")
        for index, (title, tooltip, action) in enumerate(ways):
            offered = button(title, tooltip, action)
            offered.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._row.insertWidget(index, offered)
            self.buttons.append(offered)
        layouts.tab_through(self.text, *self.buttons)
        self.setVisible(bool(sentence))
        self.update()

    def show_message(self, level: str, message: Message | None, edit: Callable[[Mapping[str, Any]], object]) -> None:
        """Show a message with a button for each edit that would resolve it; or hide.

        Args:
            edit: applies an edit.
        """
        edits = () if message is None else message.edits
        self.say(
            level, message, *((one.title, changed(one.changes), lambda one=one: edit(one.changes)) for one in edits)
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        names = {"info": "accent", "warning": "particles", "error": "error"}
        painter = smooth(self)
        paint_box(painter, QRectF(0, 2, 3, self.height() - 4), 1.5, names[self._level])
        # A sign too, so that colour alone does not tell them apart.
        painter.setFont(theme.text_font(theme.CAPTION_PIXELS, QFont.Weight.Bold))
        place = QRectF(3, 0, self.text.x() - 3, self.text.y() + self.text.fontMetrics().height())
        painter.setPen(theme.color("text"))
        painter.drawText(place, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, SIGNS[self._level])


class EquationButton(MarkButton):
    """Opens the card's equations in large type."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        named(self, f"{title}: equations", "Show the equations of this card in large type, with each symbol explained.")

    def sizeHint(self) -> QSize:
        return QSize(QFontMetrics(self._font()).horizontalAdvance("f(x)") + 10, px(18))

    @staticmethod
    def _font() -> QFont:
        font = theme.text_font(theme.CAPTION_PIXELS)
        font.setItalic(True)
        return font

    def paint_mark(self, painter: QPainter, token: str) -> None:
        painter.setFont(self._font())
        paint_text(painter, self.rect(), "f(x)", token, CENTRE)


class Disclosure(MarkButton):
    """Shows and hides the advanced part of a card; sits in the header, so that a closed part needs no row."""

    def __init__(self, part: QWidget) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.toggled.connect(part.setVisible)
        self.toggled.connect(self._name)
        self._name(False)
        part.hide()

    def sizeHint(self) -> QSize:
        return QSize(px(22), px(20))

    def showEvent(self, event: object) -> None:
        self._make_room()

    def hideEvent(self, event: object) -> None:
        self._make_room()

    def _make_room(self) -> None:
        """Share the header's width with the state."""
        header = self.parentWidget()
        if isinstance(header, PanelHeader):
            header.place_parts()
            header.update()

    def paint_mark(self, painter: QPainter, token: str) -> None:
        mark = theme.icon("advanced", token, 14)
        painter.drawPixmap(QPoint(px(4), px(3)), mark.pixmap(QSize(px(14), px(14)), self.devicePixelRatioF()))

    @Slot(bool)
    def _name(self, shown: bool) -> None:
        self.setToolTip(
            wrapped(
                "Hide the settings that are seldom needed." if shown else "Advanced: settings that are seldom needed."
            )
        )


class CollapsiblePanel(QFrame):
    """A titled, foldable frame; put widgets in :attr:`body`, seldom needed ones in :meth:`advanced`.

    A calm card shows of its body only what is needed: its line of purpose, and what is in :meth:`behind`, come with the advanced part.

    Args:
        title: the card's name.
        number: its position in the pipeline, if any.
        purpose: one line in plain words about its use, shown below the title, also if the card is folded.

    Signals:
        folded(bool): the user folded or unfolded it.
        arranged(): parts of it came or went.
        wanted(): it is to be seen.
        closed(): the user closed it.
    """

    folded = Signal(bool)
    arranged = Signal()
    wanted = Signal()
    closed = Signal()

    def __init__(self, title: str, number: int | None = None, purpose: str = "") -> None:
        super().__init__()
        theme.set_role(self, "card")
        self.setObjectName(f"card-{title.lower()}")
        self.setAccessibleName(title)
        self.title = title
        # Not Maximum, which would limit the height by a hint that does not know how sentences wrap.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.header = PanelHeader(title, number)
        self._outer = layouts.down(self.header, within=self, spacing=0, margins=WHOLE)
        self.purpose = caption(purpose)
        self.purpose.setContentsMargins(0, 0, 0, 2)
        self.header.setAccessibleDescription(purpose)
        self.equation_button = EquationButton(title)
        self.equation_button.clicked.connect(lambda: open_equations(self, self.equations()))
        below = layouts.across((self.purpose, 1), spacing=4)
        below.addWidget(self.equation_button, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)
        self._outer.addLayout(below)
        self.purpose.setVisible(bool(purpose))
        self._content = QWidget(self)
        self._outer.addWidget(self._content)
        self.body = layouts.down(within=self._content, spacing=ROW_GAP, margins=(0, 2, 0, 2))
        self._advanced: QVBoxLayout | None = None
        self._behind: list[QWidget] = []
        self._brief = self._calm = False
        self._has_advanced = True
        self.header.toggled.connect(self._toggled)
        self.header.clicked.connect(self._opened)
        self.header.cross.clicked.connect(self.closed)

    def equations(self) -> list[NamedEquation]:
        """The equations of its settings and figures in use, in their order on the card."""
        parts = [part for part in self._content.findChildren(QWidget) if not part.isHidden() or part.property("empty")]
        found = [one for part in parts if isinstance(part, WithEquations) for one in part.equations()]
        return list(dict.fromkeys(found))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_below()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.arranged.emit()

    def set_brief(self, brief: bool) -> None:
        """Set whether a folded card hides the line below its title."""
        self._brief = brief
        self._show_below()

    def show_all(self, on: bool) -> None:
        """Show everything on it, or closer together what is needed, and the rest with the advanced part."""
        self._calm = not on
        self._outer.setContentsMargins(*WHOLE if on else CALM)
        self._show_below()

    def set_has_advanced(self, there: bool) -> None:
        """Set whether there is something in the advanced part now."""
        if there != self._has_advanced:
            self._has_advanced = there
            self._show_below()

    @Slot()
    def _show_below(self) -> None:
        """Show the line below the title, the rest of the body and the icon of the advanced part, as far as each is needed."""
        whole = not self._calm or self._advanced is None
        if self._advanced is not None:
            self.disclosure.setVisible(self._has_advanced or self._calm)
            self.disclosure.setChecked(self.disclosure.isChecked() and not self.disclosure.isHidden())
            whole = whole or self.disclosure.isChecked()
        for part in self._behind:
            part.setVisible(whole)
        shown = whole and not (self._brief and self.is_folded())
        self.purpose.setVisible(shown and bool(self.purpose.text()))
        self.equation_button.setVisible(shown and bool(self.equations()))
        self.arranged.emit()

    def set_state(self, text: str) -> None:
        """Set the card's state in one line, at the right of its title."""
        self.header.set_state(text)

    def rename(self, title: str, purpose: str) -> None:
        """Give the card another title, and another line below it."""
        self.title = title
        self.setAccessibleName(title)
        self.header.rename(title)
        self.header.setAccessibleDescription(purpose)
        self.purpose.setText(purpose)

    def is_folded(self) -> bool:
        return not self.header.isChecked()

    def is_open(self) -> bool:
        """Whether it is unfolded and was not hidden; its window need not be shown yet."""
        hidden = self.isHidden() and self.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
        return not hidden and not self.is_folded()

    def set_folded(self, folded: bool) -> None:
        self.header.setChecked(not folded)

    def reveal(self, part: QWidget | None = None) -> None:
        """Bring the card, unfold it, and keep it or one of its parts in view, also when it grows by what is measured."""
        self.wanted.emit()
        self.set_folded(False)
        column = self.column()
        if column is not None:
            QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)  # only now is its layout done
            column.keep_in_view(part or self)

    def column(self) -> Column | None:
        """The column that it scrolls in."""
        above = self.parentWidget()
        while above is not None and not isinstance(above, Column):
            above = above.parentWidget()
        return above

    @Slot(bool)
    def _opened(self, opened: bool) -> None:
        """Scroll to the whole card; if it is higher than its column, to the advanced part."""
        column = self.column()
        part: QWidget | None = self
        if not opened or column is None:
            return
        # Only now can the layout of the new part be done, from the part through the card to the column.
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
        room, bar = column.viewport().height() - 2 * UNIT, column.verticalScrollBar()
        if self.height() > room and self._advanced is not None and self.disclosure.isChecked():
            part = self._advanced.parentWidget()
        whole = column.widget()
        assert part is not None
        assert whole is not None
        column.release()
        top = part.mapTo(whole, QPoint(0, -UNIT)).y()
        bar.setValue(min(max(bar.value(), top + part.height() - room), top))

    def behind(self, *parts: layouts.Part) -> QVBoxLayout:
        """A new part of the body, at its end, that a calm card shows only with the advanced part."""
        part = QWidget(self._content)
        self.body.addWidget(part)
        self._behind.append(part)
        return layouts.down(*parts, within=part, spacing=ROW_GAP, margins=0)

    def advanced(self) -> QVBoxLayout:
        """The layout of the advanced part; made on first use, below what the body has then."""
        if self._advanced is None:
            part = QWidget(self._content)
            self._advanced = layouts.down(within=part, spacing=ROW_GAP, margins=0)
            self.disclosure = Disclosure(part)
            self.disclosure.setAccessibleName(f"{self.title}: advanced settings")
            self.disclosure.toggled.connect(self._show_below)
            self.disclosure.clicked.connect(self._opened)
            self.header.set_tool(self.disclosure)
            layouts.tab_through(self.header, self.disclosure)
            self.body.addWidget(part)
        return self._advanced

    def hide_advanced(self) -> None:
        """Hide the advanced part, if there is one."""
        if self._advanced is not None:
            self.disclosure.setChecked(False)

    @Slot(bool)
    def _toggled(self, opened: bool) -> None:
        self._content.setVisible(opened)
        self._show_below()
        if self._advanced is not None:
            self.disclosure.setEnabled(opened)
        self.folded.emit(not opened)
