"""A dialog whose work runs in a thread."""

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QWidget

from playground.app.workers.jobs import Jobs


class WorkingDialog(QDialog):
    """Its :attr:`jobs` end at their next step when it is closed, by Escape too."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.jobs = Jobs(self)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.jobs.interrupt()
        event.accept()

    def reject(self) -> None:
        """Close on Escape as on the close button."""
        self.close()

    def shutdown(self, seconds: float) -> bool:
        """End the threads, when quitting.

        Returns:
            Whether they ended in time.
        """
        return self.jobs.shutdown(seconds)
