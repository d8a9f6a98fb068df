"""The layers above the canvas: a chip for each, in its colour, or one button that opens the chips beside a legend of those in view."""

import functools
from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QActionGroup, QFontMetrics, QKeyEvent, QMouseEvent, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QLayout,
    QLayoutItem,
    QMenu,
    QSizePolicy,
    QWidget,
    QWidgetAction,
)

from playground.app.canvas.layers import Layers
from playground.app.canvas.legend import LEGEND, Entry
from playground.app.style import text_size, theme
from playground.app.style.painting import RIGHT, inside, paint_box, paint_text, smooth
from playground.app.style.text_size import px
from playground.app.style.wrapping import with_indices, wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, text_line
from playground.app.widgets.controls import KeyboardRing, PressedByEnter
from playground.drawing.scene import Scene

HEIGHT = 28
GAP = 6
DOT = 9  # diameter of the swatch in px
PADDING = 12
ARROW = 12  # width of the arrow in px, besides the padding
OPENED = 340  # px, width of the chips that the button opens


class Chip(KeyboardRing, PressedByEnter):
    """A pill that shows or hides a layer; its arrow, or the Down key, opens the layer's options."""

    def __init__(self, entry: Entry, layers: Layers) -> None:
        super().__init__()
        self.entry = entry
        self._layers = layers
        self._reason = ""
        self._notes: list[str] = []
        self.setCheckable(True)
        self.setChecked(layers.visible[entry.key])
        self.setText(entry.title)
        self.setFont(theme.text_font(theme.CAPTION_PIXELS))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(f"Layer: {entry.title}")
        self.menu = self._build_menu() if entry.options else None
        self._describe()

    def name(self, title: str, notes: Sequence[str]) -> None:
        """Set the layer's title, and sentences for the tooltip."""
        if title != self.text():
            self.setText(title)
            self.setAccessibleName(f"Layer: {title}")
            self.updateGeometry()
        self._notes = list(notes)
        self._describe()

    def set_available(self, available: bool, reason: str = "") -> None:
        """Set whether the layer can be shown; if not, the tooltip says why."""
        self._reason = "" if available else reason
        self.setEnabled(available)
        self._describe()

    def set_choice_available(self, name: str, value: object, available: bool, reason: str) -> None:
        """Set whether an option can be chosen; if not, its tooltip says why."""
        assert self.menu is not None
        for action in self.menu.actions():
            if action.isCheckable() and action.data() == (name, value):
                action.setEnabled(available)
                action.setToolTip("" if available else wrapped(reason))

    def _describe(self) -> None:
        keys = "Click the arrow, or press Down, for options." if self.menu is not None else ""
        lines = [line for line in (self.entry.tip, *self._notes, keys, self._reason) if line]
        self.setToolTip(with_indices(wrapped(*lines)))
        self.setAccessibleDescription(" ".join(lines))

    def _build_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for option in self.entry.options:
            if not menu.isEmpty():
                menu.addSeparator()
            _add_heading(menu, option.title)
            group = QActionGroup(menu)
            for value, words in option.values:
                action = menu.addAction(words)
                action.setCheckable(True)
                action.setData((option.name, value))
                group.addAction(action)
                action.triggered.connect(
                    lambda _=False, name=option.name, value=value: self._layers.set_option(self.entry.key, name, value)
                )
        menu.aboutToShow.connect(self._check_current)
        return menu

    def _check_current(self) -> None:
        assert self.menu is not None
        for action in self.menu.actions():
            if action.isCheckable():
                name, value = action.data()
                action.setChecked(self._layers.options[self.entry.key, name] == value)

    def open_options(self) -> None:
        """Open the menu of options under the chip."""
        if self.menu is not None:
            self.menu.popup(self.mapToGlobal(QPoint(0, self.height() + 4)))

    def arrow(self) -> QRect:
        """The area where a click opens the options; empty if there are none."""
        width = px(ARROW) + px(PADDING) if self.menu is not None else 0
        return QRect(self.width() - width, 0, width, self.height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        opens = self.arrow().contains(event.position().toPoint()) or event.button() == Qt.MouseButton.RightButton
        if self.menu is not None and opens:
            self.open_options()
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Menu) and self.menu is not None:
            self.open_options()
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        arrow = px(ARROW) if self.menu is not None else 0
        width = 2 * px(PADDING) + px(DOT) + px(7) + self.fontMetrics().horizontalAdvance(self.text()) + 1 + arrow
        return QSize(width, px(HEIGHT))

    def paintEvent(self, event: QPaintEvent) -> None:
        on = self.isChecked() and self.isEnabled()
        painter = smooth(self)
        pill = inside(self)
        surface = "hover" if self.underMouse() and self.isEnabled() else "raised" if on else "background"
        line, width = ("accent", 2) if self.ringed else ("border", 1)
        paint_box(painter, pill, pill.height() / 2, surface, line, width)
        dot = QRectF(px(PADDING), (self.height() - px(DOT)) / 2, px(DOT), px(DOT))
        color = theme.color(self.entry.role, 1.0 if on else 0.55 if self.isEnabled() else 0.3)
        # Filled or hollow, so that on and off differ without colour too.
        painter.setPen(QPen(color, 1.6))
        painter.setBrush(color if on else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(dot.adjusted(0.8, 0.8, -0.8, -0.8))
        text = "text" if on else "muted" if self.isEnabled() else "disabled"
        left = round(dot.right()) + px(7)
        paint_text(painter, QRect(left, 0, self.width() - left, self.height()), self.text(), text)
        if self.menu is not None:
            middle, right, unit = self.height() / 2, self.width() - px(PADDING), text_size.factor()
            painter.setPen(QPen(theme.color("muted" if self.isEnabled() else "disabled"), 1.3))
            corners = ((-6, -1.5), (-3, 1.5), (0, -1.5))
            painter.drawPolyline(QPolygonF([QPointF(right + unit * x, middle + unit * y) for x, y in corners]))


def _add_heading(menu: QMenu, title: str) -> None:
    """Say what the next entries set. Qt's own section is a bare line under a style sheet, and cannot begin a menu."""
    label = text_line(title)
    label.setContentsMargins(12, 5, 24, 1)  # like the entries below it
    heading = QWidgetAction(menu)
    heading.setDefaultWidget(label)
    heading.setEnabled(False)
    menu.addAction(heading)


class InView(QWidget):
    """A line with the names of the layers in view in their colours, and the caption at the right."""

    accessible_role = QAccessible.Role.StaticText

    def __init__(self) -> None:
        super().__init__()
        self._layers: list[tuple[str, str]] = []  # the colour and the name of each
        self._caption = ""
        self.setAccessibleName("In view")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)

    def accessible_value(self) -> str:
        return ", ".join(filter(None, (*(name for _, name in self._layers), self._caption)))

    def show_frame(self, layers: list[tuple[str, str]], caption: str) -> None:
        if layers != self._layers:
            self.setToolTip(with_indices(wrapped(*(name for _, name in layers))))
        if (layers, caption) != (self._layers, self._caption):
            self._layers, self._caption = layers, caption
            self.update()

    def fitting(self) -> int:
        """How many names have room before the caption, beside how many others there are."""
        metrics, count = QFontMetrics(theme.number_font()), len(self._layers)
        room = self.width() - metrics.horizontalAdvance(self._caption) - 2 * px(PADDING)
        names = [px(DOT) + px(20) + metrics.horizontalAdvance(name) for _, name in self._layers]
        number = metrics.horizontalAdvance(f"+{count}") + px(14)
        return next((n for n in range(count, 0, -1) if sum(names[:n]) + number * (n < count) <= room + px(14)), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        painter.setFont(theme.number_font())
        metrics, middle, x = painter.fontMetrics(), self.height() / 2, float(px(PADDING))
        paint_text(painter, self.rect(), self._caption, place=RIGHT)
        fitting = self.fitting()
        others = [("", f"+{len(self._layers) - fitting}")] if fitting < len(self._layers) else []
        for role, name in self._layers[:fitting] + others:
            if role:
                dot = QRectF(x, middle - px(DOT) / 2, px(DOT), px(DOT))
                paint_box(painter, dot, px(DOT) / 2, role)
                x += px(DOT) + px(6)
            width = metrics.horizontalAdvance(name)
            paint_text(painter, QRectF(x, 0, width + 1, self.height()), name, "muted")
            x += width + px(14)


class ChipBar(QWidget):
    """All chips in rows that wrap in a narrow window; or a button that opens them, beside a line about what is in view."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self._layers = layers
        self.setAccessibleName("Layers")
        self.chips = {entry.key: Chip(entry, layers) for entry in LEGEND}
        self._all, self._line = QFrame(), QWidget()
        self._all.setObjectName("layers")
        self._all.setAccessibleName("Layers")
        tip = "Show or hide what is on the canvas, and choose how it is shown."
        self.button = button("Layers", tip, self._open, spoken="Layers")
        self._in_view = InView()
        layouts.across(self.button, (self._in_view, 1), within=self._line, margins=(14, 8, 14, 4))
        layouts.down(self._line, self._all, within=self, spacing=0, margins=0)
        self._line.hide()
        flow = Flow(self._all)
        for key, chip in self.chips.items():
            flow.addWidget(chip)
            chip.toggled.connect(functools.partial(layers.set_visible, key))
        layers.toggled.connect(lambda key, on: self.chips[key].setChecked(on))
        tell_height(self)

    def show_all(self, on: bool) -> None:
        """Show every chip, or the button that opens them."""
        self._line.setHidden(on)
        self._all.setWindowFlags(Qt.WindowType.Widget if on else Qt.WindowType.Popup)
        self._all.setVisible(on)
        # Qt puts what comes back from another window at the end of Tab's way.
        if on:
            layouts.tab_through(self.button, *self._all.findChildren(QAbstractButton))

    def show_frame(self, scene: Scene, caption: Sequence[str]) -> None:
        """Name the layers in view beside the button, and what is said of the frame."""
        chips = [(chip.entry.role, chip.text()) for key, chip in self.chips.items() if getattr(scene, key) is not None]
        self._in_view.show_frame(chips, "   ".join(caption))

    def _open(self) -> None:
        self._all.resize(px(OPENED), self._all.heightForWidth(px(OPENED)))
        self._all.move(self.button.mapToGlobal(QPoint(0, self.button.height() + 4)))
        self._all.setAttribute(Qt.WidgetAttribute.WA_NoMouseReplay)  # a click on the button closes it
        self._all.show()
        first = next((chip for chip in self.chips.values() if chip.isEnabled()), self._all)  # none of images
        first.setFocus(Qt.FocusReason.PopupFocusReason)

    def set_available(self, key: str, available: bool, reason: str = "") -> None:
        """Set whether a layer can be shown; if not, it is hidden, and the sentence `reason` is its tooltip."""
        self._layers.set_available(key, available)
        self.chips[key].set_available(available, reason)


def tell_height(part: QWidget) -> None:
    """Let a part be as high as its rows, of which a narrow one has more."""
    policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    part.setSizePolicy(policy)


class Flow(QLayout):
    """A layout of widgets from left to right at their own size, in as many rows as they need."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(14, 10, 14, 10)
        tell_height(parent)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        sizes = [item.sizeHint() for item in self._items]
        width = sum(size.width() for size in sizes) + GAP * max(len(sizes) - 1, 0)
        return QSize(width, max((size.height() for size in sizes), default=0)).grownBy(self.contentsMargins())

    def minimumSize(self) -> QSize:
        sizes = [item.sizeHint() for item in self._items]
        width, height = (max(map(side, sizes), default=0) for side in (QSize.width, QSize.height))
        return QSize(width, height).grownBy(self.contentsMargins())

    def _arrange(self, rect: QRect, move: bool) -> int:
        inside = rect.marginsRemoved(self.contentsMargins())
        x, y, row = inside.x(), inside.y(), 0
        for item in self._items:
            size = item.sizeHint()
            if x > inside.x() and x + size.width() > inside.right() + 1:
                x, y, row = inside.x(), y + row + GAP, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x, row = x + size.width() + GAP, max(row, size.height())
        return y + row + self.contentsMargins().bottom() - rect.y()
