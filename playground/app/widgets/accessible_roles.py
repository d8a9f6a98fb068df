"""The roles and values of painted widgets for assistive technology, which Qt cannot know by itself."""

from typing import Protocol, runtime_checkable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget


@runtime_checkable
class WithRole(Protocol):
    """A widget that paints itself and is none of Qt's own controls."""

    accessible_role: QAccessible.Role


@runtime_checkable
class WithValue(Protocol):
    """Such a widget whose painted text is read too."""

    def accessible_value(self) -> str:
        """The text, at the moment when it is asked for."""
        ...


class PaintedWidget(QAccessibleWidget):
    """Says what a widget is, and what is written in it."""

    def text(self, part: QAccessible.Text) -> str:
        widget = self.object()
        if part == QAccessible.Text.Value and isinstance(widget, WithValue):
            return widget.accessible_value()
        return str(super().text(part))


def install() -> None:
    """Make Qt ask for these roles. Further calls change nothing."""
    QAccessible.installFactory(_interface)


def _interface(name: str, thing: QObject) -> QAccessibleInterface | None:
    """The accessible interface of a widget with its own role; Qt's interface for other widgets."""
    if isinstance(thing, QWidget) and isinstance(thing, WithRole):
        return PaintedWidget(thing, thing.accessible_role, "")
    return None
