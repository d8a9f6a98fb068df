"""The size of the text and of everything that scales with it: a factor for every size in pixels.

New widgets get their sizes from :func:`px`; :func:`resize` changes existing widgets to another factor.
"""

import math
from collections.abc import Iterable
from typing import Protocol, TypeGuard

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractButton, QScrollBar, QSplitter, QWidget

PERCENT = (80, 200)  # smallest and largest, in %
STEPS = (80, 90, 100, 110, 120, 130, 150, 175, 200)  # % that keys go through
NO_BOUND = 16_777_215  # Qt's own value for a size without a maximum
FRAME = QSize(16, 48)  # px that a window's frame takes
QT_KEEPS = (
    "_q_styleSheetWidgetFont"  # where Qt keeps the font that a style sheet restores with every change of the palette
)
UNSCALED = "unscaled"  # the property with the sizes at factor 1, so that rounding errors do not add up


class _Factor:
    now = 1.0


def factor() -> float:
    """The current size of the text as a multiple of the usual size."""
    return _Factor.now


def set_factor(value: float) -> None:
    """Set the size for widgets that are made from now on."""
    _Factor.now = value


def px(pixels: float) -> int:
    """A length in whole pixels at the current size of the text."""
    return round(pixels * _Factor.now)


def within_screen(window: QWidget, size: QSize) -> QSize:
    """The size of a window, as far as its screen has room beside the window's frame."""
    return size.boundedTo(window.screen().availableSize() - FRAME)


class Sized(Protocol):
    """A widget that measures texts itself, or keeps its own fonts."""

    def apply_text_size(self) -> None:
        """Measure again with the current size of the text."""


def is_sized(widget: object) -> TypeGuard[Sized]:
    """Whether a widget is :class:`Sized`; ``isinstance`` with a protocol took 0.1 s for a window's widgets."""
    return hasattr(widget, "apply_text_size")


def step(percent: int, way: int) -> int:
    """The next larger (`way` 1) or smaller (-1) size of :data:`STEPS`; at an end the size stays.

    >>> step(100, 1), step(100, -1), step(137, 1), step(200, 1), step(80, -1)
    (110, 90, 150, 200, 80)
    """
    beyond = [one for one in STEPS if (one - percent) * way > 0]
    return percent if not beyond else min(beyond) if way > 0 else max(beyond)


def resize(widgets: Iterable[QWidget], before: float) -> None:
    """Change the fonts, bounds and icons of existing widgets to the current factor.

    The bounds of windows stay: their layouts set them, without a sign that tells these bounds from a window's own.
    """
    for widget in widgets:
        kept = dict(widget.property(UNSCALED) or {})
        _resize_font(widget, kept, before)
        _resize_bounds(widget, kept, before)
        if isinstance(widget, QAbstractButton) and not widget.icon().isNull():
            side = _scaled(kept, "icon", widget.iconSize().width(), before)
            widget.setIconSize(QSize(side, side))
        if kept:
            widget.setProperty(UNSCALED, kept)


def _resize_font(widget: QWidget, kept: dict[str, list[float]], before: float) -> None:
    font = widget.font()
    if widget.testAttribute(Qt.WidgetAttribute.WA_SetFont) and font.pixelSize() > 0:
        font.setPixelSize(_scaled(kept, "font", font.pixelSize(), before))
        set_font(widget, font)
    else:
        set_font(widget, QFont())  # the program's font, which no widget under a style sheet takes from its parent


def set_font(widget: QWidget, font: QFont) -> None:
    """Give a widget a permanent font, even under a style sheet."""
    widget.setFont(font)
    if widget.property(QT_KEEPS) is not None:
        widget.setProperty(QT_KEEPS, font)


def _resize_bounds(widget: QWidget, kept: dict[str, list[float]], before: float) -> None:
    if widget.isWindow() or isinstance(widget.parentWidget(), QSplitter):
        return  # a window's least size is that of its layout, and the main window's columns know their bounds
    if isinstance(widget, QScrollBar) or widget.objectName().startswith("qt_scrollarea"):
        return  # their bounds are those of the style sheet
    least = widget.minimumWidth(), widget.minimumHeight()
    most = widget.maximumWidth(), widget.maximumHeight()
    sizes = [
        _scaled(kept, name, value, before) if 1 < value < NO_BOUND else value
        for name, value in zip(("widest", "highest", "narrowest", "lowest"), (*most, *least), strict=True)
    ]
    if (*most, *least) != tuple(sizes):
        widget.setMaximumSize(*sizes[:2])
        widget.setMinimumSize(*sizes[2:])


def _scaled(kept: dict[str, list[float]], name: str, value: int, before: float) -> int:
    """A size at the current factor; a size that was changed since the last call is taken as it is."""
    base, shown = kept.get(name, (0.0, -1.0))
    if shown != value:
        base = value / before
    result = math.ceil(base * factor() - 1e-6)
    kept[name] = [base, float(result)]
    return result
