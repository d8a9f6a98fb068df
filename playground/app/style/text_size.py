"""The size of the text, and of everything that goes with it: a factor that every pixel size is multiplied by.

Widgets ask for their sizes by :func:`px` as they are made; :func:`resize` brings those that are there to another factor.
"""

import math
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractButton, QMainWindow, QScrollBar, QSplitter, QWidget

PERCENT = (80, 200)  # the smallest and the largest
STEPS = (80, 90, 100, 110, 120, 130, 150, 175, 200)  # % that keys go through
NO_BOUND = 16_777_215  # Qt's own for a size without a largest one
QT_KEEPS = (
    "_q_styleSheetWidgetFont"  # where Qt keeps the font that a style sheet brings back with every change of the palette
)
UNSCALED = "unscaled"  # the property that keeps sizes at a factor of 1, so that rounding never adds up


class _Factor:
    now = 1.0


def factor() -> float:
    """How many times the usual size the text has now."""
    return _Factor.now


def set_factor(value: float) -> None:
    """Give whatever is made from now on this size."""
    _Factor.now = value


def px(pixels: float) -> int:
    """A length in whole pixels at the present size of the text."""
    return round(pixels * _Factor.now)


@runtime_checkable
class Sized(Protocol):
    """A widget that measures texts itself, or keeps fonts that are not its own."""

    def apply_text_size(self) -> None:
        """Measure again, with the present size of the text."""


def step(percent: int, way: int) -> int:
    """The next larger (way 1) or smaller (-1) size of :data:`STEPS`; the same at an end.

    >>> step(100, 1), step(100, -1), step(137, 1), step(200, 1), step(80, -1)
    (110, 90, 150, 200, 80)
    """
    beyond = [one for one in STEPS if (one - percent) * way > 0]
    return percent if not beyond else min(beyond) if way > 0 else max(beyond)


def resize(widgets: Iterable[QWidget], before: float) -> None:
    """Bring the fonts, bounds and icons of widgets that were made at another factor to the present one."""
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
        set_font(widget, QFont())  # the program's, which no widget under a style sheet takes from its parent


def set_font(widget: QWidget, font: QFont) -> None:
    """Give a widget a font for good, also one that a style sheet has been put on."""
    widget.setFont(font)
    if widget.property(QT_KEEPS) is not None:
        widget.setProperty(QT_KEEPS, font)


def _resize_bounds(widget: QWidget, kept: dict[str, list[float]], before: float) -> None:
    if isinstance(widget, QMainWindow) or isinstance(widget.parentWidget(), QSplitter):
        return  # the screen does not grow with the text, and the window's columns know their bounds
    if isinstance(widget, QScrollBar) or widget.objectName().startswith("qt_scrollarea"):
        return  # whose bounds are the style sheet's
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
    """A size at the present factor; one that was changed since it was last seen is taken as it is."""
    base, shown = kept.get(name, (0.0, -1.0))
    if shown != value:
        base = value / before
    result = math.ceil(base * factor() - 1e-6)
    kept[name] = [base, float(result)]
    return result
