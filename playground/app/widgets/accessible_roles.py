"""What assistive technology takes the painted widgets for: each names its role, which Qt cannot guess."""

from typing import Protocol, runtime_checkable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget


@runtime_checkable
class WithRole(Protocol):
    """A widget that paints itself and is no kind of Qt's own controls."""

    accessible_role: QAccessible.Role


def install() -> None:
    """Have Qt ask for these roles; once is enough, and again does no harm."""
    QAccessible.installFactory(_interface)


def _interface(name: str, thing: QObject) -> QAccessibleInterface | None:
    """The interface of a widget with a role of its own; of others Qt's."""
    if isinstance(thing, QWidget) and isinstance(thing, WithRole):
        return QAccessibleWidget(thing, thing.accessible_role, "")
    return None
