"""Timers of Qt with what they call."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer


def timer(parent: QObject, slot: Callable[[], object], **options: Any) -> QTimer:
    """A timer that calls a slot once it is started.

    Args:
        options: properties of QTimer, as its `interval` in ms.
    """
    made = QTimer(parent, **options)
    made.timeout.connect(slot)
    return made
