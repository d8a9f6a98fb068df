"""The roles and values of painted widgets for assistive technology, which Qt cannot know by itself, and what is read out."""

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget


class PaintedWidget(QAccessibleWidget):
    """Says what a widget is, and what is written in it: its `accessible_value()` when it is asked for, if it has one."""

    def text(self, part: QAccessible.Text) -> str:
        value = getattr(self.object(), "accessible_value", None)
        if part == QAccessible.Text.Value and value is not None:
            return str(value())
        return str(super().text(part))


def announce(widget: QWidget, said: str) -> None:
    """Have a sentence read out, of a widget that shows it."""
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, said))


def install() -> None:
    """Make Qt ask for these roles. Further calls change nothing."""
    QAccessible.installFactory(_interface)


def _interface(name: str, thing: QObject) -> QAccessibleInterface | None:
    """The accessible interface of a widget that paints itself and has an `accessible_role`; Qt's interface for others."""
    role = getattr(thing, "accessible_role", None)
    return PaintedWidget(thing, role, "") if isinstance(thing, QWidget) and role is not None else None
