"""The roles of painted widgets for assistive technology, which Qt cannot know by itself."""

from typing import Protocol, runtime_checkable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget


@runtime_checkable
class WithRole(Protocol):
    """A widget that paints itself and is none of Qt's own controls."""

    accessible_role: QAccessible.Role


def install() -> None:
    """Make Qt ask for these roles. Further calls change nothing."""
    QAccessible.installFactory(_interface)


def _interface(name: str, thing: QObject) -> QAccessibleInterface | None:
    """The accessible interface of a widget with its own role; Qt's interface for other widgets."""
    if isinstance(thing, QWidget) and isinstance(thing, WithRole):
        return QAccessibleWidget(thing, thing.accessible_role, "")
    return None
