"""Help > Self-test: the table of claims, which a thread measures one by one."""

from collections.abc import Iterator

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from playground.app.dialogs.claim_table import ClaimTable
from playground.app.dialogs.working_dialog import WorkingDialog
from playground.app.model import errors
from playground.app.style.theme import UNIT, set_role
from playground.drawing.selftest import CHECKS
from playground.lab.selftest import Row, selftest

LOOK = 50  # ms between two checks for results


class SelftestDialog(WorkingDialog):
    """The table of claims. The window stays usable; Cancel and closing stop the test within a second."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(LOOK, parent)
        self.setObjectName("selftestDialog")
        self.setWindowTitle("Self-test")
        self.rows: list[Row] = []  # grows in the thread
        self._shown = 0

        self.table = ClaimTable("Claims of the theory, what was measured and its bound")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the self-test")
        self.status = QLabel("")
        set_role(self.status, "caption")
        self.again = QPushButton("&Run again")
        self.again.setObjectName("startSelftest")
        self.again.clicked.connect(self.start)
        self.cancel_button = QPushButton("&Cancel")
        self.cancel_button.setObjectName("cancelSelftest")
        self.cancel_button.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self.status, 1)
        buttons.addWidget(self.again)
        buttons.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        layout.setSpacing(UNIT)
        layout.addWidget(self.table)
        layout.addWidget(self.bar)
        layout.addLayout(buttons)
        self.resize(940, 620)

    @property
    def running(self) -> bool:
        return self._worker is not None

    @Slot()
    def start(self) -> None:
        """Begin with the first claim, unless it runs already."""
        if self.running:
            return
        self.rows = rows = []
        self._shown = 0
        self.table.clear()
        self.bar.setRange(0, len(CHECKS))

        def measure() -> Iterator[None]:
            for row in selftest(CHECKS):
                rows.append(row)
                yield

        self._work(measure, "selftest")
        self._say()

    def reject(self) -> None:
        """Cancel: the test if it runs, otherwise the dialog."""
        if self._worker is not None:
            self._worker.requestInterruption()
            self.status.setText("Stopping…")
        else:
            super().reject()

    @Slot()
    def _look(self) -> None:
        worker = self._worker
        if worker is None:
            return
        ended = worker.isFinished()  # checked first, so that no row can follow it
        self._add_rows()
        if ended:
            worker.wait()
            self._stop()
            if worker.error is not None:
                errors.report(worker.error, "the self-test broke off")
        if ended or not worker.isInterruptionRequested():
            self._say()

    def _add_rows(self) -> None:
        for row in self.rows[self._shown :]:
            self.table.add(row)
            self._shown += 1
        self.bar.setValue(self._shown)

    def _say(self) -> None:
        rows = self.rows[: self._shown]
        failed = sum(not row.passed for row in rows)
        if self.running:
            text = f"{len(rows)} of {len(CHECKS)} claims measured"
        elif len(rows) < len(CHECKS):
            text = f"Cancelled after {len(rows)} of {len(CHECKS)} claims"
        else:
            text = f"{len(rows) - failed} of {len(rows)} claims hold"
        if failed and (self.running or len(rows) < len(CHECKS)):
            text += f", {failed} do not hold"
        self.status.setText(text)
        self.bar.setValue(self._shown)
        self.again.setEnabled(not self.running)
        self.cancel_button.setText("&Cancel" if self.running else "&Close")
