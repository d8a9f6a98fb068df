"""Small text below or beside a control, what a control is for, and the buttons and number boxes of dialogs."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtWidgets import QDoubleSpinBox, QLabel, QPushButton, QSpinBox, QWidget

from playground.app.style.text_size import px
from playground.app.style.theme import set_role
from playground.app.style.wrapping import wrapped

Widget = TypeVar("Widget", bound=QWidget)
Box = TypeVar("Box", QSpinBox, QDoubleSpinBox)


def text_line(text: str = "", role: str = "caption") -> QLabel:
    """A line of text in a role of the style sheet."""
    label = QLabel(text)
    set_role(label, role)
    return label


def caption(text: str = "") -> QLabel:
    """Small text that takes as many lines as it needs."""
    label = text_line(text)
    label.setWordWrap(True)
    return label


def show_text(label: QLabel, text: str) -> None:
    """Give a label a text; without one it takes no room."""
    label.setText(text)
    label.setVisible(bool(text))


def named(widget: Widget, name: str, tip: str) -> Widget:
    """The widget with its name for screen readers and its tooltip, in plain text."""
    widget.setAccessibleName(name)
    widget.setToolTip(wrapped(tip))
    return widget


def button(title: str, tip: str, act: Callable[[], object], name: str = "", spoken: str = "") -> QPushButton:
    """A button, by its title with the key after &, its tooltip, function and object name. Return does not press it in a
    dialog: that key belongs to the field or the table that has the focus.

    Args:
        spoken: the name for screen readers; by default the title.
    """
    made = QPushButton(title)
    made.setObjectName(name)
    named(made, spoken, tip)
    made.setAutoDefault(False)
    made.clicked.connect(lambda: act())
    return made


def number_box(box: Box, low: int, high: int, value: float, name: str, tip: str) -> Box:
    """A box of a number between two bounds, with its name for screen readers and its tooltip."""
    box.setRange(low, high)
    box.setValue(value)  # type: ignore[arg-type]  # whole for whole numbers
    box.setMinimumHeight(px(26))
    box.lineEdit().setTextMargins(6, 0, 6, 0)  # the style sheet's padding is outside the text
    return named(box, name, tip)
