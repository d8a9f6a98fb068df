"""A dialog whose work runs in a thread."""

from collections.abc import Callable, Iterator

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QWidget

from playground.app.workers.worker import Worker


class WorkingDialog(QDialog):
    """Runs one iterator in a thread and checks for its results by a timer. Closing asks the thread to end.

    Args:
        interval: ms between two calls of :meth:`_look`.
    """

    def __init__(self, interval: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._worker: Worker[None] | None = None
        self._timer = QTimer(self, interval=interval)
        self._timer.timeout.connect(self._look)

    def _work(self, make: Callable[[], Iterator[None]], name: str) -> None:
        """Drive the iterator that `make` returns in a thread of this name."""
        self._worker = Worker(make, name)
        self._worker.start()
        self._timer.start()

    @Slot()
    def _look(self) -> None:
        """Show the results so far. When the thread has finished, call :meth:`_stop`."""
        raise NotImplementedError

    def _stop(self) -> None:
        """Stop checking, and forget the thread."""
        self._timer.stop()
        self._worker = None

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._worker is not None:
            self._worker.requestInterruption()
        event.accept()

    def shutdown(self, seconds: float) -> bool:
        """End the thread, when quitting.

        Returns:
            Whether it ended in time.
        """
        worker = self._worker
        self._stop()
        return worker is None or worker.stop(seconds)
