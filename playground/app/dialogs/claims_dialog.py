"""A dialog with a table of claims, which a thread measures one by one."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QWidget

from playground.app.dialogs.claim_table import ClaimTable
from playground.app.dialogs.working_dialog import WorkingDialog
from playground.app.style.theme import set_role
from playground.lab.selftest import Row

LOOK = 50  # ms between two checks for results


class ClaimsDialog(WorkingDialog):
    """The table, the progress and the button of the self-test and of an audit; subclasses lay them out.

    Args:
        about: the table's accessible name.
        empty: the sentence that the empty table shows.

    Attributes:
        rows: what was measured; grows in the thread.
    """

    def __init__(self, about: str, parent: QWidget | None = None, empty: str = "") -> None:
        super().__init__(LOOK, parent)
        self.rows: list[Row] = []
        self._count, self._shown = 0, 0
        self.table = ClaimTable(about, empty)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.status = QLabel("")
        set_role(self.status, "caption")
        self.cancel_button = QPushButton("&Close")
        self.cancel_button.clicked.connect(self.reject)

    @property
    def running(self) -> bool:
        return self._worker is not None

    def reject(self) -> None:
        """Cancel: the work if it runs, otherwise the dialog."""
        if self._worker is not None:
            self._worker.requestInterruption()
            self.status.setText("Stopping…")
        else:
            super().reject()

    def _begin(self, count: int) -> list[Row]:
        """Forget the rows that were measured before; return the list for the new ones.

        Args:
            count: the number of claims; 0 if it is not known yet.
        """
        self.rows, self._count, self._shown = [], count, 0
        self.table.clear()
        self.bar.setRange(0, count)
        self.bar.setValue(0)
        return self.rows

    @Slot()
    def _look(self) -> None:
        worker = self._worker
        if worker is None:
            return
        ended = worker.isFinished()  # checked first, so that no row can follow it
        for row in self.rows[self._shown :]:
            self.table.add(row)
            self._shown += 1
        if self._count:
            self.bar.setRange(0, self._count)
            self.bar.setValue(self._shown)
        if ended:
            worker.wait()
            self._stop()
            self._ended(worker.error)
        if ended or not worker.isInterruptionRequested():
            self._say()

    def _ended(self, error: BaseException | None) -> None:
        """Show what there is at the end, or that an error broke the work off."""
        raise NotImplementedError

    def _say(self) -> None:
        """Say how far it is, and what can be pressed now."""
        raise NotImplementedError
