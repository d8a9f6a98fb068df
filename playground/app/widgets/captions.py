"""Small text below or beside a control, what a control is for, and the buttons of dialogs."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from playground.app.style.theme import set_role
from playground.app.style.wrapping import wrapped

Widget = TypeVar("Widget", bound=QWidget)


def caption(text: str = "", parent: QWidget | None = None) -> QLabel:
    """Small text that takes as many lines as it needs."""
    label = QLabel(text, parent, wordWrap=True)
    set_role(label, "caption")
    return label


def named(widget: Widget, name: str, tip: str) -> Widget:
    """The widget with its name for screen readers and its tooltip, in plain text."""
    widget.setAccessibleName(name)
    widget.setToolTip(wrapped(tip))
    return widget


def button(title: str, tip: str, act: Callable[[], object], name: str = "") -> QPushButton:
    """A button of a dialog, by its title with the key after &, its tooltip, function and object name. Return does not press
    it: that key belongs to the field or the table that has the focus.
    """
    made = QPushButton(title)
    made.setObjectName(name)
    made.setToolTip(wrapped(tip))
    made.setAutoDefault(False)
    made.clicked.connect(lambda: act())
    return made
