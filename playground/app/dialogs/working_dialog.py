"""A dialog whose work runs in a thread."""

import functools

from PySide6.QtGui import QCloseEvent

from playground.app.widgets.dialog import Dialog
from playground.app.workers.jobs import Jobs


class WorkingDialog(Dialog):
    """Its :attr:`jobs` end at their next step when it is closed, by Escape too."""

    @functools.cached_property
    def jobs(self) -> Jobs:
        return Jobs(self)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.jobs.interrupt()
        event.accept()

    def reject(self) -> None:
        """Close on Escape as on the close button."""
        self.close()

    def shutdown(self, seconds: float) -> bool:
        return self.jobs.shutdown(seconds)
