"""Widgets in a row or in a column, in one call."""

import itertools
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

Part = QWidget | QLayout | tuple[QWidget | QLayout, int] | None
"""What is laid out, with its stretch if that is not 0; None for room that grows."""
Margins = int | tuple[int, int, int, int]
DEFAULT = -1  # Qt's own spacing or margin
Layout = TypeVar("Layout", bound=QBoxLayout)
Area = TypeVar("Area", bound=QScrollArea)


def across(
    *parts: Part, within: QWidget | None = None, spacing: int = DEFAULT, margins: Margins = DEFAULT
) -> QHBoxLayout:
    """Parts beside each other.

    Args:
        within: the widget that they fill; None for a part of another layout.
        spacing: px between two parts.
        margins: px around all; the same at each side, or left, top, right and bottom.
    """
    return _filled(QHBoxLayout(), parts, within, spacing, margins)


def down(
    *parts: Part, within: QWidget | None = None, spacing: int = DEFAULT, margins: Margins = DEFAULT
) -> QVBoxLayout:
    """Parts below each other; see :func:`across`."""
    return _filled(QVBoxLayout(), parts, within, spacing, margins)


def add(layout: QBoxLayout, *parts: Part) -> None:
    """Add parts at the end."""
    for part in parts:
        inside, stretch = part if isinstance(part, tuple) else (part, 0)
        if inside is None:
            layout.addStretch(1)
        elif isinstance(inside, QWidget):
            layout.addWidget(inside, stretch)
        else:
            layout.addLayout(inside, stretch)


def turn(layout: QBoxLayout, across: bool) -> None:
    """Put the parts of a layout beside each other, or below each other."""
    layout.setDirection(QBoxLayout.Direction.LeftToRight if across else QBoxLayout.Direction.TopToBottom)


def tab_through(*widgets: QWidget) -> None:
    """Let Tab go from each widget to the next one. Of one that was made later it would be the last of the window."""
    for one, other in itertools.pairwise(widgets):
        QWidget.setTabOrder(one, other)


def grow_across(widget: QWidget) -> None:
    """Give a widget all the width that there is, and the height that it asks for."""
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


def keep_room(widget: QWidget) -> None:
    """Keep the room of a widget while it is hidden, so that nothing moves when it comes."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def scrolled(inside: QWidget, area: Area, across: bool = False) -> Area:
    """An area without a frame in which a widget scrolls down, and across too if asked; Tab goes to what is in it."""
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if not across:
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def _filled(layout: Layout, parts: tuple[Part, ...], within: QWidget | None, spacing: int, margins: Margins) -> Layout:
    if within is not None:
        within.setLayout(layout)
    layout.setSpacing(spacing)
    layout.setContentsMargins(*(margins if isinstance(margins, tuple) else 4 * (margins,)))
    add(layout, *parts)
    return layout
