"""The look of the window: a palette of tokens becomes a QPalette, which one style sheet, fonts and tinted icons use.

Dark and light come from the same tokens (:mod:`playground.drawing.palette`), painted on Qt's Fusion style, because
``setColorScheme`` changes nothing under the offscreen and bare X11 platforms. All distances are multiples of 4 px, most
of them of 8.
"""

import functools
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, TypeGuard

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPalette, QPen, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from playground.app.style import text_size
from playground.app.style.text_size import px
from playground.drawing import fonts
from playground.drawing.palette import DARK, Palette
from playground.resources import resource

UNIT = 8  # px, the unit of every margin and gap
FONT_PIXELS = 13
CAPTION_PIXELS = 12
SMALL = ("caption", "refusal", "quiet", "segment")
BOLD = ("primary", "heading")
"""The roles of :func:`set_role` with small text, and those with bold text."""

ROLES = {
    QPalette.ColorRole.Window: "panel",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "background",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.PlaceholderText: "muted",
    QPalette.ColorRole.Button: "raised",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "error",
    QPalette.ColorRole.ToolTipBase: "raised",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.Highlight: "accent",
    QPalette.ColorRole.HighlightedText: "on_accent",
    QPalette.ColorRole.Accent: "accent",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.Light: "hover",
    QPalette.ColorRole.Mid: "border",
    QPalette.ColorRole.Dark: "border",
    QPalette.ColorRole.Shadow: "background",
    # Qt has no roles for these; it paints nothing here with the three that pass them to the style sheet.
    QPalette.ColorRole.AlternateBase: "disabled",
    QPalette.ColorRole.Midlight: "particles",
    QPalette.ColorRole.LinkVisited: "data",
}
OPAQUE = Qt.WidgetAttribute.WA_OpaquePaintEvent  # of a widget that paints its whole area


class Shown:
    """What the whole program shows now."""

    palette = DARK


def palette() -> Palette:
    """The palette that the whole program shows."""
    return Shown.palette


def color(token: str, alpha: float = 1.0) -> QColor:
    """The colour of a name in the palette that is shown; alpha in [0, 1]."""
    return Shown.palette.color(token, alpha)


def show_palette(app: QApplication, palette: Palette) -> None:
    """Show a palette from now on."""
    Shown.palette = palette
    app.setPalette(qt_palette(palette))


def prepare(app: QApplication, palette: Palette) -> None:
    """Apply the part of the look that widgets need when they are made: colours, base style, font."""
    show_palette(app, palette)
    if not app.styleSheet():
        app.setStyle("Fusion")
    if app.font() != text_font():
        app.setFont(text_font())


def apply_style_sheet(app: QApplication, more: str = "") -> None:
    """Apply the style sheet.

    Apply it when all widgets are in place. Under a sheet, a widget and its children are styled again each time that it
    gets a parent: 200 ms for the whole window.

    Args:
        more: rules to add to the style sheet; a second sheet on the window would style every widget twice.
    """
    sheet = style_sheet(more)
    if sheet != app.styleSheet():
        app.setStyleSheet(sheet)


def shown(app: QApplication, choice: str) -> str:
    """The name of the palette for a choice of "system", "dark" or "light"; dark if the system does not say."""
    if choice != "system":
        return choice
    return "light" if app.styleHints().colorScheme() == Qt.ColorScheme.Light else "dark"


class Colored(Protocol):
    """A widget that keeps what it has made in the palette's colours. Others take them whenever they paint."""

    def apply_palette(self) -> None:
        """Make it again in the colours of :func:`palette`."""


def is_colored(part: object) -> TypeGuard[Colored]:
    """Whether a part is :class:`Colored`; ``isinstance`` with a protocol takes a hundred times as long."""
    return hasattr(part, "apply_palette")


def recolor(widgets: Iterable[QWidget]) -> None:
    """Let widgets that keep colours, or icons of a size, make them again."""
    for widget in widgets:
        if is_colored(widget):
            widget.apply_palette()


class Restyling(QObject):
    """Changes the program's palette, a few widgets in each turn of the event loop.

    The sheet names roles, not colours, so it stays. Setting it again would polish a widget once for each of its
    ancestors, 200 ms in one call. Polishing each widget once updates the colours and takes 20 ms for all. Until then the windows
    keep their pictures.
    """

    SLICE = 0.008  # s

    def __init__(self, app: QApplication, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._left: list[QWidget] = []
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._go_on)

    @property
    def running(self) -> bool:
        return self._timer.isActive()

    def start(self, palette: Palette) -> None:
        """Start, or start again with this palette."""
        for window in self._app.topLevelWidgets():
            if window.isVisible():
                handle = window.windowHandle()
                if handle is None or not handle.isExposed():
                    continue  # it shows no picture to keep, and Qt would wait forever for its first one, see below
                # Paint pending updates first. Otherwise a request is lost while updates are disabled, and Qt,
                # which still waits for it, makes no other.
                window.repaint(0, 0, 1, 1)
            window.setUpdatesEnabled(False)
        show_palette(self._app, palette)
        self._left = self._app.allWidgets()
        self._timer.start(0)

    @Slot()
    def _go_on(self) -> None:
        if not self._left:
            self._timer.stop()
            # Not setUpdatesEnabled, which paints every widget twice: for itself and for its window.
            widgets = self._app.allWidgets()
            for widget in widgets:
                widget.setAttribute(Qt.WidgetAttribute.WA_UpdatesDisabled, False)
            for widget in widgets:
                # An update of a window leaves out its opaque children, and requests from the meantime are lost.
                if widget.isWindow() or widget.autoFillBackground() or widget.testAttribute(OPAQUE):
                    widget.update()
            return
        until = time.perf_counter() + self.SLICE
        while self._left and time.perf_counter() < until:
            widget = self._left.pop()
            # Widgets that are not polished yet will be when they are shown.
            if isValid(widget) and widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
                widget.style().polish(widget)
        if not self._left:
            recolor(self._app.allWidgets())


def resize(app: QApplication, factor: float) -> None:
    """Give the whole program another size of text, at once.

    Args:
        factor: multiple of the usual size.
    """
    before = text_size.factor()
    text_size.set_factor(factor)
    app.setFont(text_font())
    widgets = app.allWidgets()
    text_size.resize(widgets, before)
    for widget in widgets:
        if text_size.is_sized(widget):
            widget.apply_text_size()
        widget.updateGeometry()
    recolor(widgets)


def text_font(pixels: int = FONT_PIXELS, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The program's typeface; `pixels` is for the usual size of the text, see :mod:`playground.app.style.text_size`."""
    return fonts.text_font(px(pixels), weight)


def number_font(pixels: int = CAPTION_PIXELS) -> QFont:
    """The program's typeface with digits of equal width, so that a changing number does not move."""
    return fonts.number_font(px(pixels))


def round_pen(token: str, width: float) -> QPen:
    """A pen with round ends and corners."""
    style, cap, join = Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    return QPen(color(token), width, style, cap, join)


def icon(name: str, token: str, size: int = 16) -> QIcon:
    """The icon ``resources/icons/<name>.svg`` in one colour; its opacities stay.

    Args:
        token: a name of the palette, or ``#rrggbb``.
        size: px at the usual size of the text.

    Raises:
        FileNotFoundError: there is no such icon.
    """
    return _icon(name, color(token).name(), px(size))


@functools.cache
def _icon(name: str, color: str, size: int) -> QIcon:
    path = icon_path(name)
    if not path.exists():
        raise FileNotFoundError(path)
    renderer = QSvgRenderer(str(path))
    result = QIcon()
    for ratio in (1, 2):
        pixmap = QPixmap(QSize(size, size) * ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.fillRect(pixmap.rect(), QColor(color))
        painter.end()
        pixmap.setDevicePixelRatio(ratio)
        result.addPixmap(pixmap)
    return result


def icon_path(name: str) -> Path:
    """The path of the icon with this name, which may not exist."""
    return resource(f"icons/{name}.svg")


def set_role(widget: QWidget, role: str) -> None:
    """Set a widget's role in the style sheet: primary, quiet, segment, tile, chip, number, caption, heading, card."""
    set_state(widget, "role", role)
    if role in (*SMALL, *BOLD, "chip"):
        font = widget.font()  # its digits keep their equal width
        font.setPixelSize(px(CAPTION_PIXELS if role in SMALL else 11 if role == "chip" else FONT_PIXELS))
        font.setWeight(QFont.Weight.DemiBold if role in BOLD else QFont.Weight.Normal)
        text_size.set_font(widget, font)


def set_state(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet uses, and restyle only if it changed."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        # A widget is styled when it is shown; styling it before too would take a third of the start.
        if not widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
            return
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def qt_palette(palette: Palette) -> QPalette:
    """The tokens as Qt's own roles."""
    result = QPalette()
    for role, token in ROLES.items():
        result.setColor(role, palette.color(token))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, palette.color("disabled"))
    return result


def style_sheet(more: str = "") -> str:
    """The style sheet with `more` rules, with a Qt role for each ``@token``; it is the same in every palette.

    It sets no fonts: another size would need another sheet, which takes two seconds to apply.

    Raises:
        KeyError: no role has this token.
    """
    names: dict[str, str] = {}
    for role, token in ROLES.items():
        names.setdefault(token, re.sub(r"\B(?=[A-Z])", "-", role.name).lower())
    return re.sub(r"@(\w+)", lambda match: f"palette({names[match[1]]})", SHEET + more)


SHEET = """
QToolTip { background: @raised; color: @text; border: 1px solid @border; border-radius: 6px; padding: 6px 8px; }

QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QPushButton, QToolButton {
    background: @raised; color: @text; border: 1px solid @border; border-radius: 6px; padding: 5px 12px; }
QPushButton:hover, QToolButton:hover { background: @hover; }
QPushButton:pressed, QToolButton:pressed { background: @border; }
QPushButton:disabled, QToolButton:disabled { color: @disabled; background: @panel; }
QPushButton:focus, QToolButton:focus { border-color: @accent; }
QFrame[role="card"] QPushButton { background: @panel; }
QFrame[role="card"] QPushButton:hover { background: @hover; }
QFrame[role="card"] QPushButton:checked { background: @hover; border-color: @accent; }
QFrame[role="card"] QPushButton:checked:focus { border-color: @text; }

QPushButton[role="primary"], QFrame[role="card"] QPushButton[role="primary"] {
    background: @accent; color: @on_accent; border-color: @accent; }
QPushButton[role="primary"]:hover, QFrame[role="card"] QPushButton[role="primary"]:hover { border-color: @text; }
QPushButton[role="primary"]:focus, QFrame[role="card"] QPushButton[role="primary"]:focus {
    border: 2px solid @text; padding: 4px 11px; }
QPushButton[role="primary"]:disabled, QFrame[role="card"] QPushButton[role="primary"]:disabled {
    background: @panel; color: @disabled; border-color: @border; }

QPushButton[role="quiet"], QToolButton[role="quiet"], QFrame[role="card"] QPushButton[role="quiet"] {
    background: transparent; border: 1px solid transparent; color: @muted; padding: 2px 4px; text-align: left; }
QPushButton[role="quiet"]:hover, QToolButton[role="quiet"]:hover { color: @text; }
QPushButton[role="quiet"]:focus, QToolButton[role="quiet"]:focus { border-color: @accent; }

QFrame[role="segments"] { background: @panel; border: 1px solid @border; border-radius: 6px; }
QFrame[role="card"] QPushButton[role="segment"], QPushButton[role="segment"] {
    background: transparent; border: 1px solid transparent; border-radius: 5px; color: @muted; padding: 2px 2px; }
QFrame[role="card"] QPushButton[role="segment"]:hover, QPushButton[role="segment"]:hover { color: @text; }
QFrame[role="card"] QPushButton[role="segment"]:checked, QPushButton[role="segment"]:checked { background: @hover; color: @text; }
QFrame[role="card"] QPushButton[role="segment"]:focus, QPushButton[role="segment"]:focus { border-color: @accent; }
QFrame[role="card"] QPushButton[role="segment"]:disabled, QPushButton[role="segment"]:disabled { color: @disabled; }

QFrame[role="card"] QToolButton[role="tile"] {
    background: @panel; border: 1px solid @border; border-radius: 6px; padding: 0; }
QFrame[role="card"] QToolButton[role="tile"]:hover { background: @hover; }
QFrame[role="card"] QToolButton[role="tile"]:checked { border: 2px solid @data; }
QFrame[role="card"] QToolButton[role="tile"]:focus { border-color: @accent; }
QFrame[role="card"] QToolButton[role="tile"]:checked:focus { border: 2px solid @accent; }

QFrame[role="card"] QPushButton[role="chip"], QPushButton[role="chip"] {
    background: transparent; border: 1px solid @border; border-radius: 8px; color: @muted; padding: 0 5px; }
QFrame[role="card"] QPushButton[role="chip"]:checked { background: @hover; color: @text; }
QFrame[role="card"] QPushButton[role="chip"]:hover { color: @text; }
QFrame[role="card"] QPushButton[role="chip"]:focus { border-color: @accent; }
QPushButton[role="chip"]::menu-indicator { image: none; width: 0; }

QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox {
    background: @background; color: @text; border: 1px solid @border; border-radius: 6px; padding: 4px 6px;
    selection-background-color: @accent; selection-color: @on_accent; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QAbstractSpinBox:focus { border-color: @accent; }
QLineEdit:disabled, QAbstractSpinBox:disabled { color: @disabled; background: @panel; }
QLineEdit[role="number"] { background: transparent; border-color: transparent; border-radius: 4px; padding: 1px 0; }
QLineEdit[role="number"]:hover { border-color: @border; }
QLineEdit[role="number"]:focus { background: @background; border-color: @accent; padding-right: 5px; }
QLineEdit[role="number"][auto="true"] { color: @muted; }
QLineEdit[role="number"][refused="true"] {
    background: @background; border-color: @error; padding-right: 5px; }

QRadioButton { spacing: 7px; }
QRadioButton::indicator { width: 12px; height: 12px; border: 1px solid @muted; border-radius: 7px; background: transparent; }
QRadioButton::indicator:hover { border-color: @text; }
QRadioButton::indicator:focus { border-color: @accent; }
QRadioButton::indicator:disabled { border-color: @disabled; }
QRadioButton::indicator:checked {
    width: 6px; height: 6px; border: 4px solid @accent; background: @on_accent; }

QUndoView { background: @background; color: @text; border: 1px solid @border; border-radius: 6px; outline: none; }
QUndoView:focus { border-color: @accent; }
QUndoView::item { padding: 4px 6px; }
QUndoView::item:hover { background: @hover; }
QUndoView::item:selected { background: @accent; color: @on_accent; }

QTreeView[role="table"] { background: transparent; color: @text; selection-color: @text; border: none; outline: none; }
QTreeView[role="table"]::item { padding: 0; border: none; }
QTreeView[role="table"]::item:selected { background: @hover; }
QTreeView[role="table"]:focus { border: none; }
QHeaderView { background: transparent; }
QHeaderView::section {
    background: transparent; color: @muted; border: none; border-bottom: 1px solid @border; padding: 2px 3px; }
QHeaderView::section:hover { color: @text; }
QTreeView[role="table"] QLineEdit { padding: 0 2px; }

QFrame[role="card"] { background: @raised; border: 1px solid @border; border-radius: 8px; }
QLabel[role="caption"] { color: @muted; }
QLabel[role="heading"] { color: @text; }
QLabel[role="refusal"] { color: @error; }

QFileDialog QToolButton { padding: 3px; }

QScrollArea { background: transparent; border: none; }
QScrollArea > QWidget > QWidget { background: transparent; }
QScrollBar:vertical { background: transparent; width: 8px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 8px; margin: 0; }
QScrollBar::handle { background: @border; border-radius: 3px; margin: 1px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::handle:hover { background: @disabled; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QMenu { background: @raised; color: @text; border: 1px solid @border; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 12px; border-radius: 4px; }
QMenu::item:selected { background: @hover; }
QMenu::item:disabled { color: @disabled; }
QMenu::separator { height: 1px; background: @border; margin: 4px 8px; }
QMenuBar { background: @panel; color: @text; }
QMenuBar::item { padding: 4px 8px; background: transparent; border-radius: 4px; }
QMenuBar::item:selected { background: @hover; }

QProgressBar { background: @border; border: none; border-radius: 2px; max-height: 4px; color: transparent; }
QProgressBar::chunk { background: @accent; border-radius: 2px; }
"""
