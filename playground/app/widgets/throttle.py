"""Keeps what is asked for with every frame from being done more often than it can be seen."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot


class Throttle(QTimer):
    """Calls a function when it is asked to, but only once in an interval; the last request is never lost.

    Args:
        interval: ms between two calls.
        act: the function.
    """

    def __init__(self, interval: int, act: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent, singleShot=True, interval=interval)
        self._act, self._asked = act, False
        self.timeout.connect(self._call)

    @Slot()
    def ask(self) -> None:
        """Call the function now, or at the end of the interval that runs."""
        self._asked = True
        if not self.isActive():
            self._call()

    @Slot()
    def _call(self) -> None:
        if self._asked:
            self._asked = False
            self.start()
            self._act()
